# SPDX-License-Identifier: Apache-2.0
"""Whether something regular and fast goes on between the QRS complexes."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from precordia.core.fiducials import Fiducials
from precordia.core.record import Record

SHORTEST_MS, LONGEST_MS = 160.0, 300.0
_LEADS = ("II", "III", "aVF", "V1", "V2")
_STEP_MS, _SECONDS, _SMALLEST_MV = 8.0, 20.0, 0.02


def atrial_cycle(
    record: Record, fiducials: Fiducials, usable: Callable[[str], bool]
) -> tuple[float, float]:
    """Find the cycle of atrial activity between the QRS complexes, as flutter has one.

    Parameters
    ----------
    record, fiducials
        The recording with its waves; only QRS bounds are used.
    usable
        Tells whether a lead can be trusted.

    Returns
    -------
    The cycle in ms and the correlation of the activity with itself one cycle later; NaN and 0
    where there is none.

    Notes
    -----
    The signal at steps of 8 ms loses a moving average of 320 ms, and QRS complexes are masked. The
    correlation at a lag uses only pairs of samples of which neither is masked. The lag with the
    largest correlation that is a local maximum counts, in the better of two leads that show
    activity of at least 0.02 mV. Only the first 20 s are looked at.

    Examples
    --------
    >>> from precordia.generation.simulate import simulate
    >>> flutter = simulate("atrial-flutter-4-1")
    >>> cycle_ms, likeness = atrial_cycle(flutter, flutter.carried.fiducials, lambda lead: True)
    >>> 190 < cycle_ms < 215, likeness > 0.6
    (True, True)
    """
    step = max(1, round(_STEP_MS * record.fs / 1000.0))
    stop = min(record.n_samples, round(_SECONDS * record.fs)) // step * step
    rows = [record.leads.index(n) for n in _LEADS if n in record.leads and usable(n)]
    if not rows and record.n_leads <= 2:
        rows = [k for k, name in enumerate(record.leads) if usable(name)]
    fs = record.fs / step
    lags = range(round(SHORTEST_MS * fs / 1000.0) - 1, round(LONGEST_MS * fs / 1000.0) + 2)
    if not rows or stop < 4 * step * lags[-1]:
        return math.nan, 0.0
    slow = record.signal[rows, :stop].reshape(len(rows), -1, step).mean(axis=2)
    slow = np.nan_to_num(slow).astype(np.float64)
    slow -= _moving_mean(slow, max(3, round(0.32 * fs) | 1))
    free = ~_masked(fiducials, slow.shape[1], fs / fiducials.fs, fs)
    best = (math.nan, 0.0)
    found: list[tuple[float, float]] = []
    for x in slow:
        if np.count_nonzero(free) < 2 * lags[-1] or x[free].std() < _SMALLEST_MV:
            continue
        values = np.array([_correlation(x, free, lag) for lag in lags])
        inner = values[1:-1]
        tops = np.flatnonzero((inner >= values[:-2]) & (inner >= values[2:]))
        if tops.size:
            top = tops[inner[tops].argmax()]
            found.append((1000.0 * lags[top + 1] / fs, float(inner[top])))
    if found:
        best = max(found, key=lambda f: f[1])
    return best


def _correlation(x: np.ndarray, free: np.ndarray, lag: int) -> float:
    both = free[lag:] & free[:-lag]
    if np.count_nonzero(both) < 25:
        return 0.0
    a, b = x[lag:][both], x[:-lag][both]
    a, b = a - a.mean(), b - b.mean()
    size = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / size if size > 0 else 0.0


def _moving_mean(x: np.ndarray, width: int) -> np.ndarray:
    half = width // 2
    total = np.cumsum(np.pad(x, ((0, 0), (half + 1, half)), mode="edge"), axis=1)
    return (total[:, width:] - total[:, :-width]) / width


def _masked(fiducials: Fiducials, n: int, scale: float, fs: float) -> np.ndarray:
    mask = np.zeros(n, dtype=bool)
    margin = 0.02 * fs
    for onset, offset in zip(fiducials.qrs_onset, fiducials.qrs_offset, strict=True):
        if math.isfinite(onset) and math.isfinite(offset):
            a, b = int(onset * scale - margin), int(offset * scale + margin) + 1
            mask[max(0, a) : max(0, b)] = True
    return mask
