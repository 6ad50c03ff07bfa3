# SPDX-License-Identifier: Apache-2.0
"""Soft prompt: pieces of the signal become vectors that stand among those of words."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float
from torch import Tensor, nn

from precordia.language.adapters.adapter import PLACE, Adapter
from precordia.nn.patching import AllLeadPatches, PerLeadPatches
from precordia.nn.positions import LeadEmbedding, LearnedPositions
from precordia.nn.transformer import make_blocks


class SoftPrompt(Adapter):
    """Cut a recording into pieces, look at them together, and map each to the width of words.

    Parameters
    ----------
    width
        Length of a vector of the language model's vocabulary.
    n_leads, n_samples
        Shape of a recording.
    patch
        Samples of a piece.
    dim, depth, heads, mlp_ratio
        Of the transformer over the pieces.
    per_lead
        Whether each lead is a series of pieces of its own, as published, or a piece has all leads,
        which takes ``n_leads`` times fewer places in the text.

    Notes
    -----
    Method: the soft prompt of OpenTSLM. A convolution whose stride is its length, without bias;
    learned positions; normalisation; a transformer of 6 blocks of 8 heads; normalisation, a linear
    map and GELU. Twelve leads of 1000 samples are 3000 vectors.

    Departures: each lead has a learned vector, where OpenTSLM writes its name, mean and standard
    deviation into the text between the leads; `per_lead` may be switched off.

    References
    ----------
    Langer P, et al. OpenTSLM: time-series language models for reasoning over multivariate medical
    text- and time-series data. 2025. arXiv:2510.02410

    Examples
    --------
    >>> import torch
    >>> prompt = SoftPrompt(32, n_leads=2, n_samples=40, dim=16, depth=1, heads=2)
    >>> prompt(torch.zeros(3, 2, 40)).shape
    torch.Size([3, 20, 32])
    """

    name: ClassVar[str] = "soft-prompt"
    takes: ClassVar = "signal"

    def __init__(
        self,
        width: int,
        *,
        n_leads: int,
        n_samples: int,
        patch: int = 4,
        dim: int = 128,
        depth: int = 6,
        heads: int = 8,
        mlp_ratio: float = 8.0,
        per_lead: bool = True,
    ) -> None:
        super().__init__()
        self._told = {
            "patch": patch,
            "dim": dim,
            "depth": depth,
            "heads": heads,
            "mlp_ratio": mlp_ratio,
            "per_lead": per_lead,
        }
        self.n_leads, self.per_lead, self.n_pieces = n_leads, per_lead, n_samples // patch
        if per_lead:
            self.pieces: nn.Module = PerLeadPatches(patch, dim, bias=False)
            self.lead = LeadEmbedding(n_leads, tuple(range(n_leads)), dim)
        else:
            self.pieces = AllLeadPatches(n_leads, patch, dim, bias=False)
        self.positions = LearnedPositions(self.n_pieces, dim)
        self.norm = nn.LayerNorm(dim)
        self.blocks = make_blocks(depth, dim, heads=heads, mlp_ratio=mlp_ratio)
        self.map = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, width), nn.GELU())

    def places(self, recording: np.ndarray) -> list[int]:
        """Return a place for each piece."""
        return [PLACE] * (self.n_pieces * (self.n_leads if self.per_lead else 1))

    def forward(
        self, recordings: Float[Tensor, "recording lead sample"]
    ) -> Float[Tensor, "recording place width"]:
        """Return a vector for each piece; lead by lead, if leads are series of their own."""
        tokens = self.norm(self.positions(self.pieces(recordings)))
        n = int(tokens.shape[0])
        if self.per_lead:
            tokens = (tokens + self.lead()[:, None]).flatten(0, 1)
        for block in self.blocks:
            tokens = block(tokens)
        return self.map(tokens).reshape(n, -1, self.map[1].out_features)

    def options(self) -> dict[str, Any]:
        """Return what it was made with."""
        return dict(self._told)
