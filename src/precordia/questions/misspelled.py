# SPDX-License-Identifier: Apache-2.0
"""The words that questions use, in place of misspelled ones."""

from __future__ import annotations

from functools import cache

from precordia.knowledge.spelling import SHORTEST, nearest_words
from precordia.questions.cues import cue_index
from precordia.questions.vocabulary import term_index
from precordia.questions.words import words_of


@cache
def _known() -> tuple[str, ...]:
    phrases = [
        words
        for index in (term_index(), cue_index())
        for entries in index.values()
        for words, _ in entries
    ]
    return tuple(sorted({w for words in phrases for w in words if len(w) >= SHORTEST}))


def put_right(text: str) -> str:
    """Return a question with words that are known in place of those that are almost like them.

    A word that may be two known ones stays as it is; what is almost like a word is the same as
    for names of statements (`precordia.knowledge.spelling`).

    Examples
    --------
    >>> put_right("Is there atrial fibrilation?")
    'is there atrial fibrillation'
    """
    words = []
    for word in words_of(text, punctuation=False):
        near: tuple[str, ...] = ()
        if len(word) >= SHORTEST and word not in _known():
            near, _ = nearest_words(word, _known())
        words.append(near[0] if len(near) == 1 else word)
    return " ".join(words)
