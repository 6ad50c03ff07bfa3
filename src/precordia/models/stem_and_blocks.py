# SPDX-License-Identifier: Apache-2.0
"""What networks of a stem and blocks, one behind the other, have in common."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from precordia.models.encoder import Encoder


class StemAndBlocks(Encoder):
    """An encoder whose tokens are the time steps of its last block.

    A subclass makes ``self.stem`` and ``self.blocks``, layers from (batch, channel, sample) to the
    same.
    """

    stem: nn.Module
    blocks: nn.ModuleList

    def frames(self, x: Float[Tensor, "batch lead sample"]) -> Float[Tensor, "batch frame channel"]:
        """Return what the stem makes of the signal."""
        return self.stem(x).transpose(1, 2)

    def context(
        self, frames: Float[Tensor, "batch frame frame_dim"]
    ) -> Float[Tensor, "batch token dim"]:
        """Return what the blocks make of frames: each is seen together with its surroundings."""
        x = frames.transpose(1, 2)
        for block in self.blocks:
            x = block(x)
        return x.transpose(1, 2)

    def features(
        self, x: Float[Tensor, "batch lead sample"], present: Float[Tensor, "batch lead"] | None
    ) -> Float[Tensor, "batch token dim"]:
        """Return the time steps of the last block."""
        return self.context(self.frames(x))

    def stages(self) -> list[nn.Module]:
        """Return stem and blocks."""
        return [self.stem, *self.blocks]
