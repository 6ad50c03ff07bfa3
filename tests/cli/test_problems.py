# SPDX-License-Identifier: Apache-2.0
"""What many files share is said once, with a count; what differs is said of each."""

from __future__ import annotations

import json
import sys

import pytest

from precordia.cli.main import main
from precordia.cli.problems import problem_lines
from precordia.datasets.toy import toy_record


@pytest.fixture
def flac(tmp_path, monkeypatch):
    """Recordings in FLAC, where soundfile is not installed, and one that can be read."""
    monkeypatch.setitem(sys.modules, "soundfile", None)
    folder = tmp_path / "in"
    folder.mkdir()
    for k in range(7):
        (folder / f"f{k}.hea").write_text(f"f{k} 1 500 100\nf{k}.dat 516 200/mV 16 0 0 0 0 II\n")
        (folder / f"f{k}.dat").write_bytes(b"fLaC" + bytes(100))
    for end in (".hea", ".dat"):
        (folder / f"toy{end}").write_bytes(toy_record().with_suffix(end).read_bytes())
    return folder


def run(*arguments):
    with pytest.raises(SystemExit) as left:
        main([str(word) for word in arguments])
    return left.value.code


@pytest.mark.parametrize("verb", ["examine", "export", "deidentify"])
def test_a_missing_extra_is_named_once_for_all_files_of_a_folder(verb, flac, tmp_path, capsys):
    to = [tmp_path / "out"] if verb == "deidentify" else ["--output", tmp_path / "out"]
    code = run(verb, flac, *to)
    err = capsys.readouterr().err
    assert code == 0
    assert err.count("precordia[flac]") == 1
    said = next(line for line in err.splitlines() if "precordia[flac]" in line)
    assert said.startswith("7 files (such as ")
    assert "f0.hea" in said


def test_json_still_names_every_file(flac, tmp_path, capsys):
    run("examine", flac, "--output", tmp_path / "out", "--json")
    out, err = capsys.readouterr()
    problems = json.loads(out)["problems"]
    assert len(problems) == 7
    assert not err


def test_sentences_that_differ_only_in_their_file_are_one():
    lines = problem_lines(
        [(f"a/{name}.dat", f"'{name}.dat' ends too early.") for name in ("u1", "v2", "w3", "x4")]
        + [("a/y.dat", "'y.dat' is empty.")]
    )
    assert lines == [
        "4 files (such as a/u1.dat, a/v2.dat, a/w3.dat): 'u1.dat' ends too early.",
        "a/y.dat: 'y.dat' is empty.",
    ]


def test_two_files_are_said_each_and_nothing_of_none():
    pair = [("a", "is empty."), ("b", "is empty.")]
    assert problem_lines(pair) == ["a: is empty.", "b: is empty."]
    assert problem_lines([]) == []
