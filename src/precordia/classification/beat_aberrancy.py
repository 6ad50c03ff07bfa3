# SPDX-License-Identifier: Apache-2.0
"""Which wide beats come from the atria and met a refractory bundle branch: by textbook criteria."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from precordia.classification.beat_alignment import Aligned, centred, dot, levelled, middle, size
from precordia.classification.beat_cuts import BEFORE, QRS, RATE_HZ, WIDTH, P
from precordia.classification.beat_timing import NAMES
from precordia.core.beats import JUDGED

#: a family is judged by so many beats that are so like it
_FEWEST, _CLEAR = 3, 0.75
#: logarithms: so early, with a next beat in time, so much less than a compensatory pause
_EARLY, _NEXT_IN_TIME, _PAIR = float(np.log(0.8)), -0.1, -0.1
#: correlation of the beginning of the QRS complex; correlation of P times its gain
_ONSET_FIT, _P_SEEN = 0.8, 0.2
#: the beginning: samples, how far it may be moved, and the share of the movement before it
_ONSET, _REACH, _BEGUN = 8, 7, 0.03
#: how far P may come before and after its place in the usual beat, samples
_SOONER, _LATER = 14, 2
#: what is nearer to the R-peak before is its own QRS complex
_OWN_QRS = 12
#: a T wave is learned from beats that are followed by no other for so long, s
_ALONE_S = 0.75
_TINY = 1e-6
_S, _V = JUDGED.index("S"), JUDGED.index("V")


def aberrant_beats(
    aligned: Aligned, rr: Float[np.ndarray, " beat"], timing: Float[np.ndarray, "beat dim"]
) -> Bool[np.ndarray, " beat"]:
    """Tell which beats are of a family of aberrantly conducted atrial premature ones.

    Parameters
    ----------
    aligned
        The beats.
    rr
        Interval before each beat, s; NaN where not known.
    timing
        From `precordia.classification.beat_timing.timing_features`.

    Returns
    -------
    The beats of families, other than the usual one, whose medians meet four criteria at once.

    Notes
    -----
    - The beats come early (less than 80 percent of the usual interval), and the next one in time.
    - The pause is not compensatory: both intervals together are less than 90 percent of two usual
      ones, since the sinus node was reset. That of most ventricular beats is.
    - They begin as the usual beat does: their first 64 ms correlate with its by more than 0.8,
      since only a bundle branch is late, while a ventricular beat begins elsewhere.
    - A P wave stands before them, on the T wave if need be. What follows the beat before (the
      median of its family where no beat follows soon) is subtracted; what is left must resemble the
      patient's P wave, from 112 ms sooner to 16 ms later than usual.

    The criteria are those of textbooks, their limits round numbers set with DS1 in view, of whose
    records one (201) has such families.

    References
    ----------
    Sandler IA, Marriott HJL. Circulation 1965;31:551-556. doi:10.1161/01.CIR.31.4.551
    """
    pre, post, pair = (timing[:, NAMES.index(name)] for name in ("pre", "post", "pair"))
    families, clear = aligned.families, aligned.families.fit.max(axis=1) >= _CLEAR
    likely = np.zeros(rr.size, dtype=bool)
    for family in np.unique(families.member):
        rows = (families.member == family) & clear
        if (
            family != families.usual
            and rows.sum() >= _FEWEST
            and np.median(pre[rows]) < _EARLY
            and np.median(post[rows]) > _NEXT_IN_TIME
            and np.median(pair[rows]) < _PAIR
        ):
            likely |= rows
    if not likely.any():
        return likely
    onset, p_wave = _onset_fit(aligned, likely), _p_seen(aligned, rr, likely)
    member = families.member[likely]
    told = [
        family
        for family in np.unique(member)
        if np.median(onset[member == family]) > _ONSET_FIT
        and np.median(p_wave[member == family]) > _P_SEEN
    ]
    return likely & np.isin(families.member, told)


def as_premature(
    probability: Float[np.ndarray, "beat 4"], aberrant: Bool[np.ndarray, " beat"]
) -> Float[np.ndarray, "beat 4"]:
    """Give the share of V to S where beats are conducted aberrantly.

    Parameters
    ----------
    probability
        Of N, S, V and F.
    aberrant
        From `aberrant_beats`.

    Returns
    -------
    The new probabilities.

    Examples
    --------
    >>> as_premature(np.array([[0.1, 0.3, 0.6, 0.0]]), np.array([True])).round(2).tolist()
    [[0.1, 0.9, 0.0, 0.0]]
    """
    out = probability.copy()
    out[aberrant, _S] += out[aberrant, _V]
    out[aberrant, _V] = 0.0
    return out


def _onset_fit(aligned: Aligned, rows: np.ndarray) -> Float[np.ndarray, " beat"]:
    """Correlate the first 64 ms of QRS complexes with the usual one's, moved a little."""
    speed = np.sqrt((np.diff(aligned.late[:, QRS], axis=1) ** 2).sum(axis=0))
    speed = np.maximum(speed - np.quantile(speed, 0.25), 0.0)
    share = np.cumsum(speed) / (speed.sum() + _TINY)
    begin = QRS.start + max(0, int(np.argmax(share > _BEGUN)) - 2)
    usual, moved = centred(aligned.late[:, begin : begin + _ONSET]), aligned.moved[rows]
    fits = []
    for lag in range(-_REACH, _REACH + 1):
        own = centred(moved[:, :, begin + lag : begin + lag + _ONSET])
        fits.append(dot(own, usual) / (size(own) * size(usual) + _TINY))
    return np.max(fits, axis=0)


def _p_seen(aligned: Aligned, rr: np.ndarray, rows: np.ndarray) -> Float[np.ndarray, " beat"]:
    """Return how much of the usual P wave stands before beats: correlation times gain, at best."""
    rest = _rest(aligned, rr, np.flatnonzero(rows))
    p = levelled(aligned.late[:, P])
    norm = size(p) + _TINY
    fits, gains = [], []
    for lag in range(0, _SOONER + _LATER + 1, 2):
        part = levelled(rest[:, :, lag : lag + P.stop - P.start])
        common = dot(part, p)
        fits.append(common / ((size(part) + _TINY) * norm))
        gains.append(common / norm**2)
    return np.maximum(np.max(fits, axis=0), 0.0) * np.clip(np.max(gains, axis=0), 0.0, 2.0)


def _rest(aligned: Aligned, rr: np.ndarray, rows: np.ndarray) -> Float[np.ndarray, ...]:
    """Subtract what follows the beat before, in the places where P is looked for."""
    before = np.maximum(rows - 1, 0)
    low, high = P.start - _SOONER, P.stop + _LATER
    before_r = np.arange(low, high) - BEFORE
    member, lag = aligned.families.member, aligned.families.lag
    post = np.nan_to_num(np.append(rr[1:], np.nan), nan=9.0)
    samples = np.nan_to_num(rr[rows], nan=4.0) * RATE_HZ
    at = np.round(samples + lag[rows] - lag[before]).astype(int)[:, None] + before_r
    expected = np.zeros((rows.size, aligned.moved.shape[1], high - low), np.float32)
    for family in np.unique(member[before]):
        those = np.flatnonzero(member == family)
        those = those[post[those] >= min(_ALONE_S, float(np.median(post[those])))]
        tail = np.zeros((aligned.moved.shape[1], WIDTH - BEFORE + 1), np.float32)
        tail[:, :-1] = middle(aligned.moved[those][:, :, BEFORE:])
        tail[:, :-1] -= tail[:, -9:-1].mean(axis=1, keepdims=True)
        here = member[before] == family
        expected[here] = tail[:, np.clip(at[here], 0, tail.shape[1] - 1)].swapaxes(0, 1)
    known = np.round(samples)[:, None] + before_r >= _OWN_QRS
    return (aligned.moved[rows][:, :, low:high] - expected) * known[:, None]
