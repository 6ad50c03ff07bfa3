# SPDX-License-Identifier: Apache-2.0
"""A head for each sample on frozen tokens: each token answers for its own samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from precordia.core.errors import SignalError
from precordia.training.linear_probe import (
    LinearProbe,
    ProbeSetting,
    fit_linear_probe,
    probe_logits,
)

#: penalties that are tried; the threshold is chosen apart, so that classes need no weights
DEFAULT_GRID = tuple(ProbeSetting(c=c) for c in (0.01, 0.1, 1.0, 10.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleProbe:
    """A fitted head.

    Attributes
    ----------
    probe
        A logistic regression for each place within a token.
    n_samples
        Of a window.
    n_tokens
        Of a window.
    """

    probe: LinearProbe
    n_samples: int
    n_tokens: int


def fit_sample_probe(
    tokens: Float[np.ndarray, "window token dim"],
    marked: Bool[np.ndarray, "window sample"],
    *,
    valid_tokens: Float[np.ndarray, "valid token dim"] | None = None,
    valid_marked: Bool[np.ndarray, "valid sample"] | None = None,
    grid: tuple[ProbeSetting, ...] = DEFAULT_GRID,
) -> SampleProbe:
    """Fit a linear head that says of each sample whether it is marked.

    Parameters
    ----------
    tokens
        Of training windows, in the order of time and evenly over the window.
    marked
        Which samples of the windows are marked.
    valid_tokens, valid_marked
        Windows that choose the penalty, of other patients. Not needed for a single one.
    grid
        Penalties to try.

    Returns
    -------
    The head.

    Raises
    ------
    SignalError
        If shapes disagree, or there are more tokens than samples.

    Notes
    -----
    *Method*: the head of BenchECG, one linear layer from a token to the samples of its patch.
    *Departures*: it is fitted exactly, by logistic regression, in place of epochs of AdamW with
    weights for marked samples; tokens that stand for no whole number of samples have one place
    more than some of them need.

    References
    ----------
    Lunelli R, et al. BenchECG and xECG. 2025. arXiv:2509.10151

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> marked = rng.random((40, 12)) < 0.2
    >>> tokens = marked.reshape(40, 4, 3) + 0.01 * rng.normal(size=(40, 4, 3))
    >>> probe = fit_sample_probe(tokens, marked, grid=(ProbeSetting(c=10.0),))
    >>> bool(((sample_logits(probe, tokens) > 0) == marked).all())
    True
    """
    _check(tokens, marked)
    n_samples, n_tokens = marked.shape[1], tokens.shape[1]
    held = truth = None
    if valid_tokens is not None and valid_marked is not None:
        _check(valid_tokens, valid_marked)
        held, truth = _flat(valid_tokens), _of_tokens(valid_marked, n_tokens)
    probe = fit_linear_probe(
        _flat(tokens),
        _of_tokens(marked, n_tokens),
        valid_embeddings=held,
        valid_labels=truth,
        grid=grid,
        select="task",
    )
    return SampleProbe(probe=probe, n_samples=n_samples, n_tokens=n_tokens)


def sample_logits(
    probe: SampleProbe, tokens: Float[np.ndarray, "window token dim"]
) -> Float[np.ndarray, "window sample"]:
    """Return the logit of each sample.

    Raises
    ------
    SignalError
        If there are other tokens than the head was fitted for.
    """
    if tokens.ndim != 3 or tokens.shape[1] != probe.n_tokens:
        raise SignalError(
            f"tokens of shape {tokens.shape} arrived; (window, {probe.n_tokens}, dim) was needed, "
            "as the head was fitted."
        )
    of_tokens = probe_logits(probe.probe, _flat(tokens))
    token, place = _places(probe.n_samples, probe.n_tokens)
    return of_tokens.reshape(len(tokens), probe.n_tokens, -1)[:, token, place]


def _check(tokens: np.ndarray, marked: np.ndarray) -> None:
    if tokens.ndim != 3 or marked.ndim != 2 or len(tokens) != len(marked) or not len(tokens):
        raise SignalError(
            f"tokens of shape {tokens.shape} and marks of shape {marked.shape} arrived; (window, "
            "token, dim) and (window, sample) with as many windows were needed."
        )
    if tokens.shape[1] > marked.shape[1]:
        raise SignalError(
            f"{tokens.shape[1]} tokens arrived for {marked.shape[1]} samples; a token must stand "
            "for at least one sample."
        )


def _flat(tokens: np.ndarray) -> Float[np.ndarray, "row dim"]:
    return tokens.reshape(-1, tokens.shape[2])


def _places(
    n_samples: int, n_tokens: int
) -> tuple[Int[np.ndarray, " sample"], Int[np.ndarray, " sample"]]:
    """Token of each sample, and its place within that token."""
    token = np.arange(n_samples) * n_tokens // n_samples
    first = np.searchsorted(token, np.arange(n_tokens))
    return token, np.arange(n_samples) - first[token]


def _of_tokens(marked: np.ndarray, n_tokens: int) -> Float[np.ndarray, "row place"]:
    """Sort marks by token and place; NaN for places that a token does not have."""
    token, place = _places(marked.shape[1], n_tokens)
    found = np.full((len(marked), n_tokens, int(place.max()) + 1), np.nan)
    found[:, token, place] = marked
    return found.reshape(-1, found.shape[2])
