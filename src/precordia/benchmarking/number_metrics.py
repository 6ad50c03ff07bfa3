# SPDX-License-Identifier: Apache-2.0
"""How close predicted numbers come: R2, mean absolute error, correlation."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Real

from precordia.core.errors import SignalError


def number_scores(
    predicted: Real[np.ndarray, " batch"],
    truth: Real[np.ndarray, " batch"],
    weights: Real[np.ndarray, "_ batch"] | None = None,
) -> dict[str, Float[np.ndarray, " _"]]:
    """Return R2, mean absolute error and Pearson's correlation of predicted numbers.

    Parameters
    ----------
    predicted, truth
        Of each record.
    weights
        How often each record counts, a row a draw; once each by default.

    Returns
    -------
    For each of `NUMBER_METRICS` one number a draw. R2 is one less the squared error over that of
    the mean of the records scored, and NaN where these are all the same; so is the correlation,
    also where the predictions are.

    Raises
    ------
    SignalError
        If shapes disagree or a number is not finite.

    Examples
    --------
    >>> found = number_scores(np.array([41.0, 51.0, 61.0]), np.array([40.0, 50.0, 60.0]))
    >>> {name: value.round(3).tolist() for name, value in found.items()}
    {'r2': [0.985], 'mean_absolute_error': [1.0], 'correlation': [1.0]}
    """
    p, y = np.asarray(predicted, float), np.asarray(truth, float)
    if p.ndim != 1 or y.shape != p.shape or not p.size:
        raise SignalError(
            f"predictions of shape {p.shape} and truth of shape {y.shape} arrived; one of each for "
            "every record is needed."
        )
    if not np.isfinite(p).all() or not np.isfinite(y).all():
        raise SignalError("predictions or truth hold NaN or infinity. Leave such records out.")
    w = np.ones((1, p.size)) if weights is None else np.asarray(weights, float)
    if w.ndim != 2 or w.shape[1] != p.size:
        raise SignalError(
            f"weights of shape {w.shape} arrived for {p.size} records; (draw, {p.size}) is needed."
        )
    # about their means, so that squares do not cancel
    a, b = p - p.mean(), y - y.mean()
    with np.errstate(invalid="ignore", divide="ignore"):
        n = w.sum(axis=1)
        of_a = _spread(w @ a**2 - (w @ a) ** 2 / n, w @ p**2)
        of_b = _spread(w @ b**2 - (w @ b) ** 2 / n, w @ y**2)
        both = w @ (a * b) - (w @ a) * (w @ b) / n
        return {
            "r2": 1 - w @ (p - y) ** 2 / of_b,
            "mean_absolute_error": w @ np.abs(p - y) / n,
            "correlation": both / np.sqrt(of_a * of_b),
        }


def _spread(squares: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Return sums of squares; what rounding leaves of no spread is none."""
    return np.where(squares > 1e-12 * size, squares, np.nan)
