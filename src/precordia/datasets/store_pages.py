# SPDX-License-Identifier: Apache-2.0
"""Where each record lies in a shard: the places of the pages of one Parquet column."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Int64

from precordia.core.errors import FormatError

#: columns of a table of pages
OFFSET, COMPRESSED, RAW, CRC = range(4)
_DATA_PAGE = 0
_STRUCT, _BINARY, _DOUBLE = 12, 8, 7
_LONGEST_HEADER = 4096
_DEEPEST = 8


def find_pages(
    content: memoryview, first: int, end: int, n_rows: int
) -> Int64[np.ndarray, "batch 4"]:
    """Follow the pages of a column chunk, each of which must hold one row.

    Parameters
    ----------
    content
        The Parquet file.
    first, end
        Where the chunk begins and ends.
    n_rows
        Rows of the chunk.

    Returns
    -------
    For each row: where its compressed bytes begin, how many there are, how many they are
    uncompressed, and their checksum (CRC-32, as Parquet has it).

    Raises
    ------
    FormatError
        If pages hold something else, or more than one row each.

    Notes
    -----
    A Parquet file says where its column chunks are. Within a chunk each page has a header in
    Thrift's compact protocol (`PageHeader` of parquet.thrift), which tells how long the page is.
    """
    table = np.empty((n_rows, 4), np.int64)
    place = first
    for row in range(n_rows):
        try:
            header, length = read_struct(content[place : min(end, place + _LONGEST_HEADER)])
            kind, raw, compressed, crc = (header[key] for key in (1, 2, 3, 4))
            n_values = header[5][1]
        except (KeyError, IndexError, TypeError) as error:
            raise FormatError(f"page {row} has no header that can be read") from error
        start = place + length
        place = start + compressed
        if kind != _DATA_PAGE or n_values != 1 or compressed < 0 or raw < 4 or place > end:
            raise FormatError(f"page {row} does not hold one record")
        table[row] = start, compressed, raw, crc & 0xFFFFFFFF
    if place != end:
        raise FormatError("there are more pages than records")
    return table


def read_struct(content: memoryview, depth: int = 0) -> tuple[dict[int, Any], int]:
    """Read a struct in Thrift's compact protocol.

    Parameters
    ----------
    content
        Begins with the struct.
    depth
        How many structs it lies in.

    Returns
    -------
    Its fields by number, and how many bytes it took.

    Raises
    ------
    KeyError, IndexError
        If it is none.

    Examples
    --------
    >>> read_struct(memoryview(bytes([0x15, 0x04, 0x15, 0x07, 0x00])))
    ({1: 2, 2: -4}, 5)
    """
    if depth > _DEEPEST:
        raise KeyError("structs within structs without end")
    fields: dict[int, Any] = {}
    place, field = 0, 0
    while True:
        head = content[place]
        place += 1
        if head == 0:
            return fields, place
        kind, step = head & 0x0F, head >> 4
        if step:
            field += step
        else:
            zigzag, place = _varint(content, place)
            field = (zigzag >> 1) ^ -(zigzag & 1)
        fields[field], place = _value(content, place, kind, depth)


def _value(content: memoryview, place: int, kind: int, depth: int) -> tuple[Any, int]:
    if kind in (1, 2):  # a truth is its own type
        return kind == 1, place
    if kind == 3:
        return content[place], place + 1
    if kind in (4, 5, 6):
        zigzag, place = _varint(content, place)
        return (zigzag >> 1) ^ -(zigzag & 1), place
    if kind == _DOUBLE:
        return None, place + 8
    if kind == _BINARY:
        length, place = _varint(content, place)
        return bytes(content[place : place + length]), place + length
    if kind == _STRUCT:
        inner, length = read_struct(content[place:], depth + 1)
        return inner, place + length
    raise KeyError(f"type {kind}")


def _varint(content: memoryview, place: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        byte = content[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, place
        shift += 7
        if shift > 63:
            raise KeyError("a number without end")
