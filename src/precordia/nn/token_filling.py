# SPDX-License-Identifier: Apache-2.0
"""From the tokens that were seen to what stands in the places that were not."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from precordia.nn.positions import sinusoidal_positions
from precordia.nn.transformer import make_blocks


class TokenFilling(nn.Module):
    """A narrow transformer over tokens that were seen and marks for those that were not.

    Parameters
    ----------
    dim
        Length of a token that was seen.
    n_tokens
        Tokens of a whole window.
    n_outputs
        Numbers that are given for each hidden place.
    width, depth, heads
        Of the transformer.

    Notes
    -----
    A hidden place is one learned vector plus the sines of its time. The same network is the
    decoder of a masked auto-encoder and the predictor of a joint-embedding architecture.

    References
    ----------
    He K, et al. CVPR 2022. arXiv:2111.06377. Assran M, et al. CVPR 2023. arXiv:2301.08243

    Examples
    --------
    >>> fill = TokenFilling(16, 4, 16, width=8, depth=1, heads=2)
    >>> kept, hidden = torch.tensor([[0, 3]]), torch.tensor([[1, 2]])
    >>> fill(torch.zeros(1, 2, 16), kept, hidden).shape
    torch.Size([1, 2, 16])
    """

    table: Tensor

    def __init__(
        self, dim: int, n_tokens: int, n_outputs: int, *, width: int, depth: int, heads: int
    ) -> None:
        super().__init__()
        self.enter = nn.Linear(dim, width)
        self.mark = nn.Parameter(torch.empty(width))
        nn.init.trunc_normal_(self.mark, std=0.02)
        self.register_buffer("table", sinusoidal_positions(n_tokens, width), persistent=False)
        self.blocks = make_blocks(depth, width, heads=heads)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.leave = nn.Linear(width, n_outputs)

    def forward(
        self,
        seen: Float[Tensor, "batch kept dim"],
        kept: Int[Tensor, "batch kept"],
        hidden: Int[Tensor, "batch hidden"],
    ) -> Float[Tensor, "batch hidden out"]:
        """Return what is expected in the hidden places.

        Parameters
        ----------
        seen
            Tokens that were seen.
        kept, hidden
            Their places, and those of all others.
        """
        known = self.enter(seen) + self.table[kept]
        tokens = torch.cat([known, self.mark + self.table[hidden]], dim=1)
        for block in self.blocks:
            tokens = block(tokens)
        return self.leave(self.norm(tokens[:, kept.shape[1] :]))
