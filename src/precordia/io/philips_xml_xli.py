# SPDX-License-Identifier: Apache-2.0
"""The compression that Philips calls XLI: differences of differences, in codes of ten bits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from precordia.core.errors import FormatError

_HEADER_BYTES = 8
_CODE_BITS = 10
_END = (1 << _CODE_BITS) - 1
#: first code that stands for more than one byte, and how many of these there are
_FIRST_STRING, _N_STRINGS = 256, _END - 256
#: added to every stored difference
_BIAS = 64
#: bytes that one code can stand for, and how many may be joined before they are counted
_LONGEST, _ALWAYS_ALLOWED_BYTES = _N_STRINGS + 1, 64 << 20
_SINGLE = tuple(bytes((value,)) for value in range(_FIRST_STRING))
#: the ten bits of each of four codes lie in two neighbours of five bytes
_SHIFTS = np.array([6, 4, 2, 0], np.uint16)


def decode_xli(
    content: bytes, *, n_leads: int, n_samples: int, name: str
) -> list[Int[np.ndarray, " sample"]]:
    """Decompress the leads of a Philips recording.

    Parameters
    ----------
    content
        The compressed bytes: one block a lead.
    n_leads
        Blocks that are wanted; files hold up to 16, of which the last may be empty.
    n_samples
        Samples of each lead, as the file declares them.
    name
        Name of the file, for the error sentence.

    Returns
    -------
    Stored samples of each lead; none of a lead that the content ends before.

    Raises
    ------
    FormatError
        If a block holds another number of samples than declared, or no codes.

    Notes
    -----
    A block is its length (32 bits), a number that is always 1 and the first difference (16 bits
    each), and a stream of codes of ten bits, most significant bit first. The codes are those of
    Lempel, Ziv and Welch over bytes; the table is full at 1023 entries and stays as it is, and
    code 1023 ends the stream. Of the bytes, the first half holds the upper and the second half the
    lower ones of 16-bit numbers: two samples, then second differences, biased by 64 and turned in
    sign.

    References
    ----------
    Welch TA. Computer 1984;17(6):8-19. doi:10.1109/MC.1984.1659158

    Examples
    --------
    >>> block = bytes.fromhex("04000000 0100 0000 00002ffc")  # codes 0, 2, end
    >>> decode_xli(block, n_leads=1, n_samples=1, name="a.xml")
    [array([2], dtype=int32)]
    """
    rows = [np.empty(0, np.int32)] * n_leads
    at = 0
    for lead in range(n_leads):
        if len(content) - at < _HEADER_BYTES:
            break
        length = int.from_bytes(content[at : at + 4], "little", signed=True)
        first = int.from_bytes(content[at + 6 : at + 8], "little", signed=True)
        begin = at + _HEADER_BYTES
        if not 0 < length <= len(content) - begin:
            break
        at = begin + length
        rows[lead] = _samples(_expanded(content[begin:at], 2 * n_samples, name), first)
    return rows


def _codes(block: bytes) -> np.ndarray:
    """Return the ten-bit codes of a block up to the one that ends it."""
    n = len(block) * 8 // _CODE_BITS
    padded = np.frombuffer(block + bytes(-len(block) % 5 + 5), np.uint8)
    five = padded[: len(padded) // 5 * 5].reshape(-1, 5).astype(np.uint16)
    codes = (((five[:, :4] << 8 | five[:, 1:]) >> _SHIFTS) & _END).reshape(-1)[:n]
    ends = np.flatnonzero(codes == _END)
    return codes[: ends[0]] if ends.size else codes


def _expanded(block: bytes, n_bytes: int, name: str) -> bytes:
    """Return the bytes that a block of codes stands for."""
    codes = _codes(block)
    table = list(_SINGLE)
    append = table.append
    known = codes.tolist()
    try:
        last = _SINGLE[known[0]]
        for code in known[1 : _N_STRINGS + 1]:
            # A code that is not in the table yet must be the one that is about to enter it.
            entry = table[code] if code != len(table) else last + last[:1]
            append(last + entry[:1])
            last = entry
        if codes.size * _LONGEST > _ALWAYS_ALLOWED_BYTES:
            total = int(np.fromiter(map(len, table), np.int64, len(table))[codes].sum())
            if total not in (n_bytes, n_bytes + 1):
                raise _of_another_length(name, n_bytes // 2)
        expanded = b"".join([table[code] for code in known])
    except IndexError:
        raise FormatError(
            f"'{name}' holds compressed samples that cannot be decoded. The file is damaged: copy "
            "or export it again."
        ) from None
    # The last code may stand for a byte more than is used.
    if len(expanded) not in (n_bytes, n_bytes + 1):
        raise _of_another_length(name, n_bytes // 2)
    return expanded[:n_bytes]


def _samples(content: bytes, first: int) -> Int[np.ndarray, " sample"]:
    """Return the samples whose second differences were stored."""
    halves = np.frombuffer(content, np.uint8).reshape(2, -1)
    stored = ((halves[0].astype(np.uint16) << 8) | halves[1]).view(np.int16).astype(np.int64)
    if stored.size < 3:
        return stored.astype(np.int32)
    steps = stored.copy()
    steps[1] -= stored[0]
    steps[2] = -first
    steps[3:] = _BIAS - stored[2:-1]
    np.cumsum(steps[1:], out=steps[1:])
    # The sums are those of 16-bit integers, which turn over.
    return np.cumsum(steps).astype(np.int16).astype(np.int32)


def rebuild_limb_leads(
    rows: Sequence[Int[np.ndarray, " sample"]],
) -> tuple[Int[np.ndarray, " sample"], ...]:
    """Return the six limb leads of which the last four were stored as residuals.

    Parameters
    ----------
    rows
        I, II and the residuals of III, aVR, aVL and aVF; those of the last three may be empty.

    Notes
    -----
    A residual is what a lead lies below the value that leads I and II (for aVL and aVF, I and II
    with lead III as just rebuilt) give for it, in whole steps. Halves are rounded down.

    Examples
    --------
    >>> stored = [np.array([value]) for value in (10, 35, 0, 0, 0, 0)]
    >>> [int(row[0]) for row in rebuild_limb_leads(stored)]
    [10, 35, 25, -22, -8, 30]
    """
    one, two, *residuals = rows
    three = two - one - residuals[0]
    expected = (-(one + two >> 1), one - three >> 1, two + three >> 1)
    others = (
        value - residual if residual.size else residual
        for value, residual in zip(expected, residuals[1:], strict=True)
    )
    return one, two, three, *others


def _of_another_length(name: str, n_samples: int) -> FormatError:
    return FormatError(
        f"'{name}' declares {n_samples:,} samples a lead, and a compressed lead holds another "
        "number. The file is damaged: copy or export it again."
    )
