# SPDX-License-Identifier: Apache-2.0
"""The bytes of a DICOM data set as nested dictionaries, for the few attributes an ECG needs.

A general DICOM library spends most of its time on attributes that no ECG reader looks at. This
walker steps over them: an attribute that is not asked for costs one header, whatever its length.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field

from precordia.core.errors import FormatError

_LONG = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"UC", b"UR", b"UT", b"UN",
                   b"SV", b"UV"))  # fmt: skip
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_TRANSFER_SYNTAX = frozenset((0x00020010,))
_MAX_DEPTH = 12
#: a deflated file may grow to this many bytes, and to this many times its size
_ALWAYS_INFLATED, _LARGEST_GROWTH = 64 << 20, 50

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
DEFLATED_LITTLE = "1.2.840.10008.1.2.1.99"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"


@dataclass(slots=True)
class Dataset:
    """Attributes of one DICOM data set or sequence item, by tag.

    Attributes
    ----------
    values
        Raw bytes of an attribute, or a list of items where the attribute is a sequence.
    big_endian
        Byte order of the numbers.
    codec
        Python name of the character set of the text.
    """

    values: dict[int, memoryview | list[Dataset]] = field(default_factory=dict)
    big_endian: bool = False
    codec: str = "latin-1"

    def __contains__(self, tag: int) -> bool:
        return tag in self.values

    def raw(self, tag: int) -> memoryview | None:
        """Return the bytes of an attribute; None where it is absent or a sequence."""
        value = self.values.get(tag)
        return None if isinstance(value, list) else value

    def items(self, tag: int) -> list[Dataset]:
        """Return the items of a sequence; empty where it is absent."""
        value = self.values.get(tag)
        return value if isinstance(value, list) else []

    def text(self, tag: int) -> str:
        """Return an attribute as text without padding; empty where it is absent."""
        value = self.values.get(tag)
        if value is None or isinstance(value, list):
            return ""
        return str(value[:65536], self.codec, "replace").strip(" \0\r\n\t")

    def number(self, tag: int) -> float:
        """Return a decimal string as a number (the first of several); NaN where it is none."""
        try:
            return float(self.text(tag).split("\\")[0])
        except ValueError:
            return float("nan")

    def integers(self, tag: int, size: int) -> tuple[int, ...]:
        """Return a binary attribute as unsigned integers of ``size`` bytes."""
        value = self.values.get(tag)
        if value is None or isinstance(value, list):
            return ()
        n = len(value) // size
        order = ">" if self.big_endian else "<"
        return struct.unpack_from(f"{order}{n}{'H' if size == 2 else 'I'}", value)

    def integer(self, tag: int, size: int) -> int | None:
        """Return the first unsigned integer of an attribute; None where it is absent."""
        values = self.integers(tag, size)
        return values[0] if values else None


def parse_dataset(buffer: bytes, *, wanted: frozenset[int], last: int, name: str) -> Dataset:
    """Parse the attributes of a DICOM file that are wanted.

    Parameters
    ----------
    buffer
        The whole file, with or without the 128 byte preamble and the file meta information.
    wanted
        Tags to keep, at every level; a sequence that is not wanted is not entered.
    last
        Highest tag of interest; nothing after it is parsed.
    name
        Name of the file, for messages.

    Returns
    -------
    The data set, as far as it was wanted.

    Raises
    ------
    FormatError
        If the bytes are no DICOM data set, end in the middle of an attribute, or are nested
        deeper than any waveform object.

    References
    ----------
    DICOM PS3.5, sections 7 (data set) and 10 (transfer syntax); PS3.10, section 7 (file format).
    """
    view = memoryview(buffer)
    start, syntax = 0, ""
    if buffer[128:132] == b"DICM":
        start = 132
    elif buffer[:4] == b"DICM":
        start = 4
    walker = _Walker(view, name, wanted)
    if buffer[start : start + 2] == b"\x02\x00":
        meta = Dataset()
        walker.wanted = _TRANSFER_SYNTAX
        start = walker.walk(meta, start, len(view), explicit=True, last=0x0002FFFF, depth=0)
        walker.wanted = wanted
        syntax = meta.text(0x00020010)
    if not syntax:
        vr = buffer[start + 4 : start + 6]
        syntax = EXPLICIT_LITTLE if vr.isalpha() and vr.isupper() else IMPLICIT_LITTLE
    if syntax == DEFLATED_LITTLE:
        stream = zlib.decompressobj(-15)
        limit = max(_ALWAYS_INFLATED, _LARGEST_GROWTH * len(buffer))
        try:
            inflated = stream.decompress(buffer[start:], limit)
        except zlib.error as error:
            raise FormatError(
                f"'{name}' says it is a deflated DICOM file, but its data cannot be inflated "
                f"({error}). A complete copy of the file is needed; export or copy it again."
            ) from error
        if stream.unconsumed_tail:
            raise FormatError(
                f"'{name}' is a deflated DICOM file that grows beyond {limit:,} bytes, which no "
                "waveform does. If it is a recording, export it without compression."
            )
        walker = _Walker(memoryview(inflated), name, wanted)
        start = 0
    walker.big_endian = syntax == EXPLICIT_BIG
    dataset = Dataset(big_endian=walker.big_endian)
    walker.walk(
        dataset, start, len(walker.view), explicit=syntax != IMPLICIT_LITTLE, last=last, depth=0
    )
    return dataset


class _Walker:
    """Walk over data elements; keeps what is wanted and steps over the rest."""

    def __init__(self, view: memoryview, name: str, wanted: frozenset[int]) -> None:
        self.view = view
        self.name = name
        self.wanted = wanted
        self.big_endian = False
        self.codec = "latin-1"

    def walk(
        self, into: Dataset, pos: int, end: int, *, explicit: bool, last: int, depth: int
    ) -> int:
        """Fill ``into`` with the elements from ``pos``; return where the walk stopped."""
        view, wanted = self.view, self.wanted
        order = ">" if self.big_endian else "<"
        explicit_header = struct.Struct(order + "HH2sH").unpack_from
        implicit_header = struct.Struct(order + "HHI").unpack_from
        long_length = struct.Struct(order + "I").unpack_from
        values = into.values
        while pos + 8 <= end:
            if explicit:
                group, element, vr, length = explicit_header(view, pos)
                tag = group << 16 | element
                header = 8
                if group == 0xFFFE:
                    (length,) = long_length(view, pos + 4)
                elif tag > last:
                    return pos
                elif vr in _LONG:
                    if pos + 12 > end:
                        raise self.cut(tag)
                    (length,) = long_length(view, pos + 8)
                    header = 12
                elif not (65 <= vr[0] <= 90 and 65 <= vr[1] <= 90):
                    raise FormatError(
                        f"'{self.name}' is a damaged DICOM file: where the type of attribute "
                        f"{_hex(tag)} should stand is {vr!r}. Export or copy the file again."
                    )
            else:
                group, element, length = implicit_header(view, pos)
                tag = group << 16 | element
                vr = b""
                header = 8
            if tag in (_ITEM_END, _SEQUENCE_END):
                return pos + 8
            if tag > last:
                return pos
            pos += header
            if length == _UNDEFINED:
                if depth >= _MAX_DEPTH:
                    raise self.deep()
                inner = explicit and vr != b"UN"
                keep = tag in wanted
                found, pos = self.sequence(pos, end, explicit=inner, keep=keep, depth=depth + 1)
                if keep:
                    values[tag] = found
                continue
            stop = pos + length
            if stop > end:
                raise self.cut(tag)
            if tag in wanted:
                if vr == b"SQ" or tag in _SEQUENCES:
                    if depth >= _MAX_DEPTH:
                        raise self.deep()
                    inner = explicit and vr != b"UN"
                    values[tag], _ = self.sequence(
                        pos, stop, explicit=inner, keep=True, depth=depth + 1
                    )
                else:
                    values[tag] = view[pos:stop]
                    if tag == 0x00080005:
                        self.codec = into.codec = _codec(bytes(view[pos:stop]))
            pos = stop
        return pos

    def sequence(
        self, pos: int, end: int, *, explicit: bool, keep: bool, depth: int
    ) -> tuple[list[Dataset], int]:
        """Return the items of a sequence that starts at ``pos`` and where it ends."""
        header = struct.Struct((">" if self.big_endian else "<") + "HHI").unpack_from
        found: list[Dataset] = []
        while pos + 8 <= end:
            group, element, length = header(self.view, pos)
            tag = group << 16 | element
            pos += 8
            if tag == _SEQUENCE_END:
                return found, pos
            if tag != _ITEM:
                raise FormatError(
                    f"'{self.name}' is a damaged DICOM file: attribute {_hex(tag)} stands where "
                    "an item of a sequence was needed. Export or copy the file again."
                )
            if length != _UNDEFINED and pos + length > end:
                raise self.cut(tag)
            stop = end if length == _UNDEFINED else pos + length
            if keep or length == _UNDEFINED:
                item = Dataset(big_endian=self.big_endian, codec=self.codec)
                after = self.walk(item, pos, stop, explicit=explicit, last=0xFFFFFFFF, depth=depth)
                if keep:
                    found.append(item)
                pos = after if length == _UNDEFINED else stop
            else:
                pos = stop
        return found, end

    def cut(self, tag: int) -> FormatError:
        """Return the error for a file that ends in the middle of an attribute."""
        return FormatError(
            f"'{self.name}' is an incomplete or damaged DICOM file: it ends in the middle of "
            f"attribute {_hex(tag)}. A complete copy is needed; export or copy the file again."
        )

    def deep(self) -> FormatError:
        """Return the error for sequences nested without end."""
        return FormatError(
            f"'{self.name}' nests DICOM sequences more than {_MAX_DEPTH} deep, which no waveform "
            "object does; the file is damaged. Export or copy it again."
        )


# Sequences among the wanted attributes: implicit data sets do not say which attribute is one.
_SEQUENCES = frozenset((0x0040B020, 0x54000100, 0x003A0200, 0x003A0208, 0x003A0211, 0x004008EA,
                        0x0040A043, 0x0040A168))  # fmt: skip

# Defined terms of Specific Character Set, PS3.3 C.12.1.1.2; the code extensions of ISO 2022 are
# read as their base set, which leaves Latin text whole and marks the rest as unreadable.
_CODECS = {
    "": "latin-1",
    "ISO_IR 6": "latin-1",
    "ISO_IR 100": "latin-1",
    "ISO_IR 101": "iso8859-2",
    "ISO_IR 109": "iso8859-3",
    "ISO_IR 110": "iso8859-4",
    "ISO_IR 144": "iso8859-5",
    "ISO_IR 127": "iso8859-6",
    "ISO_IR 126": "iso8859-7",
    "ISO_IR 138": "iso8859-8",
    "ISO_IR 148": "iso8859-9",
    "ISO_IR 203": "iso8859-15",
    "ISO_IR 13": "shift_jis",
    "ISO_IR 166": "iso8859-11",
    "ISO_IR 192": "utf-8",
    "GB18030": "gb18030",
    "GBK": "gbk",
    "ISO 2022 IR 87": "iso2022_jp",
    "ISO 2022 IR 159": "iso2022_jp_2",
    "ISO 2022 IR 149": "euc_kr",
    "ISO 2022 IR 58": "gb2312",
}


def _codec(value: bytes) -> str:
    terms = [term.strip(" \0") for term in value.decode("latin-1").split("\\")]
    for term in [*terms[1:], terms[0]]:
        codec = _CODECS.get(term.replace("ISO 2022 IR", "ISO_IR"), _CODECS.get(term))
        if codec is not None and (term or len(terms) == 1):
            return codec
    return "latin-1"


def _hex(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
