# SPDX-License-Identifier: Apache-2.0
"""Ridge regression on embeddings: numbers such as age or an interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from precordia.core.errors import OptionError, SignalError

DEFAULT_ALPHAS = tuple(10.0**k for k in range(-1, 6))


@dataclass(frozen=True, slots=True, kw_only=True)
class RidgeProbe:
    """A fitted probe; predictions are ``embeddings @ weight.T + bias``.

    Attributes
    ----------
    weight, bias
        On raw embeddings, in the unit of the labels. NaN for an output without two known labels.
    alpha
        Penalty of each output.
    valid_error
        Mean squared error of each penalty and output on validation; NaN without validation.
    """

    weight: Float[np.ndarray, "output dim"]
    bias: Float[np.ndarray, " output"]
    alpha: Float[np.ndarray, " output"]
    valid_error: Float[np.ndarray, "setting output"]


def fit_ridge_probe(
    embeddings: Float[np.ndarray, "record dim"],
    labels: Float[np.ndarray, "record output"],
    *,
    valid_embeddings: Float[np.ndarray, "valid dim"] | None = None,
    valid_labels: Float[np.ndarray, "valid output"] | None = None,
    alphas: tuple[float, ...] = DEFAULT_ALPHAS,
) -> RidgeProbe:
    """Fit one ridge regression per output and choose its penalty on validation records.

    Parameters
    ----------
    embeddings, labels
        Training records; NaN where a number is unknown.
    valid_embeddings, valid_labels
        Records that choose the penalty, of other patients. Not needed for a single one.
    alphas
        Penalties to try, in scikit-learn's sense: alpha times the squared weights on standardised
        features is added to the summed squared error.

    Returns
    -------
    The probe.

    Raises
    ------
    SignalError
        If shapes disagree or embeddings are not finite.
    OptionError
        If the choice lacks validation records, or a penalty is not positive.

    Notes
    -----
    Features are standardised on all training records. Outputs that are known for the same records
    share one decomposition.

    References
    ----------
    Hoerl AE, Kennard RW. Technometrics 1970;12:55-67. doi:10.1080/00401706.1970.10488634

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(100, 3))
    >>> probe = fit_ridge_probe(x, x @ np.array([[1.0], [2.0], [0.0]]) + 5, alphas=(1e-6,))
    >>> probe.weight.round(3), probe.bias.round(3)
    (array([[1., 2., 0.]]), array([5.]))
    """
    x, y = _checked(embeddings, labels, "training")
    settings = tuple(alphas)
    if not settings or not all(alpha > 0 for alpha in settings):
        raise OptionError("alphas must be positive, and at least one is needed.")
    if (valid_embeddings is None) != (valid_labels is None):
        raise OptionError("validation needs both embeddings and labels; one of them is missing.")
    if valid_embeddings is None and len(settings) > 1:
        raise OptionError(
            f"{len(settings)} penalties arrived and no validation records to choose among them. "
            "Give valid_embeddings and valid_labels, or one alpha."
        )
    mean, spread = x.mean(axis=0), x.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    weight, bias = _fit_all((x - mean) / scale, y, settings)
    weight = weight / scale
    bias = bias - weight @ mean
    chosen = np.zeros(y.shape[1], int)
    error = np.full((len(settings), y.shape[1]), np.nan)
    if valid_embeddings is not None:
        vx, vy = _checked(valid_embeddings, valid_labels, "validation")
        if vx.shape[1] != x.shape[1] or vy.shape[1] != y.shape[1]:
            raise SignalError(
                f"validation has {vx.shape[1]} features and {vy.shape[1]} outputs; training has "
                f"{x.shape[1]} and {y.shape[1]}."
            )
        error = np.stack([_error(vx @ w.T + b, vy) for w, b in zip(weight, bias, strict=True)])
        known = np.isfinite(error).all(axis=0)
        scaled = error[:, known] / error[:, known].min(axis=0, initial=np.inf).clip(min=1e-300)
        chosen[:] = int(np.argmin(scaled.mean(axis=1))) if known.any() else 0
        chosen[known] = np.argmin(error[:, known], axis=0)
    take = np.arange(y.shape[1])
    return RidgeProbe(
        weight=weight[chosen, take],
        bias=bias[chosen, take],
        alpha=np.array(settings)[chosen],
        valid_error=error,
    )


def probe_numbers(
    probe: RidgeProbe, embeddings: Float[np.ndarray, "record dim"]
) -> Float[np.ndarray, "record output"]:
    """Predict numbers of records with a fitted probe.

    Raises
    ------
    SignalError
        If the embeddings have another width.

    Examples
    --------
    >>> x = np.array([[0.0], [1.0], [2.0]])
    >>> probe_numbers(fit_ridge_probe(x, 3 * x, alphas=(1e-9,)), np.array([[5.0]])).round(6)
    array([[15.]])
    """
    x = np.asarray(embeddings, float)
    if x.ndim != 2 or x.shape[1] != probe.weight.shape[1]:
        raise SignalError(
            f"embeddings of shape {x.shape} arrived; (record, {probe.weight.shape[1]}) was needed, "
            "as the probe was fitted."
        )
    return x @ probe.weight.T + probe.bias


def _checked(embeddings, labels, name):
    x, y = np.asarray(embeddings, float), np.asarray(labels, float)
    if x.ndim != 2 or y.ndim != 2 or x.shape[0] != y.shape[0] or 0 in x.shape:
        raise SignalError(
            f"{name} embeddings of shape {x.shape} and labels of shape {y.shape} arrived; "
            "(record, dim) and (record, output) with as many records were needed."
        )
    if not np.isfinite(x).all() or np.isinf(y).any():
        raise SignalError(f"{name} embeddings hold NaN or infinity, or labels infinity.")
    return x, y


def _fit_all(z, y, alphas):
    n_outputs, dim = y.shape[1], z.shape[1]
    weight = np.full((len(alphas), n_outputs, dim), np.nan)
    bias = np.full((len(alphas), n_outputs), np.nan)
    patterns: dict[bytes, list[int]] = {}
    known = ~np.isnan(y)
    for k in range(n_outputs):
        patterns.setdefault(known[:, k].tobytes(), []).append(k)
    for columns in patterns.values():
        rows = known[:, columns[0]]
        if rows.sum() < 2:
            continue
        part, wanted = z[rows], y[np.ix_(rows, columns)]
        centre, level = part.mean(axis=0), wanted.mean(axis=0)
        _, singular, axes = np.linalg.svd(part - centre, full_matrices=False)
        projected = ((part - centre) @ axes.T).T @ (wanted - level)
        for s, alpha in enumerate(alphas):
            found = (projected / (singular**2 + alpha)[:, None]).T @ axes
            weight[s, columns], bias[s, columns] = found, level - found @ centre
    return weight, bias


def _error(predicted, y):
    known: Bool[np.ndarray, "record output"] = ~np.isnan(y)
    squared = np.where(known, (predicted - np.where(known, y, 0.0)) ** 2, 0.0)
    count = known.sum(axis=0)
    return np.where(count > 0, squared.sum(axis=0) / np.maximum(count, 1), np.nan)
