# SPDX-License-Identifier: Apache-2.0
"""Text to pieces: words, pairs of words and parts of words, each with a number.

Training and use call the same function, so that a text becomes the same pieces in both.
"""

from __future__ import annotations

import itertools
import zlib
from functools import lru_cache

import numpy as np
from jaxtyping import Int

from precordia.core.errors import OptionError
from precordia.knowledge.normal_form import STOP_WORDS, words_of

#: a longer text is no statement about an ECG
LONGEST_TEXT = 2000
#: parts of a word have so many letters
_PART_LENGTHS = (3, 4, 5)
#: words, and pairs of words, each get a quarter of the numbers; parts of words get the rest
_SHARES = 4


def text_pieces(text: str, n_pieces: int) -> Int[np.ndarray, " piece"]:
    """Return the numbers of the pieces of a text.

    Parameters
    ----------
    text
        Any text, English or German.
    n_pieces
        How many numbers there are; different pieces may share one.

    Returns
    -------
    One number from 0 to ``n_pieces - 1`` for each word, each pair of neighbours, and each part of a
    word of 3 to 5 letters; none where the text holds no word.

    Raises
    ------
    OptionError
        If it is no text, or longer than 2,000 characters.

    Notes
    -----
    *Method.* Hashed words and parts of words, after fastText. *Departures.* The words are those of
    `precordia.knowledge.normal_form`, where spellings, plurals and words of one meaning meet and
    words without a meaning of their own are left out; pairs of words too; CRC-32 in place of FNV.

    References
    ----------
    Bojanowski P, et al. Enriching word vectors with subword information. TACL 2017;5:135-146.
    doi:10.1162/tacl_a_00051

    Examples
    --------
    >>> same = [text_pieces(t, 8192).tolist() for t in ("Inferior infarct", "inferior INFARCTION")]
    >>> same[0] == same[1], text_pieces("?!", 8192).size
    (True, 0)
    """
    words = content_words(text)
    found: list[int] = []
    quarter = n_pieces // _SHARES
    for word in words:
        found.append(_hashed("w", word, quarter))
        found += (2 * quarter + h for h in _parts(word, n_pieces - 2 * quarter))
    for pair in itertools.pairwise(words):
        found.append(quarter + _hashed("p", " ".join(pair), quarter))
    return np.array(found, np.int64)


def content_words(text: str) -> list[str]:
    """Return the words of a text that carry a meaning, in one form.

    Raises
    ------
    OptionError
        If it is no text, or longer than 2,000 characters.

    Examples
    --------
    >>> content_words("Infarction of the inferior wall")
    ['infarction', 'inferior', 'wall']
    """
    if not isinstance(text, str):
        raise OptionError(f"a {type(text).__name__} arrived as text; words are needed. Give a str.")
    if len(text) > LONGEST_TEXT:
        raise OptionError(
            f"a text of {len(text)} characters arrived; at most {LONGEST_TEXT} are compared with a "
            "recording. Give one statement at a time."
        )
    return [word.form for word in words_of(text) if word.form not in STOP_WORDS]


@lru_cache(maxsize=8192)
def _parts(word: str, n_pieces: int) -> tuple[int, ...]:
    """Return the numbers of the parts of a word; its ends are letters too."""
    whole = f"<{word}>"
    return tuple(
        _hashed("c", whole[k : k + length], n_pieces)
        for length in _PART_LENGTHS
        if length < len(whole)
        for k in range(len(whole) - length + 1)
    )


def _hashed(kind: str, piece: str, n: int) -> int:
    return zlib.crc32(f"{kind}:{piece}".encode()) % n
