# SPDX-License-Identifier: Apache-2.0
"""Isotonic calibration: the best ascending function of a score."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Num


def fit_isotonic(
    logits: Float[np.ndarray, " record"], labels: Num[np.ndarray, " record"]
) -> Float[np.ndarray, "2 step"]:
    """Fit the ascending function of the score that is nearest to the labels.

    Parameters
    ----------
    logits
        Scores of one statement.
    labels
        0 or 1.

    Returns
    -------
    Scores, ascending, and the probability at each; straight lines lie between them.

    Notes
    -----
    *Method*: pool adjacent violators, which solves the least-squares problem exactly; records of
    equal score are one point with their weight. Of a level only both ends are kept.

    References
    ----------
    Ayer M et al. Ann Math Stat 1955;26:641-647. doi:10.1214/aoms/1177728423
    Zadrozny B, Elkan C. KDD 2002:694-699. doi:10.1145/775047.775151

    Examples
    --------
    >>> fit_isotonic(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0, 1, 0, 1])).tolist()
    [[1.0, 2.0, 3.0, 4.0], [0.0, 0.5, 0.5, 1.0]]
    """
    scores, where = np.unique(np.asarray(logits, float), return_inverse=True)
    weight = np.bincount(where).astype(float)
    mean = np.bincount(where, weights=np.asarray(labels, float)) / weight
    levels: list[list[float]] = []  # mean, weight, number of points
    for value, mass in zip(mean.tolist(), weight.tolist(), strict=True):
        levels.append([value, mass, 1])
        while len(levels) > 1 and levels[-2][0] >= levels[-1][0]:
            last = levels.pop()
            before = levels[-1]
            total = before[1] + last[1]
            before[0] = (before[0] * before[1] + last[0] * last[1]) / total
            before[1], before[2] = total, before[2] + last[2]
    fitted = np.repeat([level[0] for level in levels], [int(level[2]) for level in levels])
    inner = np.zeros(len(fitted), bool)
    inner[1:-1] = (fitted[1:-1] == fitted[:-2]) & (fitted[1:-1] == fitted[2:])
    return np.stack([scores, fitted])[:, ~inner]


def isotonic_probability(
    steps: Float[np.ndarray, "2 step"], logits: Float[np.ndarray, " record"]
) -> Float[np.ndarray, " record"]:
    """Evaluate a fitted function; beyond its ends it stays level, and without steps it is NaN.

    Examples
    --------
    >>> isotonic_probability(np.array([[0.0, 1.0], [0.2, 0.4]]), np.array([-5.0, 0.5]))
    array([0.2, 0.3])
    """
    if steps.shape[1] == 0:
        return np.full(np.shape(logits), np.nan)
    return np.interp(logits, steps[0], steps[1])
