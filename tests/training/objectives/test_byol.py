# SPDX-License-Identifier: Apache-2.0
"""BYOL: the loss written out, and a teacher that follows."""

from __future__ import annotations

import pytest
import torch

from precordia.models.load_model import load_model
from precordia.training.objectives.byol import Byol, byol_loss


def _encoder():
    return load_model("resnet1d", n_outputs=0, leads="standard-12", n_samples=400, fs=100, width=4)


def _drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_loss_is_the_square_distance_of_unit_vectors_between_views():
    predicted = torch.randn(2, 6, 5, generator=_drawn(0)).requires_grad_()
    target = torch.randn(2, 6, 5, generator=_drawn(1)).requires_grad_()
    total = 0.0
    for view in range(2):
        for row in range(6):
            p, z = predicted[view, row].detach(), target[1 - view, row].detach()
            total += (p / p.norm() - z / z.norm()).square().sum().item()
    loss = byol_loss(predicted, target)
    assert loss.item() == pytest.approx(total / 12, rel=1e-5)
    loss.backward()
    assert target.grad is None
    assert (predicted.grad.abs().sum(dim=-1) > 0).all()


def test_alike_is_nothing_and_opposite_is_four():
    one = torch.randn(2, 4, 3, generator=_drawn())
    assert byol_loss(one, one.flip(0)).item() == pytest.approx(0, abs=1e-6)
    assert byol_loss(one, -one.flip(0)).item() == pytest.approx(4, abs=1e-6)


def test_twenty_steps_lower_the_loss_and_the_teacher_follows(make_batch, few_steps):
    objective = Byol(_encoder(), projected=16, hidden=32, decay_first=0.9)
    before = [p.clone() for p in objective.teacher.parameters()]
    losses = few_steps(objective, make_batch(16))
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])
    after = list(objective.teacher.parameters())
    assert any(not torch.equal(a, b) for a, b in zip(after, before, strict=True))
    assert all(p.grad is None for p in after)
    assert objective.exported() is objective.encoder


def test_at_the_end_of_the_schedule_the_teacher_stands_still(make_batch):
    objective = Byol(_encoder())
    before = [p.clone() for p in objective.teacher.parameters()]
    with torch.no_grad():
        for p in objective.encoder.parameters():
            p.add_(1.0)
    objective.after_step(1.0)
    held = objective.teacher.parameters()
    assert all(torch.equal(a, b) for a, b in zip(held, before, strict=True))


def test_the_generator_decides_everything(make_batch):
    objective, batch = Byol(_encoder()).eval(), make_batch(8)
    first, again = objective(batch, 0.0, _drawn(1)), objective(batch, 0.0, _drawn(1))
    assert torch.equal(first.loss, again.loss)
    assert not torch.equal(first.loss, objective(batch, 0.0, _drawn(2)).loss)
