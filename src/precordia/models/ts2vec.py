# SPDX-License-Identifier: Apache-2.0
"""The dilated convolutions of TS2Vec, as COMET uses them: a token for every sample."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from precordia.models.encoder import Encoder
from precordia.models.options import check_positive, check_share
from precordia.models.signal_shape import SignalShape
from precordia.nn.dilated import DilatedBlock


class Ts2Vec(Encoder):
    """Residual blocks of convolutions with dilations of 1, 2, 4, ... samples.

    Parameters
    ----------
    shape, n_outputs
        As in `Encoder`.
    width
        Channels of all blocks but the last.
    dim
        Channels of the last block: length of a token and of the embedding.
    depth
        Number of blocks before the last one, whose dilation is ``2 ** depth``.
    dropout
        Share of the tokens' numbers that is hidden while training.

    Notes
    -----
    *Method.* Each sample of all leads is mapped to ``width`` numbers; eleven blocks, each twice as
    wide in view as the one before it, look around it, before and behind. The embedding is the
    largest value over time. Written from the papers and the layout of the weights; outputs agree
    with the authors' code. *Departure*: the authors hide time steps behind the first map within
    the network while training; here hiding is left to the objective.

    References
    ----------
    Wang Y, et al. COMET. NeurIPS 2023. arXiv:2310.14017. Yue Z, et al. TS2Vec. AAAI 2022.
    arXiv:2106.10466

    Examples
    --------
    >>> import torch
    >>> shape = SignalShape(n_leads=12, n_samples=100, fs=100)
    >>> Ts2Vec(shape, 0, width=4, dim=8, depth=2).tokens(torch.zeros(2, 12, 100)).shape
    torch.Size([2, 100, 8])
    """

    #: how many copies the average of the weights was made of
    left_out_weights: ClassVar[tuple[str, ...]] = ("n_averaged",)

    def __init__(
        self,
        shape: SignalShape,
        n_outputs: int,
        *,
        width: int = 64,
        dim: int = 320,
        depth: int = 10,
        dropout: float = 0.1,
    ) -> None:
        for name, value in (("width", width), ("dim", dim), ("depth", depth)):
            check_positive(name, value)
        check_share("dropout", dropout)
        super().__init__(shape, n_outputs, dim=dim)
        self.stem = nn.Linear(shape.n_leads, width)
        self.blocks = nn.ModuleList(
            DilatedBlock(width, width, dilation=2**block) for block in range(depth)
        )
        self.blocks.append(DilatedBlock(width, dim, dilation=2**depth, map_around=True))
        self.dropout = nn.Dropout(dropout)

    def features(
        self, x: Float[Tensor, "batch lead sample"], present: Float[Tensor, "batch lead"] | None
    ) -> Float[Tensor, "batch token dim"]:
        """Return a token for every sample."""
        x = self.stem(x.transpose(1, 2)).transpose(1, 2)
        for block in self.blocks:
            x = block(x)
        return self.dropout(x).transpose(1, 2)

    def pool(
        self, tokens: Float[Tensor, "batch token dim"], present: Float[Tensor, "batch lead"] | None
    ) -> Float[Tensor, "batch dim"]:
        """Return the largest value over time."""
        return tokens.amax(dim=1)

    def stages(self) -> list[nn.Module]:
        """Return the first map and the blocks."""
        return [self.stem, *self.blocks]

    def published_outputs(
        self, x: Float[Tensor, "batch lead sample"], present: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Return what the authors' code gives by name: the tokens and their largest values."""
        tokens = self.tokens(x, present)
        return {"sequence": tokens, "max_pooled": self.pool(tokens, None)}

    def rename_weights(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename weights of COMET: those of the encoder alone, or of its average."""
        return {_renamed(key): value for key, value in state.items()}


def _renamed(key: str) -> str:
    key = key.replace("input_fc.", "stem.", 1) if key.startswith("input_fc.") else key
    if match := re.fullmatch(r"feature_extractor\.net\.(\d+)\.conv([12])\.conv\.(\w+)", key):
        return f"blocks.{match[1]}.path.{int(match[2]) - 1}.{match[3]}"
    if match := re.fullmatch(r"feature_extractor\.net\.(\d+)\.projector\.(\w+)", key):
        return f"blocks.{match[1]}.around.{match[2]}"
    return key
