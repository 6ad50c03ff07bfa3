# SPDX-License-Identifier: Apache-2.0
"""Net1D: the network of ECGFounder and CLEF, in their three sizes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from precordia.models.key_prefix import with_our_beginning
from precordia.models.options import check_one_of, check_positive, check_share
from precordia.models.signal_shape import SignalShape
from precordia.models.stem_and_blocks import StemAndBlocks
from precordia.nn.convolution import SameConvolution
from precordia.nn.squeeze_excitation import SqueezeExcitation


class _Size(NamedTuple):
    first: int
    widths: tuple[int, ...]
    blocks: tuple[int, ...]
    group: int
    ratio: float


_SIZES = {
    "small": _Size(32, (32, 64, 64, 128, 128, 256), (1, 1, 2, 2, 2, 2), 8, 0.5),
    "medium": _Size(64, (64, 160, 160, 400, 400, 1024, 1024), (2, 2, 2, 3, 3, 4, 4), 16, 1.0),
    "large": _Size(
        *(128, (128, 256, 256, 512, 512, 1024, 1024, 2048, 2048), (2, 3, 3, 4, 4, 5, 5, 6, 6)),
        *(32, 1.5),
    ),
}


class Net1d(StemAndBlocks):
    """Grouped convolutions with squeeze and excitation, each stage halving the length.

    Parameters
    ----------
    shape, n_outputs
        As in `Encoder`.
    size
        ``"medium"`` is ECGFounder's, all three are CLEF's.
    kernel
        Samples of the kernels.
    norm
        Whether there is batch normalisation. Published weights have none that acts.
    dropout
        Share of channels hidden before each convolution of a block while training.

    Notes
    -----
    Written from the papers and the layout of the weights; outputs agree with the authors' code.
    As there, the way around a block is the larger of two samples where the length is halved, zeros
    stand for channels that the input lacks, and the first block begins with its convolution.

    References
    ----------
    Hong S, et al. Holmes. KDD 2020. doi:10.1145/3394486.3403212. Li J, et al. ECGFounder. NEJM AI
    2025. arXiv:2410.04133

    Examples
    --------
    >>> import torch
    >>> shape = SignalShape(n_leads=1, n_samples=5000, fs=500)
    >>> Net1d(shape, 0, size="small").encode(torch.zeros(2, 1, 5000)).shape
    torch.Size([2, 256])
    """

    smallest: ClassVar[int] = 2
    #: the gates of every block see all of the window
    sees_whole_window: ClassVar[bool] = True

    def __init__(
        self,
        shape: SignalShape,
        n_outputs: int,
        *,
        size: str = "medium",
        kernel: int = 16,
        norm: bool = True,
        dropout: float = 0.0,
    ) -> None:
        check_one_of("size", size, tuple(_SIZES))
        check_positive("kernel", kernel)
        check_share("dropout", dropout)
        plan = _SIZES[size]
        super().__init__(shape, n_outputs, dim=plan.widths[-1])
        first = SameConvolution(shape.n_leads, plan.first, kernel, stride=2)
        self.stem = nn.Sequential(first, _norm(norm, plan.first), nn.SiLU())
        self.blocks = nn.ModuleList()
        n_in = plan.first
        for stage, (width, n_blocks) in enumerate(zip(plan.widths, plan.blocks, strict=True)):
            layers = []
            for block in range(n_blocks):
                layers.append(
                    Net1dBlock(
                        n_in,
                        width,
                        middle=int(width * plan.ratio),
                        kernel=kernel,
                        groups=width // plan.group,
                        halves=not block,
                        bare=not (stage or block),
                        norm=norm,
                        dropout=dropout,
                    )
                )
                n_in = width
            self.blocks.append(nn.Sequential(*layers))

    def rename_weights(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename weights of ECGFounder and CLEF.

        Their batch normalisations, which act nowhere, are left out unless this model has some, and
        so is that of the very first block, which the authors' code never applies.
        """
        kept = {}
        for key, value in state.items():
            key = key.removeprefix("module.").removeprefix("backbone.")
            idle = re.search(r"(first_bn|\.bn[123])\.", key) and not self.options["norm"]
            if not idle and not key.startswith("stage_list.0.block_list.0.bn1."):
                kept[_renamed(key)] = value
        return kept


class Net1dBlock(nn.Module):
    """Narrow, grouped and wide convolution, each after norm and activation, with a gate.

    Examples
    --------
    >>> import torch
    >>> block = Net1dBlock(
    ...     8, 16, middle=16, kernel=16, groups=2, halves=True, bare=False, norm=True, dropout=0.0
    ... )
    >>> block(torch.zeros(1, 8, 9)).shape
    torch.Size([1, 16, 5])
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        *,
        middle: int,
        kernel: int,
        groups: int,
        halves: bool,
        bare: bool,
        norm: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        self.more = n_out - n_in
        self.halves = halves
        stride = 2 if halves else 1
        before: list[nn.Module] = [] if bare else _before(n_in, norm, dropout)
        self.path = nn.Sequential(
            nn.Sequential(*before),
            SameConvolution(n_in, middle, 1),
            nn.Sequential(*_before(middle, norm, dropout)),
            SameConvolution(middle, middle, kernel, stride=stride, groups=groups),
            nn.Sequential(*_before(middle, norm, dropout)),
            SameConvolution(middle, n_out, 1),
            SqueezeExcitation(n_out, reduction=2, activation=nn.SiLU),
        )

    def forward(self, x: Float[Tensor, "batch dim sample"]) -> Float[Tensor, "batch dim_out token"]:
        """Return the sum of what went through and what went around."""
        around = x
        if self.halves:
            # One zero behind, so that an odd number of samples is not cut.
            around = functional.max_pool1d(functional.pad(around, (0, 1)), 2)
        if self.more:
            before = self.more // 2
            around = functional.pad(around, (0, 0, before, self.more - before))
        return self.path(x) + around


def _norm(there: bool, n_channels: int) -> nn.Module:
    return nn.BatchNorm1d(n_channels) if there else nn.Identity()


def _before(n_channels: int, norm: bool, dropout: float) -> list[nn.Module]:
    return [_norm(norm, n_channels), nn.SiLU(), nn.Dropout(dropout)]


_IN_BLOCK = {
    **{f"bn{n}": f"path.{2 * n - 2}.0" for n in (1, 2, 3)},
    **{f"conv{n}.conv": f"path.{2 * n - 1}" for n in (1, 2, 3)},
    "se_fc1": "path.6.squeeze",
    "se_fc2": "path.6.excite",
}
_PARTS = {"first_conv.conv.": "stem.0.", "first_bn.": "stem.1.", "dense.": "head."}


def _renamed(key: str) -> str:
    block = r"stage_list\.(\d+)\.block_list\.(\d+)\.(bn\d|conv\d\.conv|se_fc\d)\.(\w+)"
    if match := re.fullmatch(block, key):
        return f"blocks.{match[1]}.{match[2]}.{_IN_BLOCK[match[3]]}.{match[4]}"
    return with_our_beginning(key, _PARTS)
