# SPDX-License-Identifier: Apache-2.0
"""A page as PNG or PDF, drawn by matplotlib without a window."""

from __future__ import annotations

from collections.abc import Sequence, Set
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from precordia.core.record import Record
from precordia.plotting.marks import COLOURS, Span
from precordia.plotting.page import MARGIN_MM, PULSE_REST_MM, PULSE_S, Page
from precordia.plotting.svg import MARK_DROP_MM, MARK_HEIGHT_MM

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MM_PER_INCH = 25.4


def save_figure(
    page: Page,
    record: Record,
    spans: Sequence[Span],
    highlighted: Set[int],
    path: Path,
    *,
    kind: str,
    dpi: float,
) -> None:
    """Draw the page in true size and save it.

    Parameters
    ----------
    page, record, spans, highlighted
        What to draw, as for `precordia.plotting.svg.page_as_svg`.
    path
        Where to write.
    kind
        ``"png"`` or ``"pdf"``.
    dpi
        Dots per inch.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(page.width_mm / MM_PER_INCH, page.height_mm / MM_PER_INCH), dpi=dpi)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, page.width_mm)
    axes.set_ylim(page.height_mm, 0)
    axes.set_axis_off()
    _paper(axes, page)
    _traces(axes, page, record)
    _marks(axes, spans)
    _words(axes, page, spans, highlighted)
    metadata = {"Title": page.title or "electrocardiogram"}
    if kind == "pdf":
        metadata["CreationDate"] = None  # type: ignore[assignment]
    figure.savefig(path, format=kind, dpi=dpi, metadata=metadata)


def _paper(axes: Axes, page: Page) -> None:
    left, right = MARGIN_MM, page.width_mm - MARGIN_MM
    top, bottom = MARGIN_MM, page.height_mm - MARGIN_MM
    for step, colour, width in ((1, "#f6c9c9", 0.25), (5, "#e99a9a", 0.6)):
        xs, ys = np.arange(left, right + 0.01, step), np.arange(top, bottom + 0.01, step)
        grid = _polyline(xs, top, bottom, upright=True)
        across = _polyline(ys, left, right, upright=False)
        axes.plot(*grid, color=colour, lw=width, zorder=1)
        axes.plot(*across, color=colour, lw=width, zorder=1)


def _polyline(
    places: np.ndarray, low: float, high: float, *, upright: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Join parallel lines to one broken line: much faster to draw than many."""
    along = np.tile([low, high, np.nan], places.size)
    across = np.repeat(places, 3)
    return (across, along) if upright else (along, across)


def _traces(axes: Axes, page: Page, record: Record) -> None:
    for panel in page.panels:
        excerpt = record.signal[panel.row, panel.first : panel.last]
        x = panel.x_mm + np.arange(excerpt.size) * (page.speed_mm_s / record.fs)
        y = panel.y_mm - panel.sign * page.gain_mm_mv * excerpt
        axes.plot(x, y, color="#111111", lw=0.8, zorder=3, solid_joinstyle="round")
        if panel.x_mm > page.left_mm + 1:
            tick = (panel.y_mm - 3, panel.y_mm + 3)
            axes.plot([panel.x_mm] * 2, tick, color="#111111", lw=1.1, zorder=3)
    for y0 in page.row_baselines_mm:
        wide, rest = PULSE_S * page.speed_mm_s, PULSE_REST_MM
        x = MARGIN_MM + 1 + np.cumsum([0, rest, 0, wide, 0, rest])
        y = y0 - page.gain_mm_mv * np.array([0, 0, 1, 1, 0, 0])
        axes.plot(x, y, color="#111111", lw=0.8, zorder=3)


def _marks(axes: Axes, spans: Sequence[Span]) -> None:
    for wave, colour in COLOURS.items():
        own = [s for s in spans if s.wave == wave]
        if own:
            axes.hlines(
                np.array([s.y_mm for s in own]) + MARK_DROP_MM + MARK_HEIGHT_MM / 2,
                [s.left_mm for s in own],
                [s.right_mm for s in own],
                color=colour,
                lw=MARK_HEIGHT_MM * 72 / MM_PER_INCH,
                zorder=2,
            )


def _words(axes: Axes, page: Page, spans: Sequence[Span], highlighted: Set[int]) -> None:
    ink = {"color": "#222222", "zorder": 4, "parse_math": False}
    for number, panel in enumerate(page.panels):
        colour = "#B00020" if number in highlighted else "#222222"
        name = panel.lead.replace("-", "−")
        axes.text(
            panel.x_mm + 1,
            panel.y_mm - 9.5,
            name,
            size=9,
            weight="bold",
            color=colour,
            zorder=4,
            parse_math=False,
        )
    if spans:
        y, x = page.height_mm - MARGIN_MM - 1, page.width_mm - MARGIN_MM - 32
        for k, (wave, colour) in enumerate(COLOURS.items()):
            axes.text(x + 11 * k, y, wave.upper(), size=8, weight="bold", color=colour, zorder=4)
    axes.text(MARGIN_MM + 1, MARGIN_MM + 5, page.title, size=11, weight="bold", **ink)
    axes.text(MARGIN_MM + 1, MARGIN_MM + 10, page.subtitle, size=8, **ink)
    axes.text(MARGIN_MM + 1, page.height_mm - MARGIN_MM - 1, page.legend, size=8, **ink)
