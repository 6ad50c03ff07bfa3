# SPDX-License-Identifier: Apache-2.0
"""BYOL as one writes it down first: each network once for each view."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from precordia.training.objectives.byol import Byol
from precordia.training.unlabelled_batch import UnlabelledBatch


def step(objective: Byol, batch: UnlabelledBatch, change) -> Tensor:
    """Return the loss of a batch, from views on."""
    teacher, project = objective.teacher.module
    seen = [change(batch, objective.change) for _ in range(2)]
    total = torch.zeros(())
    for this, other in ((0, 1), (1, 0)):
        predicted = objective.predictor(objective.projector(objective.encoder.encode(*seen[this])))
        with torch.no_grad():
            target = project(teacher.encode(*seen[other]))
        total = total + distance(predicted, target)
    return total / 2


def distance(predicted: Tensor, target: Tensor) -> Tensor:
    """Return what `byol_loss` gives for one direction."""
    ours, theirs = functional.normalize(predicted, dim=1), functional.normalize(target, dim=1)
    return (ours - theirs).square().sum(dim=1).mean()
