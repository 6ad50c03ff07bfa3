# SPDX-License-Identifier: Apache-2.0
"""Naive Bayes on counts: the plainest classifier of strings, to see what the symbols hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.sparse import csr_matrix

from precordia.core.errors import OptionError, SignalError


@dataclass(frozen=True, slots=True, kw_only=True)
class NaiveBayes:
    """One judge a class, each comparing recordings with the class and those without.

    Attributes
    ----------
    weight
        Logarithm of how much more often each column comes with the class.
    bias
        Logarithm of how many recordings have the class to how many have not.
    """

    weight: Float[np.ndarray, "_ statement"]
    bias: Float[np.ndarray, " statement"]

    def score(self, counts: csr_matrix) -> Float[np.ndarray, "batch statement"]:
        """Return the log-odds of each class; high says yes. They rank, they are no probability."""
        return counts @ self.weight + self.bias


def fit_naive_bayes(
    counts: csr_matrix, labels: Float[np.ndarray, "batch statement"], *, smoothing: float = 1.0
) -> NaiveBayes:
    """Fit multinomial naive Bayes, a class against the rest.

    Parameters
    ----------
    counts
        A row a recording, from `count_ngrams`.
    labels
        1 where a recording has the class, 0 where not.
    smoothing
        Added to the count of every column.

    Raises
    ------
    SignalError
        If counts and labels differ in number, or a class is in all or in no recording.
    OptionError
        If ``smoothing`` is not positive.

    Examples
    --------
    >>> counts = csr_matrix(np.array([[3.0, 0], [2, 1], [0, 3], [1, 2]]))
    >>> judge = fit_naive_bayes(counts, np.array([[1.0], [1], [0], [0]]))
    >>> np.round(judge.weight.ravel(), 2).tolist()
    [1.1, -1.1]
    """
    if not smoothing > 0:
        raise OptionError(f"smoothing is {smoothing}; a positive number is needed.")
    labels = np.asarray(labels, float)
    n_rows = len(counts.indptr) - 1
    if len(labels) != n_rows:
        raise SignalError(
            f"{n_rows} rows of counts and {len(labels)} of labels arrived; one of each "
            "per recording is needed."
        )
    n_with = labels.sum(axis=0)
    if ((n_with == 0) | (n_with == len(labels))).any():
        raise SignalError(
            "a class is in all or in none of the recordings; both kinds are needed to learn it. "
            "Leave the class out, or give more recordings."
        )
    yes = counts.T @ labels + smoothing
    no = counts.T @ (1 - labels) + smoothing
    weight = np.log(yes / yes.sum(axis=0)) - np.log(no / no.sum(axis=0))
    return NaiveBayes(weight=weight, bias=np.log(n_with / (len(labels) - n_with)))
