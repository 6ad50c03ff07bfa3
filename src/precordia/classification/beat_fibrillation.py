# SPDX-License-Identifier: Apache-2.0
"""Which beats lie in atrial fibrillation, where no beat is premature: by plain rules."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from precordia.classification.beat_alignment import Aligned, levelled
from precordia.classification.beat_cuts import QRS, P
from precordia.classification.beat_families import width_ms
from precordia.classification.beat_timing import running
from precordia.core.beats import JUDGED

#: how many beats on either side are looked at: for intervals; for P waves
_REACH, _NEAR, _FAR = 30, 20, 60
#: steps (logarithm) between intervals, intervals alike, and common P waves of a steady rhythm
_STEADY, _ALIKE, _SHARE_ALIKE, _P_TOGETHER = 0.05, 0.07, 0.4, 0.3
#: intervals of the patient's own beats that come in time, and of families that do (logarithm)
_EARLY, _FAMILY_EARLY = float(np.log(0.88)), float(np.log(0.9))
#: a family of the patient's own rhythm is no rarer (share and number) and no wider than so
_RARE, _FEW, _WIDER, _CLEAR = 0.02, 4, 1.3, 0.75
_FEWEST_CALM, _FEWEST_STEPS = 3, 5
#: fewer intervals, as in ten seconds, do not tell fibrillation from sinus arrhythmia
_FEWEST_AROUND = 30
_TINY, _CHUNK = 1e-6, 1000
_N, _S = JUDGED.index("N"), JUDGED.index("S")


def in_fibrillation(
    aligned: Aligned, rr: Float[np.ndarray, " beat"], early: Float[np.ndarray, " beat"]
) -> Bool[np.ndarray, " beat"]:
    """Tell which beats lie in atrial fibrillation.

    Parameters
    ----------
    aligned
        The beats.
    rr
        Interval before each beat, s; NaN where not known.
    early
        Logarithm of the interval before each beat as a share of those around.

    Returns
    -------
    Where three things hold at once.

    Notes
    -----
    *Calm* beats are of the patient's own rhythm (the usual family, and others that come in time and
    are hardly wider) and neither early nor after an odd one, so that ectopic beats alone make no
    rhythm irregular. A beat lies in fibrillation where

    - the median step between intervals of calm beats, 30 before to 30 after it, is above 5 percent
      (of all beats where fewer than five steps are calm);
    - fewer than 40 percent of those 61 intervals lie within 7 percent of one another;
    - what stands before calm beats has a mean correlation below 0.3, among 20 on either side and
      among 60: no P wave repeats.

    Fewer than 30 intervals, as in recordings of ten seconds, are not judged: sinus arrhythmia with
    early beats or a long PR interval passes for fibrillation there. Round numbers, set once with
    DS1 in view; nothing was fitted. In paroxysms each beat is judged by those around it, so short
    ones are missed. Atrial tachycardia from many foci passes for fibrillation.
    """
    calm = _calm_beats(aligned, rr, early)
    irregular = _median_step(rr, calm) > _STEADY
    irregular &= _share_alike(rr) < _SHARE_ALIKE
    if not irregular.any():
        return irregular
    p = levelled(aligned.moved[:, :, P]).reshape(calm.size, -1) * calm[:, None]
    return irregular & (
        np.maximum(_together(p, calm, _NEAR), _together(p, calm, _FAR)) < _P_TOGETHER
    )


def without_premature(
    probability: Float[np.ndarray, "beat 4"], fibrillation: Bool[np.ndarray, " beat"]
) -> Float[np.ndarray, "beat 4"]:
    """Give the share of S to the other classes where there is fibrillation.

    Parameters
    ----------
    probability
        Of N, S, V and F.
    fibrillation
        From `in_fibrillation`.

    Returns
    -------
    The new probabilities; N, V and F share what S had as they stand.

    Examples
    --------
    >>> shares = np.array([[0.4, 0.5, 0.1, 0.0]] * 2)
    >>> without_premature(shares, np.array([False, True])).round(3).tolist()
    [[0.4, 0.5, 0.1, 0.0], [0.8, 0.0, 0.2, 0.0]]
    """
    out = probability[fibrillation]
    out[:, _S] = 0.0
    # a beat that was S beyond any doubt is N
    out[:, _N] += _TINY
    shared = probability.copy()
    shared[fibrillation] = out / out.sum(axis=1, keepdims=True)
    return shared


def _calm_beats(aligned: Aligned, rr: np.ndarray, early: np.ndarray) -> Bool[np.ndarray, " beat"]:
    families, own = aligned.families, aligned.usual.copy()
    width = width_ms(aligned.moved[:, :, QRS])
    usual_width = np.median(width[own])
    clear = families.fit.max(axis=1) >= _CLEAR
    for family in np.unique(families.member):
        rows = families.member == family
        if (
            rows.sum() >= max(_FEW, _RARE * rows.size)
            and np.median(early[rows]) > _FAMILY_EARLY
            and np.median(width[rows]) < _WIDER * usual_width
        ):
            own |= rows & clear
    calm = own & (early > _EARLY) & np.append(True, own[:-1]) & np.isfinite(rr)
    return calm if calm.sum() >= _FEWEST_CALM else aligned.usual


def _median_step(rr: np.ndarray, calm: np.ndarray) -> Float[np.ndarray, " beat"]:
    step = np.abs(np.log(rr / np.append(np.nan, rr[:-1])))
    known = calm & np.append(False, calm[:-1]) & np.isfinite(step)
    median = running(np.where(known, step, np.nan), _REACH, 0.5)
    few = running(known.astype(float), _REACH) * (2 * _REACH + 1) < _FEWEST_STEPS
    if few.any():
        median = np.where(few, running(step, _REACH, 0.5), median)
    return np.nan_to_num(median)


def _share_alike(rr: np.ndarray) -> Float[np.ndarray, " beat"]:
    """Return the largest share of the intervals around each beat that are alike, 1 of too few."""
    padded = np.pad(np.log(rr), _REACH, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * _REACH + 1)
    share = np.zeros(rr.size)
    for start in range(0, rr.size, _CHUNK):
        # sorted, NaN last: of each interval, how many that are no shorter lie near it
        some = np.sort(windows[start : start + _CHUNK], axis=1)
        near = np.ones(some.shape, np.int64)
        for by in range(1, some.shape[1]):
            alike = some[:, by:] - some[:, :-by] < _ALIKE
            if not alike.any():
                break
            near[:, :-by] += alike
        count = np.isfinite(some).sum(axis=1)
        alike = near.max(axis=1) / np.maximum(count, 1)
        share[start : start + _CHUNK] = np.where(count < _FEWEST_AROUND, 1.0, alike)
    return share


def _together(p: np.ndarray, calm: np.ndarray, reach: int) -> Float[np.ndarray, " beat"]:
    """Mean correlation, weighted by size, of what stands before two calm beats around."""
    low = np.maximum(np.arange(calm.size) - reach, 0)
    high = np.minimum(np.arange(calm.size) + reach + 1, calm.size)

    def around(x: np.ndarray) -> np.ndarray:
        total = np.cumsum(np.concatenate([np.zeros_like(x[:1]), x]), axis=0, dtype=np.float64)
        return total[high] - total[low]

    count, own = around(calm.astype(float)), around((p**2).sum(axis=1))
    common = (around(p) ** 2).sum(axis=1) - own
    return np.where(count > 1, common / (np.maximum(count - 1, 1) * own + _TINY), 0.0)
