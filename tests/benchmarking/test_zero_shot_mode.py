# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from precordia.benchmarking.classification import benchmark_classification
from precordia.benchmarking.classification_jobs import list_methods
from precordia.benchmarking.classification_options import ClassificationOptions
from precordia.benchmarking.cohort import Cohort
from precordia.benchmarking.networks import find_network
from precordia.benchmarking.zero_shot_mode import class_directions, class_texts
from precordia.core.errors import OptionError, WeightsError
from precordia.generation.simulate import simulate
from precordia.models.shipped import model_bytes

N = 36
KINDS = ("left-bundle-block", "sinus", "atrial-fibrillation")
CLASSES = ("CLBBB", "NORM", "AFIB")


@pytest.fixture(scope="module")
def cohort():
    records = [
        simulate(KINDS[k % 3], seed=k, fs=100, noise="muscle", snr_db=25.0) for k in range(N)
    ]
    return Cohort(
        database="toy",
        task="kind",
        classes=CLASSES,
        names=tuple(f"r{k}" for k in range(N)),
        patients=tuple(f"p{k}" for k in range(N)),
        folds=tuple("train" if k < 9 else "valid" if k < 18 else "test" for k in range(N)),
        published={"train": ("train",), "validation": ("valid",), "test": ("test",)},
        targets=np.eye(3)[np.arange(N) % 3],
        read=lambda k: records[k],
    )


def options(**changes):
    held = {"models": ("precordia-words",), "modes": ("zero-shot",), "min_records": 3, "draws": 50}
    return ClassificationOptions(**(held | changes))


def test_classes_are_told_by_their_words_and_not_by_random_ones(cohort, tmp_path):
    rows = benchmark_classification(cohort, tmp_path, options(n_seeds=2))
    macro = {
        row.mode: row.value
        for row in rows
        if row.metric == "macro_auroc" and row.subject == "all" and row.kind != "difference"
    }
    assert set(macro) == {"zero-shot", "zero-shot-names", "zero-shot-random"}
    assert macro["zero-shot"] > 0.8
    assert macro["zero-shot"] > macro["zero-shot-random"]
    measured = [row for row in rows if row.kind == "measured" and row.mode == "zero-shot"]
    assert {row.model for row in measured} == {"precordia-words"}
    assert len({row.run for row in measured}) == 1  # two seeds of nothing random are one run
    assert "no label" in measured[0].note


def test_names_of_a_database_become_texts():
    assert class_texts("AFIB", "name") == ("atrial fibrillation",)
    assert len(class_texts("MI", "cases")) > 5
    assert class_texts("ST segment tilted up", "cases") == ("ST segment tilted up",)
    assert class_texts("LAFB/LPFB", "name")  # a subclass of PTB-XL


def test_directions_are_of_length_one_and_random_ones_change_with_the_seed():
    held = class_directions("precordia-words", CLASSES, "zero-shot")
    np.testing.assert_allclose(np.linalg.norm(held, axis=1), 1.0, atol=1e-9)
    one, two = (
        class_directions("precordia-words", CLASSES, "zero-shot-random", seed=k) for k in (1, 2)
    )
    assert np.abs(one - two).max() > 0.01


def test_a_folder_with_a_graph_and_its_text_side_is_a_model(tmp_path):
    for ending in (".onnx", ".toml", ".npz"):
        (tmp_path / f"mine{ending}").write_bytes(model_bytes("precordia-words", ending))
    found = find_network(str(tmp_path))
    assert found.graph == str(tmp_path / "mine.onnx")
    held = class_directions(found.graph, CLASSES, "zero-shot")
    np.testing.assert_allclose(held, class_directions("precordia-words", CLASSES, "zero-shot"))


def test_a_model_without_words_is_refused(cohort, tmp_path):
    with pytest.raises(OptionError, match="text side"):
        benchmark_classification(cohort, tmp_path, options(models=("resnet1d",)))
    with pytest.raises(WeightsError, match="no text side"):
        benchmark_classification(cohort, tmp_path, options(models=("precordia-12lead",)))


def test_controls_can_be_left_out():
    assert [m.mode for m in list_methods(options(controls=False))] == ["zero-shot"]
