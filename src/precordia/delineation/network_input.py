# SPDX-License-Identifier: Apache-2.0
"""What the delineation network sees: 250 Hz, no baseline, each lead scaled by its own size."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

RATE_HZ = 250.0
#: below this peak-to-peak range, mV, a lead counts as flat
FLAT_MV = 0.005
_BASELINE_S = 1.2
_BLOCK_S = 0.4


def network_input(
    signal: Float[np.ndarray, "lead sample"], fs: float
) -> tuple[Float[np.ndarray, "channel _ _"], Bool[np.ndarray, " lead"]]:
    """Prepare a signal for the network.

    Parameters
    ----------
    signal
        Potential in millivolts; NaN where nothing was recorded.
    fs
        Sampling rate in hertz.

    Returns
    -------
    The two channels of the living leads at 250 Hz (linear and companded), and which leads live. A
    lead is dead where it is all NaN, or flat.

    Notes
    -----
    No step delays the signal: gaps are bridged by straight lines, smoothing before decimation is
    a symmetric triangle, resampling is a cubic (Catmull-Rom) read at the exact instants ``k /
    250`` s, the baseline is a centred moving mean (1.2 s) taken twice. The scale is the median
    over overlapping 1.6 s stretches of the peak-to-peak range, not less than a fifth of the
    median over leads, so that a silent lead is not blown up to noise.

    Examples
    --------
    >>> t = np.arange(2000) / 500
    >>> wave = np.sin(2 * np.pi * 5 * t).astype(np.float32)
    >>> x, alive = network_input(np.stack([wave, 0 * wave]), 500.0)
    >>> x.shape, alive.tolist()
    ((2, 1, 1000), [True, False])
    """
    x = np.asarray(signal, np.float32)
    x, missing = _bridged(x)
    alive = np.ones(len(x), bool) if missing is None else ~missing.all(1)
    alive &= x.shape[1] > 0 and x.max(1) - x.min(1) > FLAT_MV
    x = resampled(x if alive.all() else x[alive], fs)
    if x.size == 0:
        return np.zeros((2, 0, x.shape[1]), np.float32), alive
    x = without_baseline(x)
    if missing is not None:
        at = np.minimum(
            (np.arange(x.shape[1]) * fs / RATE_HZ + 0.5).astype(int), missing.shape[1] - 1
        )
        x[missing[alive][:, at]] = 0.0
    return companded(x / lead_scale(x)), alive


def _bridged(x: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    missing = ~np.isfinite(x)
    if not missing.any():
        return x, None
    x = x.copy()
    t = np.arange(x.shape[1])
    for row, gap in zip(x, missing, strict=True):
        row[gap] = 0.0 if gap.all() else np.interp(t[gap], t[~gap], row[~gap])
    return x, missing


def resampled(x: Float[np.ndarray, "lead sample"], fs: float) -> Float[np.ndarray, "lead _"]:
    """Read the signal at the instants k / 250 s; sample 0 stays sample 0."""
    step = fs / RATE_HZ
    reach = round(step)
    if reach >= 2:
        pad = np.pad(x, ((0, 0), (reach - 1, reach - 1)), mode="edge")
        n, every = x.shape[1], reach if step == reach else 1
        x = sum(
            np.float32((reach - abs(k)) / reach**2)
            * pad[:, k + reach - 1 : k + reach - 1 + n : every]
            for k in range(1 - reach, reach)
        )
    if step == reach:
        return np.ascontiguousarray(x)
    t = np.arange(int(np.floor((x.shape[1] - 1) / step)) + 1) * step
    i = t.astype(np.int64)
    f = (t - i).astype(np.float32)
    pad = np.pad(x, ((0, 0), (1, 2)), mode="edge")
    a, b, c, d = (np.take(pad, i + k, axis=1) for k in range(4))
    return b + 0.5 * f * (c - a + f * (2 * a - 5 * b + 4 * c - d + f * (3 * (b - c) + d - a)))


def without_baseline(x: Float[np.ndarray, "lead sample"]) -> Float[np.ndarray, "lead sample"]:
    """Take off a centred moving mean, twice smoothed."""
    return x - _moving_mean(_moving_mean(x))


def _moving_mean(x: np.ndarray) -> np.ndarray:
    n = x.shape[1]
    half = int(_BASELINE_S * RATE_HZ / 2)
    total = np.zeros((len(x), n + 1))
    np.cumsum(x, axis=1, out=total[:, 1:])
    out = np.empty((len(x), n), np.float32)
    k = np.concatenate([np.arange(min(half, n)), np.arange(max(n - half, half), n)])
    reach = np.minimum(half, np.minimum(k, n - 1 - k))  # stays centred near the ends
    reach = np.maximum(reach, min(half // 2, (n - 1) // 2))
    low, high = np.maximum(k - reach, 0), np.minimum(k + reach + 1, n)
    out[:, k] = (total[:, high] - total[:, low]) / (high - low)
    if n > 2 * half:
        width = 2 * half + 1
        np.subtract(total[:, width:], total[:, :-width], out=total[:, width:])
        out[:, half : n - half] = total[:, width:] * (1 / width)
    return out


def lead_scale(x: Float[np.ndarray, "lead sample"]) -> Float[np.ndarray, "lead 1"]:
    """Find the usual peak-to-peak range of each lead."""
    block = int(_BLOCK_S * RATE_HZ)
    n = max(x.shape[1] // block, 1)
    cut = x[:, : n * block].reshape(len(x), n, -1)
    high, low = cut.max(2), cut.min(2)
    m = max(n - 3, 1)
    high = np.max([high[:, k : k + m] for k in range(min(4, n))], axis=0)
    low = np.min([low[:, k : k + m] for k in range(min(4, n))], axis=0)
    size = np.median(high - low, axis=1)
    return np.maximum(np.maximum(size, 0.2 * np.median(size)), FLAT_MV)[:, None].astype(np.float32)


def companded(x: Float[np.ndarray, "lead sample"]) -> Float[np.ndarray, "channel lead sample"]:
    """Stack the scaled signal and its inverse hyperbolic sine, which lifts small waves."""
    return np.stack([1.5 * np.clip(x, -4, 4), np.arcsinh(15 * x) / 1.5])
