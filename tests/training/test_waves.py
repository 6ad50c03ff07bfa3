# SPDX-License-Identifier: Apache-2.0
"""Waves from marks to windows, from windows to a model, from a model to waves."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score, jaccard_score

import precordia
from precordia.cli.main import main
from precordia.core.errors import OptionError, SignalError, UnknownNameError
from precordia.core.input_spec import InputSpec
from precordia.core.input_steps import FillGaps, Resample, Window
from precordia.core.record import Annotations, Carried
from precordia.delineation.reference_waves import Wave
from precordia.delineation.sample_waves import (
    classes_of_samples,
    runs_of_class,
    without_short_runs,
)
from precordia.generation.simulate import simulate
from precordia.io.wfdb_annotation import write_annotations
from precordia.models.load_model import load_model
from precordia.models.pretrained import from_pretrained
from precordia.training.boundary_scores import boundary_scores_with_intervals
from precordia.training.predict_waves import predict_waves
from precordia.training.sample_scores import sample_scores_with_intervals
from precordia.training.train import train
from precordia.training.usual_wave_input import usual_wave_input
from precordia.training.wave_marks import WaveMarks
from precordia.training.wave_windows import wave_windows

torch.set_num_threads(1)
NAN = float("nan")
CLASSES = ("background", "P", "QRS", "T")


def small(**training) -> dict:
    """A configuration that takes a few seconds."""
    return {
        "data": {"simulated": 16, "scenarios": ["sinus"], "task": "waves"},
        "model": {
            "name": "unet1d",
            "options": {"width": 4, "depth": 3},
            "fs": 100,
            "seconds": 2.5,
        },
        "training": {"epochs": 4, "batch_size": 12, "lr": 0.01, **training},
        "augment": [{"name": "gain"}],
    }


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return train(small(), folder=tmp_path_factory.mktemp("waves") / "here")


def test_what_nobody_marked_is_unknown_and_not_background():
    marked = [Wave("p", 5, 6, 8), Wave("qrs", 12, 13, NAN), Wave("t", 20, 22, 24)]
    said = classes_of_samples(marked, np.arange(30.0))
    assert np.isnan(said[[0, 4, 13, 19, 25, 29]]).all()
    assert said[5:13].tolist() == [1, 1, 1, 1, 0, 0, 0, 0]
    assert np.isnan(said[13:20]).all()
    assert said[20:25].tolist() == [3] * 5
    assert np.isnan(classes_of_samples([], np.arange(3.0))).all()


def test_short_stretches_are_no_waves():
    said = np.array([0, 2, 0, 1, 1, 1, 3, 3, 0])
    assert without_short_runs(said, 3).tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 0]
    assert runs_of_class(said, 3).tolist() == [[6, 7]]


@pytest.mark.parametrize(("fs", "seconds", "take"), [(250, 4, "centre"), (100, 3, "all")])
def test_labels_lie_where_the_marks_are_at_any_rate_and_in_any_window(fs, seconds, take):
    record = simulate("sinus", fs=500, seed=3)
    steps = (FillGaps(), Resample(), Window(take=take))
    spec = InputSpec(leads=("II",), fs=fs, seconds=seconds, steps=steps)
    waves = WaveMarks().of("one", record)
    held = wave_windows(record, waves, spec)
    starts = {"centre": [(10 - seconds) / 2], "all": [0, 3, 6, 7]}[take]
    assert len(held.windows) == len(starts)
    marked = [w for w in waves["II"] if w.kind == "qrs"]
    for start, labels in zip(starts, held.labels, strict=True):
        for sample in np.flatnonzero(~np.isnan(labels))[::7]:
            at = 500 * (start + sample / fs)
            inside = any(w.onset <= at <= w.offset for w in marked)
            assert (labels[sample] == 2) == inside


def test_a_window_beyond_a_short_recording_is_unknown():
    record = simulate("sinus", fs=100, seed=3)
    steps = (FillGaps(), Resample(), Window(take="first"))
    spec = InputSpec(leads=("II",), fs=100, seconds=14, steps=steps)
    held = wave_windows(record, WaveMarks().of("one", record), spec)
    assert np.isnan(held.labels[0, 1000:]).all()
    assert (held.labels[0] == 3).any()


def test_several_leads_have_one_set_of_labels_and_any_lead_one_each():
    record = simulate("sinus", fs=250, seed=2)
    waves = WaveMarks().of("one", record)
    one_each = wave_windows(record, waves, usual_wave_input(("any",), 250, 4))
    joint = wave_windows(record, waves, usual_wave_input(record.leads, 250, 4))
    assert one_each.windows.shape == (12, 1, 1000)
    assert joint.windows.shape == (1, 12, 1000)
    assert joint.labels.shape == (1, 1000)
    for number in (1, 2, 3):  # joined bounds hold the middle of nearly every lead's wave
        for labels in one_each.labels:
            for first, last in runs_of_class(labels, number):
                assert joint.labels[0, (first + last) // 2] in (number, NAN) or first == 0


def test_f1_and_intersection_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, (20, 50)).astype(float)
    said = np.where(rng.random((20, 50)) < 0.6, labels, rng.integers(0, 4, (20, 50))).astype(int)
    labels[rng.random((20, 50)) < 0.2] = np.nan
    patients = [f"p{k // 4}" for k in range(20)]
    told = sample_scores_with_intervals(said, labels, CLASSES, patients, majority=1)
    known = ~np.isnan(labels)
    y, z = labels[known].astype(int), said[known]
    f1, iou = f1_score(y, z, average=None), jaccard_score(y, z, average=None)
    for k, name in enumerate(CLASSES):
        held = told["classes"][name]
        assert held["f1"]["value"] == pytest.approx(f1[k])
        assert held["iou"]["value"] == pytest.approx(iou[k])
        low, high = held["f1"]["interval"]
        assert low < f1[k] < high
    assert told["macro_f1"]["value"] == pytest.approx(f1[1:].mean())
    assert told["accuracy"]["value"] == pytest.approx(accuracy_score(y, z))
    assert told["control"]["accuracy"] == pytest.approx((y == 1).mean())
    wanted = f1_score(y, np.ones_like(y), average=None, zero_division=0)[1:].mean()
    assert told["control"]["macro_f1"] == pytest.approx(wanted)


def test_bounds_are_paired_within_the_tolerance_and_told_in_milliseconds():
    labels = np.zeros((3, 200))
    labels[:, 50:60] = 1
    labels[2, :40] = np.nan
    said = np.zeros((3, 200), int)
    said[0, 52:63] = 1  # 2 samples late, and 3
    said[1, 120:130] = 1  # too far: one missed, one invented
    said[2, 50:60] = said[2, 10:20] = 1  # right; invented where nobody looked
    told = boundary_scores_with_intervals(
        said, labels, ("background", "QRS"), "abc", fs=100, tolerance_ms=150
    )["boundaries"]
    onset, offset = told["QRS onset"], told["QRS offset"]
    assert onset["n_marked"] == 3
    assert onset["sensitivity"]["value"] == pytest.approx(2 / 3)
    assert onset["positive_predictive_value"]["value"] == pytest.approx(2 / 3)
    assert onset["mean_ms"]["value"] == pytest.approx((20 + 0) / 2)
    assert offset["mean_ms"]["value"] == pytest.approx((30 + 0) / 2)
    assert offset["sd_ms"]["value"] == pytest.approx(np.std([30, 0], ddof=1))


def test_a_wave_at_the_edge_of_the_known_is_neither_right_nor_wrong():
    labels = np.full((1, 100), np.nan)
    labels[0, 20:80] = 0
    labels[0, 20:30] = 1  # the first mark: what is before it nobody knows
    said = np.zeros((1, 100), int)
    said[0, 22:30] = 1
    told = boundary_scores_with_intervals(said, labels, ("background", "P"), "a", fs=100)
    assert told["boundaries"]["P onset"]["n_marked"] == 0
    assert np.isnan(told["boundaries"]["P onset"]["f1"]["value"])
    assert told["boundaries"]["P offset"]["f1"]["value"] == 1


def test_training_tells_scores_by_sample_and_by_bound_with_a_control(trained):
    told = json.loads((trained.folder / "metrics.json").read_text())
    assert told["best_metric"] == "macro_dice"
    assert set(told["classes"]) == set(CLASSES)
    assert told["macro_f1"]["value"] > 0.5 > told["control"]["macro_f1"] == 0
    assert set(told["boundaries"]) == {f"{w} {b}" for w in CLASSES[1:] for b in ("onset", "offset")}
    assert told["n_validation"] == 12 * told["n_patients"]
    text = str(trained)
    assert "control (background for every sample)" in text
    assert "QRS onset" in text
    model = from_pretrained(trained.folder / "model")
    assert model.classes == CLASSES
    assert model.shape.leads == ("any",)
    assert model(torch.zeros(2, 1, 333)).shape == (2, 4, 333)


def test_the_scores_are_those_of_the_saved_model(trained):
    from precordia.training.data_parts import part_of_each
    from precordia.training.record_source import simulated_source

    source = simulated_source(16, ["sinus"])
    parts, _ = part_of_each(source)
    model = from_pretrained(trained.folder / "model").eval()
    y, z = [], []
    for k in [k for k, part in enumerate(parts) if part == "validation"]:
        record = source.read(k)
        held = wave_windows(record, WaveMarks().of("", record), model.input_spec)
        with torch.no_grad():
            said = model(torch.from_numpy(held.windows)).argmax(dim=1).numpy()
        z += [without_short_runs(row, 2.0) for row in said]
        y += list(held.labels)
    y, z = np.concatenate(y), np.concatenate(z)
    known = ~np.isnan(y)
    wanted = f1_score(y[known], z[known], average=None)
    told = json.loads((trained.folder / "metrics.json").read_text())["classes"]
    assert [told[name]["f1"]["value"] for name in CLASSES] == pytest.approx(wanted.tolist())


def test_the_folder_finds_the_waves_of_a_recording(trained, tmp_path, capsys):
    record = simulate("sinus", fs=250, seed=99)
    found = predict_waves(trained.folder, record)
    truth = record.carried.fiducials
    near = [np.abs(found.r_peak - r).min() for r in truth.r_peak if 100 < r < 2400]
    assert np.median(near) <= 10  # 40 ms
    assert set(found.leads) == set(record.leads)
    precordia.write(replace(record, carried=Carried()), tmp_path / "a.hea")
    with pytest.raises(SystemExit) as end:
        main(["delineate", str(tmp_path / "a.hea"), "--model", str(trained.folder), "--json"])
    assert end.value.code == 0
    assert len(json.loads(capsys.readouterr().out)["r_peak"]) == len(found.r_peak)


def test_a_model_of_windows_finds_no_waves(tmp_path):
    with pytest.raises(OptionError, match="scores of each window"):
        predict_waves(load_model("resnet1d", n_outputs=2, width=4), simulate("sinus", fs=100))


@pytest.mark.parametrize("ending", ["{lead}", "waves"])
def test_own_recordings_with_annotation_files_are_learned(tmp_path, ending):
    rows = ["path,patient_id,label"]
    for k in range(6):
        record = simulate("sinus", fs=250, seed=k)
        precordia.write(replace(record, carried=Carried()), tmp_path / f"r{k}.hea")
        for lead, waves in WaveMarks().of("", record).items():
            marks = [
                (int(place), symbol)
                for w in waves
                for place, symbol in zip(
                    (w.onset, w.peak, w.offset),
                    ("(", {"p": "p", "qrs": "N", "t": "t"}[w.kind], ")"),
                    strict=True,
                )
                if np.isfinite(place)
            ]
            sample, symbol = zip(*sorted(marks, key=lambda m: m[0]), strict=True)
            written = Annotations(sample=np.array(sample), symbol=symbol)
            name = ending.replace("{lead}", lead.lower())
            write_annotations(written, tmp_path / f"r{k}", name, overwrite=True)
        rows.append(f"r{k}.hea,{k},x")
    (tmp_path / "labels.csv").write_text("\n".join(rows) + "\n")
    tables = small(epochs=1)
    tables["data"] = {
        "database": "folder",
        "folder": str(tmp_path),
        "task": "waves",
        "annotations": ending,
        "classes": ["QRS"],
        "shares": [0.5, 0.4, 0.1],
    }
    held = train(tables, folder=tmp_path / "out")
    assert from_pretrained(held.folder / "model").classes == ("background", "QRS")
    assert set(held.metrics["boundaries"]) == {"QRS onset", "QRS offset"}
    tables["data"]["annotations"] = "nothing"
    with pytest.raises(SignalError, match="annotation"):
        train(tables, folder=tmp_path / "none")


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ("data.classes=['QRSS']", UnknownNameError, "Did you mean 'QRS'"),
        ("data.task=wave", UnknownNameError, "Did you mean 'waves'"),
        ("data.annotation=atr", UnknownNameError, "Did you mean 'annotations'"),
        ("data.annotations=atr", OptionError, "carry their waves"),
        ("data.targets=['qrs_ms']", OptionError, "regression"),
        ("data.task=multilabel", OptionError, "scores of each sample"),
        ("model={name='resnet1d'}", OptionError, "unet1d"),
        ("augment=[{name='shift'}]", OptionError, "moves samples"),
        (("training.mixup=0.2", "model.leads=['II']"), OptionError, "cannot be mixed"),
        (("training.metric=macro_auroc", "model.leads=['II']"), UnknownNameError, "macro_dice"),
        (("training.loss=bce", "model.leads=['II']"), OptionError, "cross-entropy"),
    ],
)
def test_mistakes_are_sentences(tmp_path, change, kind, words):
    with pytest.raises(kind) as caught:
        train(
            small(),
            folder=tmp_path / "new",
            changes=[change] if isinstance(change, str) else change,
        )
    assert words in str(caught.value)
    assert not (tmp_path / "new" / "model").exists()


def test_a_store_keeps_no_waves(tmp_path):
    tables = small()
    tables["data"] = {"store": str(tmp_path), "task": "waves"}
    with pytest.raises(OptionError, match="store keeps no marks"):
        train(tables, folder=tmp_path / "new")


def test_weighted_and_focal_loss_train_too(tmp_path):
    options = {"statement_weight": "balanced", "gamma": 1.0}
    tables = small(epochs=1, loss_options=options)
    tables["model"]["leads"] = ["II"]
    assert train(tables, folder=tmp_path / "out").metrics["n_epochs"] == 1


def test_marks_of_ludb_are_those_that_wfdb_reads(shared_data):
    import wfdb

    from precordia.io.read import read
    from precordia.training.wave_marks import wave_marks_of

    folder = shared_data / "ludb"
    marks = wave_marks_of(
        database="ludb", folder=str(folder), labels="", options={}, annotations=""
    )
    record = read(folder / "data" / "7.hea")
    waves = marks.of("7", record)
    assert set(waves) == set(record.leads)
    theirs = wfdb.rdann(str(folder / "data" / "7"), "v2")
    assert sum(w.kind == "qrs" for w in waves["V2"]) == theirs.symbol.count("N")
    labels = classes_of_samples(waves["V2"], np.arange(record.n_samples, dtype=float))
    assert np.isnan(labels[: theirs.sample[0]]).all()
    whole = [
        (theirs.sample[k - 1], theirs.sample[k + 1], {"p": 1, "N": 2, "t": 3}[symbol])
        for k, symbol in enumerate(theirs.symbol)
        if symbol in "pNt" and theirs.symbol[k - 1 : k + 2] == ["(", symbol, ")"]
    ]
    assert len(whole) > 10
    for onset, offset, number in whole:
        assert (labels[onset : offset + 1] == number).all()
        assert labels[offset + 1] != number
