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


def plane_positions(n_rows: int, n_columns: int, dim: int) -> Float[Tensor, "row column dim"]:
    """Return sines and cosines of the column, then of the row.

    Each half has its sines first and its cosines behind them, other than `sinusoidal_positions`.

    Parameters
    ----------
    n_rows, n_columns
        Size of the plane: leads and times.
    dim
        Length of a vector; a multiple of four.

    References
    ----------
    He K, et al. Masked autoencoders are scalable vision learners. CVPR 2022. arXiv:2111.06377

    Examples
    --------
    >>> plane_positions(2, 3, 4)[1, 0]
    tensor([0.0000, 1.0000, 0.8415, 0.5403])
    """
    if dim % 4:
        raise ValueError(f"{dim} numbers hold no two halves of sines and cosines; a multiple of 4")
    rate = 10_000.0 ** -(torch.arange(dim // 4, dtype=torch.float64) / (dim // 4))

    def waves(count: int) -> Tensor:
        angle = torch.arange(count, dtype=torch.float64)[:, None] * rate
        return torch.cat([torch.sin(angle), torch.cos(angle)], dim=1)

    column = waves(n_columns)[None].expand(n_rows, -1, -1)
    row = waves(n_rows)[:, None].expand(-1, n_columns, -1)
    return torch.cat([column, row], dim=2).to(torch.float32)


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
