# SPDX-License-Identifier: Apache-2.0
"""Losses are those of plain code, so that benchmarks/speed/pretrain.py compares like with like."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from precordia.core.leads import STANDARD_12
from precordia.core.registry import load_object
from precordia.models.load_model import load_model
from precordia.training.contrast import nt_xent
from precordia.training.objective_table import OBJECTIVES
from precordia.training.objectives import byol, clef, cmsc, comet, lejepa, moco_koleo, simdino
from precordia.training.objectives.heartlang import HeartLangWords, sentence_of
from precordia.training.spread import koleo, sigreg

PATIENTS = torch.tensor([3, 3, 5, 1, 1, 1, 7, 2])
UNKNOWN = float("nan")


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).requires_grad_()


def agree(ours: torch.Tensor, theirs: torch.Tensor, *reached: torch.Tensor) -> None:
    """Losses and their gradients are the same."""
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    for one, other in zip(
        torch.autograd.grad(ours, reached), torch.autograd.grad(theirs, reached), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("n_views", [2, 3])
def test_simclr(plain, n_views):
    views = drawn(n_views, 8, 6)
    theirs = plain("simclr").nt_xent(list(views), PATIENTS, 0.2)
    agree(nt_xent(views, PATIENTS, temperature=0.2), theirs, views)


def test_byol(plain):
    predicted, target = drawn(2, 8, 6), drawn(2, 8, 6, seed=1).detach()
    distance = plain("byol").distance
    theirs = (distance(predicted[0], target[1]) + distance(predicted[1], target[0])) / 2
    agree(byol.byol_loss(predicted, target), theirs, predicted)


def test_moco_koleo(plain):
    rows, keys = drawn(8, 6), drawn(8, 6, seed=1).detach()
    theirs = plain("moco_koleo").participant_loss(rows, keys, PATIENTS, 0.1)
    agree(moco_koleo.participant_loss(rows, keys, PATIENTS, temperature=0.1), theirs, rows)
    agree(koleo(rows), plain("moco_koleo").koleo(rows), rows)


def test_cmsc(plain):
    earlier, later = drawn(8, 6), drawn(8, 6, seed=1)
    theirs = plain("cmsc").cmsc_loss(earlier, later, PATIENTS, 0.1)
    agree(cmsc.cmsc_loss(earlier, later, PATIENTS, temperature=0.1), theirs, earlier, later)


def test_simdino(plain):
    student, teacher = drawn(5, 8, 6), drawn(2, 8, 6, seed=1).detach()
    theirs = plain("simdino").agreement(list(student), list(teacher))
    agree(simdino.agreement_loss(student, teacher), theirs, student)
    theirs = plain("simdino").expansion(list(student), 0.05)
    agree(simdino.expansion(student, distortion=0.05), theirs, student)


def test_clef(plain):
    compared = drawn(2, 8, 6)
    risks = torch.tensor([0.1, 0.3, UNKNOWN, 0.05, 0.2, UNKNOWN, 0.4, 0.11])
    missing = torch.tensor([0.0, 0.0, 1.0, 0.5, 0.0, 0.5, 0.0, 0.0])
    unlike = clef.dissimilarity(risks, missing, least=0.2)
    torch.testing.assert_close(unlike, plain("clef").dissimilarity(risks, missing, 0.2))
    theirs = plain("clef").risk_contrast(list(compared), unlike, PATIENTS, 0.1)
    agree(clef.risk_contrast(compared, unlike, PATIENTS, temperature=0.1), theirs, compared)
    known = risks.isfinite()
    theirs = plain("clef").alignment(list(compared), unlike, known)
    agree(clef.alignment(compared, unlike, known), theirs, compared)


def test_comet(plain):
    tokens, rows = drawn(2, 8, 13, 4), drawn(8, 6)
    ours = comet.over_scales(tokens, observation=True, sample=True, temperature=2.0)
    theirs = plain("comet").over_scales(*tokens, 2.0)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other)
    agree(sum(ours), sum(theirs), tokens)
    theirs = plain("comet").same_id_loss(rows, PATIENTS, 0.1)
    agree(comet.same_id_loss(rows, PATIENTS, temperature=0.1), theirs, rows)


def test_lejepa(plain, monkeypatch):
    compared = drawn(6, 8, 5)
    agree(
        lejepa.meeting_loss(compared, n_large=2), plain("lejepa").meeting(list(compared)), compared
    )
    directions = torch.randn(5, 32, generator=torch.Generator().manual_seed(4))
    monkeypatch.setattr(torch, "randn", lambda *shape, generator: directions)
    ours = sigreg(compared, torch.Generator(), n_directions=32)
    theirs = torch.stack([plain("lejepa").sigreg(view, directions) for view in compared]).mean()
    agree(ours, theirs, compared)


def test_words_of_heartlang_are_cut_alike(plain, make_batch):
    batch = make_batch(4, n_samples=1000)
    few = (batch.rpeaks[0], batch.rpeaks[1][:1], batch.rpeaks[2][:0], batch.rpeaks[3])
    batch = dataclasses.replace(batch, rpeaks=few)
    objective = made("heartlang", n_samples=1000)
    assert isinstance(objective, HeartLangWords)
    encoder = objective.sentences
    cut = [
        plain("heartlang").sentence(window, peaks, encoder.lead_numbers, 100, encoder.word)
        for window, peaks in zip(batch.windows, few, strict=True)
    ]
    ours = sentence_of(encoder, batch)
    theirs = plain("heartlang").padded(cut, encoder.n_words, encoder.word)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other)


def made(name: str, n_samples: int):
    row = OBJECTIVES[name]
    encoder = load_model(
        row.architecture,
        n_outputs=0,
        leads=STANDARD_12,
        n_samples=n_samples,
        fs=100,
        **row.model_options,
    )
    return load_object(row.path)(encoder, **row.options)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_whole_plain_steps_have_losses_like_ours(plain, make_batch, name):
    row = OBJECTIVES[name]
    pairs = row.grouping != "records"
    batch = make_batch(8, n_samples=500 if name == "wav2vec" else 1000, pairs=pairs)
    batch = dataclasses.replace(batch, ages=torch.linspace(40, 80, 8), males=torch.ones(8))
    if row.grouping == "neighbours":
        batch = dataclasses.replace(batch, starts=torch.tensor([0, 500] * 4))
    objective = made(name, int(batch.windows.shape[2])).eval()
    change = plain("change_windows").ChangeWindows()
    ours, theirs = [], []
    with torch.no_grad():
        for seed in range(2):
            ours.append(objective(batch, 0.5, torch.Generator().manual_seed(seed)).loss)
            theirs.append(plain(name).step(objective, batch, change))
    ours, theirs = torch.stack(ours).mean(), torch.stack(theirs).mean()
    assert abs(ours - theirs) < 0.25 * abs(ours)
