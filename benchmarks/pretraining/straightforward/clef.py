# SPDX-License-Identifier: Apache-2.0
"""CLEF as one writes it down first: window by window; all leads, risk weighted."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from precordia.training.clinical_risk import score2, share_missing
from precordia.training.objectives.clef import Clef
from precordia.training.unlabelled_batch import UnlabelledBatch


def step(objective: Clef, batch: UnlabelledBatch, change) -> Tensor:
    """Return the loss of a batch, from views on."""
    compared = [
        objective.projector(objective.encoder.encode(*change(batch, objective.change)))
        for _ in range(2)
    ]
    risks = score2(batch.ages, batch.males)
    missing = share_missing(batch.ages, batch.males)
    unlike = dissimilarity(risks, missing, objective.least)
    contrast = risk_contrast(compared, unlike, batch.patients, objective.temperature)
    return (contrast + alignment(compared, unlike, risks.isfinite())) / 2


def dissimilarity(risks: Tensor, missing: Tensor, least: float) -> Tensor:
    """Return what `precordia.training.objectives.clef.dissimilarity` gives."""
    n = len(risks)
    square = torch.stack([(risk - risks) ** 2 for risk in risks])
    scaled = least + (1 - least) * square / square[square.isfinite()].max()
    usual = scaled[square.isfinite() & ~torch.eye(n, dtype=torch.bool)].mean()
    rows = []
    for row in range(n):
        unlike = torch.where(scaled[row].isnan(), usual, scaled[row])
        unlike = unlike * torch.exp(-missing[row] * missing)
        unlike[row] = 0
        rows.append(unlike)
    return torch.stack(rows)


def risk_contrast(
    compared: list[Tensor], unlike: Tensor, patients: Tensor, temperature: float
) -> Tensor:
    """Return what `precordia.training.objectives.clef.risk_contrast` gives."""
    rows, n = torch.cat(compared), len(patients)
    losses = []
    for anchor in range(2 * n):
        window, right = anchor % n, (anchor + n) % (2 * n)
        likeness = functional.cosine_similarity(rows[anchor][None], rows) / temperature
        weights = unlike[window].repeat(2).softmax(dim=0)
        wrong = (patients != patients[window]).repeat(2)
        far = likeness[wrong] + weights[wrong].log()
        whole = torch.cat([likeness[right][None], far]).logsumexp(dim=0)
        losses.append(whole - likeness[right])
    return torch.stack(losses).mean()


def alignment(compared: list[Tensor], unlike: Tensor, known: Tensor) -> Tensor:
    """Return what `precordia.training.objectives.clef.alignment` gives."""
    rows, n = torch.cat(compared), len(known)
    cosine = torch.stack([functional.cosine_similarity(row[None], rows) for row in rows])
    stretched = (cosine - cosine.min()) / (cosine.max() - cosine.min() + 1e-6)
    total, count = torch.zeros(()), 0
    for anchor in range(2 * n):
        counts = known & known[anchor % n]
        counts[anchor % n] = True
        counts = counts.repeat(2)
        missed = stretched[anchor] - (1 - unlike[anchor % n].repeat(2))
        total = total + missed[counts].square().sum()
        count += int(counts.sum())
    return total / count
