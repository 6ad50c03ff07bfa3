# SPDX-License-Identifier: Apache-2.0
"""Scores of a classifier over many classes: ranking, calibration, and decisions at thresholds.

Truth is ``(record, class)`` of 0 and 1, NaN where nobody knows; an unknown label counts for
nothing. One class alone may come as ``(record,)``, and its score is then one number. Every score
may be asked for many draws of records at once, which makes intervals cheap.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Int, Real

from precordia.benchmarking.metrics import auroc as auroc_of_one
from precordia.core.errors import OptionError, SignalError

#: fewer positives or negatives make a class's score a matter of single records
MIN_RECORDS = 10
#: draws worked on at a time, so that memory stays small
_DRAWS = 250

Targets = Real[np.ndarray, "batch *statement"]
Predictions = Real[np.ndarray, "batch *statement"]
Weights = Real[np.ndarray, "*_ batch"]


def auroc(
    targets: Targets, scores: Predictions, weights: Weights | None = None
) -> Float[np.ndarray, ...]:
    """Return the area under the ROC curve of each class, ties counted half.

    Parameters
    ----------
    targets
        1 where a record has the class, 0 where not, NaN where unknown.
    scores
        High where the method says positive: logits or probabilities, it makes no difference.
    weights
        How often each record counts, a row a draw.

    Returns
    -------
    One area a class, or a row of them a draw; NaN where only one of the two kinds is there.

    Raises
    ------
    SignalError
        If shapes disagree, a score is NaN, or targets are others than 0, 1 and NaN.

    References
    ----------
    Hanley JA, McNeil BJ. Radiology 1982;143:29. doi:10.1148/radiology.143.1.7063747

    Examples
    --------
    >>> auroc(np.array([[1.0], [1.0], [0.0]]), np.array([[0.9], [0.4], [0.4]]))
    array([0.75])
    """
    return _each_class(auroc_of_one, targets, scores, weights)


def auprc(
    targets: Targets, scores: Predictions, weights: Weights | None = None
) -> Float[np.ndarray, ...]:
    """Return the area under the precision-recall curve of each class as average precision.

    Read it beside `prevalence`, which is what a coin scores.

    Notes
    -----
    *Method*: the sum of precision times step of recall over distinct scores, without interpolation,
    which would be too good. Records of one score enter together.

    References
    ----------
    Davis J, Goadrich M. ICML 2006. doi:10.1145/1143844.1143874

    Examples
    --------
    >>> auprc(np.array([[1], [0], [1], [0]]), np.array([[0.9], [0.8], [0.7], [0.1]])).round(4)
    array([0.8333])
    """
    return _each_class(_average_precision, targets, scores, weights)


def prevalence(targets: Targets) -> Float[np.ndarray, " statement"]:
    """Return the share of positive records among those of known label; NaN where none is known.

    Examples
    --------
    >>> prevalence(np.array([[1, np.nan], [0, np.nan]]))
    array([0.5, nan])
    """
    positive, negative = count_labels(targets)
    with np.errstate(invalid="ignore"):
        return positive / (positive + negative)


def count_labels(targets: Targets) -> Int[np.ndarray, "2 statement"]:
    """Return how many records are positive, and how many negative, of each class.

    Examples
    --------
    >>> count_labels(np.array([[1, 0], [1, np.nan]])).tolist()
    [[2, 0], [0, 1]]
    """
    targets = np.asarray(targets, float)
    return np.stack([(targets == 1).sum(axis=0), (targets == 0).sum(axis=0)])


def scorable(targets: Targets, min_records: int = MIN_RECORDS) -> Bool[np.ndarray, " statement"]:
    """Tell which classes have so many positive and so many negative records.

    ``min_records=1`` is the rule of most published figures: all that has an area at all.

    Examples
    --------
    >>> scorable(np.array([[1, 0], [0, 0], [1, 0]]), 1).tolist()
    [True, False]
    """
    if min_records < 1:
        raise OptionError(f"min_records is {min_records}; at least 1 is needed for an area.")
    return (count_labels(targets) >= min_records).all(axis=0)


def macro_auroc(targets: Targets, scores: Predictions, min_records: int = MIN_RECORDS) -> float:
    """Return the plain mean of the areas of classes with records enough; NaN where none has.

    `scorable` says which classes those are; what is left out belongs beside the number.

    Examples
    --------
    >>> truth = np.array([[1, 1], [0, 0], [1, 0]])
    >>> macro_auroc(truth, np.array([[0.9, 0.9], [0.1, 0.8], [0.8, 0.1]]), min_records=1)
    1.0
    """
    return macro(auroc(targets, scores), scorable(targets, min_records))


def macro(values: Float[np.ndarray, ...], counted: Bool[np.ndarray, " statement"]):
    """Return the mean over the counted classes, of one row or of each.

    NaN where a counted class has no value: a draw without a positive of some class is no draw of
    the same mean.

    Examples
    --------
    >>> macro(np.array([[0.8, 0.6, 0.1], [0.9, np.nan, 0.1]]), np.array([True, True, False]))
    array([0.7, nan])
    """
    values = np.asarray(values, float)[..., np.asarray(counted, bool)]
    if not values.shape[-1]:
        means = np.full(values.shape[:-1], np.nan)
    else:
        means = values.mean(axis=-1)
    return float(means) if means.ndim == 0 else means


def brier(
    targets: Targets, probabilities: Predictions, weights: Weights | None = None
) -> Float[np.ndarray, ...]:
    """Return the mean squared distance of probability and truth of each class; 0 is best.

    References
    ----------
    Brier GW. Mon Weather Rev 1950;78:1-3.

    Examples
    --------
    >>> brier(np.array([[1], [0]]), np.array([[0.8], [0.4]])).round(3)
    array([0.1])
    """
    check_probabilities(probabilities)

    def one(positive, probability, weights):
        return weights @ (probability - positive) ** 2 / weights.sum(axis=1)

    return _each_class(one, targets, probabilities, weights)


def best_thresholds(
    targets: Targets, scores: Predictions, beta: float = 1.0
) -> Float[np.ndarray, " statement"]:
    """Return the threshold of each class with the highest F-score: choose them on validation.

    Parameters
    ----------
    targets, scores
        Of the validation records. Never of the test records: a threshold chosen there is too good.
    beta
        How much more recall weighs than precision.

    Returns
    -------
    A record is called positive where its score is at least the threshold. NaN where no record is
    positive: nothing can be chosen. Among equals, the highest.

    Examples
    --------
    >>> best_thresholds(np.array([[0], [1], [1]]), np.array([[0.1], [0.6], [0.8]]))
    array([0.35])
    """
    if not beta > 0:
        raise OptionError(f"beta is {beta}; a positive number is needed.")
    targets, scores = _checked(targets, scores)
    found = np.full(targets.shape[1], np.nan)
    for k in range(targets.shape[1]):
        known = np.isfinite(targets[:, k])
        positive, score = targets[known, k] == 1, scores[known, k]
        if not positive.any():
            continue
        levels, yes, no = _levels(positive, score, np.ones((1, score.size)))
        hits, alarms = yes[0, ::-1].cumsum(), no[0, ::-1].cumsum()
        f = (1 + beta**2) * hits / (beta**2 * positive.sum() + hits + alarms)
        best = int(np.argmax(f))
        falling = levels[::-1]
        # halfway to the next score, so that a test score a hair below is on the same side
        below = falling[best + 1] if best + 1 < falling.size else falling[best]
        found[k] = (falling[best] + below) / 2
    return found


def f_score(
    targets: Targets,
    scores: Predictions,
    thresholds: Float[np.ndarray, " statement"],
    weights: Weights | None = None,
    *,
    beta: float = 1.0,
) -> Float[np.ndarray, ...]:
    """Return the F-score of each class at given thresholds.

    NaN where the threshold is, and where no record is positive: recall says nothing then.

    Examples
    --------
    >>> f_score(np.array([[1], [1], [0]]), np.array([[0.9], [0.2], [0.1]]), np.array([0.5]))
    array([0.66666667])
    """
    scores = _checked(targets, scores)[1]
    thresholds = np.asarray(thresholds, float)
    if thresholds.shape != np.shape(targets)[1:]:
        raise SignalError(
            f"thresholds have shape {thresholds.shape}; one for each of "
            f"{np.shape(targets)[1]} classes is needed."
        )

    def one(positive, called, weights):
        hits = weights @ (positive & (called > 0))
        under = beta**2 * (weights @ positive) + weights @ (called > 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(weights @ positive > 0, (1 + beta**2) * hits / under, np.nan)

    called = (scores >= np.nan_to_num(thresholds)).astype(float)
    found = _each_class(one, targets, called, weights)
    found[..., ~np.isfinite(thresholds)] = np.nan
    return found


def check_probabilities(probabilities: Predictions) -> None:
    """Refuse what is no probability.

    Raises
    ------
    SignalError
        If a number is below 0 or above 1.
    """
    held = np.asarray(probabilities, float)
    if held.size and (held.min() < 0 or held.max() > 1):
        raise SignalError(
            f"probabilities go from {held.min():.3g} to {held.max():.3g}; 0 to 1 is needed. "
            "Turn logits into probabilities with 1 / (1 + exp(-logit))."
        )


def _each_class(
    score: Callable, targets: Targets, scores: Predictions, weights: Weights | None
) -> np.ndarray:
    """Score each class on the records whose label is known, in a few draws at a time."""
    if np.ndim(targets) == 1:
        column = (np.reshape(x, (-1, 1)) for x in (targets, scores))
        return _each_class(score, *column, weights)[..., 0]
    targets, scores = _checked(targets, scores)
    n = len(targets)
    rows = np.ones((1, n)) if weights is None else np.atleast_2d(np.asarray(weights))
    if rows.shape[1] != n:
        raise SignalError(f"weights are for {rows.shape[1]} records; there are {n}.")
    found = np.full((len(rows), targets.shape[1]), np.nan)
    for k in range(targets.shape[1]):
        known = np.isfinite(targets[:, k])
        if not known.any():
            continue
        positive, one = targets[known, k] == 1, scores[known, k]
        for first in range(0, len(rows), _DRAWS):
            drawn = rows[first : first + _DRAWS][:, known].astype(float)
            with np.errstate(invalid="ignore", divide="ignore"):
                found[first : first + _DRAWS, k] = score(positive, one, drawn)
    return found[0] if weights is None or np.ndim(weights) == 1 else found


def _checked(targets, scores) -> tuple[np.ndarray, np.ndarray]:
    targets, scores = np.asarray(targets, float), np.asarray(scores, float)
    if targets.ndim != 2 or targets.shape != scores.shape:
        raise SignalError(
            f"targets have shape {targets.shape} and predictions {scores.shape}; both need "
            "(record, class)."
        )
    if np.isnan(scores).any():
        raise SignalError(
            f"{int(np.isnan(scores).sum())} predictions are NaN; a number for every record and "
            "class is needed. A method that abstains must say so with its lowest score."
        )
    if not np.isin(targets[np.isfinite(targets)], (0, 1)).all() or np.isinf(targets).any():
        raise SignalError("targets hold numbers other than 0, 1 and NaN (unknown).")
    return targets, scores


def _levels(positive, score, weights) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct scores, ascending, with the positives and negatives at each, a row a draw."""
    levels, level = np.unique(score, return_inverse=True)
    order = np.argsort(level, kind="stable")
    starts = np.searchsorted(level[order], np.arange(levels.size))
    weights, truth = weights[:, order], positive[order]
    yes = np.add.reduceat(weights * truth, starts, axis=1)
    return levels, yes, np.add.reduceat(weights * ~truth, starts, axis=1)


def _average_precision(positive, score, weights) -> np.ndarray:
    _, yes, no = _levels(positive, score, weights)
    yes, no = yes[:, ::-1], no[:, ::-1]
    hits, alarms = yes.cumsum(axis=1), no.cumsum(axis=1)
    precision = hits / np.maximum(hits + alarms, 1e-300)
    return (yes * precision).sum(axis=1) / hits[:, -1]
