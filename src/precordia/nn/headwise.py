# SPDX-License-Identifier: Apache-2.0
"""Layers that treat heads or channels apart: maps, normalisations and filters of the past."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


class HeadwiseLinear(nn.Module):
    """Map each head's share of a token by a matrix of its own, without bias.

    Parameters
    ----------
    dim
        Length of a token.
    heads
        Number of equal shares.
    scale
        Standard deviation of the weights at first.

    Examples
    --------
    >>> HeadwiseLinear(8, 2, scale=0.1)(torch.zeros(3, 5, 8)).shape
    torch.Size([3, 5, 8])
    """

    def __init__(self, dim: int, heads: int, *, scale: float) -> None:
        super().__init__()
        if dim % heads:
            raise ValueError(f"{dim} numbers cannot be shared by {heads} heads")
        self.weight = nn.Parameter(torch.randn(heads, dim // heads, dim // heads) * scale)

    def forward(self, tokens: Float[Tensor, "batch token dim"]) -> Float[Tensor, "batch token dim"]:
        """Return the mapped tokens."""
        n_tokens, dim = int(tokens.shape[1]), int(tokens.shape[2])
        heads, wide = int(self.weight.shape[0]), int(self.weight.shape[1])
        shared = tokens.reshape(-1, heads, wide).transpose(0, 1)
        mapped = torch.bmm(shared, self.weight.transpose(1, 2)).transpose(0, 1)
        return mapped.reshape(-1, n_tokens, dim)


class HeadNorm(nn.Module):
    """Normalise each head's share of a token by itself.

    Parameters
    ----------
    dim
        Length of a token.
    heads
        Number of equal shares.

    Examples
    --------
    >>> out = HeadNorm(4, 2)(torch.tensor([[[1.0, 3.0, 50.0, 70.0]]]))
    >>> [round(value, 2) for value in out[0, 0].tolist()]
    [-1.0, 1.0, -1.0, 1.0]
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, tokens: Float[Tensor, "batch token dim"]) -> Float[Tensor, "batch token dim"]:
        """Return the normalised tokens."""
        n_tokens, dim = int(tokens.shape[1]), int(tokens.shape[2])
        shared = tokens.reshape(-1, n_tokens, self.heads, dim // self.heads)
        normal = functional.layer_norm(shared, (dim // self.heads,))
        return normal.reshape(-1, n_tokens, dim) * self.weight


class PastConvolution(nn.Module):
    """Filter each channel over tokens, from the past only.

    Parameters
    ----------
    dim
        Length of a token.
    kernel
        Tokens that a filter spans.

    Examples
    --------
    >>> PastConvolution(8, 4)(torch.zeros(3, 5, 8)).shape
    torch.Size([3, 5, 8])
    """

    def __init__(self, dim: int, kernel: int) -> None:
        super().__init__()
        self.filter = nn.Conv1d(dim, dim, kernel, groups=dim)

    def forward(self, tokens: Float[Tensor, "batch token dim"]) -> Float[Tensor, "batch token dim"]:
        """Return the filtered tokens."""
        before = self.filter.kernel_size[0] - 1
        return self.filter(functional.pad(tokens.transpose(1, 2), (before, 0))).transpose(1, 2)


def small_scale(dim: int) -> float:
    """Return the standard deviation of maps that begin small (Nguyen & Salazar 2019).

    Examples
    --------
    >>> small_scale(10)
    0.2
    """
    return math.sqrt(2 / (5 * dim))
