# SPDX-License-Identifier: Apache-2.0
"""Residual blocks of dilated convolutions, whose view doubles from block to block."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


class DilatedBlock(nn.Module):
    """Two dilated convolutions, each behind a GELU, around which the input is led.

    Parameters
    ----------
    n_in, n_out
        Channels before and after.
    dilation
        Samples between neighbours of the kernel.
    kernel
        Samples of the kernel; odd.
    map_around
        Whether the way around is a map; it is where the channels change.

    References
    ----------
    Yue Z, et al. TS2Vec. AAAI 2022. arXiv:2106.10466

    Examples
    --------
    >>> import torch
    >>> DilatedBlock(4, 8, dilation=16)(torch.zeros(2, 4, 100)).shape
    torch.Size([2, 8, 100])
    """

    def __init__(
        self, n_in: int, n_out: int, *, dilation: int, kernel: int = 3, map_around: bool = False
    ) -> None:
        super().__init__()
        padding = dilation * (kernel - 1) // 2
        self.path = nn.ModuleList(
            nn.Conv1d(before, n_out, kernel, padding=padding, dilation=dilation)
            for before in (n_in, n_out)
        )
        mapped = map_around or n_in != n_out
        self.around: nn.Module = nn.Conv1d(n_in, n_out, 1) if mapped else nn.Identity()

    def forward(
        self, x: Float[Tensor, "batch dim sample"]
    ) -> Float[Tensor, "batch dim_out sample"]:
        """Return the sum of what went through and what went around."""
        around = self.around(x)
        for convolution in self.path:
            x = convolution(functional.gelu(x))
        return x + around
