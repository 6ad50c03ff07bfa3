# SPDX-License-Identifier: Apache-2.0
"""The definitions of an MFER file: tag, length and value, one after another and nested."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from precordia.core.errors import FormatError
from precordia.io.mfer_codes import DATA_TYPES, Tag, codec_of

_MAX_CHANNELS = 4096
_MAX_DEFINITIONS = 1_000_000
_DEEPEST = 8
#: what may be defined for all channels and anew for one of them
_INHERITED = frozenset((
    Tag.BLOCK_LENGTH, Tag.WAVEFORM, Tag.LEAD, Tag.DATA_TYPE, Tag.INTERVAL, Tag.RESOLUTION,
    Tag.OFFSET, Tag.NULL, Tag.FILTER, Tag.SKEW, Tag.SEQUENCES,
))  # fmt: skip


_KNOWN = frozenset(Tag)


@dataclass(frozen=True, slots=True)
class Definition:
    """One definition with the state in which it stands.

    Attributes
    ----------
    tag, value
        As stored.
    big_endian
        Byte order of its numbers.
    codec
        Of its text.
    """

    tag: int
    value: bytes
    big_endian: bool
    codec: str

    def unsigned(self, first: int = 0, end: int | None = None) -> int:
        """Return bytes as a number without a sign."""
        return int.from_bytes(self.value[first:end], "big" if self.big_endian else "little")

    def signed(self, first: int = 0, end: int | None = None) -> int:
        """Return bytes as a number with a sign."""
        order = "big" if self.big_endian else "little"
        return int.from_bytes(self.value[first:end], order, signed=True)

    def text(self, first: int = 0) -> str:
        """Return bytes as text without what cannot be printed."""
        codec = self.codec
        if codec == "utf-16":
            codec = "utf-16-be" if self.big_endian else "utf-16-le"
        shown = self.value[first:].decode(codec, "replace").replace("\ufeff", "")
        return "".join(letter for letter in shown if letter.isprintable()).strip()

    def scaled(self) -> tuple[int, float, float]:
        """Return an interval or a resolution: code of its unit, value, one over the value."""
        mantissa = self.signed(2)
        exponent = int.from_bytes(self.value[1:2], "big", signed=True)
        above, below = 10 ** max(exponent, 0), 10 ** max(-exponent, 0)
        return (
            self.value[0],
            mantissa * above / below,
            below / (mantissa * above) if mantissa else 0.0,
        )

    def sample(self, dtype: np.dtype) -> float | None:
        """Return the value as a sample of a data type; None where it is too short."""
        if len(self.value) < dtype.itemsize:
            return None
        order = ">" if self.big_endian else "<"
        return float(np.frombuffer(self.value, dtype.newbyteorder(order), 1)[0])


@dataclass(slots=True)
class Frame:
    """Waveform data and what was defined for each of its channels at that moment."""

    data: bytes
    channels: list[dict[int, Definition]]
    root: dict[int, Definition]
    big_endian: bool
    pointer: int | None
    cut: bool


@dataclass(slots=True)
class MferContent:
    """What an MFER file holds.

    Attributes
    ----------
    frames
        The waveform data in file order.
    entries
        All definitions that describe no channel, in file order.
    cut
        Whether the file ends within a definition.
    """

    frames: list[Frame] = field(default_factory=list)
    entries: list[tuple[Definition, dict[int, Definition]]] = field(default_factory=list)
    cut: bool = False


def parse_mfer(content: bytes, *, name: str) -> MferContent:
    r"""Take an MFER file apart.

    Parameters
    ----------
    content
        The file.
    name
        Name of the file, for messages.

    Returns
    -------
    Frames of waveform data, and everything else.

    Raises
    ------
    FormatError
        If a definition contradicts itself, or something is used that is not read (compression).

    Notes
    -----
    A length is one byte, or 0x80 + n and n bytes, the first the highest, whatever the byte order;
    0x80 alone is a length that ends with two zero bytes. Tag 0x3F names a channel in groups of
    seven bits. What is defined for a channel is kept until it is defined again; a new number of
    channels forgets it.

    Examples
    --------
    >>> wave = b"\x05\x01\x01" + b"\x1e\x02\x00\x07"
    >>> parse_mfer(wave, name="a.mwf").frames[0].data
    b'\x00\x07'
    """
    return _Parser(name).parse(content)


class _Parser:
    def __init__(self, name: str) -> None:
        self.name = name
        self.found = MferContent()
        self.big_endian = True
        self.codec = "ascii"
        self.n_channels = 1
        self.root: dict[int, Definition] = {}
        self.own: dict[int, dict[int, Definition]] = {}
        self.pointer: int | None = None
        self.n_described = 0
        self.described: list[dict[int, Definition]] | None = None

    def parse(self, content: bytes) -> MferContent:
        self._walk(memoryview(content), None, 0)
        return self.found

    def _walk(self, content: memoryview, channel: int | None, depth: int) -> None:
        if depth > _DEEPEST:
            raise self._damaged("groups within groups without end")
        for tag, number, value, cut in self._definitions(content):
            self.found.cut = self.found.cut or cut
            if tag == Tag.CHANNEL:
                if channel is not None:
                    raise self._damaged("a channel within a channel")
                self._walk(value, number, depth + 1)
            elif tag == Tag.GROUP:
                self._walk(value, channel, depth + 1)
            elif tag == Tag.WAVE:
                self._add_frame(bytes(value), cut)
            elif not cut:
                self._define(Definition(tag, bytes(value), self.big_endian, self.codec), channel)

    def _definitions(self, content: memoryview) -> Iterator[tuple[int, int, memoryview, bool]]:
        """Give tag, channel, value and whether it is cut, of one definition after another."""
        at, end = 0, len(content)
        while at < end:
            tag = content[at]
            at += 1
            if tag == Tag.PADDING:
                continue
            if tag == Tag.END:
                return
            number = 0
            if tag == Tag.CHANNEL:
                for _ in range(4):
                    if at >= end:
                        break
                    byte = content[at]
                    at += 1
                    number = number << 7 | byte & 0x7F
                    if not byte & 0x80:
                        break
            length, at = self._length(content, at)
            if length is None:
                stop = self._end_of_contents(content, at, 0)
                yield tag, number, content[at:stop], stop >= end
                at = stop + 2
                continue
            yield tag, number, content[at : at + length], at + length > end
            at += length

    def _length(self, content: memoryview, at: int) -> tuple[int | None, int]:
        if at >= len(content):
            self.found.cut = True
            return 0, at
        first = content[at]
        if first < 0x80:
            return first, at + 1
        if first == 0x80:
            return None, at + 1
        n_bytes = first & 0x7F
        if n_bytes > 8:
            raise self._damaged(f"a length of {n_bytes} bytes")
        return int.from_bytes(content[at + 1 : at + 1 + n_bytes], "big"), at + 1 + n_bytes

    def _end_of_contents(self, content: memoryview, at: int, depth: int) -> int:
        """Return where contents of unstated length end."""
        if depth > _DEEPEST:
            raise self._damaged("groups within groups without end")
        end = len(content)
        while at + 1 < end:
            if content[at] == 0:
                if content[at + 1] == 0:
                    return at
                at += 1
                continue
            tag = content[at]
            at += 1
            if tag == Tag.CHANNEL:
                while at < end and content[at] & 0x80:
                    at += 1
                at += 1
            length, at = self._length(content, at)
            at = (
                self._end_of_contents(content, at, depth + 1) + 2 if length is None else at + length
            )
        self.found.cut = True
        return end

    def _define(self, given: Definition, channel: int | None) -> None:
        tag, value = given.tag, given.value
        if tag == Tag.BYTE_ORDER:
            self.big_endian = not value or value[0] == 0
        elif tag == Tag.CHARACTER_SET:
            self.codec = codec_of(value.decode("latin-1").replace("\0", ""))
        elif tag == Tag.CHANNELS and channel is None:
            self.n_channels = given.unsigned() if value else 1
            self.own, self.described = {}, None
            if not 1 <= self.n_channels <= _MAX_CHANNELS:
                raise self._damaged(f"{self.n_channels} channels")
        elif tag == Tag.POINTER:
            self.pointer = given.unsigned() if value else None
        elif tag == Tag.COMPRESSION and value and given.unsigned(0, 2):
            raise FormatError(
                f"'{self.name}' holds compressed waveforms (method {given.unsigned(0, 2)}), which "
                "are not read. Export the recording without compression."
            )
        elif tag in _INHERITED:
            self._check(given)
            held = self.root if channel is None else self.own.get(channel, {})
            # A definition without a value takes back what was defined before.
            changed = {other: held[other] for other in held if other != tag}
            if value:
                changed[tag] = given
            if channel is None:
                self.root = changed
            else:
                self.own[channel] = changed
            self.described = None
            if tag in (Tag.FILTER, Tag.WAVEFORM) and channel is None:
                self._keep(given)
        elif value and tag in _KNOWN:
            self._keep(given)

    def _keep(self, given: Definition) -> None:
        if len(self.found.entries) >= _MAX_DEFINITIONS:
            raise self._damaged(f"more than {_MAX_DEFINITIONS:,} entries")
        self.found.entries.append((given, self.root))

    def _check(self, given: Definition) -> None:
        tag, value = given.tag, given.value
        if tag in (Tag.BLOCK_LENGTH, Tag.SEQUENCES) and value:
            if len(value) > 4 or not given.unsigned():
                raise self._damaged("a block length or number of sequences of 0")
        elif tag == Tag.DATA_TYPE and value and value[0] not in DATA_TYPES:
            raise FormatError(
                f"'{self.name}' stores samples of data type {value[0]}; types 0 to 8 are read. "
                "Export the recording without compression."
            )
        elif tag in (Tag.INTERVAL, Tag.RESOLUTION) and value and not 3 <= len(value) <= 6:
            raise self._damaged("an interval or resolution of unknown form")

    def _add_frame(self, data: bytes, cut: bool) -> None:
        if self.described is None:
            self.described = self._channels()
        if len(self.found.frames) >= _MAX_DEFINITIONS:
            raise self._damaged(f"more than {_MAX_DEFINITIONS:,} frames")
        self.found.frames.append(
            Frame(data, self.described, self.root, self.big_endian, self.pointer, cut)
        )
        self.pointer = None

    def _channels(self) -> list[dict[int, Definition]]:
        """Return what holds for each channel: its own definitions before those of all."""
        self.n_described += self.n_channels
        if self.n_described > _MAX_DEFINITIONS:
            raise self._damaged(f"more than {_MAX_DEFINITIONS:,} channels in all")
        shared = self.root
        if self.n_channels > 1:
            # One name for all channels is no name.
            shared = {tag: held for tag, held in shared.items() if tag != Tag.LEAD}
        return [shared | self.own.get(channel, {}) for channel in range(self.n_channels)]

    def _damaged(self, what: str) -> FormatError:
        return FormatError(
            f"'{self.name}' describes {what}, which makes no sense. The file is damaged: copy or "
            "export it again."
        )
