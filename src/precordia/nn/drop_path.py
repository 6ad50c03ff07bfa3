# SPDX-License-Identifier: Apache-2.0
"""Stochastic depth: whole blocks are passed over at random while training."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class DropPath(nn.Module):
    """Set what a block adds to zero for a random share of the batch, and scale up the rest.

    Parameters
    ----------
    share
        Probability that a record's path is dropped.

    References
    ----------
    Huang G, et al. ECCV 2016. arXiv:1603.09382

    Examples
    --------
    >>> DropPath(0.5).eval()(torch.ones(2, 3))
    tensor([[1., 1., 1.],
            [1., 1., 1.]])
    """

    def __init__(self, share: float = 0.0) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        """Return the input with some rows of the batch set to zero."""
        if not self.training or self.share == 0.0:
            return x
        kept = torch.rand(x.shape[0], *[1] * (x.ndim - 1), device=x.device) >= self.share
        return x * kept.to(x.dtype) / (1.0 - self.share)
