# SPDX-License-Identifier: Apache-2.0
"""Every command that reads takes the same flags, and gives the reader those that were given."""

from __future__ import annotations

import json

import numpy as np
import pytest
import typer.main

from precordia.cli.main import command_line, main
from precordia.cli.options import reads
from precordia.datasets.toy import toy_record

READING = ("info", "read", "assess", "delineate", "measure", "classify", "plot", "convert",
           "examine", "deidentify", "catalogue")  # fmt: skip
FLAGS = ("--format", "--unit", "--fs", "--leads", "--variable", "--axes", "--index",
         "--ignore-checksum")  # fmt: skip


@pytest.mark.parametrize("command", READING)
def test_every_command_that_reads_has_the_flags(command):
    held = {
        o for p in typer.main.get_command(command_line()).commands[command].params for o in p.opts
    }
    assert set(FLAGS) <= held


def test_only_what_was_given_reaches_the_reader():
    seen = []

    @reads
    def command(file: str, *, reading: dict) -> None:
        seen.append((file, reading))

    nothing = dict.fromkeys(("format", "unit", "fs", "leads", "variable", "axes", "index"))
    command(file="a", **nothing, ignore_checksum=False)
    command(file="b", **(nothing | {"leads": "I, II", "index": 0}), ignore_checksum=True)
    assert seen == [
        ("a", {}),
        ("b", {"leads": ["I", "II"], "index": 0, "ignore_checksum": True}),
    ]


def _run(capsys, *arguments):
    with pytest.raises(SystemExit) as left:
        main(list(map(str, arguments)))
    out, err = capsys.readouterr()
    return left.value.code, out, err


def test_the_verb_says_what_info_says(capsys):
    said = [_run(capsys, command, toy_record(), "--json") for command in ("info", "read")]
    assert said[0] == said[1]
    assert said[0][0] == 0


def test_an_array_is_read_as_the_flags_say(capsys, tmp_path):
    file = tmp_path / "many.npz"
    array = np.random.default_rng(0).normal(size=(3, 50, 40))
    np.savez(file, noise=array * 0, ecg=array)
    flags = ("--variable", "ecg", "--axes", "record sample lead", "--index", "1", "--fs", "250",
             "--unit", "100 uV", "--leads", ",".join(f"E{k}" for k in range(40)))  # fmt: skip
    code, out, err = _run(capsys, "info", file, *flags, "--json")
    assert (code, err) == (0, "")
    said = json.loads(out)
    assert (said["n_samples"], said["fs_hz"]) == (50, 250)
    assert said["leads"].startswith("E0, E1, ")
    code, _, err = _run(capsys, "convert", file, tmp_path / "one.csv", *flags)
    assert code == 0


def test_a_sentence_names_the_flag_and_not_the_argument(capsys, tmp_path):
    np.save(tmp_path / "a.npy", np.random.default_rng(0).normal(size=(2, 3000)))
    code, _, err = _run(capsys, "info", tmp_path / "a.npy")
    assert code == 2
    assert "--fs 500" in err
    code, _, err = _run(capsys, "info", tmp_path / "a.npy", "--fs", "500")
    assert code == 2
    assert "--unit 'mV'" in err
    code, _, err = _run(capsys, "info", tmp_path / "a.npy", "--fs", "500", "--index", "4")
    assert code == 2
    assert "--axes" in err
    assert "=" not in err


def test_a_flag_that_a_format_does_not_take_is_refused(capsys):
    code, _, err = _run(capsys, "info", toy_record(), "--variable", "x")
    assert code == 2
    assert "variable" in err
