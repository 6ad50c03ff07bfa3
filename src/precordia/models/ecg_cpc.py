# SPDX-License-Identifier: Apache-2.0
"""ECG-CPC: short convolutions, then structured state spaces that see the past alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from precordia.core.errors import OptionError, WeightsError
from precordia.models.options import check_positive, check_share
from precordia.models.signal_shape import SignalShape
from precordia.models.stem_and_blocks import StemAndBlocks
from precordia.nn.state_space import StateSpaceBlock
from precordia.nn.state_space_low_rank import LowRankStateSpace

_KERNELS, _STRIDES = (3, 1, 1, 1), (2, 1, 1, 1)
_KERNEL = r"ts_encoder\.predictor\.predictor\.s4_layers\.(\d+)\.kernel\.kernel\.(omega|z)"


class EcgCpc(StemAndBlocks):
    """A convolution that halves the length, three maps, and four causal state-space blocks.

    Parameters
    ----------
    shape, n_outputs
        As in `Encoder`.
    width, depth
        Channels and number of blocks.
    state
        States of each channel; even.
    steps
        Time steps for which the kernels are stored; other lengths of input are possible.
    dropout
        Share of channels hidden while training.

    Notes
    -----
    Written from the papers and the layout of the weights; outputs agree with the authors' code.
    Each time step sees what came before, so that the model can be pretrained by predicting the
    steps to come. The head of that prediction is left out.

    References
    ----------
    Al-Masud MA, et al. Benchmarking ECG foundational models. ICLR 2026. arXiv:2509.25095. Gu A,
    et al. arXiv:2111.00396

    Examples
    --------
    >>> import torch
    >>> shape = SignalShape(n_leads=12, n_samples=100, fs=100)
    >>> EcgCpc(shape, 5, width=8, depth=1, steps=50).eval()(torch.zeros(2, 12, 100)).shape
    torch.Size([2, 5])
    """

    left_out_weights = (r"ts_encoder\.head_ssl\..*",)
    #: systems remember all that came before
    sees_whole_window: ClassVar[bool] = True

    def __init__(
        self,
        shape: SignalShape,
        n_outputs: int,
        *,
        width: int = 512,
        depth: int = 4,
        state: int = 8,
        steps: int = 1200,
        dropout: float = 0.2,
    ) -> None:
        for name, value in (("width", width), ("depth", depth)):
            check_positive(name, value)
        for name, value in (("state", state), ("steps", steps)):
            if value < 2 or value % 2:
                raise OptionError(f"{name} is {value}; an even number such as 8 is needed.")
        check_share("dropout", dropout)
        super().__init__(shape, n_outputs, dim=width)
        n_in, layers = shape.n_leads, []
        for kernel, stride in zip(_KERNELS, _STRIDES, strict=True):
            around = (kernel - 1) // 2
            convolution = nn.Conv1d(n_in, width, kernel, stride, padding=around, bias=False)
            layers.append(nn.Sequential(convolution, nn.BatchNorm1d(width), nn.ReLU()))
            n_in = width
        self.stem = nn.Sequential(*layers)
        longest = (shape.n_samples + 1) // 2
        self.blocks = nn.ModuleList(
            StateSpaceBlock(
                width,
                dropout=dropout,
                system=LowRankStateSpace(width, state=state, steps=steps, longest=longest),
            )
            for _ in range(depth)
        )

    def published_outputs(
        self, x: Float[Tensor, "batch lead sample"], present: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Return what the authors' code gives: frames, tokens, their mean and the last of them."""
        x, present = self._checked(x, present)
        frames = self.frames(x)
        tokens = self.context(frames)
        return {
            "encoder_features": frames,
            "predictor_features": tokens,
            "mean_predictor": tokens.mean(dim=1),
            "last_predictor": tokens[:, -1],
        }

    def rename_weights(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename weights of the authors; tables that follow from the number of steps are checked.

        Raises
        ------
        WeightsError
            If the kernels were stored for another number of steps.
        """
        steps, renamed = int(self.options["steps"]), {}
        for key, value in state.items():
            if not re.fullmatch(_KERNEL, key):
                renamed[_renamed(key)] = _shaped(key, value)
            elif len(value) != steps // 2 + 1:
                raise WeightsError(
                    f"the kernels of these weights are stored for {2 * len(value) - 2} steps; this "
                    f"model has {steps}. Use load_model('ecg-cpc', steps={2 * len(value) - 2})."
                )
        return renamed


_IN_BLOCK = {
    "D": "system.skip",
    "kernel.kernel.C": "system.weight",
    "kernel.kernel.log_dt": "system.log_step",
    "kernel.kernel.B": "system.entering",
    "kernel.kernel.P": "system.rank_in",
    "kernel.kernel.Q": "system.rank_out",
    "kernel.kernel.w": "system.poles",
    "output_linear.0.weight": "gate.weight",
    "output_linear.0.bias": "gate.bias",
}


def _renamed(key: str) -> str:
    if match := re.fullmatch(r"ts_encoder\.encoder\.layers\.(\d+\.[01]\.\w+)", key):
        return f"stem.{match[1]}"
    inside = r"ts_encoder\.predictor\.predictor\.(s4_layers|norms)\.(\d+)\.(.+)"
    if match := re.fullmatch(inside, key):
        place = f"norm.{match[3]}" if match[1] == "norms" else _IN_BLOCK.get(match[3])
        return key if place is None else f"blocks.{match[2]}.{place}"
    return key


def _shaped(key: str, value: Tensor) -> Tensor:
    """Take away axes of one: all leads share one set, and biases are columns."""
    if re.search(r"s4_layers\.\d+\.(D|kernel\.kernel\.[CBPQ])$", key) and len(value) == 1:
        return value[0]
    return value[:, 0] if key.endswith("output_linear.0.bias") and value.ndim == 2 else value
