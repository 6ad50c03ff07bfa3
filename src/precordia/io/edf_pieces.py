# SPDX-License-Identifier: Apache-2.0
"""Read the data records of an EDF or BDF file with edfio, a few megabytes at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from precordia.core.errors import FormatError
from precordia.io.edf_annotations import mend_annotations, record_start
from precordia.io.edf_header import SET_ASIDE, EdfLayout

if TYPE_CHECKING:
    import edfio

PIECE_BYTES = 8 << 20
#: more records in one piece than this, and rounding makes edfio look for one behind the last
_PIECE_RECORDS = 4096
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class EdfPiece:
    """Some data records as edfio read them.

    ``starts`` are the times of the records where the file has annotations, NaN where one does not
    say; ``n_damaged`` counts the records whose annotations could not be read as they are.
    """

    edf: edfio.Edf | edfio.Bdf
    signals: tuple[edfio.EdfSignal, ...] | tuple[edfio.BdfSignal, ...]
    first: int
    n_records: int
    starts: list[float]
    stamps: list[tuple[float, str]]
    n_damaged: int


def read_pieces(
    file: BinaryIO, head: bytes, layout: EdfLayout, n_records: int, *, name: str
) -> Iterator[EdfPiece]:
    """Read the data records of a file.

    Parameters
    ----------
    file
        The file, open.
    head
        The first ``PIECE_BYTES`` of it, which have been read.
    layout
        Its header.
    n_records
        How many complete data records it holds.
    name
        Name of the file, for messages.

    Yields
    ------
    Pieces in order, small files as one.

    Raises
    ------
    FormatError
        If edfio refuses what it is given.

    Notes
    -----
    Each piece is handed to edfio as a file of its own, so that its header always agrees with the
    bytes that follow, and a day of 24 bit samples takes no more memory than a minute.
    """
    at, size = len(layout.header), layout.record_bytes
    per_piece = min(_PIECE_RECORDS, max(1, PIECE_BYTES // size))
    for first in range(0, n_records, per_piece):
        n = min(per_piece, n_records - first)
        start = at + first * size
        if start + n * size <= len(head):
            body = memoryview(head)[start : start + n * size]
        else:
            file.seek(start)
            body = memoryview(file.read(n * size))
            if len(body) < n * size:
                raise FormatError(f"'{name}' became shorter while it was read. Read it again.")
        body, starts, n_damaged, n_lists = _mended(body, layout, n)
        readable = bool(starts) and math.isfinite(starts[0])
        header = layout.header_of(n, annotated=readable)
        # A small file without anything mended goes as it is.
        whole = len(head) == len(header) + len(body) and head.startswith(header)
        content = head if whole and isinstance(body, memoryview) else b"".join((header, body))
        edf = _through_edfio(name, _open, content, layout)
        signals = edf.signals
        if not readable:
            signals = tuple(s for s in signals if s.label != SET_ASIDE)
        notes = _through_edfio(name, edf.get_annotations) if readable and n_lists else ()
        stamps = [(starts[0] + note.onset, note.text) for note in notes]
        yield EdfPiece(edf, signals, first, n, starts, stamps, n_damaged)


def _mended(
    body: memoryview, layout: EdfLayout, n: int
) -> tuple[memoryview | bytearray, list[float], int, int]:
    """Mend annotations; return the records, when they begin, how many are damaged and not empty."""
    starts: list[float] = []
    n_damaged = n_lists = 0
    changed: bytearray | None = None
    for order, column in enumerate(layout.annotations):
        for r in range(n):
            at = r * layout.record_bytes + column.start
            record = bytes(body[at : at + column.stop - column.start])
            mended = mend_annotations(record)
            damaged = mended is not record and mended != record
            if damaged:
                changed = changed or bytearray(body)
                changed[at : at + len(mended)] = mended
            if order == 0:
                starts.append(record_start(mended))
                damaged |= math.isnan(starts[-1]) and bool(mended.strip(b"\0"))
            n_damaged += damaged
            n_lists += mended.count(b"\x14") > (2 if order == 0 else 0)
    return body if changed is None else changed, starts, n_damaged, n_lists


def _open(content: bytes, layout: EdfLayout) -> edfio.Edf | edfio.Bdf:
    import edfio

    try:
        layout.header[1:].decode()
        encoding = "utf-8"
    except UnicodeDecodeError:
        encoding = "latin-1"
    if layout.is_bdf:
        return edfio.read_bdf(content, header_encoding=encoding)
    return edfio.read_edf(content, header_encoding=encoding)


def _through_edfio(name: str, call: Callable[..., _Result], *given: Any) -> _Result:
    try:
        return call(*given)
    except Exception as error:
        # What edfio says may quote the file, and with it the patient.
        raise FormatError(
            f"'{name}' was refused by the EDF library ({type(error).__name__}). The file is "
            "damaged: copy or export it again."
        ) from None
