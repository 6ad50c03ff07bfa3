# SPDX-License-Identifier: Apache-2.0
"""Where everything goes on a sheet of ECG paper, in millimetres. Nothing is drawn here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from precordia.core.errors import LeadError, OptionError
from precordia.core.leads import CABRERA, STANDARD_12
from precordia.core.record import Record

Layout = Literal["auto", "3x4", "6x2", "12x1", "stacked", "strip"]
LAYOUTS: tuple[Layout, ...] = ("auto", "3x4", "6x2", "12x1", "stacked", "strip")
Order = Literal["standard", "cabrera"]

MARGIN_MM = 5.0
PULSE_S, PULSE_REST_MM = 0.2, 1.5  # the calibration pulse, and its level before and after
HEADER_MM = 14.0
FOOTER_MM = 8.0
ROW_PITCH_MM = 30.0
SHORTEST_S = 0.5
MOST_STRIPS = 12
GAP = "\u00a0\u00a0\u00a0"  # what the legend says is kept apart in SVG too, where spaces collapse
ROOM_FOR_EXCERPT_MM = 130.0  # paper this wide has room for it between the scales and the marks


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One stretch of one lead at one place.

    Attributes
    ----------
    lead
        Lead name as printed; a leading minus means that the trace is turned over.
    row
        Row of the record's signal.
    sign
        1 or -1.
    first, last
        Samples shown: ``[first, last)``.
    x_mm, y_mm
        Left end and baseline (0 mV) on the page.
    """

    lead: str
    row: int
    sign: int
    first: int
    last: int
    x_mm: float
    y_mm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A sheet of paper: its size, scales and panels.

    ``left_mm`` is where the traces begin, right of the calibration pulse.
    """

    width_mm: float
    height_mm: float
    speed_mm_s: float
    gain_mm_mv: float
    left_mm: float
    panels: tuple[Panel, ...]
    row_baselines_mm: tuple[float, ...]
    title: str
    subtitle: str
    legend: str


def lay_out(
    record: Record,
    *,
    layout: Layout = "auto",
    order: Order = "standard",
    rhythm: Sequence[str] | None = None,
    speed_mm_s: float = 25.0,
    gain_mm_mv: float = 10.0,
    start_s: float = 0.0,
    seconds: float = 10.0,
    title: str = "",
    subtitle: str = "",
    note: str = "",
) -> Page:
    """Place the leads of a record on paper.

    Parameters
    ----------
    record
        What to draw.
    layout
        ``"3x4"`` and ``"6x2"`` show a part of each lead, contiguous in time, above the rhythm
        leads; ``"12x1"`` and ``"stacked"`` one row per lead; ``"strip"`` one lead over several
        rows. ``"auto"`` takes 3x4 where the twelve leads are there, a strip for one long lead,
        else stacked.
    order
        ``"standard"`` or ``"cabrera"`` (aVL, I, -aVR, II, aVF, III, V1-V6).
    rhythm
        Leads shown at full length below; lead II by default, none with an empty list.
    speed_mm_s, gain_mm_mv
        Scales of the paper.
    start_s, seconds
        Excerpt that is shown; in a strip the length of a row. Where the record is longer, the
        legend says which part this is (paper narrower than 130 mm has no room for it).
    title, subtitle, note
        Text above, and at the end of the legend below.

    Raises
    ------
    LeadError
        If a layout or rhythm strip needs a lead that the record lacks.
    OptionError
        If a scale, a time or a name makes no sense.
    """
    _check_options(layout, order, speed_mm_s, gain_mm_mv, start_s, seconds)
    first = round(start_s * record.fs)
    last = min(record.n_samples, first + round(seconds * record.fs))
    if record.n_samples and first >= record.n_samples:
        raise OptionError(
            f"the excerpt starts at {start_s:g} s; the record ends at {record.duration_s:g} s. "
            "Choose an earlier start."
        )
    has_twelve = all(name in record.leads for name in STANDARD_12)
    if layout == "auto":
        layout = "3x4" if has_twelve else "stacked"
        if record.n_leads == 1 and record.duration_s > 1.2 * seconds:
            layout = "strip"
    if layout in ("3x4", "6x2", "12x1") and not has_twelve:
        lacking = [name for name in STANDARD_12 if name not in record.leads]
        raise LeadError(
            f"layout {layout} needs the twelve standard leads; {', '.join(lacking)} missing. "
            "Use layout='stacked'."
        )
    names = _names_in_order(record, order, only_standard=layout in ("3x4", "6x2", "12x1"))
    if rhythm is None:
        rhythm = ("II",) if layout in ("3x4", "6x2") else ()
    for name in rhythm:
        if name not in record.leads:
            raise LeadError(
                f"rhythm lead {name} is not in the record ({', '.join(record.leads)}). "
                "Choose one of these, or rhythm=[] for none."
            )
    if layout == "strip":
        rows = _strip_rows(record, names[0], first, round(seconds * record.fs))
    else:
        columns = {"3x4": 4, "6x2": 2}.get(layout, 1)
        rows = _grid_rows(names, columns, first, last)
        rows += [[(name, first, last)] for name in rhythm]
    span = max((row[-1][2] - row[0][1] for row in rows), default=0) / record.fs
    return _place(
        record, rows, max(span, SHORTEST_S), speed_mm_s, gain_mm_mv, title, subtitle, note
    )


def _check_options(
    layout: str, order: str, speed: float, gain: float, start_s: float, seconds: float
) -> None:
    if layout not in LAYOUTS:
        raise OptionError(f"no layout '{layout}'. Layouts: {', '.join(LAYOUTS)}.")
    if order not in ("standard", "cabrera"):
        raise OptionError(f"no lead order '{order}'. Orders: standard, cabrera.")
    if not 5 <= speed <= 200 or not 1 <= gain <= 100:
        raise OptionError(
            f"paper at {speed:g} mm/s and {gain:g} mm/mV; 5 to 200 mm/s (usually 25 or 50) "
            "and 1 to 100 mm/mV (usually 5, 10 or 20) are possible."
        )
    if not start_s >= 0 or not SHORTEST_S <= seconds <= 60:
        raise OptionError(
            f"an excerpt of {seconds:g} s from {start_s:g} s was asked for; a start of at least "
            f"0 s and a length of {SHORTEST_S:g} to 60 s are possible."
        )


def _names_in_order(record: Record, order: str, *, only_standard: bool) -> list[str]:
    if order == "standard":
        standard = [name for name in STANDARD_12 if name in record.leads]
        further = [name for name in record.leads if name not in STANDARD_12]
        return standard if only_standard else standard + further
    names = [name for name in CABRERA if {name, name.lstrip("-")} & set(record.leads)]
    further = [name for name in record.leads if name not in (*STANDARD_12, *names)]
    return names if only_standard else names + further


Cell = tuple[str, int, int]


def _grid_rows(names: list[str], columns: int, first: int, last: int) -> list[list[Cell]]:
    height = -(-len(names) // columns)
    edges = np.linspace(first, last, columns + 1).round().astype(int)
    return [
        [
            (names[c * height + r], int(edges[c]), int(edges[c + 1]))
            for c in range(columns)
            if c * height + r < len(names)
        ]
        for r in range(height)
    ]


def _strip_rows(record: Record, name: str, first: int, length: int) -> list[list[Cell]]:
    starts = range(first, record.n_samples, length)
    return [[(name, s, min(s + length, record.n_samples))] for s in starts][:MOST_STRIPS]


def _excerpt(record: Record, rows: list[list[Cell]]) -> str:
    """Say which part of a longer record is shown; nothing where it is all of it."""
    cells = [cell for row in rows for cell in row]
    first, last = min((c[1] for c in cells), default=0), max((c[2] for c in cells), default=0)
    if record.n_samples - (last - first) < SHORTEST_S / 10 * record.fs or not cells:
        return ""
    begin, end, whole = (round(n / record.fs, 2) for n in (first, last, record.n_samples))
    return f"{GAP}{begin:.9g} to {end:.9g} s of {whole:.9g} s"


def _place(
    record: Record,
    rows: list[list[Cell]],
    span_s: float,
    speed: float,
    gain: float,
    title: str,
    subtitle: str,
    note: str,
) -> Page:
    left = MARGIN_MM + 2 + PULSE_S * speed + 2 * PULSE_REST_MM
    pitch = ROW_PITCH_MM if gain <= 10 else ROW_PITCH_MM * gain / 10
    pitch = 5 * round(pitch / 5)
    panels, baselines = [], []
    for number, row in enumerate(rows):
        baseline = MARGIN_MM + HEADER_MM + pitch * (number + 0.5)
        baselines.append(baseline)
        begin = row[0][1]
        for name, first, last in row:
            # A recording may hold -aVR itself; elsewhere it is aVR turned over.
            is_held = name in record.leads
            panels.append(
                Panel(
                    lead=name,
                    row=record.leads.index(name if is_held else name.lstrip("-")),
                    sign=1 if is_held else -1,
                    first=first,
                    last=last,
                    x_mm=left + (first - begin) / record.fs * speed,
                    y_mm=baseline,
                )
            )
    width = left + span_s * speed + MARGIN_MM
    legend = GAP.join((f"{speed:g} mm/s", f"{gain:g} mm/mV", f"{record.fs:g} Hz"))
    if width >= ROOM_FOR_EXCERPT_MM:
        legend += _excerpt(record, rows)
    return Page(
        width_mm=width,
        height_mm=MARGIN_MM + HEADER_MM + pitch * len(rows) + FOOTER_MM,
        speed_mm_s=speed,
        gain_mm_mv=gain,
        left_mm=left,
        panels=tuple(panels),
        row_baselines_mm=tuple(baselines),
        title=title,
        subtitle=subtitle,
        legend=f"{legend}{GAP}{note}" if note else legend,
    )
