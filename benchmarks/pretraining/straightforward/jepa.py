# SPDX-License-Identifier: Apache-2.0
"""Joint-embedding prediction as one writes it down first: all tokens, masked attention, loops."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from precordia.training.masks import Places
from precordia.training.objectives.jepa import Jepa, patch_of
from precordia.training.unlabelled_batch import UnlabelledBatch


def step(objective: Jepa, batch: UnlabelledBatch, change) -> Tensor:
    """Return the loss of a batch, masks drawn anew."""
    n_tokens = batch.windows.shape[2] // patch_of(objective.vit)
    share = float(torch.empty(()).uniform_(*objective.kept))
    n_kept = math.ceil(share * n_tokens)
    places = sample_places(len(batch), n_tokens, n_kept, objective.shortest)
    return jepa_loss(objective, batch.windows, places)


def jepa_loss(objective: Jepa, windows: Tensor, places: Places) -> Tensor:
    """Return the loss that `Jepa` gives for the same weights and masks."""
    encoder, predictor = objective.vit, objective.predictor
    n_rows, n_tokens = len(windows), places.kept.shape[1] + places.hidden.shape[1]

    visible = torch.zeros(n_rows, n_tokens, dtype=torch.bool)
    for row in range(n_rows):
        for place in places.kept[row]:
            visible[row, place] = True

    with torch.no_grad():
        target = objective.teacher.module.tokens(windows)
        if objective.standardise:
            for place in range(n_tokens):
                column = target[:, place]
                spread = (column.var(dim=0, correction=0) + 1e-6).sqrt()
                target[:, place] = (column - column.mean(dim=0)) / spread

    # All tokens go through the encoder; those that are hidden are looked at by none.
    tokens = encoder.frames(windows)
    for block in encoder.blocks:
        tokens = block(tokens, visible)
    tokens = predictor.enter(encoder.norm(tokens))

    marked = []
    for row in range(n_rows):
        marked.append(torch.where(visible[row][:, None], tokens[row], predictor.mark))
    tokens = torch.stack(marked) + predictor.table[:n_tokens]
    for block in predictor.blocks:
        tokens = block(tokens)
    told = predictor.leave(predictor.norm(tokens))

    total = torch.zeros(())
    for row in range(n_rows):
        total = total + (told[row] - target[row])[~visible[row]].abs().mean()
    return total / n_rows


def sample_places(n_rows: int, n_tokens: int, n_kept: int, shortest: int) -> Places:
    """Draw blocks row by row and block by block."""
    kept, hidden = [], []
    for _ in range(n_rows):
        visible = torch.ones(n_tokens, dtype=torch.bool)
        while int(visible.sum()) > n_kept:
            to_hide = int(visible.sum()) - n_kept
            length = to_hide
            if to_hide > shortest:
                length = int(torch.randint(shortest, to_hide + 1, ()))
            start = int(torch.randint(0, n_tokens - length + 1, ()))
            for place in range(start, start + length):
                if int(visible.sum()) > n_kept:
                    visible[place] = False
        kept.append(visible.nonzero()[:, 0])
        hidden.append((~visible).nonzero()[:, 0])
    return Places(torch.stack(kept), torch.stack(hidden))
