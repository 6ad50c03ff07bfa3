# SPDX-License-Identifier: Apache-2.0
"""Beats cut out of a recording on a common clock, all leads in one scale."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

#: samples per second of the cuts
RATE_HZ = 125.0
#: samples before and after the R-peak, and how far a beat may be moved to fit another
BEFORE, AFTER, LAG = 60, 64, 5
WIDTH = BEFORE + AFTER
#: the P wave and the QRS complex in a cut
P = slice(BEFORE - 38, BEFORE - 6)
QRS = slice(BEFORE - 14, BEFORE + 20)
#: what is larger is no potential of a heart, whatever the unit: it counts as missing
LARGEST_MV = 1e5
_CHUNK = 4096
_LEAST = 1e-7


def cut_beats(
    signal: Float[np.ndarray, "lead sample"], fs: float, rpeaks: Int[np.ndarray, " beat"]
) -> Float[np.ndarray, "beat lead _"]:
    """Cut the beats out, 125 samples per second, from 0.52 s before to 0.55 s after R.

    Parameters
    ----------
    signal
        Potential, mV; NaN where missing.
    fs
        Sampling rate, Hz.
    rpeaks
        Sample index of each beat.

    Returns
    -------
    The cuts with a margin of `LAG` samples on either side. What is missing, or lies beyond the
    ends, is bridged by the nearest known value.

    Examples
    --------
    >>> cut_beats(np.ones((2, 5000)), 500.0, np.array([800, 4990])).shape
    (2, 2, 134)
    """
    step = fs / RATE_HZ
    offsets = (np.arange(WIDTH + 2 * LAG) - BEFORE - LAG) * step
    n = signal.shape[1]
    out = np.zeros((rpeaks.size, signal.shape[0], offsets.size), np.float32)
    if not n:
        return out
    for start in range(0, rpeaks.size, _CHUNK):
        some = rpeaks[start : start + _CHUNK]
        low = max(0, int(some.min() + offsets[0] - step) - 2)
        high = min(n, int(some.max() + offsets[-1] + step) + 3)
        smooth = _smooth(_bridged(signal[:, low:high]), round(step))
        place = np.clip(some[:, None] - low + offsets, 0, high - low - 1)
        whole = np.minimum(place.astype(np.int64), max(0, high - low - 2))
        part = (place - whole).astype(np.float32)
        after = np.minimum(whole + 1, high - low - 1)
        for lead, row in enumerate(smooth):
            here = row[whole]
            out[start : start + _CHUNK, lead] = here + part * (row[after] - here)
    return out


def _bridged(signal: np.ndarray) -> np.ndarray:
    x = np.array(signal, np.float32)
    if x.min(initial=0.0) > -LARGEST_MV and x.max(initial=0.0) < LARGEST_MV:
        return x
    x[~(np.abs(x) < LARGEST_MV)] = np.nan
    grid = np.arange(x.shape[1])
    for row in x:
        known = np.isfinite(row)
        row[~known] = np.interp(grid[~known], grid[known], row[known]) if known.any() else 0.0
    return x


def _smooth(x: np.ndarray, width: int) -> np.ndarray:
    """Average over ``width`` samples, so that nothing faster than the cuts' clock is left."""
    if width < 2 or x.shape[1] < width:
        return x
    half = width // 2
    padded = np.pad(x, ((0, 0), (half + 1, width - half - 1)), mode="edge")
    total = np.cumsum(padded, axis=1, dtype=np.float64)
    return ((total[:, width:] - total[:, :-width]) / width).astype(np.float32)


def in_one_scale(cuts: Float[np.ndarray, "beat lead sample"]) -> Float[np.ndarray, ...]:
    """Scale leads so that inner products over leads and time compare beats fairly.

    Parameters
    ----------
    cuts
        From `cut_beats`.

    Returns
    -------
    The cuts of the leads that show beats, each divided by its usual size and weighted by how well
    its beats repeat; no lead where none shows any. Gain, polarity and order of the leads no longer
    matter to an inner product.

    Examples
    --------
    >>> beat = np.zeros((4, 2, 134), np.float32)
    >>> beat[:, 0, 60:70] = np.hanning(10)
    >>> in_one_scale(beat).shape
    (4, 1, 134)
    >>> bool(np.allclose(in_one_scale(-5 * beat), -in_one_scale(beat)))
    True
    """
    if not cuts.shape[0]:
        return cuts
    few = cuts[:: max(1, len(cuts) // 400), :, LAG:-LAG][:, :, QRS]
    few = few - few.mean(axis=2, keepdims=True)
    size = np.median(few.std(axis=2), axis=0)
    seen = size > max(_LEAST, 1e-3 * float(size.max(initial=0.0)))
    if not seen.any():
        return cuts[:, :0]
    few, size = few[:, seen], size[seen]
    middle = np.median(few, axis=0)
    norm = np.sqrt((few**2).sum(axis=2) * (middle**2).sum(axis=1)) + _LEAST
    fit = np.median((few * middle).sum(axis=2) / norm, axis=0)
    weight = np.maximum(fit, 0.1) ** 2
    weight /= weight.sum()
    scale = (np.sqrt(weight) / size).astype(np.float32)
    return cuts[:, seen] * scale[:, None]
