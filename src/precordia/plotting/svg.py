# SPDX-License-Identifier: Apache-2.0
"""A page as SVG text: one path per trace, the grid as a pattern."""

from __future__ import annotations

from html import escape

import numpy as np
from jaxtyping import Float

from precordia.core.record import Record
from precordia.plotting.marks import COLOURS, Span
from precordia.plotting.page import MARGIN_MM, PULSE_REST_MM, PULSE_S, Page, Panel

#: vertical step of a trace, mm: a fifth of the line width, 5 µV at 10 mm/mV
STEP_MM = 0.05
#: samples closer than this are closer than the eye can tell
DENSE_MM = 0.1
MARK_HEIGHT_MM = 1.2
MARK_DROP_MM = 11.0

# A stroke that does not scale is measured in pixels of the screen, not in the page's millimetres:
# 1.06 of them are 0.28 mm at 96 to the inch.
_STYLE = (
    "text{font-family:Helvetica,Arial,sans-serif;fill:#222}"
    ".l{font-size:3.2px;font-weight:600}.h{font-size:4px;font-weight:600}.s{font-size:3px}"
    "path.t{fill:none;stroke:#111;stroke-width:1.06px;stroke-linejoin:round;"
    "vector-effect:non-scaling-stroke}"
    "path.c{fill:none;stroke:#111;stroke-width:.28px}path.e{stroke:#111;stroke-width:.4px}"
)
_GRID = (
    '<pattern id="mm" width="5" height="5" patternUnits="userSpaceOnUse">'
    '<path d="M1 0V5M2 0V5M3 0V5M4 0V5M0 1H5M0 2H5M0 3H5M0 4H5" stroke="#f6c9c9" '
    'stroke-width=".1"/><path d="M0 0V5M0 0H5" stroke="#e99a9a" stroke-width=".25"/></pattern>'
)


def page_as_svg(page: Page, record: Record, spans: list[Span], highlighted: set[int]) -> str:
    """Return the page as one self-contained SVG document.

    Parameters
    ----------
    page
        The layout.
    record
        Whose signal is drawn.
    spans
        Marks of waves.
    highlighted
        Numbers of the panels whose lead label is emphasised.
    """
    width, height = page.width_mm, page.height_mm
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}mm" height="{height:g}mm" '
        f'viewBox="0 0 {width:g} {height:g}" role="img" aria-label="electrocardiogram">',
        f"<defs>{_GRID}</defs><style>{_STYLE}</style>",
        f'<rect width="{width:g}" height="{height:g}" fill="#fff"/>'
        f'<rect x="{MARGIN_MM:g}" y="{MARGIN_MM:g}" width="{width - 2 * MARGIN_MM:g}" '
        f'height="{height - 2 * MARGIN_MM:g}" fill="url(#mm)"/>',
        _texts(page),
        _marks(spans),
        _key(page, spans),
        *(_pulse(page, y) for y in page.row_baselines_mm),
    ]
    parts.append(_edges(page))
    for number, panel in enumerate(page.panels):
        parts.append(_label(panel, number in highlighted))
        parts.append(_trace(page, panel, record))
    parts.append("</svg>\n")
    return "\n".join(part for part in parts if part)


def _texts(page: Page) -> str:
    x = MARGIN_MM + 1
    lines = []
    if page.title:
        lines.append(f'<text class="h" x="{x:g}" y="{MARGIN_MM + 5:g}">{escape(page.title)}</text>')
    if page.subtitle:
        y = MARGIN_MM + 10
        lines.append(f'<text class="s" x="{x:g}" y="{y:g}">{escape(page.subtitle)}</text>')
    y = page.height_mm - MARGIN_MM - 1
    lines.append(f'<text class="s" x="{x:g}" y="{y:g}">{escape(page.legend)}</text>')
    return "".join(lines)


def _key(page: Page, spans: list[Span]) -> str:
    """Say which colour is which wave, where waves are marked."""
    if not spans:
        return ""
    y, x = page.height_mm - MARGIN_MM - 1, page.width_mm - MARGIN_MM - 32
    return "".join(
        f'<text class="s" x="{x + 11 * k:g}" y="{y:g}" style="fill:{colour};font-weight:600">'
        f"{wave.upper()}</text>"
        for k, (wave, colour) in enumerate(COLOURS.items())
    )


def _marks(spans: list[Span]) -> str:
    """One path per wave: naming each span on its own would double the size of the file."""
    parts = []
    for wave, colour in COLOURS.items():
        d = "".join(
            f"M{s.left_mm:.2f} {s.y_mm + MARK_DROP_MM:g}h{s.right_mm - s.left_mm:.2f}"
            for s in spans
            if s.wave == wave
        )
        if d:
            parts.append(
                f'<path d="{d}" stroke="{colour}" stroke-width="{MARK_HEIGHT_MM}" fill="none">'
                f"<title>{wave.upper()}</title></path>"
            )
    return "".join(parts)


def _pulse(page: Page, y: float) -> str:
    """One millivolt for 200 ms."""
    rise, wide, rest = page.gain_mm_mv, PULSE_S * page.speed_mm_s, PULSE_REST_MM
    x = MARGIN_MM + 1
    return f'<path class="c" d="M{x:g} {y:g}h{rest}v{-rise:g}h{wide:g}v{rise:g}h{rest}"/>'


def _edges(page: Page) -> str:
    """Short ticks where one lead ends and the next begins."""
    inner = [p for p in page.panels if p.x_mm > page.left_mm + 1]
    d = "".join(f"M{p.x_mm:.2f} {p.y_mm - 3:g}v6" for p in inner)
    return f'<path class="e" d="{d}"/>' if d else ""


def _label(panel: Panel, highlighted: bool) -> str:
    colour = ' style="fill:#B00020"' if highlighted else ""
    name = escape(panel.lead.replace("-", "−"))
    return (
        f'<text class="l"{colour} x="{panel.x_mm + 1:.2f}" y="{panel.y_mm - 9.5:g}">{name}</text>'
    )


def _trace(page: Page, panel: Panel, record: Record) -> str:
    excerpt = record.signal[panel.row, panel.first : panel.last]
    steps = panel.sign * page.gain_mm_mv / STEP_MM
    across = page.speed_mm_s / record.fs
    with np.errstate(over="ignore"):
        d = path_data(excerpt * np.float32(steps), dense=across < DENSE_MM)
    if not d:
        return ""
    return (
        f'<path class="t" transform="matrix({across:.6g} 0 0 {-STEP_MM:g} '
        f'{panel.x_mm:.3f} {panel.y_mm:g})" d="{d}"/>'
    )


def _thinned(corners: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Leave out every other corner where it lies within one step of the line without it."""
    if corners.size < 3:
        return corners
    before, middle, after = corners[:-2:2], corners[1:-1:2], corners[2::2]
    share = (middle - before) / (after - before)
    line = levels[before] + share * (levels[after] - levels[before])
    kept = np.ones(corners.size, bool)
    kept[1:-1:2] = np.abs(levels[middle] - line) > 1
    return corners[kept]


def _thinned_again(corners: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Leave out every other corner where no sample between is then two steps off the line."""
    if corners.size < 3:
        return corners
    kept = np.ones(corners.size, bool)
    kept[1:-1:2] = False
    fewer = corners[kept]
    line = np.interp(np.arange(levels.size), fewer, levels[fewer])
    worst = np.maximum.reduceat(np.abs(line - levels), fewer[:-1])
    kept[1:-1:2] = worst[np.searchsorted(fewer, corners[1:-1:2], "right") - 1] > 2
    return corners[kept]


def path_data(values: Float[np.ndarray, " sample"], *, dense: bool = False) -> str:
    """Return the path commands of a trace in whole steps, sample by sample to the right.

    Runs of constant slope become one segment, so the path shows every sample at the resolution
    of the steps without naming each. Where samples are ``dense`` (closer than a third of the
    line's width), corners are left out too, as long as the line stays within two steps of every
    sample. NaN leaves a gap.

    Examples
    --------
    >>> path_data(np.array([0.0, 1, 2, 3, np.nan, 5, 5, 4]))
    'M0 0l3 3M5 5l1 0 1-1'
    """
    bounded = np.clip(values, -30_000, 30_000)  # far outside any page
    held = np.isfinite(bounded)
    if held.all():
        return _run(np.rint(bounded).astype(np.int64), 0, dense)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], held.view(np.int8), [0]])))
    runs = edges.reshape(-1, 2)
    return "".join(_run(np.rint(bounded[a:b]).astype(np.int64), int(a), dense) for a, b in runs)


def _run(levels: np.ndarray, begin: int, dense: bool) -> str:
    if not levels.size:
        return ""
    head = f"M{begin} {levels[0]}"
    if levels.size == 1:
        return head + "h1"
    slope = np.diff(levels)
    turns = np.flatnonzero(slope[1:] != slope[:-1]) + 1
    corners = np.concatenate([[0], turns, [slope.size]])
    if dense:
        corners = _thinned_again(_thinned(_thinned(corners, levels), levels), levels)
    across = np.diff(corners)
    up = np.diff(levels[corners])
    pairs = np.empty(2 * across.size, np.int64)
    pairs[0::2] = across
    pairs[1::2] = up
    return (head + "l" + " ".join(map(str, pairs.tolist()))).replace(" -", "-")
