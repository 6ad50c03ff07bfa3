# SPDX-License-Identifier: Apache-2.0
"""SimDINOv2 as one writes it down first: crop by crop, pair by pair."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from precordia.training.objectives.simdino import SimDino
from precordia.training.unlabelled_batch import UnlabelledBatch


def step(objective: SimDino, batch: UnlabelledBatch, change) -> Tensor:
    """Return the loss of a batch, from views on; tokens stand in the order of time."""
    teacher, heads = objective.teacher.module
    large = [change(batch, objective.large) for _ in range(2)]
    small = [change(batch, objective.small) for _ in range(objective.n_local)]
    said, given, told, seen, hidden = [], [], [], [], []
    for windows, present in large:
        with torch.no_grad():
            tokens, embedding = both(teacher, windows, present)
            told.append(tokens)
            said.append(heads[0](embedding))
        n_tokens, n_samples = tokens.shape[1], windows.shape[2]
        mask = torch.stack(
            [
                hide(n_tokens, objective.masked_share, objective.masked_tokens)
                for _ in range(len(windows))
            ]
        )
        clock = torch.arange(n_samples) * n_tokens // n_samples
        hidden.append(mask)
        masked = windows * ~mask[:, clock][:, None]
        tokens, embedding = both(objective.encoder, masked, present)
        seen.append(tokens)
        given.append(objective.heads[0](embedding))
    for windows, present in small:
        given.append(objective.heads[0](objective.encoder.encode(windows, present)))
    loss = agreement(given, said) - objective.spread * expansion(given[:2], objective.distortion)
    filled = objective.heads[1](torch.cat([t[m] for t, m in zip(seen, hidden, strict=True)]))
    with torch.no_grad():
        wanted = heads[1](torch.cat([t[m] for t, m in zip(told, hidden, strict=True)]))
    apart = 1 - functional.cosine_similarity(filled, wanted, dim=1).mean()
    return loss + objective.token_weight * apart


def both(encoder: nn.Module, windows: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
    """Return tokens and the embedding."""
    tokens = encoder.tokens(windows, present)
    return tokens, encoder.pool(tokens, present.to(windows.dtype))


def hide(n_tokens: int, share: float, span: int) -> Tensor:
    """Draw which tokens of one window are hidden."""
    mask = torch.zeros(n_tokens, dtype=torch.bool)
    for start in torch.randperm(n_tokens - span + 1)[: max(round(share * n_tokens / span), 1)]:
        mask[start : start + span] = True
    return mask


def agreement(student: list[Tensor], teacher: list[Tensor]) -> Tensor:
    """Return what `agreement_loss` gives."""
    cosines = [
        functional.cosine_similarity(ours, theirs, dim=1).mean()
        for k, ours in enumerate(student)
        for j, theirs in enumerate(teacher)
        if k != j
    ]
    return 1 - torch.stack(cosines).mean()


def expansion(student: list[Tensor], distortion: float) -> Tensor:
    """Return what `precordia.training.objectives.simdino.expansion` gives."""
    rates = []
    for view in student:
        rows = functional.normalize(view, dim=1)
        n, dim = rows.shape
        inside = torch.eye(dim) + dim / (n * distortion) * rows.T @ rows
        rates.append(torch.logdet(inside) / 2)
    return distortion * math.sqrt(n / (dim * min(dim, n))) * torch.stack(rates).mean()
