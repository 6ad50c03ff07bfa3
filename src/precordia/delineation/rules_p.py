# SPDX-License-Identifier: Apache-2.0
"""P waves by rules: what returns at the same place before the QRS, beat after beat."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from precordia.delineation.rules_scales import Clock, bump_edges, hat, likeness, smooth, windows

_NEIGHBOURS = 15  # beats whose mean is taken as what is usual
_SMALLEST_MV = 0.01
_SHARE = (0.15, 0.45)  # of the steepest slope, where P begins and ends
_WIDTH_MS = 24.0  # half width of the place compared
#: log-odds of a P wave per unit of: coherence, likeness to the mean, log of its height over the
#: diastole, likeness of the QRS to the median QRS, beat that comes early; and the constant
_LOG_ODDS = np.array([7.2, 1.5, 1.5, 4.0, -0.8, -10.9])


def find_p_waves(
    rest: Float[np.ndarray, "lead sample"],
    x: Float[np.ndarray, "lead sample"],
    qrs: Int[np.ndarray, "2 beat"],
    t_end: Float[np.ndarray, " beat"],
    clock: Clock,
) -> Float[np.ndarray, "4 lead beat"]:
    """Find the P wave of each beat, or none.

    Parameters
    ----------
    rest
        Working signal whose QRS complexes are replaced by straight lines.
    x
        Working signal.
    qrs
        Onset and offset of each QRS over all leads.
    t_end
        Offset of each T wave over all leads; NaN where unknown.
    clock
        The working clock.

    Returns
    -------
    Onset, peak, offset in working samples and confidence, NaN where there is no P wave.

    Notes
    -----
    A bump before the QRS is not enough: fibrillation and noise have many. A P wave is judged in all
    leads together, by (1) coherence: the share of the energy of the curvature before the QRS that
    its mean over up to 15 neighbouring beats keeps, corrected for the number of beats (1 in sinus
    rhythm, 0 where every beat differs); (2) the likeness of this beat to that mean, within 40 ms;
    (3) the height of the mean over the curvature between T and P; (4) the likeness of the QRS to
    the median QRS; (5) whether the beat comes early. The log-odds of these five were fitted by
    logistic regression to the P waves of LUDB (cross-validated by record: F1 of 0.976 of whole
    beats). Early beats and beats with another QRS are left out of the mean.
    """
    n_beats = qrs.shape[1]
    beats = np.arange(n_beats)
    width = clock.samples(340)
    lag = np.arange(width)
    start = qrs[0] - width
    curve = hat(rest, clock.samples(20), clock.samples(52))
    h = windows(curve, start, width)
    at = start[:, None] + lag
    floor = _earliest(qrs, t_end, clock)
    allowed = (at >= floor[:, None]) & (at < (qrs[0] - clock.samples(24))[:, None]) & (at >= 0)
    z = np.where(allowed, h, 0.0)
    # what is usual before the QRS, among the beats around this one
    alike, early = _like_the_others(x, qrs, clock)
    usual = (alike > 0.8) & ~early
    weight = np.where(usual.sum() >= 0.5 * n_beats, usual, True).astype(float)[:, None]
    sums = _Neighbours(n_beats)
    members = np.maximum(sums(weight)[:, 0], 1.0)
    count = np.maximum(sums(allowed * weight), 1e-9)
    mean = sums(z * weight) / count
    rms = np.sqrt((mean**2).mean(axis=0))
    energy = sums((z**2).mean(axis=0) * weight) / count
    enough = count >= np.maximum(1.0, 0.4 * members)[:, None]
    prior = np.clip(1.0 - ((width - lag) * 1000 / clock.fs - 200) / 300, 0.4, 1.0)
    tau = np.argmax(np.where(enough, rms * prior, 0.0), axis=-1)
    # coherence there
    half = clock.samples(_WIDTH_MS)
    close = np.abs(lag - tau[:, None]) <= half
    whole = np.maximum(np.where(close, energy, 0).sum(-1), 1e-12)
    kept = np.where(close, rms**2, 0).sum(-1) / whole
    chance = 1 / np.maximum(members, 2)
    coherence = np.where(members > 2, (kept - chance) / (1 - chance), 0.8)
    place, resembles = _best_match(z, mean, tau, half, clock.samples(40))
    quiet = _diastole(curve, floor, start + place - clock.samples(80))
    height = np.log((rms[beats, tau] + 0.002) / (quiet + 0.002))
    features = [coherence, resembles, height, np.maximum(alike, 0), early, np.ones(n_beats)]
    score = _LOG_ODDS @ np.stack(features).astype(float)
    score[allowed.sum(-1) < clock.samples(50)] = -9.0
    # each lead: the largest bump at that place
    close = (np.abs(lag - place[:, None]) <= half) & allowed
    k = np.argmax(np.where(close, np.abs(h), -1), axis=-1)
    own = np.take_along_axis(h, k[..., None], -1)[..., 0]
    wave = bump_edges(
        smooth(rest, clock.samples(12)),
        start + k,
        np.sign(own),
        clock,
        reach_ms=90,
        share=_SHARE,
        between=(np.maximum(floor, start), qrs[0]),
    )
    typical = np.abs(mean[:, beats, np.clip(place, 0, width - 1)])
    seen = (score > 0) & (np.maximum(typical, np.abs(own)) > _SMALLEST_MV) & close.any(-1)
    sure = 1 / (1 + np.exp(-np.clip(score, -30, 30)))
    wave = np.stack([*wave, np.broadcast_to(sure, own.shape)])
    wave[:, ~seen] = np.nan
    return wave


def _earliest(qrs, t_end, clock: Clock):
    """Where the P wave of each beat may begin: after the T wave before it."""
    floor = np.full(qrs.shape[1], -1.0)
    after_qrs = qrs[1, :-1] + clock.samples(150)
    after_t = np.where(np.isfinite(t_end[:-1]), t_end[:-1], after_qrs)
    floor[1:] = np.minimum(after_t, qrs[0, 1:] - clock.samples(110))
    return floor


def _like_the_others(x, qrs, clock: Clock):
    """Correlation of each QRS with the median QRS over all leads, and whether it comes early."""
    early = np.zeros(qrs.shape[1], bool)
    rr = np.diff(qrs[0])
    if len(rr) > 2:
        early[1:] = rr < 0.8 * np.median(rr)
    return likeness(x, qrs[0] - clock.samples(12), clock.samples(150)), early


class _Neighbours:
    """Sums over the beats around each beat; the beats lie on the last axis but one."""

    def __init__(self, n_beats: int) -> None:
        self.many = min(n_beats, _NEIGHBOURS)
        self.first = np.clip(np.arange(n_beats) - self.many // 2, 0, n_beats - self.many)

    def __call__(self, v):
        c = np.concatenate([np.zeros_like(v[..., :1, :]), np.cumsum(v, axis=-2)], axis=-2)
        return c[..., self.first + self.many, :] - c[..., self.first, :]


def _best_match(z, mean, tau, half, reach):
    """Where near tau each beat is most like the mean, and how much."""
    width = z.shape[-1]
    beats = np.arange(z.shape[1])
    near = np.clip(tau[:, None] + np.arange(-half, half + 1), 0, width - 1)
    m = mean[:, beats[:, None], near]
    m2 = (m**2).sum((0, 2))
    shifts = np.arange(-reach, reach + 1, 2)
    same = np.empty((len(shifts), len(beats)))
    for row, by in zip(same, shifts, strict=True):
        g = z[:, beats[:, None], np.clip(near + by, 0, width - 1)]
        row[:] = (g * m).sum((0, 2)) / np.sqrt((g**2).sum((0, 2)) * m2 + 1e-12)
    best = np.argmax(same - 1e-3 * np.abs(shifts)[:, None], axis=0)
    return tau + shifts[best], same[best, beats]


def _diastole(curve, floor, stop):
    """Median curvature between the T wave and the P wave, over all leads together."""
    size = np.sqrt((curve**2).mean(axis=0))
    out = np.full(len(floor), np.nan)
    for k, (a, b) in enumerate(zip(np.maximum(floor, 0).astype(int), stop, strict=True)):
        if b - a > 15:
            out[k] = np.median(size[a:b])
    return np.where(np.isfinite(out), out, np.median(size))
