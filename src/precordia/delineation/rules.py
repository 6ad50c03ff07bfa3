# SPDX-License-Identifier: Apache-2.0
"""Find P, QRS and T waves of every lead by slopes and curvatures alone: the method that needs no weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from precordia.delineation.waves import LeadWaves

RULES_VERSION = "1"

_MIN_QRS_MV = 0.02  # smaller than 20 uV is no wave: IEC 60601-2-51, minimum wave
_MIN_T_MV = 0.02
_MIN_P_MV = 0.01

_QRS_ON = 0.09  # share of the steepest slope below which the QRS has not begun
_QRS_OFF = 0.13  # ... and below which it is over
_T_ON, _T_OFF = 0.25, 0.30
_P_ON, _P_OFF = 0.30, 0.30


@dataclass
class _Clock:
    """Analysis samples: position at the record's rate = first + step * position here."""

    fs: float
    first: float
    step: float

    def samples(self, ms: float) -> int:
        return max(1, round(ms * self.fs / 1000))


def delineate_with_rules(
    signal: Float[np.ndarray, "lead sample"],
    fs: float,
    rpeaks: Int[np.ndarray, " beat"],
) -> list[LeadWaves]:
    """Delineate each lead around R-peaks that are already known."""
    signal = np.asarray(signal)
    rpeaks = np.unique(np.asarray(rpeaks, np.int64))
    n_leads, n_samples = signal.shape
    out = [LeadWaves() for _ in range(n_leads)]
    if not len(rpeaks) or n_samples < fs / 2:
        return out
    x, gap, clock = _prepare(signal, fs)
    live = np.flatnonzero((np.ptp(x, axis=1) > _MIN_QRS_MV) & (gap.mean(axis=1) < 0.9))
    if not len(live):
        return out
    x, gap = x[live], gap[live]
    r = np.clip(np.rint((rpeaks - clock.first) / clock.step), 0, x.shape[1] - 1).astype(np.int64)
    qrs, joint = _find_qrs(x, r, clock)
    rest = _without_qrs(x, joint)
    t = _find_t(rest, joint, clock)
    p = _find_p(rest, joint, t, clock)
    for k, lead in enumerate(live):
        tables = [_finish(w[:, k].T, gap[k], clock) for w in (p, qrs, t)]
        out[lead] = LeadWaves(*tables)
    return out


def _prepare(signal, fs):
    """Bring the signal to 200..375 Hz with gaps bridged; say where the gaps were."""
    bad = ~np.isfinite(signal)
    x = np.where(bad, np.float32(0), signal).astype(np.float64)
    n = x.shape[1]
    if bad.any():
        at = np.arange(n)
        for k in np.flatnonzero(bad.any(axis=1)):
            if not bad[k].all():
                x[k] = np.interp(at, at[~bad[k]], x[k, ~bad[k]])
    down = max(1, round(fs / 250))
    up = int(np.ceil(200 / fs)) if fs < 200 else 1
    if down > 1:
        m = n // down
        x = x[:, : m * down].reshape(len(x), m, down).mean(axis=2)
        bad = bad[:, : m * down].reshape(len(x), m, down).any(axis=2)
        return x, bad, _Clock(fs / down, (down - 1) / 2, float(down))
    if up > 1:
        fine = np.arange((n - 1) * up + 1) / up
        x = np.stack([np.interp(fine, np.arange(n), row) for row in x])
        bad = bad[:, np.rint(fine).astype(int)]
        return x, bad, _Clock(fs * up, 0.0, 1.0 / up)
    return x, bad, _Clock(fs, 0.0, 1.0)


def _box(x, width):
    """Moving mean of odd width along the last axis, edges held."""
    width |= 1
    if width < 3:
        return x
    h = width // 2
    padded = np.concatenate(
        [np.repeat(x[..., :1], h + 1, -1), x, np.repeat(x[..., -1:], h, -1)], axis=-1
    )
    c = np.cumsum(padded, axis=-1)
    return (c[..., width:] - c[..., :-width]) / width


def _shift(x, by):
    """Return x[i + by], edges held."""
    i = np.clip(np.arange(x.shape[-1]) + by, 0, x.shape[-1] - 1)
    return x[..., i]


def _slope(x, width, span):
    y = _box(_box(x, width), width)
    return _shift(y, span) - _shift(y, -span)


def _hat(x, width, span):
    """Height over the mean of the signal at both sides: a curvature at one scale."""
    y = _box(_box(x, width), width)
    return y - 0.5 * (_shift(y, span) + _shift(y, -span))


def _spread(x, h):
    """Moving maximum over 2 h + 1 samples."""
    out = x.copy()
    for j in range(1, h + 1):
        np.maximum(out[..., j:], x[..., :-j], out=out[..., j:])
        np.maximum(out[..., :-j], x[..., j:], out=out[..., :-j])
    return out


def _windows(x, start, width):
    """Cut windows (..., beat, width) beginning at `start` (beat,) or (lead, beat), edges held."""
    i = np.clip(start[..., None] + np.arange(width), 0, x.shape[-1] - 1)
    if start.ndim == 1:
        return x[..., i]
    return np.take_along_axis(x[:, None, :], i.reshape(len(x), 1, -1), axis=-1).reshape(
        len(x), *start.shape[1:], width
    )


def _last(mask):
    """Index of the last True along the last axis, -1 where none."""
    n = mask.shape[-1]
    return np.where(mask.any(-1), n - 1 - np.argmax(mask[..., ::-1], axis=-1), -1)


def _first(mask):
    """Index of the first True along the last axis, n where none."""
    return np.where(mask.any(-1), np.argmax(mask, axis=-1), mask.shape[-1])


def _find_qrs(x, r, clock):
    before, after = clock.samples(150), clock.samples(190)
    width = before + after + 1
    at = np.arange(width)
    slope = np.abs(_slope(x, clock.samples(12), clock.samples(8)))
    env = _spread(slope, clock.samples(8))
    w = _windows(env, r - before, width)
    near = slice(before - clock.samples(70), before + clock.samples(90))
    top = w[..., near].max(-1)
    noise = np.median(env, axis=1) * 0.5
    # all leads together first: it bounds what a single lead may say
    scale = np.median(top, axis=1)
    ok = scale > 0
    joint_env = np.sqrt(np.mean((w[ok]) ** 2, axis=0)) if ok.any() else w.mean(0)
    jtop = joint_env[..., near].max(-1)
    jon = _boundary(joint_env, jtop, _QRS_ON * jtop, before, at, -1)
    joff = _boundary(joint_env, jtop, _QRS_OFF * jtop, before, at, +1)
    jon = np.maximum(jon, before - clock.samples(140))
    joff = np.minimum(joff, before + clock.samples(180))
    lo, hi = clock.samples(36), clock.samples(44)
    thr_on = np.maximum(_QRS_ON * top, noise[:, None])
    thr_off = np.maximum(_QRS_OFF * top, noise[:, None])
    on = _boundary(w, top, thr_on, before, at, -1)
    off = _boundary(w, top, thr_off, before, at, +1)
    on = np.clip(on, jon - lo, jon + lo)
    off = np.clip(off, joff - hi, joff + hi)
    mid = np.median(on, axis=0)
    on = 0.5 * on + 0.5 * mid
    off = 0.5 * off + 0.5 * np.median(off, axis=0)
    grow = clock.samples(8)
    start = r - before
    on, off = start + on + grow, start + off - grow
    joint = np.stack([np.rint(np.median(on, 0)), np.rint(np.median(off, 0))]).astype(np.int64)
    # main deflection
    y = _windows(x, joint[0], clock.samples(200))
    inside = np.arange(y.shape[-1]) <= (joint[1] - joint[0])[:, None]
    y = np.where(inside, y - y[..., :1], 0)
    peak = joint[0] + np.argmax(np.where(y > 0, y, -0.7 * y), axis=-1)
    height = np.ptp(y, axis=-1)
    conf = np.clip(height / 0.1, 0, 1)
    present = height > _MIN_QRS_MV
    wave = np.stack([on, peak, off, conf]).astype(float)
    wave[:, ~present] = np.nan
    return wave, joint


def _boundary(env, top, threshold, centre, at, way):
    """Walk outward from the outermost steep slope to the first sample below the threshold."""
    steep = env >= 0.25 * top[..., None]
    low = env < threshold[..., None]
    if way < 0:
        first = _first(steep)[..., None]
        hit = _last(low & (at < first))
        return np.where(hit < 0, 0, hit + 1)
    last = _last(steep)[..., None]
    hit = _first(low & (at > last))
    return np.minimum(hit - 1, len(at) - 1)


def _without_qrs(x, joint):
    """Replace every QRS by a straight line."""
    out = x.copy()
    n = x.shape[1]
    for a, b in joint.T:
        a, b = max(0, a), min(n - 1, b)
        if b > a:
            out[:, a : b + 1] = x[:, a, None] + np.linspace(0, 1, b - a + 1) * (x[:, b] - x[:, a])[:, None]
    return out


def _find_t(x, joint, clock):
    """T waves: the largest bump between the QRS end and the next cycle."""
    n_beats = joint.shape[1]
    hat = _hat(x, clock.samples(40), clock.samples(100))
    rr = np.diff(joint[0], append=joint[0, -1] + (np.median(np.diff(joint[0])) if n_beats > 1 else clock.samples(800)))
    start = joint[1] + clock.samples(40)
    stop = np.minimum(joint[0] + np.minimum(0.72 * rr, clock.samples(620)), joint[0] + rr - clock.samples(60))
    width = max(4, int(np.max(stop - start)))
    h = _windows(hat, start, width)
    at = np.arange(width)
    inside = at < (stop - start)[:, None]
    h = np.where(inside, h, 0)
    size = np.abs(h)
    joint_size = np.sqrt(np.mean(size**2, axis=0))
    centre = np.argmax(joint_size, axis=-1)
    close = np.abs(at - centre[:, None]) <= clock.samples(100)
    k = np.argmax(np.where(close, size, 0), axis=-1)
    peak_hat = np.take_along_axis(h, k[..., None], -1)[..., 0]
    peak = start + k
    noise = np.median(np.abs(hat), axis=1)
    y = _box(_box(x, clock.samples(20)), clock.samples(20))
    wave, height = _edges(y, peak, np.sign(peak_hat), clock, 160, 160, _T_ON, _T_OFF, lo=start - clock.samples(30), hi=joint[0] + rr - clock.samples(40))
    present = (np.abs(peak_hat) > _MIN_T_MV) & (stop - start > clock.samples(80)) & (start < x.shape[1] - clock.samples(60))
    conf = np.clip(np.abs(peak_hat) / 0.1, 0, 1)
    wave = np.stack([*wave, conf])
    wave[:, ~present] = np.nan
    return wave


def _edges(y, peak, sign, clock, left_ms, right_ms, g_on, g_off, lo, hi):
    """Onset and offset where the flank slope has fallen to a share of its steepest value."""
    left, right = clock.samples(left_ms), clock.samples(right_ms)
    s = clock.samples(8)
    d = (_shift(y, s) - _shift(y, -s))
    near = clock.samples(20)
    v = _windows(y, peak - near, 2 * near + 1) * sign[..., None]
    fine = peak - near + np.argmax(v, axis=-1)
    # rising flank
    a = _windows(d, fine - left, left + 1) * sign[..., None]
    at = np.arange(left + 1)
    allowed = (fine - left)[..., None] + at >= lo[:, None]
    a = np.where(allowed, a, -np.inf)
    k = np.argmax(a, axis=-1)
    top = np.take_along_axis(a, k[..., None], -1)
    hit = _last((a < g_on * top) & (at < k[..., None]))
    on = np.where(hit < 0, np.maximum(lo, fine - left), fine - left + hit + 0.5)
    b = -_windows(d, fine, right + 1) * sign[..., None]
    at = np.arange(right + 1)
    allowed = fine[..., None] + at <= hi[:, None]
    b = np.where(allowed, b, -np.inf)
    k = np.argmax(b, axis=-1)
    top = np.take_along_axis(b, k[..., None], -1)
    hit = _first((b < g_off * top) & (at > k[..., None]))
    off = np.where(hit > right, np.minimum(hi, fine + right), fine + hit - 0.5)
    return (on, fine.astype(float), off), None


def _find_p(x, joint, t, clock):
    """P waves: a bump before the QRS that repeats over leads and beats."""
    n_beats = joint.shape[1]
    hat = _hat(x, clock.samples(20), clock.samples(56))
    t_end = np.nanmedian(t[2], axis=0) if t.shape[1] else np.full(n_beats, np.nan)
    width = clock.samples(320)
    start = joint[0] - width
    h = _windows(hat, start, width)
    at = start[:, None] + np.arange(width)
    floor = np.full(n_beats, -np.inf)
    if n_beats > 1:
        floor[1:] = np.where(np.isfinite(t_end[:-1]), t_end[:-1], joint[1, :-1] + clock.samples(100))
    allowed = (at > floor[:, None] + clock.samples(10)) & (at < (joint[0] - clock.samples(20))[:, None]) & (at > 0)
    noise = np.median(np.abs(hat), axis=1)[:, None]
    z = np.where(allowed, np.abs(h), 0)
    js = np.sqrt(np.mean((z) ** 2, axis=0))
    c = np.argmax(js, axis=-1)
    close = np.abs(np.arange(width) - c[:, None]) <= clock.samples(24)
    k = np.argmax(np.where(close, z, 0), axis=-1)
    ph = np.take_along_axis(h, k[..., None], -1)[..., 0]
    peak = start + k
    y = _box(_box(x, clock.samples(12)), clock.samples(12))
    wave, _ = _edges(y, peak, np.sign(ph), clock, 90, 90, _P_ON, _P_OFF, lo=np.maximum(floor, start).astype(np.int64), hi=joint[0])
    present = (np.abs(ph) > _MIN_P_MV) & allowed.any(-1)
    conf = np.clip(np.abs(ph) / 0.05, 0, 1)
    wave = np.stack([*wave, conf])
    wave[:, ~present] = np.nan
    return wave


def _finish(rows, gap, clock):
    """Rows (wave, 4) at the record's rate, without those that touch a gap or are not finite."""
    rows = rows[np.isfinite(rows[:, 1])]
    if not len(rows):
        return rows
    if gap.any():
        c = np.concatenate([[0], np.cumsum(gap)])
        a = np.clip(rows[:, 0], 0, len(gap) - 1).astype(int)
        b = np.clip(np.ceil(rows[:, 2]), 0, len(gap) - 1).astype(int) + 1
        rows = rows[c[b] - c[a] == 0]
    rows = rows.copy()
    rows[:, :3] = clock.first + clock.step * rows[:, :3]
    return rows[np.argsort(rows[:, 1], kind="stable")]
