# SPDX-License-Identifier: Apache-2.0
"""How far numbers of a model are off, with 95 % intervals over patients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from precordia.training.score_intervals import draws_of_patients, with_interval


def errors_with_intervals(
    outputs: Float[np.ndarray, "batch output"],
    values: Float[np.ndarray, "batch output"],
    names: Sequence[str],
    patients: Sequence[str],
    *,
    guess: Sequence[float] | np.ndarray,
) -> dict[str, Any]:
    """Return mean absolute error and R2 of each number, with intervals.

    Parameters
    ----------
    outputs, values
        What a model gives and what is true, in units; NaN is unknown.
    names
        Of the columns.
    patients
        Of each record; all records of a patient are drawn together.
    guess
        One value a number, the mean of the records for training: the control, which looks at no
        recording.

    Notes
    -----
    Percentile intervals of 1000 draws of patients with replacement. R2 is one less the squared
    error over that of the mean of the records scored; NaN where these are all the same.

    Examples
    --------
    >>> truth, names = np.array([[40.0], [50.0], [60.0]]), ["age_years"]
    >>> told = errors_with_intervals(truth + 1, truth, names, "abc", guess=[45.0])
    >>> told = told["numbers"]["age_years"]
    >>> told["mean_absolute_error"]["value"], round(told["r2"]["value"], 3)
    (1.0, 0.985)
    >>> round(told["mean_absolute_error_of_guess"], 3)
    8.333
    """
    weights = draws_of_patients(patients).astype(np.float64)
    told = {}
    for k, name in enumerate(names):
        known = ~np.isnan(values[:, k])
        truth = values[known, k].astype(np.float64)
        far = outputs[known, k].astype(np.float64) - truth
        once = np.ones((1, len(truth)))
        value, r2 = (held[0] for held in _weighted(far, truth, once))
        drawn, drawn_r2 = _weighted(far, truth, weights[:, known])
        told[name] = {
            "mean_absolute_error": with_interval(float(value), drawn),
            "r2": with_interval(float(r2), drawn_r2),
            "guess": float(guess[k]),
            "mean_absolute_error_of_guess": float(np.abs(truth - guess[k]).mean()),
            "n_records": len(truth),
        }
    return {"numbers": told}


def _weighted(
    far: Float[np.ndarray, " batch"],
    truth: Float[np.ndarray, " batch"],
    weights: Float[np.ndarray, "draw batch"],
) -> tuple[Float[np.ndarray, " draw"], Float[np.ndarray, " draw"]]:
    """Return mean absolute error and R2 of weighted records for each draw."""
    centred = truth - truth.mean()
    total = weights.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = weights @ centred**2 - (weights @ centred) ** 2 / total
        # what rounding leaves of no spread is none
        spread[spread <= 1e-12 * (weights @ truth**2)] = np.nan
        return weights @ np.abs(far) / total, 1 - weights @ far**2 / spread
