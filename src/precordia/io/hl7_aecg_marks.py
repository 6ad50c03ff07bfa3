# SPDX-License-Identifier: Apache-2.0
"""Marks of single waves, sorted into one row per beat."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Sequence

import numpy as np

from precordia.core.fiducials import Fiducials, Waves, empty_waves
from precordia.core.record import Annotations
from precordia.core.source import Source
from precordia.io.hl7_aecg_annotations import Mark, kind_of_beat

_QRS = ("qrs_onset", "q_peak", "r_peak", "s_peak", "qrs_offset")
#: marks of one QRS complex lie this close together
_WITHIN_QRS_S = 0.2
#: a P wave begins at most so long before its QRS, a T wave ends at most so long after it
_P_BEFORE_S, _T_AFTER_S = 0.5, 0.8


def fiducials_of(
    marks: Sequence[Mark], n_beats: int, *, fs: float, n_samples: int, leads: Sequence[str]
) -> tuple[Fiducials | None, list[int]]:
    """Sort marks into rows.

    Parameters
    ----------
    marks
        All marks of a series.
    n_beats
        How many beats the file itself has.
    fs, n_samples, leads
        Of the record.

    Returns
    -------
    Fiducials, None where there is no mark within the record; and the row of every beat of the
    file, -1 where it has no marks.

    Notes
    -----
    Marks that the file does not put into a beat join the row whose QRS complex is nearest: a QRS
    within 0.2 s, a P wave up to 0.5 s before it, a T wave up to 0.8 s after it. Where two marks
    claim one position, the first in the file stands.
    """
    inside = [
        mark
        for mark in marks
        if 0 <= mark.at < n_samples and (mark.lead is None or mark.lead in leads)
    ]
    if not inside:
        return None, [-1] * n_beats
    rows: list[dict[tuple[str | None, str], float]] = []
    row_of_beat = [-1] * n_beats
    for mark in inside:
        if mark.beat is None:
            continue
        if row_of_beat[mark.beat] < 0:
            row_of_beat[mark.beat] = len(rows)
            rows.append({})
        rows[row_of_beat[mark.beat]].setdefault((mark.lead, mark.position), mark.at)
    _place_loose([mark for mark in inside if mark.beat is None], rows, fs)
    order = sorted(range(len(rows)), key=lambda k: min(rows[k].values()))
    rank = {k: place for place, k in enumerate(order)}
    held = {lead for row in rows for lead, _ in row}
    columns = {lead: _columns(rows, order, lead) for lead in (None, *leads) if lead in held}
    overall = columns.pop(None, None) or empty_waves(len(rows))
    fiducials = Fiducials(
        fs=fs,
        n_samples=n_samples,
        leads={lead: waves for lead, waves in columns.items() if lead is not None},
        source=Source(method="carried by the file"),
        **{name: getattr(overall, name) for name in Waves.__dataclass_fields__},
    )
    return fiducials, [rank.get(k, -1) for k in row_of_beat]


def _place_loose(
    marks: list[Mark], rows: list[dict[tuple[str | None, str], float]], fs: float
) -> None:
    """Put marks that belong to no beat of the file into the rows where they fit."""
    places = _qrs_places(rows)
    near = _WITHIN_QRS_S * fs
    for mark in sorted((m for m in marks if m.position in _QRS), key=lambda m: m.at):
        k = _nearest(places, mark.at, near, near)
        if k is None:
            k = len(rows)
            rows.append({})
            insort(places, (mark.at, k))
        rows[k].setdefault((mark.lead, mark.position), mark.at)
    places = _qrs_places(rows)
    alone: dict[tuple[str, int], int] = {}
    for mark in marks:
        if mark.position in _QRS:
            continue
        wave = mark.position[0]
        if wave == "p":
            k = _nearest(places, mark.at, 0.0, _P_BEFORE_S * fs)
        else:
            k = _nearest(places, mark.at, _T_AFTER_S * fs, 0.0)
        if k is None:  # a blocked P wave, or a T wave whose QRS is not marked
            k = alone.setdefault((wave, int(mark.at // (_P_BEFORE_S * fs))), len(rows))
            if k == len(rows):
                rows.append({})
        rows[k].setdefault((mark.lead, mark.position), mark.at)


def _qrs_places(
    rows: list[dict[tuple[str | None, str], float]],
) -> list[tuple[float, int]]:
    """Return where the QRS of every row lies, and the number of the row, in ascending order."""
    places = []
    for k, row in enumerate(rows):
        held = [at for (_, position), at in row.items() if position in _QRS]
        if held:
            places.append((sum(held) / len(held), k))
    return sorted(places)


def _nearest(places: list[tuple[float, int]], at: float, before: float, after: float) -> int | None:
    """Return the row nearest to a position that lies at most so far before or after it."""
    found = bisect_left(places, (at, -1))
    near = [
        (abs(place - at), k)
        for place, k in places[max(0, found - 1) : found + 1]
        if -before <= place - at <= after
    ]
    return min(near)[1] if near else None


def _columns(
    rows: list[dict[tuple[str | None, str], float]], order: list[int], lead: str | None
) -> Waves:
    waves = empty_waves(len(rows))
    for place, k in enumerate(order):
        for (of, position), at in rows[k].items():
            if of == lead:
                getattr(waves, position)[place] = at
    return waves


def beat_annotations(
    beats: Sequence[tuple[str, float]],
    row_of_beat: Sequence[int],
    fiducials: Fiducials | None,
    n_samples: int,
) -> Annotations | None:
    """Return the beats whose kind the file states.

    A beat stands at its R peak, else where the file puts it, else at the onset of its QRS.
    """
    found: list[tuple[int, str, str]] = []
    for (code, where), row in zip(beats, row_of_beat, strict=True):
        symbol = kind_of_beat(code)
        places = [where]
        if fiducials is not None and row >= 0:
            places = [fiducials.r_peak[row], where, fiducials.qrs_onset[row]]
        at = next((place for place in places if place == place), math.nan)
        if symbol is not None and 0 <= at < n_samples:
            found.append((min(round(at), n_samples - 1), symbol, code))
    if not found:
        return None
    found.sort(key=lambda one: one[0])
    return Annotations(
        sample=np.array([at for at, _, _ in found], np.int64),
        symbol=tuple(symbol for _, symbol, _ in found),
        aux=tuple("" if symbol == "N" else code for _, symbol, code in found),
    )
