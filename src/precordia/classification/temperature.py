# SPDX-License-Identifier: Apache-2.0
"""Temperature: one number by which all logits are divided."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Num

#: natural logarithms of the coldest and hottest temperature that is looked for
_LOWEST, _HIGHEST = -7.0, 7.0
_GOLDEN = (np.sqrt(5) - 1) / 2


def fit_temperature(
    logits: Float[np.ndarray, " label"], labels: Num[np.ndarray, " label"]
) -> float:
    """Find the temperature of statements that are answered independently.

    Parameters
    ----------
    logits
        Scores of all statements and records in one row.
    labels
        0 or 1 for each.

    Returns
    -------
    The temperature: ``logit / temperature`` has the lowest log-loss.

    References
    ----------
    Guo C et al. ICML 2017. arXiv:1706.04599

    Examples
    --------
    >>> logits = np.array([2.0] * 10 + [-2.0] * 10)
    >>> labels = np.array([1] * 8 + [0] * 2 + [0] * 8 + [1] * 2)
    >>> round(fit_temperature(logits, labels), 4), round(float(2 / np.log(8 / 2)), 4)
    (1.4427, 1.4427)
    """
    z, y = np.asarray(logits, float), np.asarray(labels, float)

    def loss(log_temperature: float) -> float:
        cold = z * np.exp(-log_temperature)
        return float((np.maximum(cold, 0) + np.log1p(np.exp(-np.abs(cold))) - y * cold).mean())

    return float(np.exp(_lowest(loss)))


def _lowest(loss) -> float:
    """Golden-section search; the loss is convex in 1/T, so it has one valley in log T."""
    low, high = _LOWEST, _HIGHEST
    a, b = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_a, at_b = loss(a), loss(b)
    while high - low > 1e-9:
        if at_a <= at_b:
            high, b, at_b = b, a, at_a
            a = high - _GOLDEN * (high - low)
            at_a = loss(a)
        else:
            low, a, at_a = a, b, at_b
            b = low + _GOLDEN * (high - low)
            at_b = loss(b)
    return (low + high) / 2
