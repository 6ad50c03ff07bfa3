# SPDX-License-Identifier: Apache-2.0
"""Wordings that were written after the parser, some of which it did not understand at first."""

from __future__ import annotations

from pathlib import Path

import pytest

from precordia.questions.parse import parse_question
from precordia.questions.templates import template_of

ROWS = [
    line.split("\t")
    for line in Path(__file__).with_name("more_wordings.tsv").read_text("utf-8").splitlines()
]


@pytest.mark.parametrize(("template", "wording"), ROWS)
def test_a_wording_is_understood_as_its_template(template, wording):
    assert template_of(parse_question(wording)) == int(template)


def test_an_axis_deviates_without_an_earlier_recording():
    assert parse_question("Does the axis of the heart deviate to the right?").scope == "single"


def test_a_number_is_compared_with_its_normal_range_in_one_recording():
    assert parse_question("How does the QRS duration compare with the normal range?").scope == (
        "single"
    )
