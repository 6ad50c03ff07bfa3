# SPDX-License-Identifier: Apache-2.0
"""Attention of some tokens to others, of another width and another number."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


class CrossAttention(nn.Module):
    """Let tokens look at other tokens, with several heads.

    Parameters
    ----------
    dim
        Length of a token that looks, and of what comes out.
    seen_dim
        Length of a token that is looked at.
    heads
        Number of heads.
    head_dim
        Numbers of one head; ``dim / heads`` where it is not given.
    bias
        Whether the maps have a bias.

    References
    ----------
    Vaswani A, et al. Attention is all you need. NeurIPS 2017, section 3.2. arXiv:1706.03762

    Examples
    --------
    >>> CrossAttention(16, 8, heads=4)(torch.zeros(2, 5, 16), torch.zeros(2, 9, 8)).shape
    torch.Size([2, 5, 16])
    """

    def __init__(
        self, dim: int, seen_dim: int, *, heads: int, head_dim: int | None = None, bias: bool = True
    ) -> None:
        super().__init__()
        if head_dim is None and dim % heads:
            raise ValueError(f"{dim} numbers cannot be shared by {heads} heads")
        self.heads, self.head_dim = heads, dim // heads if head_dim is None else head_dim
        inner = heads * self.head_dim
        self.ask = nn.Linear(dim, inner, bias=bias)
        self.offer = nn.Linear(seen_dim, 2 * inner, bias=bias)
        self.out = nn.Linear(inner, dim, bias=bias)

    def forward(
        self,
        tokens: Float[Tensor, "batch token dim"],
        seen: Float[Tensor, "batch seen seen_dim"],
        allowed: Tensor | None = None,
    ) -> Float[Tensor, "batch token dim"]:
        """Return what each token gathers.

        Parameters
        ----------
        tokens
            Those that look.
        seen
            Those that are looked at.
        allowed
            (batch, seen), True where a token may be looked at; a row without any gets what zeros
            give.
        """
        n, n_seen = int(tokens.shape[0]), int(seen.shape[1])
        query = self.ask(tokens).reshape(n, -1, self.heads, self.head_dim).transpose(1, 2)
        offered = self.offer(seen).reshape(n, n_seen, 2, self.heads, self.head_dim)
        key, value = offered.permute(2, 0, 3, 1, 4).unbind(0)
        mask = None
        if allowed is not None:
            # A finite number, as minus infinity for all would give NaN.
            mask = torch.where(allowed[:, None, None, :], 0.0, -1e9).to(tokens.dtype)
        gathered = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return self.out(gathered.transpose(1, 2).reshape(n, -1, self.heads * self.head_dim))
