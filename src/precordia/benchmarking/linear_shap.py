# SPDX-License-Identifier: Apache-2.0
"""Which dimensions of an embedding a linear head rests on: Shapley values in closed form."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from precordia.core.errors import OptionError


def linear_shap(
    embeddings: Float[np.ndarray, "batch dim"],
    weights: Float[np.ndarray, "statement dim"],
    background: Float[np.ndarray, "other dim"] | None = None,
) -> Float[np.ndarray, "statement batch dim"]:
    """Return what each dimension adds to each logit of a linear head.

    Parameters
    ----------
    embeddings
        Embeddings to explain.
    weights
        Weights of the head on these embeddings, one row a class.
    background
        Embeddings that stand for the usual; those to explain by default.

    Returns
    -------
    Shapley values. Over the dimensions they add up to the logit minus its mean over the
    background.

    Notes
    -----
    *Method.* For a linear function whose inputs are taken as independent, the Shapley value of
    input j is w_j (x_j - mean x_j), equation 11 of the reference.

    References
    ----------
    Štrumbelj E, Kononenko I. Knowl Inf Syst 2014;41:647-665. doi:10.1007/s10115-013-0679-x
    Lundberg SM, Lee SI. NeurIPS 2017, corollary 1. arXiv:1705.07874

    Examples
    --------
    >>> linear_shap(np.array([[1.0, 0.0], [3.0, 0.0]]), np.array([[2.0, 5.0]]))[0]
    array([[-2.,  0.],
           [ 2.,  0.]])
    """
    if embeddings.shape[1] != weights.shape[1]:
        raise OptionError(
            f"the head takes {weights.shape[1]} dimensions, the embeddings have "
            f"{embeddings.shape[1]}; the same are needed."
        )
    usual = (embeddings if background is None else background).mean(axis=0)
    return weights[:, None, :] * (embeddings - usual)[None]


def importance(
    embeddings: Float[np.ndarray, "batch dim"], weights: Float[np.ndarray, "statement dim"]
) -> Float[np.ndarray, "statement dim"]:
    """Return the mean absolute Shapley value of each dimension, for each class."""
    spread = np.abs(embeddings - embeddings.mean(axis=0)).mean(axis=0)
    return np.abs(weights) * spread


def dimensions_for(share: float, importances: Float[np.ndarray, " dim"]) -> int:
    """Return how many dimensions carry a share of the importance.

    Examples
    --------
    >>> dimensions_for(0.9, np.array([8.0, 1.0, 0.5, 0.5]))
    2
    """
    if not 0 < share <= 1:
        raise OptionError(f"the share is {share:g}; a number above 0 and up to 1 is needed.")
    ordered = np.sort(importances)[::-1]
    total = ordered.sum()
    if not total > 0:
        return 0
    return int(np.searchsorted(np.cumsum(ordered) / total, share - 1e-12) + 1)


def gini(importances: Float[np.ndarray, " dim"]) -> float:
    """Return how unevenly importance is spread: 0 even, towards 1 all on one dimension.

    Examples
    --------
    >>> gini(np.array([1.0, 1.0, 1.0])), gini(np.array([0.0, 0.0, 0.0, 4.0]))
    (0.0, 0.75)
    """
    ordered = np.sort(importances)
    total = ordered.sum()
    if not total > 0:
        return float("nan")
    n = len(ordered)
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * total))


def shared_top(
    one: Float[np.ndarray, " dim"], other: Float[np.ndarray, " dim"], *, n_top: int
) -> float:
    """Return the overlap (Jaccard) of the most important dimensions of two heads or places."""
    if not 0 < n_top <= len(one):
        raise OptionError(f"{n_top} of {len(one)} dimensions; 1 to {len(one)} are needed.")
    first, second = (set(np.argsort(-x, kind="stable")[:n_top].tolist()) for x in (one, other))
    return len(first & second) / len(first | second)
