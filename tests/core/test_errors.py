# SPDX-License-Identifier: Apache-2.0
"""Sentences stay sentences, whatever the file says that they quote."""

from __future__ import annotations

import pytest

from precordia.core.errors import FormatError, PrecordiaError, UnknownNameError


@pytest.mark.parametrize("kind", [FormatError, UnknownNameError, PrecordiaError])
def test_what_a_terminal_would_obey_is_replaced(kind):
    said = str(kind("the lead '\x1b[2J\x07\x9b' is unknown"))
    assert said == "the lead '�[2J��' is unknown"


def test_letters_of_all_scripts_and_line_breaks_stay():
    assert str(FormatError("µV ≥ 2\nÄ 心電図")) == "µV ≥ 2\nÄ 心電図"


def test_a_sentence_that_repeats_a_file_is_cut():
    assert len(str(FormatError("x" * 100_000))) < 2100


def test_an_error_of_names_is_no_repr():
    assert str(UnknownNameError("no format 'x'.")) == "no format 'x'."
