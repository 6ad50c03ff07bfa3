# SPDX-License-Identifier: Apache-2.0
"""Inverted bottlenecks over time: widened, each channel convolved by itself, narrowed again."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn


class InvertedBottleneck(nn.Module):
    """Widen, convolve each channel by itself, narrow.

    Parameters
    ----------
    n_in, n_out
        Channels before and after.
    expansion
        How many times wider the middle is.
    stride
        Of the middle convolution. The input is led around where it is 1, and only there.
    dropout
        Share of numbers hidden while training, where the input is led around.

    References
    ----------
    Sandler M, et al. MobileNetV2. CVPR 2018. arXiv:1801.04381

    Examples
    --------
    >>> import torch
    >>> InvertedBottleneck(4, 6, stride=2)(torch.zeros(2, 4, 9)).shape
    torch.Size([2, 6, 5])
    """

    def __init__(
        self, n_in: int, n_out: int, *, expansion: int = 6, stride: int = 1, dropout: float = 0.0
    ) -> None:
        super().__init__()
        wide = n_in * expansion
        self.led_around = stride == 1 and n_in == n_out
        self.path = nn.Sequential(
            nn.Conv1d(n_in, wide, 1),
            nn.BatchNorm1d(wide),
            nn.ReLU6(),
            nn.Conv1d(wide, wide, 3, stride=stride, padding=1, groups=wide),
            nn.BatchNorm1d(wide),
            nn.ReLU6(),
            nn.Conv1d(wide, n_out, 1),
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Float[Tensor, "batch dim sample"]) -> Float[Tensor, "batch dim_out token"]:
        """Return the narrowed channels, with the input added where the length is kept."""
        return x + self.dropout(self.path(x)) if self.led_around else self.path(x)
