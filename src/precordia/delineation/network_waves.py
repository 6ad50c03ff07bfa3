# SPDX-License-Identifier: Apache-2.0
"""From probabilities at 125 Hz to waves: all leads are read together, each keeps its own bounds."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float

#: times are counted in 250 Hz samples of the network's input; a step of its answer is two of them
STEP = 2.0
STEP_MS = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the waves of one kind are read.

    Attributes
    ----------
    seed
        Mean probability over leads that starts a wave.
    present
        Confidence from which a lead is said to have the wave.
    shared
        Weight of the other leads in that confidence.
    pad
        Steps looked at beyond the seed, on either side.
    shortest
        Least duration over leads, steps.
    trust
        Probability from which a lead's own bounds are taken; below, they lean on the other leads.
    unsure
        Standard error of a bound, ms, beyond which it is left out.
    reach
        Samples on either side in which the peak is looked for on the signal.
    """

    seed: float
    present: float
    shared: float
    pad: int
    shortest: float
    trust: float
    unsure: float
    reach: int


READINGS = {
    "p": Reading(
        seed=0.25, present=0.6, shared=0.5, pad=9, shortest=3.0, trust=0.5, unsure=45, reach=6
    ),
    "qrs": Reading(
        seed=0.3, present=0.45, shared=0.5, pad=7, shortest=3.5, trust=0.5, unsure=40, reach=3
    ),
    "t": Reading(
        seed=0.25, present=0.5, shared=0.4, pad=16, shortest=4.0, trust=0.5, unsure=80, reach=8
    ),
}


def read_waves(
    probability: Float[np.ndarray, "6 lead step"], signal: Float[np.ndarray, "lead sample"]
) -> dict[str, Float[np.ndarray, "4 lead wave"]]:
    """Read the waves of all leads.

    Parameters
    ----------
    probability
        Of P, QRS and T, and of their peaks, at 125 Hz.
    signal
        What the network saw (linear channel), 250 Hz.

    Returns
    -------
    For ``"p"``, ``"qrs"``, ``"t"``: onset, peak, offset (250 Hz samples) and confidence, of each
    lead and each wave of the record; NaN times where a lead does not have the wave.

    Notes
    -----
    A wave starts where the mean probability over leads is high. Around it, the probability that a
    sample lies in the wave, seen as a function of time, is the distribution function of the
    unknown onset; its integral is the expected onset, the estimate of least squared error. The
    offset is read likewise, and both are finer than a sample. A lead in which the wave hardly
    shows borrows the median bounds of the others. A bound whose standard error (from the second
    moment of the same distribution) is beyond `Reading.unsure`, or that lies beyond the ends of
    the recording, is NaN.

    Examples
    --------
    >>> p = np.zeros((6, 2, 500), np.float32)
    >>> p[1, :, 100:112] = p[4, :, 105] = 1
    >>> onset, peak, offset, confidence = read_waves(p, np.ones((2, 1000), np.float32))["qrs"]
    >>> onset[:, 0], offset[:, 0]
    (array([199.5, 199.5]), array([223.5, 223.5]))
    """
    table, kind, keep = _read_kinds(probability, signal)
    found = {name: table[:, :, keep & (kind == row)] for row, name in enumerate(READINGS)}
    found["t"] = _one_t_per_beat(found["qrs"], found["t"])
    _in_order(found["p"], found["qrs"])
    _in_order(found["qrs"], found["t"])
    return found


def _of_each(name: str) -> np.ndarray:
    return np.array([getattr(reading, name) for reading in READINGS.values()])


#: what `Reading` says, one value for each kind
_SEED, _PRESENT, _SHARED, _PAD, _SHORTEST, _TRUST, _UNSURE, _REACH = (
    _of_each(field) for field in Reading.__slots__
)


def _runs(mean: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Kind, start and stop of each stretch above the seed, kind after kind."""
    n = mean.shape[1]
    on = np.zeros((3, n + 2), bool)
    on[:, 1:-1] = mean > _SEED[:, None]
    edge = np.flatnonzero(on[:, 1:] != on[:, :-1])
    kind = edge[::2] // (n + 1)
    start, stop = edge[::2] - kind * (n + 1), edge[1::2] - kind * (n + 1)
    if len(start) > 1:  # a short dip does not part a wave
        apart = (start[1:] - stop[:-1] > 4) | (kind[1:] != kind[:-1])
        first = np.r_[True, apart]
        kind, start, stop = kind[first], start[first], stop[np.r_[apart, True]]
    return kind, start, stop


def _windows(kind, start, stop, n):
    """From where to where each wave is looked at: the pad, or half-way to the next of its kind."""
    pad = _PAD[kind]
    before, after = -2 * pad, n + 2 * pad
    same = kind[1:] == kind[:-1]
    before[1:][same], after[:-1][same] = stop[:-1][same], start[1:][same]
    low = np.maximum(np.maximum(start - pad, -((-before - start) // 2)), 0)
    high = np.minimum(np.minimum(stop + pad, (stop + after) // 2), n)
    return low, high


def _read_kinds(p: np.ndarray, signal: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All waves, the kind of each, and which of them count; the kinds are read in one sweep."""
    n_leads, n = p.shape[1:]
    kind, start, stop = _runs(p[:3].mean(1))
    if len(kind) == 0:
        return np.empty((4, n_leads, 0)), kind, np.zeros(0, bool)
    low, high = _windows(kind, start, stop, n)
    step = np.arange((high - low).max())
    at = low[:, None] + step
    outside = at >= high[:, None]
    at = np.minimum(at, n - 1)
    cut = np.searchsorted(kind, np.arange(4))
    parts = [slice(a, b) for a, b in pairwise(cut)]
    q, tips = np.empty((2, n_leads, *at.shape))  # lead, wave, place
    for row, part in enumerate(parts):
        q[:, part], tips[:, part] = p[row][:, at[part]], p[row + 3][:, at[part]]
    q[:, outside] = 0.0
    most = np.maximum(q.max(2), 1e-6)
    mass = np.cumsum(q, axis=2)
    core = np.argmax(mass >= 0.5 * mass[:, :, -1:], axis=2) + 1
    left = np.take_along_axis(mass, core[..., None] - 1, 2)[..., 0]
    before, after = left / most, (mass[:, :, -1] - left) / most
    onset, offset = low + core - before, low + core + after
    # the second moment of the same distribution gives the standard error
    away = step + 0.5 - core[..., None]
    second = np.abs(away) * q
    early = 2 * np.einsum("lwk,lwk->lw", second, away < 0)
    second = 2 * second.sum(2)
    error = np.maximum([early / most - before**2, (second - early) / most - after**2], 0)
    unknown = error > (_UNSURE[kind] / STEP_MS) ** 2
    # cut by the ends of the recording
    unknown[0] |= (low == 0) & (q[:, :, 0] > 0.3 * most)
    if (high == n).any():
        last = np.take_along_axis(q, np.maximum(high - low - 1, 0)[None, :, None], 2)[..., 0]
        unknown[1] |= (high == n) & (last > 0.3 * most)
    trust = _TRUST[kind]
    clear = (most >= trust) | (most >= most.max(0))
    if not clear.all():
        sure = np.minimum(most / trust, 1.0) ** 2
        for bound in (onset, offset):
            bound[...] = sure * bound + (1 - sure) * median_over_leads(
                np.where(clear, bound, np.nan)
            )
    shared = _SHARED[kind]
    confidence = (1 - shared) * most + shared * most.mean(0)
    keep = median_over_leads(offset - onset) >= _SHORTEST[kind]
    keep &= confidence.max(0) >= _PRESENT[kind]
    place = low[:, None] + step
    wave = (place >= onset[..., None] - 0.5) & (place < offset[..., None] + 0.5)
    tips += 1e-6
    tips *= wave
    peak = (np.argmax(tips, axis=2) + low) * STEP + 0.5
    onset, offset = onset * STEP - 0.5, offset * STEP - 0.5
    peak = _on_the_signal(np.clip(peak, onset, offset), onset, offset, signal, _REACH[kind])
    out = np.stack([onset, peak, offset, np.clip(confidence, 0, 1)])
    out[:3, confidence < _PRESENT[kind]] = np.nan
    out[0, unknown[0]] = out[2, unknown[1]] = np.nan
    return out, kind, keep


def _on_the_signal(peak, onset, offset, signal, reach):
    """Move peaks to the nearest extremum of the signal, finer than a sample."""
    n_leads, n = signal.shape
    far = int(reach.max())
    if n < 2 * far + 3:
        return peak
    lead = np.arange(n_leads)[:, None]
    whole = lambda t: np.clip(np.rint(t).astype(int), 0, n - 1)  # noqa: E731
    centre = np.clip(whole(peak), reach + 1, n - 2 - reach)
    step = np.arange(-far - 1, far + 2)
    near = signal[lead[..., None], np.clip(centre[..., None] + step, 0, n - 1)]
    within = np.abs(step) <= reach[:, None] + 1
    mean = np.einsum("lwk,wk->lw", near, within) / (2 * reach + 3)
    ends = 0.5 * (signal[lead, whole(onset)] + signal[lead, whole(offset)])
    sign = np.where(mean >= ends, 1.0, -1.0)
    near *= sign[..., None]
    near[:, np.abs(step) > reach[:, None]] = -np.inf
    best = centre + np.argmax(near, axis=2) - far - 1
    a, b, c = (sign * signal[lead, best + k] for k in (-1, 0, 1))
    summit = (b >= a) & (b >= c) & (b > np.minimum(a, c))
    bend = np.where(summit, a - 2 * b + c, -1.0)
    fine = best + 0.5 * (a - c) / bend
    return np.where(summit & (fine > onset) & (fine < offset), fine, peak)


def _one_t_per_beat(qrs: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Between two QRS complexes only the likeliest T stays."""
    if t.shape[2] < 2:
        return t
    beat = np.searchsorted(np.sort(median_over_leads(qrs[1])), median_over_leads(t[1]))
    order = np.lexsort((-t[3].mean(0), beat))
    best = order[np.r_[True, np.diff(beat[order]) > 0]]
    return t[:, :, np.sort(best)]


def median_over_leads(x: Float[np.ndarray, "lead wave"]) -> Float[np.ndarray, " wave"]:
    """Take the median over leads; NaN are left out.

    Parameters
    ----------
    x
        One value for each lead and wave.

    Returns
    -------
    One value for each wave, NaN where no lead has one.

    Examples
    --------
    >>> median_over_leads(np.array([[1.0, np.nan], [3.0, np.nan], [np.nan, np.nan]]))
    array([ 2., nan])
    """
    x = np.sort(x, axis=0)
    n = len(x) - np.isnan(x).sum(0)
    k = np.arange(x.shape[1])
    return 0.5 * (x[np.maximum(n - 1, 0) // 2, k] + x[n // 2 % max(len(x), 1), k])


def _in_order(first: np.ndarray, then: np.ndarray) -> None:
    """Where a wave would end after the next one starts, both meet in the middle."""
    if not first.shape[2] or not then.shape[2]:
        return
    after = np.searchsorted(median_over_leads(then[1]), median_over_leads(first[1]))
    near = np.minimum(after, then.shape[2] - 1)
    meet = (first[2] > then[0][:, near]) & (after < then.shape[2])
    for k in np.flatnonzero(meet.any(0)):
        j = after[k]
        crossed = first[2, :, k] > then[0, :, j]
        middle = 0.5 * (first[2, crossed, k] + then[0, crossed, j])
        first[2, crossed, k] = then[0, crossed, j] = middle
