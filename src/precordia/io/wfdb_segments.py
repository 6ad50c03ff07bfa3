# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: PTH118
"""Multi-segment WFDB records: segments end to end, with or without a layout, with gaps."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from precordia.core.errors import FormatError
from precordia.io.units import millivolts
from precordia.io.wfdb_header import Header, SignalLine, check_file_name, read_header
from precordia.io.wfdb_roles import Roles
from precordia.io.wfdb_signals import Group, open_groups, read_signals


class _Part(NamedTuple):
    """One opened segment: where it lies in the record and which of its frames are wanted."""

    header: Header
    groups: tuple[Group, ...]
    name: str
    first: int
    begin: int
    end: int


class Segments:
    """The segments of one record, opened only where they are read.

    Parameters
    ----------
    header
        The master header.
    folder, name
        Where it lies and what error messages call it.

    Raises
    ------
    FormatError
        If lengths contradict each other or no segment describes the signals.

    Notes
    -----
    A first segment of length 0 is a layout: it names all signals, and each later segment holds
    some of them at its own gain. Otherwise every segment holds the same signals. A segment ``~``
    is a gap. Signals are matched by name, and by order where names repeat.
    """

    def __init__(self, header: Header, folder: str, name: str) -> None:
        self.folder, self.name, self.fs = folder, name, header.fs
        self.segments = header.segments
        self.n_frames = sum(segment.n_frames for segment in self.segments)
        if self.n_frames == 0:
            raise FormatError(
                f"the segments of '{name}' have no samples; at least one is needed. The header is "
                "damaged: fetch it again."
            )
        if header.n_frames is not None and header.n_frames != self.n_frames:
            raise FormatError(
                f"'{name}' declares {header.n_frames} samples and its segments add up to "
                f"{self.n_frames}; the two must agree. The header is damaged: fetch it again."
            )
        self._headers: dict[str, Header] = {}
        named = [s for s in self.segments if s.name != "~"]
        if not named:
            raise FormatError(f"'{name}' is made of gaps alone; it holds no signal.")
        self.lines: tuple[SignalLine, ...] = self._header(named[0].name).signals
        if len(self.lines) != header.n_signals:
            raise FormatError(
                f"'{name}' declares {header.n_signals} signals and '{named[0].name}' describes "
                f"{len(self.lines)}; the two must agree. Fetch both again."
            )
        self._parts: list[_Part] = []
        #: leads without a gain in some segment, though the layout gives one
        self.uncalibrated: dict[str, None] = {}
        self._place = {key: k for k, key in enumerate(_numbered(self.lines))}

    def _header(self, segment: str) -> Header:
        if segment not in self._headers:
            check_file_name(segment, self.name)
            found = read_header(os.path.join(self.folder, segment + ".hea"))
            if found.segments:
                raise FormatError(
                    f"the segment '{segment}' of '{self.name}' has segments itself, which WFDB "
                    "does not allow. Correct the header."
                )
            if found.fs != self.fs:
                raise FormatError(
                    f"the segment '{segment}' of '{self.name}' has {found.fs:g} Hz and the record "
                    f"{self.fs:g} Hz; one rate is needed. Read the segments one by one."
                )
            self._headers[segment] = found
        return self._headers[segment]

    @property
    def n_bytes(self) -> int:
        """Bytes of the signal files of the opened segments."""
        return sum(group.n_bytes for part in self._parts for group in part.groups)

    def open(self, begin: int, end: int) -> None:
        """Look at the files of every segment that overlaps frames ``begin`` to ``end``."""
        first = 0
        self._begin = begin
        for segment in self.segments:
            lo, hi = max(first, begin), min(first + segment.n_frames, end)
            if lo < hi and segment.name != "~":
                header = self._header(segment.name)
                groups = open_groups(header, self.folder, segment.name + ".hea")
                self._check(segment.name, segment.n_frames, header, groups)
                self._parts.append(_Part(header, groups, segment.name, first, lo, hi))
            first += segment.n_frames

    def _check(self, segment: str, n_frames: int, header: Header, groups: Sequence[Group]) -> None:
        if header.n_frames is not None and header.n_frames != n_frames:
            raise FormatError(
                f"'{self.name}' gives the segment '{segment}' {n_frames} samples and its own "
                f"header {header.n_frames}; the two must agree. Fetch both again."
            )
        for group in groups:
            if group.n_frames < n_frames:
                raise FormatError(
                    f"the segment '{segment}' of '{self.name}' should have {n_frames} samples and "
                    f"'{group.file}' holds {group.n_frames}. The file is cut short: fetch it "
                    "again, or read another part with start= and stop=."
                )
        for line, key in zip(header.signals, _numbered(header.signals), strict=True):
            at = self._place.get(key)
            if at is None or self.lines[at].samples_per_frame != line.samples_per_frame:
                raise FormatError(
                    f"the segment '{segment}' of '{self.name}' has a signal '{line.name}' that "
                    "the record does not describe so; names and samples per frame must agree. "
                    "Read the segment by itself."
                )

    def read(
        self,
        rows: np.ndarray | Sequence[np.ndarray],
        roles: Roles,
        *,
        check: bool,
        unit_scale: float | None,
    ) -> tuple[str, ...]:
        """Decode what was opened into one row per signal; what no segment holds is NaN."""
        leads = dict(zip(roles.lead_rows, roles.leads, strict=True))
        unverified: dict[str, None] = {}
        for row in rows:
            row.fill(np.nan)
        for part in self._parts:
            targets, scales = [], []
            for line, key in zip(part.header.signals, _numbered(part.header.signals), strict=True):
                at = self._place[key]
                if at in leads and self.lines[at].calibrated and not line.calibrated:
                    self.uncalibrated[leads[at]] = None
                per_frame = line.samples_per_frame
                lo, hi = (
                    (part.begin - self._begin) * per_frame,
                    (part.end - self._begin) * per_frame,
                )
                targets.append(rows[at][lo:hi])
                scales.append(self._scale(line, self.lines[at], at in leads, unit_scale, part.name))
            found = read_signals(
                part.header, part.groups, targets, start=part.begin - part.first,
                stop=part.end - part.first, check=check, scales=scales, name=part.name + ".hea",
            )  # fmt: skip
            unverified |= dict.fromkeys(found)
        return tuple(unverified)

    def _scale(
        self, line: SignalLine, layout: SignalLine, lead: bool, unit_scale: float | None,
        segment: str,
    ) -> float:  # fmt: skip
        if lead and unit_scale is not None:
            return unit_scale
        own, common = (millivolts(unit) if unit else 1.0 for unit in (line.unit, layout.unit))
        if lead and own is not None:
            return own
        if line.unit == layout.unit or not line.unit or not layout.unit:
            return 1.0
        if own is not None and common is not None:
            return own / common
        raise FormatError(
            f"the segment '{segment}' of '{self.name}' gives '{line.name}' in '{line.unit}' and "
            f"the record in '{layout.unit}'; one unit is needed. Read the segments one by one."
        )


def _numbered(lines: Sequence[SignalLine]) -> list[tuple[str, int]]:
    """Name the signals so that repeated names differ."""
    seen: dict[str, int] = {}
    keys = []
    for line in lines:
        seen[line.name] = seen.get(line.name, 0) + 1
        keys.append((line.name, seen[line.name]))
    return keys
