# SPDX-License-Identifier: Apache-2.0
"""Intervals between beats and between P waves, and the rates that follow from them."""

import numpy as np
from jaxtyping import Bool, Float

GAP_MS = 300.0


def rr_intervals(
    r_peak: Float[np.ndarray, " beat"],
    fs: float,
    missing: Bool[np.ndarray, " sample"] | None = None,
) -> Float[np.ndarray, " beat"]:
    """Compute the RR interval that precedes each beat.

    Parameters
    ----------
    r_peak
        Rising positions of the beats, samples.
    fs
        Sampling rate, Hz.
    missing
        True where no lead was recorded. An interval over more than 300 ms of that is unknown, as a
        beat may hide in it.

    Returns
    -------
    Float[np.ndarray, " beat"]
        Interval in ms; NaN for the first beat and across gaps.

    Examples
    --------
    >>> rr_intervals(np.array([100.0, 500.0, 900.0]), 500.0)
    array([ nan, 800., 800.])
    """
    rr = np.full(r_peak.size, np.nan)
    if r_peak.size < 2:
        return rr
    rr[1:] = np.diff(r_peak) * 1000.0 / fs
    rr[rr <= 0] = np.nan
    if missing is not None and missing.any():
        lost = np.concatenate([[0], np.cumsum(missing)])
        at = np.clip(np.round(r_peak).astype(np.int64), 0, missing.size)
        rr[1:][np.diff(lost[at]) * 1000.0 / fs > GAP_MS] = np.nan
    return rr


def atrial_rate_bpm(
    p_peak: Float[np.ndarray, " beat"], fs: float, *, min_share: float = 0.5
) -> float:
    """Compute the rate of the P waves.

    Parameters
    ----------
    p_peak
        P peak of every cycle, blocked P waves among them; NaN where there is none.
    fs
        Sampling rate, Hz.
    min_share
        Share of cycles that must show a P wave.

    Returns
    -------
    float
        Beats per minute from the median PP interval of neighbouring cycles; NaN where fewer than
        two neighbouring P waves are there.

    Examples
    --------
    >>> atrial_rate_bpm(np.array([100.0, 600.0, 1100.0]), 500.0)
    60.0
    """
    known = np.isfinite(p_peak)
    if np.count_nonzero(known) < max(2, min_share * p_peak.size):
        return float("nan")
    pp = np.diff(p_peak)
    pp = pp[np.isfinite(pp) & (pp > 0)]
    return float(60.0 * fs / np.median(pp)) if pp.size else float("nan")
