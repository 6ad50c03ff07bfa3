# SPDX-License-Identifier: Apache-2.0
"""Diagonal state-space layers (S4D): a long convolution whose kernel is a sum of decaying waves."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


class DiagonalStateSpace(nn.Module):
    """Convolve each channel with the response of its own diagonal linear system.

    Parameters
    ----------
    dim
        Channels.
    state
        States of each channel; even, as they come in conjugate pairs.
    bidirectional
        Whether a second system runs from the end to the beginning, and the two are summed.
    shortest, longest
        Range of the time steps that the systems begin with, in samples of one.

    Notes
    -----
    S4D of Gu et al. 2022 with ``S4D-Lin`` as the beginning: poles at -1/2 + i pi n, input weights
    of 1, discretised with a zero-order hold, equation 5:
    ``K[l] = 2 Re(sum_n C_n (exp(dt A_n) - 1) / A_n exp(l dt A_n))``. Real parts stay negative as
    they are minus an exponential. The kernel is computed in real numbers (a decay times a cosine
    and a sine) and applied with a real Fourier transform. Where there is none, as in an exported
    graph (``without_fourier``), the signal goes through in blocks: products of matrices within a
    block, and the state of the system from one block to the next.

    References
    ----------
    Gu A, Gupta A, Goel K, Ré C. On the parameterization and initialization of diagonal state
    space models. NeurIPS 2022. arXiv:2206.11893

    Examples
    --------
    >>> DiagonalStateSpace(4, state=8)(torch.zeros(2, 4, 100)).shape
    torch.Size([2, 4, 100])
    """

    def __init__(
        self,
        dim: int,
        *,
        state: int = 8,
        bidirectional: bool = False,
        shortest: float = 0.001,
        longest: float = 0.1,
    ) -> None:
        super().__init__()
        if state < 2 or state % 2:
            raise ValueError(f"{state} states hold no conjugate pairs; an even number is needed")
        pairs, ways = state // 2, 2 if bidirectional else 1
        #: an exported graph knows no Fourier transform
        self.without_fourier = False
        spread = math.log(longest) - math.log(shortest)
        self.log_step = nn.Parameter(torch.rand(dim) * spread + math.log(shortest))
        self.log_decay = nn.Parameter(torch.full((dim, pairs), math.log(0.5)))
        self.frequency = nn.Parameter(math.pi * torch.arange(pairs).repeat(dim, 1).float())
        #: real and imaginary part of the output weights
        self.weight = nn.Parameter(torch.randn(ways, dim, pairs, 2) * math.sqrt(0.5))
        self.skip = nn.Parameter(torch.randn(dim))

    def kernel(self, n_samples: int) -> Float[Tensor, "way dim sample"]:
        """Return the responses to an impulse, for each direction and channel."""
        scale_re, scale_im = self._scales()
        wave_re, wave_im = self._powers(0, n_samples)
        waves = torch.einsum("wdp,dpl->wdl", scale_re, wave_re)
        return 2 * (waves - torch.einsum("wdp,dpl->wdl", scale_im, wave_im))

    def forward(self, x: Float[Tensor, "batch dim sample"]) -> Float[Tensor, "batch dim sample"]:
        """Return the output of the systems, with the input times ``skip`` added."""
        n_samples = int(x.shape[-1])
        if self.without_fourier:
            seen = self._by_blocks(x, 0)
            if len(self.weight) == 2:
                # The way back begins with the sample after: one step later in turned time.
                back = functional.pad(self._by_blocks(x.flip(-1), 1), (1, 0))[..., :n_samples]
                seen = seen + back.flip(-1)
        else:
            seen = _by_fourier(x, self.kernel(n_samples))
        return seen + x * self.skip[:, None]

    def _scales(self) -> tuple[Tensor, Tensor]:
        """Return C (exp(dt A) - 1) / A by real and imaginary part: (way, dim, pair)."""
        step = self.log_step.exp()[:, None]
        decay, frequency = -self.log_decay.exp(), self.frequency
        grown = (step * decay).exp()
        top_re = grown * (step * frequency).cos() - 1
        top_im = grown * (step * frequency).sin()
        square = decay.square() + frequency.square()
        gain_re = (top_re * decay + top_im * frequency) / square
        gain_im = (top_im * decay - top_re * frequency) / square
        out_re, out_im = self.weight.unbind(-1)
        return out_re * gain_re - out_im * gain_im, out_re * gain_im + out_im * gain_re

    def _powers(self, first: int, count: int, *, every: int = 1) -> tuple[Tensor, Tensor]:
        """Return exp(l dt A) for l = first, first + every, ...: (dim, pair, count), twice."""
        step = self.log_step.exp()[:, None]
        lags = torch.arange(count, device=step.device, dtype=step.dtype) * every + first
        time = (step * lags)[:, None, :]
        fading = (-self.log_decay.exp()[:, :, None] * time).exp()
        angle = self.frequency[:, :, None] * time
        return fading * angle.cos(), fading * angle.sin()

    def _by_blocks(self, x: Tensor, way: int) -> Tensor:
        """Apply the kernel of one way, a lag being within a block or a whole number of them."""
        n_samples, dim = int(x.shape[-1]), int(x.shape[1])
        size = min(_BLOCK, n_samples)
        n_blocks = -(-n_samples // size)
        x = functional.pad(x, (0, n_blocks * size - n_samples))
        x = x.reshape(-1, dim, n_blocks, size)
        lag = torch.arange(size)[:, None] - torch.arange(size)
        within = self.kernel(size)[way][:, lag.clamp(min=0)] * (lag >= 0)
        seen = torch.einsum("dij,bdnj->bdni", within, x)
        # What each block leaves behind at its end, and what enters each block from those before.
        left = [torch.einsum("dpj,bdnj->bdpn", wave.flip(-1), x) for wave in self._powers(0, size)]
        apart = torch.arange(n_blocks)[:, None] - torch.arange(n_blocks) - 1
        pass_re, pass_im = (
            wave[:, :, apart.clamp(min=0)] * (apart >= 0)
            for wave in self._powers(0, n_blocks, every=size)
        )
        enter_re, enter_im = _product("dpnm,bdpm->bdpn", pass_re, pass_im, *left)
        scale_re, scale_im = (scale[way, :, :, None] for scale in self._scales())
        wave_re, wave_im = self._powers(1, size)
        tail_re = scale_re * wave_re - scale_im * wave_im
        tail_im = scale_re * wave_im + scale_im * wave_re
        entered, _ = _product("dpi,bdpn->bdni", tail_re, tail_im, enter_re, enter_im)
        return (seen + 2 * entered).reshape(-1, dim, n_blocks * size)[..., :n_samples]


#: samples of a block: larger ones cost more within, smaller ones more between
_BLOCK = 50


def _product(
    rule: str, a_re: Tensor, a_im: Tensor, b_re: Tensor, b_im: Tensor
) -> tuple[Tensor, Tensor]:
    """Multiply complex arrays given by real and imaginary parts."""
    real = torch.einsum(rule, a_re, b_re) - torch.einsum(rule, a_im, b_im)
    return real, torch.einsum(rule, a_re, b_im) + torch.einsum(rule, a_im, b_re)


def _by_fourier(x: Tensor, kernel: Tensor) -> Tensor:
    n = x.shape[-1]
    length = _fast_length(2 * n - 1)
    whole = functional.pad(kernel[0], (0, length - n))
    if len(kernel) == 2:
        # The way back looks at what comes after: times -1, -2, ... stand at the end of the circle.
        whole = whole + functional.pad(kernel[1, :, : n - 1].flip(-1), (length - n + 1, 0))
    spectrum = torch.fft.rfft(x, n=length) * torch.fft.rfft(whole, n=length)
    return torch.fft.irfft(spectrum, n=length)[..., :n]


def long_convolution(
    x: Float[Tensor, "batch dim sample"], kernels: Float[Tensor, "way dim sample"]
) -> Float[Tensor, "batch dim sample"]:
    """Convolve each channel with kernels of its own, by a real Fourier transform.

    Parameters
    ----------
    x
        Signals.
    kernels
        What becomes of an impulse at its own time and at each one after it; and, where there is a
        second way, one sample before it, two before and so on.

    Examples
    --------
    >>> once = torch.tensor([[[1.0, 0.0, 0.0]]])
    >>> long_convolution(once, torch.tensor([[[3.0, 2.0, 1.0]]])).round()
    tensor([[[3., 2., 1.]]])
    """
    return _by_fourier(x, kernels)


def _fast_length(least: int) -> int:
    """Return the next length without prime factors above 5."""
    length = least
    while True:
        rest = length
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return length
        length += 1


class StateSpaceBlock(nn.Module):
    """A state-space layer and a gated map for each time step, led around.

    Parameters
    ----------
    dim, state, bidirectional
        As in `DiagonalStateSpace`.
    dropout
        Share of channels that is hidden while training.
    norm_first
        Whether the normalisation over channels stands before the layer, or behind the sum.
    system
        The state-space layer, where it is not to be a `DiagonalStateSpace`.
    gated
        Whether the map gives twice the width, one half of which gates the other.

    Notes
    -----
    The block of S4 (Gu et al. 2022): system, GELU, dropout over whole channels, map to twice the
    width, gated linear unit, dropout.

    References
    ----------
    Gu A, Goel K, Ré C. Efficiently modeling long sequences with structured state spaces.
    ICLR 2022. arXiv:2111.00396

    Examples
    --------
    >>> StateSpaceBlock(4)(torch.zeros(2, 4, 100)).shape
    torch.Size([2, 4, 100])
    """

    def __init__(
        self,
        dim: int,
        *,
        state: int = 8,
        bidirectional: bool = False,
        dropout: float = 0.0,
        norm_first: bool = False,
        system: nn.Module | None = None,
        gated: bool = True,
    ) -> None:
        super().__init__()
        self.norm_first = norm_first
        self.norm = nn.LayerNorm(dim)
        if system is None:
            system = DiagonalStateSpace(dim, state=state, bidirectional=bidirectional)
        self.system = system
        self.gated = gated
        self.gate = nn.Linear(dim, 2 * dim if gated else dim)
        self.dropout = nn.Dropout1d(dropout)

    def forward(self, x: Float[Tensor, "batch dim sample"]) -> Float[Tensor, "batch dim sample"]:
        """Return the channels after the layer."""
        entering = self._normalised(x) if self.norm_first else x
        seen = self.dropout(functional.gelu(self.system(entering)))
        mixed = self.gate(seen.transpose(1, 2))
        if self.gated:
            mixed = functional.glu(mixed, dim=-1)
        x = x + self.dropout(mixed.transpose(1, 2))
        return x if self.norm_first else self._normalised(x)

    def _normalised(self, x: Tensor) -> Tensor:
        return self.norm(x.transpose(1, 2)).transpose(1, 2)
