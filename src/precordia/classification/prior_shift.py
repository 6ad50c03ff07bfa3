# SPDX-License-Identifier: Apache-2.0
"""Probabilities where a statement is rarer or commoner than it was in the training data."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from precordia.core.errors import OptionError


def shift_prior(
    probabilities: Float[np.ndarray, "record statement"],
    *,
    learnt: Float[np.ndarray, " statement"],
    here: Float[np.ndarray, " statement"],
) -> Float[np.ndarray, "record statement"]:
    """Move probabilities from the frequency of the training data to that of another population.

    Parameters
    ----------
    probabilities
        Calibrated where the statement is as frequent as ``learnt``.
    learnt, here
        Frequency of each statement where the probabilities were calibrated, and where they are
        used; between 0 and 1.

    Returns
    -------
    Probabilities by Bayes' rule, for statements that look alike in both populations.

    Raises
    ------
    OptionError
        If a frequency is not between 0 and 1.

    References
    ----------
    Saerens M, Latinne P, Decaestecker C. Neural Comput 2002;14:21-41.
    doi:10.1162/089976602753284446

    Examples
    --------
    >>> shift_prior(np.array([[0.5]]), learnt=np.array([0.5]), here=np.array([0.01]))
    array([[0.01]])
    """
    old, new = (np.asarray(prior, float) for prior in (learnt, here))
    for name, prior in (("learnt", old), ("here", new)):
        if not ((prior > 0) & (prior < 1)).all():
            raise OptionError(
                f"the frequency '{name}' holds {prior.min():g} to {prior.max():g}; numbers between "
                "0 and 1 are needed, these excluded."
            )
    p = np.asarray(probabilities, float)
    yes, no = p * (new / old), (1 - p) * ((1 - new) / (1 - old))
    return yes / (yes + no)


def estimate_prior(
    probabilities: Float[np.ndarray, "record statement"],
    *,
    learnt: Float[np.ndarray, " statement"],
    tolerance: float = 1e-8,
    max_iterations: int = 10_000,
) -> Float[np.ndarray, " statement"]:
    """Estimate how frequent statements are in a population without labels.

    Parameters
    ----------
    probabilities
        Of records of that population, calibrated where the statement is as frequent as ``learnt``.
    learnt
        Frequency where they were calibrated.
    tolerance, max_iterations
        Of the iteration.

    Returns
    -------
    The frequency of each statement that makes the probabilities likeliest.

    Notes
    -----
    Expectation maximisation of Saerens et al.: shift the prior, average the probabilities, repeat.
    It is as good as the calibration: scores that are too bold give frequencies that are too bold.

    References
    ----------
    Saerens M, Latinne P, Decaestecker C. Neural Comput 2002;14:21-41.
    doi:10.1162/089976602753284446

    Examples
    --------
    >>> estimate_prior(np.array([[0.99]] * 3 + [[0.01]]), learnt=np.array([0.5])).round(3)
    array([0.755])
    """
    old = np.asarray(learnt, float)
    prior = old.copy()
    for _ in range(max_iterations):
        bounded = np.clip(prior, 1e-12, 1 - 1e-12)
        new = shift_prior(probabilities, learnt=old, here=bounded).mean(axis=0)
        if np.abs(new - prior).max() <= tolerance:
            return new
        prior = new
    return prior
