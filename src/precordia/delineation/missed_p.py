# SPDX-License-Identifier: Apache-2.0
"""P waves that look like the others of a record and were missed: in blocked beats above all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from precordia.core.fiducials import Fiducials
from precordia.delineation.rules_scales import Clock, slope, working_signal
from precordia.delineation.waves import LeadWaves

_HALF_MS = 70.0
_LIKE = 0.85  # correlation with the mean P wave over all leads
_GAIN = (0.5, 1.7)  # size relative to it
_APART_MS = 240.0
_PAUSE = 1.35
_SLOW_BPM = 50.0
_BLOCK_S, _MARGIN_S = 120.0, 5.0
_SHARE = 0.5  # P waves to beats: fewer is fibrillation with some mistaken for P


def may_miss_p_waves(found: Fiducials) -> bool:
    """Say whether the rhythm is one in which P waves are often missed.

    Parameters
    ----------
    found
        What was found so far.

    Returns
    -------
    True where at least half of the beats (and two) have a P wave, and others have none, a pause is
    1.35 median RR intervals or longer, or the rate is below 50 per minute.

    Examples
    --------
    >>> from dataclasses import fields
    >>> from precordia.core.fiducials import Waves
    >>> none = {f.name: np.zeros(0) for f in fields(Waves)}
    >>> may_miss_p_waves(Fiducials(fs=500, n_samples=5000, **none))
    False
    """
    at = found.r_peak[found.has_qrs]
    with_p = np.isfinite(found.p_peak)
    if len(at) < 3 or with_p.sum() < max(2.0, _SHARE * len(at)):
        return False
    rr = np.diff(at)
    typical = np.median(rr)
    slow = typical > 60 * found.fs / _SLOW_BPM
    return bool(slow or rr.max() > _PAUSE * typical or not with_p[1:].all())


def find_missed_p_waves(
    signal: Float[np.ndarray, "lead sample"], found: Fiducials
) -> list[Float[np.ndarray, "_ 4"]]:
    """Find P waves between the T wave and the next P wave or QRS that look like the others.

    Parameters
    ----------
    signal
        Millivolt; NaN where missing.
    found
        Waves found so far; two P waves or more.

    Returns
    -------
    For each lead: onset, peak, offset and confidence of what was missed.

    Notes
    -----
    The slope of the signal, over all leads together, is correlated with its mean around the P waves
    already found. A place counts where the correlation is 0.85 or more, the size 0.5 to 1.7 times
    the usual, and no other P wave nearer than 240 ms. Bounds are the usual ones of each lead; the
    correlation is the confidence. Only leads that show most of the other P waves get one. P waves
    inside QRS or T are not looked for.

    Examples
    --------
    >>> from precordia.core.fiducials import Waves, empty_waves
    >>> from dataclasses import fields
    >>> none = {f.name: np.zeros(0) for f in fields(Waves)}
    >>> nothing = Fiducials(fs=500, n_samples=5000, leads={"II": empty_waves(0)}, **none)
    >>> find_missed_p_waves(np.zeros((1, 5000)), nothing)[0].shape
    (0, 4)
    """
    known = found.p_peak[np.isfinite(found.p_peak)]
    block, margin = round(_BLOCK_S * found.fs), round(_MARGIN_S * found.fs)
    peaks, likes = [], []
    for start in range(0, max(1, found.n_samples), block):
        low, high = max(0, start - margin), min(found.n_samples, start + block + margin)
        inside = known[(known > low) & (known < high)]
        if len(inside) > 1:
            peak, like = _places(signal[:, low:high], found, inside, low)
            mine = (peak >= start) & (peak < start + block)
            peaks.append(peak[mine])
            likes.append(like[mine])
    if not peaks:
        return [np.empty((0, 4)) for _ in found.leads]
    peak, like = np.concatenate(peaks), np.concatenate(likes)
    return [_as_usual(waves, found.p_peak, peak, like) for waves in found.leads.values()]


def _places(signal, found: Fiducials, known, low):
    """Peaks of missed P waves in the part of a record that begins at `low`, and likeness."""
    x, _, clock = working_signal(signal, found.fs)
    clock = Clock(clock.fs, clock.first + low, clock.step)
    y = slope(x, clock.samples(12), clock.samples(12))
    at = (known - clock.first) / clock.step
    like, gain = _likeness(y, np.rint(at).astype(np.int64), clock.samples(_HALF_MS))
    ok = _between_waves(found, clock, x.shape[1]) & (like >= _LIKE)
    ok &= (gain >= _GAIN[0]) & (gain <= _GAIN[1])
    apart = clock.samples(_APART_MS)
    for place in at:
        ok[max(0, int(place) - apart) : max(0, int(place) + apart)] = False
    places = []
    while ok.any():
        best = int(np.argmax(np.where(ok, like, -1.0)))
        places.append(best)
        ok[max(0, best - apart) : best + apart] = False
    places = np.sort(np.array(places, np.int64))
    return clock.first + clock.step * places, like[places]


def with_p_waves(
    lead_waves: Sequence[LeadWaves], more: Sequence[Float[np.ndarray, "_ 4"]]
) -> list[LeadWaves]:
    """Return the waves of each lead with P waves added, in time."""
    out = []
    for waves, rows in zip(lead_waves, more, strict=True):
        p = np.concatenate([waves.p, rows])
        out.append(LeadWaves(p[np.argsort(p[:, 1], kind="stable")], waves.qrs, waves.t))
    return out


def _likeness(y, at, half):
    """Correlation of every place with the mean around `at`, over all leads, and relative size."""
    n = y.shape[1]
    at = at[(at >= half) & (at < n - half)]
    if len(at) < 2:
        return np.zeros(n), np.zeros(n)
    template = np.median(y[:, at[:, None] + np.arange(-half, half + 1)], axis=1)
    width = 2 * half + 1
    match, energy = np.zeros(n), np.zeros(n)
    for row, shape in zip(y, template, strict=True):
        match += np.correlate(row, shape, "same")
    squares = np.concatenate([[0.0], np.cumsum((y**2).sum(axis=0))])
    energy[half : n - half] = squares[width:] - squares[:-width]
    size = (template**2).sum()
    like = np.where(energy > 0, match / np.sqrt(np.maximum(energy * size, 1e-15)), 0.0)
    return like, match / max(size, 1e-15)


def _between_waves(found: Fiducials, clock: Clock, n: int) -> Bool[np.ndarray, " sample"]:
    """Places after a T wave (or 300 ms after a QRS) and before the next P wave or QRS."""
    fs = found.fs
    begin = found.t_offset + 0.03 * fs
    begin = np.where(np.isfinite(begin), begin, found.r_peak + 0.36 * fs)[found.has_qrs]
    end = np.fmin(found.qrs_onset, found.r_peak)[found.has_qrs] - 0.07 * fs
    end = np.append(end[1:], found.n_samples - 0.1 * fs)
    a, b = (np.clip((v - clock.first) / clock.step, 0, n).astype(int) for v in (begin, end))
    ok = np.zeros(n, bool)
    for k in np.flatnonzero(b > a):
        ok[a[k] : b[k]] = True
    return ok


def _as_usual(waves, p_peak, peak, like):
    """P waves of one lead at new places with its usual bounds."""
    there = np.isfinite(waves.p_peak)
    if 2 * there.sum() < np.isfinite(p_peak).sum():
        return np.empty((0, 4))
    usual = []
    for field in ("p_onset", "p_peak", "p_offset"):
        lag = getattr(waves, field)[there] - p_peak[there]
        lag = lag[np.isfinite(lag)]
        usual.append(peak + (np.median(lag) if len(lag) else np.nan))
    return np.stack([*usual, np.clip(like, 0, 1)], axis=1)
