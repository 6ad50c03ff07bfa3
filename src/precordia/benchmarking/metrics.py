# SPDX-License-Identifier: Apache-2.0
"""Metrics: what is counted, and what the counts say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Real

from precordia.core.value import Value
from precordia.delineation.matching import match

RATES = ("se", "ppv", "f1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits(Value):
    """How many of a reference were found, and how far off.

    Attributes
    ----------
    tp, fn, fp
        Found, missed, invented.
    offsets_ms
        Found minus reference of each pair, ms.
    """

    tp: int
    fn: int
    fp: int
    offsets_ms: Float[np.ndarray, " fiducial"]


def count_hits(
    reference: Real[np.ndarray, " fiducial"],
    found: Real[np.ndarray, " _"],
    fs: float | int,
    *,
    window_ms: float | int = 150.0,
    excluded: Sequence[tuple[float | int, float | int]] = (),
) -> Hits:
    """Count what was found of a reference; positions are samples, NaN is nothing.

    Parameters
    ----------
    reference, found
        Positions in any order.
    fs
        Sampling rate, Hz.
    window_ms
        Largest distance of a pair, ms.
    excluded
        Stretches (first and last sample, both included) in which nothing counts. Pairs are made
        over the whole record before, so that the border of a stretch makes no error: a reference
        outside counts as found by a point inside, and a point outside that belongs to a reference
        inside is not an invention.

    Returns
    -------
    The counts and offsets.

    Examples
    --------
    >>> hits = count_hits(np.array([100.0, 900.0]), np.array([107.0, 500.0]), 1000.0)
    >>> hits.tp, hits.fn, hits.fp, hits.offsets_ms
    (1, 1, 1, array([7.]))
    """
    reference, found = _ascending(reference), _ascending(found)
    i, j = match(reference, found, window_ms * fs / 1000)
    wanted, alone = np.ones(reference.size, bool), np.ones(found.size, bool)
    alone[j] = False
    for first, last in excluded:
        wanted &= (reference < first) | (reference > last)
        alone &= (found < first) | (found > last)
    counted = wanted[i]
    tp = int(counted.sum())
    offsets = 1000.0 * (found[j] - reference[i])[counted] / fs
    return Hits(tp=tp, fn=int(wanted.sum()) - tp, fp=int(alone.sum()), offsets_ms=offsets)


def _ascending(positions) -> np.ndarray:
    positions = np.asarray(positions, float).ravel()
    return np.sort(positions[np.isfinite(positions)])


def rate(name: str, tp, fn, fp):
    """Return sensitivity (``"se"``), positive predictive value (``"ppv"``) or ``"f1"``.

    Counts may be arrays. NaN where the denominator is nothing.

    Examples
    --------
    >>> float(rate("f1", 9, 1, 2).round(4))
    0.8571
    """
    tp, fn, fp = (np.asarray(v, float) for v in (tp, fn, fp))
    over, under = {
        "se": (tp, tp + fn),
        "ppv": (tp, tp + fp),
        "f1": (2 * tp, 2 * tp + fn + fp),
    }[name]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(under > 0, over / under, np.nan)


def median_deviation(values: Real[np.ndarray, " fiducial"]) -> float:
    """Return the median absolute deviation from the median, unscaled; NaN of nothing."""
    values = np.asarray(values, float)
    if not values.size:
        return math.nan
    return float(np.median(np.abs(values - np.median(values))))


def jf(
    reference: Real[np.ndarray, " fiducial"],
    found: Real[np.ndarray, " _"],
    fs: float | int,
    *,
    window_ms: float | int = 150.0,
    trimmed: int = 2,
) -> float:
    """Join detection and steadiness of R-peaks in one number: F1 / (1 + MAD / 10 ms).

    Parameters
    ----------
    reference, found
        Positions in samples.
    fs
        Sampling rate, Hz.
    window_ms
        Largest distance of a pair, ms.
    trimmed
        Beats at each end of the record that do not count.

    Returns
    -------
    0 (nothing found) to 1; NaN where no reference beat is left.

    Notes
    -----
    After Porr and Macfarlane. *Departures*: pairs are one to one within a window; the constant
    delay is taken out by the median of the offsets of the pairs, so it is forgiven only as far as
    the window allows; two beats are trimmed at each end.

    References
    ----------
    Porr B, Macfarlane PW. PLoS One 2024;19:e0309739. doi:10.1371/journal.pone.0309739

    Examples
    --------
    >>> beats = np.arange(10) * 800.0
    >>> jf(beats, beats + 30, 1000.0)
    1.0
    """
    reference, found = _ascending(reference), _ascending(found)
    if reference.size <= 2 * trimmed:
        return math.nan
    reach = window_ms * fs / 1000
    first, last = trimmed, reference.size - trimmed
    i, j = match(reference, found, reach)
    inner = (i >= first) & (i < last)
    alone = np.ones(found.size, bool)
    alone[j] = False
    alone &= (found >= reference[first] - reach) & (found <= reference[last - 1] + reach)
    tp = int(inner.sum())
    offsets = 1000.0 * (found[j] - reference[i])[inner] / fs
    return joined(float(rate("f1", tp, last - first - tp, alone.sum())), median_deviation(offsets))


def joined(f1: float, deviation_ms: float) -> float:
    """Return F1 / (1 + MAD / 10 ms); 0 where nothing was found."""
    if not (math.isfinite(f1) and math.isfinite(deviation_ms)):
        return 0.0
    return f1 / (1 + deviation_ms / 10.0)


def auroc(
    positive: Bool[np.ndarray, " _"],
    score: Real[np.ndarray, " _"],
    weights: Real[np.ndarray, "batch _"] | None = None,
) -> Float[np.ndarray, " batch"]:
    """Return the area under the ROC curve, ties counted half, for each row of weights.

    Parameters
    ----------
    positive
        Truth.
    score
        High where the method says positive; finite.
    weights
        How often each record counts, a row a draw. One row of ones by default.

    Returns
    -------
    One area a row; NaN where a row holds one class only.

    Examples
    --------
    >>> auroc(np.array([True, True, False]), np.array([0.9, 0.4, 0.4]))
    array([0.75])
    """
    positive, score = np.asarray(positive, bool), np.asarray(score, float)
    if weights is None:
        weights = np.ones((1, score.size))
    _, level = np.unique(score, return_inverse=True)
    order = np.argsort(level, kind="stable")
    starts = np.searchsorted(level[order], np.arange(level.max() + 1 if level.size else 0))
    weights = np.asarray(weights, float)[:, order]
    truth = positive[order]
    yes = np.add.reduceat(weights * truth, starts, axis=1)
    no = np.add.reduceat(weights * ~truth, starts, axis=1)
    below = np.cumsum(no, axis=1) - no
    won = (yes * (below + 0.5 * no)).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return won / (yes.sum(axis=1) * no.sum(axis=1))
