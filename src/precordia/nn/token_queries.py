# SPDX-License-Identifier: Apache-2.0
"""Learned queries that gather tokens of another width: a fixed number of vectors of any input."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


class TokenQueries(nn.Module):
    """Let learned queries attend to tokens; each gives one vector.

    Parameters
    ----------
    token_dim
        Length of a token.
    dim
        Length of a query and of what it gathers.
    n_queries
        Number of queries.
    heads
        Number of heads.

    Notes
    -----
    The attention pooling of CoCa: queries and tokens are normalised first, keys and values are
    mapped from the tokens to the width of the queries, and what was gathered is mapped once more
    and normalised.

    References
    ----------
    Yu J, et al. CoCa: contrastive captioners are image-text foundation models. TMLR 2022.
    arXiv:2205.01917

    Examples
    --------
    >>> TokenQueries(16, 8, 3, heads=2)(torch.zeros(2, 50, 16)).shape
    torch.Size([2, 3, 8])
    """

    def __init__(self, token_dim: int, dim: int, n_queries: int, *, heads: int) -> None:
        super().__init__()
        if dim % heads:
            raise ValueError(f"{dim} numbers cannot be shared by {heads} heads")
        self.heads = heads
        self.query = nn.Parameter(torch.randn(n_queries, dim))
        self.norm_query = nn.LayerNorm(dim)
        self.norm_tokens = nn.LayerNorm(token_dim)
        self.ask = nn.Linear(dim, dim)
        self.offer = nn.Linear(token_dim, 2 * dim)
        self.out = nn.Linear(dim, dim)
        self.norm = nn.LayerNorm(dim)

    def forward(
        self, tokens: Float[Tensor, "batch token dim"]
    ) -> Float[Tensor, "batch query dim_out"]:
        """Return what each query gathers."""
        n_tokens, wide = int(tokens.shape[1]), int(self.query.shape[1])
        asked = self.ask(self.norm_query(self.query)).reshape(1, -1, self.heads, wide // self.heads)
        offered = self.offer(self.norm_tokens(tokens))
        offered = offered.reshape(-1, n_tokens, 2, self.heads, wide // self.heads)
        key, value = offered.permute(2, 0, 3, 1, 4).unbind(0)
        asked = asked.transpose(1, 2).expand(key.shape[0], -1, -1, -1)
        seen = functional.scaled_dot_product_attention(asked, key, value)
        return self.norm(self.out(seen.transpose(1, 2).reshape(-1, len(self.query), wide)))
