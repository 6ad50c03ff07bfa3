# SPDX-License-Identifier: Apache-2.0
"""The binary sample formats of WFDB: bytes to integers and back."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Int, UInt8

from precordia.core.errors import FormatError


class SampleFormat(NamedTuple):
    """How one format packs samples.

    ``bits`` is the width of a sample, ``group`` samples share ``group_bytes`` bytes, ``missing``
    is the value that stands for no sample (None where the format has none), and ``flac`` tells
    that the file is a FLAC stream.
    """

    bits: int
    group: int
    group_bytes: int
    missing: int | None
    flac: bool = False


FORMATS: dict[int, SampleFormat] = {
    8: SampleFormat(8, 1, 1, None),
    16: SampleFormat(16, 1, 2, -(1 << 15)),
    24: SampleFormat(24, 1, 3, -(1 << 23)),
    32: SampleFormat(32, 1, 4, -(1 << 31)),
    61: SampleFormat(16, 1, 2, -(1 << 15)),
    80: SampleFormat(8, 1, 1, -(1 << 7)),
    160: SampleFormat(16, 1, 2, -(1 << 15)),
    212: SampleFormat(12, 2, 3, -(1 << 11)),
    310: SampleFormat(10, 3, 4, -(1 << 9)),
    311: SampleFormat(10, 3, 4, -(1 << 9)),
    508: SampleFormat(8, 1, 1, -(1 << 7), flac=True),
    516: SampleFormat(16, 1, 2, -(1 << 15), flac=True),
    524: SampleFormat(24, 1, 3, -(1 << 23), flac=True),
}


def sample_format(fmt: int, header: str) -> SampleFormat:
    """Look up a format, or refuse one that WFDB does not have."""
    try:
        return FORMATS[fmt]
    except KeyError:
        known = ", ".join(map(str, FORMATS))
        raise FormatError(
            f"'{header}' names the signal format {str(fmt)[:12]}; WFDB has {known}. Convert the "
            "record with xform, or correct the header."
        ) from None


def stored_bytes(fmt: int, n_samples: int) -> int:
    """Count the fewest bytes that hold a number of samples.

    Examples
    --------
    >>> stored_bytes(212, 2), stored_bytes(212, 3), stored_bytes(311, 2), stored_bytes(310, 2)
    (3, 5, 3, 4)
    """
    kind = FORMATS[fmt]
    whole, rest = divmod(n_samples, kind.group)
    size = whole * kind.group_bytes
    if rest:
        size += 2 * rest if fmt == 310 else -(-rest * kind.bits // 8)
    return size


def stored_samples(fmt: int, n_bytes: int) -> int:
    """Count the samples that a number of bytes holds.

    Examples
    --------
    >>> stored_samples(212, 5), stored_samples(311, 7)
    (3, 5)
    """
    kind = FORMATS[fmt]
    whole, rest = divmod(max(n_bytes, 0), kind.group_bytes)
    held = whole * kind.group
    for more in range(kind.group - 1, 0, -1):
        if stored_bytes(fmt, more) <= rest:
            return held + more
    return held


def decode_samples(
    fmt: int, raw: UInt8[np.ndarray, " byte"], n_samples: int
) -> Int[np.ndarray, " sample"]:
    """Unpack integers from bytes.

    Parameters
    ----------
    fmt
        A format of ``FORMATS`` that is not FLAC.
    raw
        The bytes, starting at the first of a group.
    n_samples
        Number of samples wanted; ``raw`` holds at least ``stored_bytes(fmt, n_samples)``.

    Returns
    -------
    The samples, int16 or int32. For format 8 they are the first differences as stored.

    Notes
    -----
    Layouts of the WFDB signal(5) page; all words little-endian except in format 61.

    Examples
    --------
    >>> decode_samples(212, np.array([0x01, 0xF0, 0xFE], np.uint8), 2).tolist()
    [1, -2]
    """
    if fmt == 16:
        return raw[: 2 * n_samples].view("<i2")
    if fmt == 61:
        return raw[: 2 * n_samples].view(">i2").astype(np.int16)
    if fmt == 160:
        return (raw[: 2 * n_samples].view("<u2") ^ np.uint16(0x8000)).view(np.int16)
    if fmt == 8:
        return raw[:n_samples].view(np.int8).astype(np.int16)
    if fmt == 80:
        return raw[:n_samples].astype(np.int16) - np.int16(128)
    if fmt == 32:
        return raw[: 4 * n_samples].view("<i4")
    if fmt == 24:
        wide = np.zeros((n_samples, 4), np.uint8)
        wide[:, 1:] = raw[: 3 * n_samples].reshape(-1, 3)
        return wide.reshape(-1).view("<i4") >> 8
    kind = FORMATS[fmt]
    n_groups = -(-n_samples // kind.group)
    if raw.size < n_groups * kind.group_bytes:
        raw = np.concatenate([raw, np.zeros(n_groups * kind.group_bytes - raw.size, np.uint8)])
    raw = raw[: n_groups * kind.group_bytes]
    out = np.empty((n_groups, kind.group), np.int16)
    if fmt == 212:
        three = raw.reshape(-1, 3)
        middle = three[:, 1].astype(np.int16)
        low = middle << 12  # a shift up and an arithmetic shift down extend the sign
        low >>= 4
        low |= three[:, 0]
        out[:, 0] = low
        middle >>= 4
        middle <<= 12
        middle >>= 4
        middle |= three[:, 2]
        out[:, 1] = middle
    elif fmt == 310:
        word = raw.view("<u2").reshape(-1, 2)
        out[:, :2] = (word << 5).view(np.int16) >> 6
        third = (word[:, 0] >> 11) | ((word[:, 1] >> 11) << 5)
        out[:, 2] = (third << 6).view(np.int16) >> 6
    else:  # 311
        word = raw.view("<u4")
        for place, shift in enumerate((22, 12, 2)):
            out[:, place] = (word << np.uint32(shift)).view(np.int32) >> 22
    return out.reshape(-1)[:n_samples]


def encode_samples(fmt: int, values: Int[np.ndarray, " sample"]) -> bytes:
    """Pack integers into bytes; the inverse of `decode_samples`.

    Parameters
    ----------
    fmt
        A format of ``FORMATS`` that is not FLAC; for format 8 pass the first differences.
    values
        Integers within the range of the format.

    Returns
    -------
    The bytes; the last group of 310 and 311 is filled up with zeros.

    Examples
    --------
    >>> encode_samples(212, np.array([1, -2])).hex()
    '01f0fe'
    """
    values = np.asarray(values)
    if fmt == 16:
        return values.astype("<i2").tobytes()
    if fmt == 61:
        return values.astype(">i2").tobytes()
    if fmt == 160:
        return (values + 32768).astype("<u2").tobytes()
    if fmt == 8:
        return values.astype(np.int8).tobytes()
    if fmt == 80:
        return (values + 128).astype(np.uint8).tobytes()
    if fmt == 32:
        return values.astype("<i4").tobytes()
    if fmt == 24:
        return values.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    kind = FORMATS[fmt]
    n_groups = -(-values.size // kind.group)
    full = np.zeros(n_groups * kind.group, np.uint32)
    full[: values.size] = values.astype(np.int64) & ((1 << kind.bits) - 1)
    full = full.reshape(-1, kind.group)
    if fmt == 212:
        out = np.empty((n_groups, 3), np.uint8)
        out[:, 0] = full[:, 0] & 0xFF
        out[:, 1] = (full[:, 0] >> 8) | ((full[:, 1] >> 8) << 4)
        out[:, 2] = full[:, 1] & 0xFF
        return out.tobytes()[: stored_bytes(212, values.size)]
    if fmt == 310:
        word = np.empty((n_groups, 2), "<u2")
        word[:, 0] = (full[:, 0] << 1) | ((full[:, 2] & 31) << 11)
        word[:, 1] = (full[:, 1] << 1) | ((full[:, 2] >> 5) << 11)
        return word.tobytes()
    return (full[:, 0] | (full[:, 1] << 10) | (full[:, 2] << 20)).astype("<u4").tobytes()
