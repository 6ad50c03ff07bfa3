# SPDX-License-Identifier: Apache-2.0
"""Likeness to recordings with known labels: kernel ridge regression over mean beats.

It needs a second to fit, ranks rare statements better than a network that learned from the same
recordings, and errs elsewhere, so that both together are better than either.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from views import Views

from precordia.models.aligned_beats import BeatView


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelRecipe:
    """How beats are compared."""

    n_components: int = 120
    whitening: float = 0.3  # 0 keeps the size of each component, 1 makes all alike
    others: float = 0.2  # weight of rhythm and of limb proportions beside the beats
    reach: float = 1.5  # of the Laplacian kernel, in median distances
    ridge: float = 0.6


class Likeness(nn.Module):
    """Kernel ridge regression, as part of a graph: `fit_likeness` makes it."""

    def __init__(self, **parts: np.ndarray) -> None:
        super().__init__()
        for name, value in parts.items():
            self.register_buffer(name, torch.from_numpy(np.asarray(value, np.float32)))

    def place(self, view: BeatView) -> Tensor:
        """Return where recordings lie in the space in which they are compared."""
        beats = (_compressed(view).flatten(1) - self.centre) @ self.directions
        shape = view.proportions[:, :6].clamp(min=1e-3).log()
        return torch.cat([beats, view.numbers * self.number_scale, shape * self.shape_scale], 1)

    def forward(self, view: BeatView) -> Tensor:
        """Return logits."""
        here = self.place(view)
        square = (here**2).sum(1, keepdim=True) + (self.known**2).sum(1) - 2 * here @ self.known.T
        likeness = torch.exp(-self.rate * square.clamp(min=1e-8).sqrt())
        part = (likeness @ self.weights + self.prior).clamp(0.003, 0.997)
        return torch.log(part / (1 - part))


def fit_likeness(
    views: Views, labels: np.ndarray, rows: np.ndarray, recipe: KernelRecipe
) -> Likeness:
    """Fit to recordings.

    Parameters
    ----------
    views, labels
        Of all recordings.
    rows
        Those to learn from.
    recipe
        How.
    """
    view, _ = views.at(rows, torch.zeros(len(rows), dtype=torch.long))
    beats = _compressed(view).flatten(1).numpy().astype(np.float64)
    centre = beats.mean(0)
    beats -= centre
    values, vectors = np.linalg.eigh(beats.T @ beats / len(beats))
    values, vectors = values[::-1], vectors[:, ::-1]
    values, vectors = values[: recipe.n_components], vectors[:, : recipe.n_components]
    directions = vectors / np.sqrt(values) ** recipe.whitening
    directions /= np.sqrt(((beats @ directions) ** 2).sum(1).mean())
    scale = view.numbers.numpy().std(0) + 1e-6
    numbers = view.numbers.numpy() / scale
    parts = {
        "centre": centre,
        "directions": directions,
        "number_scale": recipe.others / scale / np.sqrt((numbers**2).sum(1).mean()),
        "shape_scale": np.full(6, recipe.others),
    }
    known = Likeness(**parts).place(view).numpy().astype(np.float64)
    square = (known**2).sum(1)
    apart = np.sqrt(np.maximum(square[:, None] + square - 2 * known @ known.T, 0))
    rate = recipe.reach / np.median(apart)
    likeness = np.exp(-rate * apart) + recipe.ridge * np.eye(len(rows))
    prior = labels[rows].mean(0)
    weights = np.linalg.solve(likeness, labels[rows] - prior)
    parts |= {"directions": _short(directions)}
    known = Likeness(**parts).place(view).numpy()
    parts |= {"known": _short(known), "rate": rate, "weights": _short(weights), "prior": prior}
    return Likeness(**parts).eval()


def _short(values: np.ndarray) -> np.ndarray:
    """Round to what 16 bits hold: half the size in a graph, and no visible difference."""
    return values.astype(np.float16).astype(np.float32)


def _compressed(view: BeatView) -> Tensor:
    """Return beats, beats in proportion, and their square roots, in which small waves count."""
    scaled = view.mean * view.proportions[:, :, None]
    root = view.mean.sign() * (scaled.abs() + 1e-12).sqrt()
    return torch.cat([0.5 * view.mean, scaled, root], 1)
