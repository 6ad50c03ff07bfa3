# SPDX-License-Identifier: Apache-2.0
"""The command pretrain: lists without PyTorch, trains an encoder that the others take, refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import precordia as pc
from precordia.cli.main import _exit_code
from precordia.datasets.store_build import build_store
from precordia.training.objective_table import list_objectives

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Path:
    """Twelve simulated recordings of six people."""
    folder = tmp_path_factory.mktemp("recordings")
    rows = ["path,patient_id,label"]
    for k in range(12):
        record = pc.simulate("sinus", fs=250, noise="muscle", snr_db=20, seed=k)
        plain = pc.Record(signal=record.signal, fs=record.fs, leads=record.leads)
        pc.write(plain, folder / f"{k}.hea")
        rows.append(f"{k}.hea,patient-{k // 2},{'sinus' if k % 2 else 'other'}")
    (folder / "labels.csv").write_text("\n".join(rows))
    build_store(pc.load_dataset("folder", folder), folder / "store")
    return folder / "store"


def said(capsys, *words: object) -> tuple[int, str, str]:
    code = _exit_code([str(w) for w in words])
    out, err = capsys.readouterr()
    return code, out, err


def asked(store: Path, out: Path, *more: object) -> tuple[object, ...]:
    return (
        *("pretrain", "--objective", "simclr", "--data", store, "--out", out, "--batch-size", 8),
        *("--set", "model.width=4", "--set", "input.seconds=2.5", "--set", "training.workers=0"),
        *("--cache", out.parent / "cache", *more),
    )


def test_objectives_are_listed_without_pytorch():
    program = (
        "import sys; sys.modules['torch'] = None; from precordia.cli.main import main; "
        "main(['pretrain', '--list', '--json'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=os.environ, check=True
    )
    rows = json.loads(done.stdout)
    assert tuple(rows) == list_objectives()
    for row in rows.values():
        assert row["does"]
        assert row["paper"]
        assert row["grouping"] in ("records", "neighbours", "patients")


def test_the_list_is_for_people_too(capsys):
    code, out, _ = said(capsys, "pretrain", "--list")
    assert code == 0
    assert len(out.splitlines()) == len(list_objectives())


def test_an_encoder_is_trained_and_taken_by_the_others(store, tmp_path, capsys):
    code, out, err = said(capsys, *asked(store, tmp_path / "run", "--steps", 3, "--json"))
    assert code == 0, err
    done = json.loads(out)
    assert (done["objective"], done["steps"], done["n_records"]) == ("simclr", 3, 12)
    assert done["n_patients"] == 6
    encoder = tmp_path / "run" / "encoder"
    code, out, err = said(capsys, "embed", store.parent / "0.hea", "--model", encoder, "--json")
    assert code == 0, err
    assert len(json.loads(out)["vector"]) == 32
    config = tmp_path / "training.toml"
    config.write_text(
        f'[data]\nstore = "{store}"\ncache = "{tmp_path}"\nshares = [0.5, 0.4, 0.1]\n'
        f'[model]\nweights = "{encoder}"\n[training]\nepochs = 1\n'
    )
    code, out, err = said(capsys, "train", config, "--folder", tmp_path / "tuned", "--json")
    assert code == 0, err
    tuned = json.loads((tmp_path / "tuned" / "model" / "config.json").read_text())
    assert tuned["training_data"] == ["folder"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--objective", "simcrl", "--steps", 1), "Did you mean 'simclr'"),
        (("--steps", 1, "--set", "temperatur=1"), "Did you mean 'temperature'"),
        ((), "says how long"),
        (("--steps", 1, "--data", "nowhere.store"), "nowhere.store"),
        (("--steps", 1, "--data", "ptbxxl:nowhere"), "ptbxl"),
        (("--steps", 1, "--input", "nowhere.toml"), "nowhere.toml"),
        (("--steps", 1, "--batch-size", 64), "64 recordings; 12 are here"),
        (("--steps", 1, "--set", "training.device=cuda:9"), "device"),
    ],
)
def test_mistakes_are_one_sentence(words, sentence, store, tmp_path, capsys):
    code, out, err = said(capsys, *asked(store, tmp_path / "run", *words))
    assert code == 2
    assert not out
    assert sentence in err
    assert "Traceback" not in err


def test_what_is_missing_is_named(store, tmp_path, capsys):
    for words, name in (
        (("pretrain",), "--objective"),
        (("pretrain", "--objective", "simclr"), "--data"),
        (("pretrain", "--objective", "simclr", "--data", store), "--out"),
    ):
        code, _, err = said(capsys, *words)
        assert code == 2
        assert f"{name} is missing" in err


def test_a_folder_that_holds_something_is_left_alone(store, tmp_path, capsys):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").write_text("mine")
    code, _, err = said(capsys, *asked(store, tmp_path / "run", "--steps", 1))
    assert code == 2
    assert "is not empty" in err
    assert (tmp_path / "run" / "mine.txt").read_text() == "mine"
