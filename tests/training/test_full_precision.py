# SPDX-License-Identifier: Apache-2.0
"""Losses are those of 32 bits, also inside a network that works with 16."""

from __future__ import annotations

import pytest
import torch

from precordia.training.contrast import nt_xent
from precordia.training.spread import coding_rate, koleo, sigreg


def _drawn() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize(
    "loss",
    [
        lambda x: nt_xent(x, temperature=0.04),
        lambda x: koleo(x[0]),
        lambda x: coding_rate(x).mean(),
        lambda x: sigreg(x, _drawn()),
    ],
    ids=["nt_xent", "koleo", "coding_rate", "sigreg"],
)
def test_losses_do_not_lose_digits(loss):
    views = torch.randn(2, 16, 8, generator=_drawn())
    exact = loss(views)
    with torch.autocast("cpu", torch.bfloat16):
        inside = loss(views)
        coarse = loss(views.bfloat16())
    torch.testing.assert_close(inside, exact)
    assert coarse.dtype == torch.float32
    torch.testing.assert_close(coarse, loss(views.bfloat16().float()))
