# SPDX-License-Identifier: Apache-2.0
"""Each of the ten tasks of BenchECG runs on a miniature of its database, laid out as published."""

import dataclasses
import importlib.util
from pathlib import Path

import numpy as np
import pytest
from torch import nn

from precordia.benchmarking.classification_options import ClassificationOptions
from precordia.benchmarking.networks import Network, find_network
from precordia.benchmarking.predictions import read_predictions
from precordia.benchmarking.protocol_tasks import DONE, NOT_HERE, REFUSED, benchmark_protocol
from precordia.benchmarking.result_tables import table_as_text
from precordia.benchmarking.rpeak_cohort import rpeak_pieces
from precordia.benchmarking.rpeak_heads import benchmark_rpeak_heads, score_hits
from precordia.datasets.aami import aami_beats
from precordia.datasets.dataset import load_dataset
from precordia.models.load_model import load_model

_SPEC = importlib.util.spec_from_file_location(
    "tiny_databases", Path(__file__).parents[1] / "datasets" / "tiny_databases.py"
)
tiny = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(tiny)

#: headline of each kind of task
_TOLD_BY = ("macro_auroc", "r2", "concordance", "f1_10ms")


def _ptbxl(folder):
    head = ["ecg_id", "patient_id", "age", "sex", "report", "scp_codes", "strat_fold"]
    rows = []
    for k in range(1, 31):
        code = ("NORM", "IMI", "LVH")[k % 3]
        low, high = (f"records{fs}/00000/{k:05d}_{end}" for fs, end in ((100, "lr"), (500, "hr")))
        tiny.write_wfdb(folder / low, fs=100, n=1000)
        rows.append((k, f"{k}.0", 50, 0, "", str({code: 100.0}), 1 + k % 10, low, high))
    tiny.write_csv(folder / "ptbxl_database.csv", [*head, "filename_lr", "filename_hr"], rows)


def _cpsc2018(folder):
    from scipy.io import savemat

    (folder / "TrainingSet1").mkdir(parents=True)
    rows = [(f"A{k:04d}", 1 + k % 3, "", "") for k in range(1, 41)]
    head = ["Recording", "First_label", "Second_label", "Third_label"]
    tiny.write_csv(folder / "REFERENCE.csv", head, rows)
    rng = np.random.default_rng(1)
    for name, *_ in rows:
        ecg = {"sex": "Female", "age": 74, "data": 0.3 * rng.normal(size=(12, 5000))}
        savemat(folder / f"TrainingSet1/{name}.mat", {"ECG": ecg})


def _write(place, microvolts, leads, fs):
    """Write given samples, a row a lead, where tiny databases hold noise."""
    samples = microvolts.T.round().astype("<i2")
    tiny.write_wfdb(place, leads=leads, fs=fs, n=len(samples))
    Path(f"{place}.dat").write_bytes(samples.tobytes())
    header = Path(f"{place}.hea")
    lines = header.read_text().splitlines()
    for column in range(len(leads)):
        cells = lines[column + 1].split()
        total = (int(samples[:, column].astype(int).sum()) + 32768) % 65536 - 32768
        cells[5:7] = str(samples[0, column]), str(total)
        lines[column + 1] = " ".join(cells)
    header.write_text("\n".join(lines) + "\n")


def _mitdb(folder, names=("101", "106", "112", "100", "103"), seconds=90):
    for seed, name in enumerate(names):
        peaks, wave = tiny.spikes(seconds * 360, 360, rate=70 + 5 * seed, seed=seed)
        _write(folder / name, np.stack([wave, -0.5 * wave]), ["MLII", "V1"], 360)
        marks = [(int(peak), "NVA"[k % 3]) for k, peak in enumerate(peaks)]
        tiny.write_marks(folder / f"{name}.atr", marks)


def _apnea_ecg(folder):
    lines = ["Record Length non-apn apnea hours AI HI AHI Age Sex height weight"]
    names = [f"{kind}{k:02d}" for kind in "abc" for k in (1, 2, 3, 4)] + ["x01", "x02"]
    for k, name in enumerate(names):
        tiny.write_wfdb(folder / name, leads=["ECG"], fs=100, n=4 * 6000)
        tiny.write_marks(folder / f"{name}.apn", [(6000 * m, "AN"[m % 2]) for m in range(4)])
        lines.append(f"{name} 4 2 2 1 1 1 1 {40 + k} M {170 + k} 80")
    (folder / "additional-information.txt").write_text("\n".join(lines) + "\n")


def _code15(folder):
    h5py = pytest.importorskip("h5py")
    rng = np.random.default_rng(0)
    folder.mkdir()
    six = ("1dAVb", "RBBB", "LBBB", "SB", "ST", "AF")
    head = ["exam_id", "age", "is_male", *six, "patient_id", "death", "timey", "trace_file"]
    rows = [
        (k, 20 + k, k % 2 == 0, *["False"] * 6, k, k % 3 == 0, f"{rng.uniform(0, 5):.3f}", "p.hdf5")
        for k in range(1, 51)
    ]
    tiny.write_csv(folder / "exams.csv", head, rows)
    with h5py.File(folder / "p.hdf5", "w") as file:
        file["exam_id"] = np.arange(1, 51)
        file["tracings"] = 0.3 * rng.normal(size=(50, 4096, 12)).astype(np.float32)


def _mimic_iv_ecg(folder):
    listed, events, diagnosed = [], [], []
    for k in range(40):
        path = f"files/p{k}/s{100 + k}/{100 + k}"
        noise = (
            np.random.default_rng(k).normal(size=(12, 5000)) * np.linspace(100, 300, 12)[:, None]
        )
        _write(folder / path, noise, tiny.STANDARD, 500)
        listed.append((k, 100 + k, 100 + k, "2180-07-23 08:00:00", path))
        for item, value in ((1, (9, 14, 18)[k % 3]), (2, (0.5, 3)[k % 2])):
            low, high = (12, 16) if item == 1 else (0.2, 1)
            events.append((k, item, "2180-07-23 08:10:00", value, low, high))
        diagnosed.append((path, 100 + k, 18 if k < 8 else 19 if k < 20 else 5, 60))
    limits = ["valuenum", "ref_range_lower", "ref_range_upper"]
    head = ["subject_id", "study_id", "file_name", "ecg_time", "path"]
    tiny.write_csv(folder / "record_list.csv", head, listed)
    tiny.write_csv(
        folder / "hosp/labevents.csv", ["subject_id", "itemid", "charttime", *limits], events
    )
    items = [(1, "Hemoglobin", "Blood"), (2, "Bilirubin, Total", "Blood")]
    tiny.write_csv(folder / "hosp/d_labitems.csv", ["itemid", "label", "fluid"], items)
    head = ["file_name", "study_id", "fold", "age"]
    tiny.write_csv(folder / "records_w_diag_icd10.csv", head, diagnosed)


_BUILDERS = {
    "ptbxl": _ptbxl, "cpsc2018": _cpsc2018, "mitdb": _mitdb, "apnea_ecg": _apnea_ecg,
    "code15": _code15, "mimic_iv_ecg": _mimic_iv_ecg,
    "exercise_ecg": tiny.build_exercise_ecg, "deepbeat": tiny.build_deepbeat,
}  # fmt: skip


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A small encoder whose weights were saved: what is tested beside random ones."""
    folder = tmp_path_factory.mktemp("weights") / "small"
    model = load_model("resnet1d", n_outputs=0, fs=100, seconds=2.5, width=8, seed=7)
    model.save_pretrained(folder, training_data=("made up",))
    return folder


@pytest.fixture(scope="module")
def done(weights, tmp_path_factory):
    place = tmp_path_factory.mktemp("benchecg")
    for name, build in _BUILDERS.items():
        build(place / name)
    options = ClassificationOptions(models=(str(weights),), draws=20, min_records=2)
    data = [f"{name}={place / name}" for name in _BUILDERS]
    return benchmark_protocol("benchecg", data, place / "results", options)


def test_all_ten_tasks_are_done(done):
    assert [state for state in done.states if state.state != DONE] == []
    assert len(done.states) == 10


@pytest.mark.parametrize(
    ("database", "task", "metric"),
    [
        ("ptbxl", "superdiagnostic", "macro_auroc"), ("cpsc2018", "diagnosis", "macro_auroc"),
        ("mitdb", "beats", "macro_auroc"), ("mitdb", "rpeaks", "f1_10ms"),
        ("exercise_ecg", "rpeaks", "f1_10ms"), ("apnea_ecg", "minutes", "macro_auroc"),
        ("code15", "age", "r2"), ("code15", "survival", "concordance"),
        ("mimic_iv_ecg", "laboratory", "macro_auroc"), ("deepbeat", "rhythm", "macro_auroc"),
    ],
)  # fmt: skip
def test_weights_and_random_ones_stand_in_one_table_on_the_same_records(
    done, database, task, metric
):
    rows = [
        row for row in done.rows
        if (row.database, row.task, row.metric, row.kind) == (database, task, metric, "measured")
        and row.mode == "linear" and row.subject == "all"
    ]  # fmt: skip
    assert {row.model for row in rows} == {"small", "resnet1d, random weights"}
    assert len({(row.split_hash, row.n_records) for row in rows}) == 1
    assert all(row.n_records > 0 for row in rows)
    assert table_as_text([row for row in done.rows if row.database == database])


def test_beats_are_found_by_a_linear_head_on_tokens(done):
    for database in ("mitdb", "exercise_ecg"):
        rows = {
            (row.metric, row.model): row
            for row in done.rows
            if (row.database, row.task) == (database, "rpeaks")
        }
        coarse, fine = rows["f1_75ms", "small"], rows["f1_10ms", "small"]
        assert 1 >= coarse.value > 0.8 > fine.value > 0.1
        assert coarse.n_positive > 20
        assert "threshold" in fine.note


class _Patches(nn.Module):
    """An encoder whose tokens are the samples themselves, 25 of lead II each."""

    token_order = "time"

    def tokens(self, x, present=None):
        return x[:, 1].reshape(len(x), -1, 25)


def test_beats_of_tokens_that_hold_the_signal_are_found_where_they_are(tmp_path, monkeypatch):
    _mitdb(tmp_path / "m", seconds=61)
    monkeypatch.setattr(Network, "load", lambda self, n_outputs, *, seed: _Patches())
    dataset = load_dataset("mitdb", tmp_path / "m")
    spec = dataclasses.replace(find_network("resnet1d").spec, fs=100.0, seconds=2.5)
    options = ClassificationOptions(models=("resnet1d",), spec=spec, draws=20, take="centre")
    rows = benchmark_rpeak_heads(rpeak_pieces(dataset, 2.5), tmp_path / "r", options)
    found = {row.metric: row.value for row in rows}
    assert found["f1_10ms"] > 0.98
    assert found["f1_75ms"] == pytest.approx(found["f1_10ms"], abs=0.02)
    counted = read_predictions(tmp_path / "r", rows[0].run)
    names, table = counted.names, counted.scores
    assert names == ("100", "103")
    for name, (hit, missed, _), (marked,) in zip(names, table, counted.targets, strict=True):
        beats = aami_beats(dataset[name].read_annotations())[0]
        assert hit + missed == marked == len(beats)
    again = benchmark_rpeak_heads(rpeak_pieces(dataset, 2.5), tmp_path / "r", options)
    assert [row.to_json() for row in again] == [row.to_json() for row in rows]


def test_rates_of_beats_are_those_of_all_recordings_together():
    counts = {10.0: np.array([[8.0, 2.0, 0.0], [0.0, 10.0, 8.0]])}
    found = {one.metric: one for one in score_hits(counts, ("a", "b"), draws=200)}
    assert found["se_10ms"].value == pytest.approx(8 / 20)
    assert found["ppv_10ms"].value == pytest.approx(8 / 16)
    assert found["f1_10ms"].value == pytest.approx(16 / 36)
    assert (found["se_10ms"].low, found["se_10ms"].high) == (0, 0.8)
    assert (found["se_10ms"].n_records, found["se_10ms"].n_positive) == (2, 20)


def test_pieces_cover_their_recording_and_samples_near_a_peak_are_marked(tmp_path):
    _mitdb(tmp_path / "m", names=("101",), seconds=11)
    pieces = rpeak_pieces(load_dataset("mitdb", tmp_path / "m"), 2.5)
    assert pieces.cohort.numbers[:, 1].tolist() == [0, 2.5, 5, 7.5, 10]
    assert pieces.cohort.numbers[:, 2].sum() == len(pieces.peaks_s[0])
    assert [pieces.cohort.record(k).n_samples for k in range(5)] == [900] * 5
    last = pieces.cohort.record(4).signal
    assert (last[:, 360:] == last[:, 359:360]).all()
    near = pieces.near_peak(pieces.cohort, 1250, 500.0, 0.005)
    at = np.arange(1250 * 5) / 500
    wanted = np.abs(at[:, None] - pieces.peaks_s[0]).min(axis=1) <= 0.005
    assert (near.ravel() == wanted).all()
    coarse = pieces.near_peak(pieces.cohort, 250, 100.0, 0.0)
    assert coarse.sum() == len(pieces.peaks_s[0])


def test_pulse_waves_of_two_rates_are_told_apart(done):
    rows = [r for r in done.rows if (r.database, r.metric) == ("deepbeat", "macro_auroc")]
    assert max(row.value for row in rows if row.kind == "measured") > 0.9
    assert any("given as lead II" in row.note for row in rows)


def test_rpeaks_need_a_model_and_other_modes_are_refused(tmp_path, weights):
    tiny.build_exercise_ecg(tmp_path / "e")
    for options, why in (
        (ClassificationOptions(baselines=("age-sex",)), "none was named"),
        (ClassificationOptions(models=(str(weights),), modes=("finetune",)), "mode linear"),
        (ClassificationOptions(models=("precordia-any-lead",)), "finished graph"),
    ):
        given = [f"exercise_ecg={tmp_path / 'e'}"]
        found = benchmark_protocol("benchecg", given, tmp_path / "r", options)
        states = {state.task: state for state in found.states}
        assert states["R-peaks under exercise"].state == REFUSED
        assert why in states["R-peaks under exercise"].reason
        assert states["blood tests"].state == NOT_HERE


def test_rpeaks_are_counted_over_recordings_and_patients(done):
    row = next(r for r in done.rows if (r.database, r.metric) == ("exercise_ecg", "se_10ms"))
    assert (row.n_records, row.n_patients) == (4, 2)
