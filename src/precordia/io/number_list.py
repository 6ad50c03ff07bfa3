# SPDX-License-Identifier: Apache-2.0
"""Samples that a file spells out as a list of whole numbers."""

from __future__ import annotations

import warnings

import numpy as np
from jaxtyping import Int

from precordia.core.errors import FormatError

#: no converter of a recorder has more bits
_LARGEST = 1 << 31


def parse_integers(text: str | None, *, name: str, what: str) -> Int[np.ndarray, " sample"]:
    """Return the whole numbers of a text, separated by white space or commas.

    Parameters
    ----------
    text
        The list; None and blank give no numbers.
    name, what
        The file and what the numbers are, for the error sentence: ``"lead V2"``.

    Raises
    ------
    FormatError
        If something else than whole numbers of at most 32 bits stands there.

    Examples
    --------
    >>> parse_integers(" 1 -2,3 ", name="a.xml", what="lead II")
    array([ 1, -2,  3])
    """
    spaced = (text or "").replace(",", " ").strip()
    if not spaced:
        return np.empty(0, np.int64)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)  # what older NumPy says instead
            numbers = np.fromstring(spaced, np.int64, sep=" ")
    except (ValueError, DeprecationWarning):
        numbers = None
    if (
        numbers is None
        or _has_lone_sign(spaced)
        or (numbers.size and np.abs(numbers).max() >= _LARGEST)
    ):
        raise FormatError(
            f"'{name}' holds something else than whole numbers among the samples of {what}. The "
            "file is damaged: copy or export it again."
        )
    return numbers


def _has_lone_sign(text: str) -> bool:
    """Tell whether a sign stands without a digit behind it, which NumPy takes for part of one."""
    characters = np.frombuffer(text.encode() + b" ", np.uint8)
    signs = (characters[:-1] == ord("-")) | (characters[:-1] == ord("+"))
    digits = characters[1:] - np.uint8(ord("0")) < 10  # smaller characters wrap around
    return bool((signs & ~digits).any())
