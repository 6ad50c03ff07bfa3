# SPDX-License-Identifier: Apache-2.0
import itertools
from functools import cache

import pytest

from precordia.knowledge.spelling import count_edits, nearest_words


@cache
def by_definition(a, b):
    """The distance as it is defined, from the ends of the words."""
    if not a or not b:
        return len(a) + len(b)
    least = min(
        by_definition(a[:-1], b) + 1,
        by_definition(a, b[:-1]) + 1,
        by_definition(a[:-1], b[:-1]) + (a[-1] != b[-1]),
    )
    if len(a) > 1 and len(b) > 1 and a[-1] == b[-2] and a[-2] == b[-1]:
        least = min(least, by_definition(a[:-2], b[:-2]) + 1)
    return least


def test_edits_are_those_of_the_definition_for_every_pair_of_short_words():
    words = ["".join(w) for n in range(5) for w in itertools.product("abc", repeat=n)][::2]
    for a, b in itertools.product(words, words[::3]):
        for most in (1, 2):
            assert count_edits(a, b, at_most=most) == min(by_definition(a, b), most + 1), (a, b)


@pytest.mark.parametrize(
    ("word", "known", "near"),
    [
        ("anteror", {"anterior", "interior"}, (("anterior",), 1)),
        ("blok", {"block", "bloke"}, (("block", "bloke"), 1)),
        ("blck", {"back"}, ((), 0)),
        ("lateral", {"bateral"}, ((), 0)),
        ("hyperkalemia", {"hypokalemia"}, ((), 0)),
        ("v12", {"v1234"}, ((), 0)),
    ],
)
def test_words_near_enough_are_found_together(word, known, near):
    assert nearest_words(word, known) == near
