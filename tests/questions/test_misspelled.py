# SPDX-License-Identifier: Apache-2.0
"""Misspelled words of questions are read as those of statements are."""

from __future__ import annotations

import pytest

from precordia.questions.misspelled import put_right


@pytest.mark.parametrize(
    ("asked", "read"),
    [
        ("any atrial fultter?", "any atrial flutter"),
        ("is there ventriculer hypertrohpy", "is there ventricular hypertrophy"),
        ("is there atrial flutter", "is there atrial flutter"),
        ("left lift laft", "left lift laft"),
    ],
)
def test_letters_that_are_wrong_missing_or_changed_places_are_put_right(asked, read):
    assert put_right(asked) == read


def test_a_word_never_becomes_its_opposite():
    assert "hypertrophy" not in put_right("hypotrophy of the ventricle")
