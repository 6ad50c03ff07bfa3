# SPDX-License-Identifier: Apache-2.0
"""How well onsets and offsets are told by classes of samples, with 95 % intervals over patients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from precordia.delineation.matching import match
from precordia.delineation.sample_waves import runs_of_class
from precordia.training.score_intervals import draws_of_patients, with_interval

#: a bound that is further off is another one, ms
TOLERANCE_MS = 150.0


def boundary_scores_with_intervals(
    said: Int[np.ndarray, "batch sample"],
    labels: Float[np.ndarray, "batch sample"],
    classes: Sequence[str],
    patients: Sequence[str],
    *,
    fs: float,
    tolerance_ms: float = TOLERANCE_MS,
) -> dict[str, Any]:
    """Return how many onsets and offsets are found, and how far off they are.

    Parameters
    ----------
    said, labels
        Class of each sample: as a model gives it, and as it is; NaN is unknown.
    classes
        Names; the first is the background.
    patients
        Of each window.
    fs
        Rate of the samples, Hz.
    tolerance_ms
        Largest distance of what is found from what was marked.

    Returns
    -------
    F1, sensitivity and positive predictive value, and mean and standard deviation of found minus
    marked, ms, of each onset and offset.

    Notes
    -----
    Found and marked bounds are paired one to one, as many as can be. A bound counts only where
    both of its sides are known; one at the border of what is known may be paired, and is then
    neither right nor wrong. Percentile intervals of 1000 draws of patients.

    Examples
    --------
    >>> labels = np.zeros((1, 100))
    >>> labels[0, 40:60] = 1
    >>> said = np.roll(labels, 1).astype(int)
    >>> told = boundary_scores_with_intervals(said, labels, ("background", "QRS"), "a", fs=250)
    >>> held = told["boundaries"]["QRS onset"]
    >>> held["f1"]["value"], held["mean_ms"]["value"], held["n_marked"]
    (1.0, 4.0, 1)
    """
    reach = tolerance_ms * fs / 1000
    weights = draws_of_patients(patients).astype(np.float64)
    told = {}
    for number, name in enumerate(classes):
        for end, side in enumerate(("onset", "offset")) if number else ():
            rows = zip(said, labels, strict=True)
            tally = np.array([_tally(a, b, number, end, reach, fs) for a, b in rows])
            sums = np.concatenate([tally.sum(axis=0)[None], weights @ tally])  # all, each draw
            found = {key: statistic(sums) for key, statistic in _STATISTICS.items()}
            told[f"{name} {side}"] = {
                **{key: with_interval(float(v[0]), v[1:]) for key, v in found.items()},
                "n_marked": int(sums[0, 0] + sums[0, 1]),
            }
    return {"boundaries": told, "tolerance_ms": tolerance_ms}


def _tally(
    said: np.ndarray, labels: np.ndarray, number: int, end: int, reach: float, fs: float
) -> tuple[float, ...]:
    """Return right, missed and invented bounds of a window, and sums of error and its square."""
    known = ~np.isnan(labels)
    marked = runs_of_class(labels, number)[:, end]
    found = runs_of_class(said, number)[:, end]
    found = found[_inner(found, end, np.ones(len(known), bool))]  # the window's border is no bound
    counts = _inner(marked, end, known)
    i, j = match(marked, found, reach)
    alone = np.ones(len(found), bool)
    alone[j] = False
    right = counts[i]
    invented = alone & _inner(found, end, known)
    error = 1000 * (found[j] - marked[i])[right] / fs
    n_right = int(right.sum())
    missed = int(counts.sum()) - n_right
    return n_right, missed, int(invented.sum()), float(error.sum()), float((error**2).sum())


def _inner(bounds: np.ndarray, end: int, known: np.ndarray) -> Bool[np.ndarray, " bound"]:
    """Tell which bounds have known samples on both sides."""
    beside = bounds + (1 if end else -1)
    there = (beside >= 0) & (beside < len(known))
    return there & known[bounds] & known[np.clip(beside, 0, len(known) - 1)]


def _share(over: np.ndarray, under: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(under > 0, over / under, np.nan)


def _sd(sums: np.ndarray) -> np.ndarray:
    n, total, squares = sums[..., 0], sums[..., 3], sums[..., 4]
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = np.maximum(squares - total**2 / n, 0) / (n - 1)
        return np.where(n > 1, np.sqrt(spread), np.nan)


_STATISTICS = {
    "f1": lambda s: _share(2 * s[..., 0], 2 * s[..., 0] + s[..., 1] + s[..., 2]),
    "sensitivity": lambda s: _share(s[..., 0], s[..., 0] + s[..., 1]),
    "positive_predictive_value": lambda s: _share(s[..., 0], s[..., 0] + s[..., 2]),
    "mean_ms": lambda s: _share(s[..., 3], s[..., 0]),
    "sd_ms": _sd,
}
