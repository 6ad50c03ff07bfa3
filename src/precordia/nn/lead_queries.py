# SPDX-License-Identifier: Apache-2.0
"""Learned queries ask all leads that are there, and any number of leads becomes a fixed one."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

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
        self.tell = nn.Linear(dim, 2 * dim)
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
        told = self.tell(self.norm_leads(leads.transpose(1, 2)))
        told = told.reshape(-1, n_leads, 2, self.heads, each).permute(2, 0, 3, 1, 4)
        asked = self.ask(self.queries).reshape(n_queries, self.heads, each).transpose(0, 1)
        asked = asked.expand(told.shape[1], -1, -1, -1)
        mask = None
        if present is not None:
            # A finite number, as minus infinity for all would give NaN.
            wide = torch.where(present > 0, 0.0, -1e9).to(leads.dtype)
            mask = wide.repeat_interleave(n_patches, dim=0)[:, None, None, :]
        heard = functional.scaled_dot_product_attention(asked, told[0], told[1], attn_mask=mask)
        answers = self.queries + self.out(heard.transpose(1, 2).reshape(-1, n_queries, dim))
        answers = answers + self.mlp(self.norm_answers(answers))
        return self.join(answers.reshape(-1, n_patches, n_queries * dim))
