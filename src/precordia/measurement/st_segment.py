# SPDX-License-Identifier: Apache-2.0
"""The ST segment: its level at fixed times after the J point, and its slope."""

import numpy as np
from jaxtyping import Float

AFTER_J_MS = (0, 20, 40, 60, 80)


def measure_st(
    signal: Float[np.ndarray, "lead sample"],
    qrs_onset: float,
    j_point: float,
    fs: float,
    *,
    after_j_ms: tuple[int, ...] = AFTER_J_MS,
) -> Float[np.ndarray, "lead fiducial"]:
    """Measure the deviation of the ST segment in every lead.

    Parameters
    ----------
    signal
        One beat, mV.
    qrs_onset
        Global onset of the QRS complex, samples.
    j_point
        Global end of the QRS complex, samples.
    fs
        Sampling rate, Hz.
    after_j_ms
        Times after the J point.

    Returns
    -------
    Float[np.ndarray, "lead fiducial"]
        ST deviation, mV; NaN where a position is absent or outside the beat.

    Notes
    -----
    The reference is the mean of the 16 ms that end 4 ms before the QRS onset (the end of the PR
    segment). Each value is the mean of 8 ms around its time (the single sample at low sampling
    rates).

    Examples
    --------
    >>> beat = np.concatenate([np.zeros(50), np.ones(50), np.full(100, 0.2)])[None]
    >>> measure_st(beat, 50.0, 100.0, 500.0, after_j_ms=(60,)).round(3)
    array([[0.2]])
    """
    out = np.full((signal.shape[0], len(after_j_ms)), np.nan)
    if not (np.isfinite(qrs_onset) and np.isfinite(j_point)):
        return out
    level = isoelectric_level(signal, qrs_onset, fs)
    half = int(0.004 * fs)
    for k, ms in enumerate(after_j_ms):
        at = round(j_point + ms * fs / 1000.0)
        if half <= at < signal.shape[1] - half:
            # At J itself the mean must not reach back into the QRS complex.
            first = at if ms == 0 else at - half
            out[:, k] = signal[:, first : at + half + 1].mean(axis=1) - level
    return out


def isoelectric_level(
    signal: Float[np.ndarray, "lead sample"], qrs_onset: float, fs: float
) -> Float[np.ndarray, " lead"]:
    """Find the level of each lead at the end of the PR segment.

    Parameters
    ----------
    signal
        One beat, mV.
    qrs_onset
        Onset of the QRS complex, samples.
    fs
        Sampling rate, Hz.

    Returns
    -------
    Float[np.ndarray, " lead"]
        Mean over the 16 ms that end 4 ms before the onset, mV; NaN where that lies outside.

    Examples
    --------
    >>> isoelectric_level(np.ones((1, 100)), 50.0, 500.0)
    array([1.])
    """
    stop = round(qrs_onset) - round(0.004 * fs)
    start = stop - max(1, round(0.016 * fs))
    if not 0 <= start < stop <= signal.shape[1]:
        return np.full(signal.shape[0], np.nan)
    return signal[:, start:stop].mean(axis=1)
