# SPDX-License-Identifier: Apache-2.0
"""Waves of one lead, found as the program found them that ECG-QA's numbers were measured with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int, Shaped
from scipy import interpolate, ndimage, signal

#: rate of the recordings, and the finer one that waves are looked for at, Hz
FS = 500
_FINE_FS = 2000
_FINER = _FINE_FS // FS
_N_SCALES = 9
#: an R peak lies at least so far before T and after P, s
_HALF_QRS = 0.065

Fine = Float[np.ndarray, " sample"]


@dataclass(frozen=True, slots=True)
class LabelledWaves:
    """Samples (at 500 Hz) of the waves of one lead, by beat; NaN where one was not found."""

    r_peak: Int[np.ndarray, " beat"]
    p_onset: Float[np.ndarray, " beat"]
    p_offset: Float[np.ndarray, " beat"]
    qrs_onset: Float[np.ndarray, " beat"]
    q_peak: Float[np.ndarray, " beat"]
    s_peak: Float[np.ndarray, " beat"]
    t_offset: Float[np.ndarray, " beat"]


def waves_as_labelled(lead: Float[np.ndarray, " sample"]) -> LabelledWaves:
    """Find the waves of one lead with quadratic spline wavelets.

    Parameters
    ----------
    lead
        Potential at 500 Hz, mV. Millivolts matter: which extremum is P or T depends on them.

    Returns
    -------
    The waves; no beats where fewer than four R peaks were found in more than a second.

    Notes
    -----
    Not for clinical use: it repeats what the answers of ECG-QA were made with. Its authors' public
    code names NeuroKit2 with its defaults, the wavelet method that follows Martinez et al. This is
    a new implementation, compared with NeuroKit2 0.2.13 beat by beat in the tests. Departures from
    Martinez et al.: one zero crossing for P and T, chosen by height (mV) and distance (s) from
    where it is expected; the scale follows the heart rate; Q and S are the nearest extrema beside
    R of at least 5 % of the swing. Departures from NeuroKit2 0.2.13: the onset of QRS is looked
    for up to R, as in versions to 0.2.4, which the answers agree with, and not up to Q; a beat
    whose window leaves the recording has the waves that lie within it.

    References
    ----------
    Martinez JP et al. IEEE Trans Biomed Eng 2004;51:570-581. doi:10.1109/TBME.2003.821031
    Makowski D et al. Behav Res Methods 2021;53:1689-1696. doi:10.3758/s13428-020-01516-y

    Examples
    --------
    >>> len(waves_as_labelled(np.zeros(5000)).r_peak)
    0
    """
    cleaned = _without_drift_and_mains(lead) if len(lead) > FS else np.zeros(0)
    r_peak = _r_peaks(cleaned) if len(cleaned) else np.zeros(0, int)
    if len(r_peak) < 4:
        return LabelledWaves(r_peak[:0], *[np.zeros(0)] * 6)
    rr = np.diff(r_peak) / FS
    q_peak, s_peak = _q_and_s(cleaned, r_peak, rr)
    rate = 60.0 / float(np.median(np.concatenate([[rr.mean()], rr])))
    fine: Fine = np.asarray(ndimage.zoom(cleaned, _FINER), float)
    scales = _wavelet_scales(fine)
    scale = 2 + int(np.log2(_FINE_FS / 250 / (rate / 60.0)))
    slope = scales[scale]
    at_r = r_peak * _FINER
    p_peak = _p_peaks(fine, slope, at_r, rate).tolist()
    t_peak = _t_peaks(fine, scales[scale + 1], at_r, rate).tolist()
    reach = int(np.round(0.3 * 60.0 / rate, 3) * _FINE_FS)
    return LabelledWaves(
        r_peak=r_peak,
        p_onset=_coarse([_rise_starts(slope, p - reach, p, 0.4) for p in p_peak], cleaned),
        p_offset=_coarse([_fall_ends(slope, p, p + reach, 0.4) for p in p_peak], cleaned),
        qrs_onset=_coarse(
            [_rise_starts(-slope, p, r, 0.5) for p, r in zip(p_peak, at_r.tolist(), strict=True)],
            cleaned,
        ),
        q_peak=q_peak,
        s_peak=s_peak,
        t_offset=_coarse([_fall_ends(slope, t, t + reach, 0.4) for t in t_peak], cleaned),
    )


def _without_drift_and_mains(lead: Float[np.ndarray, " sample"]) -> Fine:
    high_pass = signal.butter(5, 0.5, "highpass", fs=FS, output="sos")
    steady = signal.sosfiltfilt(high_pass, lead)
    n = FS // 50  # one period of mains
    return signal.filtfilt(np.ones(n), [n], steady)


def _r_peaks(cleaned: Fine) -> Int[np.ndarray, " beat"]:
    """Return the most prominent maxima where the slope is steep."""
    steep = ndimage.uniform_filter1d(np.abs(np.gradient(cleaned)), FS // 10, mode="nearest")
    usual = ndimage.uniform_filter1d(steep, round(0.75 * FS), mode="nearest")
    within = steep > 1.5 * usual
    starts = np.flatnonzero(~within[:-1] & within[1:])
    ends = np.flatnonzero(within[:-1] & ~within[1:])
    if not len(starts):
        return np.zeros(0, int)
    ends = ends[ends > starts[0]]
    n = min(len(starts), len(ends))
    starts, ends = starts[:n], ends[:n]
    shortest = 0.4 * float(np.mean(ends - starts)) if n else 0.0
    peaks, last = [], 0
    for start, end in zip(starts, ends, strict=True):
        if end - start < shortest:
            continue
        maxima, seen = signal.find_peaks(cleaned[start:end], prominence=0.0)
        if len(maxima):
            peak = int(start + maxima[np.argmax(seen["prominences"])])
            if peak - last > 0.3 * FS:
                peaks.append(peak)
                last = peak
    return np.array(peaks, int)


def _q_and_s(
    cleaned: Fine, r_peak: Int[np.ndarray, " beat"], rr: Float[np.ndarray, " interval"]
) -> tuple[Float[np.ndarray, " beat"], Float[np.ndarray, " beat"]]:
    """Return the minima nearest to R on both sides."""
    period = interpolate.PchipInterpolator(r_peak, np.concatenate([[rr.mean()], rr]))
    every = np.clip(np.arange(len(cleaned)), r_peak[0], r_peak[-1])
    beat = FS / float(np.mean(1.0 / period(every)))
    before, after = math.ceil(0.35 * beat), math.floor(0.65 * beat)
    # a beat is cut at whole samples, but its clock runs from end to end of the uncut beat, so that
    # the sample of R may be the second one after 0: both waves are then told a sample late
    clock = np.linspace(-0.35, 0.65, before + after)
    late = int(clock[before - 1] > 0)
    q, s = [], []
    for r in r_peak:
        start = max(0, r - before)
        left = _minima(cleaned[start : r - late])
        right = _minima(cleaned[r - late : r + after])
        q.append(start + left[-1] + late if len(left) else np.nan)
        s.append(r + right[0] if len(right) else np.nan)
    return np.array(q, float), np.array(s, float)


def _minima(part: Fine) -> Int[np.ndarray, " minimum"]:
    if len(part) < 3:
        return np.zeros(0, int)
    return signal.find_peaks(-part, prominence=0.05 * np.ptp(part))[0]


def _wavelet_scales(fine: Fine) -> Float[np.ndarray, "scale sample"]:
    """Return the transform by quadratic spline wavelets, without decimation."""
    smooth, scales = fine, []
    for power in range(_N_SCALES):
        step = 2**power
        scales.append(2.0 * (_moved(smooth, step) - smooth))
        smooth = (
            _moved(smooth, step) + 3.0 * smooth + 3.0 * _moved(smooth, -step)
            + _moved(smooth, -2 * step)
        ) / 8.0  # fmt: skip
    return np.array(scales)


def _moved(values: Fine, n: int) -> Fine:
    """Return the values ``n`` samples later (of before, where negative); 0 beyond the ends."""
    moved = np.zeros_like(values)
    if n >= 0:
        moved[: len(values) - n] = values[n:]
    else:
        moved[-n:] = values[:n]
    return moved


def _p_peaks(
    fine: Fine, slope: Fine, at_r: Int[np.ndarray, " beat"], rate: float
) -> Float[np.ndarray, " beat"]:
    expected = np.round(0.2 * 60.0 / rate, 3)
    found = []
    for r in at_r.tolist():
        start, end = r - 2 * int(expected * _FINE_FS), r - int(_HALF_QRS * _FINE_FS)
        turns = _turns(slope, start, end, 0.02)
        heights = fine[turns + start] - np.abs(turns / _FINE_FS - expected)
        found.append(turns[np.argmax(heights)] + start if len(turns) else np.nan)
    return np.array(found, float)


def _t_peaks(
    fine: Fine, slope: Fine, at_r: Int[np.ndarray, " beat"], rate: float
) -> Float[np.ndarray, " beat"]:
    expected = np.round(0.25 * 60.0 / rate, 3)
    found = []
    for r in at_r.tolist():
        start, end = r + int(_HALF_QRS * _FINE_FS), r + 2 * int(expected * _FINE_FS)
        turns = _turns(slope, start, end, 0.25)
        heights = fine[turns + start] - turns / _FINE_FS
        found.append(turns[np.argmax(heights)] + start if len(turns) else np.nan)
    return np.array(found, float)


def _turns(slope: Fine, start: int, end: int, weight: float) -> Int[np.ndarray, " turn"]:
    """Return where a rise turns to a fall, counted from ``start``."""
    part = slope[max(0, start) : end] if start >= 0 else slope[:0]
    if not len(part):
        return np.zeros(0, int)
    steepest = np.abs(part)
    extrema = signal.find_peaks(steepest, height=weight * np.sqrt(np.mean(part**2)))[0]
    extrema = extrema[steepest[extrema] > 0.025 * part.max()]
    if part[0] > 0:
        extrema = np.concatenate([[0], extrema])
    turns = []
    for first, last in pairwise(extrema):
        if part[first] > 0 > part[last]:
            signs = np.sign(part[first : last + 1])
            turns.append(first + int(np.flatnonzero(np.diff(signs))[0]))
    return np.array(turns, int)


def _rise_starts(slope: Fine, start: float, end: float, share: float) -> float:
    """Return the last sample before the last rise at which it is still below a share of it."""
    if np.isnan(start) or np.isnan(end) or start < 0:
        return np.nan
    part = slope[int(start) : int(end)]
    rises = signal.find_peaks(part)[0]
    if not len(rises):
        return np.nan
    low = np.flatnonzero(part[: rises[-1]] < share * part[rises[-1]])
    return float(start + low[-1]) if len(low) else np.nan


def _fall_ends(slope: Fine, start: float, end: float, share: float) -> float:
    """Return the first sample after the first fall at which it is below a share of it."""
    if np.isnan(start) or np.isnan(end):
        return np.nan
    part = -slope[int(start) : int(end)]
    falls = signal.find_peaks(part)[0]
    if not len(falls):
        return np.nan
    low = np.flatnonzero(part[falls[0] :] < share * part[falls[0]])
    return float(start + falls[0] + low[0]) if len(low) else np.nan


def _coarse(found: list[float], cleaned: Fine) -> Shaped[np.ndarray, " beat"]:
    """Return samples at 500 Hz; NaN beyond the recording's end."""
    coarse = np.floor(np.array(found, float) / _FINER)
    coarse[coarse >= len(cleaned)] = np.nan
    return coarse
