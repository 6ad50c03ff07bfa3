# SPDX-License-Identifier: Apache-2.0
"""Leads that look at the heart from neighbouring directions."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

#: neighbours in anatomical order; -aVR, between I and II, is left out
CHEST = ("V1", "V2", "V3", "V4", "V5", "V6")
LIMB = ("aVL", "I", "II", "aVF", "III")
#: groups within which any two leads are contiguous
GROUPS = (("I", "aVL"), ("II", "III", "aVF"), *pairwise(CHEST))


def contiguous(leads: Iterable[str]) -> tuple[str, ...]:
    """Keep the leads that have a contiguous lead among the others.

    Two chest leads side by side are contiguous, and any two of II, III and aVF, and I with aVL.

    Examples
    --------
    >>> contiguous(["V1", "V2", "V5", "III", "aVF", "I"])
    ('aVF', 'III', 'V1', 'V2')
    """
    held = set(leads)
    kept = {x for group in GROUPS if len(held & set(group)) >= 2 for x in group if x in held}
    return tuple(x for x in (*LIMB, *CHEST) if x in kept)
