# SPDX-License-Identifier: Apache-2.0
"""State spaces that are diagonal plus low rank, as in the first S4: HiPPO's memory of the past."""

from __future__ import annotations

import math

import torch
from jaxtyping import Complex, Float
from torch import Tensor, nn
from torch.nn import functional

from precordia.nn.state_space import long_convolution


class LowRankStateSpace(nn.Module):
    """Convolve each channel with the response of its own linear system.

    Parameters
    ----------
    dim
        Channels.
    state
        States of each channel; even, as they come in conjugate pairs.
    steps
        Length for which the output weights are stored. Shorter inputs use the beginning of that
        kernel; for longer ones the weights are carried on to twice the length, as often as needed.
    longest
        Length of the longest input of an exported graph.
    shortest_step, longest_step
        Range of the time steps that the systems begin with, in samples of one.
    bidirectional
        Whether a second system, which differs in its output weights, runs from the end to the
        beginning, and the two are summed; otherwise a sample sees the past only.

    Notes
    -----
    S4 of Gu et al. 2022. The matrix of a system is diagonal minus an outer product; what it adds up
    over ``steps`` samples, discretised with the bilinear rule, is found on the unit circle by
    Woodbury's identity and brought back by a Fourier transform (their algorithm 1). Output weights
    are stored as C (I - A^steps), which their algorithm asks for. Other than there, numerator and
    denominator of each fraction are multiplied by 1 + omega, so that nothing is infinite at the
    highest frequency. Time steps, poles and input weights keep what they begin with (HiPPO-LegS):
    buffers, not parameters. An exported graph, which knows no Fourier transform, holds the kernels
    themselves.

    References
    ----------
    Gu A, Goel K, Ré C. Efficiently modeling long sequences with structured state spaces.
    ICLR 2022. arXiv:2111.00396

    Examples
    --------
    >>> LowRankStateSpace(4, state=8, steps=60)(torch.zeros(2, 4, 100)).shape
    torch.Size([2, 4, 100])
    """

    log_step: Tensor
    poles: Tensor
    entering: Tensor
    rank_in: Tensor
    rank_out: Tensor

    def __init__(
        self,
        dim: int,
        *,
        state: int = 8,
        steps: int = 1200,
        longest: int | None = None,
        shortest_step: float = 0.001,
        longest_step: float = 0.1,
        bidirectional: bool = False,
    ) -> None:
        super().__init__()
        if state < 2 or state % 2:
            raise ValueError(f"{state} states hold no conjugate pairs; an even number is needed")
        self.steps = steps
        self.longest = steps if longest is None else longest
        self._kept: Tensor | None = None
        poles, entering, rank = hippo_legs(state)
        spread = math.log(longest_step) - math.log(shortest_step)
        log_step = torch.rand(dim) * spread + math.log(shortest_step)
        self.register_buffer("log_step", log_step)
        for name, row in (
            ("poles", poles),
            ("entering", entering),
            ("rank_in", rank),
            ("rank_out", rank.conj().resolve_conj()),
        ):
            self.register_buffer(name, torch.view_as_real(row).float().repeat(dim, 1, 1))
        #: real and imaginary part of the output weights, in the form that the kernel needs
        drawn = self._drawn(2 if bidirectional else 1, dim, state // 2)
        self.weight = nn.Parameter(drawn[0])
        self.weight_back = nn.Parameter(drawn[1]) if bidirectional else None
        #: kernels in use, with what they were made of
        self._last: tuple[object, Tensor] | None = None
        self.skip = nn.Parameter(torch.randn(dim))

    @property
    def without_fourier(self) -> bool:
        """Whether the kernels are held, as an exported graph knows no Fourier transform."""
        return self._kept is not None

    @without_fourier.setter
    def without_fourier(self, wanted: bool) -> None:
        if not wanted:
            self._kept = None
            return
        there, *back = self.kernels(self.longest).detach()
        self._kept = torch.cat([there.flip(-1), *(way[:, :-1] for way in back)], dim=1)

    def kernels(self, n_samples: int) -> Float[Tensor, "way dim sample"]:
        """Return the responses to an impulse: from its own time on, and what comes before it.

        Without gradients they are kept until weights or length change.
        """
        passing = torch.is_grad_enabled() or torch.compiler.is_compiling()
        fixed = [self.log_step, self.poles, self.entering, self.rank_in, self.rank_out]
        arrays = [*self._ways(), *fixed]
        # Arrays made in inference mode do not count their changes.
        if passing or torch.jit.is_tracing() or any(array.is_inference() for array in arrays):
            return self._made(n_samples)
        made_of = (n_samples, *((array.data_ptr(), array._version) for array in arrays))
        if self._last is None or self._last[0] != made_of:
            self._last = (made_of, self._made(n_samples))
        return self._last[1]

    def _made(self, n_samples: int) -> Float[Tensor, "way dim sample"]:
        weight, steps = torch.stack([_complex(way) for way in self._ways()]), self.steps
        while steps < n_samples:
            weight = self._carried(weight.to(torch.complex128), steps, 1.0).to(weight.dtype)
            steps *= 2
        return torch.fft.irfft(self._on_circle(weight, steps), n=steps)[..., :n_samples]

    def _ways(self) -> list[Tensor]:
        return [self.weight] if self.weight_back is None else [self.weight, self.weight_back]

    def forward(self, x: Float[Tensor, "batch dim sample"]) -> Float[Tensor, "batch dim sample"]:
        """Return the output of the systems, with the input times ``skip`` added."""
        n_samples = int(x.shape[-1])
        if self._kept is None:
            seen = long_convolution(x, self.kernels(n_samples))
        else:
            # Past and own time stand up to the place ``longest``, what comes stands behind it.
            after = 0 if self.weight_back is None else n_samples - 1
            taps = self._kept[:, None, self.longest - n_samples : self.longest + after]
            around = functional.pad(x, (n_samples - 1, after))
            seen = functional.conv1d(around, taps, groups=len(taps))
        return seen + x * self.skip[:, None]

    def _on_circle(
        self, weight: Complex[Tensor, "way dim pair"], steps: int
    ) -> Complex[Tensor, "way dim frequency"]:
        """Return the Fourier transform of the kernels of so many steps."""
        angle = torch.arange(steps // 2 + 1, device=weight.device, dtype=weight.real.dtype)
        angle = angle * (2 * math.pi / steps)
        turn = torch.polar(torch.ones_like(angle), -angle)
        step = self.log_step.exp()[:, None]
        poles = (_complex(self.poles) * step)[:, :, None]
        # 1 over the distance to each pole and to its conjugate, times 1 + omega.
        near = 1 / (2 * (1 - turn) - poles * (1 + turn))
        far = 1 / (2 * (1 - turn) - poles.conj() * (1 + turn))
        entering, rank_in, rank_out = map(_complex, (self.entering, self.rank_in, self.rank_out))

        fixed = torch.stack([entering * rank_out, rank_in * rank_out])
        pairs = torch.cat([entering * weight, rank_in * weight, fixed]).transpose(0, 1)
        sums = (pairs @ near + pairs.conj() @ far).transpose(0, 1)
        ways = len(weight)
        plain, into, (out_of, within) = sums[:ways], sums[ways : 2 * ways], sums[2 * ways :]
        turned = step * (1 + turn)
        return 2 * step * (plain - turned * into * out_of / (1 + turned * within))

    def _drawn(self, ways: int, dim: int, pairs: int) -> Float[Tensor, "way dim pair two"]:
        plain = torch.randn(ways, dim, pairs, 2, dtype=torch.float64) * math.sqrt(0.5)
        return torch.view_as_real(self._carried(_complex(plain), self.steps, -1.0)).float()

    def _carried(
        self, weight: Complex[Tensor, "way dim pair"], steps: int, sign: float
    ) -> Complex[Tensor, "way dim pair"]:
        """Return C + sign C A^steps: sign -1 makes the stored form, 1 doubles its length."""
        diagonal, rank_in, rank_out = (
            torch.cat([half, half.conj()], dim=1)
            for half in (_complex(b.double()) for b in (self.poles, self.rank_in, self.rank_out))
        )
        matrix = torch.diag_embed(diagonal) - rank_in[:, :, None] * rank_out[:, None, :]
        half_step = matrix * (self.log_step.double().exp()[:, None, None] / 2)
        unit = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
        power = torch.linalg.matrix_power(
            torch.linalg.solve(unit - half_step, unit + half_step), steps
        )
        whole = torch.cat([weight, weight.conj()], dim=2)
        moved = torch.einsum("wdm,dmn->wdn", whole, power)
        return weight + sign * moved[:, :, : weight.shape[2]]


def hippo_legs(
    state: int,
) -> tuple[Complex[Tensor, " pair"], Complex[Tensor, " pair"], Complex[Tensor, " pair"]]:
    """Return poles, input weights and low-rank part of HiPPO-LegS, one of each conjugate pair.

    Parameters
    ----------
    state
        Number of states; even.

    Notes
    -----
    Appendix C.1 of the paper of S4: the matrix with an outer product added is normal, with real
    parts of -1/2, and its unitary eigenvectors make it diagonal.

    Examples
    --------
    >>> poles, entering, rank = hippo_legs(8)
    >>> poles.real.tolist() == [-0.5] * 4
    True
    """
    n = torch.arange(state, dtype=torch.float64)
    entering = (2 * n + 1).sqrt()
    matrix = -torch.tril(entering[:, None] * entering, -1) - torch.diag(n + 1)
    rank = (n + 0.5).sqrt()
    normal = matrix + rank[:, None] * rank
    turning = normal + 0.5 * torch.eye(state, dtype=torch.float64)
    # Skew-symmetric, so that i times it is Hermitian.
    frequency, vectors = torch.linalg.eigh(turning.to(torch.complex128) * -1j)
    kept = frequency > 0
    ways = vectors[:, kept].mH
    poles = torch.complex(torch.full_like(frequency[kept], -0.5), frequency[kept])
    return poles, ways @ entering.to(ways.dtype), ways @ rank.to(ways.dtype)


def _complex(parts: Tensor) -> Tensor:
    return torch.view_as_complex(parts.contiguous())
