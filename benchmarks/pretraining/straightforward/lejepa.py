# SPDX-License-Identifier: Apache-2.0
"""LeJEPA as one writes it down first: crop by crop, with a table of all points of SIGReg."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from precordia.training.objectives.lejepa import LeJepa
from precordia.training.unlabelled_batch import UnlabelledBatch


def step(objective: LeJepa, batch: UnlabelledBatch, change) -> Tensor:
    """Return the loss of a batch, from views on."""
    changes = [objective.large] * 2 + [objective.small] * objective.n_local
    compared = [
        objective.projector(objective.encoder.encode(*change(batch, how))) for how in changes
    ]
    directions = torch.randn(compared[0].shape[1], objective.n_directions)
    normal = torch.stack([sigreg(view, directions) for view in compared]).mean()
    share = objective.regularisation
    return (1 - share) * meeting(compared) + share * normal


def meeting(compared: list[Tensor]) -> Tensor:
    """Return what `meeting_loss` gives for two large views."""
    centre = (compared[0] + compared[1]) / 2
    return torch.stack([(view - centre).square().mean() for view in compared]).mean()


def sigreg(embeddings: Tensor, directions: Tensor) -> Tensor:
    """Return what `precordia.training.spread.sigreg` gives for these directions."""
    along = embeddings @ functional.normalize(directions, dim=0)
    points = torch.linspace(-3, 3, 33)
    angles = along[:, :, None] * points
    normal = (-(points**2) / 2).exp()
    off = (angles.cos().mean(dim=0) - normal) ** 2 + angles.sin().mean(dim=0) ** 2
    return torch.trapezoid(off * normal, points, dim=1).mean() * len(embeddings)
