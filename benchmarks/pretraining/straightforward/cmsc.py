# SPDX-License-Identifier: Apache-2.0
"""Contrastive multi-segment coding as one writes it down first: stretch by stretch."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from precordia.training.objectives.cmsc import Cmsc
from precordia.training.unlabelled_batch import UnlabelledBatch


def step(objective: Cmsc, batch: UnlabelledBatch, change) -> Tensor:
    """Return the loss of a batch, from views on."""
    halves = halved(batch)
    first, second = (
        objective.projector(objective.encoder.encode(*change(half, objective.change)))
        for half in halves
    )
    return cmsc_loss(first, second, halves[0].patients, objective.temperature)


def halved(batch: UnlabelledBatch) -> tuple[UnlabelledBatch, UnlabelledBatch]:
    """Return the earlier windows of all recordings, and the later ones."""
    parts: tuple[list[int], list[int]] = ([], [])
    for record in batch.records.unique().tolist():
        rows = (batch.records == record).nonzero()[:, 0].tolist()
        rows.sort(key=lambda row: int(batch.starts[row]))
        for part, row in zip(parts, rows, strict=True):
            part.append(row)
    names = ("windows", "present", "patients", "records", "starts", "ages", "males")
    early, late = (
        replace(batch, rpeaks=None, **{name: getattr(batch, name)[part] for name in names})
        for part in parts
    )
    return early, late


def cmsc_loss(earlier: Tensor, later: Tensor, patients: Tensor, temperature: float) -> Tensor:
    """Return what `precordia.training.objectives.cmsc.cmsc_loss` gives."""
    losses = []
    for anchors, others in ((earlier, later), (later, earlier)):
        for row in range(len(anchors)):
            likeness = functional.cosine_similarity(anchors[row][None], others) / temperature
            right = likeness[patients == patients[row]]
            losses.append(likeness.logsumexp(dim=0) - right.mean())
    return torch.stack(losses).mean()
