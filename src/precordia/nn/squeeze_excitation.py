# SPDX-License-Identifier: Apache-2.0
"""Squeeze and excitation: each channel is scaled by what all channels hold on average."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn


class SqueezeExcitation(nn.Module):
    """Scale channels by a gate that two linear layers make of their means over time.

    Parameters
    ----------
    n_channels
        Channels.
    reduction
        By how much the layer between is narrower.
    activation
        Between the two layers.

    References
    ----------
    Hu J, Shen L, Sun G. CVPR 2018. doi:10.1109/CVPR.2018.00745

    Examples
    --------
    >>> import torch
    >>> SqueezeExcitation(8)(torch.ones(1, 8, 5)).shape
    torch.Size([1, 8, 5])
    """

    def __init__(
        self, n_channels: int, *, reduction: int = 2, activation: type[nn.Module] = nn.ReLU
    ) -> None:
        super().__init__()
        narrow = max(1, n_channels // reduction)
        self.squeeze = nn.Linear(n_channels, narrow)
        self.activation = activation()
        self.excite = nn.Linear(narrow, n_channels)

    def forward(self, x: Float[Tensor, "batch dim sample"]) -> Float[Tensor, "batch dim sample"]:
        """Return the scaled channels."""
        gate = self.excite(self.activation(self.squeeze(x.mean(dim=-1)))).sigmoid()
        return x * gate[:, :, None]
