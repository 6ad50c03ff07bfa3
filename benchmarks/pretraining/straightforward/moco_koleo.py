# SPDX-License-Identifier: Apache-2.0
"""Contrast between participants with KoLeo as one writes it down first: window by window."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from precordia.training.objectives.moco_koleo import MocoKoleo
from precordia.training.unlabelled_batch import UnlabelledBatch


def step(objective: MocoKoleo, batch: UnlabelledBatch, change) -> Tensor:
    """Return the loss of a batch, from views on."""
    teacher, project = objective.teacher.module
    compared = objective.projector(objective.encoder.encode(*change(batch, objective.change)))
    with torch.no_grad():
        keys = project(teacher.encode(*change(batch, objective.change)))
    contrast = participant_loss(compared, keys, batch.patients, objective.temperature)
    return contrast + objective.spread * koleo(compared)


def participant_loss(ours: Tensor, keys: Tensor, patients: Tensor, temperature: float) -> Tensor:
    """Return what `precordia.training.objectives.moco_koleo.participant_loss` gives."""
    losses = []
    for anchor in range(len(ours)):
        others = torch.arange(len(ours)) != anchor
        right = others & (patients == patients[anchor])
        if right.any():
            likeness = functional.cosine_similarity(ours[anchor][None], keys) / temperature
            losses.append(likeness[others].logsumexp(dim=0) - likeness[right].mean())
    return torch.stack(losses).mean() if losses else ours.sum() * 0


def koleo(embeddings: Tensor) -> Tensor:
    """Return what `precordia.training.spread.koleo` gives."""
    unit = functional.normalize(embeddings, dim=1)
    losses = []
    for row in range(len(unit)):
        others = torch.cat([unit[:row], unit[row + 1 :]])
        nearest = (unit[row] - others).square().sum(dim=1).min()
        losses.append(-(nearest + 1e-8).sqrt().log())
    return torch.stack(losses).mean()
