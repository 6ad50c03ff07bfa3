# SPDX-License-Identifier: Apache-2.0
"""Neighbouring stretches find each other, wherever they stand in the batch."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from precordia.core.errors import OptionError
from precordia.models.load_model import load_model
from precordia.training.objectives.cmsc import Cmsc, cmsc_loss, neighbours


def _encoder():
    return load_model("resnet1d", n_outputs=0, leads="standard-12", n_samples=400, fs=100, width=4)


def _drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _halves(batch):
    """Neighbouring halves of each window, in a mixed order."""
    n, half = len(batch), batch.windows.shape[2] // 2
    windows = torch.cat([batch.windows[:, :, :half], batch.windows[:, :, half:]])
    rows = torch.arange(n).repeat(2)
    starts = torch.arange(2).repeat_interleave(n) * half
    order = torch.randperm(2 * n, generator=_drawn(9))
    return dataclasses.replace(
        batch,
        windows=windows[order],
        present=batch.present.repeat(2, 1)[order],
        patients=rows[order],
        records=rows[order],
        starts=starts[order],
        ages=batch.ages.repeat(2),
        males=batch.males.repeat(2),
        rpeaks=None,
    )


def test_the_loss_equals_the_double_loop_in_both_directions():
    earlier = torch.randn(5, 4, generator=_drawn(0), dtype=torch.float64)
    later = torch.randn(5, 4, generator=_drawn(1), dtype=torch.float64)
    who = [7, 7, 3, 2, 1]

    def one_way(a, b):
        total = 0.0
        for i in range(5):
            e = [math.exp((a[i] @ b[j] / a[i].norm() / b[j].norm()).item() / 0.1) for j in range(5)]
            wanted = [j for j in range(5) if who[j] == who[i]]
            total += sum(-math.log(e[j] / sum(e)) for j in wanted) / len(wanted)
        return total / 5

    expected = (one_way(earlier, later) + one_way(later, earlier)) / 2
    given = cmsc_loss(earlier, later, torch.tensor(who))
    assert given.item() == pytest.approx(expected, rel=1e-9)


def test_neighbours_are_found_in_any_order():
    records = torch.tensor([3, 1, 3, 2, 1, 2])
    starts = torch.tensor([500, 0, 0, 7, 250, 6])
    earlier, later = neighbours(records, starts)
    assert records[earlier].tolist() == records[later].tolist() == [1, 2, 3]
    assert (starts[earlier] < starts[later]).all()


@pytest.mark.parametrize(
    ("records", "starts"),
    [([1, 1, 2], [0, 5, 0]), ([1, 2, 3, 4], [0, 0, 0, 0]), ([1, 1], [5, 5])],
)
def test_windows_that_are_no_neighbours_are_refused_with_a_sentence(records, starts):
    with pytest.raises(OptionError, match="two windows of each recording"):
        neighbours(torch.tensor(records), torch.tensor(starts))


def test_twenty_steps_lower_the_loss(make_batch, few_steps):
    objective = Cmsc(_encoder(), projected=16, hidden=32, masked_leads=0.2)
    losses = few_steps(objective, _halves(make_batch(16, n_samples=800)))
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])
    assert objective.grouping == "neighbours"


def test_the_order_of_windows_is_of_no_effect(make_batch):
    objective = Cmsc(_encoder(), projected=0, masked_leads=0.0).eval()
    batch = _halves(make_batch(8, n_samples=800))
    order = torch.randperm(16, generator=_drawn(4))
    mixed = dataclasses.replace(
        batch,
        windows=batch.windows[order],
        patients=batch.patients[order],
        records=batch.records[order],
        starts=batch.starts[order],
    )
    torch.testing.assert_close(
        objective(batch, 0.0, _drawn()).loss, objective(mixed, 0.0, _drawn()).loss
    )


def test_masked_leads_come_from_the_generator(make_batch):
    objective = Cmsc(_encoder()).eval()
    batch = _halves(make_batch(8, n_samples=800))
    first, again = objective(batch, 0.0, _drawn(1)), objective(batch, 0.0, _drawn(1))
    assert torch.equal(first.loss, again.loss)
    assert not torch.equal(first.loss, objective(batch, 0.0, _drawn(2)).loss)
