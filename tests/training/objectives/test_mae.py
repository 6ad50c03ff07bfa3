# SPDX-License-Identifier: Apache-2.0
"""Masked auto-encoding: loss of plain code, what is hidden, absent leads."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from precordia.core.errors import OptionError
from precordia.models.load_model import load_model
from precordia.training.masks import hide_random
from precordia.training.objectives.mae import Mae, patches_of


def encoder(**options):
    told = {"patch": 25, "width": 32, "depth": 2, "heads": 2, "drop_path": 0.0} | options
    return load_model("vit1d", n_outputs=0, n_leads=12, n_samples=400, fs=100, **told)


@pytest.fixture
def batch(make_batch):
    return make_batch()


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("normalise", [True, False])
def test_the_loss_and_gradients_are_those_of_plain_code(plain, batch, normalise):
    objective = Mae(encoder(), normalise=normalise)
    places = hide_random(8, 16, share=0.75, generator=seeded())
    loss, _ = objective.loss_of(batch.windows, batch.present, places)
    loss.backward()
    ours = {n: p.grad.clone() for n, p in objective.named_parameters()}
    objective.zero_grad()
    expected = plain("mae").mae_loss(objective, batch.windows, places)
    expected.backward()
    torch.testing.assert_close(loss, expected)
    for name, parameter in objective.named_parameters():
        torch.testing.assert_close(ours[name], parameter.grad, atol=1e-6, rtol=1e-4)


def test_who_draws_nothing_is_wrong_by_the_variance(batch):
    objective = Mae(encoder())
    with torch.no_grad():
        objective.decoder.leave.weight.zero_()
        objective.decoder.leave.bias.zero_()
    places = hide_random(8, 16, share=0.75, generator=seeded())
    loss, _ = objective.loss_of(batch.windows, batch.present, places)
    assert abs(float(loss.detach()) - 1) < 1e-3


def test_absent_leads_do_not_count(batch):
    objective = Mae(encoder())
    present = batch.present.clone()
    present[:, 6:] = False
    places = hide_random(8, 16, share=0.75, generator=seeded())
    windows = batch.windows * present[:, :, None]
    loss, _ = objective.loss_of(windows, present, places)
    with torch.no_grad():
        objective.decoder.leave.bias[6 * 25 :] += 100
    again, _ = objective.loss_of(windows, present, places)
    torch.testing.assert_close(loss, again)
    alone = patches_of(windows[:, :6], present[:, :6], 25, normalise=True)
    both = patches_of(windows, present, 25, normalise=True)
    torch.testing.assert_close(both[:, :, : 6 * 25], alone)


def test_flat_patches_stay_zero():
    flat = patches_of(torch.ones(1, 2, 50), torch.ones(1, 2).bool(), 25, normalise=True)
    assert torch.equal(flat, torch.zeros(1, 2, 50))


def test_what_is_hidden_does_not_reach_the_encoder(batch):
    objective = Mae(encoder())
    places = hide_random(8, 16, share=0.75, generator=seeded())
    windows = batch.windows.clone().requires_grad_()
    _, seen = objective.loss_of(windows, batch.present, places)
    seen.square().sum().backward()
    moved = windows.grad.reshape(8, 12, 16, 25).abs().amax(dim=(1, 3))
    assert (moved.gather(1, places.hidden) == 0).all()
    assert (moved.gather(1, places.kept) > 0).all()


def test_a_few_steps_lower_the_loss(few_steps, batch):
    objective = Mae(encoder())
    losses = few_steps(objective, batch)
    assert losses[-1] < 0.95 * losses[0]
    assert not objective(batch, 1.0, seeded()).embeddings.requires_grad
    assert objective.exported() is objective.encoder


def test_the_generator_alone_decides(batch):
    objective = Mae(encoder())
    assert torch.equal(objective(batch, 0, seeded(3)).loss, objective(batch, 0, seeded(3)).loss)


def test_windows_without_any_lead_have_no_loss(batch):
    nothing = dataclasses.replace(
        batch,
        windows=torch.zeros_like(batch.windows),
        present=torch.zeros_like(batch.present),
    )
    assert float(Mae(encoder())(nothing, 0, seeded()).loss.detach()) == 0


def test_impossible_shares_are_refused():
    with pytest.raises(OptionError, match="hidden"):
        Mae(encoder(), hidden=1.0)
