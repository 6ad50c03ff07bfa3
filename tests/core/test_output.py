# SPDX-License-Identifier: Apache-2.0
"""Outputs appear whole or not at all."""

import pytest

from precordia.core.errors import OutputError
from precordia.core.output import whole_file, write_text_whole


def test_nothing_is_overwritten_without_being_asked(tmp_path):
    place = tmp_path / "a.txt"
    place.write_text("mine")
    with pytest.raises(OutputError, match="exists"):
        write_text_whole("new", place)
    assert place.read_text() == "mine"
    write_text_whole("new", place, overwrite=True)
    assert place.read_text() == "new"


def test_a_write_that_fails_leaves_nothing_and_keeps_the_old(tmp_path):
    place = tmp_path / "a.txt"
    place.write_text("old")
    with pytest.raises(OutputError, match="space"), whole_file(place, overwrite=True) as part:
        part.write_text("half")
        raise OSError(28, "No space left on device")
    assert place.read_text() == "old"
    assert list(tmp_path.iterdir()) == [place]


def test_an_interrupt_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), whole_file(tmp_path / "a.txt") as part:
        part.write_text("half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["missing/a.txt", "."])
def test_an_impossible_place_is_a_sentence(tmp_path, name):
    with pytest.raises(OutputError, match=r"\w+ \w+"):
        write_text_whole("x", tmp_path / name)


def test_non_ascii_names_work(tmp_path):
    assert write_text_whole("x", tmp_path / "Ärzte ЭКГ 心电图.txt").read_text() == "x"
