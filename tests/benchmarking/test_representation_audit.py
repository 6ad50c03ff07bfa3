# SPDX-License-Identifier: Apache-2.0
"""The audit of embeddings: what is known of made-up embeddings comes out of it."""

import numpy as np
import pytest

from precordia.benchmarking.embedding_picture import picture_embeddings, project, save_maps
from precordia.benchmarking.representation_audit import RANDOM, Audited, audit_representation
from precordia.core.errors import OptionError, OutputError

N = 360


def records(sites=()):
    rng = np.random.default_rng(3)
    rows = np.arange(N)
    return Audited(
        database="made up",
        classes=("AFIB", "LVH", "rare"),
        labels=np.column_stack([rng.random(N) < 0.5, rng.random(N) < 0.3, rows % 100 == 0]),
        patients=tuple(f"p{k // 2}" for k in rows),
        train=rows[:160],
        validation=rows[160:240],
        test=rows[240:],
        sites=sites,
    )


@pytest.fixture(scope="module")
def scores():
    rng = np.random.default_rng(4)
    held = records(sites=tuple("AB"[k % 2] for k in range(N)))
    told = rng.standard_normal((N, 12)) * 0.4
    told[:, 0] += 2 * held.labels[:, 0]
    told[:, 1] += np.arange(N) % 2
    return audit_representation(
        {"told": told, "turned": told[:, ::-1] * 3}, held, shares=(1.0,), draws=30
    )


def value(scores, metric, subject="AFIB", method="told"):
    return scores.find(metric, subject=subject, method=method).value


def test_a_class_that_is_in_the_embedding_is_found(scores):
    assert value(scores, "auroc, 100 % of labels") > 0.99
    assert value(scores, "neighbour purity") > 0.8
    assert value(scores, "silhouette") > value(scores, "silhouette", "LVH")


def test_a_class_that_is_not_there_is_chance(scores):
    found = scores.find("auroc, 100 % of labels", subject="LVH", method="told")
    assert found.low < 0.5 < found.high


def test_the_control_knows_nothing(scores):
    found = scores.find("auroc, 100 % of labels", subject="AFIB", method=RANDOM)
    assert found.low < 0.5 < found.high
    purity = scores.find("neighbour purity", subject="AFIB", method=RANDOM)
    assert purity.value == pytest.approx(0.5, abs=0.1)


def test_a_head_on_one_dimension_rests_on_few(scores):
    assert value(scores, "dimensions for 90 % of importance") < 0.6
    rank = scores.find("effective rank", subject="embedding", method="told")
    assert 6 < rank.value < 12
    assert rank.low < rank.value < rank.high


def test_turning_and_scaling_changes_no_likeness(scores):
    assert scores.find("linear CKA", method="told and turned").value == pytest.approx(1)
    assert abs(scores.find("linear CKA", method=f"told and {RANDOM}").value) < 0.1


def test_sites_in_the_embedding_are_told_apart(scores):
    assert value(scores, "auroc of the site", "A") > 0.85
    assert value(scores, "auroc of the site", "A", RANDOM) < 0.65


def test_classes_with_few_records_are_not_scored(scores):
    assert not [s for s in scores if s.subject == "rare"]


def test_a_patient_in_two_parts_is_refused():
    rows = np.arange(4)
    with pytest.raises(OptionError, match="two parts"):
        Audited(
            database="made up", classes=("a",), labels=np.ones((4, 1), bool), patients=("a",) * 4,
            train=rows[:1], validation=rows[1:2], test=rows[2:],
        )  # fmt: skip


def test_embeddings_of_other_records_are_refused():
    with pytest.raises(OptionError, match="one row each"):
        audit_representation({"short": np.zeros((5, 3))}, records())


def test_the_plain_map_is_the_first_two_principal_components():
    decomposition = pytest.importorskip("sklearn.decomposition")
    points = np.random.default_rng(0).standard_normal((50, 6)) * [5, 3, 1, 1, 1, 1]
    expected = decomposition.PCA(2).fit_transform(points)
    assert np.abs(project(points, method="pca")) == pytest.approx(np.abs(expected))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_umap_keeps_clusters_apart_and_repeats_itself():
    pytest.importorskip("umap")
    points = np.random.default_rng(0).standard_normal((90, 8)) * 0.1
    points[:45, 0] += 4
    flat = project(points)
    assert (flat == project(points)).all()
    apart = np.linalg.norm(flat[:45].mean(axis=0) - flat[45:].mean(axis=0))
    assert apart > 3 * max(flat[:45].std(), flat[45:].std()) / 2


def test_the_picture_names_groups_method_and_trust():
    points = np.random.default_rng(0).standard_normal((40, 4))
    groups = ["a"] * 30 + ["b"] * 10
    figure = picture_embeddings({"one": points, "other": points}, groups, method="pca")
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["a (30)", "b (10)"]
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["one", "other"]
    assert all("trustworthiness 0." in axes.get_xlabel() for axes in figure.axes)
    assert "PCA of 40 records" in figure.get_suptitle()


def test_a_map_is_not_written_over_another(tmp_path):
    points = np.random.default_rng(0).standard_normal((12, 4))
    path = save_maps({"one": points}, ["a"] * 12, tmp_path / "map.svg", method="pca")
    assert "<svg" in path.read_text()
    with pytest.raises(OutputError, match="exists"):
        save_maps({"one": points}, ["a"] * 12, path, method="pca")
