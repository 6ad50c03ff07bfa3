# SPDX-License-Identifier: Apache-2.0
"""Huffman codes of SCP-ECG: the tables of section 2, and their decoding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, UInt8

from precordia.core.errors import FormatError
from precordia.io.scp_ecg_sections import Section

#: what section 2 says instead of a number of tables when it means the default one
DEFAULT_TABLE = 19999
#: prefixes up to this many bits are looked up at once
_LOOKUP_BITS = 16
_LONGEST_PREFIX, _LONGEST_VALUE = 32, 32
#: bytes that are decoded together, which bounds the memory and fits the cache
_BATCH_BYTES = 1 << 14
#: symbols that one step along the chain of codes passes, as a power of two
_STRIDE_POWER = 4


class Code(NamedTuple):
    """One code: its bits, how many more bits hold a value, and what it stands for.

    ``code`` has the first transmitted bit as its highest. Where ``switches`` is set, ``value``
    is the number of the table that decodes what follows, from 1.
    """

    prefix_bits: int
    value_bits: int
    code: int
    value: int
    switches: bool = False


@dataclass(frozen=True, slots=True)
class _Lookup:
    """What every possible word of ``bits`` bits begins with."""

    bits: int
    total_bits: UInt8[np.ndarray, " word"]
    prefix_bits: UInt8[np.ndarray, " word"]
    value: Int[np.ndarray, " word"]


def default_codes() -> tuple[Code, ...]:
    """Return the default table: short codes from -8 to 8, and values of 8 and 16 bits.

    Examples
    --------
    >>> len(default_codes()), default_codes()[1]
    (19, Code(prefix_bits=3, value_bits=0, code=4, value=1, switches=False))
    """
    codes = [Code(1, 0, 0b0, 0)]
    for size in range(1, 9):
        ones = (1 << size) - 1
        codes.append(Code(size + 2, 0, ones << 2, size))
        codes.append(Code(size + 2, 0, (ones << 2) | 1, -size))
    codes.append(Code(10, 8, 0b1111111110, 0))
    codes.append(Code(10, 16, 0b1111111111, 0))
    return tuple(codes)


def parse_tables(section: Section, name: str) -> list[tuple[Code, ...]]:
    """Return the tables of section 2.

    Parameters
    ----------
    section
        Section 2.
    name
        What to call the file in errors.

    Returns
    -------
    Tables in order; the first is the one that every lead begins with. None where the samples are
    not compressed.

    Raises
    ------
    FormatError
        If a table is incomplete or no decoder could follow it.

    Notes
    -----
    A structure of nine bytes holds the bits of the prefix, the bits of prefix and value, a mode
    (0 switches tables), the value and the prefix, whose first bit is the lowest. Bits beyond the
    prefix are a signed number, which the value is added to.
    """
    body = section.body
    count = section.u16(0)
    if count == DEFAULT_TABLE:
        return [default_codes()]
    tables: list[tuple[Code, ...]] = []
    at = 2
    for _ in range(count):
        n_codes = section.u16(at)
        if n_codes == 0 or at + 2 + 9 * n_codes > len(body):
            raise FormatError(
                f"'{name}' has an incomplete Huffman table. Copy or export the file again."
            )
        codes = []
        for k in range(n_codes):
            place = at + 2 + 9 * k
            prefix, total, mode = body[place], body[place + 1], body[place + 2]
            if not 1 <= prefix <= _LONGEST_PREFIX or not 0 <= total - prefix <= _LONGEST_VALUE:
                raise FormatError(
                    f"'{name}' has a Huffman code of {prefix} bits in a word of {total} bits, "
                    "which makes no sense. Copy or export the file again."
                )
            word = section.u32(place + 5) & ((1 << prefix) - 1)
            code = int(f"{word:0{prefix}b}"[::-1], 2)
            codes.append(Code(prefix, total - prefix, code, section.i16(place + 3), mode == 0))
        tables.append(tuple(codes))
        at += 2 + 9 * n_codes
    return tables


def decode_rows(
    rows: Sequence[bytes], tables: Sequence[tuple[Code, ...]], counts: Sequence[int | None]
) -> list[Int[np.ndarray, " _"]]:
    """Decode the samples of some leads.

    Parameters
    ----------
    rows
        Compressed bytes of each lead.
    tables
        Tables; every lead begins with the first.
    counts
        How many samples each lead has at most; None for all that are there.

    Returns
    -------
    The values of each lead, int32; fewer than asked for where the bytes end or hold no code.

    Notes
    -----
    The length of the code that begins at every bit is looked up for all bits at once. Where the
    next code begins is then a pointer; pointers are doubled until one step passes 16 codes, those
    steps are followed for all leads together, and the 15 codes between are filled in. Prefixes of
    more than 16 bits and several tables are decoded code by code.

    Examples
    --------
    >>> decode_rows([bytes([0b10010111, 0b00000000])], [default_codes()], [4])[0]
    array([ 1, -1,  2,  0], dtype=int32)
    """
    table = tables[0]
    if not rows:
        return []
    if any(code.switches or code.prefix_bits > _LOOKUP_BITS for code in table):
        return [_decode_slowly(row, tables, n) for row, n in zip(rows, counts, strict=True)]
    lookup = _lookup(table)
    batches: list[list[int]] = [[]]
    held = 0
    for k, row in enumerate(rows):
        if batches[-1] and held + len(row) > _BATCH_BYTES:
            batches.append([])
            held = 0
        batches[-1].append(k)
        held += len(row)
    # One set of arrays serves all batches: fresh memory costs more than the decoding.
    most = max(sum(len(rows[k]) for k in batch) for batch in batches)
    scratch = np.empty((3, 8 * most + 1), np.intp)
    decoded: list[Int[np.ndarray, " _"]] = []
    for batch in batches:
        decoded += _decode_batch(
            [rows[k] for k in batch], lookup, [counts[k] for k in batch], scratch
        )
    return decoded


def _lookup(table: tuple[Code, ...]) -> _Lookup:
    """Return what every word begins with; where codes overlap, the shorter one counts."""
    bits = max(code.prefix_bits for code in table)
    total = np.zeros(1 << bits, np.uint8)
    prefix = np.zeros(1 << bits, np.uint8)
    value = np.zeros(1 << bits, np.int32)
    for code in sorted(table, key=lambda code: code.prefix_bits):
        low = code.code << (bits - code.prefix_bits)
        if total[low]:
            continue
        words = slice(low, low + (1 << (bits - code.prefix_bits)))
        total[words] = code.prefix_bits + code.value_bits
        prefix[words] = code.prefix_bits
        value[words] = code.value
    return _Lookup(bits, total, prefix, value)


def _decode_batch(
    rows: Sequence[bytes],
    lookup: _Lookup,
    counts: Sequence[int | None],
    scratch: Int[np.ndarray, "3 bit"],
) -> list[Int[np.ndarray, " _"]]:
    lengths = np.array([len(row) for row in rows])
    ends = np.cumsum(lengths) * 8
    begins = ends - lengths * 8
    stream = np.frombuffer(b"".join(rows) + b"\0" * 8, np.uint8)
    n_bits = int(ends[-1])
    words = _words(stream, n_bits, lookup.bits)
    following, stride, spare = scratch[:, : n_bits + 1]
    np.add(np.arange(n_bits), lookup.total_bits.take(words), out=following[:-1])
    following[-1] = n_bits
    np.minimum(following, n_bits, out=following)
    following.take(following, out=stride, mode="clip")
    for _ in range(_STRIDE_POWER - 1):
        stride.take(stride, out=spare, mode="clip")
        stride, spare = spare, stride
    most = int(lengths.max(initial=0)) * 8
    wanted = max((most if n is None else min(n, most) for n in counts), default=0)
    step = 1 << _STRIDE_POWER
    starts = np.empty((-(-wanted // step), step, len(rows)), np.intp)
    here = begins.astype(np.intp)
    for line in starts:
        line[0] = here
        here = stride.take(here)
    for k in range(1, step):
        following.take(starts[:, k - 1], out=starts[:, k], mode="clip")
    starts = starts.reshape(-1, len(rows))
    decoded = []
    for k, n in enumerate(counts):
        places = starts[:, k] if n is None else starts[: max(0, n), k]
        # A chain that has reached its end, or a word that is no code, stays where it is.
        after = following.take(places)
        good = (after > places) & (after <= ends[k])
        if n_bits == ends[k]:
            good &= places + _total(lookup, words, places, n_bits) <= n_bits
        stop = len(places) if good.all() else int(np.argmin(good))
        decoded.append(_values(stream, words, lookup, places[:stop]))
    return decoded


def _total(
    lookup: _Lookup, words: np.ndarray, places: np.ndarray, n_bits: int
) -> Int[np.ndarray, " sample"]:
    """Return the bits of the codes at some places, which may lie behind the end."""
    return lookup.total_bits[words.take(np.minimum(places, n_bits - 1))].astype(np.int64)


def _words(stream: np.ndarray, n_bits: int, bits: int) -> np.ndarray:
    """Return the word of ``bits`` bits that begins at every bit."""
    n = n_bits // 8
    wide = stream[: n + 2].astype(np.uint32)
    three = (wide[:n] << 16) | (wide[1 : n + 1] << 8) | wide[2:]
    shifts = np.arange(24 - bits, 16 - bits, -1, dtype=np.uint32)
    words = three[:, np.newaxis] >> shifts
    words &= np.uint32((1 << bits) - 1)
    return words.reshape(-1)


def _values(
    stream: np.ndarray, words: np.ndarray, lookup: _Lookup, places: np.ndarray
) -> Int[np.ndarray, " sample"]:
    """Return what the codes at some places stand for."""
    word = words.take(places)
    values = lookup.value.take(word)
    extra = lookup.total_bits.take(word) - lookup.prefix_bits.take(word)
    long = np.flatnonzero(extra)
    if long.size:
        at = places[long] + lookup.prefix_bits.take(word[long])
        width = extra[long].astype(np.int64)
        first = at >> 3
        held = np.zeros(long.size, np.int64)
        for k in range(5):
            held = (held << 8) | stream[first + k]
        number = (held >> (40 - (at & 7) - width)) & ((np.int64(1) << width) - 1)
        number -= (number >> (width - 1)) << width
        values[long] += number.astype(np.int32)
    return values


def _decode_slowly(
    row: bytes, tables: Sequence[tuple[Code, ...]], count: int | None
) -> Int[np.ndarray, " sample"]:
    """Decode code by code, with any prefix and any number of tables."""
    n_bits = 8 * len(row)
    chunks = _Bits(row)
    known = [_by_length(table) for table in tables]
    table = known[0]
    found: list[int] = []
    at = 0
    limit = n_bits if count is None else max(0, count)
    while len(found) < limit and at < n_bits:
        word = chunks.at(at)
        for bits, codes in table:
            code = codes.get(word >> (_LONGEST_PREFIX - bits))
            if code is not None:
                break
        else:
            break
        at += code.prefix_bits
        if code.switches:
            if not 1 <= code.value <= len(known):
                break
            table = known[code.value - 1]
            continue
        value, width = code.value, code.value_bits
        if width:
            number = chunks.at(at) >> (_LONGEST_PREFIX - width)
            value += number - ((number >> (width - 1)) << width)
            at += width
        if at > n_bits:
            break
        found.append(((value + (1 << 31)) & 0xFFFFFFFF) - (1 << 31))
    return np.array(found, np.int32)


class _Bits:
    """Words of 32 bits at any bit of some bytes."""

    def __init__(self, row: bytes) -> None:
        self._held = row + b"\0" * 8

    def at(self, bit: int) -> int:
        byte = bit >> 3
        return (int.from_bytes(self._held[byte : byte + 5], "big") >> (8 - (bit & 7))) & 0xFFFFFFFF


def _by_length(table: tuple[Code, ...]) -> list[tuple[int, dict[int, Code]]]:
    """Return the codes of each length, short ones first."""
    lengths: dict[int, dict[int, Code]] = {}
    for code in table:
        lengths.setdefault(code.prefix_bits, {}).setdefault(code.code, code)
    return sorted(lengths.items())


def encode_row(values: Int[np.ndarray, " sample"]) -> bytes:
    """Compress values with the default table.

    Parameters
    ----------
    values
        Whole numbers of 16 bits with sign.

    Returns
    -------
    The bits of their codes, the last byte filled with zeros.

    Examples
    --------
    >>> encode_row(np.array([1, -1, 2, 0])).hex()
    '9700'
    """
    x = np.asarray(values, np.int64)
    size = np.abs(x)
    short = size <= 8
    byte = ~short & (x >= -128) & (x <= 127)
    bits = np.where(short, np.where(x == 0, 1, size + 2), np.where(byte, 18, 26))
    ones = np.int64(1) << np.where(short, size, 0)
    words = np.where(short, np.where(x == 0, 0, ((ones - 1) << 2) | (x < 0)), 0)
    words = np.where(byte, (0b1111111110 << 8) | (x & 0xFF), words)
    words = np.where(~short & ~byte, (0b1111111111 << 16) | (x & 0xFFFF), words)
    ends = np.cumsum(bits)
    total = int(ends[-1]) if x.size else 0
    owner = np.repeat(np.arange(x.size), bits)
    shift = ends[owner] - 1 - np.arange(total)
    return np.packbits((words[owner] >> shift).astype(np.uint8) & 1).tobytes()
