# SPDX-License-Identifier: Apache-2.0
"""A small text encoder: vectors of pieces, averaged by learned weights, and two layers."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional


class PieceBag(nn.Module):
    """Average the vectors of the pieces of a text, then project.

    Parameters
    ----------
    n_pieces
        How many numbers pieces can have.
    dim
        Length of the vector of a piece.
    n_out
        Length of the vector of a text.
    dropout
        Share of the pieces that training leaves out.

    Notes
    -----
    *Method.* The bag of fastText, with one learned number a piece that says how much it counts, and
    the two-layer text projection of MERL on top. *Departure from MERL.* Its text encoder is a
    frozen language model of 110 million weights; this one learns with the rest.

    References
    ----------
    Joulin A, et al. Bag of tricks for efficient text classification. arXiv:1607.01759
    Liu C, et al. MERL. ICML 2024. arXiv:2403.06659

    Examples
    --------
    >>> bag = PieceBag(100, 8, 4)
    >>> bag(torch.tensor([[3, 7, -1], [5, -1, -1]])).shape
    torch.Size([2, 4])
    """

    def __init__(self, n_pieces: int, dim: int, n_out: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.vectors = nn.Embedding(n_pieces, dim)
        self.strength = nn.Embedding(n_pieces, 1)
        nn.init.normal_(self.vectors.weight, std=dim**-0.5)
        nn.init.zeros_(self.strength.weight)
        self.first = nn.Linear(dim, n_out)
        self.second = nn.Linear(n_out, n_out)
        self.dropout = dropout

    def forward(self, pieces: Int[Tensor, "batch piece"]) -> Float[Tensor, "batch dim"]:
        """Return the vector of each text; numbers below 0 stand for no piece."""
        there = pieces >= 0
        if self.training and self.dropout:
            there = there & (torch.rand(pieces.shape, device=pieces.device) >= self.dropout)
        number = pieces.clamp(min=0)
        weight = functional.softplus(self.strength(number)[..., 0]) * there
        total = weight.sum(dim=1, keepdim=True).clamp(min=1e-6)
        mean = torch.einsum("bp,bpd->bd", weight / total, self.vectors(number))
        return self.second(functional.gelu(self.first(mean), approximate="tanh"))
