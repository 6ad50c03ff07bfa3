# SPDX-License-Identifier: Apache-2.0
"""SimCLR as an objective: what it learns, and from what alone."""

from __future__ import annotations

import torch

from precordia.models.load_model import load_model
from precordia.training.contrast import nt_xent
from precordia.training.objectives.simclr import SimClr


def _encoder():
    return load_model("resnet1d", n_outputs=0, leads="standard-12", n_samples=400, fs=100, width=4)


def _drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_twenty_steps_lower_the_loss_and_reach_every_weight(make_batch, few_steps):
    objective = SimClr(_encoder(), projected=16, hidden=32, masked_leads=0.0)
    before = {name: p.detach().clone() for name, p in objective.named_parameters()}
    losses = few_steps(objective, make_batch(16))
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])
    assert all(not torch.equal(p, before[name]) for name, p in objective.named_parameters())


def test_the_generator_decides_everything(make_batch):
    objective, batch = SimClr(_encoder()).eval(), make_batch(8)
    first, again = objective(batch, 0.0, _drawn(1)), objective(batch, 0.0, _drawn(1))
    other = objective(batch, 0.0, _drawn(2))
    assert torch.equal(first.loss, again.loss)
    assert not torch.equal(first.loss, other.loss)
    assert first.embeddings.shape == (8, 32)
    assert not first.embeddings.requires_grad


def test_twins_of_a_patient_are_left_out(make_batch):
    objective = SimClr(_encoder(), noise=0.0, gain_db=0.0, crop=1.0).eval()
    objective.change = type(objective.change)(gain_db=0.0, noise=0.0)  # both views are the window
    batch = make_batch(8, pairs=True)
    loss = objective(batch, 0.0, _drawn()).loss
    compared = objective.projector(objective.encoder.encode(batch.windows))
    expected = nt_xent(compared[None].repeat(2, 1, 1), torch.arange(8) // 2)
    torch.testing.assert_close(loss, expected)
    assert loss < nt_xent(compared[None].repeat(2, 1, 1))
