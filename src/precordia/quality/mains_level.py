# SPDX-License-Identifier: Apache-2.0
"""Level of 50 or 60 Hz interference, fast enough for a catalogue of recordings."""

from __future__ import annotations

import functools

import numpy as np
from jaxtyping import Float

_CANDIDATES_HZ = (50.0, 60.0)
_AWAY_HZ = (-3.0, 0.0, 3.0)
_SEGMENT_S = 2.0


def measure_mains(
    signal: Float[np.ndarray, "lead sample"], fs: float
) -> tuple[float, Float[np.ndarray, " lead"]]:
    """Measure the amplitude of the power line in each lead.

    Parameters
    ----------
    signal
        Millivolt, finite.
    fs
        Sampling rate, Hz.

    Returns
    -------
    Frequency in Hz (NaN where the rate or length does not allow to tell) and amplitude (half of
    peak to peak) per lead in uV; 0 where no line stands out of its neighbourhood.

    Notes
    -----
    Fourier coefficients at 50 and 60 Hz, and 3 Hz to either side, under a Hann window of 2 s whose
    main lobe (2 Hz wide) bears the deviation of real power lines. The median over the windows is
    taken; what the neighbours hold (QRS, muscle) is subtracted as power. `signal.detect_mains`
    is the finer and five times slower estimate.

    Examples
    --------
    >>> hum = 0.1 * np.sin(2 * np.pi * 50 * np.arange(5000) / 500)
    >>> hz, level = measure_mains(hum[None], 500)
    >>> hz, level.round().tolist()
    (50.0, [100.0])
    """
    n_leads, n_samples = signal.shape
    length = min(int(_SEGMENT_S * fs), n_samples)
    lines = tuple(f for f in _CANDIDATES_HZ if f + 3.5 < fs / 2)
    if length < fs or not lines:
        return float("nan"), np.zeros(n_leads)
    n_segments = n_samples // length
    basis = _basis(length, float(fs), lines)
    cut = signal[:, : n_segments * length].reshape(-1, length).astype(np.float32, copy=False)
    part = (cut @ basis).reshape(n_leads, n_segments, len(lines), 3, 2)
    power = np.median((part**2).sum(axis=-1), axis=1)
    excess = power[:, :, 1] - power[:, :, 0::2].mean(axis=-1)
    excess = np.where(power[:, :, 1] > 3.0 * power[:, :, 0::2].mean(axis=-1), excess, 0.0)
    best = int(np.argmax(np.median(excess, axis=0) + excess.mean(axis=0)))
    return lines[best], 1e3 * np.sqrt(excess[:, best])


@functools.lru_cache(maxsize=8)
def _basis(length: int, fs: float, lines: tuple[float, ...]) -> np.ndarray:
    window = np.hanning(length + 2)[1:-1]
    hz = (np.array(lines)[:, None] + np.array(_AWAY_HZ)).ravel()
    phase = 2 * np.pi * hz * np.arange(length)[:, None] / fs
    pair = np.stack([np.cos(phase), np.sin(phase)], axis=-1) * window[:, None, None]
    return (2.0 * pair / window.sum()).reshape(length, -1).astype(np.float32)
