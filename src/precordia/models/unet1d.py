# SPDX-License-Identifier: Apache-2.0
"""The U-Net, in one dimension: a score for each sample."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from precordia.core.errors import OptionError
from precordia.models.encoder import Encoder
from precordia.models.options import check_odd, check_share
from precordia.models.signal_shape import SignalShape
from precordia.nn.convolution import ConvNorm
from precordia.nn.receptive_field import receptive_field
from precordia.nn.residual import ResidualBlock


class UNet1d(Encoder):
    """Encoder and decoder over time, joined at every level: scores of classes for each sample.

    Parameters
    ----------
    shape, n_outputs
        As in `Encoder`; here the scores are of each sample.
    width
        Channels of the first level; each further level has twice as many.
    depth
        How often the length is halved on the way down, and doubled on the way up.
    kernel
        Samples of the convolutions; odd.
    residual
        Whether the two convolutions of a level are led around, as in a residual network.
    dropout
        Share of the lowest level's channels that is hidden while training.

    Notes
    -----
    The network of Ronneberger et al. over time, as Moskalenko et al. use it to find P, QRS and T:
    two convolutions a level, a maximum of two samples downwards, a transposed convolution upwards,
    and the level's own features beside what comes from below. Tokens and embedding are the lowest
    level's; they see no decoder. Windows of any length will do: the end is repeated up to a
    multiple of ``2 ** depth`` samples, and what is beyond is cut off again.

    Departures: convolutions keep the length (the original loses a border, and crops); batch
    normalisation after each; a kernel of 9 samples and half the depth of channels, as for ECGs.

    References
    ----------
    Ronneberger O, Fischer P, Brox T. MICCAI 2015. arXiv:1505.04597

    Moskalenko V, Zolotykh N, Osipov G. Neuroinformatics 2019. arXiv:1908.11158

    Examples
    --------
    >>> shape = SignalShape(n_leads=1, n_samples=1000, fs=250)
    >>> model = UNet1d(shape, 4, width=4).eval()
    >>> window = torch.zeros(2, 1, 999)
    >>> model(window).shape, model.tokens(window).shape, model.encode(window).shape
    (torch.Size([2, 4, 999]), torch.Size([2, 63, 64]), torch.Size([2, 64]))
    """

    outputs: ClassVar[Literal["window", "sample"]] = "sample"

    def __init__(
        self,
        shape: SignalShape,
        n_outputs: int,
        *,
        width: int = 16,
        depth: int = 4,
        kernel: int = 9,
        residual: bool = False,
        dropout: float = 0.0,
    ) -> None:
        check_odd("kernel", kernel)
        check_share("dropout", dropout)
        for name, value in (("width", width), ("depth", depth)):
            if value < 1:
                raise OptionError(f"{name} is {value}; at least 1 is needed.")
        super().__init__(shape, n_outputs, dim=width * 2**depth, head_dim=width)
        self.step = 2**depth
        wide = [width * 2**level for level in range(depth + 1)]
        self.down = nn.ModuleList(
            _level(n_in, n_out, kernel, residual)
            for n_in, n_out in zip([shape.n_leads, *wide[:-1]], wide, strict=True)
        )
        self.halve = nn.MaxPool1d(2)
        self.hide = nn.Dropout1d(dropout)
        self.widen = nn.ModuleList(
            nn.ConvTranspose1d(n_in, n_out, 2, stride=2) for n_out, n_in in pairwise(wide)
        )
        self.up = nn.ModuleList(_level(2 * n, n, kernel, residual) for n in wide[:-1])

    def features(
        self, x: Float[Tensor, "batch lead sample"], present: Float[Tensor, "batch lead"] | None
    ) -> Float[Tensor, "batch token dim"]:
        """Return the time steps of the lowest level."""
        return self._levels(x)[-1].transpose(1, 2)

    def forward(
        self, x: Float[Tensor, "batch lead sample"], present: Tensor | None = None
    ) -> Float[Tensor, "batch statement sample"] | Float[Tensor, "batch dim"]:
        """Return logits of each sample; without a head, the embedding."""
        if not self.n_outputs:
            return self.encode(x, present)
        n_samples = x.shape[-1]
        x, _ = self._checked(x, present)
        *levels, x = self._levels(x)
        for beside, widen, level in zip(
            reversed(levels), reversed(self.widen), reversed(self.up), strict=True
        ):
            x = level(torch.cat([beside, widen(x)], dim=1))
        return self.head(x[..., :n_samples].transpose(1, 2)).transpose(1, 2)

    def stages(self) -> list[nn.Module]:
        """Return the levels downwards, then those upwards."""
        upwards = zip(reversed(self.widen), reversed(self.up), strict=True)
        return [*self.down, *(nn.ModuleList(pair) for pair in upwards)]

    def receptive_field(self) -> int:
        """Return how many samples a token sees; a score sees about twice as many."""
        between = [layer for level in self.down for layer in (level, self.halve)]
        return receptive_field(between[:-1])

    def _levels(self, x: Tensor) -> list[Tensor]:
        """Return what each level on the way down gives, the lowest last."""
        beyond = -x.shape[-1] % self.step
        if beyond:
            x = functional.pad(x, (0, beyond), mode="replicate")
        held = [self.down[0](x)]
        for level in self.down[1:]:
            held.append(level(self.halve(held[-1])))
        held[-1] = self.hide(held[-1])
        return held

    def _head_width(self) -> int:
        return self.dim // self.step


def _level(n_in: int, n_out: int, kernel: int, residual: bool) -> nn.Module:
    if residual:
        return ResidualBlock(n_in, n_out, kernels=(kernel, kernel))
    return nn.Sequential(ConvNorm(n_in, n_out, kernel), ConvNorm(n_out, n_out, kernel))
