# SPDX-License-Identifier: Apache-2.0
"""What must hold of an EDF header before edfio reads it, and the mending of what need not fail."""

from __future__ import annotations

import math
from dataclasses import dataclass

from precordia.core.errors import FormatError, SamplingRateError

_LARGEST_SIGNALS = 4096
#: widths of the fields: label, transducer, unit, two ranges, prefilter, samples, reserve
_WIDTHS = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
_RANGES, _COUNT = (3, 4, 5, 6), 8
_RANGE_NAMES = ("physical minimum", "physical maximum", "digital minimum", "digital maximum")
#: what an annotation signal is called that edfio must not take for one
SET_ASIDE = "EDF Annotations?"


@dataclass(frozen=True, slots=True)
class EdfLayout:
    """A header that edfio can read, and where its data records and annotations lie.

    ``header`` is as in the file where nothing had to be mended. ``n_records`` is as declared, -1
    where the recorder was interrupted. ``annotations`` are the byte ranges of the annotation
    signals within a data record.
    """

    header: bytes
    sample_bytes: int
    n_records: int
    record_bytes: int
    annotations: tuple[slice, ...]

    @property
    def is_bdf(self) -> bool:
        """Whether samples have 24 bits."""
        return self.sample_bytes == 3

    def header_of(self, n_records: int, *, annotated: bool = True) -> bytes:
        """Return the header of so many data records, with or without annotation signals."""
        held = self.header
        if n_records != self.n_records:
            held = held[:236] + b"%-8d" % n_records + held[244:]
        if not annotated:
            held = held.replace(b"DF Annotations ", b"DF Annotations?")
            held = held.replace(b"BDF Annotations?", SET_ASIDE.encode())
        return held


def check_edf_header(buffer: bytes, *, name: str) -> EdfLayout:
    """Check the header of an EDF, EDF+ or BDF file, and mend what edfio would stumble over.

    Parameters
    ----------
    buffer
        The beginning of the file, header included.
    name
        Name of the file, for messages.

    Returns
    -------
    The header and the layout of a data record.

    Raises
    ------
    FormatError
        If a field that is needed holds no number, or the header is cut.
    SamplingRateError
        If a data record lasts no time although it holds samples.

    Notes
    -----
    Mended are zero bytes in place of blanks, decimal commas, whole numbers with a fraction of zero,
    a length of the header that does not follow from the number of signals, and annotation signals
    that bear the name of the other format or have no samples. edfio takes these fields by the
    letter, and multiplies what they say before it looks how many bytes there are.

    References
    ----------
    Kemp B et al. Electroencephalogr Clin Neurophysiol 1992;82:391-393.
    doi:10.1016/0013-4694(92)90009-7
    """
    if len(buffer) < 256:
        raise FormatError(
            f"'{name}' has {len(buffer)} bytes; an EDF header has at least 256. The file is cut: "
            "copy or export it again."
        )
    sample_bytes = 3 if buffer[:1] == b"\xff" else 2
    fields = _Fields(buffer[:256].replace(b"\0", b" "), name)
    n = fields.whole(252, 4, "number of signals")
    if not 0 < n <= _LARGEST_SIGNALS:
        raise FormatError(
            f"'{name}' declares {n} signals; between 1 and {_LARGEST_SIGNALS} were needed. "
            "The header is damaged: copy or export the file again."
        )
    n_bytes = 256 * (n + 1)
    if len(buffer) < n_bytes:
        raise FormatError(
            f"'{name}' ends within its header of {n_bytes} bytes. The file is cut: copy or export "
            "it again."
        )
    fields.buffer = buffer[:n_bytes].replace(b"\0", b" ")
    if fields.buffer[184:192].strip() != b"%d" % n_bytes:
        fields.edits.append((184, b"%-8d" % n_bytes))
    counts, annotations = _check_signals(fields, n, b"BDF" if sample_bytes == 3 else b"EDF")
    duration = fields.number(244, 8, "duration of a data record")
    held = any(count for k, count in enumerate(counts) if k not in annotations)
    if not 0 <= duration < math.inf or (held and duration == 0):
        raise SamplingRateError(
            f"'{name}' says that a data record lasts {duration:g} s, which gives no sampling rate. "
            "The header is damaged: export the file again."
        )
    ranges = []
    for k in annotations:
        start = sum(counts[:k]) * sample_bytes
        ranges.append(slice(start, start + counts[k] * sample_bytes))
    return EdfLayout(
        n_records=fields.whole(236, 8, "number of data records"),
        header=fields.mended(),
        sample_bytes=sample_bytes,
        record_bytes=sum(counts) * sample_bytes,
        annotations=tuple(ranges),
    )


def _check_signals(fields: _Fields, n: int, kind: bytes) -> tuple[list[int], list[int]]:
    """Return the samples per record of each signal, and which signals are annotations."""
    starts = [256]
    for width in _WIDTHS:
        starts.append(starts[-1] + width * n)
    labels = [fields.buffer[at : at + 16] for at in range(256, starts[1], 16)]
    counts = fields.whole_column(starts[_COUNT], n, "samples per record of signal {}")
    if not 0 <= min(counts) <= max(counts) <= 1 << 28:
        raise FormatError(
            f"'{fields.name}' declares a signal of {min(counts)} and one of {max(counts)} samples "
            "per record. The header is damaged: copy or export the file again."
        )
    annotations = []
    for k, label in enumerate(labels):
        if label.strip() in (b"EDF Annotations", b"BDF Annotations"):
            wanted = kind + b" Annotations " if counts[k] else b"".ljust(16)
            if label != wanted:
                fields.edits.append((256 + 16 * k, wanted))
            if counts[k]:
                annotations.append(k)
            # Nobody reads the ranges of annotations, so they may hold anything.
            for column in _RANGES:
                fields.blanked.add(starts[column] + 8 * k)
    for column, what in zip(_RANGES, _RANGE_NAMES, strict=True):
        read = fields.column if what.startswith("physical") else fields.whole_column
        read(starts[column], n, what + " of signal {}")
    return counts, annotations


class _Fields:
    """The numbers of a header, and what has to be written over it."""

    def __init__(self, buffer: bytes, name: str) -> None:
        self.buffer = buffer
        self.name = name
        self.edits: list[tuple[int, bytes]] = []
        self.blanked: set[int] = set()

    def column(self, at: int, n: int, what: str) -> list[float]:
        """Return the numbers in n times eight bytes; ``what`` has a place for which it is."""
        held = self.buffer[at : at + 8 * n]
        if b"_" not in held:
            try:
                values = [float(held[k : k + 8]) for k in range(0, 8 * n, 8)]
                if math.isfinite(sum(map(abs, values))):
                    return values
            except ValueError:
                pass
        return [self.number(at + 8 * k, 8, what.format(k + 1)) for k in range(n)]

    def whole_column(self, at: int, n: int, what: str) -> list[int]:
        """Return whole numbers in n times eight bytes."""
        held = self.buffer[at : at + 8 * n]
        if b"_" not in held:
            try:
                return [int(held[k : k + 8]) for k in range(0, 8 * n, 8)]
            except ValueError:
                pass
        return [self.whole(at + 8 * k, 8, what.format(k + 1)) for k in range(n)]

    def number(self, at: int, width: int, what: str) -> float:
        """Return one number."""
        if at in self.blanked:
            return 0.0
        field = self.buffer[at : at + width]
        try:
            value = float(field)
        except ValueError:
            mended = field.replace(b",", b".")
            try:
                value = float(mended)
            except ValueError:
                value = math.nan
            self.edits.append((at, mended))
        if not math.isfinite(value) or b"_" in field:
            raise FormatError(
                f"'{self.name}' gives the {what} as {field.decode('latin-1').strip()!r}; a number "
                "was needed. The header is damaged: copy or export the file again."
            )
        return value

    def whole(self, at: int, width: int, what: str) -> int:
        """Return one whole number."""
        value = self.number(at, width, what)
        text = b"%d" % int(value)
        if value != int(value) or len(text) > width:
            raise FormatError(
                f"'{self.name}' gives the {what} as {value:g}; a whole number of {width} digits "
                "was needed. The header is damaged: copy or export the file again."
            )
        try:
            int(self.buffer[at : at + width])
        except ValueError:
            self.edits.append((at, text.ljust(width)))
        return int(value)

    def mended(self) -> bytes:
        """Return the header with its edits."""
        if not self.edits:
            return self.buffer
        held = bytearray(self.buffer)
        for at, text in self.edits:
            held[at : at + len(text)] = text
        return bytes(held)
