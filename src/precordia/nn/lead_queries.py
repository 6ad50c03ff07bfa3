# SPDX-License-Identifier: Apache-2.0
"""Learned queries ask all leads that are there, and any number of leads becomes a fixed one."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from precordia.nn.transformer import start_small


class LeadQueries(nn.Module):
    """Let learned queries attend to the leads of each patch; their answers are one token.

    Parameters
    ----------
    dim
        Length of the token of a lead.
    width
        Length of the token that comes out.
    queries, heads
        How many ask, and heads of the attention.

    Notes
    -----
    Attention, answers led around it, and a network of two layers, as in a decoder block whose
    tokens are the queries; the answers, one after the other, go through a linear map. The order
    of leads is of no effect; a lead that is absent is looked at by none.

    References
    ----------
    Döner B, et al. LUNA. NeurIPS 2025. arXiv:2510.22257

    Examples
    --------
    >>> ask = LeadQueries(16, 32, queries=4, heads=2)
    >>> ask(torch.zeros(2, 12, 40, 16), torch.ones(2, 12)).shape
    torch.Size([2, 40, 32])
    """

    def __init__(self, dim: int, width: int, *, queries: int, heads: int) -> None:
        super().__init__()
        if dim % heads:
            raise ValueError(f"{dim} numbers cannot be shared by {heads} heads")
        self.heads = heads
        self.queries = nn.Parameter(torch.empty(queries, dim))
        self.norm_leads = nn.LayerNorm(dim)
        self.ask = nn.Linear(dim, dim)
        self.tell = _KeysAndValues(dim)
        self.out = nn.Linear(dim, dim)
        self.norm_answers = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))
        self.join = nn.Linear(queries * dim, width)
        start_small(self.modules())
        nn.init.normal_(self.queries, std=1.0)

    def forward(
        self,
        leads: Float[Tensor, "batch lead patch dim"],
        present: Float[Tensor, "batch lead"] | None = None,
    ) -> Float[Tensor, "batch patch dim_out"]:
        """Return one token for each patch.

        Parameters
        ----------
        leads
            Tokens of single leads, in which their names are.
        present
            1 for leads that are there; all are where it is not given.
        """
        n_leads, n_patches, dim = (int(n) for n in leads.shape[1:])
        n_queries, each = len(self.queries), dim // self.heads
        keys, values = self.tell.weight.reshape(2, self.heads, each, dim).unbind(0)
        # Queries are the same everywhere, so that key and query are one map, and values are wanted
        # of averages alone, not of every lead. A bias of keys would add the same to all leads.
        asked = self.ask(self.queries).reshape(n_queries, self.heads, each) * each**-0.5
        by_lead = torch.einsum("qhe,hed->qhd", asked, keys).reshape(-1, dim)
        told = self.norm_leads(leads.transpose(1, 2)).reshape(-1, n_leads, dim)
        scores = told @ by_lead.T
        if present is not None:
            # A finite number, as minus infinity for all would give NaN.
            absent = torch.where(present > 0, 0.0, -1e9).to(leads.dtype)
            scores = scores + absent.repeat_interleave(n_patches, dim=0)[:, :, None]
        heard = torch.bmm(scores.softmax(dim=1).transpose(1, 2), told)
        heard = heard.reshape(-1, n_queries, self.heads, dim)
        answers = torch.einsum("nqhd,hed->nqhe", heard, values).reshape(-1, n_queries, dim)
        answers = self.queries + self.out(answers + self.tell.bias)
        answers = answers + self.mlp(self.norm_answers(answers))
        return self.join(answers.reshape(-1, n_patches, n_queries * dim))


class _KeysAndValues(nn.Module):
    """Weights of keys and values, and the bias of values."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(2 * dim, dim))
        self.bias = nn.Parameter(torch.zeros(dim))
        nn.init.trunc_normal_(self.weight, std=0.02)
