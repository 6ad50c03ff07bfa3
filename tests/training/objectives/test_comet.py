# SPDX-License-Identifier: Apache-2.0
"""COMET: each level written out as loops, and each level left out."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from precordia.core.errors import OptionError
from precordia.models.load_model import load_model
from precordia.training.objectives.comet import (
    Comet,
    cut,
    observation_loss,
    over_scales,
    same_id_loss,
    sample_loss,
)

LEVELS = ("observation", "sample", "trial", "patient")


def _encoder(**options):
    return load_model(
        "resnet1d", n_outputs=0, leads="standard-12", n_samples=400, fs=100, width=4, **options
    )


def _drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _tokens(n_batch: int = 3, n_tokens: int = 4) -> torch.Tensor:
    return 0.5 * torch.randn(2, n_batch, n_tokens, 5, generator=_drawn(), dtype=torch.float64)


def _nt_xent(rows: torch.Tensor) -> float:
    """Rows of two views, one after the other: mean over all of finding the twin, by products."""
    n = len(rows)
    total = 0.0
    for i in range(n):
        e = [math.exp((rows[i] @ rows[j]).item()) for j in range(n)]
        total -= math.log(e[(i + n // 2) % n] / (sum(e) - e[i]))
    return total / n


def test_observations_are_told_apart_within_a_sample():
    tokens = _tokens()
    expected = [_nt_xent(torch.cat([tokens[0, b], tokens[1, b]])) for b in range(3)]
    assert observation_loss(tokens).item() == pytest.approx(sum(expected) / 3, rel=1e-9)


def test_samples_are_told_apart_at_a_moment():
    tokens = _tokens()
    expected = [_nt_xent(torch.cat([tokens[0, :, t], tokens[1, :, t]])) for t in range(4)]
    assert sample_loss(tokens).item() == pytest.approx(sum(expected) / 4, rel=1e-9)


def test_scales_are_halved_by_the_larger_of_neighbours():
    tokens = _tokens(3, 5)
    halved = torch.stack([tokens[:, :, 2 * k : 2 * k + 2].amax(dim=2) for k in range(2)], dim=2)
    given = over_scales(tokens, observation=True, sample=True)
    for k, level in enumerate((observation_loss, sample_loss)):
        expected = (level(tokens) + level(halved)) / 2
        assert given[k].item() == pytest.approx(expected.item(), rel=1e-9)
    assert over_scales(tokens, observation=False, sample=True)[0].item() == 0


def test_trials_and_patients_equal_the_double_loop():
    rows = torch.randn(6, 4, generator=_drawn(), dtype=torch.float64)
    who = [0, 0, 1, 1, 1, 2]
    total, n = 0.0, 0
    for i in range(6):
        e = [
            math.exp((rows[i] @ rows[j] / rows[i].norm() / rows[j].norm()).item() / 0.1)
            for j in range(6)
        ]
        wanted = [j for j in range(6) if j != i and who[j] == who[i]]
        if wanted:
            total += sum(-math.log(e[j] / (sum(e) - e[i])) for j in wanted) / len(wanted)
            n += 1
    assert same_id_loss(rows, torch.tensor(who)).item() == pytest.approx(total / n, rel=1e-9)


def test_pieces_are_stretches_of_the_window(make_batch):
    batch = make_batch(4, n_samples=402)
    pieces = cut(batch, 2)
    assert torch.equal(pieces.windows[0::2], batch.windows[:, :, :201])
    assert torch.equal(pieces.windows[1::2], batch.windows[:, :, 201:])
    assert pieces.records.tolist() == [k for k in batch.records.tolist() for _ in range(2)]


@pytest.mark.parametrize("level", LEVELS)
def test_each_level_can_be_left_out_or_stand_alone(make_batch, level):
    batch = dataclasses.replace(make_batch(8, pairs=True), records=torch.arange(8))
    without = Comet(_encoder(), **{level: 0.0}).eval()(batch, 0.0, _drawn())
    assert set(without.logged) == set(LEVELS) - {level}
    alone = Comet(_encoder(), **{name: 2.0 * (name == level) for name in LEVELS}).eval()
    learned = alone(batch, 0.0, _drawn())
    assert set(learned.logged) == {level}
    torch.testing.assert_close(learned.loss.detach(), 2 * learned.logged[level])
    learned.loss.backward()
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in alone.encoder.parameters())
    assert learned.embeddings.shape == (16, 32)


def test_twenty_steps_lower_the_loss(make_batch, few_steps):
    objective = Comet(_encoder())
    batch = dataclasses.replace(make_batch(12, pairs=True), records=torch.arange(12))
    losses = few_steps(objective, batch)
    assert sum(losses[-5:]) < 0.85 * sum(losses[:5])
    assert objective.grouping == "patients"


def test_the_generator_decides_everything(make_batch):
    objective, batch = Comet(_encoder()).eval(), make_batch(8, pairs=True)
    first, again = objective(batch, 0.0, _drawn(1)), objective(batch, 0.0, _drawn(1))
    assert torch.equal(first.loss, again.loss)
    assert not torch.equal(first.loss, objective(batch, 0.0, _drawn(2)).loss)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"trial": -1.0}, "no weight below 0"),
        (dict.fromkeys(LEVELS, 0.0), "one above"),
        ({"n_pieces": 1}, "no trial has two"),
        ({"masked_share": 0.9}, "masked_share"),
    ],
)
def test_impossible_options_are_refused_with_sentences(option, said):
    with pytest.raises(OptionError, match=said):
        Comet(_encoder(), **option)


def test_tokens_of_single_leads_are_refused_with_a_sentence():
    by_lead = load_model(
        "vit1d-leads", n_outputs=0, leads="standard-12", n_samples=400, fs=100, patch=50, width=16,
        depth=1, heads=2,
    )  # fmt: skip
    with pytest.raises(OptionError, match="order of time"):
        Comet(by_lead)
