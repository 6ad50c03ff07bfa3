# SPDX-License-Identifier: Apache-2.0
"""The residual network of Wang et al. as the PTB-XL benchmark uses it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn

from precordia.models.options import check_odd, check_positive
from precordia.models.ptbxl_network import PtbxlNetwork, renamed_end
from precordia.models.signal_shape import SignalShape
from precordia.models.stem_and_blocks import StemAndBlocks
from precordia.nn.convolution import ConvNorm
from precordia.nn.residual import ResidualBlock


class ResNet1dWang(StemAndBlocks, PtbxlNetwork):
    """Three wide residual blocks.

    Parameters
    ----------
    shape, n_outputs
        As in `Encoder`.
    width
        Channels, everywhere.
    hidden
        Length of the hidden layer before the last.
    kernel, second_kernel, stem_kernel
        Samples of the first and second kernel of a block and of the stem; odd.
    dropout
        Share hidden before the last layer while training, and half of it before the hidden one.

    Notes
    -----
    Resnet1d_wang of the benchmark on PTB-XL with its settings: stem of 7 samples without stride,
    one block in each of three stages with kernels of 5 and 3, the second and third halving the
    length; maximum and mean over time, hidden layer of 128. Wang et al. have a stem of 8 samples,
    other widths, and no hidden layer.

    References
    ----------
    Strodthoff N, Wagner P, Schaeffter T, Samek W. IEEE J Biomed Health Inform 2021;25:1519-1528.
    doi:10.1109/JBHI.2020.3022989. Wang Z, Yan W, Oates T. IJCNN 2017. arXiv:1611.06455

    Examples
    --------
    >>> import torch
    >>> shape = SignalShape(n_leads=12, n_samples=250, fs=100)
    >>> ResNet1dWang(shape, 5, width=8).eval()(torch.zeros(2, 12, 250)).shape
    torch.Size([2, 5])
    """

    smallest: ClassVar[int] = 4

    def __init__(
        self,
        shape: SignalShape,
        n_outputs: int,
        *,
        width: int = 128,
        hidden: int = 128,
        kernel: int = 5,
        second_kernel: int = 3,
        stem_kernel: int = 7,
        dropout: float = 0.5,
    ) -> None:
        check_positive("width", width)
        for name, samples in (
            ("kernel", kernel),
            ("second_kernel", second_kernel),
            ("stem_kernel", stem_kernel),
        ):
            check_odd(name, samples)
        super().__init__(shape, n_outputs, width=width, hidden=hidden, dropout=dropout)
        self.stem = ConvNorm(shape.n_leads, width, stem_kernel)
        self.blocks = nn.ModuleList(
            ResidualBlock(width, width, kernels=(kernel, second_kernel), stride=stride)
            for stride in (1, 2, 2)
        )
        self.end_with(hidden, dropout)

    @classmethod
    def rename_weights(cls, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename weights of the authors' code.

        Keys that are not of that code are kept as they are, to be refused by whoever loads them.
        """
        return {_renamed(key): value for key, value in state.items()}


_IN_BLOCK = {"conv1": "path.0", "bn1": "path.1", "conv2": "path.3", "bn2": "path.4"}


def _renamed(key: str) -> str:
    if match := re.fullmatch(r"([01])\.(\w+)", key):
        return f"stem.{match[1]}.{match[2]}"
    if match := re.fullmatch(r"([345])\.0\.(conv1|conv2|bn1|bn2)\.(\w+)", key):
        return f"blocks.{int(match[1]) - 3}.{_IN_BLOCK[match[2]]}.{match[3]}"
    if match := re.fullmatch(r"([345])\.0\.downsample\.([01])\.(\w+)", key):
        return f"blocks.{int(match[1]) - 3}.around.{match[2]}.{match[3]}"
    return renamed_end(key, 6)
