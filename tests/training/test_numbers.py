# SPDX-License-Identifier: Apache-2.0
"""Numbers are learned from a configuration and given in their units; mistakes are sentences."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import mean_absolute_error, r2_score

from precordia.core.errors import OptionError, UnknownNameError
from precordia.core.record import Record
from precordia.datasets.dataset import load_dataset
from precordia.datasets.store_build import build_store
from precordia.embedding.prepare import prepare
from precordia.io.write import write
from precordia.measurement.measure import measure
from precordia.models.pretrained import from_pretrained
from precordia.training.number_scores import errors_with_intervals
from precordia.training.number_targets import numbers_of
from precordia.training.record_source import (
    simulated_source,
    source_from_dataset,
    source_from_store,
)
from precordia.training.target_scale import scale_of
from precordia.training.train import train

torch.set_num_threads(1)
N = 60


@pytest.fixture(scope="module")
def aged(tmp_path_factory) -> Path:
    """Recordings whose noise is the stronger the older somebody is; one has no age."""
    folder = tmp_path_factory.mktemp("aged")
    rng = np.random.default_rng(0)
    ages = rng.uniform(20, 90, N).round()
    rows = ["path,label,age,fold"]
    for k, age in enumerate(ages):
        signal = rng.normal(0, age / 100, (1, 400)).astype(np.float32)
        write(Record(signal=signal, fs=100, leads=("I",)), folder / f"r{k:02d}.hea")
        told = "" if k == 0 else f"{age:.0f}"
        rows.append(f"r{k:02d}.hea,x,{told},{'train' if k < 45 else 'validation'}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder


def tables(aged: Path, **data) -> dict:
    held = {
        "database": "folder",
        "folder": str(aged),
        "task": "regression",
        "targets": ["age_years"],
        "cache": str(aged / "cache"),
        **data,
    }
    model = {"name": "resnet1d", "options": {"width": 4}, "leads": ["I"], "fs": 100, "seconds": 4}
    training = {"epochs": 30, "batch_size": 16, "lr": 0.02, "loss": "mse"}
    return {"data": held, "model": model, "training": training}


@pytest.fixture(scope="module")
def trained(aged, tmp_path_factory):
    return train(tables(aged), folder=tmp_path_factory.mktemp("numbers") / "here")


def test_the_saved_model_gives_years_and_the_scores_are_of_it(aged, trained):
    model = from_pretrained(trained.folder / "model").eval()
    source = source_from_dataset("folder", aged)
    rows = [k for k, fold in enumerate(source.folds) if fold == "validation"]
    windows = np.concatenate([prepare(source.read(k), model.input_spec).windows for k in rows])
    with torch.no_grad():
        years = model(torch.from_numpy(windows)).numpy()[:, 0]
    truth = source.ages[rows]
    told = json.loads((trained.folder / "metrics.json").read_text())["numbers"]["age_years"]
    error = mean_absolute_error(truth, years)
    assert told["mean_absolute_error"]["value"] == pytest.approx(error, rel=1e-4)
    assert told["r2"]["value"] == pytest.approx(r2_score(truth, years), abs=1e-4)
    low, high = told["mean_absolute_error"]["interval"]
    assert low <= error <= high
    assert error < told["mean_absolute_error_of_guess"] / 2


def test_the_control_and_the_scale_are_of_the_training_part(aged, trained):
    source = source_from_dataset("folder", aged)
    known = source.ages[1:45]
    assert np.isnan(source.ages[0])
    held = trained.model.details or from_pretrained(trained.folder / "model").details
    assert held["numbers"]["age_years"]["mean"] == pytest.approx(known.mean())
    assert held["numbers"]["age_years"]["sd"] == pytest.approx(known.std())
    told = trained.metrics["numbers"]["age_years"]
    off = np.abs(source.ages[45:] - known.mean()).mean()
    assert told["mean_absolute_error_of_guess"] == pytest.approx(off)
    assert from_pretrained(trained.folder / "model").classes == ("age_years",)
    assert "age_years is unknown in 1 of 60 records" in str(trained)


def test_a_finished_training_resumed_gives_the_same_numbers(aged, trained):
    before = (trained.folder / "model" / "model.safetensors").read_bytes()
    train(tables(aged), folder=trained.folder, resume=True)
    assert (trained.folder / "model" / "model.safetensors").read_bytes() == before


def test_ages_of_a_store_are_those_of_the_files(aged, tmp_path):
    build_store(load_dataset("folder", aged), tmp_path / "store")
    ages = [source_from_store(tmp_path / "store").ages]
    ages.append(source_from_dataset("folder", aged).ages)
    np.testing.assert_array_equal(*ages)


def test_measured_numbers_are_those_of_measure_and_are_kept(tmp_path, monkeypatch):
    source = simulated_source(3, ["sinus", "atrial-fibrillation", "left-bundle-block"])
    names = ["pr_ms", "age_years", "heart_rate_bpm"]
    told = numbers_of(source, names, tmp_path)
    held = [measure(source.read(k)) for k in range(3)]
    np.testing.assert_array_equal(told[:, 0], [m.pr_ms for m in held])
    assert np.isnan(told[1, 0])  # no P wave
    assert np.isnan(told[:, 1]).all()
    np.testing.assert_array_equal(told[:, 2], [m.heart_rate_bpm for m in held])
    monkeypatch.setattr(
        "precordia.training.number_targets.measure", lambda *_: pytest.fail("measured again")
    )
    np.testing.assert_array_equal(numbers_of(source, names, tmp_path), told)


def test_measuring_goes_on_where_it_was_killed(tmp_path):
    source = simulated_source(3, ["sinus"])
    told = numbers_of(source, ["qrs_ms"], tmp_path)
    (path,) = tmp_path.rglob("numbers.jsonl")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    np.testing.assert_array_equal(numbers_of(source, ["qrs_ms"], tmp_path), told)
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        ({"targets": ["age_year"]}, UnknownNameError, "Did you mean 'age_years'"),
        ({"targets": ["qrs_axis_deg"]}, UnknownNameError, "no number to learn"),
        ({"targets": ["age_years", "age_years"]}, OptionError, "twice"),
        ({"targets": [3]}, UnknownNameError, "'3'"),
        ({"targets": []}, OptionError, "data.targets is needed"),
        ({"classes": ["x"]}, OptionError, "data.targets"),
        ({"targets": ["p_ms"]}, OptionError, "p_ms is unknown in every one of 45 records"),
        ({"targets": ["duration_s"]}, OptionError, "duration_s is 4 in every one of 45 records"),
    ],
)
def test_mistakes_are_sentences(aged, tmp_path, data, kind, words):
    with pytest.raises(kind) as caught:
        train(tables(aged, **data), folder=tmp_path / "new")
    assert words in str(caught.value)
    assert not (tmp_path / "new" / "model").exists()


def test_the_same_number_everywhere_is_refused_although_rounding_moves_it():
    values = np.full((7, 1), 0.1) + np.array([[0, 1e-12, 0, 0, -1e-12, 0, 0]]).T
    with pytest.raises(OptionError, match="nothing to learn"):
        scale_of(values, ["qrs_ms"])
    with pytest.raises(OptionError, match="nothing to learn"):
        scale_of(np.zeros((3, 1)), ["n"])


def test_intervals_are_of_patients_and_unknown_numbers_ask_nothing():
    rng = np.random.default_rng(0)
    truth = rng.normal(50, 10, (200, 1))
    given = truth + rng.normal(0, 5, truth.shape)
    alone = errors_with_intervals(given, truth, ["n"], [str(k) for k in range(200)], guess=[50])
    few = errors_with_intervals(given, truth, ["n"], [str(k % 10) for k in range(200)], guess=[50])
    known = np.concatenate([truth, np.full((5, 1), np.nan)])
    more = errors_with_intervals(
        np.concatenate([given, np.full((5, 1), 1e6)]),
        known,
        ["n"],
        [str(k) for k in range(205)],
        guess=[50],
    )
    told = [held["numbers"]["n"] for held in (alone, few, more)]
    error, r2 = np.abs(given - truth).mean(), r2_score(truth, given)
    for held in told:
        assert held["mean_absolute_error"]["value"] == pytest.approx(error)
        assert held["r2"]["value"] == pytest.approx(r2)
    # standard error of a mean, by the textbook
    low, high = told[0]["mean_absolute_error"]["interval"]
    expected = 2 * 1.96 * np.abs(given - truth).std() / np.sqrt(200)
    assert high - low == pytest.approx(expected, rel=0.1)
    assert told[1]["mean_absolute_error"]["interval"] != told[0]["mean_absolute_error"]["interval"]
    one = errors_with_intervals(given[:1], truth[:1], ["n"], ["a"], guess=[50])
    assert np.isnan(one["numbers"]["n"]["r2"]["value"])
