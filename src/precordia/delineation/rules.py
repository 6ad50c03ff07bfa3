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

_STANDS_OUT = 4.0
_SLOPE_BOX, _SLOPE_SPAN, _SPREAD_MS = 12, 14, 4
_STEEP = 0.45
_GROW_ON, _GROW_OFF = -6.0, -3.0
_LO, _HI = 40.0, 28.0
_OWN_ON, _OWN_OFF = 0.4, 0.4
_NOISE = 0.0
_QRS_ON = 0.16  # share of the steepest slope below which the QRS has not begun
_QRS_OFF = 0.125  # ... and below which it is over
_T_ON, _T_OFF = 0.25, 0.30
_FROM_LEADS, _FROM_BEATS = 0.25, 0.4
_NEIGHBOURS = 15
_P_SCORE = np.array([7.2, 1.5, 1.5, 4.0, -0.8, 0, -10.9])
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
    if not _beats_stand_out(x, r, clock):
        return out
    qrs, joint = _find_qrs(x, r, clock)
    rest = _without_qrs(x, joint)
    t = _find_t(rest, joint, clock)
    p = _steadied(_find_p(rest, x, joint, t, clock))
    t = _steadied(t)
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


def _beats_stand_out(x, r, clock):
    """Whether the slopes at the R-peaks are well above those between them: they are not in noise."""
    slope = np.abs(_slope(x, clock.samples(_SLOPE_BOX), clock.samples(_SLOPE_SPAN)))
    slope /= np.median(slope, axis=1, keepdims=True) + 1e-6
    joint = np.sqrt((slope**2).mean(axis=0))
    top = _windows(joint, r - clock.samples(60), clock.samples(130)).max(-1)
    return np.median(top) > _STANDS_OUT * np.median(joint)


def _find_qrs(x, r, clock):
    before, after = clock.samples(150), clock.samples(190)
    width = before + after + 1
    at = np.arange(width)
    slope = np.abs(_slope(x, clock.samples(_SLOPE_BOX), clock.samples(_SLOPE_SPAN)))
    env = _spread(slope, clock.samples(_SPREAD_MS))
    w = _windows(env, r - before, width)
    near = slice(before - clock.samples(70), before + clock.samples(90))
    top = w[..., near].max(-1)
    noise = np.median(env, axis=1) * _NOISE
    # all leads together first: it bounds what a single lead may say
    scale = np.median(top, axis=1)
    ok = scale > 0
    joint_env = np.sqrt(np.mean((w[ok]) ** 2, axis=0)) if ok.any() else w.mean(0)
    jtop = joint_env[..., near].max(-1)
    jon = _boundary(joint_env, jtop, _QRS_ON * jtop, before, at, -1)
    joff = _boundary(joint_env, jtop, _QRS_OFF * jtop, before, at, +1)
    rr = np.diff(r)
    room = np.concatenate([[before], 0.45 * rr]), np.concatenate([0.5 * rr, [after]])
    jon = np.maximum(jon, before - np.minimum(room[0], clock.samples(140)))
    joff = np.minimum(joff, before + np.minimum(room[1], clock.samples(180)))
    lo, hi = clock.samples(_LO), clock.samples(_HI)
    thr_on = np.maximum(_QRS_ON * top, noise[:, None])
    thr_off = np.maximum(_QRS_OFF * top, noise[:, None])
    on = _boundary(w, top, thr_on, before, at, -1)
    off = _boundary(w, top, thr_off, before, at, +1)
    on = np.clip(on, jon - lo, jon + lo)
    off = np.clip(off, joff - hi, joff + hi)
    mid = np.median(on, axis=0)
    on = _OWN_ON * on + (1 - _OWN_ON) * mid
    off = _OWN_OFF * off + (1 - _OWN_OFF) * np.median(off, axis=0)
    start = r - before
    on, off = start + on + _GROW_ON * clock.fs / 1000, start + off + _GROW_OFF * clock.fs / 1000
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
    steep = env >= _STEEP * top[..., None]
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
    strong = np.median(np.abs(peak_hat), axis=0) > 2 * _MIN_T_MV
    present = (np.abs(peak_hat) > np.where(strong, _MIN_T_MV / 4, _MIN_T_MV)) & (stop - start > clock.samples(80)) & (start < x.shape[1] - clock.samples(60))
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


def _find_p(x, x0, joint, t, clock):
    """P waves: a bump that returns at the same place before the QRS, beat after beat, in all leads at once.

    A bump alone is no P wave: fibrillation has many. What tells a P wave is that the signal before the QRS
    is the same in neighbouring beats (coherence), that a beat resembles their mean, and that the mean stands out of the diastole.
    """
    n_beats = joint.shape[1]
    hat = _hat(x, clock.samples(20), clock.samples(52))
    width = clock.samples(340)
    start = joint[0] - width
    h = _windows(hat, start, width)
    lag = np.arange(width)
    at = start[:, None] + lag
    floor = np.full(n_beats, -1.0)
    after = joint[1, :-1] + clock.samples(150)
    t_end = _median(t[2])[:-1]
    floor[1:] = np.minimum(np.where(np.isfinite(t_end), t_end, after), joint[0, 1:] - clock.samples(110))
    allowed = (at >= floor[:, None]) & (at < (joint[0] - clock.samples(24))[:, None]) & (at >= 0)
    z = np.where(allowed, h, 0.0)
    # means over the neighbouring beats
    many = min(n_beats, _NEIGHBOURS)
    first = np.clip(np.arange(n_beats) - many // 2, 0, n_beats - many)
    total = lambda v: _sums(v, first, many)
    alike, early = _like_the_others(x0, joint, clock)
    weight = (alike > 0.8) & ~early
    weight = (weight if weight.sum() >= 0.5 * n_beats else np.ones(n_beats, bool)).astype(float)[:, None]
    members = np.maximum(total(weight)[:, 0], 1.0)
    count = np.maximum(total(allowed * weight), 1e-9)
    mean = total(z * weight) / count
    energy = total((z**2).mean(axis=0) * weight) / count
    rms = np.sqrt((mean**2).mean(axis=0))
    seen = count >= np.maximum(1.0, 0.4 * members)[:, None]
    before_ms = (width - lag) * 1000 / clock.fs
    prior = np.clip(1.0 - (before_ms - 200) / 300, 0.4, 1.0)
    tau = np.argmax(np.where(seen, rms * prior, 0.0), axis=-1)
    close = np.abs(lag - tau[:, None]) <= clock.samples(24)
    shared = (np.where(close, rms**2, 0)).sum(-1) / np.maximum(np.where(close, energy, 0).sum(-1), 1e-12)
    coherence = np.where(members > 2, (shared - 1 / members) / (1 - 1 / np.maximum(members, 2)), 0.8)
    # the place in this beat: where it resembles the mean best
    reach = clock.samples(40)
    shifts = np.arange(-reach, reach + 1, 2)
    template = np.where(close, mean, 0.0)
    near = np.clip(tau[:, None] + np.arange(-clock.samples(24), clock.samples(24) + 1), 0, width - 1)
    beats = np.arange(n_beats)[:, None]
    m = mean[:, beats, near]
    m2 = (m**2).sum((0, 2))
    like = np.empty((len(shifts), n_beats))
    for j, by in enumerate(shifts):
        g = z[:, beats, np.clip(near + by, 0, width - 1)]
        like[j] = (g * m).sum((0, 2)) / np.sqrt((g**2).sum((0, 2)) * m2 + 1e-12)
    best = np.argmax(like - 1e-3 * np.abs(shifts)[:, None], axis=0)
    resembles = like[best, np.arange(n_beats)]
    place = tau + shifts[best]
    # how far the mean stands out of the signal between T and P
    quiet = _diastole(hat, floor, start + place - clock.samples(80))
    top = rms[np.arange(n_beats), tau]
    stands_out = np.log((top + 0.002) / (quiet + 0.002))
    own_rms = np.sqrt((h[:, np.arange(n_beats), np.clip(place, 0, width - 1)] ** 2).mean(0))
    share = np.clip(own_rms / (top + 0.002), 0, 1.5)
    features = np.stack([coherence, resembles, stands_out, np.maximum(alike, 0), early.astype(float), share, np.ones(n_beats)])
    global DEBUG
    DEBUG = features
    score = _P_SCORE @ features
    score[~allowed.any(-1)] = -9.0
    # each lead: the largest bump at that place
    close = (np.abs(lag - place[:, None]) <= clock.samples(24)) & allowed
    k = np.argmax(np.where(close, np.abs(h), -1), axis=-1)
    height = np.take_along_axis(h, k[..., None], -1)[..., 0]
    y = _box(_box(x, clock.samples(12)), clock.samples(12))
    wave, _ = _edges(y, start + k, np.sign(height), clock, 90, 90, _P_ON, _P_OFF, lo=np.maximum(floor, start).astype(np.int64), hi=joint[0])
    own = np.abs(mean[:, np.arange(n_beats), np.clip(place, 0, width - 1)])
    present = (score > 0) & (np.maximum(own, np.abs(height)) > _MIN_P_MV) & close.any(-1)
    sure = 1 / (1 + np.exp(-np.clip(score, -30, 30)))
    wave = np.stack([*wave, np.broadcast_to(sure, height.shape)])
    wave[:, ~present] = np.nan
    return wave


def _like_the_others(x, joint, clock):
    """Correlation of each QRS with the median QRS over all leads, and whether it comes early."""
    n_beats = joint.shape[1]
    w = _windows(x, joint[0] - clock.samples(12), clock.samples(150))
    w = w - w.mean(axis=-1, keepdims=True)
    typical = np.median(w, axis=1, keepdims=True)
    like = (w * typical).sum((0, 2)) / np.sqrt((w**2).sum((0, 2)) * (typical**2).sum() + 1e-12)
    rr = np.diff(joint[0])
    early = np.zeros(n_beats, bool)
    if n_beats > 3:
        early[1:] = rr < 0.8 * np.median(rr)
    return like, early


def _sums(v, first, many):
    """Sums over the neighbouring beats: axis -2 holds the beats."""
    c = np.concatenate([np.zeros_like(v[..., :1, :]), np.cumsum(v, axis=-2)], axis=-2)
    return c[..., first + many, :] - c[..., first, :]


def _diastole(hat, floor, stop):
    """Median size of the bumps between the T wave and the P wave, over all leads together."""
    size = np.sqrt((hat**2).mean(axis=0))
    out = np.full(len(floor), np.nan)
    for k, (a, b) in enumerate(zip(np.maximum(floor, 0).astype(int), stop, strict=True)):
        if b - a > 15:
            out[k] = np.median(size[a:b])
    return np.where(np.isfinite(out), out, np.median(size))


def _median(table):
    """Median over the first axis without NaN, NaN where there is none."""
    out = np.full(table.shape[1:], np.nan)
    some = np.isfinite(table).any(axis=0)
    out[some] = np.nanmedian(table[:, some], axis=0)
    return out


def _steadied(wave):
    """Draw each bound towards that of the other leads in this beat and of the other beats in this lead.

    A bound is taken relative to the peak of its own lead when beats are compared, and as a place in time when leads are.
    """
    own = 1.0 - _FROM_LEADS - _FROM_BEATS
    out = wave.copy()
    for row in (0, 2):
        from_peak = _median((wave[row] - wave[1]).T)[:, None] + wave[1]
        out[row] = own * wave[row] + _FROM_LEADS * _median(wave[row]) + _FROM_BEATS * from_peak
    return out


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
