# SPDX-License-Identifier: Apache-2.0
"""A training that was killed and resumed is the one that was not, to the bit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from precordia.core.errors import OutputError, WeightsError
from precordia.training.checkpoint import read_checkpoint
from precordia.training.fit import fit
from precordia.training.run_log import TIMES
from precordia.training.settings import TrainingSettings
from precordia.training.training_set import TrainingSet

torch.set_num_threads(1)
PROGRAM = Path(__file__).with_name("killed_training.py")
SETTINGS = TrainingSettings(epochs=3, batch_size=8, lr=0.01)


def lines(folder: Path) -> list[dict]:
    found = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k not in TIMES} for line in found]


def made(n: int = 32, seed: int = 0) -> TrainingSet:
    rng = np.random.default_rng(seed)
    return TrainingSet(
        windows=rng.normal(size=(n, 1, 8)).astype(np.float32), labels=rng.integers(0, 2, (n, 1))
    )


def tiny(width: int = 1) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(8, width), nn.Linear(width, 1))


@pytest.fixture(scope="module")
def killed(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("killed")
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(folder)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 3, "it was to be killed several times"
    return folder


@pytest.mark.parametrize("how", ["killed", "unlucky"])
def test_weights_after_kills_are_those_of_one_go(killed, how):
    whole = (killed / "whole" / "model.safetensors").read_bytes()
    assert (killed / how / "model.safetensors").read_bytes() == whole


@pytest.mark.parametrize("how", ["killed", "unlucky"])
def test_optimiser_average_and_best_after_kills_are_those_of_one_go(killed, how):
    one, other = read_checkpoint(killed / "whole"), read_checkpoint(killed / how)
    for part in ("model", "average", "best", "optimiser"):
        ours, theirs = getattr(one, part), getattr(other, part)
        assert ours.keys() == theirs.keys()
        assert ours
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert one.progress.epochs == other.progress.epochs


@pytest.mark.parametrize("how", ["killed", "unlucky"])
def test_the_log_after_kills_has_each_line_once(killed, how):
    assert lines(killed / how) == lines(killed / "whole")
    steps = [line["step"] for line in lines(killed / how) if "epoch_ended" not in line]
    assert steps == list(range(1, len(steps) + 1))


def test_nothing_is_left_behind_by_the_killed(killed):
    held = {p.name for p in (killed / "unlucky").iterdir()}
    assert held == {"checkpoint.safetensors", "log.jsonl", "model.safetensors", "tensorboard"}


def test_a_finished_training_is_not_done_again(tmp_path):
    model = tiny()
    first = fit(model, made(), settings=SETTINGS, folder=tmp_path)
    log = (tmp_path / "log.jsonl").read_bytes()
    again = fit(tiny(), made(), settings=SETTINGS, folder=tmp_path, resume=True)
    assert again.n_steps == first.n_steps
    assert (tmp_path / "log.jsonl").read_bytes() == log
    for a, b in zip(first.model.parameters(), again.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_folder_that_holds_a_training_is_refused(tmp_path):
    fit(tiny(), made(), settings=SETTINGS, folder=tmp_path)
    with pytest.raises(OutputError, match="resume"):
        fit(tiny(), made(), settings=SETTINGS, folder=tmp_path)
    fit(tiny(), made(), settings=SETTINGS, folder=tmp_path, overwrite=True)


@pytest.mark.parametrize(
    ("model", "train", "settings", "word"),
    [
        (tiny(3), made(), SETTINGS, "1.weight is"),
        (nn.Sequential(nn.Flatten(), nn.Linear(8, 1)), made(), SETTINGS, "has no 2.bias"),
        (tiny(), made(seed=1), SETTINGS, "training data differ"),
        (tiny(), made(), TrainingSettings(epochs=3, batch_size=8, lr=0.02), "lr was 0.01"),
    ],
)
def test_a_checkpoint_of_something_else_is_refused(tmp_path, model, train, settings, word):
    fit(tiny(), made(), settings=SETTINGS, folder=tmp_path)
    with pytest.raises(WeightsError, match=word):
        fit(model, train, settings=settings, folder=tmp_path, resume=True)


@pytest.mark.parametrize(
    ("harm", "word"), [("flip", "damaged"), ("cut", "no checkpoint"), ("empty", "no checkpoint")]
)
def test_a_damaged_checkpoint_is_refused(tmp_path, harm, word):
    fit(tiny(), made(), settings=SETTINGS, folder=tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    held = bytearray(path.read_bytes())
    held[-3] ^= 255
    path.write_bytes({"flip": held, "cut": held[:-40], "empty": b""}[harm])
    with pytest.raises(WeightsError, match=word):
        fit(tiny(), made(), settings=SETTINGS, folder=tmp_path, resume=True)


def test_a_full_disk_is_a_sentence_and_the_last_checkpoint_stays(tmp_path):
    resource = pytest.importorskip("resource")
    wide = nn.Sequential(nn.Flatten(), nn.Linear(8, 64), nn.Linear(64, 1))
    small = TrainingSettings(epochs=40, batch_size=8, lr=0.01, checkpoint_steps=3, log_steps=1)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    import signal

    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:  # the log outgrows what the disk takes, somewhere within an epoch
        resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, before[1]))
        with pytest.raises(OutputError, match="resume"):
            fit(wide, made(), made(seed=1), settings=small, folder=tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    held = read_checkpoint(tmp_path)
    assert held is not None
    assert held.progress.step > 0
    wide = nn.Sequential(nn.Flatten(), nn.Linear(8, 64), nn.Linear(64, 1))
    fitted = fit(wide, made(), made(seed=1), settings=small, folder=tmp_path, resume=True)
    steps = [line["step"] for line in lines(tmp_path) if "epoch_ended" not in line]
    assert steps == list(range(1, fitted.n_steps + 1))


def test_where_no_checkpoint_could_be_written_none_is_promised(tmp_path, monkeypatch):
    from precordia.training import checkpoint

    def full(*_, **__):
        raise OutputError("'checkpoint.safetensors' could not be written (No space left).")

    monkeypatch.setattr(checkpoint, "write_whole", full)
    with pytest.raises(OutputError, match=r"No space left.* Free space and resume") as told:
        fit(tiny(), made(), settings=SETTINGS, folder=tmp_path)
    assert "is whole" not in str(told.value)
