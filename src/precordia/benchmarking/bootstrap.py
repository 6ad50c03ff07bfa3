# SPDX-License-Identifier: Apache-2.0
"""Intervals by drawing patients with replacement: beats of one heart are not independent."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float, Int, Real

SEED = 0
DRAWS = 2000
LEVEL = 0.95


def draw_patients(
    patients: Sequence[str], *, draws: int = DRAWS, seed: int = SEED
) -> Int[np.ndarray, "batch _"]:
    """Return how often each record counts in each draw of patients.

    Parameters
    ----------
    patients
        Patient of each record. All records of a patient are drawn together.
    draws
        Number of draws.
    seed
        Of the generator; the same seed gives the same draws.

    Examples
    --------
    >>> weights = draw_patients(["a", "b", "b"], draws=4)
    >>> weights.shape, bool((weights[:, 1] == weights[:, 2]).all())
    ((4, 3), True)
    """
    names = {name: k for k, name in enumerate(dict.fromkeys(patients))}
    patient = np.array([names[name] for name in patients])
    picked = np.random.default_rng(seed).integers(0, len(names), (draws, len(names)))
    times = np.zeros((draws, len(names)), np.int64)
    np.add.at(times, (np.arange(draws)[:, None], picked), 1)
    return times[:, patient]


def interval(
    statistic: Callable[[Real[np.ndarray, "batch _"]], Float[np.ndarray, " batch"]],
    weights: Int[np.ndarray, "batch _"],
    *,
    level: float = LEVEL,
) -> tuple[float, float]:
    """Return the percentile interval of a statistic of weighted records.

    Parameters
    ----------
    statistic
        Takes rows of weights, gives a number a row; NaN where a draw says nothing.
    weights
        From `draw_patients`.
    level
        Share of the draws inside.

    Examples
    --------
    >>> weights = draw_patients(list("abcdefgh"))
    >>> interval(lambda w: w @ np.arange(8.0) / w.sum(axis=1), weights)[0] < 3.5
    True
    """
    values = np.asarray(statistic(weights), float)
    values = values[np.isfinite(values)]
    if not values.size:
        return float("nan"), float("nan")
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
