# SPDX-License-Identifier: Apache-2.0
"""COMET as one writes it down first: level by level, sample by sample, moment by moment."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from precordia.training.objectives.comet import Comet, cut
from precordia.training.unlabelled_batch import UnlabelledBatch


def step(objective: Comet, batch: UnlabelledBatch, change) -> Tensor:
    """Return the loss of a batch, from views on, all levels having a weight."""
    pieces, weights = cut(batch, objective.n_pieces), objective.weights
    first, second = (
        objective.compared(objective.encoder.tokens(*change(pieces, objective.change)))
        for _ in range(2)
    )
    observation, sample = over_scales(first, second, objective.compared.out_features**0.5)
    embeddings = objective.encoder.encode(pieces.windows, pieces.present)
    trial = same_id_loss(embeddings, pieces.records, objective.temperature)
    patient = same_id_loss(embeddings, pieces.patients, objective.temperature)
    return (
        weights["observation"] * observation
        + weights["sample"] * sample
        + weights["trial"] * trial
        + weights["patient"] * patient
    )


def over_scales(first: Tensor, second: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Return what `precordia.training.objectives.comet.over_scales` gives."""
    observations, samples = [], []
    while first.shape[1] > 1:
        pairs = zip(first, second, strict=True)
        found = [pair_loss(one, other, temperature) for one, other in pairs]
        observations.append(torch.stack(found).mean())
        found = [
            pair_loss(first[:, moment], second[:, moment], temperature)
            for moment in range(first.shape[1])
        ]
        samples.append(torch.stack(found).mean())
        first, second = (
            functional.max_pool1d(view.transpose(1, 2), 2).transpose(1, 2)
            for view in (first, second)
        )
    return torch.stack(observations).mean(), torch.stack(samples).mean()


def pair_loss(one: Tensor, other: Tensor, temperature: float) -> Tensor:
    """Return how badly rows find themselves among those of both views."""
    rows, n = torch.cat([one, other]), len(one)
    product = rows @ rows.T / temperature
    product = product.masked_fill(torch.eye(2 * n, dtype=torch.bool), -torch.inf)
    return functional.cross_entropy(product, torch.arange(2 * n).roll(n))


def same_id_loss(embeddings: Tensor, who: Tensor, temperature: float) -> Tensor:
    """Return what `precordia.training.objectives.comet.same_id_loss` gives."""
    losses = []
    for anchor in range(len(embeddings)):
        others = torch.arange(len(who)) != anchor
        right = others & (who == who[anchor])
        if right.any():
            row = embeddings[anchor][None]
            likeness = functional.cosine_similarity(row, embeddings) / temperature
            losses.append(likeness[others].logsumexp(dim=0) - likeness[right].mean())
    return torch.stack(losses).mean()
