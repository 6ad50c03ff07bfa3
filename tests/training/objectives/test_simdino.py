# SPDX-License-Identifier: Apache-2.0
"""SimDINOv2: each term written out, what is hidden, what learns and what is kept."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from precordia.core.errors import OptionError
from precordia.models.load_model import load_model
from precordia.training.objectives.simdino import SimDino, agreement_loss, expansion


def _encoder(name: str = "vit1d", **options):
    told = {"patch": 25, "width": 32, "depth": 2, "heads": 2, "drop_path": 0.0} | options
    return load_model(name, n_outputs=0, leads="standard-12", n_samples=400, fs=100, **told)


def _drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_views_agree_with_other_views_of_the_teacher_alone():
    student = torch.randn(5, 4, 6, generator=_drawn(0)).requires_grad_()
    teacher = torch.randn(2, 4, 6, generator=_drawn(1)).requires_grad_()
    cosines = [
        torch.cosine_similarity(student[v], teacher[w], dim=-1).mean().item()
        for v in range(5)
        for w in range(2)
        if v != w
    ]
    loss = agreement_loss(student, teacher)
    assert loss.item() == pytest.approx(1 - sum(cosines) / len(cosines), abs=1e-6)
    loss.backward()
    assert teacher.grad is None


@pytest.mark.parametrize(("n", "dim"), [(12, 5), (5, 12)])
def test_the_expansion_follows_from_the_cholesky_factor(n, dim):
    rows = torch.randn(2, n, dim, generator=_drawn())
    total = 0.0
    for view in rows.double().numpy():
        unit = view / np.linalg.norm(view, axis=1, keepdims=True)
        inside = np.eye(dim) + dim / (n * 0.05) * unit.T @ unit
        total += np.log(np.diag(np.linalg.cholesky(inside))).sum()
    expected = 0.05 * math.sqrt(n / (dim * min(dim, n))) * total / 2
    assert expansion(rows).item() == pytest.approx(expected, rel=1e-5)


def test_a_collapse_agrees_and_is_still_worse():
    spread = torch.randn(2, 32, 16, generator=_drawn())
    alike = torch.ones(2, 32, 16)
    collapsed = agreement_loss(alike, alike) - 0.1 * expansion(alike)
    good = agreement_loss(spread[[0, 0]], spread[[0, 0]]) - 0.1 * expansion(spread[[0, 0]])
    assert agreement_loss(alike, alike).item() == pytest.approx(0, abs=1e-6)
    assert good < collapsed


@pytest.mark.parametrize("name", ["vit1d", "vit1d-leads"])
def test_hidden_tokens_are_hidden_samples(make_batch, name):
    objective = SimDino(_encoder(name), global_crop=1.0, masked_leads=0.0)
    batch = make_batch(6)
    n_tokens = objective.encoder.tokens(batch.windows).shape[1]
    tokens, samples = objective._hidden(batch, n_tokens, _drawn())
    by_patch = samples.reshape(6, 16, 25)
    assert (by_patch.all(dim=2) == by_patch.any(dim=2)).all()
    for lead_tokens in tokens.reshape(6, -1, 16).unbind(1):
        assert torch.equal(lead_tokens, by_patch.any(dim=2))
    assert 0 < int(by_patch.sum()) < by_patch.numel() / 2


@pytest.mark.parametrize("name", ["vit1d", "vit1d-leads", "resnet1d"])
def test_twenty_steps_lower_the_loss_for_any_encoder(make_batch, few_steps, name):
    options = {"width": 4} if name == "resnet1d" else None
    made = (
        load_model(name, n_outputs=0, leads="standard-12", n_samples=400, fs=100, **options)
        if options
        else _encoder(name)
    )
    objective = SimDino(made, projected=16, hidden=32, n_local=2, masked_leads=0.0)
    before = {name: p.detach().clone() for name, p in objective.named_parameters()}
    losses = few_steps(objective, make_batch(12))
    assert sum(losses[-5:]) < sum(losses[:5]) - 0.2
    trained = {name: p for name, p in objective.named_parameters() if p.requires_grad}
    still = [name for name, p in trained.items() if torch.equal(p, before[name])]
    assert all("leads.table" in name or "pooling" in name for name in still)
    assert objective.exported() is objective.teacher.module[0]
    assert all(p.grad is None for p in objective.teacher.parameters())


def test_no_local_views_and_no_tokens_are_possible(make_batch):
    plain = SimDino(_encoder(), n_local=0, token_weight=0.0).eval()
    learned = plain(make_batch(6), 0.0, _drawn())
    assert set(learned.logged) == {"agreement", "coding_rate"}
    expected = learned.logged["agreement"] - 0.1 * learned.logged["coding_rate"]
    torch.testing.assert_close(learned.loss.detach(), expected)


def test_the_generator_decides_everything(make_batch):
    objective, batch = SimDino(_encoder()).eval(), make_batch(6)
    first, again = objective(batch, 0.0, _drawn(1)), objective(batch, 0.0, _drawn(1))
    assert torch.equal(first.loss, again.loss)
    assert not torch.equal(first.loss, objective(batch, 0.0, _drawn(2)).loss)


def test_an_impossible_mask_is_refused_with_a_sentence():
    with pytest.raises(OptionError, match="share below 1"):
        SimDino(_encoder(), masked_share=1.0)
    with pytest.raises(OptionError, match="samples alone"):
        SimDino(_encoder(positions="learned"))


def test_tokens_that_do_not_stand_in_time_are_refused_with_a_sentence():
    other = load_model(
        "weimann-jepa", n_outputs=0, leads="standard-12", n_samples=400, fs=100, width=16, depth=2,
        heads=2,
    )  # fmt: skip
    with pytest.raises(OptionError, match="order of time"):
        SimDino(other, global_crop=1.0, n_local=0)
    SimDino(other, global_crop=1.0, n_local=0, token_weight=0.0)
