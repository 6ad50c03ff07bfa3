# SPDX-License-Identifier: Apache-2.0
"""SimCLR as one writes it down first: view by view, window by window."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from precordia.training.objectives.simclr import SimClr
from precordia.training.unlabelled_batch import UnlabelledBatch


def step(objective: SimClr, batch: UnlabelledBatch, change) -> Tensor:
    """Return the loss of a batch, from views on."""
    compared = []
    for _ in range(objective.n_views):
        windows, present = change(batch, objective.change)
        compared.append(objective.projector(objective.encoder.encode(windows, present)))
    return nt_xent(compared, batch.patients, objective.temperature)


def nt_xent(views: list[Tensor], patients: Tensor, temperature: float) -> Tensor:
    """Return the loss that `precordia.training.contrast.nt_xent` gives."""
    rows = torch.cat(views)
    n = len(patients)
    losses = []
    for anchor in range(len(rows)):
        window = anchor % n
        likeness = functional.cosine_similarity(rows[anchor][None], rows) / temperature
        right = [k * n + window for k in range(len(views)) if k * n + window != anchor]
        wrong = likeness[(patients != patients[window]).repeat(len(views))]
        whole = torch.cat([likeness[right], wrong]).logsumexp(dim=0)
        losses.append(whole - likeness[right].mean())
    return torch.stack(losses).mean()
