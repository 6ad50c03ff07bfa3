# SPDX-License-Identifier: Apache-2.0
"""Logistic regression on embeddings, one per statement: what an encoder knows, in seconds."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from precordia.core.errors import OptionError, SignalError
from precordia.core.record import Remark
from precordia.training.logistic_grid import GridFit

#: precise enough to compare settings by
_SEARCH_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSetting:
    """One point of the grid.

    Attributes
    ----------
    c
        Inverse strength of the L2 penalty, in scikit-learn's sense: the summed loss is multiplied
        by it.
    class_weight
        ``"none"``, or ``"balanced"``: positives and negatives of a statement weigh the same.
    standardise
        Whether features are brought to zero mean and unit variance of the training records first.
    """

    c: float
    class_weight: Literal["none", "balanced"] = "none"
    standardise: bool = True


#: the grid of the ecg-fix protocol
DEFAULT_GRID = tuple(
    ProbeSetting(c=c, class_weight=weight, standardise=standardise)  # type: ignore[arg-type]
    for standardise, weight, c in itertools.product(
        (True, False), ("none", "balanced"), (0.01, 0.1, 1.0, 10.0)
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearProbe:
    """A fitted probe; logits are ``embeddings @ weight.T + bias``.

    Attributes
    ----------
    weight, bias
        On raw embeddings: standardisation is folded in.
    chosen
        Index into ``grid`` of each statement.
    grid
        The settings that were tried.
    valid_loss
        Log-loss of each setting and statement on validation; NaN without validation.
    converged
        Whether the optimiser reached its tolerance for the chosen setting.
    remarks
        Statements that could not be learnt or chosen, and why.
    """

    weight: Float[np.ndarray, "statement dim"]
    bias: Float[np.ndarray, " statement"]
    chosen: Int[np.ndarray, " statement"]
    grid: tuple[ProbeSetting, ...]
    valid_loss: Float[np.ndarray, "setting statement"]
    converged: Bool[np.ndarray, " statement"]
    remarks: tuple[Remark, ...] = ()


def fit_linear_probe(
    embeddings: Float[np.ndarray, "record dim"],
    labels: Float[np.ndarray, "record statement"],
    *,
    valid_embeddings: Float[np.ndarray, "valid dim"] | None = None,
    valid_labels: Float[np.ndarray, "valid statement"] | None = None,
    grid: tuple[ProbeSetting, ...] = DEFAULT_GRID,
    select: Literal["statement", "task"] = "statement",
    tolerance: float = 1e-9,
    max_iterations: int = 500,
) -> LinearProbe:
    """Fit one logistic regression per statement and choose its penalty on validation records.

    Parameters
    ----------
    embeddings, labels
        Training records. Labels are 0 or 1; NaN where a statement is unknown.
    valid_embeddings, valid_labels
        Records that choose among the settings, of other patients. Not needed for a single setting.
    grid
        Settings to try; 16 by default: C of 0.01, 0.1, 1 and 10, balanced or not, standardised or
        not.
    select
        ``"statement"``: each statement has the setting with its own lowest log-loss. ``"task"``:
        all have the one with the lowest mean log-loss.
    tolerance, max_iterations
        Of the optimiser.

    Returns
    -------
    The probe. A statement without a positive or without a negative is answered with the constant
    logit of its frequency, and a remark says so.

    Raises
    ------
    SignalError
        If shapes disagree, or embeddings are not finite.
    OptionError
        If labels are other than 0, 1 and NaN, a choice lacks validation records, or the grid is
        empty.

    Notes
    -----
    *Method*: the probe of the ecg-fix protocol (frozen embeddings, one-versus-rest logistic
    regression, the same grid). *Departures*: the validation log-loss is the binary one, averaged
    over known labels, while the protocol's code hands multi-label targets to scikit-learn's
    multinomial ``log_loss``, which ignores the negatives; settings are chosen per statement unless
    ``select="task"``; a statement without both kinds of validation labels takes the setting of the
    task. The objective is scikit-learn's: half the squared weights plus C times the summed loss,
    intercept free.

    Features are rotated to their principal axes first, which leaves the penalty as it is and makes
    their curvature nearly diagonal; all statements are then fitted side by side
    (`precordia.training.batched_lbfgs`), to a millionth of the loss for the choice and to
    ``tolerance`` for what is chosen. Nothing is random.

    References
    ----------
    Evaluation of ECG representations must be fixed. arXiv:2602.17531

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(400, 8))
    >>> y = (x[:, :2] + 0.1 * rng.normal(size=(400, 2)) > 0).astype(float)
    >>> probe = fit_linear_probe(
    ...     x[:300], y[:300], valid_embeddings=x[300:], valid_labels=y[300:]
    ... )
    >>> bool(((probe_logits(probe, x) > 0) == y).mean() > 0.95)
    True
    """
    x, y = _checked(embeddings, labels, "training")
    settings = tuple(grid)
    if not settings:
        raise OptionError("the grid is empty; at least one ProbeSetting is needed.")
    if any(not setting.c > 0 for setting in settings):
        raise OptionError("C must be positive: it is the inverse strength of the penalty.")
    if select not in ("statement", "task"):
        raise OptionError(f"select is '{select}'; 'statement' or 'task' is needed.")
    if (valid_embeddings is None) != (valid_labels is None):
        raise OptionError("validation needs both embeddings and labels; one of them is missing.")
    if valid_embeddings is None and len(settings) > 1:
        raise OptionError(
            f"{len(settings)} settings arrived and no validation records to choose among them. "
            "Give valid_embeddings and valid_labels, or a grid with one setting."
        )
    grid_fit = GridFit(x, y, settings, max_iterations)
    n_statements = y.shape[1]
    loss = np.full((len(settings), n_statements), np.nan)
    chosen = np.zeros(n_statements, int)
    remarks = _unlearnable(y)
    if valid_embeddings is not None:
        vx, vy = _checked(valid_embeddings, valid_labels, "validation")
        if vx.shape[1] != x.shape[1] or vy.shape[1] != n_statements:
            raise SignalError(
                f"validation has {vx.shape[1]} features and {vy.shape[1]} statements; training has "
                f"{x.shape[1]} and {n_statements}."
            )
        coarse = max(tolerance, _SEARCH_TOLERANCE)
        loss = np.stack([binary_log_loss(vx @ w.T + b, vy) for w, b in grid_fit.sweep(coarse)])
        chosen, undecided = _choose(loss, vy, select)
        remarks += _undecided(undecided, select)
    weight, bias, converged = grid_fit.finish(chosen, tolerance)
    return LinearProbe(
        weight=weight,
        bias=bias,
        converged=converged,
        chosen=chosen,
        grid=settings,
        valid_loss=loss,
        remarks=remarks,
    )


def probe_logits(
    probe: LinearProbe, embeddings: Float[np.ndarray, "record dim"]
) -> Float[np.ndarray, "record statement"]:
    """Score records with a fitted probe.

    Parameters
    ----------
    probe
        From `fit_linear_probe`.
    embeddings
        Of the same encoder.

    Returns
    -------
    Logits.

    Raises
    ------
    SignalError
        If the embeddings have another width.

    Examples
    --------
    >>> x = np.array([[-1.0], [-0.9], [0.9], [1.0]])
    >>> probe = fit_linear_probe(x, x > 0, grid=(ProbeSetting(c=1.0),))
    >>> (probe_logits(probe, x)[:, 0] > 0).tolist()
    [False, False, True, True]
    """
    x = np.asarray(embeddings, float)
    if x.ndim != 2 or x.shape[1] != probe.weight.shape[1]:
        raise SignalError(
            f"embeddings of shape {x.shape} arrived; (record, {probe.weight.shape[1]}) was needed, "
            "as the probe was fitted."
        )
    return x @ probe.weight.T + probe.bias


def binary_log_loss(
    logits: Float[np.ndarray, "record statement"], labels: Float[np.ndarray, "record statement"]
) -> Float[np.ndarray, " statement"]:
    """Average the log-loss of each statement over its known labels.

    Returns
    -------
    One value per statement; NaN where no label is known.

    Examples
    --------
    >>> binary_log_loss(np.array([[0.0], [0.0]]), np.array([[1.0], [np.nan]])).round(4)
    array([0.6931])
    """
    known = ~np.isnan(labels)
    target = np.where(known, labels, 0.0)
    cells = np.where(known, _softplus(logits) - target * logits, 0.0)
    count = known.sum(axis=0)
    return np.where(count > 0, cells.sum(axis=0) / np.maximum(count, 1), np.nan)


def _softplus(z):
    return np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z)))


def _checked(embeddings, labels, name):
    x, y = np.asarray(embeddings, float), np.asarray(labels, float)
    if x.ndim != 2 or y.ndim != 2 or x.shape[0] != y.shape[0] or 0 in x.shape:
        raise SignalError(
            f"{name} embeddings of shape {x.shape} and labels of shape {y.shape} arrived; "
            "(record, dim) and (record, statement) with as many records were needed."
        )
    if not np.isfinite(x).all():
        raise SignalError(f"{name} embeddings hold NaN or infinity; the encoder gave no number.")
    if not (np.isnan(y) | (y == 0) | (y == 1)).all():
        raise OptionError(
            f"{name} labels hold values other than 0, 1 and NaN (unknown), which a logistic "
            "probe needs. For numbers to predict use fit_ridge_probe."
        )
    return x, y


def _choose(loss, labels, select):
    """Return the setting of each statement, and which ones validation cannot decide."""
    n_known = (~np.isnan(labels)).sum(axis=0)
    n_positive = np.nansum(labels, axis=0)
    decided = (n_positive > 0) & (n_positive < n_known)
    of_task = loss[:, decided] if decided.any() else loss[:, n_known > 0]
    best = int(np.argmin(of_task.mean(axis=1))) if of_task.size else 0
    chosen = np.full(labels.shape[1], best)
    if select == "statement" and decided.any():
        chosen[decided] = np.argmin(loss[:, decided], axis=0)
    return chosen, np.flatnonzero(~decided)


def _unlearnable(y):
    n_known, n_positive = (~np.isnan(y)).sum(axis=0), np.nansum(y, axis=0)
    flat = np.flatnonzero((n_positive == 0) | (n_positive == n_known))
    if not flat.size:
        return ()
    return (
        Remark(
            code="statement-not-learnable",
            text=f"{flat.size} statements have no positive or no negative training record and are "
            f"answered with a constant: columns {', '.join(map(str, flat))}.",
        ),
    )


def _undecided(columns, select):
    if not columns.size or select == "task":
        return ()
    return (
        Remark(
            code="setting-of-the-task",
            text=f"{columns.size} statements have no positive or no negative validation record and "
            f"take the setting that is best for all: columns {', '.join(map(str, columns))}.",
        ),
    )
