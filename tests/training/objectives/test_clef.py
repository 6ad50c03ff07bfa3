# SPDX-License-Identifier: Apache-2.0
"""CLEF: the loss written out, and what happens where nothing is known of a patient."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

from precordia.core.errors import OptionError
from precordia.models.load_model import load_model
from precordia.training.objectives.clef import (
    Clef,
    _one_lead,
    alignment,
    dissimilarity,
    risk_contrast,
)

UNKNOWN = float("nan")


def _encoder():
    return load_model("resnet1d", n_outputs=0, leads="standard-12", n_samples=400, fs=100, width=4)


def _drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _told(batch, *, ages=None, males=None):
    n = len(batch)
    return dataclasses.replace(
        batch,
        ages=torch.linspace(30, 80, n) if ages is None else ages,
        males=(torch.arange(n) % 2).float() if males is None else males,
    )


def test_dissimilarity_equals_the_double_loop():
    risks, missing = [0.01, 0.05, 0.2, 0.08], [0.0, 0.5, 0.5, 1.0]
    largest = max((a - b) ** 2 for a in risks for b in risks)
    given = dissimilarity(torch.tensor(risks), torch.tensor(missing))
    for i in range(4):
        for j in range(4):
            expected = 0.8 * (risks[i] - risks[j]) ** 2 / largest + 0.2
            expected *= math.exp(-missing[i] * missing[j])
            assert given[i, j].item() == pytest.approx(0 if i == j else expected, abs=1e-6)


def test_an_unknown_risk_is_neutral_and_not_a_risk_of_none():
    known = dissimilarity(torch.tensor([0.01, 0.05, 0.2]))
    given = dissimilarity(torch.tensor([0.01, 0.05, 0.2, UNKNOWN]))
    torch.testing.assert_close(given[:3, :3], known)
    mean = known[~torch.eye(3, dtype=torch.bool)].mean()
    torch.testing.assert_close(given[3, :3], mean.expand(3))
    as_none = dissimilarity(torch.tensor([0.01, 0.05, 0.2, 0.0]))
    assert not torch.allclose(given[3, :3], as_none[3, :3])
    nothing = dissimilarity(torch.full((3,), UNKNOWN))
    assert torch.equal(nothing, 1 - torch.eye(3))


def test_the_loss_equals_loops_over_all_pairs():
    compared = torch.randn(2, 4, 5, generator=_drawn(), dtype=torch.float64)
    unlike = dissimilarity(torch.tensor([0.01, 0.05, 0.2, 0.08], dtype=torch.float64))
    z = compared.reshape(8, 5).numpy()
    z = z / np.linalg.norm(z, axis=1, keepdims=True)
    cosine, tiled = z @ z.T, np.tile(unlike.numpy(), (2, 2))
    weights = np.exp(tiled) / np.exp(tiled).sum(axis=1, keepdims=True)
    total = 0.0
    for i in range(8):
        pair = (i + 4) % 8
        e = np.exp(cosine[i] / 0.07)
        others = sum(weights[i, j] * e[j] for j in range(8) if j not in (i, pair))
        total -= math.log(e[pair] / (e[pair] + others))
    assert risk_contrast(compared, unlike).item() == pytest.approx(total / 8, rel=1e-9)
    stretched = (cosine - cosine.min()) / (cosine.max() - cosine.min() + 1e-6)
    expected = ((stretched - (1 - tiled)) ** 2).mean()
    assert alignment(compared, unlike).item() == pytest.approx(expected, rel=1e-9)


def test_unlike_patients_at_one_place_cost_more_than_alike_ones():
    unlike = dissimilarity(torch.tensor([0.0, 0.01, 0.2]))
    apart = torch.eye(3).repeat(2, 1, 1)
    losses = {}
    for moved in (1, 2):
        compared = apart.clone()
        compared[:, moved] = compared[:, 0]
        losses[moved] = risk_contrast(compared, unlike).item()
    assert losses[2] > losses[1] > risk_contrast(apart, unlike).item()


def test_alignment_leaves_out_whom_nothing_is_known_of():
    compared = torch.randn(2, 4, 5, generator=_drawn())
    risks = torch.tensor([0.01, 0.05, 0.2, UNKNOWN])
    unlike = dissimilarity(risks)
    changed = unlike.clone()
    changed[3, :3] = changed[:3, 3] = 0.9
    known = risks.isfinite()
    torch.testing.assert_close(
        alignment(compared, unlike, known), alignment(compared, changed, known)
    )
    assert alignment(compared, unlike) != alignment(compared, changed)


def test_missing_metadata_changes_the_loss_only_where_it_is_handled(make_batch):
    ages = torch.linspace(30, 80, 8)
    sexes = torch.tensor([UNKNOWN, UNKNOWN, UNKNOWN, 1, 0, 1, 0, 1])
    batch = _told(make_batch(8), ages=ages, males=sexes)
    losses = {}
    for handled in (True, False):
        torch.manual_seed(0)
        objective = Clef(_encoder(), handle_missing=handled).eval()
        losses[handled] = objective(batch, 0.0, _drawn()).loss.item()
    assert losses[True] != pytest.approx(losses[False], abs=1e-6)


def test_nothing_known_of_anyone_still_trains(make_batch, few_steps):
    unknown = torch.full((12,), UNKNOWN)
    objective = Clef(_encoder(), masked_leads=0.0)
    losses = few_steps(objective, _told(make_batch(12), ages=unknown, males=unknown))
    assert all(math.isfinite(loss) for loss in losses)
    assert sum(losses[-5:]) < sum(losses[:5])


@pytest.mark.parametrize("weighted", [True, False])
def test_twenty_steps_lower_the_loss(make_batch, few_steps, weighted):
    objective = Clef(_encoder(), weighted=weighted, masked_leads=0.0, noise=0.2)
    losses = few_steps(objective, _told(make_batch(16)))
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])
    assert objective.needs == {"ages", "males"}


def test_one_lead_that_is_there_is_shown():
    present = torch.ones(40, 12, dtype=torch.bool)
    present[:, 6:] = False
    chosen = _one_lead(present, 0.8, _drawn())
    assert (chosen.sum(dim=1) == 1).all()
    assert not chosen[:, 6:].any()
    same = (chosen[:20] == chosen[20:]).all(dim=1).float().mean()
    assert 0.5 < same < 1


def test_the_generator_decides_everything(make_batch):
    batch = _told(make_batch(8))
    objective = Clef(_encoder(), one_lead=True).eval()
    first, again = objective(batch, 0.0, _drawn(1)), objective(batch, 0.0, _drawn(1))
    assert torch.equal(first.loss, again.loss)
    assert not torch.equal(first.loss, objective(batch, 0.0, _drawn(2)).loss)


def test_an_impossible_share_is_refused_with_a_sentence():
    with pytest.raises(OptionError, match="same_lead"):
        Clef(_encoder(), same_lead=1.5)
