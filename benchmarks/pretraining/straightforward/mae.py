# SPDX-License-Identifier: Apache-2.0
"""Masked auto-encoding as one writes it down first: all tokens, masked attention, loops."""

from __future__ import annotations

import torch
from torch import Tensor

from precordia.training.masks import Places
from precordia.training.objectives.mae import Mae


def mae_loss(objective: Mae, windows: Tensor, places: Places) -> Tensor:
    """Return the loss that `Mae` gives for the same weights and masks, all leads recorded."""
    encoder, decoder = objective.vit, objective.decoder
    n_rows, n_tokens = len(windows), places.kept.shape[1] + places.hidden.shape[1]
    visible = torch.zeros(n_rows, n_tokens, dtype=torch.bool)
    for row in range(n_rows):
        visible[row, places.kept[row]] = True

    tokens = encoder.frames(windows)
    for block in encoder.blocks:
        tokens = block(tokens, visible)
    tokens = decoder.enter(encoder.norm(tokens))
    tokens = torch.where(visible[:, :, None], tokens, decoder.mark) + decoder.table[:n_tokens]
    for block in decoder.blocks:
        tokens = block(tokens)
    drawn = decoder.leave(decoder.norm(tokens))

    total, count = torch.zeros(()), 0
    for row in range(n_rows):
        for place in range(n_tokens):
            if not visible[row, place]:
                start = place * objective.patch
                piece = windows[row, :, start : start + objective.patch].flatten()
                if objective.normalise:
                    piece = (piece - piece.mean()) / (piece.var(correction=0) + 1e-8).sqrt()
                total = total + (drawn[row, place] - piece).square().mean()
                count += 1
    return total / count
