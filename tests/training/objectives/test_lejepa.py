# SPDX-License-Identifier: Apache-2.0
"""LeJEPA: views meet, and a collapse is worse than a normal cloud."""

from __future__ import annotations

import pytest
import torch

from precordia.core.errors import OptionError
from precordia.models.load_model import load_model
from precordia.training.objectives.lejepa import LeJepa, meeting_loss
from precordia.training.spread import sigreg


def _encoder(name: str = "resnet1d", **options):
    told = {"width": 4} if name == "resnet1d" else options
    return load_model(name, n_outputs=0, leads="standard-12", n_samples=400, fs=100, **told)


def _drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_views_meet_at_the_mean_of_the_large_ones():
    compared = torch.randn(5, 3, 4, generator=_drawn()).requires_grad_()
    total = 0.0
    for view in range(5):
        for row in range(3):
            centre = (compared[0, row] + compared[1, row]) / 2
            total += (compared[view, row] - centre).square().sum().item()
    loss = meeting_loss(compared, n_large=2)
    assert loss.item() == pytest.approx(total / (5 * 3 * 4), rel=1e-5)
    loss.backward()
    assert (compared.grad.abs().sum(dim=(1, 2)) > 0).all(), "no gradient is stopped"


def test_a_collapse_is_worse_than_a_normal_cloud():
    normal = torch.randn(64, 8, generator=_drawn())[None].repeat(3, 1, 1)
    flat = torch.zeros(3, 64, 8)
    assert meeting_loss(flat, n_large=2) == 0
    good = 0.05 * sigreg(normal, _drawn())
    bad = 0.05 * sigreg(flat, _drawn())
    assert bad > 10 * good


def test_both_parts_add_up(make_batch):
    objective = LeJepa(_encoder(), regularisation=0.2, n_local=0).eval()
    learned = objective(make_batch(8), 0.0, _drawn())
    expected = 0.8 * learned.logged["meeting"] + 0.2 * learned.logged["sigreg"]
    torch.testing.assert_close(learned.loss.detach(), expected)


@pytest.mark.parametrize("masked_leads", [0.0, 0.5])
def test_twenty_steps_lower_the_loss(make_batch, few_steps, masked_leads):
    objective = LeJepa(_encoder(), hidden=32, projected=8, n_local=2, masked_leads=masked_leads)
    losses = few_steps(objective, make_batch(16), lr=5e-3)
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])


def test_the_generator_decides_everything(make_batch):
    objective, batch = LeJepa(_encoder()).eval(), make_batch(8)
    first, again = objective(batch, 0.0, _drawn(1)), objective(batch, 0.0, _drawn(1))
    assert torch.equal(first.loss, again.loss)
    assert not torch.equal(first.loss, objective(batch, 0.0, _drawn(2)).loss)


def test_an_impossible_weight_is_refused_with_a_sentence():
    with pytest.raises(OptionError, match="between 0 and 1"):
        LeJepa(_encoder(), regularisation=0.0)


def test_an_encoder_for_any_leads_learns_from_views_with_leads_of_their_own(make_batch, few_steps):
    made = _encoder("lead-queries", lead_dim=16, width=32, depth=1, heads=2, drop_path=0.0)
    objective = LeJepa(made, hidden=32, projected=8, n_local=2)
    batch = make_batch(16)
    losses = few_steps(objective, batch, lr=5e-3)
    assert sum(losses[-5:]) < 0.95 * sum(losses[:5])
    made.eval()
    some = torch.zeros(16, 12, dtype=torch.bool)
    some[:, :2] = True
    other = batch.windows.clone()
    other[:, 2:] = 5.0
    assert torch.equal(made.encode(batch.windows, some), made.encode(other, some))
    assert not torch.equal(made.encode(batch.windows, some), made.encode(batch.windows))
