# SPDX-License-Identifier: Apache-2.0
"""DICOM data elements as bytes: explicit value representation, little endian."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Mapping
from typing import Any

from precordia.core.errors import OutputError

_LONG = frozenset(("OB", "OW", "SQ", "UT", "UN"))
_WIDTH = {"SH": 16, "LO": 64, "ST": 1024, "LT": 10240, "PN": 64, "CS": 16, "UI": 64, "DS": 16,
          "IS": 12, "DA": 8, "TM": 14, "DT": 26, "AS": 4}  # fmt: skip
_BINARY = {"US": "H", "UL": "I"}
#: what ends a value or the whole text, and must not stand in one
_FORBIDDEN = dict.fromkeys([*range(32), 127, ord("\\")], " ")

#: coding schemes whose designator alone does not say which edition is meant
_VERSIONS = {"SCPECG": "1.3"}

#: an item or data set: tag to (value representation, value)
Elements = Mapping[int, tuple[str, Any]]


def encode_elements(elements: Elements) -> bytes:
    r"""Encode data elements, in the order of their tags.

    Parameters
    ----------
    elements
        Value representation and value by tag. A value is a text, a number, several of them, bytes,
        or for ``"SQ"`` a list of items; None and an empty text give an element without a value.

    Returns
    -------
    The bytes, every value of even length.

    Raises
    ------
    OutputError
        If a value is longer than an element can be.

    References
    ----------
    DICOM PS3.5, sections 6.2 and 7.

    Examples
    --------
    >>> encode_elements({0x00080060: ("CS", "ECG")})
    b'\x08\x00`\x00CS\x04\x00ECG '
    """
    return b"".join(_element(tag, *elements[tag]) for tag in sorted(elements))


def _element(tag: int, vr: str, value: Any) -> bytes:
    content = _items(value) if vr == "SQ" else _value(vr, value)
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode("ascii"))
    limit = 0xFFFFFFFE if vr in _LONG else 0xFFFE
    if len(content) > limit:
        raise OutputError(
            f"an element of {len(content):,} bytes arrived; DICOM holds at most {limit:,} in one. "
            "Write a shorter part of the record, or WFDB."
        )
    size = struct.pack("<HI", 0, len(content)) if vr in _LONG else struct.pack("<H", len(content))
    return head + size + content


def _items(items: Iterable[Elements] | None) -> bytes:
    parts = []
    for item in items or ():
        content = encode_elements(item)
        parts += [struct.pack("<HHI", 0xFFFE, 0xE000, len(content)), content]
    return b"".join(parts)


def _value(vr: str, value: Any) -> bytes:
    if value is None:
        return b""
    if isinstance(value, bytes):
        content = value
    elif vr in _BINARY:
        numbers = value if isinstance(value, (tuple, list)) else (value,)
        content = struct.pack(f"<{len(numbers)}{_BINARY[vr]}", *numbers)
    else:
        content = plain_text(str(value), _WIDTH.get(vr, 1024)).encode()
    if len(content) % 2:
        content += b"\0" if vr in ("UI", "OB", "OW") else b" "
    return content


def plain_text(text: str, width: int) -> str:
    r"""Return a text without control characters and backslashes, cut to a number of characters.

    Examples
    --------
    >>> plain_text("left\\arm\n", 16)
    'left arm'
    """
    return " ".join(text.translate(_FORBIDDEN).split(" ")).strip()[:width]


def decimal_text(value: float) -> str:
    """Return a number as a decimal string: the most digits that fit sixteen characters.

    Raises
    ------
    OutputError
        If it is not finite.

    Examples
    --------
    >>> decimal_text(1 / 3), decimal_text(500.0), decimal_text(-1.5e-20)
    ('0.33333333333333', '500', '-1.5e-20')
    """
    if not math.isfinite(value):
        raise OutputError(f"{value} arrived where DICOM needs a finite number.")
    for digits in range(17, 0, -1):
        text = f"{value:.{digits}g}"
        if len(text) <= 16:
            return text
    raise OutputError(f"{value!r} does not fit the sixteen characters of a DICOM number.")


def code_item(code: str, scheme: str, meaning: str) -> Elements:
    """Return an item of a code sequence.

    Examples
    --------
    >>> code_item("2:1", "MDC", "Lead I")[0x00080102]
    ('SH', 'MDC')
    """
    item: dict[int, tuple[str, Any]] = {
        0x00080100: ("SH", code),
        0x00080102: ("SH", scheme),
        0x00080104: ("LO", meaning),
    }
    if scheme in _VERSIONS:
        item[0x00080103] = ("SH", _VERSIONS[scheme])
    return item
