# SPDX-License-Identifier: Apache-2.0
"""Weights against imbalance, counted from the labels of a training set."""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Float, Num

from precordia.core.errors import OptionError, unknown_name

METHODS = ("balanced", "effective")


def positive_weights(
    labels: Float[np.ndarray, "record statement"],
    *,
    method: Literal["balanced", "effective"] = "balanced",
    beta: float = 0.999,
    highest: float = 1000.0,
) -> Float[np.ndarray, " statement"]:
    """Count how much a positive of each statement should weigh against a negative.

    Parameters
    ----------
    labels
        0 or 1; NaN where unknown.
    method
        ``"balanced"``: negatives divided by positives. ``"effective"``: the ratio of the inverse
        effective numbers, which grows less for rare statements.
    beta
        Of the effective number.
    highest
        No weight is higher, nor lower than its inverse.

    Returns
    -------
    A weight for each statement; 1 where there is no positive or no negative.

    Raises
    ------
    UnknownNameError
        If there is no such method.

    Examples
    --------
    >>> positive_weights(np.array([[1.0], [0], [0], [0], [np.nan]]))
    array([3.])
    """
    positive, negative = (labels == 1).sum(axis=0), (labels == 0).sum(axis=0)
    both = (positive > 0) & (negative > 0)
    if method == "balanced":
        ratio = negative / np.maximum(positive, 1)
    elif method == "effective":
        ratio = effective_number(negative, beta) / np.maximum(effective_number(positive, beta), 1)
    else:
        raise unknown_name("method", method, METHODS, listing=", ".join(METHODS))
    return np.where(both, np.clip(ratio, 1 / highest, highest), 1.0)


def statement_weights(
    labels: Float[np.ndarray, "record ..."],
    *,
    method: Literal["balanced", "effective"] = "effective",
    beta: float = 0.999,
) -> Float[np.ndarray, " statement"]:
    """Count how much each statement should weigh: the rarer, the more.

    Parameters
    ----------
    labels
        0 or 1 for each statement, or one number of a statement for each record; NaN where unknown.
    method
        ``"balanced"``: inverse of the number of its records. ``"effective"``: inverse of their
        effective number.
    beta
        Of the effective number; the paper tries 0.9 to 0.9999.

    Returns
    -------
    A weight for each statement, 1 on average; 0 where it has no record.

    Raises
    ------
    UnknownNameError
        If there is no such method.

    References
    ----------
    Cui Y et al. Class-balanced loss based on effective number of samples. CVPR 2019.
    arXiv:1901.05555

    Examples
    --------
    >>> statement_weights(np.array([0.0, 0, 0, 1]), method="balanced")
    array([0.5, 1.5])
    """
    if labels.ndim == 1:
        counts = np.bincount(labels[~np.isnan(labels)].astype(int))
    else:
        counts = (labels == 1).sum(axis=0)
    if method == "balanced":
        number = counts.astype(float)
    elif method == "effective":
        number = effective_number(counts, beta)
    else:
        raise unknown_name("method", method, METHODS, listing=", ".join(METHODS))
    there = number > 0
    if not there.any():
        raise OptionError("no statement has a positive record; there is nothing to weigh.")
    weight = np.where(there, 1 / np.where(there, number, 1.0), 0.0)
    return weight * there.sum() / weight.sum()


def effective_number(
    counts: Num[np.ndarray, " statement"], beta: float
) -> Float[np.ndarray, " statement"]:
    """Return how many records of each statement count: ``(1 - beta^n) / (1 - beta)``.

    Raises
    ------
    OptionError
        If ``beta`` is not at least 0 and below 1.

    References
    ----------
    Cui Y et al. CVPR 2019. arXiv:1901.05555

    Examples
    --------
    >>> effective_number(np.array([1, 2]), 0.9).round(6)
    array([1. , 1.9])
    """
    if not 0 <= beta < 1:
        raise OptionError(f"beta is {beta}; at least 0 and below 1 is needed.")
    return (1 - np.power(beta, np.asarray(counts, float))) / (1 - beta)
