# SPDX-License-Identifier: Apache-2.0
"""Masked auto-encoding as one writes it down first: masks row by row, all tokens drawn."""

from __future__ import annotations

import torch
from torch import Tensor

from precordia.training.masks import Places
from precordia.training.objectives.mae import Mae
from precordia.training.unlabelled_batch import UnlabelledBatch


def step(objective: Mae, batch: UnlabelledBatch, change) -> Tensor:
    """Return the loss of a batch, masks drawn anew."""
    n_tokens = batch.windows.shape[2] // objective.patch
    n_hidden = round(objective.hidden * n_tokens)
    orders = [torch.randperm(n_tokens) for _ in range(len(batch))]
    places = Places(
        torch.stack([order[n_hidden:].sort().values for order in orders]),
        torch.stack([order[:n_hidden].sort().values for order in orders]),
    )
    return mae_loss(objective, batch.windows, places)


def mae_loss(objective: Mae, windows: Tensor, places: Places) -> Tensor:
    """Return the loss that `Mae` gives for the same weights and masks, all leads recorded."""
    encoder, decoder, patch = objective.vit, objective.decoder, objective.patch
    n_rows, n_tokens = len(windows), places.kept.shape[1] + places.hidden.shape[1]

    tokens = encoder.frames(windows)
    tokens = torch.stack([tokens[row, places.kept[row]] for row in range(n_rows)])
    for block in encoder.blocks:
        tokens = block(tokens)
    seen = decoder.enter(encoder.norm(tokens))

    filled = []
    for row in range(n_rows):
        whole = decoder.mark.repeat(n_tokens, 1)
        whole[places.kept[row]] = seen[row]
        filled.append(whole + decoder.table[:n_tokens])
    tokens = torch.stack(filled)
    for block in decoder.blocks:
        tokens = block(tokens)
    drawn = decoder.leave(decoder.norm(tokens))

    pieces = windows[:, :, : n_tokens * patch].unflatten(2, (n_tokens, patch))
    pieces = pieces.permute(0, 2, 1, 3).flatten(2)
    if objective.normalise:
        variance = pieces.var(dim=2, keepdim=True, correction=0)
        pieces = (pieces - pieces.mean(dim=2, keepdim=True)) / (variance + 1e-8).sqrt()
    hidden = torch.zeros(n_rows, n_tokens)
    for row in range(n_rows):
        hidden[row, places.hidden[row]] = 1
    square = (drawn - pieces).square().mean(dim=2)
    return (square * hidden).sum() / hidden.sum()
