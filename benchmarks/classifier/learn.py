# SPDX-License-Identifier: Apache-2.0
"""One network learns from views of recordings: the recipe."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from views import Views

from precordia.models.aligned_beats import AlignedBeatsNet, BeatView


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a network learns."""

    epochs: int = 40
    batch: int = 64
    lr: float = 2e-3
    weight_decay: float = 0.02
    average: float = 0.99  # of the moving average of weights
    mixup: float = 0.2
    gain: float = 0.1
    noise: float = 0.03
    lead_dropout: float = 0.1
    shift: int = 2
    warp: float = 0.0
    statements: float = 0.5  # weight of all statements together, that of the superclasses is 1
    numbers: float = 0.1  # weight of numbers beside the labels
    width: int = 48
    dropout: float = 0.3
    n_superclasses: int = 5


def learn(
    make,
    views: Views,
    labels: np.ndarray,
    rows: np.ndarray,
    recipe: Recipe,
    *,
    seed: int,
    numbers: np.ndarray | None = None,
    start: dict[str, Tensor] | None = None,
) -> AlignedBeatsNet:
    """Train one network.

    Parameters
    ----------
    make
        Function that makes the network.
    views, labels
        Of all recordings; labels may be probabilities, NaN is unknown.
    rows
        Recordings that it may learn from.
    recipe
        How.
    seed
        Of weights, order and augmentation.
    numbers
        What else the embedding should tell of each recording, NaN where unknown: taught by a head
        of its own that is thrown away.
    start
        Weights to begin with.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = make(recipe)
    if start is not None:
        model.load_state_dict(start)
    side = None if numbers is None else nn.Linear(model.dim, numbers.shape[1])
    wanted = None if numbers is None else torch.from_numpy(numbers.astype(np.float32))
    n_steps = recipe.epochs * (len(rows) // recipe.batch)
    optimiser = _optimiser(nn.ModuleList([model] if side is None else [model, side]), recipe)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.lr, total_steps=n_steps + 1, pct_start=0.2
    )
    weight = class_weights(labels.shape[1], recipe)
    average: dict[str, Tensor] | None = None
    targets = torch.from_numpy(labels.astype(np.float32))
    step = 0
    model.train()
    for _ in range(recipe.epochs):
        order = rng.permutation(rows)
        for start in range(0, len(order) - recipe.batch + 1, recipe.batch):
            batch = order[start : start + recipe.batch]
            look = torch.from_numpy(rng.integers(0, views.mean.shape[1], len(batch)))
            view, present = views.at(batch, look)
            view, present = disturb(view, present, recipe, rng)
            target = targets[batch]
            if wanted is not None:
                target = torch.cat([target, wanted[batch]], 1)
            view, target = mix(view, target, recipe, rng)
            vector = model.neck(model.pool(model.tokens_of(view, present), present))
            loss = masked_loss(model.head(vector), target[:, : len(weight)], weight)
            if side is not None:
                loss = loss + recipe.numbers * masked_miss(side(vector), target[:, len(weight) :])
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 2.0)
            optimiser.step()
            schedule.step()
            step += 1
            if step > 0.3 * n_steps:
                average = _averaged(average, model, recipe.average)
    if average is not None:
        model.load_state_dict(average)
    return model.eval()


def class_weights(n_classes: int, recipe: Recipe) -> Tensor:
    """Return the weight of each class: superclasses together 1, statements together less."""
    n = recipe.n_superclasses
    weight = torch.full((n_classes,), recipe.statements / max(n_classes - n, 1))
    weight[:n] = 1 / n
    return weight / weight.sum()


def masked_loss(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Return the mean cross-entropy of what is known."""
    known = torch.isfinite(target)
    each = F.binary_cross_entropy_with_logits(
        logits, torch.where(known, target, torch.zeros_like(target)), reduction="none"
    )
    return (each * known * weight).sum(1).mean()


def masked_miss(given: Tensor, wanted: Tensor) -> Tensor:
    """Return the mean squared error of what is known."""
    known = torch.isfinite(wanted)
    miss = (given - torch.where(known, wanted, torch.zeros_like(wanted))) ** 2
    return (miss * known).sum() / known.sum().clamp(min=1)


def disturb(
    view: BeatView, present: Tensor, recipe: Recipe, rng: np.random.Generator
) -> tuple[BeatView, Tensor]:
    """Shift, stretch, scale and blur beats, and hide leads, as a new recording might."""
    mean, spread, proportions = view.mean, view.spread, view.proportions
    n, n_samples = len(mean), mean.shape[-1]
    draw = torch.Generator().manual_seed(int(rng.integers(2**62)))
    at = torch.arange(n_samples, dtype=torch.float32)[None].repeat(n, 1)
    if recipe.warp:
        stretch = 1 + recipe.warp * (2 * torch.rand(n, 1, generator=draw) - 1)
        at = (at - 36) * stretch + 36
    if recipe.shift:
        at = at + torch.randint(-recipe.shift, recipe.shift + 1, (n, 1), generator=draw)
    mean, spread = _read_at(mean, at), _read_at(spread, at)
    gain = torch.exp(recipe.gain * torch.randn(n, 12, 1, generator=draw))
    mean, spread = mean * gain, spread * gain
    mean = mean + recipe.noise * torch.randn(mean.shape, generator=draw) * present[:, :, None]
    proportions = proportions * torch.exp(0.1 * torch.randn(n, 12, generator=draw))
    if recipe.lead_dropout:
        keep = (torch.rand(n, 12, 1, generator=draw) > recipe.lead_dropout).float()
        mean, spread = mean * keep, spread * keep
    return BeatView(mean, spread, view.numbers, proportions), present


def mix(
    view: BeatView, target: Tensor, recipe: Recipe, rng: np.random.Generator
) -> tuple[BeatView, Tensor]:
    """Blend each recording of a batch with another (mixup, arXiv:1710.09412)."""
    if not recipe.mixup:
        return view, target
    share = float(rng.beta(recipe.mixup, recipe.mixup))
    share = max(share, 1 - share)
    other = torch.from_numpy(rng.permutation(len(target)))
    blended = (share * part + (1 - share) * part[other] for part in view)
    return BeatView(*blended), share * target + (1 - share) * target[other]


def _read_at(beats: Tensor, at: Tensor) -> Tensor:
    at = at.clamp(0, beats.shape[-1] - 1.001)
    left = at.floor().long()
    part = (at - left)[:, None]
    left = left[:, None].expand(-1, beats.shape[1], -1)
    return beats.gather(2, left) * (1 - part) + beats.gather(2, left + 1) * part


def _optimiser(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    weights = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim < 2]
    groups = [
        {"params": weights, "weight_decay": recipe.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.lr)


def _averaged(average, model: nn.Module, keep: float) -> dict[str, Tensor]:
    now = model.state_dict()
    if average is None:
        return {name: value.clone() for name, value in now.items()}
    for name, value in now.items():
        if value.dtype.is_floating_point:
            average[name].mul_(keep).add_(value, alpha=1 - keep)
        else:
            average[name].copy_(value)
    return average


@torch.no_grad()
def logits_and_embedding(
    model: AlignedBeatsNet, view: BeatView, present: Tensor
) -> tuple[np.ndarray, np.ndarray]:
    """Return logits and embeddings of views."""
    logits, vectors = [], []
    for rows in torch.arange(len(present)).split(256):
        part = BeatView(*(column[rows] for column in view))
        vector = model.pool(model.tokens_of(part, present[rows]), present[rows])
        vectors.append(vector)
        logits.append(model.head(vector))
    return torch.cat(logits).numpy(), torch.cat(vectors).numpy()
