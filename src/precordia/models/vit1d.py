# SPDX-License-Identifier: Apache-2.0
"""The vision transformer over time: patches of all leads are tokens."""

from __future__ import annotations

from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from precordia.core.errors import OptionError
from precordia.models.encoder import Encoder
from precordia.models.options import check_one_of, check_positive, check_share
from precordia.models.signal_shape import SignalShape
from precordia.nn.patching import AllLeadPatches
from precordia.nn.positions import LearnedPositions, SinusoidalPositions
from precordia.nn.transformer import make_blocks


class ViT1d(Encoder):
    """Transformer whose tokens are patches of all leads.

    Parameters
    ----------
    shape, n_outputs
        As in `Encoder`.
    patch
        Samples of a patch.
    width, depth, heads
        Length of a token, number of blocks, heads of each.
    mlp_ratio
        How many times wider the middle of a block's two layers is.
    positions
        ``"sinusoidal"``, which takes windows of any length, or ``"learned"``.
    dropout, drop_path
        Share of numbers, and of whole paths, hidden while training.

    Notes
    -----
    The mean of the tokens is the embedding: there is no class token.

    References
    ----------
    Dosovitskiy A, et al. ICLR 2021. arXiv:2010.11929

    Examples
    --------
    >>> import torch
    >>> shape = SignalShape(n_leads=12, n_samples=1000, fs=100)
    >>> model = ViT1d(shape, 5, width=32, depth=2, heads=2).eval()
    >>> model.tokens(torch.zeros(2, 12, 1000)).shape
    torch.Size([2, 50, 32])
    """

    #: tokens see one another
    sees_whole_window: ClassVar[bool] = True

    def __init__(
        self,
        shape: SignalShape,
        n_outputs: int,
        *,
        patch: int = 20,
        width: int = 192,
        depth: int = 8,
        heads: int = 6,
        mlp_ratio: float = 4.0,
        positions: str = "sinusoidal",
        dropout: float = 0.0,
        drop_path: float = 0.1,
    ) -> None:
        check_transformer(width, depth, heads, dropout, drop_path)
        check_patch(patch, shape.n_samples)
        check_one_of("positions", positions, ("sinusoidal", "learned"))
        super().__init__(shape, n_outputs, dim=width)
        self.flexible_length = positions == "sinusoidal"  # type: ignore[misc]
        self.smallest = patch  # type: ignore[misc]
        self.patches = AllLeadPatches(shape.n_leads, patch, width)
        kind = SinusoidalPositions if positions == "sinusoidal" else LearnedPositions
        self.positions = kind(shape.n_samples // patch, width)
        self.blocks = make_blocks(
            depth, width, heads=heads, mlp_ratio=mlp_ratio, dropout=dropout, drop_path=drop_path
        )
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def features(
        self, x: Float[Tensor, "batch lead sample"], present: Float[Tensor, "batch lead"] | None
    ) -> Float[Tensor, "batch token dim"]:
        """Return the tokens in the order of time."""
        return self.context(self.frames(x))

    def frames(self, x: Float[Tensor, "batch lead sample"]) -> Float[Tensor, "batch token dim"]:
        """Return the patches as tokens with their places, before they see one another."""
        return self.positions(self.patches(x))

    def context(
        self, frames: Float[Tensor, "batch token dim"], allowed: Tensor | None = None
    ) -> Float[Tensor, "batch token dim"]:
        """Let frames see one another; some of a window will do.

        Parameters
        ----------
        frames
            Those of `frames`, or a part of them.
        allowed
            Which of them may be looked at, as in `precordia.nn.attention.Attention`.
        """
        for block in self.blocks:
            frames = block(frames, allowed)
        return self.norm(frames)

    def stages(self) -> list[nn.Module]:
        """Return the patches, the blocks, and the last normalisation."""
        return [self.patches, *self.blocks, self.norm]


def check_transformer(width: int, depth: int, heads: int, dropout: float, drop_path: float) -> None:
    """Refuse sizes that no transformer has.

    Examples
    --------
    >>> check_transformer(192, 8, 6, 0.0, 0.1)
    """
    for name, value in (("width", width), ("depth", depth), ("heads", heads)):
        check_positive(name, value)
    if width % heads or width % 2:
        raise OptionError(
            f"width is {width} and heads is {heads}; an even width that the heads share evenly, "
            "such as 192 and 6, is needed."
        )
    check_share("dropout", dropout)
    check_share("drop_path", drop_path)


def check_patch(patch: int, n_samples: int) -> None:
    """Refuse patches that are longer than the window.

    Examples
    --------
    >>> check_patch(20, 1000)
    """
    check_positive("patch", patch)
    if patch > n_samples:
        raise OptionError(
            f"patch is {patch} and the window has {n_samples} samples; a shorter patch is needed."
        )
