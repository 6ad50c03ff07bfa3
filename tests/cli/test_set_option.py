# SPDX-License-Identifier: Apache-2.0
"""What was put into --set and is told otherwise: the sentence says how."""

import subprocess
import sys

import pytest
import typer

from precordia.cli.main import command_line, main
from precordia.cli.set_option import own_option
from precordia.datasets.toy import toy_record

TOY = str(toy_record())
PRETRAIN = ["pretrain", "--objective", "mae", "--data", "x", "--minutes", "1", "--out", "o"]
CONVERT = ["convert", TOY, "o.csv"]
WEIGHTS = ["convert-weights", "x.pt", "--model", "resnet1d", "--to", "o"]
ASK = ["ask", TOY, "Is the QRS wide?", "--backend", "endpoint"]
BENCHMARK = ["benchmark", "classification", "--data", "x", "--output", "o"]


def said(capsys, *words):
    with pytest.raises(SystemExit) as left:
        main(list(words))
    assert left.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "pair", "flag"),
    [
        (PRETRAIN, "batch_size=8", "--batch-size"),
        (PRETRAIN, "training.batch_size=8", "--batch-size"),
        (PRETRAIN, "model.seed=8", "--seed"),
        (PRETRAIN, "n_jobs=2", "--jobs"),
        (CONVERT, "to=edf", "--to"),
        (CONVERT, "overwrite=true", "--force"),
        (CONVERT, "identifiers=true", "--identifiers"),
        (CONVERT, "unit=mV", "--unit"),
        (WEIGHTS, "seconds=4", "--seconds"),
        (WEIGHTS, "model=vit1d", "--model"),
        (ASK, "remote=true", "--remote"),
        (ASK, "backend=local", "--backend"),
        (BENCHMARK, "folds=1", "--folds"),
        (BENCHMARK, "min_records=4", "--min-records"),
    ],
)
def test_a_key_that_has_an_option_of_its_own_is_told_which(capsys, command, pair, flag):
    for asked in (["--set", pair], [f"--set={pair}"]):
        assert said(capsys, *command, *asked).endswith(f" {flag} is an option of its own.\n")


def test_the_format_of_a_copy_is_told_by_to_and_not_by_set(capsys):
    assert "--to" in said(capsys, *CONVERT, "--set", "format=edf")


@pytest.mark.parametrize("name", ["train", "adapt"])
def test_a_configuration_has_them_too(capsys, tmp_path, name):
    made = subprocess.run(
        [sys.executable, "-m", "precordia", name, "--example"], capture_output=True, check=True
    )
    (tmp_path / "a.toml").write_bytes(made.stdout)
    file = str(tmp_path / "a.toml")
    assert said(capsys, name, file, "--set", "resume=true").endswith(
        " --resume is an option of its own.\n"
    )
    assert "Did you mean 'training.lr'?" in said(capsys, name, file, "--set", "lr=0.1")


def test_keys_of_other_rooms_are_told_where_they_belong(capsys):
    for key, place in (("lr", "training.lr"), ("width", "model.width"), ("fs", "input.fs")):
        assert f"Did you mean '{place}'?" in said(capsys, *PRETRAIN, "--set", f"{key}=1")


def test_a_key_that_nothing_has_gets_no_such_sentence(capsys):
    assert "of its own" not in said(capsys, *PRETRAIN, "--set", "bogus=1")
    # the sentence is about something else, and the key of --set was right
    command = typer.main.get_command(command_line("pretrain"))
    assert own_option("no objective 'x'.", command, [*PRETRAIN, "--set", "seed=1"]) == ""
