# SPDX-License-Identifier: Apache-2.0
"""Contrastive predictive coding as one writes it down first: step by step."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from precordia.training.objectives.cpc import Cpc
from precordia.training.unlabelled_batch import UnlabelledBatch


def step(objective: Cpc, batch: UnlabelledBatch, change) -> Tensor:
    """Return the loss of a batch, wrong steps drawn anew."""
    with torch.no_grad():
        n_steps = objective.s4.frames(batch.windows[:1]).shape[1]
    n_drawn = max(objective.n_within, objective.n_across)
    places = torch.randint(n_steps, (len(batch), n_drawn))
    return cpc_loss(objective, batch.windows, places)


def cpc_loss(objective: Cpc, windows: Tensor, places: Tensor) -> Tensor:
    """Return the loss that `Cpc` gives for the same weights and drawn places."""
    frames = objective.s4.frames(windows)
    context = objective.s4.context(frames)
    n_rows, n_steps, _ = frames.shape
    rows = torch.arange(n_rows)
    wrong = frames[rows[:, None], places[:, : objective.n_within]]
    offered = frames[rows[:, None], places[:, : objective.n_across]].flatten(0, 1)
    own = rows[:, None] == rows.repeat_interleave(objective.n_across)[None, :]
    total, count = torch.zeros(()), 0
    for which, ahead in enumerate(objective.steps):
        for now in range(n_steps - ahead):
            told = objective.foretell(context[:, now]).chunk(len(objective.steps), dim=1)[which]
            told = told / objective.temperature
            right = frames[:, now + ahead]
            score = (told * right).sum(dim=1, keepdim=True)
            near = (told[:, None] * wrong).sum(dim=2)
            near = near.masked_fill(places[:, : objective.n_within] == now + ahead, -torch.inf)
            far = told @ offered.T
            far = far.masked_fill(own, -torch.inf)
            logits = torch.cat([score, near, far], dim=1)
            answer = torch.zeros(n_rows, dtype=torch.long)
            total = total + functional.cross_entropy(logits, answer, reduction="sum")
            count += n_rows
    return total / count
