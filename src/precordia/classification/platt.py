# SPDX-License-Identifier: Apache-2.0
"""Platt's calibration: a logistic curve through the scores of one statement."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Num

_RIDGE = 1e-12
_TOLERANCE = 1e-12


def fit_platt(
    logits: Float[np.ndarray, " record"], labels: Num[np.ndarray, " record"]
) -> tuple[float, float]:
    """Fit slope and intercept of a logistic curve.

    Parameters
    ----------
    logits
        Scores of one statement.
    labels
        0 or 1, at least one of each.

    Returns
    -------
    Slope and intercept: the probability is ``1 / (1 + exp(-(slope * logit + intercept)))``.

    Notes
    -----
    *Method*: maximum likelihood against Platt's smoothed targets, ``(N+ + 1) / (N+ + 2)`` for
    positives and ``1 / (N- + 2)`` for negatives, which keep the slope finite where scores separate
    the labels; Newton's method with halved steps after Lin, Lin and Weng. *Departures*: signs (the
    papers write ``1 / (1 + exp(A f + B))``); scores are standardised first, which changes the way
    and not the end; a negative slope is possible and means that the score ranks the wrong way.

    References
    ----------
    Platt J. Advances in Large Margin Classifiers. MIT Press 1999:61-74.
    Lin HT, Lin CJ, Weng RC. Mach Learn 2007;68:267-276. doi:10.1007/s10994-007-5018-6

    Examples
    --------
    >>> slope, intercept = fit_platt(np.array([-2.0, -1.0, 1.0, 2.0]), np.array([0, 0, 1, 1]))
    >>> round(slope, 3), round(abs(intercept), 6)
    (0.674, 0.0)
    """
    scores, truth = np.asarray(logits, float), np.asarray(labels) == 1
    n_positive, n_negative = int(truth.sum()), int((~truth).sum())
    target = np.where(truth, (n_positive + 1) / (n_positive + 2), 1 / (n_negative + 2))
    centre, spread = scores.mean(), scores.std()
    x = (scores - centre) / (spread if spread > 0 else 1.0)
    at = np.array([0.0, np.log((n_positive + 1) / (n_negative + 1))])
    loss = _loss(at, x, target)
    for _ in range(100):
        probability = 1 / (1 + np.exp(-np.clip(at[0] * x + at[1], -500, 500)))
        miss, bend = probability - target, probability * (1 - probability)
        gradient = np.array([miss @ x, miss.sum()])
        off = bend @ x
        hessian = np.array([[bend @ x**2 + _RIDGE, off], [off, bend.sum() + _RIDGE]])
        step = -np.linalg.solve(hessian, gradient)
        promise = -0.5 * gradient @ step
        if promise <= _TOLERANCE * (1e-300 + loss):
            break
        length = 1.0
        while length > 1e-10:
            there = at + length * step
            lower = _loss(there, x, target)
            if lower < loss - 1e-4 * length * promise:
                break
            length /= 2
        else:
            break
        at, loss = there, lower
    slope = at[0] / (spread if spread > 0 else 1.0)
    return float(slope), float(at[1] - slope * centre)


def _loss(at, x, target) -> float:
    z = at[0] * x + at[1]
    return float((np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z))) - target * z).sum())
