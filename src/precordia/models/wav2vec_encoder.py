# SPDX-License-Identifier: Apache-2.0
"""What models around a network of wav2vec 2.0 have in common."""

from __future__ import annotations

from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from precordia.core.errors import OptionError
from precordia.models.encoder import Encoder
from precordia.models.vit1d import check_transformer
from precordia.nn.wav2vec import POSITION_GROUPS, Wav2Vec


class Wav2VecEncoder(Encoder):
    """An encoder whose tokens are those of a network of wav2vec 2.0.

    A subclass makes ``self.network``, and says in ``laid_out`` how leads come to it where that is
    not as they stand.
    """

    sees_whole_window: ClassVar[bool] = True

    network: Wav2Vec

    def laid_out(self, x: Float[Tensor, "batch lead sample"]) -> Float[Tensor, "batch row column"]:
        """Return the windows as the network takes them."""
        return x

    def features(
        self, x: Float[Tensor, "batch lead sample"], present: Float[Tensor, "batch lead"] | None
    ) -> Float[Tensor, "batch token dim"]:
        """Return one token for every few samples, as many as the convolutions join."""
        return self.network(self.laid_out(x))

    def frames(self, x: Float[Tensor, "batch lead sample"]) -> Float[Tensor, "batch token dim"]:
        """Return tokens that have not seen one another."""
        return self.network.frames(self.laid_out(x))

    def context(
        self, frames: Float[Tensor, "batch token dim"], allowed: Tensor | None = None
    ) -> Float[Tensor, "batch token dim"]:
        """Let frames see one another; ``allowed`` says which may be looked at."""
        return self.network.context(frames, allowed)

    def stages(self) -> list[nn.Module]:
        """Return convolutions, what joins them to the blocks, and the blocks."""
        return self.network.stages()


def check_wav2vec(dim: int, depth: int, heads: int, dropout: float) -> None:
    """Refuse sizes that a wav2vec network cannot have.

    Examples
    --------
    >>> check_wav2vec(768, 12, 12, 0.1)
    """
    check_transformer(dim, depth, heads, dropout, 0.0)
    if dim % POSITION_GROUPS:
        raise OptionError(
            f"dim is {dim}; a multiple of {POSITION_GROUPS} such as 768 is needed, as places are "
            f"made by {POSITION_GROUPS} groups of channels."
        )
