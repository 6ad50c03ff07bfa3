# SPDX-License-Identifier: Apache-2.0
"""The arrays of a MATLAB file of version 4 to 7, from its bytes."""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from precordia.core.errors import FormatError
from precordia.io.array_growth import ALWAYS_BYTES, LARGEST_GROWTH, check_growth

_DTYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8",
           13: "u8", 16: "u1", 17: "u2", 18: "u4"}  # fmt: skip
_V4_DTYPES = ("f8", "f4", "i4", "i2", "u2", "u1")
_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCT, _CHAR = 1, 2, 4
_NUMERIC = range(6, 16)
_MAX_DEPTH = 8
_MOST_ARRAYS = 5000
_MOST_TEXT = 1 << 20


@dataclass(slots=True)
class MatlabContent:
    """What a MATLAB file holds.

    Attributes
    ----------
    arrays
        Arrays of numbers by name; fields of structures as ``"ECG.data"``.
    facts
        Texts, lists of texts and single numbers by name.
    """

    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


def parse_matlab(content: bytes, *, name: str) -> MatlabContent:
    """Return the arrays of a MATLAB file.

    Parameters
    ----------
    content
        The whole file, of version 4, 5, 6 or 7 (7.3 is HDF5).
    name
        Name of the file, for messages.

    Returns
    -------
    Arrays with the lengths that MATLAB shows, of the type in which they are stored. Complex and
    sparse arrays, functions and objects are left out.

    Raises
    ------
    FormatError
        If the file is cut short, damaged, or grows beyond any recording when unpacked.

    References
    ----------
    The MathWorks, MAT-File Format, 2024.
    """
    if content[124:128] in (b"\0\1IM", b"\1\0MI"):
        return _Level5(content, name).parse()
    return _parse_level4(content, name)


def _cut(name: str) -> FormatError:
    return FormatError(
        f"'{name}' is cut short or damaged: it ends in the middle of an array. Copy or save it "
        "again."
    )


def _damaged(name: str, what: str) -> FormatError:
    return FormatError(f"'{name}' is damaged: {what}. Copy or save the file again.")


def _parse_level4(content: bytes, name: str) -> MatlabContent:
    held = MatlabContent()
    at = 0
    while at + 20 <= len(content):
        order = "<" if content[at + 2 : at + 4] == b"\0\0" else ">"
        kind, rows, columns, is_complex, length = struct.unpack_from(order + "5I", content, at)
        precision, text = kind // 10 % 10, kind % 10
        bad = kind // 1000 != (order == ">") or precision > 5 or text > 2 or not 0 < length <= 256
        if bad or is_complex > 1:
            raise _damaged(name, "no array begins where one should")
        dtype = np.dtype(order + _V4_DTYPES[precision])
        key = content[at + 20 : at + 20 + length].split(b"\0")[0].decode("latin-1")
        at += 20 + length
        n_bytes = rows * columns * dtype.itemsize
        if at + n_bytes * (1 + is_complex) > len(content):
            raise _cut(name)
        array = np.frombuffer(content, dtype, rows * columns, at).reshape(
            (rows, columns), order="F"
        )
        at += n_bytes * (1 + is_complex)
        if text == 1 and array.size <= _MOST_TEXT:
            codes = np.nan_to_num(array.astype(np.float64), nan=63.0, posinf=63.0, neginf=63.0)
            held.facts[key] = _rows_of_text(np.clip(codes, 0, 0x10FFFF).astype(np.int64))
        elif text == 0 and not is_complex:
            held.arrays[key] = array
        if len(held.arrays) + len(held.facts) > _MOST_ARRAYS:
            raise _damaged(name, f"it holds more than {_MOST_ARRAYS} arrays")
    if not held.arrays and not held.facts:
        raise _cut(name)
    return held


def _rows_of_text(codes: np.ndarray) -> Any:
    """Return a matrix of characters as one text, or a list of one for each row."""

    def text(row: np.ndarray) -> str:
        return "".join(chr(c) if not 0xD800 <= c < 0xE000 else "?" for c in row.tolist()).rstrip()

    if codes.ndim < 2 or codes.shape[0] == 1:
        return text(codes.ravel())
    return [text(row) for row in codes.reshape(codes.shape[0], -1)]


class _Level5:
    """Walk over the elements of a file of version 5 to 7."""

    def __init__(self, content: bytes, name: str) -> None:
        self.content = memoryview(content)
        self.name = name
        self.order = "<" if content[126:128] == b"IM" else ">"
        self.held = MatlabContent()
        self.unpacked = 0
        self.n_arrays = 0

    def parse(self) -> MatlabContent:
        at, end = 128, len(self.content)
        while at + 8 <= end:
            kind, body, at = self.element(self.content, at)
            if kind == _COMPRESSED:
                kind, body, _ = self.element(self.inflate(body), 0)
            else:
                at += -at % 8
            if kind == _MATRIX:
                self.matrix(body, None, 0)
        if not self.n_arrays:
            raise _cut(self.name)
        return self.held

    def element(self, view: memoryview, at: int) -> tuple[int, memoryview, int]:
        """Return type and content of the element at a place, and where its content ends."""
        if at + 8 > len(view):
            raise _cut(self.name)
        kind, length = struct.unpack_from(self.order + "II", view, at)
        if kind >> 16:
            length, kind = kind >> 16, kind & 0xFFFF
            if length > 4:
                raise _damaged(self.name, "a short element is longer than four bytes")
            return kind, view[at + 4 : at + 4 + length], at + 8
        if at + 8 + length > len(view):
            raise _cut(self.name)
        return kind, view[at + 8 : at + 8 + length], at + 8 + length

    def inflate(self, packed: memoryview) -> memoryview:
        stream = zlib.decompressobj()
        try:
            head = stream.decompress(packed, 8)
            if len(head) < 8:
                raise _cut(self.name)
            kind, length = struct.unpack(self.order + "II", head)
            if kind >> 16:
                length = 0
            self.unpacked += length
            check_growth(length, len(packed), name=self.name, what="an array")
            if self.unpacked > max(ALWAYS_BYTES, LARGEST_GROWTH * len(self.content)):
                raise _damaged(self.name, "its arrays grow beyond any recording when unpacked")
            rest = stream.decompress(stream.unconsumed_tail, length) if length else b""
        except zlib.error as error:
            raise _damaged(self.name, f"an array cannot be unpacked ({error})") from None
        return memoryview(head + rest)

    def numbers(self, view: memoryview, at: int) -> tuple[np.ndarray, int, int]:
        """Return the numbers of an element, its type, and where the next begins."""
        kind, body, end = self.element(view, at)
        code = _DTYPES.get(kind)
        if code is None:
            raise _damaged(self.name, f"numbers of an unknown type ({kind})")
        dtype = np.dtype(self.order + code)
        return np.frombuffer(body, dtype, len(body) // dtype.itemsize), kind, end + -end % 8

    def matrix(self, view: memoryview, key: str | None, depth: int) -> Any:
        """Keep an array under its name; return the text where it is one."""
        if not len(view):
            return None
        self.n_arrays += 1
        if self.n_arrays > _MOST_ARRAYS or depth > _MAX_DEPTH:
            raise _damaged(self.name, f"more than {_MOST_ARRAYS} arrays, or nested too deep")
        flags, _, at = self.numbers(view, 0)
        lengths, _, at = self.numbers(view, at)
        title, _, at = self.numbers(view, at)
        if flags.size < 1 or flags.dtype.kind == "f":
            raise _damaged(self.name, "an array without its class")
        key = title.tobytes().decode("latin-1") if key is None else key
        kind, is_complex = int(flags[0]) & 0xFF, bool(int(flags[0]) & 0x0800)
        shape = tuple(int(n) for n in lengths) if lengths.dtype.kind in "iu" else ()
        if len(shape) < 2 or len(shape) > 8 or min(shape) < 0:
            raise _damaged(self.name, "an array with impossible lengths")
        if kind == _CHAR:
            return self.text(view, at, shape, key)
        if kind == _CELL:
            return self.cells(view, at, math.prod(shape), key, depth)
        if kind == _STRUCT:
            return self.fields(view, at, math.prod(shape), key, depth)
        if kind in _NUMERIC and not is_complex:
            values, _, _ = self.numbers(view, at)
            if values.size != math.prod(shape):
                raise _cut(self.name)
            self.held.arrays[key] = values.reshape(shape, order="F")
        return None

    def text(self, view: memoryview, at: int, shape: tuple[int, ...], key: str) -> Any:
        values, kind, _ = self.numbers(view, at)
        if values.size > _MOST_TEXT:
            return None
        if kind in (1, 16) and shape[0] == 1:
            said: Any = values.tobytes().decode("utf-8", "replace")
        elif values.size == math.prod(shape):
            said = _rows_of_text(
                np.clip(values.astype(np.int64), 0, 0x10FFFF).reshape(shape, order="F")
            )
        else:
            said = "".join(map(chr, values.astype(np.uint16).tolist())) if kind == 4 else ""
            said = said.encode("utf-16", "replace").decode("utf-16", "replace")
        self.held.facts[key] = said
        return said

    def cells(self, view: memoryview, at: int, count: int, key: str, depth: int) -> Any:
        """Keep the entries of a cell array; a list of texts becomes one fact."""
        texts = []
        for k in range(min(count, _MOST_ARRAYS + 1)):
            kind, body, at = self.element(view, at)
            at += -at % 8
            said = self.matrix(body, f"{key}{{{k + 1}}}", depth + 1) if kind == _MATRIX else None
            if isinstance(said, str):
                self.held.facts.pop(f"{key}{{{k + 1}}}", None)
                texts.append(said)
        if count and len(texts) == count:
            self.held.facts[key] = texts
        return None

    def fields(self, view: memoryview, at: int, count: int, key: str, depth: int) -> Any:
        """Keep the fields of a structure as ``key.field``, of several as ``key(2).field``."""
        width, _, at = self.numbers(view, at)
        names, _, at = self.numbers(view, at)
        each = int(width[0]) if width.size and width.dtype.kind in "iu" else 0
        if not 0 < each <= 256:
            raise _damaged(self.name, "a structure without names of fields")
        raw = names.tobytes()
        titles = [
            raw[k : k + each].split(b"\0")[0].decode("latin-1") for k in range(0, len(raw), each)
        ]
        if not titles:
            return None
        for k in range(min(count, _MOST_ARRAYS + 1)):
            owner = key if count == 1 else f"{key}({k + 1})"
            for title in titles:
                kind, body, at = self.element(view, at)
                at += -at % 8
                if kind == _MATRIX:
                    self.matrix(body, f"{owner}.{title}", depth + 1)
        return None
