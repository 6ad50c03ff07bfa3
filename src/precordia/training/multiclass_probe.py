# SPDX-License-Identifier: Apache-2.0
"""Multinomial logistic regression on embeddings: statements of which exactly one is true."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from precordia.core.errors import OptionError, SignalError
from precordia.training.batched_lbfgs import minimise_all
from precordia.training.logistic_grid import principal_axes

DEFAULT_CS = (0.01, 0.1, 1.0, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class MulticlassProbe:
    """A fitted probe; logits are ``embeddings @ weight.T + bias``.

    Attributes
    ----------
    weight, bias
        On raw embeddings: standardisation is folded in.
    c
        Inverse strength of the penalty that was chosen.
    valid_loss
        Log-loss of each setting on validation; NaN without validation.
    converged
        Whether the optimiser reached its tolerance.
    """

    weight: Float[np.ndarray, "statement dim"]
    bias: Float[np.ndarray, " statement"]
    c: float
    valid_loss: Float[np.ndarray, " setting"]
    converged: bool


def fit_multiclass_probe(
    embeddings: Float[np.ndarray, "record dim"],
    labels: Int[np.ndarray, " record"],
    *,
    n_statements: int | None = None,
    valid_embeddings: Float[np.ndarray, "valid dim"] | None = None,
    valid_labels: Int[np.ndarray, " valid"] | None = None,
    cs: tuple[float, ...] = DEFAULT_CS,
    balanced: bool = False,
    tolerance: float = 1e-9,
    max_iterations: int = 1000,
) -> MulticlassProbe:
    """Fit a multinomial logistic regression and choose its penalty on validation records.

    Parameters
    ----------
    embeddings, labels
        Training records and the number of the true statement of each, from 0.
    n_statements
        Number of statements; one more than the highest label by default.
    valid_embeddings, valid_labels
        Records that choose the penalty, of other patients. Not needed for a single one.
    cs
        Inverse strengths of the L2 penalty to try, in scikit-learn's sense.
    balanced
        Whether every statement weighs the same.
    tolerance, max_iterations
        Of the optimiser.

    Returns
    -------
    The probe.

    Raises
    ------
    SignalError
        If shapes disagree or embeddings are not finite.
    OptionError
        If labels are no numbers of statements, or the choice lacks validation records.

    Notes
    -----
    The objective is scikit-learn's (softmax over all statements, intercepts free), on standardised
    features.

    Examples
    --------
    >>> x = np.repeat(np.eye(3), 20, axis=0)
    >>> probe = fit_multiclass_probe(x, np.repeat([0, 1, 2], 20), cs=(1.0,))
    >>> (x @ probe.weight.T + probe.bias).argmax(axis=1)[::20].tolist()
    [0, 1, 2]
    """
    x, y = _checked(embeddings, labels, "training")
    k = int(y.max()) + 1 if n_statements is None else n_statements
    if not cs or not all(c > 0 for c in cs):
        raise OptionError("cs must be positive, and at least one is needed.")
    if y.min() < 0 or y.max() >= k:
        raise OptionError(f"labels go from {y.min()} to {y.max()}; 0 to {k - 1} are needed.")
    if (valid_embeddings is None) != (valid_labels is None):
        raise OptionError("validation needs both embeddings and labels; one of them is missing.")
    if valid_embeddings is None and len(cs) > 1:
        raise OptionError(
            f"{len(cs)} penalties arrived and no validation records to choose among them. Give "
            "valid_embeddings and valid_labels, or one C."
        )
    rotated, back = principal_axes(x, True)
    counts = np.bincount(y, minlength=k)
    each = np.where(counts > 0, len(y) / (k * np.maximum(counts, 1)), 0.0) if balanced else None
    order = np.argsort(cs)
    fits: dict[int, tuple] = {}
    start = None
    for s in order:
        start, converged = _fit(rotated, y, k, each, cs[s], start, tolerance, max_iterations)
        fits[int(s)] = (*back(start), converged)
    chosen, losses = 0, np.full(len(cs), np.nan)
    if valid_embeddings is not None:
        vx, vy = _checked(valid_embeddings, valid_labels, "validation")
        if vx.shape[1] != x.shape[1] or vy.min() < 0 or vy.max() >= k:
            raise SignalError("validation has another width, or labels that training has not.")
        for s, (weight, bias, _) in fits.items():
            logits = vx @ weight.T + bias
            losses[s] = (_log_sum(logits) - logits[np.arange(len(vy)), vy]).mean()
        chosen = int(np.argmin(losses))
    weight, bias, converged = fits[chosen]
    return MulticlassProbe(
        weight=weight, bias=bias, c=cs[chosen], valid_loss=losses, converged=converged
    )


def _checked(embeddings, labels, name):
    x, y = np.asarray(embeddings, float), np.asarray(labels)
    if x.ndim != 2 or y.shape != (len(x),) or 0 in x.shape:
        raise SignalError(
            f"{name} embeddings of shape {x.shape} and labels of shape {y.shape} arrived; "
            "(record, dim) and (record,) with as many records were needed."
        )
    if not np.isfinite(x).all():
        raise SignalError(f"{name} embeddings hold NaN or infinity; the encoder gave no number.")
    if not (np.isfinite(y) & (y == np.round(y))).all():
        raise OptionError(f"{name} labels are not all whole numbers; leave unknown ones out.")
    return x, y.astype(int)


def _fit(z, y, k, each, c, start, tolerance, max_iterations):
    n, dim = z.shape
    weight = np.ones(n) if each is None else each[y]
    penalty = np.full(dim, 1.0 / c)
    penalty[-1] = 0.0
    truth = np.zeros((n, k))
    truth[np.arange(n), y] = 1.0
    share = np.clip((weight @ truth) / weight.sum(), 1e-3, 1 - 1e-3)
    curvature = (share * (1 - share) * weight.sum())[:, None] * (z**2).mean(axis=0) + penalty

    def objective(points, which):
        at = points.reshape(k, dim)
        logits = z @ at.T
        total = _log_sum(logits)
        value = weight @ (total - logits[np.arange(n), y]) + 0.5 * (at**2 @ penalty).sum()
        miss = weight[:, None] * (np.exp(logits - total[:, None]) - truth)
        gradient = miss.T @ z + at * penalty
        return np.array([value]), gradient.reshape(1, -1)

    first = np.zeros((1, k * dim)) if start is None else start.reshape(1, -1)
    found = minimise_all(
        objective,
        first,
        np.maximum(curvature, 1e-12).reshape(1, -1),
        tolerance=tolerance,
        max_iterations=max_iterations,
    )
    return found.points.reshape(k, dim), bool(found.converged[0])


def _log_sum(logits):
    highest = logits.max(axis=1)
    return highest + np.log(np.exp(logits - highest[:, None]).sum(axis=1))
