# SPDX-License-Identifier: Apache-2.0
"""The sections of an SCP-ECG file: where they are, and whether their checksums hold."""

from __future__ import annotations

import binascii
import struct
from dataclasses import dataclass, field
from typing import NamedTuple

from precordia.core.errors import FormatError
from precordia.core.record import Remark

#: bytes of a section before its content
SECTION_HEADER = 16
#: bytes of the file before section 0
FILE_HEADER = 6
#: sections that the standard defines; those after them belong to manufacturers (from 128 on)
STANDARD_SECTIONS = range(12)
_POINTER = struct.Struct("<HII")


class Section(NamedTuple):
    """One section: its number, versions, and the bytes after its header."""

    number: int
    version: int
    protocol: int
    body: bytes

    def u8(self, at: int) -> int:
        """Return a byte."""
        return self.body[at]

    def u16(self, at: int) -> int:
        """Return an unsigned number of two bytes."""
        return int.from_bytes(self.body[at : at + 2], "little")

    def i16(self, at: int) -> int:
        """Return a signed number of two bytes."""
        return int.from_bytes(self.body[at : at + 2], "little", signed=True)

    def u32(self, at: int) -> int:
        """Return an unsigned number of four bytes."""
        return int.from_bytes(self.body[at : at + 4], "little")


@dataclass(slots=True)
class Sections:
    """The sections of a file by number, with what was noticed while finding them."""

    by_number: dict[int, Section]
    remarks: list[Remark] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    sizes: dict[int, int] = field(default_factory=dict)

    def get(self, number: int, at_least: int = 0) -> Section | None:
        """Return a section that has at least some bytes of content; None where it has not."""
        found = self.by_number.get(number)
        return found if found is not None and len(found.body) >= at_least else None


def checksum(content: bytes | memoryview, start: int = 0xFFFF) -> int:
    """Return the CRC-CCITT of bytes, polynomial 0x1021.

    Parameters
    ----------
    content
        What to sum.
    start
        Value to begin with: 0xFFFF in SCP-ECG.

    Returns
    -------
    The checksum, two bytes.

    Examples
    --------
    >>> hex(checksum(b"123456789"))
    '0x29b1'
    """
    return binascii.crc_hqx(content, start)


def find_sections(buffer: bytes, name: str, *, ignore_checksum: bool) -> Sections:
    """Find the sections of a file and check their checksums.

    Parameters
    ----------
    buffer
        The whole file.
    name
        What to call it in errors.
    ignore_checksum
        Read on where a checksum is wrong, and say so in ``warnings``.

    Returns
    -------
    The sections that lie within the file.

    Raises
    ------
    FormatError
        If the file is shorter than it says, a checksum is wrong, or there is no section 0.

    Notes
    -----
    Positions in the pointers of section 0 count from 1; some writers count from 0, which shows in
    the number that stands before the section. A section that has another length in its own header
    than in section 0 has the shorter one.
    """
    size = int.from_bytes(buffer[2:6], "little")
    if len(buffer) < FILE_HEADER + SECTION_HEADER + _POINTER.size:
        raise FormatError(
            f"'{name}' has {len(buffer)} bytes, too few for an SCP-ECG file. Copy or export it "
            "again."
        )
    found = Sections({})
    if not FILE_HEADER + SECTION_HEADER <= size <= len(buffer):
        _refuse_or_note(
            f"it says that it has {size:,} bytes, and has {len(buffer):,}",
            found, name, ignore_checksum,
        )  # fmt: skip
        if size > len(buffer):
            found.remarks.append(
                Remark(
                    code="truncated",
                    text="The file is shorter than it says; it was read as far as it goes.",
                )
            )
        size = len(buffer)
    elif checksum(memoryview(buffer)[2:size]) != int.from_bytes(buffer[:2], "little"):
        _refuse_or_note("the checksum of the file is wrong", found, name, ignore_checksum)
    content = memoryview(buffer)[:size]
    length = int.from_bytes(content[10:14], "little")
    if int.from_bytes(content[8:10], "little") != 0 or length < SECTION_HEADER:
        raise FormatError(
            f"'{name}' has no section 0, which says where the others are. Copy or export it again."
        )
    end = min(FILE_HEADER + length, size)
    for at in range(FILE_HEADER + SECTION_HEADER, end - _POINTER.size + 1, _POINTER.size):
        number, claimed, position = _POINTER.unpack_from(content, at)
        if claimed and number not in found.by_number:
            _add(content, number, claimed, position, found, name, ignore_checksum)
    return found


def _add(
    content: memoryview,
    number: int,
    length: int,
    position: int,
    found: Sections,
    name: str,
    ignore_checksum: bool,
) -> None:
    """Add the section that a pointer points to, if it is there."""
    for start in (position - 1, position):
        if not 0 <= start <= len(content) - SECTION_HEADER:
            continue
        if int.from_bytes(content[start + 2 : start + 4], "little") == number:
            break
    else:
        if number in STANDARD_SECTIONS:
            _refuse_or_note(
                f"section {number} is not where it should be", found, name, ignore_checksum
            )
        return
    own = int.from_bytes(content[start + 4 : start + 8], "little")
    if own >= SECTION_HEADER:
        length = min(length, own)
    if length < SECTION_HEADER:
        return
    bytes_held = content[start : start + length]
    if len(bytes_held) < length:
        found.remarks.append(
            Remark(
                code="truncated",
                text=f"Section {number} is longer than the file; it was read as far as it goes.",
            )
        )
    if checksum(bytes_held[2:]) != int.from_bytes(bytes_held[:2], "little") and (
        number in STANDARD_SECTIONS
    ):
        _refuse_or_note(f"the checksum of section {number} is wrong", found, name, ignore_checksum)
    found.sizes[number] = len(bytes_held)
    found.by_number[number] = Section(
        number, bytes_held[8], bytes_held[9], bytes(bytes_held[SECTION_HEADER:])
    )


def _refuse_or_note(what: str, found: Sections, name: str, ignore_checksum: bool) -> None:
    if not ignore_checksum:
        raise FormatError(
            f"'{name}' is damaged: {what}. Copy or export it again, or read what is left of it "
            "with ignore_checksum=True (--ignore-checksum)."
        )
    found.warnings.append(f"Ignored: {what}.")


def join_sections(bodies: dict[int, bytes], *, protocol: int) -> bytes:
    r"""Return a file of sections, with its pointers and checksums.

    Parameters
    ----------
    bodies
        Content of each section but 0, by number.
    protocol
        Version of the standard, times ten.

    Returns
    -------
    The bytes of the file. Sections 1 to 11 without content have a pointer of length 0.

    Examples
    --------
    >>> content = join_sections({1: b"\xff\0\0"}, protocol=13)
    >>> find_sections(content, "a.scp", ignore_checksum=False).get(1).body
    b'\xff\x00\x00\x00'
    """
    numbers = [*range(1, 12), *sorted(n for n in bodies if n > 11)]
    length = SECTION_HEADER + _POINTER.size * (len(numbers) + 1)
    pointers = [_POINTER.pack(0, length, FILE_HEADER + 1)]
    blocks = []
    at = FILE_HEADER + length
    for number in numbers:
        body = bodies.get(number, b"")
        if body:
            body += b"\0" * (len(body) % 2)  # sections have an even length
            blocks.append(_section(number, body, protocol))
            pointers.append(_POINTER.pack(number, len(blocks[-1]), at + 1))
            at += len(blocks[-1])
        else:
            pointers.append(_POINTER.pack(number, 0, 0))
    first = _section(0, b"".join(pointers), protocol, b"SCPECG")
    rest = struct.pack("<I", at) + first + b"".join(blocks)
    return struct.pack("<H", checksum(rest)) + rest


def _section(number: int, body: bytes, protocol: int, reserved: bytes = b"\0" * 6) -> bytes:
    rest = struct.pack("<HIBB", number, SECTION_HEADER + len(body), protocol, protocol)
    rest += reserved + body
    return struct.pack("<H", checksum(rest)) + rest
