# SPDX-License-Identifier: Apache-2.0
"""Ages and survival: scores by definition, controls beside, the test opened last."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from precordia.benchmarking.bootstrap import draw_patients
from precordia.benchmarking.classification_options import ClassificationOptions
from precordia.benchmarking.cohort import Cohort
from precordia.benchmarking.concordance import concordance
from precordia.benchmarking.networks import find_network
from precordia.benchmarking.number_metrics import number_scores
from precordia.benchmarking.outcome_cohorts import age_cohort, survival_cohort
from precordia.benchmarking.outcomes import MEAN_OF_TRAINING, benchmark_outcome
from precordia.benchmarking.protocol_tasks import DONE, NOT_HERE, benchmark_protocol
from precordia.benchmarking.result_tables import table_as_text
from precordia.core.errors import FormatError, OptionError, SignalError
from precordia.core.record import Record
from precordia.datasets.dataset import load_dataset


def _pairs(risk, time, event):
    """Harrell's index, pair by pair."""
    good = all_of = 0.0
    for i in range(len(risk)):
        for j in range(len(risk)):
            earlier = time[i] < time[j] or (time[i] == time[j] and not event[j])
            if i == j or not event[i] or not earlier:
                continue
            all_of += 1
            good += 1.0 if risk[i] > risk[j] else 0.5 if risk[i] == risk[j] else 0.0
    return good / all_of


@pytest.mark.parametrize("seed", range(4))
def test_concordance_counts_pairs_with_ties_of_risks_and_of_times(seed):
    rng = np.random.default_rng(seed)
    risk, time = rng.integers(0, 6, 50).astype(float), rng.integers(0, 9, 50).astype(float)
    event = rng.random(50) < 0.6
    assert concordance(risk, time, event)[0] == pytest.approx(_pairs(risk, time, event))


#: of records that the test draws by the same seed, by scikit-survival 0.28.0:
#: ``concordance_index_censored(event, time, risk)[0]``; 69 to 91 pairs of equal risk, 26 to 41 of
#: equal time
_SCIKIT_SURVIVAL = (0.5012391573729864, 0.5599369085173501, 0.5036463081130356, 0.5641399416909622)


@pytest.mark.parametrize(("seed", "expected"), list(enumerate(_SCIKIT_SURVIVAL)))
def test_concordance_agrees_with_scikit_survival(seed, expected):
    rng = np.random.default_rng(seed)
    risk, time = rng.integers(0, 12, 60).astype(float), rng.integers(0, 30, 60).astype(float)
    event = rng.random(60) < 0.6
    assert concordance(risk, time, event)[0] == pytest.approx(expected, abs=1e-12)


def test_concordance_of_a_draw_is_that_of_the_records_repeated(monkeypatch):
    rng = np.random.default_rng(7)
    risk, time = rng.normal(size=30), rng.integers(0, 12, 30).astype(float)
    event = rng.random(30) < 0.5
    weights = draw_patients([str(k // 2) for k in range(30)], draws=5)
    whole = concordance(risk, time, event, weights)
    for drawn, found in zip(weights, whole, strict=True):
        rows = np.repeat(np.arange(30), drawn)
        assert found == pytest.approx(_pairs(risk[rows], time[rows], event[rows]))
    monkeypatch.setattr("precordia.benchmarking.concordance._PAIRS", 60)
    assert np.allclose(concordance(risk, time, event, weights), whole)


def test_concordance_knows_its_ends_and_refuses_unequal_lengths():
    time = np.arange(10.0)
    assert concordance(-time, time, np.ones(10, bool))[0] == 1
    assert concordance(time, time, np.ones(10, bool))[0] == 0
    assert concordance(np.zeros(10), time, np.ones(10, bool))[0] == 0.5
    assert math.isnan(concordance(time, time, np.zeros(10, bool))[0])
    with pytest.raises(SignalError, match="one of each for every record"):
        concordance(time, time[:5], np.ones(10, bool))


def test_numbers_agree_with_their_definitions_in_every_draw():
    sklearn = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    truth = rng.normal(60, 15, 40)
    said = truth + rng.normal(3, 10, 40)
    weights = draw_patients([str(k // 3) for k in range(40)], draws=4)
    found = number_scores(said, truth, weights)
    for k, drawn in enumerate(weights):
        rows = np.repeat(np.arange(40), drawn)
        assert found["r2"][k] == pytest.approx(sklearn.r2_score(truth[rows], said[rows]))
        error = sklearn.mean_absolute_error(truth[rows], said[rows])
        assert found["mean_absolute_error"][k] == pytest.approx(error)
        assert found["correlation"][k] == pytest.approx(np.corrcoef(truth[rows], said[rows])[0, 1])
    assert math.isnan(number_scores(np.zeros(5), truth[:5])["correlation"][0])
    assert math.isnan(number_scores(truth[:5], np.ones(5))["r2"][0])


@pytest.fixture(scope="module")
def simulated():
    """Records whose amplitude falls with age, and follow-ups that end sooner with it."""
    rng = np.random.default_rng(3)
    n = 150
    ages = rng.uniform(20, 90, n)
    wave = np.sin(np.arange(250) / 8)

    def read(k):
        signal = np.tile(wave * (0.9 - ages[k] / 150), (12, 1)) + 0.01 * np.random.default_rng(
            k
        ).normal(size=(12, 250))
        return Record(signal=signal.astype(np.float32), fs=100, leads=_LEADS)

    cohort = Cohort(
        database="code15", task="diagnoses", classes=("AF",), read=read, ages=ages,
        names=tuple(f"r{k}" for k in range(n)), patients=tuple(f"p{k // 2}" for k in range(n)),
        targets=np.zeros((n, 1)),
    )  # fmt: skip
    event, seen = rng.exponential(20 * np.exp((55 - ages) / 12)), rng.uniform(5, 40, n)
    numbers = np.stack([np.minimum(event, seen), event <= seen], axis=1)
    followed = dataclasses.replace(
        cohort, task="survival", classes=(), targets=np.zeros((n, 0)), numbers=numbers
    )
    return age_cohort(cohort), followed


_LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


def _options(**changes):
    spec = dataclasses.replace(find_network("resnet1d").spec, fs=100.0, seconds=2.5)
    said = {
        "models": ("resnet1d",), "model_options": {"width": 8}, "spec": spec, "draws": 200,
    }  # fmt: skip
    return ClassificationOptions(**{**said, **changes})


def test_an_age_that_shows_in_the_signal_is_found_and_its_control_does_not_see_it(
    simulated, tmp_path
):
    rows = benchmark_outcome(simulated[0], tmp_path, _options())
    r2 = {row.model: row for row in rows if row.metric == "r2"}
    assert set(r2) == {"resnet1d, random weights", MEAN_OF_TRAINING}
    seen, blind = r2["resnet1d, random weights"], r2[MEAN_OF_TRAINING]
    assert seen.low > 0.5
    assert blind.value <= 0
    assert (seen.task, seen.database, seen.mode) == ("age", "code15", "linear")
    assert seen.low < seen.value < seen.high
    assert seen.n_patients < seen.n_records
    assert "ridge penalty" in seen.note
    error = {row.model: row.value for row in rows if row.metric == "mean_absolute_error"}
    assert error["resnet1d, random weights"] < error[MEAN_OF_TRAINING]
    assert "R2" in table_as_text(rows)
    again = benchmark_outcome(simulated[0], tmp_path, _options())
    assert [r.to_json() for r in again] == [r.to_json() for r in rows]


def test_survival_is_scored_beside_age_and_sex(simulated, tmp_path):
    rows = benchmark_outcome(simulated[1], tmp_path, _options(labels=("100%", "50%")))
    found = {(row.model, row.labels): row for row in rows if row.metric == "concordance"}
    assert {model for model, _ in found} == {"resnet1d, random weights", "age-sex"}
    for row in found.values():
        assert 0.6 < row.value <= row.high <= 1
        assert 0 < row.n_positive < row.n_records
        assert "Breslow" in row.note
    halves = found["age-sex", "50%"].n_labelled, found["age-sex", "100%"].n_labelled
    assert 0.4 < halves[0] / halves[1] < 0.6


def test_other_modes_and_cohorts_with_classes_are_refused(simulated, tmp_path):
    with pytest.raises(OptionError, match="mode linear; finetune was asked for"):
        benchmark_outcome(simulated[0], tmp_path, _options(modes=("finetune",)))
    classes = dataclasses.replace(simulated[0], task="diagnoses")
    with pytest.raises(OptionError, match="age_cohort or survival_cohort"):
        benchmark_outcome(classes, tmp_path, _options())
    ageless = dataclasses.replace(simulated[0], ages=np.full(len(simulated[0]), np.nan))
    with pytest.raises(FormatError, match="no record of code15 has age_years"):
        age_cohort(ageless)


def test_labels_and_numbers_both_change_the_hash_of_the_data(simulated):
    one = simulated[0]
    other = dataclasses.replace(one, numbers=one.numbers + 1)
    assert one.fingerprint != other.fingerprint
    assert one.part([2, 5]).numbers.tolist() == one.numbers[[2, 5]].tolist()


@pytest.fixture
def code15(tmp_path):
    """Exams in the form in which CODE-15 % is published; follow-up of first exams alone."""
    h5py = pytest.importorskip("h5py")
    rng = np.random.default_rng(0)
    folder = tmp_path / "code15"
    folder.mkdir()
    n = 60
    lines = [
        "exam_id,age,is_male,nn_predicted_age,1dAVb,RBBB,LBBB,SB,ST,AF,patient_id,death,timey,"
        "normal_ecg,trace_file"
    ]
    for k in range(1, n + 1):
        followed = f"{k % 3 == 0},{rng.uniform(0, 5):.3f}" if k <= 50 else ","
        lines.append(
            f"{k},{20 + k},{k % 2 == 0},50,False,False,False,False,False,False,{k % 50},{followed},"
            "True,exams_part0.hdf5"
        )
    (folder / "exams.csv").write_text("\n".join(lines) + "\n")
    with h5py.File(folder / "exams_part0.hdf5", "w") as file:
        file["exam_id"] = np.arange(1, n + 2) % (n + 1)
        file["tracings"] = rng.normal(size=(n + 1, 4096, 12)).astype(np.float32)
    return folder


def test_follow_ups_are_read_from_the_table_and_first_exams_alone_have_one(code15):
    cohort = survival_cohort(load_dataset("code15", code15))
    assert len(cohort) == 50
    assert cohort.numbers[:, 1].sum() == 16
    assert (cohort.numbers[:, 0] < 5).all()
    assert any("10 of 60 records" in remark.text for remark in cohort.remarks)


def test_the_protocol_runs_age_and_survival_and_says_what_is_not_here(code15, tmp_path):
    options = ClassificationOptions(baselines=("age-sex",), draws=50)
    done = benchmark_protocol("benchecg", [f"code15={code15}"], tmp_path / "r", options)
    states = {state.task: state.state for state in done.states}
    assert (states["age"], states["survival"]) == (DONE, DONE)
    assert set(states.values()) == {DONE, NOT_HERE}
    assert {(row.task, row.model) for row in done.rows} == {
        ("age", MEAN_OF_TRAINING), ("survival", "age-sex"),
    }  # fmt: skip
