# SPDX-License-Identifier: Apache-2.0
"""One learned token looks at all others and becomes the vector of the window."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn


class ClassTokenPool(nn.Module):
    """Pool tokens by attention of a learned token to them and to itself.

    Parameters
    ----------
    dim, heads
        Length of a token, number of heads.
    n_tokens
        Number of tokens; each has a learned place, and so has the learned token before them.

    Notes
    -----
    The attention pooling of MERL. As in its code, the place of the learned token is added to it
    twice.

    References
    ----------
    Liu C, et al. MERL. ICML 2024. arXiv:2403.06659

    Examples
    --------
    >>> pooled, weights = ClassTokenPool(8, heads=2, n_tokens=5)(torch.zeros(3, 5, 8))
    >>> pooled.shape, weights.shape
    (torch.Size([3, 8]), torch.Size([3, 5]))
    """

    def __init__(self, dim: int, *, heads: int, n_tokens: int) -> None:
        super().__init__()
        self.places = nn.Parameter(torch.randn(n_tokens + 1, dim) / dim)
        self.token = nn.Parameter(torch.randn(dim))
        self.attention = nn.MultiheadAttention(dim, heads, batch_first=True)
        self.out = nn.Linear(dim, dim)

    def forward(
        self, tokens: Float[Tensor, "batch token dim"]
    ) -> tuple[Float[Tensor, "batch dim"], Float[Tensor, "batch token"]]:
        """Return the pooled vector, and the attention to each token (mean over heads)."""
        first = (self.token + self.places[0]).expand(len(tokens), 1, -1)
        tokens = torch.cat([first, tokens], dim=1) + self.places
        pooled, weights = self.attention(tokens[:, :1], tokens, tokens)
        return self.out(pooled[:, 0]), weights[:, 0, 1:]
