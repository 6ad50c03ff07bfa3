# SPDX-License-Identifier: Apache-2.0
"""RR intervals over time, for records that hold beat times and no signal."""

from __future__ import annotations

from html import escape
from pathlib import Path

import numpy as np
from jaxtyping import Float

from precordia.core.carried_beats import carried_beats
from precordia.core.errors import LeadError
from precordia.core.record import Record

_WIDTH_MM, _HEIGHT_MM = 250.0, 90.0
_LEFT_MM, _RIGHT_MM, _TOP_MM, _BOTTOM_MM = 16.0, 6.0, 14.0, 12.0
#: more columns than that cannot be told apart
_COLUMNS = 2000
_TIME_STEPS_S = (
    1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 21600, 43200, 86400,
)  # fmt: skip
_STYLE = (
    "text{font-family:Helvetica,Arial,sans-serif;fill:#222;font-size:3px}"
    ".h{font-size:4px;font-weight:600}"
    "path.t{fill:none;stroke:#111;stroke-width:.25px;stroke-linejoin:round}"
    "path.g{fill:none;stroke:#e3c6c6;stroke-width:.2px}"
)


def tachogram_points(
    record: Record,
) -> tuple[Float[np.ndarray, " beat"], Float[np.ndarray, " beat"]]:
    """Return when each interval ends, seconds, and its length, ms; NaN where it is unknown.

    Raises
    ------
    LeadError
        If the record holds fewer than two beats.

    Examples
    --------
    >>> from precordia.core.record import Annotations, Carried
    >>> marks = Annotations(sample=np.array([0, 800]), symbol=("N", "N"))
    >>> tachogram_points(Record(signal=np.zeros((0, 801)), fs=1000, leads=(),
    ...     carried=Carried(annotations=marks)))
    (array([0.8]), array([800.]))
    """
    beats = carried_beats(record)
    if not np.isfinite(beats.rr_ms).any():
        raise LeadError(
            "the record has no lead and fewer than two beats, so there is nothing to draw. Read "
            "the file that holds its signal."
        )
    return beats.sample[1:] / record.fs, beats.rr_ms[1:]


def tachogram_svg(record: Record, *, title: str = "", subtitle: str = "") -> str:
    """Draw RR intervals over time.

    Parameters
    ----------
    record
        A record that carries beats.
    title, subtitle
        Text above. Nothing of the patient is printed unless it is put here.

    Returns
    -------
    One self-contained SVG document.

    Raises
    ------
    LeadError
        If the record holds fewer than two beats.

    Notes
    -----
    Where beats lie closer than the eye can tell, the line runs through the shortest and longest
    interval of each column, so that none is lost.
    """
    time_s, rr_ms = tachogram_points(record)
    end_s = max(float(time_s[-1]), 1.0)
    low, high, step = _range(rr_ms)
    wide, tall = _WIDTH_MM - _LEFT_MM - _RIGHT_MM, _HEIGHT_MM - _TOP_MM - _BOTTOM_MM
    floor = _HEIGHT_MM - _BOTTOM_MM

    def x(at: float) -> float:
        return _LEFT_MM + wide * at / end_s

    def y(length: float) -> float:
        return floor - tall * (length - low) / (high - low)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH_MM:g}mm" '
        f'height="{_HEIGHT_MM:g}mm" viewBox="0 0 {_WIDTH_MM:g} {_HEIGHT_MM:g}" role="img" '
        'aria-label="tachogram: RR intervals over time">',
        f"<style>{_STYLE}</style>",
        f'<rect width="{_WIDTH_MM:g}" height="{_HEIGHT_MM:g}" fill="#fff"/>',
        f'<text class="h" x="{_LEFT_MM:g}" y="6">{escape(title)}</text>',
        f'<text x="{_LEFT_MM:g}" y="10.5">{escape(subtitle or _caption(rr_ms))}</text>',
    ]
    for level in np.arange(low, high + step / 2, step).tolist():
        parts.append(
            f'<path class="g" d="M{_LEFT_MM:g} {y(level):.2f}H{_WIDTH_MM - _RIGHT_MM:g}"/>'
            f'<text x="{_LEFT_MM - 1.5:g}" y="{y(level) + 1:.2f}" text-anchor="end">'
            f"{level:.0f}</text>"
        )
    tick = next((t for t in _TIME_STEPS_S if end_s / t <= 12), 172800)
    for at in range(0, int(end_s) + 1, tick):
        parts.append(
            f'<path class="g" d="M{x(at):.2f} {_TOP_MM:g}V{floor:g}"/>'
            f'<text x="{x(at):.2f}" y="{floor + 4.5:g}" text-anchor="middle">'
            f"{_clock(at)}</text>"
        )
    points = _thinned(time_s, rr_ms, end_s)
    path = " ".join(
        f"{'L' if joined else 'M'}{x(at):.2f} {y(length):.2f}" for at, length, joined in points
    )
    parts.append(f'<path class="t" d="{path}"/>')
    parts.append(f'<text x="3" y="{_TOP_MM - 1.5:g}">ms</text></svg>')
    return "".join(parts)


def save_tachogram(record: Record, path: Path, *, kind: str, dpi: float) -> None:
    """Draw RR intervals over time as PNG or PDF.

    Parameters
    ----------
    record
        A record that carries beats.
    path
        Where to write.
    kind
        ``"png"`` or ``"pdf"``.
    dpi
        Dots per inch.
    """
    from matplotlib.figure import Figure

    time_s, rr_ms = tachogram_points(record)
    figure = Figure(figsize=(_WIDTH_MM / 25.4, _HEIGHT_MM / 25.4), dpi=dpi, layout="constrained")
    axes = figure.add_subplot()
    axes.plot(time_s, rr_ms, color="#111", linewidth=0.6)
    low, high, _ = _range(rr_ms)
    axes.set_ylim(low, high)
    axes.set_xlabel("s")
    axes.set_ylabel("RR, ms")
    axes.set_title(_caption(rr_ms), fontsize=8)
    axes.grid(color="#e3c6c6", linewidth=0.5)
    metadata = {"Title": "tachogram"}
    if kind == "pdf":
        metadata["CreationDate"] = None  # type: ignore[assignment]
    figure.savefig(path, format=kind, dpi=dpi, metadata=metadata)


def _caption(rr_ms: np.ndarray) -> str:
    known = rr_ms[np.isfinite(rr_ms)]
    return (
        f"RR intervals, ms: {known.size} of them, median {np.median(known):.0f}, "
        f"{known.min():.0f} to {known.max():.0f}"
    )


def _range(rr_ms: np.ndarray) -> tuple[float, float, float]:
    """Return the lowest and highest level of the axis, and the step between its lines."""
    low, high = float(np.nanmin(rr_ms)), float(np.nanmax(rr_ms))
    rough = max(high - low, 100.0) / 6
    scale = 10.0 ** np.floor(np.log10(rough))
    step = float(next(n * scale for n in (1, 2, 5, 10) if n * scale >= rough))
    bottom = np.floor(low / step) * step
    return float(bottom), float(max(np.ceil(high / step) * step, bottom + step)), step


def _thinned(
    time_s: np.ndarray, rr_ms: np.ndarray, end_s: float
) -> list[tuple[float, float, bool]]:
    """Return points to draw and whether a line leads to each."""
    if rr_ms.size <= 2 * _COLUMNS:
        known = np.isfinite(rr_ms)
        joined = known & np.roll(known, 1)
        joined[0] = False
        return [
            (float(at), float(length), bool(line))
            for at, length, line, kept in zip(time_s, rr_ms, joined, known, strict=True)
            if kept
        ]
    column = np.minimum((time_s / end_s * _COLUMNS).astype(np.int64), _COLUMNS - 1)
    points: list[tuple[float, float, bool]] = []
    edges = np.flatnonzero(np.diff(column, prepend=-1))
    gap = True
    for first, last in zip(edges, [*edges[1:], rr_ms.size], strict=True):
        inside = rr_ms[first:last]
        known = inside[np.isfinite(inside)]
        if not known.size:
            gap = True
            continue
        at = float(time_s[first])
        points.append((at, float(known.min()), not gap))
        points.append((at, float(known.max()), True))
        gap = bool(np.isnan(inside[-1]))
    return points


def _clock(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
