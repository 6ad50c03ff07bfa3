# SPDX-License-Identifier: Apache-2.0
"""From a configuration to a folder with a model: what is in it, and what is refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch

from precordia.cli.main import main
from precordia.core.errors import (
    LeadError,
    OptionError,
    OutputError,
    UnknownNameError,
    WeightsError,
)
from precordia.core.record import Record
from precordia.embedding.prepare import prepare
from precordia.io.write import write
from precordia.models.pretrained import from_pretrained
from precordia.training.configuration import read_configuration
from precordia.training.configuration_tables import toml_text
from precordia.training.example import example_configuration
from precordia.training.train import train

torch.set_num_threads(1)


def small(cache: Path, **training) -> dict:
    """A configuration that takes a second."""
    return {
        "data": {
            "simulated": 60,
            "scenarios": ["sinus", "left-bundle-block"],
            "cache": str(cache),
        },
        "model": {
            "name": "resnet1d",
            "options": {"width": 4},
            "leads": ["I", "V1"],
            "fs": 100,
            "seconds": 2,
        },
        "training": {"epochs": 2, "batch_size": 16, "lr": 0.01, **training},
        "augment": [{"name": "gain"}],
    }


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("windows")


@pytest.fixture(scope="module")
def trained(tmp_path_factory, cache):
    return train(small(cache), folder=tmp_path_factory.mktemp("trained") / "here")


def test_how_many_recordings_lack_leads_of_the_model_is_said(trained, tmp_path):
    for k in range(24):
        leads = ("I", "V1") if k % 3 else ("I",)
        signal = np.random.default_rng(k).normal(0.1, 0.3, size=(len(leads), 300))
        write(Record(signal=signal, fs=100, leads=leads), tmp_path / f"{k}.hea")
    rows = [f"{k}.hea,p{k},{'ab'[k % 2]}" for k in range(24)]
    (tmp_path / "labels.csv").write_text("path,patient_id,label\n" + "\n".join(rows) + "\n")
    held = small(tmp_path / "cache", epochs=1)
    held["data"] = {
        "database": "folder",
        "folder": str(tmp_path),
        "shares": [0.5, 0.5, 0.0],
        "cache": str(tmp_path / "cache"),
    }
    said = [r.text for r in train(held, folder=tmp_path / "model").remarks]
    assert "8 of 24 recordings lack leads, and zeros stand for them: V1 (8)." in said
    assert not any("zeros" in remark.text for remark in trained.remarks)


def test_the_folder_has_what_is_promised(trained):
    held = {p.name for p in trained.folder.iterdir()}
    assert held >= {
        "model",
        "metrics.json",
        "log.jsonl",
        "configuration.toml",
        "environment.json",
        "tensorboard",
    }
    about = json.loads((trained.folder / "environment.json").read_text())
    assert about["torch"] == torch.__version__
    assert about["minutes"] >= 0


def test_the_saved_model_says_what_the_scores_are_of(trained):
    from sklearn.metrics import roc_auc_score

    from precordia.training.data_parts import part_of_each
    from precordia.training.record_source import simulated_source

    model = from_pretrained(trained.folder / "model").eval()
    source = simulated_source(60, ["sinus", "left-bundle-block"])
    parts, _ = part_of_each(source)
    rows = [k for k, part in enumerate(parts) if part == "validation"]
    windows = np.concatenate([prepare(source.read(k), model.input_spec).windows for k in rows])
    with torch.no_grad():
        logits = model(torch.from_numpy(windows)).numpy()
    metrics = json.loads((trained.folder / "metrics.json").read_text())
    for k, name in enumerate(source.classes):
        expected = roc_auc_score(source.targets[rows, k], logits[:, k])
        assert metrics["classes"][name]["value"] == pytest.approx(expected)
        low, high = metrics["classes"][name]["interval"]
        assert low <= expected <= high
    assert model.classes == source.classes


def test_the_configuration_as_run_gives_the_same_model(trained, tmp_path, cache):
    again = train(trained.folder / "configuration.toml", folder=tmp_path / "again")
    one, other = ((f.folder / "model" / "model.safetensors") for f in (trained, again))
    assert one.read_bytes() == other.read_bytes()


def test_a_model_is_fine_tuned_for_other_classes(trained, tmp_path, cache):
    tables = small(cache, lower_lr=0.1)
    tables["data"]["scenarios"] = ["sinus", "right-bundle-block", "atrial-fibrillation"]
    tables["model"] = {"weights": str(trained.folder / "model")}
    tuned = train(tables, folder=tmp_path / "tuned")
    assert tuned.model.n_outputs == 3
    assert from_pretrained(tuned.folder / "model").training_data == ("simulated",)
    tables["model"]["sha256"] = "0" * 64
    with pytest.raises(WeightsError, match="hash"):
        train(tables, folder=tmp_path / "other")


def test_a_fine_tuned_model_names_the_data_of_its_weights_too(trained, tmp_path, cache):
    model = from_pretrained(trained.folder / "model")
    model.save_pretrained(tmp_path / "older", training_data=("ptbxl", "code15"))
    tables = small(cache, epochs=1)
    tables["model"] = {"weights": str(tmp_path / "older")}
    train(tables, folder=tmp_path / "tuned")
    tuned = from_pretrained(tmp_path / "tuned" / "model")
    assert tuned.training_data == ("ptbxl", "code15", "simulated")
    model.save_pretrained(tmp_path / "silent", training_data=())
    tables["model"] = {"weights": str(tmp_path / "silent")}
    train(tables, folder=tmp_path / "other")
    silent = from_pretrained(tmp_path / "other" / "model").training_data
    assert silent[0].startswith("unknown")
    assert silent[1:] == ("simulated",)


def test_a_folder_with_something_in_it_is_refused(trained, cache):
    with pytest.raises(OutputError, match="--resume"):
        train(small(cache), folder=trained.folder)


def test_a_finished_training_resumed_changes_nothing(trained, cache):
    before = (trained.folder / "model" / "model.safetensors").read_bytes()
    again = train(small(cache), folder=trained.folder, resume=True)
    assert (trained.folder / "model" / "model.safetensors").read_bytes() == before
    assert again.metrics["classes"] == trained.metrics["classes"]


def test_resuming_with_other_settings_is_refused(trained, cache):
    with pytest.raises(WeightsError, match="lr was"):
        train(small(cache, lr=0.02), folder=trained.folder, resume=True)


def test_the_example_is_a_configuration_and_every_key_of_it_is_known():
    tables = tomllib.loads(example_configuration())
    assert read_configuration(tables).tables == tables


def test_tables_written_as_toml_are_read_as_they_were(cache):
    tables = small(cache)
    tables["input"] = {"leads": ["I"], "steps": [{"step": "window", "take": "first"}]}
    assert tomllib.loads(toml_text(tables)) == tables


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ("training.epoch=3", UnknownNameError, "Did you mean 'epochs'"),
        ("training.epochs=many", OptionError, "whole number"),
        ("training.epochs=0", OptionError, "at least 1"),
        ("training.lr=true", OptionError, "a number is needed"),
        ("training.schedule=onecycle", UnknownNameError, "Did you mean 'one-cycle'"),
        ("training.precision=bf16", UnknownNameError, "bfloat16"),
        ("training.metric=auroc", UnknownNameError, "macro_auroc"),
        ("training.loss=focl", UnknownNameError, "Did you mean 'focal'"),
        ("training.device=gpu", OptionError, "'cpu', 'cuda' or 'auto'"),
        ("modle.name=resnet1d", UnknownNameError, "Did you mean 'model'"),
        ("model.name=resnet", UnknownNameError, "Did you mean 'resnet1d'"),
        ("model.option=1", UnknownNameError, "Did you mean 'options'"),
        ("model.leads=['I', 'W1']", LeadError, "W1"),
        ("data.simulated=many", OptionError, "data.simulated"),
        ("data.scenarios=['sinus', 'nothing']", UnknownNameError, "scenario"),
        ("data.store='x'", OptionError, "one of store"),
        ("data.task=regression", OptionError, "data.targets is needed"),
        ("data.task=regresion", UnknownNameError, "Did you mean 'regression'"),
        ("data.task=sample-classes", OptionError, "from Python"),
        ("data.targets=['qrs_ms']", OptionError, 'task = "regression"'),
        ("data.train=[1]", OptionError, "validation"),
        ("data.shares=[1, 1, 1]", OptionError, "add up to 1"),
        ("data.classes=['sinuss']", UnknownNameError, "Did you mean 'sinus'"),
        ("augment=[{name='gian'}]", UnknownNameError, "Did you mean 'gain'"),
        ("training", OptionError, "key=value"),
        ("model.fs=0", OptionError, "model.fs is 0, which is none"),
        ("model.seconds=0", OptionError, "model.seconds is 0, which is none"),
        ("model.leads=[]", OptionError, "model.leads is [], which is none"),
        ("data.classes=[]", OptionError, "data.classes is [], which is none"),
    ],
)
def test_mistakes_in_a_configuration_are_sentences(tmp_path, cache, change, kind, words):
    with pytest.raises(kind) as caught:
        train(small(cache), folder=tmp_path / "new", changes=[change])
    assert words in str(caught.value)
    assert not (tmp_path / "new" / "model").exists()


def test_a_mistake_leaves_a_folder_that_the_right_call_can_use(tmp_path, cache):
    tables = small(cache, epochs=1)
    for again in (False, True):
        with pytest.raises(OptionError, match="no record of"):
            train(tables, folder=tmp_path / "run", resume=again, changes=["data.simulated=1"])
    train(tables, folder=tmp_path / "run")
    written = tomllib.loads((tmp_path / "run" / "configuration.toml").read_text())
    assert written["data"]["simulated"] == 60


def test_a_training_that_never_began_is_gone_on_with_as_it_is_told_now(tmp_path, cache):
    (tmp_path / "configuration.toml").write_text("[data]\nsimulated = 1\n")
    train(small(cache, epochs=1), folder=tmp_path, resume=True)
    assert tomllib.loads((tmp_path / "configuration.toml").read_text()) == small(cache, epochs=1)


def test_two_trainings_in_one_folder_do_not_mix(tmp_path, cache):
    path, out = tmp_path / "training.toml", tmp_path / "out"
    path.write_text(toml_text(small(cache, epochs=1)))
    command = [sys.executable, "-m", "precordia", "train", str(path), "--folder", str(out)]
    told = []

    def second(*_):
        if not told:
            ask = [*command, "--resume"]
            told.append(subprocess.run(ask, capture_output=True, text=True, check=False))

    train(path, folder=out, watch=second)
    assert told[0].returncode == 2
    assert "another process is writing into" in told[0].stderr
    assert not list(out.glob(".*"))


def test_a_validation_part_that_cannot_choose_is_refused_before_training(tmp_path, cache):
    tables = small(cache, epochs=1)
    tables["data"]["simulated"] = 4
    with pytest.raises(OptionError, match=r"macro AUROC cannot choose.*metric = \"loss\""):
        train(tables, folder=tmp_path / "run")
    assert not (tmp_path / "run" / "log.jsonl").exists()
    tables["training"]["metric"] = "loss"
    done = train(tables, folder=tmp_path / "run")
    assert from_pretrained(done.folder / "model").details["task"] == "multilabel"
    said = json.loads(json.dumps(done.to_dict(), allow_nan=False))
    assert said["metrics"]["macro_auroc"]["value"] is None


def test_prepared_windows_are_those_of_prepare_and_are_made_once(trained, cache, monkeypatch):
    made = [p for p in cache.iterdir() if (p / "done.json").exists()]
    assert len(made) >= 1
    monkeypatch.setattr(
        "precordia.training.prepared_windows.prepare", lambda *_: pytest.fail("made again")
    )
    train(small(cache), folder=trained.folder, resume=True)


def test_the_command_trains_and_tells_json(tmp_path, cache, capsys):
    path = tmp_path / "training.toml"
    path.write_text(toml_text(small(cache)))
    out = tmp_path / "out"
    with pytest.raises(SystemExit) as end:
        main(["train", str(path), "--folder", str(out), "--set", "training.epochs=1", "--json"])
    assert end.value.code == 0
    told = json.loads(capsys.readouterr().out)
    assert told["folder"] == str(out)
    assert told["metrics"]["n_epochs"] == 1
    with pytest.raises(SystemExit) as end:
        main(["train", str(path), "--folder", str(out)])
    assert end.value.code == 2
    assert "--resume" in capsys.readouterr().err


def test_ctrl_c_saves_a_checkpoint_and_says_how_to_resume(tmp_path, cache):
    path, out = tmp_path / "training.toml", tmp_path / "out"
    path.write_text(toml_text(small(cache, epochs=100_000, patience=0)))
    command = [sys.executable, "-m", "precordia", "train", str(path), "--folder", str(out)]
    running = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    for _ in range(600):
        if (out / "checkpoint.safetensors").exists():
            break
        time.sleep(0.1)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130, said
    assert "--resume" in said
    assert "interrupted." in said
    from precordia.training.checkpoint import read_checkpoint

    held = read_checkpoint(out)
    lines = (out / "log.jsonl").read_text().splitlines()
    last = [json.loads(line)["step"] for line in lines][-1]
    assert held is not None
    assert held.progress.step == last
    assert str(last) in said
