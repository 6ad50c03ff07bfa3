# SPDX-License-Identifier: Apache-2.0
"""Byte-pair encoding of strings of small numbers: the most frequent pair becomes one symbol."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from precordia.core.errors import OptionError

#: stands between strings, and is never merged
_END = -1
#: a table of pairs of more symbols than this would not fit into memory
MOST_SYMBOLS = 6000


def learn_merges(
    strings: Sequence[Int[np.ndarray, " _"]], *, n_letters: int, n_merges: int
) -> Int[np.ndarray, "_ 2"]:
    """Learn which pairs to merge.

    Parameters
    ----------
    strings
        Letters from 0 to ``n_letters`` - 1. No pair reaches over the end of a string.
    n_letters
        Size of the alphabet.
    n_merges
        How many pairs at most; fewer where no pair comes twice.

    Returns
    -------
    A row a merge: left and right symbol. The pair of row k becomes symbol ``n_letters + k``.

    Notes
    -----
    *Method*: the most frequent pair is replaced everywhere from left to right by a new symbol, and
    so on. Pairs are counted once and then only corrected around what was replaced. In ``aaa`` the
    pair ``aa`` counts twice and is replaced once. Of equally frequent pairs the one with the
    smaller left, then right symbol is taken.

    References
    ----------
    Gage P. C Users Journal 1994;12(2):23-38. Sennrich R et al. arXiv:1508.07909

    Examples
    --------
    >>> learn_merges([np.array([0, 1, 0, 1, 2])], n_letters=3, n_merges=5).tolist()
    [[0, 1]]
    """
    if n_letters + n_merges > MOST_SYMBOLS:
        raise OptionError(
            f"{n_letters} letters and {n_merges} merges arrived; together they may be "
            f"{MOST_SYMBOLS}. Ask for fewer merges."
        )
    size = n_letters + n_merges
    text = _joined(strings)
    counts = np.zeros(size * size, np.int64)
    _add(counts, text, np.arange(len(text) - 1), size, 1)
    merges = []
    for k in range(n_merges):
        used = n_letters + k
        # Symbols that do not exist yet have no pairs, so rows and columns beyond stay zero.
        best = int(counts[: used * size].argmax()) if used else 0
        if not used or counts[best] < 2:
            break
        left, right = divmod(best, size)
        merges.append((left, right))
        at = _places(text, left, right)
        _add(counts, text, _around(at, len(text), (-1, 0, 1)), size, -1)
        text = _replaced(text, at, n_letters + k)
        now = at - np.arange(len(at))
        _add(counts, text, _around(now, len(text), (-1, 0)), size, 1)
    return np.array(merges, np.int64).reshape(-1, 2)


def merge(
    string: Int[np.ndarray, " _"], merges: Int[np.ndarray, "_ 2"], *, n_letters: int
) -> Int[np.ndarray, " _"]:
    """Replace pairs in the order in which they were learned.

    Examples
    --------
    >>> merge(np.array([0, 1, 0, 1, 2]), np.array([[0, 1], [3, 3]]), n_letters=3).tolist()
    [4, 2]
    """
    return merge_all([string], merges, n_letters=n_letters)[0]


def merge_all(
    strings: Sequence[Int[np.ndarray, " _"]], merges: Int[np.ndarray, "_ 2"], *, n_letters: int
) -> list[Int[np.ndarray, " _"]]:
    """Replace pairs in several strings at once."""
    if not strings:
        return []
    text = _joined(strings)
    size = n_letters + len(merges)
    never = len(merges)
    rank = np.full((size, size), never, np.int32)
    if never:
        rank[merges[:, 0], merges[:, 1]] = np.arange(never)
    while len(text) > 1:
        inside = (text[:-1] != _END) & (text[1:] != _END)
        ranks = np.where(inside, rank[text[:-1], text[1:]], never)
        first = int(ranks.min())
        if first == never:
            break
        left, right = merges[first].tolist()
        text = _replaced(text, _places(text, left, right), n_letters + first)
    ends = np.flatnonzero(text == _END)
    starts = np.concatenate([[0], ends[:-1] + 1])
    return [text[a:b] for a, b in zip(starts, ends, strict=True)]


def spell(merges: Int[np.ndarray, "_ 2"], *, n_letters: int) -> list[Int[np.ndarray, " _"]]:
    """Return the letters that each symbol stands for.

    Examples
    --------
    >>> [s.tolist() for s in spell(np.array([[0, 1], [2, 0]]), n_letters=2)]
    [[0], [1], [0, 1], [0, 1, 0]]
    """
    words = [np.array([letter]) for letter in range(n_letters)]
    for left, right in np.asarray(merges).tolist():
        words.append(np.concatenate([words[left], words[right]]))
    return words


def _joined(strings: Sequence[np.ndarray]) -> np.ndarray:
    parts = [part for s in strings for part in (np.asarray(s, np.int64), np.array([_END]))]
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def _add(counts: np.ndarray, text: np.ndarray, at: np.ndarray, size: int, by: int) -> None:
    left, right = text[at], text[at + 1]
    inside = (left != _END) & (right != _END)
    pair, times = np.unique(left[inside] * size + right[inside], return_counts=True)
    counts[pair] += by * times


def _places(text: np.ndarray, left: int, right: int) -> np.ndarray:
    at = np.flatnonzero((text[:-1] == left) & (text[1:] == right))
    if left != right or len(at) < 2:
        return at
    # In a run of equal symbols every second place is a pair, counted from where the run begins.
    begins = np.concatenate([[True], np.diff(at) > 1])
    first = np.maximum.accumulate(np.where(begins, np.arange(len(at)), 0))
    return at[(np.arange(len(at)) - first) % 2 == 0]


def _replaced(text: np.ndarray, at: np.ndarray, symbol: int) -> np.ndarray:
    text = text.copy()
    text[at] = symbol
    return np.delete(text, at + 1)


def _around(at: np.ndarray, n: int, offsets: tuple[int, ...]) -> np.ndarray:
    near = np.unique(np.concatenate([at + k for k in offsets]))
    return near[(near >= 0) & (near < n - 1)]
