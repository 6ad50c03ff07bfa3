# SPDX-License-Identifier: Apache-2.0
"""Where a token stands: sines and cosines of time, learned places, and names of leads."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn


def sinusoidal_positions(
    n_tokens: int, dim: int, *, longest: float = 10_000.0
) -> Float[Tensor, "token dim"]:
    """Return sines (even numbers of a row) and cosines (odd ones) of falling frequency.

    Parameters
    ----------
    n_tokens, dim
        Size; ``dim`` is even.
    longest
        Ratio of the longest wavelength to the shortest.

    References
    ----------
    Vaswani A, et al. Attention is all you need. NeurIPS 2017, section 3.5. arXiv:1706.03762

    Examples
    --------
    >>> sinusoidal_positions(2, 4)[0]
    tensor([0., 1., 0., 1.])
    """
    if dim % 2:
        raise ValueError(f"{dim} numbers hold no pairs of sine and cosine; an even dim is needed")
    place = torch.arange(n_tokens, dtype=torch.float64)[:, None]
    rate = torch.exp(torch.arange(0, dim, 2, dtype=torch.float64) * (-math.log(longest) / dim))
    table = torch.stack([torch.sin(place * rate), torch.cos(place * rate)], dim=-1)
    return table.reshape(n_tokens, dim).to(torch.float32)


class SinusoidalPositions(nn.Module):
    """Add sines and cosines of the place in time to tokens; any number of tokens will do.

    Parameters
    ----------
    n_tokens
        Number of tokens for which the table is kept; it is made anew for more.
    dim
        Length of a token.

    Examples
    --------
    >>> SinusoidalPositions(4, 8)(torch.zeros(1, 6, 8)).shape
    torch.Size([1, 6, 8])
    """

    table: Tensor

    def __init__(self, n_tokens: int, dim: int) -> None:
        super().__init__()
        self.register_buffer("table", sinusoidal_positions(n_tokens, dim), persistent=False)

    def forward(self, tokens: Float[Tensor, "*rows token dim"]) -> Float[Tensor, "*rows token dim"]:
        """Return the tokens with their places added."""
        n_tokens = int(tokens.shape[-2])
        if n_tokens <= len(self.table):
            return tokens + self.table[:n_tokens]
        return tokens + sinusoidal_positions(n_tokens, tokens.shape[-1]).to(tokens)


class LearnedPositions(nn.Module):
    """Add a learned vector for each place in time; no more tokens than there are places.

    Examples
    --------
    >>> LearnedPositions(6, 8)(torch.zeros(1, 4, 8)).shape
    torch.Size([1, 4, 8])
    """

    def __init__(self, n_tokens: int, dim: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.empty(n_tokens, dim))
        nn.init.trunc_normal_(self.table, std=0.02)

    def forward(self, tokens: Float[Tensor, "*rows token dim"]) -> Float[Tensor, "*rows token dim"]:
        """Return the tokens with their places added."""
        return tokens + self.table[: int(tokens.shape[-2])]


class LeadEmbedding(nn.Module):
    """A learned vector for each of a fixed list of leads, of which a model uses some.

    Parameters
    ----------
    n_known
        Leads on the list.
    rows
        For each row of the input, which lead of the list it is.
    dim
        Length of a vector.

    Examples
    --------
    >>> LeadEmbedding(12, (0, 6), 8)().shape
    torch.Size([2, 8])
    """

    rows: Tensor

    def __init__(self, n_known: int, rows: tuple[int, ...], dim: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.empty(n_known, dim))
        nn.init.trunc_normal_(self.table, std=0.02)
        self.register_buffer("rows", torch.tensor(rows), persistent=False)

    def forward(self) -> Float[Tensor, "lead dim"]:
        """Return the vectors of the rows."""
        return self.table[self.rows]
