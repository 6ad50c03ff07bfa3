# SPDX-License-Identifier: Apache-2.0
"""Queries to leads are attention as it is written down, whatever the order of leads."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from precordia.nn.lead_queries import LeadQueries


def _made(dim: int = 12, width: int = 10) -> LeadQueries:
    asking = LeadQueries(dim, width, queries=3, heads=2).double().eval()
    drawn = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in asking.parameters():
            p.copy_(0.5 * torch.randn(p.shape, generator=drawn, dtype=p.dtype))
    return asking


def _leads(n: int = 2) -> torch.Tensor:
    drawn = torch.Generator().manual_seed(1)
    return torch.randn(n, 5, 4, 12, generator=drawn, dtype=torch.float64)


def _plain(asking: LeadQueries, leads: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
    """Keys and values of every lead, and PyTorch's own attention, patch by patch."""
    n_batch, _, n_patches, dim = leads.shape
    rows = []
    for b in range(n_batch):
        for p in range(n_patches):
            told = asking.norm_leads(leads[b, present[b] > 0, p])
            query = asking.ask(asking.queries).reshape(3, 2, -1).transpose(0, 1)
            key = (told @ asking.tell.weight[:dim].T).reshape(len(told), 2, -1).transpose(0, 1)
            value = told @ asking.tell.weight[dim:].T + asking.tell.bias
            value = value.reshape(len(told), 2, -1).transpose(0, 1)
            heard = functional.scaled_dot_product_attention(query, key, value)
            answers = asking.queries + asking.out(heard.transpose(0, 1).reshape(3, dim))
            answers = answers + asking.mlp(asking.norm_answers(answers))
            rows.append(asking.join(answers.reshape(-1)))
    return torch.stack(rows).reshape(n_batch, n_patches, -1)


def test_it_is_attention_to_the_leads_that_are_there():
    asking, leads = _made(), _leads()
    present = torch.tensor([[1, 1, 1, 1, 1], [1, 0, 1, 0, 0]], dtype=torch.float64)
    torch.testing.assert_close(asking(leads, present), _plain(asking, leads, present))
    everyone = torch.ones(2, 5, dtype=torch.float64)
    torch.testing.assert_close(asking(leads), _plain(asking, leads, everyone))


def test_the_order_of_leads_is_of_no_effect():
    asking, leads = _made(), _leads()
    torch.testing.assert_close(asking(leads[:, [3, 1, 4, 0, 2]]), asking(leads))


def test_one_lead_is_enough_and_none_gives_numbers():
    asking, leads = _made(), _leads()
    assert asking(leads[:, :1]).shape == (2, 4, 10)
    assert asking(leads, torch.zeros(2, 5, dtype=torch.float64)).isfinite().all()


def test_heads_that_do_not_share_evenly_are_refused():
    with pytest.raises(ValueError, match="shared by 3 heads"):
        LeadQueries(10, 8, queries=2, heads=3)
