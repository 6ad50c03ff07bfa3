# SPDX-License-Identifier: Apache-2.0
"""AUROC of each class with 95 % intervals over patients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from precordia.training.validation_scores import auroc

_DRAWS, _SEED, _LEVEL = 1000, 0, 0.95
#: draws that are scored together: memory for records times this many numbers
_TOGETHER = 100


def aurocs_with_intervals(
    logits: Float[np.ndarray, "batch statement"],
    labels: Float[np.ndarray, "batch statement"],
    classes: Sequence[str],
    patients: Sequence[str],
) -> dict[str, Any]:
    """Return the AUROC of each class and of all in the mean, with intervals.

    Parameters
    ----------
    logits, labels
        Of each record; NaN is unknown.
    classes
        Names of the columns.
    patients
        Of each record; all records of a patient are drawn together.

    Notes
    -----
    Percentile intervals of 1000 draws of patients with replacement. A draw without positives or
    negatives of a class says nothing of that class.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 2, (200, 1)).astype(float)
    >>> told = aurocs_with_intervals(y + rng.normal(size=y.shape), y, ["a"], range(200))
    >>> low, high = told["macro_auroc"]["interval"]
    >>> low < told["macro_auroc"]["value"] < high
    True
    """
    weights = draws_of_patients(patients)
    drawn = np.full((len(classes), _DRAWS), np.nan)
    told: dict[str, Any] = {}
    values = []
    for k, name in enumerate(classes):
        known = ~np.isnan(labels[:, k])
        positive = labels[known, k] > 0.5
        value = auroc(logits[known, k], positive)
        values.append(value)
        if not np.isnan(value):
            drawn[k] = _drawn_aurocs(logits[known, k], positive, weights[:, known])
        told[name] = {
            **with_interval(value, drawn[k]),
            "n_positive": int(positive.sum()),
            "n_negative": int(len(positive) - positive.sum()),
        }
    scored = ~np.isnan(values)
    if not scored.any():
        return {"macro_auroc": with_interval(float("nan"), drawn[0]), "classes": told}
    with np.errstate(invalid="ignore"):
        means = drawn[scored].mean(axis=0)
    macro = with_interval(float(np.mean(np.array(values)[scored])), means)
    return {"macro_auroc": {**macro, "n_classes": int(scored.sum())}, "classes": told}


def draws_of_patients(patients: Sequence[Any]) -> Float[np.ndarray, "draw batch"]:
    """Return how often each record counts in each draw of patients."""
    _, owner = np.unique(np.array([str(p) for p in patients]), return_inverse=True)
    n = int(owner.max()) + 1
    times = np.random.default_rng(_SEED).multinomial(n, np.full(n, 1 / n), size=_DRAWS)
    return times[:, owner].astype(np.float32)


def _drawn_aurocs(
    scores: Float[np.ndarray, " batch"],
    positive: Bool[np.ndarray, " batch"],
    weights: Float[np.ndarray, "draw batch"],
) -> Float[np.ndarray, " draw"]:
    """Return the AUROC of weighted records for each draw; a tie counts half."""
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))
    found = []
    for first in range(0, len(weights), _TOGETHER):
        held = weights[first : first + _TOGETHER, order].astype(np.float64)
        yes = np.add.reduceat(held * positive[order], starts, axis=1)
        no = np.add.reduceat(held * ~positive[order], starts, axis=1)
        below = np.cumsum(no, axis=1) - no / 2
        with np.errstate(invalid="ignore"):
            found.append((yes * below).sum(axis=1) / (yes.sum(axis=1) * no.sum(axis=1)))
    return np.concatenate(found)


def with_interval(value: float, drawn: Float[np.ndarray, " draw"]) -> dict[str, Any]:
    """Return a score with the 95 % percentile interval of its draws."""
    known = drawn[np.isfinite(drawn)]
    tails = [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2]
    low, high = np.quantile(known, tails) if known.size else (np.nan, np.nan)
    return {"value": value, "interval": [float(low), float(high)]}
