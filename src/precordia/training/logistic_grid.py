# SPDX-License-Identifier: Apache-2.0
"""Penalised logistic regressions of many statements at once, over a grid of settings."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from precordia.core.errors import OptionError
from precordia.training.batched_lbfgs import minimise_all


class GridFit:
    """Fits of all settings: coarsely to compare them, then finely for the chosen ones."""

    def __init__(self, x, y, settings, max_iterations):
        odd = {setting.class_weight for setting in settings} - {"none", "balanced"}
        if odd:
            raise OptionError(f"class_weight is '{odd.pop()}'; 'none' or 'balanced' is needed.")
        self.y, self.settings, self.max_iterations = y, settings, max_iterations
        self.features = {
            standardise: principal_axes(x, standardise)
            for standardise in {setting.standardise: None for setting in settings}
        }
        self.points: dict[int, np.ndarray] = {}

    def sweep(self, tolerance):
        """Fit every setting; neighbours along C start where the stronger penalty ended."""
        by_penalty = sorted(range(len(self.settings)), key=lambda k: self.settings[k].c)
        last: dict[tuple, np.ndarray] = {}
        for k in by_penalty:
            family = (self.settings[k].standardise, self.settings[k].class_weight)
            last[family], _ = self._fit(k, slice(None), last.get(family), tolerance)
            self.points[k] = last[family]
        return [
            self.features[setting.standardise][1](self.points[k])
            for k, setting in enumerate(self.settings)
        ]

    def finish(self, chosen, tolerance):
        """Fit each statement with its chosen setting to the wanted tolerance."""
        dim = next(iter(self.features.values()))[0].shape[1] - 1
        weight, bias = np.zeros((len(chosen), dim)), np.zeros(len(chosen))
        converged = np.zeros(len(chosen), bool)
        for k in np.unique(chosen):
            rows = np.flatnonzero(chosen == k)
            start = self.points[k][rows] if k in self.points else None
            points, converged[rows] = self._fit(k, rows, start, tolerance)
            weight[rows], bias[rows] = self.features[self.settings[k].standardise][1](points)
        return weight, bias, converged

    def _fit(self, k, statements, start, tolerance):
        setting = self.settings[k]
        labels = self.y[:, statements]
        weights = label_weights(labels, setting.class_weight)
        rotated = self.features[setting.standardise][0]
        return fit_logistic(
            rotated, labels, weights, setting.c, start, tolerance, self.max_iterations
        )


def principal_axes(x: Float[np.ndarray, "record dim"], standardise: bool):
    """Centre, scale and rotate features onto their principal axes.

    Returns
    -------
    The features with a last column of ones, and a function that takes coefficients of these to a
    weight on raw features and an intercept.
    """
    mean = x.mean(axis=0)
    spread = x.std(axis=0) if standardise else np.ones(x.shape[1])
    scale = np.where(spread > 0, spread, 1.0)
    centred = (x - mean) / scale
    _, axes = np.linalg.eigh(centred.T @ centred)
    # NumPy's eigenvectors are defined up to sign, which changes nothing in what comes back.
    rotated = np.concatenate([centred @ axes, np.ones((len(x), 1))], axis=1)

    def back(points):
        weight = points[:, :-1] @ axes.T / scale
        return weight, points[:, -1] - weight @ mean

    return rotated, back


def label_weights(
    y: Float[np.ndarray, "record statement"], weighting: str
) -> Float[np.ndarray, "record statement"]:
    """Weigh each label: 0 where unknown, and by scikit-learn's rule where balance is asked for.

    Examples
    --------
    >>> label_weights(np.array([[1.0], [0.0], [0.0], [0.0], [np.nan]]), "balanced").ravel().round(2)
    array([2.  , 0.67, 0.67, 0.67, 0.  ])
    """
    known = (~np.isnan(y)).astype(float)
    if weighting == "none":
        return known
    n_positive = np.nansum(y, axis=0)
    n_known = known.sum(axis=0)
    of_positive = n_known / np.maximum(2 * n_positive, 1)
    of_negative = n_known / np.maximum(2 * (n_known - n_positive), 1)
    return known * np.where(y == 1, of_positive, of_negative)


def fit_logistic(
    z: Float[np.ndarray, "record dim"],
    y: Float[np.ndarray, "record statement"],
    weights: Float[np.ndarray, "record statement"],
    c: float,
    start: Float[np.ndarray, "statement dim"] | None,
    tolerance: float,
    max_iterations: int,
) -> tuple[Float[np.ndarray, "statement dim"], Bool[np.ndarray, " statement"]]:
    """Fit the coefficients of every statement; the last one, of the ones, is not penalised.

    Returns
    -------
    Coefficients, and whether each converged. A statement without both kinds of labels keeps where
    it started: the logit of its frequency.
    """
    n_statements, dim = y.shape[1], z.shape[1]
    target = np.ascontiguousarray(np.where(np.isnan(y), 0.0, y).T)
    weight = np.ascontiguousarray(weights.T)
    penalty = np.full(dim, 1.0 / c)
    penalty[-1] = 0.0
    n_positive, n_known = target.sum(axis=1), (weight > 0).sum(axis=1)
    learnable = (n_positive > 0) & (n_positive < n_known)
    total = np.maximum(weight.sum(axis=1), 1.0)
    share = np.clip((weight * target).sum(axis=1) / total, 0.5 / total, 1 - 0.5 / total)
    if start is None:
        start = np.zeros((n_statements, dim))
        start[:, -1] = np.log(share / (1 - share))
    bend = (share * (1 - share) * total)[:, None] * (z**2).mean(axis=0) + penalty
    bend = np.maximum(bend, 1e-12)
    rows = np.flatnonzero(learnable)

    def objective(points, which):
        at = rows[which]
        logits = points @ z.T
        lower = np.exp(-np.abs(logits))
        losses = np.maximum(logits, 0.0) + np.log1p(lower) - target[at] * logits
        probability = np.where(logits >= 0, 1.0, lower) / (1.0 + lower)
        value = np.einsum("sr,sr->s", weight[at], losses) + 0.5 * (points**2) @ penalty
        gradient = (weight[at] * (probability - target[at])) @ z + points * penalty
        return value, gradient

    found = minimise_all(
        objective, start[rows], bend[rows], tolerance=tolerance, max_iterations=max_iterations
    )
    points, converged = start.copy(), np.ones(n_statements, bool)
    points[rows], converged[rows] = found.points, found.converged
    return points, converged
