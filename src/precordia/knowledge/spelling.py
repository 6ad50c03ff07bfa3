# SPDX-License-Identifier: Apache-2.0
"""Misspelled words: the known words within a stated number of edits."""

from __future__ import annotations

from collections.abc import Iterable

#: known words of fewer letters must be right
SHORTEST = 5
#: beginnings that turn a word into its opposite
_OPPOSITES = ("hyper", "hypo")
#: from this length on, two letters may be wrong
_LONG = 8


def edits_allowed(word: str) -> int:
    """Return how many letters of a known word may be wrong.

    Examples
    --------
    >>> [edits_allowed(word) for word in ("left", "block", "flutter", "anterior")]
    [0, 1, 1, 2]
    """
    if len(word) < SHORTEST or not word.isalpha():
        return 0
    return 2 if len(word) >= _LONG else 1


def count_edits(a: str, b: str, *, at_most: int) -> int:
    """Count the letters added, left out, changed, or changed in places between two words.

    Parameters
    ----------
    a, b
        The words.
    at_most
        Counting stops above this.

    Returns
    -------
    The number of edits, or ``at_most + 1`` where there are more.

    Notes
    -----
    Optimal string alignment: two neighbouring letters that changed places are one edit, and no
    part of a word is edited twice.

    References
    ----------
    Damerau FJ. Communications of the ACM 1964;7:171-176. doi:10.1145/363958.363994

    Examples
    --------
    >>> count_edits("filbrillation", "fibrillation", at_most=2)
    1
    >>> count_edits("fultter", "flutter", at_most=2)
    1
    """
    if abs(len(a) - len(b)) > at_most:
        return at_most + 1
    before_last: list[int] = []
    last = list(range(len(b) + 1))
    for i, letter in enumerate(a, start=1):
        row = [i]
        for j, other in enumerate(b, start=1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                cost = min(cost, before_last[j - 2] + 1)
            row.append(cost)
        if min(row) > at_most:
            return at_most + 1
        before_last, last = last, row
    return min(last[-1], at_most + 1)


def nearest_words(word: str, known: Iterable[str]) -> tuple[tuple[str, ...], int]:
    """Return the known words that a misspelled one may be, and at how many edits.

    Parameters
    ----------
    word
        A word that is not known.
    known
        The words that are.

    Returns
    -------
    All words at the smallest number of edits within what `edits_allowed` says, in alphabetical
    order, and that number; nothing and 0 where none is near. The first letters agree, and a word
    with hyper- is never taken for one with hypo-.

    Examples
    --------
    >>> nearest_words("anteriar", ["anterior", "inferior", "atrial"])
    (('anterior',), 1)
    >>> nearest_words("left", ["lift"])
    ((), 0)
    """
    if len(word) < SHORTEST - 1 or not word.isalpha():
        return (), 0
    near: dict[int, list[str]] = {}
    for other in known:
        allowed = min(edits_allowed(other), max(1, edits_allowed(word)))
        if other[0] != word[0] or not allowed or _are_opposite(word, other):
            continue
        edits = count_edits(word, other, at_most=allowed)
        if edits <= allowed and not (len(word) < SHORTEST and len(other) == len(word)):
            near.setdefault(edits, []).append(other)
    if not near:
        return (), 0
    fewest = min(near)
    return tuple(sorted(near[fewest])), fewest


def _are_opposite(a: str, b: str) -> bool:
    return any(a.startswith(start) != b.startswith(start) for start in _OPPOSITES)
