# SPDX-License-Identifier: Apache-2.0
"""The residual network, in one dimension."""

from __future__ import annotations

from torch import nn

from precordia.models.options import check_odd, check_one_of, check_share
from precordia.models.signal_shape import SignalShape
from precordia.models.stem_and_blocks import StemAndBlocks
from precordia.nn.convolution import convolution
from precordia.nn.residual import BottleneckBlock, ResidualBlock

#: blocks of each stage
_BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}


class ResNet1d(StemAndBlocks):
    """Residual network of 18, 34 or 50 layers over time.

    Parameters
    ----------
    shape, n_outputs
        As in `Encoder`.
    size
        Number of layers: 18, 34 or 50.
    width
        Channels of the first stage; each further stage has twice as many.
    kernel
        Samples of the kernels within blocks; odd.
    dropout
        Share of the embedding that is hidden before the head while training.

    Notes
    -----
    The network of He et al. with convolutions over time: stem of 7 samples and stride 2, maximum
    of 3 with stride 2, four stages of which all but the first halve the length, mean over time.

    References
    ----------
    He K, Zhang X, Ren S, Sun J. CVPR 2016. doi:10.1109/CVPR.2016.90

    Examples
    --------
    >>> import torch
    >>> shape = SignalShape(n_leads=12, n_samples=1000, fs=100)
    >>> model = ResNet1d(shape, 5, width=8).eval()
    >>> model(torch.zeros(2, 12, 1000)).shape, model.tokens(torch.zeros(2, 12, 1000)).shape
    (torch.Size([2, 5]), torch.Size([2, 32, 64]))
    """

    def __init__(
        self,
        shape: SignalShape,
        n_outputs: int,
        *,
        size: int = 18,
        width: int = 64,
        kernel: int = 3,
        dropout: float = 0.0,
    ) -> None:
        check_one_of("size", size, tuple(_BLOCKS))
        check_odd("kernel", kernel)
        check_share("dropout", dropout)
        growth = 4 if size == 50 else 1
        super().__init__(shape, n_outputs, dim=8 * width * growth)
        self.stem = nn.Sequential(
            convolution(shape.n_leads, width, 7, stride=2),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.MaxPool1d(3, stride=2, padding=1),
        )
        self.blocks = nn.ModuleList()
        n_in = width
        for stage, n_blocks in enumerate(_BLOCKS[size]):
            narrow, layers = width * 2**stage, []
            for block in range(n_blocks):
                stride = 2 if stage and not block else 1
                if size == 50:
                    layers.append(
                        BottleneckBlock(
                            n_in, narrow * growth, narrow=narrow, kernel=kernel, stride=stride
                        )
                    )
                else:
                    layers.append(
                        ResidualBlock(n_in, narrow, kernels=(kernel, kernel), stride=stride)
                    )
                n_in = narrow * growth
            self.blocks.append(nn.Sequential(*layers))
        self.neck = nn.Dropout(dropout)
