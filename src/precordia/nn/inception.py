# SPDX-License-Identifier: Apache-2.0
"""Inception blocks over time: kernels of several lengths side by side."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from precordia.nn.convolution import ConvNorm, convolution


class InceptionBlock(nn.Module):
    """Convolutions of several lengths, and a maximum, side by side.

    Parameters
    ----------
    n_in
        Channels before.
    width
        Channels of each way; all ways together are the channels after.
    kernels
        Samples of the kernels; odd.
    bottleneck
        Channels that the kernels look at.

    References
    ----------
    Ismail Fawaz H, et al. Data Min Knowl Disc 2020;34:1936-1962. doi:10.1007/s10618-020-00710-y

    Examples
    --------
    >>> InceptionBlock(2, 4, kernels=(9, 5, 3), bottleneck=3)(torch.zeros(1, 2, 30)).shape
    torch.Size([1, 16, 30])
    """

    def __init__(self, n_in: int, width: int, *, kernels: Sequence[int], bottleneck: int) -> None:
        super().__init__()
        self.bottleneck = convolution(n_in, bottleneck, 1)
        self.ways = nn.ModuleList(convolution(bottleneck, width, kernel) for kernel in kernels)
        self.maximum = nn.Sequential(
            nn.MaxPool1d(3, stride=1, padding=1), convolution(n_in, width, 1)
        )
        self.norm = nn.Sequential(nn.BatchNorm1d((len(kernels) + 1) * width), nn.ReLU())

    def forward(
        self, x: Float[Tensor, "batch dim sample"]
    ) -> Float[Tensor, "batch dim_out sample"]:
        """Return what all ways say."""
        narrow = self.bottleneck(x)
        return self.norm(torch.cat([*(way(narrow) for way in self.ways), self.maximum(x)], dim=1))


class InceptionGroup(nn.Module):
    """Three inception blocks around which the input is led.

    Parameters
    ----------
    n_in, width, kernels, bottleneck
        As in `InceptionBlock`.

    Examples
    --------
    >>> InceptionGroup(2, 4, kernels=(9, 5, 3), bottleneck=3)(torch.zeros(1, 2, 30)).shape
    torch.Size([1, 16, 30])
    """

    def __init__(self, n_in: int, width: int, *, kernels: Sequence[int], bottleneck: int) -> None:
        super().__init__()
        n_out = (len(kernels) + 1) * width
        self.path = nn.Sequential(
            *(
                InceptionBlock(n, width, kernels=kernels, bottleneck=bottleneck)
                for n in (n_in, n_out, n_out)
            )
        )
        self.around = ConvNorm(n_in, n_out, 1, rectify=False)
        self.activation = nn.ReLU()

    def forward(
        self, x: Float[Tensor, "batch dim sample"]
    ) -> Float[Tensor, "batch dim_out sample"]:
        """Return the sum of what went through and what went around."""
        return self.activation(self.path(x) + self.around(x))
