# SPDX-License-Identifier: Apache-2.0
"""Samples that a text file holds as base64."""

from __future__ import annotations

import binascii

import numpy as np
from jaxtyping import Int

from precordia.core.errors import FormatError


def decode_base64(text: str | None, *, name: str, what: str) -> bytes:
    r"""Return the bytes that a base64 text stands for.

    Parameters
    ----------
    text
        The text; None and blank give no bytes. Signs that only fill up its end may be missing.
    name, what
        The file and what the bytes are, for the error sentence: ``"lead V2"``.

    Raises
    ------
    FormatError
        If the text is no base64.

    Examples
    --------
    >>> decode_base64("AQ I=", name="a.xml", what="lead I")
    b'\x01\x02'
    >>> decode_base64("AQI", name="a.xml", what="lead I")
    b'\x01\x02'
    """
    try:
        whole = "".join((text or "").split()).encode("ascii")
        filled = whole if whole.endswith(b"=") else whole + b"=" * (-len(whole) % 4)
        return binascii.a2b_base64(filled, strict_mode=bool(whole))
    except (binascii.Error, UnicodeEncodeError):
        raise FormatError(
            f"'{name}' holds something else than base64 in the samples of {what}. The file is "
            "damaged: copy or export it again."
        ) from None


def sixteen_bit_samples(content: bytes, *, name: str, what: str) -> Int[np.ndarray, " sample"]:
    """Return bytes as signed numbers of 16 bits, the lower byte first.

    Raises
    ------
    FormatError
        If a byte is left over.

    Examples
    --------
    >>> sixteen_bit_samples(bytes([1, 0, 255, 255]), name="a.xml", what="lead I")
    array([ 1, -1], dtype=int16)
    """
    if len(content) % 2:
        raise FormatError(
            f"'{name}' holds {len(content):,} bytes for the samples of {what}; two a sample were "
            "needed. The file is damaged: copy or export it again."
        )
    return np.frombuffer(content, "<i2")
