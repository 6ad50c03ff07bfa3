# SPDX-License-Identifier: Apache-2.0
"""SSSD-ECG's network: what noise a signal holds, told its statements and how noisy it is."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from precordia.core.errors import OptionError, SignalError, WeightsError
from precordia.models.generator import Generator
from precordia.models.options import check_positive
from precordia.models.signal_shape import SignalShape
from precordia.nn.state_space import StateSpaceBlock
from precordia.nn.state_space_low_rank import LowRankStateSpace

_NODES = r"residual_layer\.residual_blocks\.\d+\.S4[12]\.s4_layer\.kernel\.kernel\.(omega|z)"


class SssdEcg(Generator):
    """Residual blocks of structured state spaces that see all of the signal, before and behind.

    Parameters
    ----------
    shape
        What stands on the rows and columns of the signals. Kernels are stored for its length;
        other lengths are possible.
    n_labels
        Statements that a signal may be asked for.
    width, depth
        Channels and number of residual blocks.
    state
        States of each channel; even.
    label_dim
        Length of a statement's vector.
    step_dim, step_hidden
        Numbers that tell the step, even, and of the layers that they go through.

    Notes
    -----
    *Method.* The skeleton of DiffWave with state spaces in the place of dilated convolutions. A
    block adds the step, convolves three samples to twice the width, and has one state space before
    and one after the statements are added; one half of the result gates the other. Half of the
    energy goes on to the next block (hence the root of one half), the rest is summed. The
    statements' vectors are summed, not averaged. The last layer begins as zero.

    Outputs agree with the authors' code where its kernels are those of the training: with neither
    of its compiled kernels, their code leaves the conjugate poles out and gives other numbers. Time
    steps, poles and input weights keep what they begin with, as there.

    References
    ----------
    Alcaraz JML, Strodthoff N. Comput Biol Med 2023. doi:10.1016/j.compbiomed.2023.107115. Kong Z,
    et al. DiffWave. ICLR 2021. arXiv:2009.09761

    Examples
    --------
    >>> shape = SignalShape(n_leads=8, n_samples=100, fs=100)
    >>> network = SssdEcg(shape, n_labels=3, width=4, depth=1, state=4, step_hidden=8)
    >>> noisy, labels = torch.zeros(2, 8, 100), torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    >>> network(noisy, torch.tensor([13, 170]), labels).shape
    torch.Size([2, 8, 100])
    """

    def __init__(
        self,
        shape: SignalShape,
        *,
        n_labels: int = 71,
        width: int = 256,
        depth: int = 36,
        state: int = 64,
        label_dim: int = 128,
        step_dim: int = 128,
        step_hidden: int = 512,
    ) -> None:
        sizes = {"n_labels": n_labels, "width": width, "depth": depth, "label_dim": label_dim}
        for name, value in (sizes | {"step_hidden": step_hidden}).items():
            check_positive(name, value)
        for name, value, least in (("state", state, 2), ("step_dim", step_dim, 4)):
            if value < least or value % 2:
                raise OptionError(f"{name} is {value}; an even number such as 16 is needed.")
        super().__init__(shape)
        if shape.n_samples % 2:
            raise OptionError(
                f"n_samples is {shape.n_samples}; an even number is needed, as kernels are stored "
                "for a circle of so many samples."
            )
        self.n_labels, self.step_dim = n_labels, step_dim
        self.enter = _convolution(shape.n_leads, width)
        self.labels = nn.Parameter(torch.randn(n_labels, label_dim))
        self.step = nn.Sequential(
            nn.Linear(step_dim, step_hidden),
            nn.SiLU(),
            nn.Linear(step_hidden, step_hidden),
            nn.SiLU(),
        )
        self.blocks = nn.ModuleList(
            _Block(width, state, shape.n_samples, step_hidden, label_dim) for _ in range(depth)
        )
        last = nn.Conv1d(width, shape.n_leads, 1)
        nn.init.zeros_(last.weight)
        assert last.bias is not None
        nn.init.zeros_(last.bias)
        self.leave = nn.Sequential(_convolution(width, width), nn.ReLU(), last)

    def forward(
        self,
        noisy: Float[Tensor, "batch lead sample"],
        step: Tensor,
        labels: Float[Tensor, "batch statement"],
    ) -> Float[Tensor, "batch lead sample"]:
        """Return the noise that signals hold.

        Parameters
        ----------
        noisy
            Signals with noise.
        step
            How many steps of noise each has had, from 0: (batch,).
        labels
            1 for statements that are asked for, 0 for others; numbers between mix them.
        """
        self._check(noisy, step, labels)
        told = self.step(step_waves(step, self.step_dim).to(noisy.dtype))
        asked = labels @ self.labels
        x, total = functional.relu(self.enter(noisy)), torch.zeros(())
        for block in self.blocks:
            x, given = block(x, told, asked)
            total = total + given
        return self.leave(total * math.sqrt(1 / len(self.blocks)))

    def published_outputs(
        self, noisy: Float[Tensor, "batch lead sample"], step: Tensor, labels: Tensor
    ) -> dict[str, Tensor]:
        """Return by name what the authors' code returns: the noise."""
        return {"noise_prediction": self(noisy, step, labels)}

    def rename_weights(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename weights of the authors; places on the unit circle are checked by their number.

        Raises
        ------
        WeightsError
            If the kernels were stored for another number of samples.
        """
        renamed, n_samples = {}, self.shape.n_samples
        for key, value in state.items():
            if re.fullmatch(_NODES, key):
                if len(value) != n_samples // 2 + 1:
                    raise WeightsError(
                        f"the kernels of these weights are stored for {2 * len(value) - 2} "
                        f"samples, and this network is made for {n_samples}. Use "
                        f"n_samples={2 * len(value) - 2}."
                    )
            elif key.endswith("kernel.kernel.C") and len(value) == 2:
                there = _renamed(key)
                renamed[there], renamed[there + "_back"] = value[0], value[1]
            else:
                renamed[_renamed(key)] = _shaped(key, value)
        return renamed

    def _check(self, noisy: Tensor, step: Tensor, labels: Tensor) -> None:
        if noisy.shape[1] != self.shape.n_leads:
            raise SignalError(
                f"signals of {noisy.shape[1]} leads arrived; {self.shape.n_leads} are needed."
            )
        if tuple(step.shape) != (len(noisy),) or tuple(labels.shape) != (len(noisy), self.n_labels):
            raise SignalError(
                f"{len(noisy)} signals arrived with steps of shape {tuple(step.shape)} and labels "
                f"of shape {tuple(labels.shape)}; one step and {self.n_labels} labels for each "
                "are needed."
            )


def step_waves(step: Tensor, dim: int) -> Float[Tensor, "batch dim"]:
    """Return sines, then cosines, of a step at falling frequencies, from 1 to 1 / 10000.

    Examples
    --------
    >>> step_waves(torch.tensor([0]), 4)
    tensor([[0., 0., 1., 1.]])
    """
    place = torch.arange(dim // 2, device=step.device, dtype=torch.float32)
    rate = torch.exp(place * (-math.log(10_000) / (dim // 2 - 1)))
    angle = step.to(torch.float32)[:, None] * rate
    return torch.cat([angle.sin(), angle.cos()], dim=1)


class _Block(nn.Module):
    """Two state spaces between which statements are added; what goes on, and what is summed."""

    def __init__(
        self, width: int, state: int, n_samples: int, step_hidden: int, label_dim: int
    ) -> None:
        super().__init__()
        self.step = nn.Linear(step_hidden, width)
        self.widen = _convolution(width, 2 * width, 3)
        self.first, self.second = (
            StateSpaceBlock(
                2 * width,
                system=LowRankStateSpace(
                    2 * width, state=state, steps=n_samples, bidirectional=True
                ),
                gated=False,
            )
            for _ in range(2)
        )
        self.label = nn.Linear(label_dim, 2 * width)
        self.onward = _convolution(width, width)
        self.summed = _convolution(width, width)

    def forward(
        self,
        x: Float[Tensor, "batch dim sample"],
        step: Float[Tensor, "batch hidden"],
        labels: Float[Tensor, "batch label_dim"],
    ) -> tuple[Float[Tensor, "batch dim sample"], Float[Tensor, "batch dim sample"]]:
        seen = self.first(self.widen(x + self.step(step)[:, :, None]))
        seen = self.second(seen + self.label(labels)[:, :, None])
        wave, gate = seen.chunk(2, dim=1)
        passed = wave.tanh() * gate.sigmoid()
        return (x + self.onward(passed)) * math.sqrt(0.5), self.summed(passed)


def _convolution(n_in: int, n_out: int, kernel: int = 1) -> nn.Module:
    """Make a convolution whose kernels have a length and a direction (Salimans & Kingma 2016)."""
    made = nn.Conv1d(n_in, n_out, kernel, padding=(kernel - 1) // 2)
    nn.init.kaiming_normal_(made.weight)
    return weight_norm(made)


_PARTS = {
    "init_conv.0.conv": "enter",
    "residual_layer.fc_t1": "step.0",
    "residual_layer.fc_t2": "step.2",
    "final_conv.0.conv": "leave.0",
    "final_conv.2.conv": "leave.2",
}
_IN_BLOCK = {
    "fc_t": "step",
    "conv_layer.conv": "widen",
    "fc_label": "label",
    "res_conv": "onward",
    "skip_conv": "summed",
}
_IN_SYSTEM = {
    "s4_layer.D": "system.skip",
    "s4_layer.kernel.kernel.C": "system.weight",
    "s4_layer.kernel.kernel.log_dt": "system.log_step",
    "s4_layer.kernel.kernel.B": "system.entering",
    "s4_layer.kernel.kernel.P": "system.rank_in",
    "s4_layer.kernel.kernel.Q": "system.rank_out",
    "s4_layer.kernel.kernel.w": "system.poles",
    "s4_layer.output_linear.weight": "gate.weight",
    "s4_layer.output_linear.bias": "gate.bias",
    "norm_layer.weight": "norm.weight",
    "norm_layer.bias": "norm.bias",
}
_NORMED = {
    "weight_g": "parametrizations.weight.original0",
    "weight_v": "parametrizations.weight.original1",
}


def _renamed(key: str) -> str:
    if key == "embedding.weight":
        return "labels"
    inside = re.fullmatch(r"residual_layer\.residual_blocks\.(\d+)\.(.+)", key)
    if inside is None:
        return _part(key, _PARTS)
    number, rest = inside[1], inside[2]
    if match := re.fullmatch(r"S4([12])\.(.+)", rest):
        place = ("first", "second")[int(match[1]) - 1]
        found = _IN_SYSTEM.get(match[2])
        return key if found is None else f"blocks.{number}.{place}.{found}"
    found = _part(rest, _IN_BLOCK)
    return key if found == rest else f"blocks.{number}.{found}"


def _part(key: str, parts: Mapping[str, str]) -> str:
    place, _, kind = key.rpartition(".")
    return f"{parts[place]}.{_NORMED.get(kind, kind)}" if place in parts else key


def _shaped(key: str, value: Tensor) -> Tensor:
    """Take away axes of one: the systems' arrays are of one set, and biases are columns."""
    if re.search(r"s4_layer\.(D|kernel\.kernel\.[BPQ])$", key) and len(value) == 1:
        return value[0]
    return value[:, 0] if key.endswith("output_linear.bias") and value.ndim == 2 else value
