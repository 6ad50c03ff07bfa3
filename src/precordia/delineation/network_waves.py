# SPDX-License-Identifier: Apache-2.0
"""From probabilities at 125 Hz to waves: all leads are read together, each keeps its own bounds."""

from __future__ import annotations

from dataclasses import dataclass

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
    found = {}
    for row, (kind, reading) in enumerate(READINGS.items()):
        found[kind] = _read_kind(probability[row], probability[row + 3], signal, reading)
    found["t"] = _one_t_per_beat(found["qrs"], found["t"])
    _in_order(found["p"], found["qrs"])
    _in_order(found["qrs"], found["t"])
    return found


def _runs(mean: np.ndarray, reading: Reading) -> tuple[np.ndarray, np.ndarray]:
    on = np.concatenate([[False], mean > reading.seed, [False]])
    edge = np.flatnonzero(on[1:] != on[:-1])
    start, stop = edge[::2], edge[1::2]
    if len(start) > 1:  # a short dip does not part a wave
        apart = start[1:] - stop[:-1] > 4
        start, stop = start[np.r_[True, apart]], stop[np.r_[apart, True]]
    return start, stop


def _read_kind(p: np.ndarray, tip: np.ndarray, signal: np.ndarray, reading: Reading) -> np.ndarray:
    n_leads, n = p.shape
    start, stop = _runs(p.mean(0), reading)
    if len(start) == 0:
        return np.empty((4, n_leads, 0))
    half = (np.r_[-2 * reading.pad, stop[:-1]] + start) / 2
    low = np.maximum(np.maximum(start - reading.pad, np.ceil(half)), 0).astype(int)
    half = (stop + np.r_[start[1:], n + 2 * reading.pad]) / 2
    high = np.minimum(np.minimum(stop + reading.pad, np.floor(half)), n).astype(int)
    at = low[:, None] + np.arange((high - low).max())
    inside = at < high[:, None]
    at = np.minimum(at, n - 1)
    q = np.where(inside, p[:, at], 0.0).astype(np.float64)  # lead, wave, place
    most = np.maximum(q.max(2), 1e-6)
    mass = np.cumsum(q, axis=2)
    core = np.argmax(mass >= 0.5 * mass[:, :, -1:], axis=2) + 1
    left = np.take_along_axis(mass, core[..., None] - 1, 2)[..., 0]
    before, after = left / most, (mass[:, :, -1] - left) / most
    onset, offset = low + core - before, low + core + after
    # the second moment of the same distribution gives the standard error
    away = np.abs(np.arange(q.shape[2]) + 0.5 - core[..., None])
    second = np.cumsum(2 * away * q, axis=2)
    early = np.take_along_axis(second, core[..., None] - 1, 2)[..., 0]
    error = np.sqrt(
        np.maximum([early / most - before**2, (second[..., -1] - early) / most - after**2], 0)
    )
    unknown = error > reading.unsure / STEP_MS
    unknown[0] |= (low == 0) & (q[:, :, 0] > 0.3 * most)  # cut by the ends of the recording
    last = np.take_along_axis(q, np.maximum(high - low - 1, 0)[None, :, None], 2)[..., 0]
    unknown[1] |= (high == n) & (last > 0.3 * most)
    sure = np.minimum(most / reading.trust, 1.0) ** 2
    clear = (most >= reading.trust) | (most >= most.max(0))
    if not clear.all():
        for bound in (onset, offset):
            bound[...] = sure * bound + (1 - sure) * median_over_leads(
                np.where(clear, bound, np.nan)
            )
    confidence = (1 - reading.shared) * most + reading.shared * most.mean(0)
    width = median_over_leads(offset - onset)
    keep = (width >= reading.shortest) & (confidence.max(0) >= reading.present)
    onset, offset, confidence = onset[:, keep], offset[:, keep], confidence[:, keep]
    unknown = unknown[:, :, keep]
    at, low = at[keep], low[keep]
    place = low[:, None] + np.arange(at.shape[1])
    wave = (place >= onset[..., None] - 0.5) & (place < offset[..., None] + 0.5)
    tips = np.where(wave, tip[:, at] + 1e-6, 0.0)
    peak = (np.argmax(tips, axis=2) + low) * STEP + 0.5
    onset, offset = onset * STEP - 0.5, offset * STEP - 0.5
    peak = _on_the_signal(np.clip(peak, onset, offset), onset, offset, signal, reading.reach)
    out = np.stack([onset, peak, offset, np.clip(confidence, 0, 1)])
    out[:3, confidence < reading.present] = np.nan
    out[0, unknown[0]] = out[2, unknown[1]] = np.nan
    return out


def _on_the_signal(peak, onset, offset, signal, reach):
    """Move peaks to the nearest extremum of the signal, finer than a sample."""
    n_leads, n = signal.shape
    if peak.size == 0 or n < 2 * reach + 3:
        return peak
    lead = np.arange(n_leads)[:, None]
    whole = lambda t: np.clip(np.rint(t).astype(int), 0, n - 1)  # noqa: E731
    centre = np.clip(whole(peak), reach + 1, n - 2 - reach)
    near = signal[lead[..., None], centre[..., None] + np.arange(-reach - 1, reach + 2)]
    ends = 0.5 * (signal[lead, whole(onset)] + signal[lead, whole(offset)])
    near = near * np.where(near.mean(2) >= ends, 1.0, -1.0)[..., None]
    best = np.argmax(near[..., 1:-1], axis=2) + 1
    a, b, c = (np.take_along_axis(near, (best + k)[..., None], 2)[..., 0] for k in (-1, 0, 1))
    summit = (b >= a) & (b >= c) & (b > np.minimum(a, c))
    bend = np.where(summit, a - 2 * b + c, -1.0)
    fine = centre + best - reach - 1 + 0.5 * (a - c) / bend
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
    for k, j in enumerate(after):
        if j == then.shape[2]:
            continue
        crossed = first[2, :, k] > then[0, :, j]
        if crossed.any():
            middle = 0.5 * (first[2, crossed, k] + then[0, crossed, j])
            first[2, crossed, k] = then[0, crossed, j] = middle
