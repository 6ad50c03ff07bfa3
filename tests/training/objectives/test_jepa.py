# SPDX-License-Identifier: Apache-2.0
"""Joint-embedding prediction: loss of plain code, what learns, what is kept."""

from __future__ import annotations

import pytest
import torch

from precordia.core.errors import OptionError
from precordia.models.load_model import load_model
from precordia.training.masks import hide_blocks
from precordia.training.objectives.jepa import Jepa, standardised


def encoder(**options):
    told = {"patch": 25, "width": 32, "depth": 2, "heads": 2, "drop_path": 0.0} | options
    return load_model("vit1d", n_outputs=0, n_leads=12, n_samples=400, fs=100, **told)


@pytest.fixture
def batch(make_batch):
    return make_batch()


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("standardise", [True, False])
def test_the_loss_and_gradients_are_those_of_plain_code(plain, batch, standardise):
    objective = Jepa(encoder(), standardise=standardise)
    places = hide_blocks(8, 16, n_kept=4, shortest=3, generator=seeded())
    wanted = objective.teacher.module.tokens(batch.windows)
    wanted = standardised(wanted) if standardise else wanted
    loss = objective.loss_of(batch.windows, wanted, places)
    loss.backward()
    ours = {n: p.grad.clone() for n, p in objective.named_parameters() if p.grad is not None}
    objective.zero_grad()
    expected = plain("jepa").jepa_loss(objective, batch.windows, places)
    expected.backward()
    torch.testing.assert_close(loss, expected)
    for name, parameter in objective.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(ours[name], parameter.grad, atol=1e-6, rtol=1e-4)


def test_the_plain_masks_have_the_same_parts(plain):
    places = plain("jepa").sample_places(5, 40, 8, 5)
    assert places.kept.shape == (5, 8)
    assert places.hidden.shape == (5, 32)


def test_what_is_hidden_does_not_reach_the_encoder(batch):
    objective = Jepa(encoder())
    places = hide_blocks(8, 16, n_kept=4, shortest=3, generator=seeded())
    given = objective.teacher.module.tokens(batch.windows)
    windows = batch.windows.clone().requires_grad_()
    objective.loss_of(windows, given, places).backward()
    moved = windows.grad.reshape(8, 12, 16, 25).abs().amax(dim=(1, 3))
    assert (moved.gather(1, places.hidden) == 0).all()
    assert (moved.gather(1, places.kept) > 0).all()


def test_the_teacher_follows_and_is_kept(batch):
    objective = Jepa(encoder(), decay_first=0.9, decay_last=0.9)
    objective(batch, 0.0, seeded()).loss.backward()
    assert all(p.grad is None for p in objective.teacher.parameters())
    assert objective.exported() is objective.teacher.module
    with torch.no_grad():
        for p in objective.encoder.parameters():
            p.add_(1.0)
    before = next(objective.teacher.parameters()).clone()
    objective.after_step(0.5)
    torch.testing.assert_close(
        next(objective.teacher.parameters()), before + 0.1, atol=1e-6, rtol=1e-5
    )


def test_a_predictor_that_tells_the_truth_has_no_loss(batch):
    objective = Jepa(encoder())
    places = hide_blocks(8, 16, n_kept=4, shortest=3, generator=seeded())
    with torch.no_grad():
        objective.predictor.leave.weight.zero_()
        objective.predictor.leave.bias.fill_(0.5)
    truth = torch.full((8, 16, 32), 0.5)
    assert float(objective.loss_of(batch.windows, truth, places).detach()) == 0
    assert float(objective.loss_of(batch.windows, truth + 2, places).detach()) == 2


def test_places_alone_are_no_part_of_standardised_tokens():
    tokens = torch.randn(6, 5, 3)
    places = 10 * torch.randn(1, 5, 3)
    torch.testing.assert_close(
        standardised(tokens + places), standardised(tokens), atol=1e-4, rtol=1e-4
    )
    made = standardised(tokens)
    torch.testing.assert_close(made.mean(0), torch.zeros(5, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(made.var(0, correction=0), torch.ones(5, 3), atol=1e-4, rtol=0)
    alike = standardised(torch.ones(6, 5, 3))
    assert torch.equal(alike, torch.zeros(6, 5, 3))


def test_a_few_steps_lower_the_loss_and_embeddings_do_not_collapse(few_steps, batch):
    objective = Jepa(encoder())
    losses = few_steps(objective, batch)
    assert losses[-1] < 0.9 * losses[0]
    learned = objective(batch, 1.0, seeded())
    assert learned.embeddings.shape == (8, 32)
    assert not learned.embeddings.requires_grad
    assert float(learned.logged["spread"]) > 0.01


def test_the_generator_alone_decides(batch):
    objective = Jepa(encoder())
    assert torch.equal(objective(batch, 0.0, seeded(3)).loss, objective(batch, 0.0, seeded(3)).loss)


def test_other_windows_than_the_usual_length_will_do(make_batch):
    objective = Jepa(encoder())
    assert objective(make_batch(n_samples=300), 0.0, seeded()).loss > 0


def test_other_encoders_and_shares_are_refused():
    other = load_model("s4", n_outputs=0, n_leads=12, n_samples=400, fs=100, width=8, depth=1)
    with pytest.raises(OptionError, match="vit1d"):
        Jepa(other)
    with pytest.raises(OptionError, match="kept_least"):
        Jepa(encoder(), kept_least=0.5, kept_most=0.2)
