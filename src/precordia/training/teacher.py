# SPDX-License-Identifier: Apache-2.0
"""A slow copy of a module, whose outputs are what the module learns to give."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


class Teacher(nn.Module):
    """Exponential average of a module that is itself being trained.

    Parameters
    ----------
    module
        What is trained. The teacher begins as its copy.

    Attributes
    ----------
    module
        The copy. None of its parameters asks for a gradient.

    Notes
    -----
    Parameters are averaged, buffers are those of the trained module. While an objective trains,
    batch normalisation of the teacher uses the batch, as in BYOL and MoCo; dropout and dropped
    paths stay off, since a target should not depend on what happened to be hidden.

    References
    ----------
    Tarvainen A, Valpola H. Mean teachers. NeurIPS 2017. arXiv:1703.01780

    Examples
    --------
    >>> student = nn.Linear(2, 1)
    >>> teacher = Teacher(student)
    >>> teacher(torch.ones(3, 2)).requires_grad
    False
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = copy.deepcopy(module).requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> Teacher:
        """Let batch normalisation alone follow the mode."""
        super().train(mode)
        for part in self.module.modules():
            part.training = mode and isinstance(part, _BatchNorm)
        return self

    @torch.no_grad()
    def forward(self, *arguments: Any, **options: Any) -> Any:
        """Return what the copy gives, without a gradient."""
        return self.module(*arguments, **options)

    @torch.no_grad()
    def update(self, module: nn.Module, decay: float) -> None:
        """Move towards the trained module.

        Parameters
        ----------
        module
            What is trained, of the same architecture.
        decay
            Share of the teacher that stays; see `precordia.training.schedule.ramp`.
        """
        ours, theirs = list(self.module.parameters()), list(module.parameters())
        if ours:
            torch._foreach_lerp_(
                ours, [p.detach().to(o) for o, p in zip(ours, theirs, strict=True)], 1 - decay
            )
        for held, given in zip(self.module.buffers(), module.buffers(), strict=True):
            held.copy_(given)
