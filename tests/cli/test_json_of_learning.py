# SPDX-License-Identifier: Apache-2.0
"""--json of what learns and scores: one strict JSON object on stdout, nothing beside it."""

from __future__ import annotations

import json

import pytest

from precordia.cli.main import main

pytest.importorskip("torch")

_CONFIG = """
output = "unused"
[data]
simulated = 24
scenarios = ["sinus", "left-bundle-block"]
[model]
name = "resnet1d"
options = { width = 4 }
leads = ["II"]
fs = 50
seconds = 2
[training]
epochs = 1
batch_size = 8
threads = 1
"""


def _told(capsys, *arguments):
    with pytest.raises(SystemExit) as left:
        main([*map(str, arguments), "--json"])
    out, err = capsys.readouterr()
    assert left.value.code == 0, err
    assert not err
    # NaN and Infinity are no JSON, though Python reads them
    told = json.loads(out, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert isinstance(told, dict)
    return told


@pytest.fixture
def store(tmp_path):
    """A store of simulated recordings."""
    from precordia.core.record import Patient
    from precordia.datasets.item import Item
    from precordia.datasets.store_build import build_store
    from precordia.generation.simulate import simulate
    from precordia.io.write import write

    items = []
    for k in range(6):
        path = write(simulate("sinus", seconds=4, seed=k), tmp_path / f"r{k}.npz")
        items.append(Item(name=f"r{k}", path=path, patient=Patient(patient_id=str(k)),
                          labels=("AF",) * (k % 2)))  # fmt: skip
    build_store(items, tmp_path / "store")
    return tmp_path / "store"


def test_training_pretraining_and_converted_weights(store, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("precordia.cli.learning.take_all_processors", lambda: None)
    assert set(_told(capsys, "train", "--example")) == {"example"}
    (tmp_path / "c.toml").write_text(_CONFIG)
    told = _told(capsys, "train", tmp_path / "c.toml", "--folder", tmp_path / "trained")
    assert "metrics" in told
    pretrained = tmp_path / "pretrained"
    told = _told(
        capsys, "pretrain", "--objective", "simclr", "--data", store, "--steps", 1, "--batch-size",
        4, "--model", "resnet1d", "--set", "model.width=4", "--set", "input.fs=50", "--set",
        "input.seconds=2", "--out", pretrained,
    )  # fmt: skip
    assert told["objective"] == "simclr"
    told = _told(
        capsys, "convert-weights", pretrained / "encoder/model.safetensors", "--model", "resnet1d",
        "--set", "width=4", "--to", tmp_path / "converted",
    )  # fmt: skip
    assert told["folder"] == str(tmp_path / "converted")


def test_benchmarks_whose_numbers_are_absent_hold_no_nan(store, tmp_path, capsys):
    results = tmp_path / "results"
    told = _told(
        capsys, "benchmark", "classification", "--data", store, "--baseline", "age-sex",
        "--cross-validate", 3, "--min-records", 1, "--output", results,
    )  # fmt: skip
    assert told["rows"]
    assert _told(capsys, "benchmark", "table", results)["rows"]
    told = _told(
        capsys, "benchmark", "protocol", "ptbxl", "--baseline", "age-sex", "--output", results
    )
    assert {task["state"] for task in told["tasks"]} == {"not here"}
