# SPDX-License-Identifier: Apache-2.0
"""Pieces of the signal as tokens: all leads together, or each lead by itself."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn


class AllLeadPatches(nn.Module):
    """Turn every ``patch`` samples of all leads into one token.

    Parameters
    ----------
    n_leads
        Leads.
    patch
        Samples of a patch; what is left at the end of the signal is not used.
    dim
        Length of a token.
    bias
        Whether the linear map has a bias.

    Examples
    --------
    >>> import torch
    >>> AllLeadPatches(12, 25, 64)(torch.zeros(2, 12, 1000)).shape
    torch.Size([2, 40, 64])
    """

    def __init__(self, n_leads: int, patch: int, dim: int, *, bias: bool = True) -> None:
        super().__init__()
        self.project = nn.Conv1d(n_leads, dim, patch, stride=patch, bias=bias)

    def forward(self, x: Float[Tensor, "batch lead sample"]) -> Float[Tensor, "batch token dim"]:
        """Return the tokens in the order of time."""
        return self.project(x).transpose(1, 2)


class PerLeadPatches(nn.Module):
    """Turn every ``patch`` samples of each lead into one token, with one map for all leads.

    Parameters
    ----------
    patch
        Samples of a patch; what is left at the end of the signal is not used.
    dim
        Length of a token.
    bias
        Whether the linear map has a bias.

    Examples
    --------
    >>> import torch
    >>> PerLeadPatches(50, 64)(torch.zeros(2, 12, 1000)).shape
    torch.Size([2, 12, 20, 64])
    """

    def __init__(self, patch: int, dim: int, *, bias: bool = True) -> None:
        super().__init__()
        self.patch = patch
        self.project = nn.Linear(patch, dim, bias=bias)

    def forward(
        self, x: Float[Tensor, "batch lead sample"]
    ) -> Float[Tensor, "batch lead patch dim"]:
        """Return the tokens of each lead in the order of time."""
        n_leads, n_samples = int(x.shape[1]), int(x.shape[2])
        n_patches = n_samples // self.patch
        whole = x[:, :, : n_patches * self.patch]
        return self.project(whole.reshape(-1, n_leads, n_patches, self.patch))
