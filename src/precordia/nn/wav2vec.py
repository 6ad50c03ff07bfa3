# SPDX-License-Identifier: Apache-2.0
"""The network of wav2vec 2.0: strided convolutions, then a transformer over their time steps."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from precordia.nn.transformer import TransformerBlock, start_small

#: groups of channels in which the places are made
POSITION_GROUPS = 16


class Wav2Vec(nn.Module):
    """Convolutions that make frames of a signal, and a transformer that lets frames see all others.

    Parameters
    ----------
    n_in
        Rows of the signal.
    kernels, strides
        Samples of each convolution, and how far it moves.
    width
        Channels of the convolutions.
    dim, depth, heads
        Length of a token, number of blocks, heads of each.
    dropout
        Share of numbers hidden while training.
    position_kernel
        Tokens that the convolution of places spans.

    Notes
    -----
    Baevski et al. 2020: convolutions without bias and with GELU, the first one normalised over time
    for each channel by itself; normalisation over channels and a linear map; places as a grouped
    convolution of the tokens that is added to them; a normalisation and transformer blocks with the
    normalisation behind each sum. Masking, quantiser and their losses belong to pretraining and are
    not here.

    References
    ----------
    Baevski A, Zhou H, Mohamed A, Auli M. wav2vec 2.0. NeurIPS 2020. arXiv:2006.11477

    Examples
    --------
    >>> net = Wav2Vec(12, kernels=(2, 2), strides=(2, 2), width=8, dim=16, depth=1, heads=2)
    >>> net(torch.zeros(3, 12, 100)).shape
    torch.Size([3, 25, 16])
    """

    def __init__(
        self,
        n_in: int,
        *,
        kernels: Sequence[int],
        strides: Sequence[int],
        width: int,
        dim: int,
        depth: int,
        heads: int,
        dropout: float = 0.1,
        position_kernel: int = 128,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for kernel, stride in zip(kernels, strides, strict=True):
            convolution = nn.Conv1d(n_in, width, kernel, stride=stride, bias=False)
            nn.init.kaiming_normal_(convolution.weight)
            norms = [] if layers else [nn.GroupNorm(width, width)]
            layers.append(nn.Sequential(convolution, *norms, nn.GELU()))
            n_in = width
        self.convolutions = nn.Sequential(*layers)
        self.norm_frames = nn.LayerNorm(width)
        self.project = nn.Linear(width, dim)
        self.positions = PositionalConvolution(dim, position_kernel, groups=POSITION_GROUPS)
        self.norm = nn.LayerNorm(dim)
        self.blocks = nn.ModuleList(
            TransformerBlock(dim, heads=heads, epsilon=1e-5, dropout=dropout, norm_first=False)
            for _ in range(depth)
        )
        start_small([self.project, *self.blocks.modules()])
        self.dropout = nn.Dropout(dropout)

    def local(self, x: Float[Tensor, "batch lead sample"]) -> Float[Tensor, "batch frame width"]:
        """Return what the convolutions make of each short stretch of the signal."""
        return self.convolutions(x).transpose(1, 2)

    def frames(self, x: Float[Tensor, "batch lead sample"]) -> Float[Tensor, "batch token dim"]:
        """Return the stretches as tokens that have not seen one another."""
        return self.project(self.norm_frames(self.local(x)))

    def context(
        self, frames: Float[Tensor, "batch token dim"], allowed: Tensor | None = None
    ) -> Float[Tensor, "batch token dim"]:
        """Add places to frames and let them see one another.

        Parameters
        ----------
        frames
            Tokens in the order of time, some of them replaced where they are masked.
        allowed
            Which may be looked at, as in `precordia.nn.attention.Attention`.
        """
        tokens = self.dropout(self.norm(frames + self.positions(frames)))
        for block in self.blocks:
            tokens = block(tokens, allowed)
        return tokens

    def forward(self, x: Float[Tensor, "batch lead sample"]) -> Float[Tensor, "batch token dim"]:
        """Return the tokens after the last block."""
        return self.context(self.frames(x))

    def stages(self) -> list[nn.Module]:
        """Return the layers in groups, from the input upwards."""
        below = nn.ModuleList([self.norm_frames, self.project, self.positions, self.norm])
        return [self.convolutions, below, *self.blocks]


class PositionalConvolution(nn.Module):
    """Places of tokens, as a wide grouped convolution over their neighbours.

    Parameters
    ----------
    dim
        Length of a token.
    kernel
        Tokens that it spans.
    groups
        Groups of channels that see one another.

    Notes
    -----
    Each of the kernel's steps has a length of its own and a direction (Salimans & Kingma 2016);
    both are learned. An even kernel gives one token too many, the last, which is left away.

    References
    ----------
    Salimans T, Kingma DP. Weight normalization. NeurIPS 2016. arXiv:1602.07868

    Examples
    --------
    >>> PositionalConvolution(8, 4, groups=2)(torch.zeros(1, 5, 8)).shape
    torch.Size([1, 5, 8])
    """

    def __init__(self, dim: int, kernel: int, *, groups: int) -> None:
        super().__init__()
        if dim % groups:
            raise ValueError(f"{dim} channels do not fall into {groups} equal groups")
        self.groups = groups
        direction = torch.randn(dim, dim // groups, kernel) * math.sqrt(4 / (kernel * dim))
        self.length = nn.Parameter(direction.norm(dim=(0, 1), keepdim=True))
        self.direction = nn.Parameter(direction)
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, tokens: Float[Tensor, "batch token dim"]) -> Float[Tensor, "batch token dim"]:
        """Return what is to be added to each token."""
        long = self.direction.norm(dim=(0, 1), keepdim=True)
        kernel = self.direction * (self.length / long)
        half = int(kernel.shape[-1]) // 2
        seen = functional.conv1d(
            tokens.transpose(1, 2), kernel, self.bias, padding=half, groups=self.groups
        )
        return functional.gelu(seen[..., : int(tokens.shape[1])].transpose(1, 2))
