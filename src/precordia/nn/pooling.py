# SPDX-License-Identifier: Apache-2.0
"""Many tokens become one vector: mean, maximum beside mean, attention, and a learned query."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


def masked_mean(
    tokens: Float[Tensor, "batch token dim"], valid: Float[Tensor, "batch token"] | None = None
) -> Float[Tensor, "batch dim"]:
    """Return the mean of the valid tokens; zeros where none is.

    Parameters
    ----------
    tokens
        Tokens.
    valid
        1 for tokens that count, 0 for others; all count where it is not given.

    Examples
    --------
    >>> tokens = torch.tensor([[[1.0], [3.0], [100.0]]])
    >>> masked_mean(tokens, torch.tensor([[1.0, 1.0, 0.0]]))
    tensor([[2.]])
    """
    if valid is None:
        return tokens.mean(dim=1)
    weight = valid.to(tokens.dtype)
    total = torch.einsum("btd,bt->bd", tokens, weight)
    return total / weight.sum(dim=1, keepdim=True).clamp(min=1.0)


def mean_of_leads(
    tokens: Float[Tensor, "batch token dim"], present: Float[Tensor, "batch lead"] | None
) -> Float[Tensor, "batch dim"]:
    """Return the mean over tokens, which stand lead by lead, of the leads that are there.

    Examples
    --------
    >>> tokens = torch.tensor([[[1.0], [3.0], [100.0], [200.0]]])
    >>> mean_of_leads(tokens, torch.tensor([[1.0, 0.0]]))
    tensor([[2.]])
    """
    if present is None:
        return tokens.mean(dim=1)
    n_patches = int(tokens.shape[1]) // int(present.shape[1])
    return masked_mean(tokens, present.repeat_interleave(n_patches, dim=1))


def max_and_mean(tokens: Float[Tensor, "batch token dim"]) -> Float[Tensor, "batch dim_twice"]:
    """Return the maximum over tokens and, behind it, their mean.

    Examples
    --------
    >>> max_and_mean(torch.tensor([[[1.0], [3.0]]]))
    tensor([[3., 2.]])
    """
    return torch.cat([tokens.amax(dim=1), tokens.mean(dim=1)], dim=1)


class AttentionPool(nn.Module):
    """Average tokens with weights that a learned query gives them, one set for each head.

    Parameters
    ----------
    dim
        Length of a token.
    heads
        Number of queries; each averages its share of the numbers.

    Examples
    --------
    >>> AttentionPool(8, heads=2)(torch.zeros(3, 5, 8)).shape
    torch.Size([3, 8])
    """

    def __init__(self, dim: int, *, heads: int = 1) -> None:
        super().__init__()
        if dim % heads:
            raise ValueError(f"{dim} numbers cannot be shared by {heads} heads")
        self.heads = heads
        self.score = nn.Linear(dim, heads)

    def forward(
        self,
        tokens: Float[Tensor, "batch token dim"],
        valid: Float[Tensor, "batch token"] | None = None,
    ) -> Float[Tensor, "batch dim"]:
        """Return the weighted mean of the valid tokens."""
        weight = masked_softmax(
            self.score(tokens).transpose(1, 2), None if valid is None else valid[:, None, :]
        )
        n_tokens, dim = int(tokens.shape[1]), int(tokens.shape[2])
        shared = tokens.reshape(-1, n_tokens, self.heads, dim // self.heads)
        return torch.einsum("bht,bthc->bhc", weight, shared).reshape(-1, dim)


class QueryPool(nn.Module):
    """Let a learned query attend to tokens, with several heads.

    Other than in `AttentionPool`, tokens are mapped to keys and values first.

    Parameters
    ----------
    dim
        Length of a token.
    heads
        Number of heads.
    bias
        Whether the maps have a bias.

    Examples
    --------
    >>> QueryPool(8, heads=2)(torch.zeros(3, 5, 8)).shape
    torch.Size([3, 8])
    """

    def __init__(self, dim: int, *, heads: int, bias: bool = False) -> None:
        super().__init__()
        if dim % heads:
            raise ValueError(f"{dim} numbers cannot be shared by {heads} heads")
        self.heads = heads
        self.query = nn.Parameter(torch.empty(1, 1, dim))
        self.ask = nn.Linear(dim, dim, bias=bias)
        self.offer = nn.Linear(dim, 2 * dim, bias=bias)
        for weight in (self.query, self.ask.weight, self.offer.weight):
            nn.init.trunc_normal_(weight, std=0.02)

    def forward(self, tokens: Float[Tensor, "batch token dim"]) -> Float[Tensor, "batch dim"]:
        """Return what the query gathers."""
        n_tokens, dim = int(tokens.shape[1]), int(tokens.shape[2])
        query = self.ask(self.query).reshape(1, 1, self.heads, dim // self.heads).transpose(1, 2)
        offered = self.offer(tokens).reshape(-1, n_tokens, 2, self.heads, dim // self.heads)
        key, value = offered.permute(2, 0, 3, 1, 4).unbind(0)
        query = query.expand(key.shape[0], -1, -1, -1)
        return functional.scaled_dot_product_attention(query, key, value).reshape(-1, dim)


def masked_softmax(scores: Tensor, valid: Tensor | None = None) -> Tensor:
    """Return weights over the last axis that sum to 1 over what is valid; 0 where nothing is.

    Examples
    --------
    >>> masked_softmax(torch.zeros(3), torch.tensor([1.0, 1.0, 0.0]))
    tensor([0.5000, 0.5000, 0.0000])
    """
    if valid is None:
        return scores.softmax(dim=-1)
    there = valid > 0
    lowest = torch.full((), -1e9, dtype=scores.dtype, device=scores.device)
    return torch.where(there, scores, lowest).softmax(dim=-1) * there.to(scores.dtype)
