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
    largest correlation that is a local maximum counts, in the best of the leads that show
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
    slow = slow[slow[:, free].std(axis=1) >= _SMALLEST_MV] if free.any() else slow[:0]
    if not len(slow) or np.count_nonzero(free) < 2 * lags[-1]:
        return math.nan, 0.0
    seen = free.astype(np.float64)
    slow = slow * seen
    values = np.stack([_correlation(slow, seen, lag) for lag in lags], axis=1)
    inner = values[:, 1:-1]
    tops = np.where((inner >= values[:, :-2]) & (inner >= values[:, 2:]), inner, -np.inf)
    row, top = np.unravel_index(tops.argmax(), tops.shape)
    if not np.isfinite(tops[row, top]):
        return math.nan, 0.0
    return 1000.0 * lags[int(top) + 1] / fs, float(tops[row, top])


def _correlation(x: np.ndarray, seen: np.ndarray, lag: int) -> np.ndarray:
    """Correlate each row with itself ``lag`` samples later, where neither sample is masked.

    ``x`` is zero where it is masked and ``seen`` is 1 elsewhere, so that sums need no selection.
    """
    later, now, u, v = x[:, lag:], x[:, :-lag], seen[:-lag], seen[lag:]
    n = float(u @ v)
    if n < 25:
        return np.zeros(len(x))
    a, b = later @ u, now @ v
    together = np.einsum("ij,ij->i", later, now) - a * b / n
    size = ((later**2) @ u - a * a / n) * ((now**2) @ v - b * b / n)
    return together / np.sqrt(np.maximum(size, 1e-12))


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
