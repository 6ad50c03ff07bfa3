# SPDX-License-Identifier: Apache-2.0
"""The same stretch of signal around every beat, aligned and free of baseline wander."""

import functools
from math import isfinite

import numpy as np
from jaxtyping import Float, Int

_FEW = 24


def beat_windows(
    signal: Float[np.ndarray, "lead sample"], starts: Int[np.ndarray, " beat"], length: int
) -> Float[np.ndarray, "lead beat window"]:
    """Cut windows of one length out of a signal.

    Parameters
    ----------
    signal
        Any signal.
    starts
        First sample of each window; may lie outside the signal.
    length
        Samples in a window.

    Returns
    -------
    Float[np.ndarray, "lead beat window"]
        The windows, NaN where they reach beyond the signal.

    Examples
    --------
    >>> beat_windows(np.arange(6.0)[None], np.array([-1, 2]), 3)[0]
    array([[nan,  0.,  1.],
           [ 2.,  3.,  4.]])
    """
    n = signal.shape[1]
    at = starts[:, None] + np.arange(length)
    if starts.size and starts.min() >= 0 and starts.max() + length <= n:
        return signal[:, at]
    out = signal[:, np.clip(at, 0, max(n - 1, 0))] if n else np.zeros((len(signal), *at.shape))
    out[:, (at < 0) | (at >= n)] = np.nan
    return out


def align_beats(
    signal: Float[np.ndarray, "lead sample"],
    anchors: Int[np.ndarray, " beat"],
    fs: float,
    *,
    before_ms: float = 80.0,
    after_ms: float = 80.0,
    lag_ms: float = 24.0,
) -> Int[np.ndarray, " beat"]:
    """Move anchors so that the QRS complexes around them coincide.

    Parameters
    ----------
    signal
        Potential, mV; NaN counts as nothing.
    anchors
        One sample per beat, such as the R-peak.
    fs
        Sampling rate, Hz.
    before_ms, after_ms
        Stretch around the anchor that is compared.
    lag_ms
        Largest move.

    Returns
    -------
    Int[np.ndarray, " beat"]
        The moved anchors.

    Notes
    -----
    Cross-correlation of the slope (first difference, which is nearly free of baseline and of the
    T wave) with its median over beats, summed over leads; two rounds.

    Examples
    --------
    >>> trace = np.zeros((1, 900))
    >>> for r in (200, 403, 600):
    ...     trace[0, r - 5 : r + 6] = 1 - np.abs(np.arange(-5, 6)) / 5
    >>> np.diff(align_beats(trace, np.array([200, 400, 600]), 500.0))
    array([203, 197])
    """
    before, after, lag = (max(1, round(ms * fs / 1000)) for ms in (before_ms, after_ms, lag_ms))
    width = before + after
    moved = np.asarray(anchors, dtype=np.int64)
    if moved.size < 2:
        return moved
    seen = beat_windows(signal, moved - before - lag, width + 2 * lag + 1)
    slope = np.diff(seen, axis=2)
    if not isfinite(float(slope.sum())):
        slope = np.nan_to_num(slope)
    shift = np.zeros(moved.size, dtype=np.int64)
    # (lead, beat, lag, window): every placement of the comparison window.
    placed = np.lib.stride_tricks.sliding_window_view(slope, width, axis=2)
    rows = np.arange(moved.size)
    for _ in range(2):
        template = median_over_beats(placed[:, rows, lag + shift])
        match = np.einsum("lbkw,lw->bk", placed, template, optimize=False)
        shift = match.argmax(axis=1) - lag
    return moved + shift - int(np.round(np.median(shift)))


def median_over_beats(
    windows: Float[np.ndarray, "lead beat window"],
) -> Float[np.ndarray, "lead window"]:
    """Take the median beat of aligned windows, NaN left out.

    Parameters
    ----------
    windows
        Aligned windows.

    Returns
    -------
    Float[np.ndarray, "lead window"]
        Median over beats; NaN where no beat has a value.

    References
    ----------
    Batcher KE. Sorting networks and their applications. AFIPS Spring Joint Computer Conference
    1968:307-314. doi:10.1145/1468075.1468121 (used for up to 24 beats)

    Examples
    --------
    >>> median_over_beats(np.array([[[1.0, 2.0], [3.0, np.nan], [9.0, 4.0]]]))
    array([[3., 3.]])
    """
    n_beats = windows.shape[1]
    if n_beats == 0:
        return np.full((windows.shape[0], windows.shape[2]), np.nan)
    if n_beats <= _FEW and isfinite(float(windows.sum())):
        return _median_of_few(windows)
    # Sorting short rows is far quicker than np.median; NaN sort to the end.
    ordered = np.sort(windows.transpose(0, 2, 1), axis=-1)
    n = np.count_nonzero(~np.isnan(ordered), axis=-1)[..., None]
    low = np.take_along_axis(ordered, np.maximum(n - 1, 0) // 2, axis=-1)
    high = np.take_along_axis(ordered, np.minimum(n // 2, n_beats - 1), axis=-1)
    return ((low + high) / 2)[..., 0]


def _median_of_few(windows: np.ndarray) -> np.ndarray:
    """Sort whole beats against each other with a network of minima and maxima."""
    beats = [windows[:, k] for k in range(windows.shape[1])]
    for i, j in _sorting_network(len(beats)):
        beats[i], beats[j] = np.minimum(beats[i], beats[j]), np.maximum(beats[i], beats[j])
    return (beats[(len(beats) - 1) // 2] + beats[len(beats) // 2]) / 2


@functools.cache
def _sorting_network(n: int) -> tuple[tuple[int, int], ...]:
    """List the comparisons of Batcher's odd-even merge sort of n values."""
    pairs = []
    span = 1
    while span < n:
        step = span
        while step >= 1:
            for start in range(step % span, n - step, 2 * step):
                for i in range(start, min(start + step, n - step)):
                    if i // (2 * span) == (i + step) // (2 * span):
                        pairs.append((i, i + step))
            step //= 2
        span *= 2
    return tuple(pairs)


def remove_baseline(
    windows: Float[np.ndarray, "lead beat window"],
    starts: Int[np.ndarray, " beat"],
    knots: Float[np.ndarray, " fiducial"],
    levels: Float[np.ndarray, "lead fiducial"],
) -> Float[np.ndarray, "lead beat window"]:
    """Subtract the straight lines that join isoelectric points.

    Parameters
    ----------
    windows
        Windows as cut by ``beat_windows``.
    starts
        First sample of each window.
    knots
        Rising sample positions of the isoelectric points.
    levels
        Level of each lead there, mV.

    Returns
    -------
    Float[np.ndarray, "lead beat window"]
        Windows less the baseline; before the first and after the last knot it is level.

    Examples
    --------
    >>> ramp = np.arange(10.0)[None]
    >>> cut = beat_windows(ramp, np.array([2]), 4)
    >>> remove_baseline(cut, np.array([2]), np.array([0.0, 9.0]), np.array([[0.0, 9.0]]))
    array([[[0., 0., 0., 0.]]])
    """
    if knots.size == 0:
        return windows
    if knots.size == 1:
        return windows - levels[:, :, None]
    at = starts[:, None] + np.arange(windows.shape[2])
    left = np.clip(np.searchsorted(knots, at) - 1, 0, knots.size - 2)
    part = np.clip((at - knots[left]) / np.diff(knots)[left], 0.0, 1.0)
    levels = levels.astype(windows.dtype)
    rise = np.diff(levels, axis=1).take(left, axis=1)
    rise *= part.astype(windows.dtype)
    rise += levels.take(left, axis=1)
    return windows - rise
