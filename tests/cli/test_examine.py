# SPDX-License-Identifier: Apache-2.0
"""--output of examine: a folder, or the one file whose name it is."""

from __future__ import annotations

import dataclasses
import json

import pytest

from precordia.cli.main import main
from precordia.core.record import Carried
from precordia.generation.simulate import simulate
from precordia.io.write import write

BEGINS = {
    ".html": b"<!doctype html>", ".json": b"{", ".svg": b"<", ".pdf": b"%PDF", ".png": b"\x89PNG",
}  # fmt: skip


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("one") / "ecg.edf"
    record = simulate("sinus", seconds=4)
    write(dataclasses.replace(record, carried=Carried()), path)
    return path


def run(*arguments):
    with pytest.raises(SystemExit) as left:
        main(["examine", *map(str, arguments)])
    return left.value.code


@pytest.mark.parametrize("ending", sorted(BEGINS))
def test_a_name_with_an_ending_is_that_file_alone(file, tmp_path, capsys, ending):
    target = tmp_path / f"page{ending}"
    assert run(file, "--output", target, "--json") == 0
    assert target.is_file()
    assert target.read_bytes().lower().startswith(BEGINS[ending].lower())
    assert list(tmp_path.iterdir()) == [target]
    assert "findings" in json.loads(capsys.readouterr().out)
    before = target.read_bytes()
    assert run(file, "--output", target) == 2
    assert "--force" in capsys.readouterr().err
    assert target.read_bytes() == before


def test_any_other_name_is_a_folder(file, tmp_path):
    assert run(file, "--output", tmp_path / "studies.v2") == 0
    assert {p.name for p in (tmp_path / "studies.v2").iterdir()} == {
        "ecg.svg",
        "report.html",
        "study.json",
    }


def test_several_recordings_are_not_written_into_one_page(file, tmp_path, capsys):
    assert run(file, file.parent, "--output", tmp_path / "all.html") == 2
    assert "Name a folder" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
