# SPDX-License-Identifier: Apache-2.0
"""Texts of variable length in an HDF5 file, taken from its bytes.

The HDF5 library sets memory aside for as many bytes as such a text declares before it looks for
them. In a damaged file that is up to four gigabytes for each text.
"""

from __future__ import annotations

import math
import mmap
import struct
from collections.abc import Iterator
from typing import Any

_ATTRIBUTE, _CONTINUATION = 0x000C, 0x0010
_MOST_MESSAGES, _LONGEST_TEXT, _MOST_OBJECTS = 4096, 1 << 20, 70_000


class Hdf5Texts:
    """Find the texts of variable length of a file.

    Parameters
    ----------
    content
        The bytes of the file.
    start
        Where the HDF5 data begin in it (the length of the user block).

    References
    ----------
    The HDF Group, HDF5 File Format Specification 3.0, sections III.E and IV.A.
    """

    def __init__(self, content: bytes | mmap.mmap, start: int = 0) -> None:
        self._content = content
        self._start = start
        self._size = len(content)
        self._heaps: dict[int, dict[int, bytes]] = {}

    def attribute(self, header: int, name: str, count: int) -> list[str] | None:
        """Return the texts of an attribute; None where they cannot be found.

        Parameters
        ----------
        header
            Address of the object header of what the attribute belongs to.
        name
            Its name.
        count
            How many texts it has.
        """
        try:
            for kind, begin, end in self._messages(header):
                if kind == _ATTRIBUTE:
                    found = self._attribute(begin, end)
                    if found is not None and found[0] == name:
                        return self.elements(found[1] - self._start, count)
        except (struct.error, IndexError, OverflowError):
            pass
        return None

    def elements(self, address: int, count: int) -> list[str] | None:
        """Return the texts to which references at an address point; None where one is damaged."""
        at = self._start + address
        if count < 0 or at < 0 or at + 16 * count > self._size:
            return None
        texts = []
        for k in range(count):
            length, heap, index = struct.unpack_from("<IQI", self._content, at + 16 * k)
            if length == 0:
                texts.append("")
                continue
            held = self._heap(heap).get(index)
            if held is None or length > len(held):
                return None
            texts.append(held[:length].split(b"\0")[0].decode("utf-8", "replace"))
        return texts

    def _heap(self, address: int) -> dict[int, bytes]:
        """Return the objects of a global heap collection."""
        if address in self._heaps:
            return self._heaps[address]
        found = self._heaps[address] = {}
        at = self._start + address
        if at + 16 > self._size or self._content[at : at + 4] != b"GCOL":
            return found
        (length,) = struct.unpack_from("<Q", self._content, at + 8)
        end = min(at + length, self._size)
        at += 16
        while at + 16 <= end and len(found) < _MOST_OBJECTS:
            index, size = struct.unpack_from("<H6xQ", self._content, at)
            if index == 0 or size > end - at - 16:
                break
            if size <= _LONGEST_TEXT:
                found[index] = bytes(self._content[at + 16 : at + 16 + size])
            at += 16 + size + -size % 8
        return found

    def _messages(self, header: int) -> Iterator[tuple[int, int, int]]:
        """Give type, begin and end of each message of an object header."""
        at = self._start + header
        if not 0 <= at < self._size - 16:
            return
        if self._content[at : at + 4] == b"OHDR":
            flags = self._content[at + 5]
            at += 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
            width = 1 << (flags & 3)
            length = int.from_bytes(self._content[at : at + width], "little")
            blocks = [(at + width, length)]
            head, is_new = (6 if flags & 4 else 4), True
        else:
            (length,) = struct.unpack_from("<I", self._content, at + 8)
            blocks, head, is_new = [(at + 16, length)], 8, False
        count = 0
        while blocks:
            at, length = blocks.pop(0)
            end = min(at + length, self._size)
            while at + head <= end and count < _MOST_MESSAGES:
                count += 1
                kind, size = struct.unpack_from("<BH" if is_new else "<HH", self._content, at)
                begin = at + head
                at = begin + size
                if at > end:
                    break
                if kind == _CONTINUATION and size >= 16:
                    where, more = struct.unpack_from("<QQ", self._content, begin)
                    # A block of the new kind has a signature before and a checksum behind it.
                    where, more = (where + 4, more - 8) if is_new else (where, more)
                    if 0 <= where < self._size and 0 < more <= self._size:
                        blocks.append((self._start + where, more))
                else:
                    yield kind, begin, at

    def _attribute(self, begin: int, end: int) -> tuple[str, int] | None:
        """Return name of an attribute and where its data begin."""
        version, _, n_name, n_type, n_space = struct.unpack_from("<BBHHH", self._content, begin)
        at = begin + (9 if version == 3 else 8)
        pad = 8 if version == 1 else 1
        name = bytes(self._content[at : at + n_name]).split(b"\0")[0].decode("utf-8", "replace")
        at += sum(math.ceil(n / pad) * pad for n in (n_name, n_type, n_space))
        return (name, at) if at <= end else None


def texts_of_dataset(dataset: Any, texts: Hdf5Texts, *, user_block: int) -> list[str] | None:
    """Return a small dataset of texts; None where it is compressed or damaged.

    Parameters
    ----------
    dataset
        Of texts of variable length.
    texts
        The texts of its file.
    user_block
        Length of what stands before the HDF5 data.
    """
    count = math.prod(dataset.shape)
    if dataset.chunks is None:
        offset = dataset.id.get_offset()
        return None if offset is None else texts.elements(offset - user_block, count)
    if dataset.id.get_create_plist().get_nfilters() or dataset.id.get_num_chunks() != 1:
        return None
    chunk = dataset.id.get_chunk_info(0)
    whole = math.prod(dataset.chunks) >= count and len(dataset.shape) == 1
    return texts.elements(chunk.byte_offset - user_block, count) if whole else None
