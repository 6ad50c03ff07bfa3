# SPDX-License-Identifier: Apache-2.0
"""Leads that a text names: by their own names, and by the region that they look at."""

from __future__ import annotations

from collections.abc import Sequence

from precordia.core.leads import LIMB, PRECORDIAL, STANDARD_12

_BY_WORD = {name.lower(): name for name in STANDARD_12}
_AFTER_LEAD = {"1": "I", "2": "II", "3": "III", "l": "I", "one": "I", "two": "II", "three": "III"}
#: regions as readers speak of them
REGIONS: dict[str, tuple[str, ...]] = {
    "inferior": ("II", "III", "aVF"),
    "lateral": ("I", "aVL", "V5", "V6"),
    "anterior": ("V3", "V4"),
    "septal": ("V1", "V2"),
    "anteroseptal": ("V1", "V2", "V3", "V4"),
    "anterolateral": ("I", "aVL", "V3", "V4", "V5", "V6"),
    "inferolateral": ("I", "II", "III", "aVL", "aVF", "V5", "V6"),
    "limb": LIMB,
    "extremity": LIMB,
    "chest": PRECORDIAL,
    "precordial": PRECORDIAL,
}
_PLACES = frozenset({"lead", "wall", "region", "territory", "part", "side", "channel", "area"})


def lead_at(
    words: Sequence[str], place: int, *, known_before: bool
) -> tuple[tuple[str, ...], int] | None:
    """Return the leads that one word names, and how many words name them.

    Parameters
    ----------
    words
        The question's words.
    place
        Index of the word.
    known_before
        Whether the word before names a lead too, so that "I" cannot be the asker.

    Returns
    -------
    The leads and the number of words; None where no lead is named.

    Examples
    --------
    >>> lead_at(("lead", "i"), 1, known_before=False)
    (('I',), 1)
    >>> lead_at(("i", "wonder"), 0, known_before=False) is None
    True
    """
    word = words[place]
    before = words[place - 1] if place else ""
    after = words[place + 1] if place + 1 < len(words) else ""
    if word in _AFTER_LEAD and before == "lead":
        return (_AFTER_LEAD[word],), 1
    if word == "i" and not (before == "lead" or known_before or _goes_on(words, place)):
        return None
    if word in _BY_WORD:
        return (_BY_WORD[word],), 1
    if word in ("av", "a") and after in ("r", "l", "f"):
        return (f"aV{after.upper()}",), 2
    if word == "v" and after in "123456" and after:
        return (f"V{after}",), 2
    if word in REGIONS and after in _PLACES:
        return REGIONS[word], 1
    return None


def _goes_on(words: Sequence[str], place: int) -> bool:
    """Tell whether a list of leads goes on after the word."""
    return any(w in _BY_WORD and w != "i" for w in words[place + 1 : place + 3])
