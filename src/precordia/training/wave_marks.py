# SPDX-License-Identifier: Apache-2.0
"""The waves that somebody marked in a recording, lead by lead, wherever the marks are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from precordia.core.errors import OptionError, SignalError
from precordia.core.fiducials import Fiducials, Waves
from precordia.core.record import Record
from precordia.datasets.dataset import load_dataset
from precordia.delineation.reference_waves import Wave, parse_waves
from precordia.delineation.waves import WAVE_KINDS
from precordia.io.wfdb_annotation import read_annotations

#: in an ending: the name of the lead, in small letters
LEAD = "{lead}"
#: endings of the annotation files of databases that mark waves
ENDINGS = {"ludb": LEAD}
_PEAKS = {"p": "p_peak", "qrs": "r_peak", "t": "t_peak"}


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveMarks:
    """Reads the marks of a recording.

    Attributes
    ----------
    ending
        Of the annotation file beside a record; ``"{lead}"`` in it stands for the lead. Empty for
        the marks that a record carries.
    places
        File of each record, by name.
    """

    ending: str = ""
    places: Mapping[str, Path] = field(default_factory=dict)

    def of(self, name: str, record: Record) -> dict[str, tuple[Wave, ...]]:
        """Return the waves of each lead that has marks.

        Raises
        ------
        SignalError, FormatError
            If there are no waves, or no annotation file.
        """
        found = self._from_files(name, record) if self.ending else _carried(record)
        found = {lead: waves for lead, waves in found.items() if _has_extent(waves)}
        if not found:
            raise SignalError(
                f"no wave of '{name}' is marked from onset to offset; marks such as ( N ), ( p ) "
                "and ( t ) are needed. Say which annotation files have them in data.annotations."
            )
        return found

    def _from_files(self, name: str, record: Record) -> dict[str, tuple[Wave, ...]]:
        place = self.places[name]
        if LEAD not in self.ending:
            marks = read_annotations(place, self.ending, fs=record.fs)
            waves = parse_waves(marks.symbol, marks.sample.tolist())
            return dict.fromkeys(record.leads, waves)
        found = {}
        for lead in record.leads:
            ending = self.ending.replace(LEAD, lead.lower())
            if place.with_suffix(f".{ending}").exists():
                marks = read_annotations(place, ending, fs=record.fs)
                found[lead] = parse_waves(marks.symbol, marks.sample.tolist())
        return found


def wave_marks_of(
    *, database: str, folder: str, labels: str, options: Mapping[str, Any], annotations: str
) -> WaveMarks:
    """Return where the marks of recordings are.

    Parameters
    ----------
    database, folder, labels, options
        As in a configuration's ``[data]``; empty for simulated recordings, which carry their marks.
    annotations
        Ending of the annotation files; by default as the database has them, or what records carry.

    Raises
    ------
    OptionError
        If recordings that are no files should have annotation files.
    """
    if not database:
        if annotations:
            raise OptionError(
                f"data.annotations is '{annotations}', and simulated recordings have no files; "
                "leave it out, they carry their waves."
            )
        return WaveMarks()
    ending = (annotations or ENDINGS.get(database, "")).removeprefix(".")
    dataset = load_dataset(database, folder, task=labels or None, **options)
    return WaveMarks(ending=ending, places={item.name: item.path for item in dataset})


def _carried(record: Record) -> dict[str, tuple[Wave, ...]]:
    held = record.carried
    if held.fiducials is not None:
        return _of_fiducials(held.fiducials, record)
    if held.annotations is not None:
        waves = parse_waves(held.annotations.symbol, held.annotations.sample.tolist())
        return dict.fromkeys(record.leads, waves)
    return {}


def _of_fiducials(held: Fiducials, record: Record) -> dict[str, tuple[Wave, ...]]:
    if held.leads:
        return {lead: _rows(waves) for lead, waves in held.leads.items() if lead in record.leads}
    return dict.fromkeys(record.leads, _rows(held))


def _rows(waves: Waves) -> tuple[Wave, ...]:
    rows = []
    for kind in WAVE_KINDS:
        names = (f"{kind}_onset", _PEAKS[kind], f"{kind}_offset")
        for places in zip(*(getattr(waves, name) for name in names), strict=True):
            if any(place == place for place in places):
                rows.append(Wave(kind, *map(float, places)))
    return tuple(sorted(rows, key=_beginning))


def _beginning(wave: Wave) -> float:
    return next(place for place in (wave.onset, wave.peak, wave.offset) if place == place)


def _has_extent(waves: tuple[Wave, ...]) -> bool:
    return any(w.onset == w.onset and w.offset == w.offset for w in waves)
