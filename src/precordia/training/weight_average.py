# SPDX-License-Identifier: Apache-2.0
"""The running average of a model's weights, which generalises better than the last ones."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn


class WeightAverage:
    """Exponential average of all numbers of a model.

    Parameters
    ----------
    model
        The model; its numbers now are the first average.
    decay
        Share of the old average at each step, once there were enough steps.

    Notes
    -----
    In the first steps the decay is (1 + step) / (10 + step) where that is smaller, so that the
    first weights are forgotten. Counts of batches in norms are copied.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.held = {name: t.detach().clone() for name, t in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Take in the weights after a step, counted from 0."""
        decay = min(self.decay, (1 + step) / (10 + step))
        ours: list[Tensor] = []
        theirs: list[Tensor] = []
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                ours.append(self.held[name])
                theirs.append(tensor)
            else:
                self.held[name].copy_(tensor)
        torch._foreach_lerp_(ours, theirs, 1 - decay)

    @contextlib.contextmanager
    def inside(self, model: nn.Module) -> Iterator[None]:
        """Let the model have the average while the block lasts."""
        state = model.state_dict()
        saved = {name: tensor.clone() for name, tensor in state.items()}
        with torch.no_grad():
            for name, tensor in state.items():
                tensor.copy_(self.held[name])
            try:
                yield
            finally:
                for name, tensor in state.items():
                    tensor.copy_(saved[name])
