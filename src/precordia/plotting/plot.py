# SPDX-License-Identifier: Apache-2.0
"""Draw a record on calibrated ECG paper."""

from __future__ import annotations

from collections.abc import Sequence

from precordia.core.carried_beats import carried_beats
from precordia.core.errors import SignalError
from precordia.core.fiducials import Fiducials
from precordia.core.findings import Findings
from precordia.core.record import Record
from precordia.plotting.drawing import Drawing
from precordia.plotting.marks import leads_found, wave_spans
from precordia.plotting.page import Layout, Order, lay_out
from precordia.plotting.svg import page_as_svg
from precordia.plotting.tachogram import tachogram_svg

#: letters of findings that stand beside each other on a page
_LONGEST_LINE = 160


def plot(
    record: Record,
    *,
    marks: Fiducials | None = None,
    findings: Findings | None = None,
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
) -> Drawing:
    """Draw a record on calibrated ECG paper.

    Parameters
    ----------
    record
        What to draw. A record without leads, read from a file of beat times, gives a tachogram:
        the RR intervals over time, all of them.
    marks
        Waves to mark below each trace: P blue, QRS orange, T green.
    findings
        Findings whose leads are emphasised, and whose names stand in the subtitle; with a question
        mark where rule and model disagree.
    layout
        ``"auto"``, ``"3x4"``, ``"6x2"``, ``"12x1"``, ``"stacked"`` or ``"strip"``.
    order
        ``"standard"`` or ``"cabrera"``.
    rhythm
        Leads at full length at the bottom; lead II in 3x4 and 6x2 unless said otherwise.
    speed_mm_s
        Paper speed, usually 25 or 50.
    gain_mm_mv
        Gain, usually 5, 10 or 20.
    start_s, seconds
        Excerpt; in a strip ``seconds`` is the length of a row. The legend says which part of a
        longer record is shown, where the paper is wide enough.
    title, subtitle
        Text above the traces. Nothing of the patient is printed unless it is put here.
    note
        Text at the end of the legend, such as the filter that was applied.

    Returns
    -------
    The drawing: ``.svg`` is its text, ``.save(path)`` writes SVG, PNG or PDF.

    Raises
    ------
    SignalError
        If marks belong to another record.
    LeadError
        If a layout needs leads that are missing, or there are neither leads nor beats.
    OptionError
        If a scale makes no sense.

    Notes
    -----
    Display after IEC 60601-2-25: 1 mm grid with every fifth line bold, calibration pulse of 1 mV
    and 200 ms at the start of each row, columns contiguous in time. Traces of the SVG are rounded
    to 0.05 mm, which is 5 µV at 10 mm/mV; where samples lie closer than 0.1 mm, the line stays
    within 0.125 mm of every sample, less than half of its width.

    Examples
    --------
    >>> import numpy as np
    >>> record = Record(signal=np.zeros((1, 5000)), fs=500, leads=("II",))
    >>> plot(record).svg[:4]
    '<svg'
    """
    if marks is not None and (marks.fs, marks.n_samples) != (record.fs, record.n_samples):
        raise SignalError(
            f"the marks are for {marks.n_samples} samples at {marks.fs:g} Hz, the record has "
            f"{record.n_samples} at {record.fs:g} Hz. Delineate this record."
        )
    if findings is not None and not subtitle:
        subtitle = _in_one_line(findings)
    if not record.n_leads and len(carried_beats(record).sample) > 1:
        # Beat times have no traces; what can be seen of them is how long the intervals are.
        svg = tachogram_svg(record, title=title, subtitle=subtitle)
        return Drawing(svg=svg, page=None, record=record)
    page = lay_out(
        record,
        layout=layout,
        order=order,
        rhythm=rhythm,
        speed_mm_s=speed_mm_s,
        gain_mm_mv=gain_mm_mv,
        start_s=start_s,
        seconds=seconds,
        title=title,
        subtitle=subtitle,
        note=note,
    )
    spans = wave_spans(page, marks) if marks is not None else []
    shown = findings.present if findings is not None else ()
    leads = {lead for finding in shown for lead in finding.leads}
    highlighted = leads_found(page.panels, leads) if len(leads) < record.n_leads else set()
    return Drawing(
        svg=page_as_svg(page, record, spans, highlighted),
        page=page,
        record=record,
        spans=tuple(spans),
        highlighted=frozenset(highlighted),
    )


def _in_one_line(findings: Findings) -> str:
    """Return the names of what was found, those that are in dispute with a question mark."""
    names = [f.name + "?" * bool(f.disagreement) for f in findings.present]
    kept = len(names)
    while kept > 1 and len("; ".join(names[:kept])) > _LONGEST_LINE:
        kept -= 1
    more = f"; and {len(names) - kept} more" if kept < len(names) else ""
    return "; ".join(names[:kept]) + more
