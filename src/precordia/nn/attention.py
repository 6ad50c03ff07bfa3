# SPDX-License-Identifier: Apache-2.0
"""Attention of tokens to one another, with several heads."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


class Attention(nn.Module):
    """Self-attention with several heads.

    Parameters
    ----------
    dim
        Length of a token.
    heads
        Number of heads.
    qkv_bias, bias
        Whether the maps to queries, keys and values, and the map at the end, have a bias.
    dropout
        Share of attention weights hidden while training.
    head_dim
        Numbers of one head; ``dim / heads`` where it is not given.

    References
    ----------
    Vaswani A, et al. Attention is all you need. NeurIPS 2017, section 3.2. arXiv:1706.03762

    Examples
    --------
    >>> Attention(16, heads=4)(torch.zeros(2, 5, 16)).shape
    torch.Size([2, 5, 16])
    """

    def __init__(
        self,
        dim: int,
        *,
        heads: int,
        qkv_bias: bool = True,
        bias: bool = True,
        dropout: float = 0.0,
        head_dim: int | None = None,
    ) -> None:
        super().__init__()
        if head_dim is None and dim % heads:
            raise ValueError(f"{dim} numbers cannot be shared by {heads} heads")
        self.heads, self.dropout = heads, dropout
        self.head_dim = dim // heads if head_dim is None else head_dim
        self.qkv = nn.Linear(dim, 3 * heads * self.head_dim, bias=qkv_bias)
        self.out = nn.Linear(heads * self.head_dim, dim, bias=bias)

    def forward(
        self, tokens: Float[Tensor, "batch token dim"], allowed: Tensor | None = None
    ) -> Float[Tensor, "batch token dim"]:
        """Let tokens attend to one another.

        Parameters
        ----------
        tokens
            Tokens.
        allowed
            True where a token may be looked at: (batch, token), or (batch, token, token) for each
            that looks. All may where it is not given; one that may look at none gets zeros.
        """
        n_tokens = int(tokens.shape[1])
        shared = self.qkv(tokens).reshape(-1, n_tokens, 3, self.heads, self.head_dim)
        query, key, value = shared.permute(2, 0, 3, 1, 4).unbind(0)
        mask = None
        if allowed is not None:
            wide = allowed[:, None, None, :] if allowed.ndim == 2 else allowed[:, None]
            # A finite number, as minus infinity for all would give NaN.
            mask = torch.where(wide > 0, 0.0, -1e9).to(tokens.dtype)
        seen = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, dropout_p=self.dropout if self.training else 0.0
        )
        return self.out(seen.transpose(1, 2).reshape(-1, n_tokens, self.heads * self.head_dim))
