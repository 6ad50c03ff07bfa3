# SPDX-License-Identifier: Apache-2.0
"""Pretraining from recordings to an encoder: resumed, divided, interrupted, refused."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from precordia.core.errors import OptionError, OutputError, UnknownNameError, WeightsError
from precordia.models.pretrained import from_pretrained
from precordia.training import objective_table
from precordia.training.interruption import Interrupted
from precordia.training.pretrain import pretrain
from precordia.training.run_log import TIMES

torch.set_num_threads(1)
PROGRAM = Path(__file__).with_name("tiny_pretraining.py")
_spec = importlib.util.spec_from_file_location("tiny_pretraining", PROGRAM)
tiny = importlib.util.module_from_spec(_spec)
sys.modules["tiny_pretraining"] = tiny
_spec.loader.exec_module(tiny)


@pytest.fixture(autouse=True)
def _objectives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objective_table, "OBJECTIVES", dict(objective_table.OBJECTIVES))
    monkeypatch.setattr(tiny, "OBJECTIVES", objective_table.OBJECTIVES)
    tiny.register()


def lines(folder: Path) -> list[dict]:
    found = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k not in TIMES} for line in found]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "encoder" / "model.safetensors")


def program(*words: str, prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *prefix, str(PROGRAM), *words],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A pretraining that nothing disturbed."""
    held = dict(objective_table.OBJECTIVES)
    tiny.OBJECTIVES.update(held)
    tiny.register()
    folder = tmp_path_factory.mktemp("whole") / "run"
    tiny.pretrained(folder)
    objective_table.OBJECTIVES.clear()
    objective_table.OBJECTIVES.update(held)
    return folder


def test_an_encoder_is_trained_and_says_what_it_learned_from(whole):
    encoder = from_pretrained(whole / "encoder")
    assert encoder.name == "resnet1d"
    assert encoder.n_outputs == 0
    assert encoder.training_data == ("made",)
    assert encoder.input_spec.n_samples == 256
    details = encoder.details
    assert (details["objective"], details["steps"], details["n_records"]) == ("alike", 12, 24)
    assert details["options"] == {"temperature": 0.2, "noise": 0.1}
    assert details["data"][0]["n_patients"] == 12
    held = lines(whole)
    steps = [line for line in held if "loss" in line]
    assert [line["step"] for line in steps] == list(range(1, 13))
    assert {"lr", "gradient_norm", "right", "epoch"} <= set(steps[0])
    measured = held[-1]
    assert 1 <= measured["effective_rank"] <= 8
    assert -1 <= measured["mean_cosine"] <= 1
    assert list((whole / "tensorboard").iterdir())


def test_the_loss_falls(tmp_path):
    tiny.pretrained(tmp_path / "run", steps=60, options={}, changes=["training.lr=0.01"])
    loss = [line["loss"] for line in lines(tmp_path / "run") if "loss" in line]
    assert np.mean(loss[-10:]) < 0.7 * np.mean(loss[:5])


def test_killed_and_resumed_is_the_same_to_the_bit(whole, tmp_path):
    folder = tmp_path / "run"
    # before the first checkpoint, between two, after the last
    done = program(str(folder), "3", "7", "11")
    assert done.returncode == 0, done.stderr
    assert lines(folder) == lines(whole)
    ours, theirs = weights(folder), weights(whole)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_interrupted_says_how_to_resume_and_resumes(whole, tmp_path):
    folder = tmp_path / "run"

    def watch(done: int, total: int, words: str) -> None:
        if words.startswith("epoch") and done == 6:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted, match="--resume"):
        tiny.pretrained(folder, watch=watch)
    tiny.pretrained(folder, resume=True)
    assert lines(folder) == lines(whole)
    before = json.loads((folder / "pretraining.json").read_text())
    assert before["effective_rank"] == lines(whole)[-1]["effective_rank"]
    # one that is over is written again, and trained no further
    again = tiny.pretrained(folder, resume=True)
    assert lines(folder) == lines(whole)
    assert again.summary["effective_rank"] == before["effective_rank"]
    after = json.loads((folder / "pretraining.json").read_text())
    assert {**after, "environment": 0} == {**before, "environment": 0}


def test_two_processes_learn_what_one_does(whole, tmp_path):
    done = program(
        str(tmp_path / "two"),
        prefix=(
            "-m", "torch.distributed.run", "--nproc-per-node", "2",
            "--master-port", str(29_600 + os.getpid() % 1000),
        ),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    # rounding grows by the step, since Adam divides gradients by their size
    one, two = ([line for line in lines(p) if "loss" in line] for p in (whole, tmp_path / "two"))
    assert len(one) == len(two) == 12
    for step, (a, b) in enumerate(zip(one[:5], two[:5], strict=True)):
        close = 2e-5 * 4**step
        assert b["loss"] == pytest.approx(a["loss"], rel=close)
        assert b["gradient_norm"] == pytest.approx(a["gradient_norm"], rel=10 * close)
    # measured on the whole batch, not on what one process has of it
    measured = [lines(p)[-1]["effective_rank"] for p in (whole, tmp_path / "two")]
    assert measured[1] == pytest.approx(measured[0], rel=0.1)
    ours, theirs = weights(tmp_path / "two"), weights(whole)
    for name, held in theirs.items():
        assert float((held - ours[name]).abs().max()) < 0.05 * max(float(held.abs().max()), 0.5)


def test_minutes_become_steps_once(tmp_path):
    def watch(done: int, total: int, words: str) -> None:
        if words.startswith("epoch") and done == 3:
            os.kill(os.getpid(), signal.SIGINT)

    asked = {"steps": 0, "minutes": 0.02}
    with pytest.raises(Interrupted):
        tiny.pretrained(tmp_path / "run", **asked, watch=watch)
    totals = set()
    done = tiny.pretrained(
        tmp_path / "run", **asked, resume=True,
        watch=lambda at, total, words: totals.add(total) if words.startswith("epoch") else None,
    )  # fmt: skip
    assert totals == {done.summary["steps"]}
    assert done.summary["steps"] > 3
    # measuring leaves no trace: the same number of steps gives the same encoder
    again = tiny.pretrained(tmp_path / "again", steps=done.summary["steps"])
    mine = again.model.state_dict()
    assert all(torch.equal(held, mine[name]) for name, held in done.model.state_dict().items())


def test_bfloat16_learns_too(tmp_path):
    changes = ["training.precision=bfloat16", "training.lr=0.01"]
    done = tiny.pretrained(tmp_path / "run", changes=changes)
    assert np.isfinite(done.summary["loss"])


def test_a_collapse_is_told(tmp_path):
    done = tiny.pretrained(tmp_path / "run", "collapsing")
    assert [r.code for r in done.remarks] == ["embeddings-collapsed"]
    assert "lower lr" in done.remarks[0].text


def test_a_loss_that_is_no_number_stops_with_a_sentence(tmp_path):
    with pytest.raises(OptionError, match=r"diverged.*training\.lr=0\.001"):
        tiny.pretrained(tmp_path / "run", "nonsense")


def test_other_folders_and_other_runs_are_refused(whole, tmp_path):
    with pytest.raises(OutputError, match=r"not empty.*--resume"):
        tiny.pretrained(whole)
    with pytest.raises(WeightsError, match=r"temperature was 0\.2 and is 0\.3"):
        tiny.pretrained(whole, options={"noise": 0.1, "temperature": 0.3}, resume=True)
    with pytest.raises(WeightsError, match="the recordings differ"):
        tiny.pretrained(whole, data=[tiny.source(26)], resume=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="is a file"):
        tiny.pretrained(tmp_path / "file")


def test_an_option_that_does_not_do_is_found_before_recordings_are_prepared(tmp_path, monkeypatch):
    monkeypatch.setattr("precordia.training.pretrain._data", lambda *_: pytest.fail("too late"))
    with pytest.raises(OptionError, match="crop"):
        pretrain("simclr", "nowhere", folder=tmp_path / "run", steps=1, options={"crop": 0})
    assert not list((tmp_path / "run").glob("[!.]*"))


def test_begun_anew_is_the_same_again(whole, tmp_path):
    tiny.pretrained(tmp_path / "run", steps=5)
    tiny.pretrained(tmp_path / "run", overwrite=True)
    assert lines(tmp_path / "run") == lines(whole)


@pytest.mark.parametrize(
    ("asked", "kind", "said"),
    [
        ({"name": "alik"}, UnknownNameError, "Did you mean 'alike'"),
        ({"options": {"temperatur": 1.0}}, OptionError, "Did you mean 'temperature'"),
        ({"changes": ["temperatur=1"]}, OptionError, "Did you mean 'temperature'"),
        ({"changes": ["training.lrr=1"]}, UnknownNameError, "Did you mean 'lr'"),
        ({"changes": ["trainingg.lr=1"]}, UnknownNameError, "Did you mean 'training'"),
        ({"changes": ["model.widht=1"]}, OptionError, "Did you mean 'width'"),
        ({"changes": ["input.second=1"]}, UnknownNameError, "Did you mean 'seconds'"),
        ({"changes": ["temperature"]}, OptionError, "no key=value"),
        ({"options": {"temperature": "hot"}}, OptionError, "a number such as 0.2 is needed"),
        ({"model": "resnet1dd"}, UnknownNameError, "Did you mean 'resnet1d'"),
        ({"name": "picky", "model": "resnet1d"}, OptionError, "picky trains vit1d, s4"),
        ({"steps": 0}, OptionError, "nothing says how long"),
        ({"minutes": 1.0}, OptionError, "minutes and steps"),
        ({"steps": -1}, OptionError, "above 0"),
        ({"batch_size": 64}, OptionError, "needs 32 patients; 12 are here"),
        ({"batch_size": 7}, OptionError, "a multiple of 2"),
        ({"data": []}, OptionError, "--data"),
        ({"name": "aged"}, OptionError, "no recording here has any"),
        ({"folds": ["3"]}, OptionError, "no record is in fold '3'"),
    ],
)
def test_bad_input_is_refused(asked, kind, said, tmp_path):
    with pytest.raises(kind, match=said):
        tiny.pretrained(tmp_path / "run", **asked)


def test_a_store_without_patients_is_refused_for_pairs_of_patients(tmp_path):
    lone = tiny.source(8, patients=tuple(f"record:{k}" for k in range(8)))
    with pytest.raises(OptionError, match="no patient here has two recordings"):
        tiny.pretrained(tmp_path / "run", data=[lone])
    tiny.pretrained(tmp_path / "run", "alike-records", data=[lone], overwrite=True)


def test_weights_go_on_from_another_pretraining(whole, tmp_path):
    done = tiny.pretrained(
        tmp_path / "run", model=whole / "encoder", changes=["training.lr=1e-9"], steps=1
    )
    before = weights(whole)
    moved = [float((h - before[n]).abs().max()) for n, h in weights(tmp_path / "run").items()
             if "running" not in n and "num_batches" not in n]  # fmt: skip
    assert max(moved) < 1e-6
    assert from_pretrained(tmp_path / "run" / "encoder").training_data == ("made",)
    assert done.summary["steps"] == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told(tmp_path, monkeypatch):
    from precordia.training import checkpoint

    def full(*_: object, **__: object) -> None:
        raise OutputError("'x' could not be written (No space left on device).")

    monkeypatch.setattr(checkpoint, "write_whole", full)
    with pytest.raises(OutputError, match=r"No space left.*resume"):
        tiny.pretrained(tmp_path / "run")
