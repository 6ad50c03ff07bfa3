# SPDX-License-Identifier: Apache-2.0
"""Calibration error without what chance adds to it, and how much chance alone would show."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float, Real

from precordia.benchmarking.reliability import BINS, Binning, binned, ece, known_labels

_normal_cdf = np.vectorize(lambda x: 0.5 * math.erfc(-x / math.sqrt(2.0)), otypes=[float])


def pooled(
    targets: Real[np.ndarray, "batch statement"],
    probabilities: Float[np.ndarray, "batch statement"],
) -> tuple[Float[np.ndarray, "_ 1"], Float[np.ndarray, "_ 1"]]:
    """Return all decisions on all classes as if they were one class.

    The error of the pool asks whether a probability of 0.7 is right whatever it is of. Errors of
    classes that cancel stay unseen; it says less than the mean of their errors, of more records.

    Parameters
    ----------
    targets, probabilities
        ``(record, class)``.

    Returns
    -------
    Both with one column.

    Examples
    --------
    >>> pooled(np.eye(2), np.full((2, 2), 0.5))[0].ravel()
    array([1., 0., 0., 1.])
    """
    return (
        np.asarray(targets, float).reshape(-1, 1),
        np.asarray(probabilities, float).reshape(-1, 1),
    )


def debiased_ece(
    targets: Real[np.ndarray, "batch statement"],
    probabilities: Float[np.ndarray, "batch statement"],
    *,
    n_bins: int = BINS,
    binning: Binning = "mass",
) -> Float[np.ndarray, " statement"]:
    """Return the expected calibration error of each class less an estimate of what chance added.

    Parameters
    ----------
    targets, probabilities, n_bins, binning
        As of `precordia.benchmarking.reliability.ece`.

    Returns
    -------
    0 where what is said is so, by chance below; NaN where no label is known.

    Notes
    -----
    *Method*: Kumar, Liang and Ma: the share of positives of each bin is taken to vary as a normal
    number of its own mean and variance, ``so * (1 - so) / n``; by so much as the mean distance of
    such numbers exceeds the distance found, the latter is lowered. *Departures*: the mean is that
    of the folded normal distribution, exact, instead of a thousand draws. Where probabilities are
    true this removes a good third of the error that chance shows, not all; see `ece_by_chance`.

    References
    ----------
    Kumar A, Liang P, Ma T. Verified uncertainty calibration. NeurIPS 2019. arXiv:1909.10155

    Examples
    --------
    >>> coin = np.tile([[0.0], [1.0]], (50, 1))
    >>> debiased_ece(coin, np.full((100, 1), 0.9)).round(3), ece(coin, np.full((100, 1), 0.9))
    (array([0.4]), array([0.4]))
    """

    def of_bins(said, so, n):
        distance, spread = np.abs(said - so), np.sqrt(so * (1 - so) / n)
        ratio = distance / np.where(spread > 0, spread, np.inf)
        density = math.sqrt(2 / math.pi) * np.exp(-(ratio**2) / 2)
        folded = spread * density + distance * (1 - 2 * _normal_cdf(-ratio))
        expected = np.where(spread > 0, folded, distance)
        return (n * (2 * distance - expected)).sum() / n.sum()

    return _each_class(of_bins, targets, probabilities, n_bins, binning)


def squared_calibration_error(
    targets: Real[np.ndarray, "batch statement"],
    probabilities: Float[np.ndarray, "batch statement"],
    *,
    n_bins: int = BINS,
    binning: Binning = "mass",
) -> Float[np.ndarray, " statement"]:
    """Return the mean squared distance of said and so of each class, unbiased within its bins.

    Parameters
    ----------
    targets, probabilities, n_bins, binning
        As of `precordia.benchmarking.reliability.ece`.

    Returns
    -------
    A square: its root compares with the expected calibration error, and is never smaller. By chance
    below 0; NaN where no label is known.

    Notes
    -----
    *Method*: the reliability of the Brier score less ``so * (1 - so) / (n - 1)`` in each bin, which
    makes its expectation that of infinitely many records in the same bins (Broecker; Ferro and
    Fricker; Kumar and others). That takes a bin for one probability: where those in it differ, a
    little too much is subtracted. Of a bin with one record nothing can be.

    References
    ----------
    Broecker J. Clim Dyn 2012;39:655. doi:10.1007/s00382-011-1191-1
    Ferro CAT, Fricker TE. Q J R Meteorol Soc 2012;138:1954. doi:10.1002/qj.1924
    Kumar A, Liang P, Ma T. Verified uncertainty calibration. NeurIPS 2019. arXiv:1909.10155

    Examples
    --------
    >>> coin = np.tile([[0.0], [1.0]], (50, 1))
    >>> squared_calibration_error(coin, np.full((100, 1), 0.9)).round(4)  # 0.16 - 0.25 / 99
    array([0.1575])
    """

    def of_bins(said, so, n):
        by_chance = so * (1 - so) / np.maximum(n - 1, 1)
        return (n * ((said - so) ** 2 - by_chance)).sum() / n.sum()

    return _each_class(of_bins, targets, probabilities, n_bins, binning)


def ece_by_chance(
    targets: Real[np.ndarray, "batch statement"],
    probabilities: Float[np.ndarray, "batch statement"],
    *,
    n_bins: int = BINS,
    binning: Binning = "width",
    draws: int = 100,
    seed: int = 0,
) -> Float[np.ndarray, " statement"]:
    """Return the expected calibration error that true probabilities would show on as few records.

    Parameters
    ----------
    targets, probabilities, n_bins, binning
        As of `precordia.benchmarking.reliability.ece`; of the targets it counts which are known.
    draws, seed
        Truths drawn by the probabilities, of which the mean error is taken, and their seed.

    Returns
    -------
    The error of each class. One that is found and is no larger says nothing against a method.

    Examples
    --------
    >>> said = np.full((400, 1), 0.5)
    >>> ece_by_chance(said * 0, said, n_bins=1).round(2)  # 0.5 * sqrt(2 / pi) / sqrt(400)
    array([0.02])
    """
    targets, said = np.asarray(targets, float), np.asarray(probabilities, float)
    rng = np.random.default_rng(seed)
    drawn = [
        np.where(np.isnan(targets), np.nan, (rng.random(said.shape) < said).astype(float))
        for _ in range(draws)
    ]
    return np.mean([ece(truth, said, n_bins=n_bins, binning=binning) for truth in drawn], axis=0)


def _each_class(of_bins, targets, probabilities, n_bins: int, binning: Binning) -> np.ndarray:
    targets, probabilities = np.asarray(targets, float), np.asarray(probabilities, float)
    found = np.full(targets.shape[1], np.nan)
    for k in range(targets.shape[1]):
        truth, probability = known_labels(targets[:, k], probabilities[:, k])
        if truth.size:
            found[k] = of_bins(*binned(truth, probability, n_bins, binning))
    return found
