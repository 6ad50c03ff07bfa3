# SPDX-License-Identifier: Apache-2.0
"""The benchmark as a user meets it, on recordings and marks that are made here."""

import json
from dataclasses import replace

import numpy as np
import pytest

from precordia.benchmarking.benchmark import benchmark
from precordia.benchmarking.protocol import Run
from precordia.benchmarking.recordings import is_ludb_training
from precordia.benchmarking.tasks import RESUBSTITUTION, TASKS
from precordia.core.errors import FormatError, OptionError, UnknownNameError
from precordia.core.record import Annotations
from precordia.core.scores import Scores
from precordia.generation.simulate import simulate
from precordia.io.wfdb_annotation import write_annotations
from precordia.io.write import write

pytestmark = pytest.mark.filterwarnings("ignore:.*has no place for")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three 'mitdb' records with true beats, one of which has a stretch of flutter."""
    root = tmp_path_factory.mktemp("recordings")
    (root / "mitdb").mkdir()
    for seed, name in enumerate(("101", "201", "202")):
        record = simulate("sinus", fs=360, seconds=30, seed=seed)
        peaks = np.rint(record.carried.fiducials.r_peak).astype(int)
        symbols = ["N"] * len(peaks)
        if name == "202":
            peaks = np.sort(np.append(peaks, [3700, 5000]))
            symbols = ["[" if p == 3700 else "]" if p == 5000 else "N" for p in peaks]
        write(record, root / "mitdb" / f"{name}.hea")
        marks = Annotations(sample=peaks, symbol=tuple(symbols))
        write_annotations(marks, root / "mitdb" / name, "atr", overwrite=True)
    return root


def test_unknown_task_names_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'rpeaks'"):
        benchmark("rpeak", data=".")


def test_unknown_method_lists_ours(folder):
    with pytest.raises(UnknownNameError, match="rules"):
        benchmark("delineation", data=folder, method="magic")


@pytest.mark.parametrize("task", ["rpeaks", "delineation", "quality"])
def test_missing_recordings_are_a_sentence(task, tmp_path):
    with pytest.raises(FormatError, match="there is no folder"):
        benchmark(task, data=tmp_path)
    for part in ("mitdb", "ludb/data", "cinc2011"):
        (tmp_path / part).mkdir(parents=True)
    with pytest.raises(FormatError, match="needed"):
        benchmark(task, data=tmp_path)


def test_no_folder_at_all_is_a_sentence(monkeypatch):
    from precordia.core.settings import settings

    monkeypatch.delenv("PRECORDIA_DATA", raising=False)
    settings.cache_clear()
    try:
        with pytest.raises(OptionError, match="--data"):
            benchmark("rpeaks")
    finally:
        settings.cache_clear()


@pytest.mark.parametrize("limit", [0, -3])
def test_a_limit_below_one_is_refused(folder, limit):
    with pytest.raises(OptionError, match="at least 1"):
        benchmark("rpeaks", data=folder, limit=limit)


def test_a_method_that_knows_the_truth_is_perfect(folder):
    made = [simulate("sinus", fs=360, seconds=30, seed=seed) for seed in range(3)]

    def oracle(record):
        nearest = min(made, key=lambda m: np.abs(m.signal[0] - record.signal[0]).sum())
        return np.rint(nearest.carried.fiducials.r_peak).astype(int)

    scores = benchmark("rpeaks", data=folder, method=oracle)
    row = scores.find("f1", subject="20 ms", method="oracle")
    assert (row.value, row.low, row.high) == (100, 100, 100)
    assert (row.task, row.database) == ("rpeaks", "mitdb")
    assert (row.n_records, row.n_patients) == (3, 2)  # 201 and 202 are one patient
    assert scores.find("median offset", subject="150 ms").value == 0


def test_limit_takes_so_many_recordings(folder):
    seen = []

    def silent(record):
        seen.append(record)
        return np.zeros(0, int)

    scores = benchmark("rpeaks", data=folder, method=silent, limit=2)
    assert len(seen) == 2
    assert scores.find("se").n_records == 2
    assert scores.find("se").value == 0
    assert np.isnan(scores.find("ppv").value)


def test_progress_sees_every_recording(folder):
    seen = []

    def watch(items, words):
        seen.append((len(items), words))
        yield from items

    benchmark("rpeaks", data=folder, limit=2, watch=watch)
    assert seen == [(2, "rpeaks: network")]


def test_training_recordings_are_told_from_others(folder):
    scores = benchmark("rpeaks", data=folder)
    notes = {s.note.split(";")[0]: s.n_records for s in scores if "card" not in s.method}
    # 202 belongs to the half of mitdb that was not trained on
    assert notes == {"training recordings: resubstitution": 2, "recordings not trained on": 1}
    assert "resubstitution" in str(scores)


def test_card_of_the_weights_stands_beside_the_measured_scores(folder):
    rows = [s for s in benchmark("rpeaks", data=folder, limit=1) if "card" in s.method]
    assert {"se", "ppv"} <= {s.metric for s in rows if s.subject == "150 ms"}
    assert all("cross-validation" in s.note for s in rows)


def test_scores_come_back_from_json(folder):
    scores = benchmark("rpeaks", data=folder, limit=1)
    again = Scores.from_json(scores.to_json())
    assert str(again) == str(scores)
    assert json.loads(scores.to_json())["task"] == "rpeaks"
    with pytest.raises(UnknownNameError):
        scores.find("accuracy")


def test_delineation_scores_bounds_of_each_lead(tmp_path):
    (tmp_path / "ludb" / "data").mkdir(parents=True)
    record = simulate("sinus", seed=4)
    write(record, tmp_path / "ludb" / "data" / "1.hea")
    truth = record.carried.fiducials
    for lead, waves in truth.leads.items():
        points = []
        for kind, symbol in (("p", "p"), ("qrs", "N"), ("t", "t")):
            peak = "r_peak" if kind == "qrs" else f"{kind}_peak"
            for at, mark in ((f"{kind}_onset", "("), (peak, symbol), (f"{kind}_offset", ")")):
                points += [(round(v), mark) for v in getattr(waves, at) if np.isfinite(v)]
        points.sort()
        marks = Annotations(
            sample=np.array([p for p, _ in points]), symbol=tuple(m for _, m in points)
        )
        write_annotations(marks, tmp_path / "ludb" / "data" / "1", lead.lower(), overwrite=True)

    def late(given):
        shifted = {n: replace(w, t_offset=w.t_offset + 10) for n, w in truth.leads.items()}
        return replace(truth, leads=shifted)

    scores = benchmark("delineation", data=tmp_path, method=late)
    assert scores.find("f1", subject="qrs_onset").value == 100
    assert scores.find("mean", subject="qrs_onset").value == pytest.approx(0, abs=1)
    assert scores.find("mean", subject="t_offset").value == pytest.approx(20, abs=1)
    assert scores.find("limit", subject="t_offset").value == 30.6
    assert "limit ms" in str(scores)


def test_ludb_records_that_no_training_saw_are_scored_apart(shared_data):
    names = {p.stem for p in (shared_data / "ludb" / "data").glob("*.hea")}
    trained = {name for name in names if is_ludb_training(name)}
    assert len(trained) == 140  # as the card says
    group = Run(method="", function=None, note=RESUBSTITUTION).apart(["1", "3"], is_ludb_training)
    assert [items for _, items in group] == [["1"], ["3"]]


def test_quality_scores_verdicts_and_baselines(tmp_path):
    (tmp_path / "cinc2011").mkdir()
    lines = ["record,quality"]
    for k in range(4):
        record = simulate("sinus", seed=k)
        good = k % 2 == 0
        signal = record.signal + np.random.default_rng(k).normal(0, 0.02, record.signal.shape)
        if not good:
            signal[3] = 0
        record = replace(record, signal=signal)
        write(record, tmp_path / "cinc2011" / f"r{k}.hea")
        lines.append(f"r{k},{'acceptable' if good else 'unacceptable'}")
    lines.append("r9,indeterminate")
    (tmp_path / "cinc2011" / "labels.csv").write_text("\n".join(lines))
    scores = benchmark("quality", data=tmp_path)
    rule = scores.find("accuracy", method="flat-lead-rule")
    assert (rule.value, rule.n_records) == (100, 4)
    assert scores.find("AUROC", method="flat-lead-rule").value == 1
    assert scores.find("accuracy", method="accept-all").value == 50
    assert scores.find("AUROC", method="accept-all").value == 0.5


def test_recordings_without_marks_are_a_sentence(tmp_path):
    (tmp_path / "mitdb").mkdir()
    write(simulate("sinus", seed=1), tmp_path / "mitdb" / "100.hea")
    with pytest.raises(FormatError, match=r"\.atr"):
        benchmark("rpeaks", data=tmp_path)


def test_every_method_of_the_tables_exists():
    from precordia.benchmarking.tasks import packaged
    from precordia.core.registry import load_object

    for task in TASKS:
        assert callable(load_object(task.protocol))
        for method in task.methods:
            assert not method.function or callable(load_object(method.function))
            if method.weights:
                assert packaged(method.weights).is_file()
                assert len(method.weights_hash()) == 12


def test_the_command_prints_one_json_object_and_says_what_is_missing(folder, tmp_path, capsys):
    from precordia.cli.main import main

    with pytest.raises(SystemExit) as leave:
        main(["benchmark", "rpeaks", "--data", str(folder), "--limit", "1", "--json"])
    assert leave.value.code == 0
    assert json.loads(capsys.readouterr().out)["task"] == "rpeaks"
    with pytest.raises(SystemExit) as leave:
        main(["benchmark", "rpeaks", "--data", str(tmp_path)])
    assert leave.value.code == 2
    assert "there is no folder" in capsys.readouterr().err
