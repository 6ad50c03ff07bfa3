# SPDX-License-Identifier: Apache-2.0
"""The xresnet of the PTB-XL benchmark, 101 layers, and the family that it belongs to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from precordia.models.options import check_odd, check_positive
from precordia.models.ptbxl_network import PtbxlNetwork, renamed_end
from precordia.models.signal_shape import SignalShape
from precordia.models.stem_and_blocks import StemAndBlocks
from precordia.nn.convolution import ConvNorm

_GROWTH = 4


class XResNet1d101(StemAndBlocks, PtbxlNetwork):
    """Residual network with a deep stem and average pooling around its halvings.

    Parameters
    ----------
    shape, n_outputs
        As in `Encoder`.
    width
        Channels in the middle of every block; blocks give four times as many.
    kernel
        Samples of the kernels of stem and blocks; odd.
    hidden
        Length of the hidden layer before the last.
    dropout
        Share hidden before the last layer while training, and half of it before the hidden one.

    Notes
    -----
    Xresnet1d101 of the benchmark on PTB-XL with its settings (kernels of 5, all stages of width
    64, maximum and mean over time, hidden layer of 128, dropout 0.25 and 0.5), written from the
    paper and the layout of the weights; outputs agree with the authors' code to 1e-5. The
    embedding is maximum and mean over time; what the hidden layer gives is the neck.

    References
    ----------
    Strodthoff N, Wagner P, Schaeffter T, Samek W. IEEE J Biomed Health Inform 2021;25:1519-1528.
    doi:10.1109/JBHI.2020.3022989. He T, et al. CVPR 2019. arXiv:1812.01187

    Examples
    --------
    >>> import torch
    >>> shape = SignalShape(n_leads=12, n_samples=250, fs=100)
    >>> XResNet1d101(shape, 71, width=4).eval()(torch.zeros(2, 12, 250)).shape
    torch.Size([2, 71])
    """

    blocks_of_stages: ClassVar[tuple[int, ...]] = (3, 4, 23, 3)
    #: the last stage halves what is left once more
    smallest: ClassVar[int] = 8

    def __init__(
        self,
        shape: SignalShape,
        n_outputs: int,
        *,
        width: int = 64,
        kernel: int = 5,
        hidden: int = 128,
        dropout: float = 0.5,
    ) -> None:
        check_positive("width", width)
        check_odd("kernel", kernel)
        wide = width * _GROWTH
        super().__init__(shape, n_outputs, width=wide, hidden=hidden, dropout=dropout)
        first = max(1, width // 2)
        self.stem = nn.Sequential(
            ConvNorm(shape.n_leads, first, kernel, stride=2),
            ConvNorm(first, first, kernel),
            ConvNorm(first, width, kernel),
            nn.MaxPool1d(3, stride=2, padding=1),
        )
        self.blocks = nn.ModuleList()
        for stage, n_blocks in enumerate(self.blocks_of_stages):
            self.blocks.append(
                nn.Sequential(
                    *(
                        XResBlock(
                            wide if stage or block else width,
                            width,
                            kernel=kernel,
                            stride=2 if stage and not block else 1,
                        )
                        for block in range(n_blocks)
                    )
                )
            )
        self.end_with(hidden, dropout)
        _start(self)

    def published_outputs(
        self, x: Float[Tensor, "batch lead sample"], present: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Return the scores, and the time steps of the last stage as the authors lay them out."""
        tokens = self.tokens(x, present)
        scores = self.head(self.neck(self.pool(tokens, None)))
        return {"logits": scores, "features": tokens.transpose(1, 2)}

    @classmethod
    def rename_weights(cls, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename weights of the authors' code; each block's second copy is left out.

        Keys that are not of that code are kept as they are, to be refused by whoever loads them.
        """
        return {_renamed(k): v for k, v in state.items() if ".convpath." not in k}


class XResBlock(nn.Module):
    """Three convolutions of which the middle one strides; a mean of two samples leads around.

    The last normalisation begins at zero, so that the block begins as what leads around it.

    Examples
    --------
    >>> import torch
    >>> XResBlock(16, 4, stride=2)(torch.zeros(1, 16, 9)).shape
    torch.Size([1, 16, 5])
    """

    def __init__(self, n_in: int, narrow: int, *, kernel: int = 5, stride: int = 1) -> None:
        super().__init__()
        wide = narrow * _GROWTH
        self.path = nn.Sequential(
            ConvNorm(n_in, narrow, 1),
            ConvNorm(narrow, narrow, kernel, stride=stride),
            ConvNorm(narrow, wide, 1, rectify=False),
        )
        nn.init.zeros_(self.path[-1][1].weight)
        around: list[nn.Module] = [] if stride == 1 else [nn.AvgPool1d(2, ceil_mode=True)]
        if n_in != wide:
            around.append(ConvNorm(n_in, wide, 1, rectify=False))
        self.around = nn.Sequential(*around)
        self.activation = nn.ReLU()

    def forward(self, x: Float[Tensor, "batch dim sample"]) -> Float[Tensor, "batch dim_out token"]:
        """Return the sum of what went through and what went around."""
        return self.activation(self.path(x) + self.around(x))


def _start(model: nn.Module) -> None:
    """Draw weights of convolutions and linear layers as the authors do (He's normal)."""
    for layer in model.modules():
        if isinstance(layer, (nn.Conv1d, nn.Linear)):
            nn.init.kaiming_normal_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def _renamed(key: str) -> str:
    if match := re.fullmatch(r"([012])\.([01])\.(\w+)", key):
        return f"stem.{match[1]}.{match[2]}.{match[3]}"
    if match := re.fullmatch(r"([4-7])\.(\d+)\.(convs|idpath)\.(\d\.\d\.\w+)", key):
        way = {"convs": "path", "idpath": "around"}[match[3]]
        return f"blocks.{int(match[1]) - 4}.{match[2]}.{way}.{match[4]}"
    return renamed_end(key, 8)
