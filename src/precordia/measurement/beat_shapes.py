# SPDX-License-Identifier: Apache-2.0
"""Which QRS complexes look alike: templates found by correlation over all leads."""

from math import isfinite

import numpy as np
from jaxtyping import Float, Int

from precordia.measurement.beat_windows import beat_windows

ALIKE = 0.85
MAX_SHAPES = 8
_SEEDS, _CHUNK = 300, 4096
_BEFORE_MS, _AFTER_MS, _LAG_MS, _STEP_MS = 90.0, 110.0, 16.0, 4.0


def beat_shapes(
    signal: Float[np.ndarray, "lead sample"], r_peak: Float[np.ndarray, " beat"], fs: float
) -> tuple[Int[np.ndarray, " beat"], Float[np.ndarray, "_ beat"]]:
    """Group QRS complexes by shape.

    Parameters
    ----------
    signal
        Potential, mV.
    r_peak
        Position of each beat, samples.
    fs
        Sampling rate, Hz.

    Returns
    -------
    tuple
        Number of the shape of each beat (-1 where it is like none), and the correlation of each
        beat with each shape. Shapes are numbered in the order found, roughly by their frequency.

    Notes
    -----
    The stretch from 90 ms before to 110 ms after the R-peak, at about 250 Hz, every lead less its
    mean, all leads in one vector: correlation then weighs leads by their size. The beat that most
    others are like (0.85) seeds a shape; the mean of its likes is the template; a beat belongs to
    the template that it fits best, over lags of 16 ms. At most 300 beats at a time, evenly chosen,
    are compared for seeds.

    Examples
    --------
    >>> x = np.zeros((1, 2000))
    >>> for k, r in enumerate(range(200, 2000, 300)):
    ...     x[0, r - 10 : r + 11] = np.hanning(21) * (-1 if k == 3 else 1)
    >>> beat_shapes(x, np.arange(200.0, 2000, 300), 500.0)[0]
    array([0, 0, 0, 1, 0, 0])
    """
    n = r_peak.size
    shape = np.full(n, -1, dtype=np.int64)
    fits: list[np.ndarray] = []
    if n == 0 or signal.shape[1] == 0:
        return shape, np.zeros((0, n))
    step = max(1, round(_STEP_MS * fs / 1000))
    lag = max(1, round(_LAG_MS * fs / 1000 / step))
    before = round(_BEFORE_MS * fs / 1000 / step)
    width = before + round(_AFTER_MS * fs / 1000 / step)
    starts = np.round(r_peak).astype(np.int64) - (before + lag) * step
    reach = (width + 2 * lag) * step

    def cut(rows: np.ndarray) -> np.ndarray:
        windows = beat_windows(signal, starts[rows], reach)[:, :, ::step]
        # A constant part would drown the shape in rounding; gaps count as nothing.
        windows = windows - windows.mean(axis=2, keepdims=True)
        return windows if isfinite(float(windows.sum())) else np.nan_to_num(windows)

    best = np.full(n, -1.0)
    best_alone = np.full(n, -1.0)
    every = cut(np.arange(n)) if n <= _CHUNK else None
    for k in range(MAX_SHAPES):
        left = np.flatnonzero(best < ALIKE)
        if not left.size:
            break
        if left.size > _SEEDS:
            left = left[np.linspace(0, left.size - 1, _SEEDS).astype(np.int64)]
        seen = every[:, left] if every is not None else cut(left)
        template = _template(seen[:, :, lag : lag + width])
        if every is not None:
            fit = _fit(every, template)
        else:
            pieces = [np.arange(a, min(a + _CHUNK, n)) for a in range(0, n, _CHUNK)]
            fit = np.concatenate([_fit(cut(rows), template) for rows in pieces])
        fits.append(fit)
        better = fit > best_alone
        best_alone = np.maximum(best_alone, fit)
        shape[better & (fit >= ALIKE)] = k
        grown = np.maximum(best, fit)
        if np.count_nonzero(grown >= ALIKE) == np.count_nonzero(best >= ALIKE):
            break
        best = grown
    return shape, np.array(fits)


def _template(windows: np.ndarray) -> np.ndarray:
    x = windows - windows.mean(axis=2, keepdims=True)
    flat = x.transpose(1, 0, 2).reshape(x.shape[1], -1)
    norm = np.sqrt((flat**2).sum(axis=1))
    unit = flat / np.where(norm > 0, norm, 1.0)[:, None]
    alike = (unit @ unit.T) >= ALIKE
    members = alike[alike.sum(axis=1).argmax()]
    if not members.any():
        members = np.ones(len(unit), dtype=bool)
    return flat[members].mean(axis=0).reshape(x.shape[0], x.shape[2])


def _fit(windows: np.ndarray, template: np.ndarray) -> np.ndarray:
    """Best correlation over lags of each beat with the template."""
    width = template.shape[1]
    placed = np.lib.stride_tricks.sliding_window_view(windows, width, axis=2)
    above = np.einsum("lbkw,lw->bk", placed, template, optimize=False)
    sums = placed.sum(axis=3)
    energy = np.einsum("lbkw,lbkw->bk", placed, placed, optimize=False)
    energy -= (sums**2).sum(axis=0) / width
    below = np.sqrt(np.maximum(energy, 0.0) * float((template**2).sum()))
    return np.divide(above, below, out=np.zeros_like(below), where=below > 1e-6).max(axis=1)
