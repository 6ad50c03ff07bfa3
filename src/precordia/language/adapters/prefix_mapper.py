# SPDX-License-Identifier: Apache-2.0
"""Prefix mapper: the vector of an encoder becomes a few vectors before the words."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from precordia.language.adapters.adapter import PLACE, Adapter
from precordia.nn.transformer import make_blocks


class PrefixMapper(Adapter):
    """Map the embedding of a recording to a few vectors of the width of words.

    Parameters
    ----------
    width
        Length of a vector of the language model's vocabulary.
    dim
        Length of an embedding.
    n_places
        Vectors that a recording becomes.
    depth, heads
        Of the transformer.
    n_tokens, token_dim
        Number and length of the encoder's tokens, where they are given beside the embedding; they
        then stand behind it in each recording. 0 without them.

    Notes
    -----
    Method: the mapper of Q-Heart. A linear map makes ``n_places`` vectors of the embedding; as many
    learned vectors are put behind them; a transformer of 2 blocks of 4 heads lets them look at one
    another, and the last ``n_places`` are taken. Tokens of the encoder are mapped to as many
    vectors by a convolution over the tokens and a linear map, and added.

    Departures: works without the tokens, as the shipped encoders give an embedding alone.

    References
    ----------
    Pham HM, et al. Q-Heart: ECG question answering via knowledge-informed multimodal LLMs. ECAI
    2025. arXiv:2505.06296
    Mokady R, Hertz A, Bermano AH. ClipCap: CLIP prefix for image captioning. arXiv:2111.09734

    Examples
    --------
    >>> PrefixMapper(32, dim=8, n_places=3, heads=2)(torch.zeros(5, 8)).shape
    torch.Size([5, 3, 32])
    """

    name: ClassVar[str] = "prefix-mapper"
    takes: ClassVar = "embedding"

    def __init__(
        self,
        width: int,
        *,
        dim: int,
        n_places: int = 12,
        depth: int = 2,
        heads: int = 4,
        n_tokens: int = 0,
        token_dim: int = 0,
    ) -> None:
        super().__init__()
        self._told = {
            "n_places": n_places,
            "depth": depth,
            "heads": heads,
            "n_tokens": n_tokens,
            "token_dim": token_dim,
        }
        self.dim, self.n_places, self.width = dim, n_places, width
        self.n_tokens, self.token_dim = n_tokens, token_dim
        self.norm = nn.LayerNorm(dim)
        self.spread = nn.Linear(dim, n_places * width)
        self.constants = nn.Parameter(0.02 * torch.randn(n_places, width))
        self.blocks = make_blocks(depth, width, heads=heads, mlp_ratio=2.0)
        if n_tokens:
            self.gather = nn.Conv1d(n_tokens, n_places, 1)
            self.map_token = nn.Linear(token_dim, width)

    def places(self, recording: np.ndarray) -> list[int]:
        """Return a place for each vector."""
        return [PLACE] * self.n_places

    def forward(
        self, recordings: Float[Tensor, "recording number"]
    ) -> Float[Tensor, "recording place width"]:
        """Return the vectors of embeddings, behind each of which may stand its tokens, flat."""
        n = int(recordings.shape[0])
        whole, tokens = recordings[:, : self.dim], recordings[:, self.dim :]
        made = self.spread(self.norm(whole)).reshape(n, self.n_places, self.width)
        both = torch.cat([made, self.constants.expand(n, -1, -1)], dim=1)
        for block in self.blocks:
            both = block(both)
        out = both[:, self.n_places :]
        if self.n_tokens:
            held = tokens.reshape(n, self.n_tokens, self.token_dim)
            out = out + self.map_token(self.gather(held))
        return out

    def options(self) -> dict[str, Any]:
        """Return what it was made with."""
        return dict(self._told)
