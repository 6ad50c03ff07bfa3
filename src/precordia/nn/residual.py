# SPDX-License-Identifier: Apache-2.0
"""Residual blocks of convolutions over time."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from precordia.nn.convolution import convolution


class ResidualBlock(nn.Module):
    """Two convolutions, each with batch normalisation, around which the input is led.

    Parameters
    ----------
    n_in, n_out
        Channels before and after.
    kernels
        Samples of the two kernels; odd.
    stride
        Of the first convolution.

    Notes
    -----
    The block of figure 2 in He et al. Where the shape changes, the input goes through a
    convolution of one sample (their option B).

    References
    ----------
    He K, Zhang X, Ren S, Sun J. CVPR 2016. doi:10.1109/CVPR.2016.90

    Examples
    --------
    >>> import torch
    >>> ResidualBlock(8, 16, kernels=(3, 3), stride=2)(torch.zeros(1, 8, 10)).shape
    torch.Size([1, 16, 5])
    """

    def __init__(
        self, n_in: int, n_out: int, *, kernels: tuple[int, int] = (3, 3), stride: int = 1
    ) -> None:
        super().__init__()
        self.path = nn.Sequential(
            convolution(n_in, n_out, kernels[0], stride=stride),
            nn.BatchNorm1d(n_out),
            nn.ReLU(),
            convolution(n_out, n_out, kernels[1]),
            nn.BatchNorm1d(n_out),
        )
        self.around = _around(n_in, n_out, stride)
        self.activation = nn.ReLU()

    def forward(self, x: Float[Tensor, "batch dim sample"]) -> Float[Tensor, "batch dim_out token"]:
        """Return the sum of what went through and what went around."""
        return self.activation(self.path(x) + self.around(x))


class BottleneckBlock(nn.Module):
    """Three convolutions, of which only the narrow middle one looks at neighbours.

    Parameters
    ----------
    n_in, n_out
        Channels before and after.
    narrow
        Channels in the middle.
    kernel
        Samples of the middle kernel; odd.
    stride
        Of the middle convolution.

    References
    ----------
    He K, Zhang X, Ren S, Sun J. CVPR 2016, figure 5. doi:10.1109/CVPR.2016.90

    Examples
    --------
    >>> import torch
    >>> BottleneckBlock(8, 16, narrow=4, stride=2)(torch.zeros(1, 8, 10)).shape
    torch.Size([1, 16, 5])
    """

    def __init__(
        self, n_in: int, n_out: int, *, narrow: int, kernel: int = 3, stride: int = 1
    ) -> None:
        super().__init__()
        self.path = nn.Sequential(
            convolution(n_in, narrow, 1),
            nn.BatchNorm1d(narrow),
            nn.ReLU(),
            convolution(narrow, narrow, kernel, stride=stride),
            nn.BatchNorm1d(narrow),
            nn.ReLU(),
            convolution(narrow, n_out, 1),
            nn.BatchNorm1d(n_out),
        )
        self.around = _around(n_in, n_out, stride)
        self.activation = nn.ReLU()

    def forward(self, x: Float[Tensor, "batch dim sample"]) -> Float[Tensor, "batch dim_out token"]:
        """Return the sum of what went through and what went around."""
        return self.activation(self.path(x) + self.around(x))


def _around(n_in: int, n_out: int, stride: int) -> nn.Module:
    if stride == 1 and n_in == n_out:
        return nn.Identity()
    return nn.Sequential(convolution(n_in, n_out, 1, stride=stride), nn.BatchNorm1d(n_out))
