# SPDX-License-Identifier: Apache-2.0
"""An encoder for any leads: one to all of them, told by name, absent ones left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from precordia.core.errors import SignalError
from precordia.models.encoder import Encoder
from precordia.models.known_leads import KNOWN_LEADS, rows_of
from precordia.models.options import check_odd, check_one_of, check_share
from precordia.models.signal_shape import SignalShape
from precordia.nn.convolution import ConvNorm
from precordia.nn.lead_merging import LeadMerging
from precordia.nn.pooling import AttentionPool, masked_mean
from precordia.nn.positions import LeadEmbedding
from precordia.nn.residual import ResidualBlock
from precordia.nn.squeeze_excitation import SqueezeExcitation

#: channels of the stem, channels and blocks of the trunk
_SIZES: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "small": ((16, 24, 32), (96, 128)),
    "medium": ((16, 32, 48), (128, 192)),
    "large": ((32, 64, 64), (192, 256, 384)),
}
_NAME_DIM, _HEADS = 16, 8


class LeadAgnostic(Encoder):
    """One small network for every lead, a weighted average over leads, a network for the result.

    Parameters
    ----------
    shape, n_outputs
        As in `Encoder`; the leads must have names.
    size
        ``"small"``, ``"medium"`` or ``"large"``.
    kernel
        Samples of the kernels of the trunk; odd.
    dropout
        Share of the embedding hidden before the head while training.

    Notes
    -----
    Our own. The stem (three convolutions that together keep every eighth sample) is the same for
    all leads and goes through those that are there alone; `precordia.nn.lead_merging` merges them;
    residual blocks follow, each ending in a gate over channels. The embedding is the mean over time
    beside an average with learned weights. Weights fit any set of leads, so that a model trained on
    twelve leads, some of them hidden, is loaded for one with
    ``from_pretrained(folder, leads=("I",))``. The result depends neither on the order of leads nor
    on what stands in absent rows. The vector of a lead that training never saw is random.

    Examples
    --------
    >>> from precordia.core.leads import STANDARD_12
    >>> shape = SignalShape(n_leads=12, n_samples=1000, fs=100, leads=STANDARD_12)
    >>> model = LeadAgnostic(shape, 5, size="small").eval()
    >>> present = torch.zeros(2, 12, dtype=torch.bool)
    >>> present[:, :2] = True
    >>> model(torch.zeros(2, 12, 1000), present).shape
    torch.Size([2, 5])
    """

    smallest: ClassVar[int] = 16
    leaves_out_absent: ClassVar[bool] = True
    #: gates and weights of leads see all of the window
    sees_whole_window: ClassVar[bool] = True

    def __init__(
        self,
        shape: SignalShape,
        n_outputs: int,
        *,
        size: str = "medium",
        kernel: int = 5,
        dropout: float = 0.2,
    ) -> None:
        check_one_of("size", size, tuple(_SIZES))
        check_odd("kernel", kernel)
        check_share("dropout", dropout)
        stem, trunk = _SIZES[size]
        wide = trunk[-1]
        super().__init__(shape, n_outputs, dim=2 * wide, token_dim=wide)
        self.stem = nn.Sequential(
            ConvNorm(1, stem[0], 13, stride=4),
            ConvNorm(stem[0], stem[1], 5, stride=2),
            ConvNorm(stem[1], stem[2], 3),
        )
        self.names = LeadEmbedding(len(KNOWN_LEADS), rows_of(shape, "lead-agnostic"), _NAME_DIM)
        nn.init.normal_(self.names.table, std=0.5)
        self.merging = LeadMerging(stem[2], trunk[0], heads=_HEADS, name_dim=_NAME_DIM)
        self.norm = nn.Sequential(nn.BatchNorm1d(trunk[0]), nn.ReLU())
        self.blocks = nn.ModuleList()
        n_in = trunk[0]
        for stage, n_out in enumerate(trunk):
            stride = 2 if stage else 1
            self.blocks.append(
                nn.Sequential(
                    ResidualBlock(n_in, n_out, kernels=(kernel, kernel), stride=stride),
                    SqueezeExcitation(n_out, reduction=8),
                    ResidualBlock(n_out, n_out, kernels=(kernel, kernel)),
                    SqueezeExcitation(n_out, reduction=8),
                )
            )
            n_in = n_out
        self.pooling = AttentionPool(wide, heads=4)
        self.neck = nn.Dropout(dropout)

    def features(
        self, x: Float[Tensor, "batch lead sample"], present: Float[Tensor, "batch lead"] | None
    ) -> Float[Tensor, "batch token dim"]:
        """Return the time steps of the last block."""
        x = self.norm(self.merging(self._each_lead(x, present), self.names(), present))
        for block in self.blocks:
            x = block(x)
        return x.transpose(1, 2)

    def pool(
        self, tokens: Float[Tensor, "batch token dim"], present: Float[Tensor, "batch lead"] | None
    ) -> Float[Tensor, "batch dim_twice"]:
        """Return the mean over time beside the average with learned weights."""
        return torch.cat([masked_mean(tokens), self.pooling(tokens)], dim=1)

    def stages(self) -> list[nn.Module]:
        """Return stem, merging and blocks."""
        return [self.stem, nn.ModuleList([self.names, self.merging, self.norm]), *self.blocks]

    def _each_lead(self, x: Tensor, present: Tensor | None) -> Tensor:
        """Send leads through the stem: those that are there, so that others spoil no statistics."""
        n_leads, n_samples = int(x.shape[1]), int(x.shape[2])
        rows = x.reshape(-1, 1, n_samples)
        fixed = torch.jit.is_tracing() or torch.compiler.is_compiling()
        if present is None or fixed or bool((present > 0).all()):
            seen = self.stem(rows)
            return seen.reshape(-1, n_leads, *(int(n) for n in seen.shape[1:]))
        there = (present > 0).flatten()
        if not bool((present > 0).any(dim=1).all()):
            raise SignalError(
                f"{self.name or 'lead-agnostic'} got a window of which no lead is present; at "
                "least one is needed. Leave such windows out."
            )
        some = self.stem(rows[there])
        seen = some.new_zeros(len(rows), *some.shape[1:])
        seen[there] = some
        return seen.reshape(-1, n_leads, *some.shape[1:])
