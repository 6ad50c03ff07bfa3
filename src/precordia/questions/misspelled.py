# SPDX-License-Identifier: Apache-2.0
"""Words that are spelled almost like one that questions use."""

from __future__ import annotations

import difflib
from functools import cache

from precordia.questions.cues import cue_index
from precordia.questions.vocabulary import term_index
from precordia.questions.words import words_of

#: shorter words are too like each other
_SHORTEST = 5
_LIKE = 0.84


@cache
def _known() -> tuple[str, ...]:
    phrases = [
        words
        for index in (term_index(), cue_index())
        for entries in index.values()
        for words, _ in entries
    ]
    return tuple(sorted({w for words in phrases for w in words if len(w) >= _SHORTEST}))


def put_right(text: str) -> str:
    """Return a question with words that are known in place of those that are almost like them.

    Examples
    --------
    >>> put_right("Is there atrial fibrilation?")
    'is there atrial fibrillation'
    """
    words = []
    for word in words_of(text, punctuation=False):
        near = ()
        if len(word) >= _SHORTEST and word not in _known():
            near = difflib.get_close_matches(word, _known(), n=1, cutoff=_LIKE)
        words.append(near[0] if near else word)
    return " ".join(words)
