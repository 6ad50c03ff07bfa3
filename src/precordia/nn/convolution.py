# SPDX-License-Identifier: Apache-2.0
"""Convolutions over time that keep the length, divided by their stride."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


def convolution(
    n_in: int, n_out: int, kernel: int, *, stride: int = 1, groups: int = 1
) -> nn.Conv1d:
    """Make a convolution without bias whose odd kernel stands in the middle.

    Examples
    --------
    >>> convolution(12, 64, 7, stride=2).padding
    (3,)
    """
    return nn.Conv1d(
        n_in, n_out, kernel, stride=stride, padding=(kernel - 1) // 2, groups=groups, bias=False
    )


class ConvNorm(nn.Sequential):
    """A convolution, batch normalisation, and a rectifier unless ``rectify`` is False.

    Parameters
    ----------
    n_in, n_out
        Channels before and after.
    kernel
        Samples of the kernel; odd.
    stride, groups
        Of the convolution.
    rectify
        Whether a rectifier follows.

    Examples
    --------
    >>> import torch
    >>> ConvNorm(2, 4, 5, stride=2)(torch.zeros(1, 2, 9)).shape
    torch.Size([1, 4, 5])
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        kernel: int,
        *,
        stride: int = 1,
        groups: int = 1,
        rectify: bool = True,
    ) -> None:
        layers = [
            convolution(n_in, n_out, kernel, stride=stride, groups=groups),
            nn.BatchNorm1d(n_out),
        ]
        super().__init__(*layers, *([nn.ReLU()] if rectify else []))


class SameConvolution(nn.Conv1d):
    """A convolution with bias that gives ``ceil(n / stride)`` samples, for kernels of any length.

    As many zeros stand before the signal as behind it, or one less: as in TensorFlow's "same".

    Examples
    --------
    >>> import torch
    >>> SameConvolution(1, 1, 16, stride=2)(torch.zeros(1, 1, 999)).shape
    torch.Size([1, 1, 500])
    """

    def __init__(
        self, n_in: int, n_out: int, kernel: int, *, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__(n_in, n_out, kernel, stride=stride, groups=groups)

    def forward(self, x: Float[Tensor, "batch dim sample"]) -> Float[Tensor, "batch dim_out token"]:
        """Pad and convolve."""
        n, stride, kernel = int(x.shape[-1]), self.stride[0], self.kernel_size[0]
        padding = max(0, ((n + stride - 1) // stride - 1) * stride + kernel - n)
        if padding:
            x = functional.pad(x, (padding // 2, padding - padding // 2))
        return super().forward(x)
