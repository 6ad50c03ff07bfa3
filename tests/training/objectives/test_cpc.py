# SPDX-License-Identifier: Apache-2.0
"""Contrastive predictive coding: loss of plain code and of a closed form, no look ahead."""

from __future__ import annotations

import math

import pytest
import torch

from precordia.core.errors import OptionError
from precordia.models.load_model import load_model
from precordia.training.objectives.cpc import Cpc, cpc_loss


def encoder(**options):
    told = {"width": 16, "depth": 1, "state": 4, "stride": 4, "bidirectional": False}
    told |= {"stem_layers": 2, "dropout": 0.0} | options
    return load_model("s4", n_outputs=0, n_leads=12, n_samples=400, fs=100, **told)


@pytest.fixture
def batch(make_batch):
    return make_batch()


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("ahead_ms", [(120.0,), (40.0, 200.0)])
def test_the_loss_and_gradients_are_those_of_plain_code(plain, batch, ahead_ms):
    objective = Cpc(encoder(), ahead_ms=ahead_ms, n_within=5, n_across=2, temperature=0.5)
    places = torch.randint(0, 100, (8, 5), generator=seeded())
    frames = objective.s4.frames(batch.windows)
    told = objective.foretold(objective.s4.context(frames))
    loss, _ = cpc_loss(told, frames, objective.steps, places, places[:, :2], temperature=0.5)
    loss.backward()
    ours = {n: p.grad.clone() for n, p in objective.named_parameters() if p.grad is not None}
    objective.zero_grad()
    expected = plain("cpc").cpc_loss(objective, batch.windows, places)
    expected.backward()
    torch.testing.assert_close(loss, expected)
    for name, parameter in objective.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(ours[name], parameter.grad, atol=1e-5, rtol=1e-3)


def test_steps_that_are_all_alike_cannot_be_told_apart():
    frames, told = torch.ones(3, 10, 4), torch.ones(3, 1, 10, 4)
    within = torch.zeros(3, 6, dtype=torch.long)  # the first step is never the right one
    loss, hits = cpc_loss(told, frames, (2,), within, within[:, :1])
    # 6 wrong steps of the window and one of each of 2 others, beside the right one
    assert math.isclose(float(loss), math.log(9), rel_tol=1e-5)
    assert float(hits) == 0


def test_who_tells_the_right_step_has_no_loss():
    frames = 20 * torch.eye(10)[None]
    told = torch.roll(frames, -3, dims=1)[:, None]
    within = torch.arange(10)[None]
    loss, hits = cpc_loss(told, frames, (3,), within, within[:, :0])
    assert float(loss) < 1e-6
    assert float(hits) == 1


def test_the_context_knows_nothing_of_the_future(batch):
    model = encoder().eval()
    changed = batch.windows.clone()
    changed[:, :, 200:] += 1.0
    before, after = model.tokens(batch.windows), model.tokens(changed)
    torch.testing.assert_close(before[:, :50], after[:, :50], atol=1e-5, rtol=1e-5)
    assert (before[:, 50:] - after[:, 50:]).abs().max() > 0.01


def test_some_steps_lower_the_loss(few_steps, batch):
    objective = Cpc(encoder())
    losses = few_steps(objective, batch, n_steps=40, lr=1e-2)
    assert losses[-1] < losses[0] - 0.2
    learned = objective(batch, 1.0, seeded())
    assert learned.embeddings.shape == (8, 16)
    assert not learned.embeddings.requires_grad
    assert float(learned.logged["recognised"]) > 1 / 70


def test_the_generator_alone_decides(batch):
    objective = Cpc(encoder())
    assert torch.equal(objective(batch, 0, seeded(3)).loss, objective(batch, 0, seeded(3)).loss)


def test_other_encoders_and_impossible_options_are_refused():
    with pytest.raises(OptionError, match="no future"):
        Cpc(encoder(bidirectional=True))
    with pytest.raises(OptionError, match="ahead_ms"):
        Cpc(encoder(), ahead_ms=(90_000.0,))
    with pytest.raises(OptionError, match="n_within"):
        Cpc(encoder(), n_within=0, n_across=0)
