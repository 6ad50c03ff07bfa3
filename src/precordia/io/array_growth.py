# SPDX-License-Identifier: Apache-2.0
"""How far compressed arrays may grow before they are taken for an attack or damage."""

from __future__ import annotations

from precordia.core.errors import FormatError

#: arrays of this many bytes are always unpacked, and this many times what is stored
ALWAYS_BYTES, LARGEST_GROWTH = 64 << 20, 50


def check_growth(declared: int, stored: int, *, name: str, what: str) -> None:
    """Refuse an array that would need far more memory than its file holds.

    Parameters
    ----------
    declared
        Bytes that the array needs.
    stored
        Bytes that the file holds for it.
    name, what
        The file and the array, for the sentence.

    Raises
    ------
    FormatError
        If it is larger than any recording would be.

    Examples
    --------
    >>> check_growth(1 << 20, 100, name="a.npz", what="array 'x'")
    """
    if declared > ALWAYS_BYTES and declared > LARGEST_GROWTH * stored:
        raise FormatError(
            f"'{name}' declares {declared:,} bytes for {what} and stores {stored:,}, which no "
            "recording does. If it is one, store it without compression."
        )
