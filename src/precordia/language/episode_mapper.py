# SPDX-License-Identifier: Apache-2.0
"""Learned queries look at the vector of a recording and become words before a question."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


class EpisodeMapper(nn.Module):
    """Map vectors of recordings to a few vectors of the width of words, by one attention.

    Parameters
    ----------
    dim
        Length of the vector of a recording.
    width
        Length of the vector of a word.
    n_places
        Vectors that come out.
    heads
        Of the attention.
    dropout
        Share of numbers hidden while learning.

    Notes
    -----
    Queries and recordings are put together; each looks at all by attention, and what it sees is
    added to its own map; normalisation; a linear map with a leaky rectifier is added;
    normalisation; the queries' places are taken. As published, attention is divided by the root of
    the whole width and not of a head.

    Departures: dropout ends with learning, which in the published code never ends; several
    recordings may be given.

    References
    ----------
    Tang J, Xia T, Lu Y, Mascolo C, Saeed A. Electrocardiogram-language model for few-shot question
    answering with meta learning. CHIL 2025. arXiv:2410.14464

    Examples
    --------
    >>> EpisodeMapper(8, 16, heads=2)(torch.zeros(3, 1, 8)).shape
    torch.Size([3, 4, 16])
    """

    def __init__(
        self, dim: int, width: int, *, n_places: int = 4, heads: int = 8, dropout: float = 0.5
    ) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"{width} numbers cannot be shared by {heads} heads")
        self.heads, self.width = heads, width
        self.queries = nn.Parameter(torch.randn(n_places, dim))
        self.ask, self.offer, self.hold = (nn.Linear(dim, width) for _ in range(3))
        self.out = nn.Linear(width, width)
        for linear in (self.ask, self.offer, self.hold, self.out):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)
        self.norm_seen, self.norm_out = nn.LayerNorm(width), nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, recordings: Float[Tensor, "batch recording dim"]
    ) -> Float[Tensor, "batch place width"]:
        """Return the vectors that stand before the words."""
        n = len(recordings)
        both = torch.cat([self.queries.expand(n, -1, -1), recordings], dim=1)
        asked, offered, held = (
            linear(both).reshape(n, both.shape[1], self.heads, -1).transpose(1, 2)
            for linear in (self.ask, self.offer, self.hold)
        )
        near = functional.softmax(asked @ offered.mT / math.sqrt(self.width), dim=-1)
        seen = (asked + near @ held).transpose(1, 2).reshape(n, both.shape[1], self.width)
        seen = self.norm_seen(self.dropout(seen))
        seen = seen + functional.leaky_relu(self.out(seen))
        return self.norm_out(self.dropout(seen))[:, : len(self.queries)]
