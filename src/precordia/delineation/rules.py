# SPDX-License-Identifier: Apache-2.0
"""Find P, QRS and T waves of every lead by slopes and curvatures: the method without weights."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from precordia.delineation.rules_p import find_p_waves
from precordia.delineation.rules_scales import (
    Clock,
    bump_edges,
    first,
    hat,
    last,
    likeness,
    median_seen,
    slope,
    smooth,
    spread,
    windows,
    working_signal,
)
from precordia.delineation.waves import LeadWaves

RULES_VERSION = "1"

_SMALLEST_MV = 0.02  # a smaller deflection is no wave (IEC 60601-2-51)
_STANDS_OUT = 4.0  # slope at R-peaks over the median slope: below 3.2 in noise, above 11 in ECGs
_STANDS_OUT_A_LITTLE, _ALIKE = 1.8, 0.75  # or less, as in ventricular tachycardia, if beats agree
# QRS
_SLOPE_MS = (12, 14)  # smoothing and half span of the slope
_STEEP = 0.45  # share of the steepest slope that is surely QRS
_QRS_ON, _QRS_OFF = 0.16, 0.125  # share of the steepest slope where it begins and ends
_QRS_BIAS_MS = (-6.0, -3.0)  # widening by the smoothing, found on LUDB
_QRS_FREE_MS = (40.0, 28.0)  # how far a lead may leave what all leads say
_QRS_OWN = 0.4  # weight of the lead itself against the median over leads
# T
_T_SHARE = (0.30, 0.28)
# P and T
_FROM_LEADS, _FROM_BEATS = 0.25, 0.4


def delineate_with_rules(
    signal: Float[np.ndarray, "lead sample"],
    fs: float,
    rpeaks: Int[np.ndarray, " beat"],
) -> list[LeadWaves]:
    """Delineate each lead around R-peaks that are already known.

    The fallback where the network's weights or onnxruntime are missing, and a second opinion.

    Parameters
    ----------
    signal
        Millivolt; NaN where missing.
    fs
        Sampling rate, Hz; 100 or more for bounds that mean something.
    rpeaks
        Sample index of each beat, from all leads jointly.

    Returns
    -------
    The waves of each lead. None where the R-peaks do not stand out of what lies between them
    (noise), in leads without a signal, and where a wave touches a gap.

    Notes
    -----
    After Martinez 2004 a wave is seen in the derivative of the smoothed signal: flanks are extrema
    of slope, and a bound is where the slope has fallen to a share of that of the flank. Departures:
    the smoothing function is the quadratic B-spline at scales chosen in ms, not dyadic ones, so
    that every sampling rate is treated alike; the search is made in all leads together first and a
    single lead may leave it by 40 ms (QRS onset), 28 ms (QRS offset) or 100 ms (T peak); bounds are
    drawn to the median over leads and beats; T is the largest curvature (not the largest pair of
    slopes) between QRS and the next cycle; P waves are judged by coherence over beats (see
    `precordia.delineation.rules_p`). Shares, weights and the bias of the smoothing (-6 and -3 ms)
    were chosen on LUDB, so scores on LUDB are of the data used in choosing.

    At most one P and one T wave are found for each QRS: blocked P waves are not seen by this
    method.

    References
    ----------
    Martinez JP et al. IEEE Trans Biomed Eng 2004;51:570-581. doi:10.1109/TBME.2003.821031

    Examples
    --------
    >>> delineate_with_rules(np.zeros((1, 1000)), 500.0, np.array([500]))[0].qrs.shape
    (0, 4)
    """
    signal = np.asarray(signal)
    rpeaks = np.unique(np.asarray(rpeaks, np.int64))
    out = [LeadWaves() for _ in signal]
    if not len(rpeaks) or signal.shape[1] < fs / 2:
        return out
    x, gap, clock = working_signal(signal, fs)
    live = np.flatnonzero((np.ptp(x, axis=1) > _SMALLEST_MV) & (gap.mean(axis=1) < 0.9))
    if not len(live):
        return out
    x, gap = x[live], gap[live]
    r = np.rint((rpeaks - clock.first) / clock.step).astype(np.int64)
    r = np.clip(r, 0, x.shape[1] - 1)
    steepness = np.abs(slope(x, *(clock.samples(ms) for ms in _SLOPE_MS)))
    if not _beats_stand_out(x, steepness, r, clock):
        return out
    qrs, joint = _find_qrs(x, steepness, r, clock)
    rest = _without_qrs(x, joint)
    t = _find_t(rest, joint, clock)
    p = _steadied(find_p_waves(rest, x, joint, median_seen(t[2]), clock))
    for k, lead in enumerate(live):
        tables = (_at_record_rate(w[:, k].T, gap[k], clock) for w in (p, qrs, _steadied(t)))
        out[lead] = LeadWaves(*tables)
    return out


def _beats_stand_out(x, steepness, r, clock: Clock) -> bool:
    """Whether slopes at the R-peaks are above those between them, or beats are alike."""
    relative = steepness / (np.median(steepness, axis=1, keepdims=True) + 1e-6)
    joint = np.sqrt((relative**2).mean(axis=0))
    top = windows(joint, r - clock.samples(60), clock.samples(130)).max(-1)
    ratio = np.median(top) / (np.median(joint) + 1e-12)
    if len(r) < 4:
        return bool(ratio > 1.5 * _STANDS_OUT)  # few beats are the tallest of much noise
    if ratio > _STANDS_OUT or ratio < _STANDS_OUT_A_LITTLE:
        return bool(ratio > _STANDS_OUT)
    alike = likeness(x, r - clock.samples(100), clock.samples(200))
    return bool(np.median(alike) > _ALIKE)


def _find_qrs(x, steepness, r, clock: Clock):
    """QRS of each lead, (4, lead, beat), and onset and offset over all leads, (2, beat)."""
    before, after = clock.samples(150), clock.samples(190)
    w = windows(spread(steepness, clock.samples(4)), r - before, before + after + 1)
    near = slice(before - clock.samples(70), before + clock.samples(90))
    # all leads together first: they bound what a single lead may say
    together = np.sqrt((w**2).mean(axis=0))
    on_all, off_all = _qrs_bounds(together, together[..., near].max(-1))
    rr = np.diff(r)
    room = np.concatenate([[before], 0.45 * rr]), np.concatenate([0.5 * rr, [after]])
    earliest = before - np.minimum(room[0], clock.samples(140))
    latest = before + np.minimum(room[1], clock.samples(180))
    on_all, off_all = np.maximum(on_all, earliest), np.minimum(off_all, latest)
    on, off = _qrs_bounds(w, w[..., near].max(-1))
    free = [clock.samples(ms) for ms in _QRS_FREE_MS]
    on = np.clip(on, on_all - free[0], on_all + free[0])
    off = np.clip(off, off_all - free[1], off_all + free[1])
    on = _QRS_OWN * on + (1 - _QRS_OWN) * np.median(on, axis=0)
    off = _QRS_OWN * off + (1 - _QRS_OWN) * np.median(off, axis=0)
    on = r - before + np.maximum(on, earliest) + _QRS_BIAS_MS[0] * clock.fs / 1000
    off = r - before + np.minimum(off, latest) + _QRS_BIAS_MS[1] * clock.fs / 1000
    joint = np.rint(np.stack([np.median(on, 0), np.median(off, 0)])).astype(np.int64)
    # main deflection over the chord's first point, a positive one preferred
    y = windows(x, joint[0], clock.samples(220))
    inside = np.arange(y.shape[-1]) <= (joint[1] - joint[0])[:, None]
    y = np.where(inside, y - y[..., :1], 0)
    peak = joint[0] + np.argmax(np.where(y > 0, y, -0.7 * y), axis=-1)
    height = np.ptp(y, axis=-1)
    wave = np.stack([on, peak.astype(float), off, np.clip(height / (5 * _SMALLEST_MV), 0, 1)])
    wave[:, height <= _SMALLEST_MV] = np.nan
    return wave, joint


def _qrs_bounds(env, top):
    """Walk outward from the outermost steep place to where the slope has fallen."""
    at = np.arange(env.shape[-1])
    steep = env >= _STEEP * top[..., None]
    begin, end = first(steep)[..., None], last(steep)[..., None]
    on = last((env < _QRS_ON * top[..., None]) & (at < begin)) + 1
    off = first((env < _QRS_OFF * top[..., None]) & (at > end)) - 1
    return on, off


def _without_qrs(x, joint):
    """Replace every QRS by a straight line."""
    out = x.copy()
    for a, b in np.clip(joint, 0, x.shape[1] - 1).T:
        if b > a:
            ramp = np.linspace(0, 1, b - a + 1)
            out[:, a : b + 1] = x[:, a, None] + ramp * (x[:, b] - x[:, a])[:, None]
    return out


def _find_t(x, joint, clock: Clock):
    """T waves, (4, lead, beat): the largest bump between the QRS and the next cycle."""
    curve = hat(x, clock.samples(40), clock.samples(100))
    rr = np.diff(joint[0])
    rr = np.append(rr, np.median(rr) if len(rr) else clock.samples(800))
    start = joint[1] + clock.samples(40)
    stop = joint[0] + np.minimum(
        np.minimum(0.72 * rr, clock.samples(620)), rr - clock.samples(60)
    ).astype(np.int64)
    width = max(4, int(np.max(stop - start)))
    at = np.arange(width)
    h = np.where(at < (stop - start)[:, None], windows(curve, start, width), 0)
    centre = np.argmax((h**2).mean(axis=0), axis=-1)
    close = np.abs(at - centre[:, None]) <= clock.samples(100)
    k = np.argmax(np.where(close, np.abs(h), 0), axis=-1)
    height = np.take_along_axis(h, k[..., None], -1)[..., 0]
    wave = bump_edges(
        smooth(x, clock.samples(20)),
        start + k,
        np.sign(height),
        clock,
        reach_ms=160,
        share=_T_SHARE,
        between=(start - clock.samples(30), joint[0] + rr - clock.samples(40)),
    )
    # a T wave that is plain in most leads may be faint in one
    plain = np.median(np.abs(height), axis=0) > 2 * _SMALLEST_MV
    seen = np.abs(height) > np.where(plain, _SMALLEST_MV / 4, _SMALLEST_MV)
    seen &= (stop - start > clock.samples(80)) & (start < x.shape[1] - clock.samples(60))
    wave = np.stack([*wave, np.clip(np.abs(height) / (5 * _SMALLEST_MV), 0, 1)])
    wave[:, ~seen] = np.nan
    return wave


def _steadied(wave):
    """Draw each bound towards that of the other leads and of the other beats of its lead.

    Beats are compared relative to the peak of the lead, leads by the place in time.
    """
    own = 1.0 - _FROM_LEADS - _FROM_BEATS
    out = wave.copy()
    for row in (0, 2):
        from_peak = median_seen((wave[row] - wave[1]).T)[:, None] + wave[1]
        out[row] = own * wave[row] + _FROM_LEADS * median_seen(wave[row]) + _FROM_BEATS * from_peak
    return out


def _at_record_rate(rows, gap, clock: Clock):
    """Waves (wave, 4) at the record's rate, without those that touch a gap."""
    rows = rows[np.isfinite(rows[:, 1])]
    if gap.any() and len(rows):
        missing = np.concatenate([[0], np.cumsum(gap)])
        a, b = np.clip(rows[:, [0, 2]], 0, len(gap) - 1).astype(int).T
        rows = rows[missing[b + 1] == missing[a]]
    rows = rows.copy()
    rows[:, :3] = clock.first + clock.step * rows[:, :3]
    return rows[np.argsort(rows[:, 1], kind="stable")]
