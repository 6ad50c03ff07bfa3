# SPDX-License-Identifier: Apache-2.0
"""Recordings of one participant find each other, and embeddings stay apart."""

from __future__ import annotations

import math

import pytest
import torch

from precordia.models.load_model import load_model
from precordia.training.objectives.moco_koleo import MocoKoleo, participant_loss
from precordia.training.spread import koleo


def _encoder():
    return load_model("resnet1d", n_outputs=0, leads="standard-12", n_samples=400, fs=100, width=4)


def _drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_loss_equals_the_double_loop():
    ours = torch.randn(7, 5, generator=_drawn(0), dtype=torch.float64).requires_grad_()
    keys = torch.randn(7, 5, generator=_drawn(1), dtype=torch.float64).requires_grad_()
    who = [0, 0, 1, 1, 1, 2, 3]
    total, n = 0.0, 0
    for i in range(7):
        e = [
            math.exp((ours[i] @ keys[j] / ours[i].norm() / keys[j].norm()).item() / 0.04)
            for j in range(7)
        ]
        wanted = [j for j in range(7) if who[j] == who[i] and j != i]
        if not wanted:
            continue
        whole = sum(e) - e[i]
        total += sum(-math.log(e[j] / whole) for j in wanted) / len(wanted)
        n += 1
    loss = participant_loss(ours, keys, torch.tensor(who))
    assert n == 5
    assert loss.item() == pytest.approx(total / n, rel=1e-9)
    loss.backward()
    assert keys.grad is None
    assert (ours.grad[5:] == 0).all(), "a patient with one window has nothing to find"


def test_both_parts_add_up_and_are_told(make_batch):
    objective = MocoKoleo(_encoder(), spread=0.3).eval()
    batch = make_batch(8, pairs=True)
    learned = objective(batch, 0.0, _drawn())
    parts = learned.logged
    torch.testing.assert_close(learned.loss.detach(), parts["contrast"] + 0.3 * parts["koleo"])
    without = MocoKoleo(_encoder(), spread=0.0).eval()(batch, 0.0, _drawn())
    torch.testing.assert_close(without.loss.detach(), without.logged["contrast"])


def test_twenty_steps_lower_the_loss_and_spread_embeddings(make_batch, few_steps):
    objective = MocoKoleo(_encoder(), projected=16, hidden=32)
    batch = make_batch(16, pairs=True)
    losses = few_steps(objective, batch)
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])
    assert objective.grouping == "patients"


def test_koleo_alone_spreads_what_had_collapsed():
    points = (torch.ones(12, 3) + 0.01 * torch.randn(12, 3, generator=_drawn())).requires_grad_()
    descent = torch.optim.SGD([points], lr=0.05)
    before = koleo(points).item()
    for _ in range(50):
        descent.zero_grad()
        koleo(points).backward()
        descent.step()
    assert koleo(points).item() < before - 1


def test_the_generator_decides_everything(make_batch):
    objective, batch = MocoKoleo(_encoder()).eval(), make_batch(8, pairs=True)
    first, again = objective(batch, 0.0, _drawn(1)), objective(batch, 0.0, _drawn(1))
    assert torch.equal(first.loss, again.loss)
    assert not torch.equal(first.loss, objective(batch, 0.0, _drawn(2)).loss)
