# SPDX-License-Identifier: Apache-2.0
"""Batch normalisation over the records of all processes, also on processors."""

from __future__ import annotations

import contextlib
import types
from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from precordia.training.processes import Processes


@contextlib.contextmanager
def synchronised_norms(model: nn.Module, processes: Processes) -> Iterator[None]:
    """Let batch norms of a model use the records of all processes while the block lasts.

    Parameters
    ----------
    model
        The model; names and shapes of its weights stay.
    processes
        Those that train it; one alone changes nothing.

    Notes
    -----
    Ioffe and Szegedy, arXiv 1502.03167, with sums of values and squares over all processes, in
    float64, forward, and of the two sums of the gradient backward. The running variance is the
    unbiased one, as in PyTorch. PyTorch's own needs an accelerator.
    """
    norms = [m for m in model.modules() if isinstance(m, _BatchNorm)] if processes.n > 1 else []
    for norm in norms:
        norm.forward = types.MethodType(_forward_with(processes), norm)
    try:
        yield
    finally:
        for norm in norms:
            del norm.forward


def _forward_with(processes: Processes):
    def forward(norm: _BatchNorm, x: Tensor) -> Tensor:
        if not norm.training:
            return type(norm).forward(norm, x)
        y, mean, variance, n = _Normalised.apply(x, norm.eps, processes)
        _update(norm, mean, variance, n)
        if norm.weight is None:
            return y
        shape = (1, -1, *(1,) * (x.ndim - 2))
        return y * norm.weight.view(shape) + norm.bias.view(shape)

    return forward


class _Normalised(torch.autograd.Function):
    """Subtract the mean and divide by the deviation, both over all processes."""

    @staticmethod
    def forward(ctx, x: Float[Tensor, "batch ..."], eps: float, processes: Processes):
        axes = [k for k in range(x.ndim) if k != 1]
        wide = x.double()
        sums = torch.cat(
            [wide.sum(axes), wide.square().sum(axes), wide.new_tensor([x.numel() / x.shape[1]])]
        )
        processes.sum(sums)
        n = sums[-1]
        mean, square = sums[:-1].view(2, -1) / n
        variance = (square - mean.square()).clamp_min(0)
        shape = (1, -1, *(1,) * (x.ndim - 2))
        inverse = (variance + eps).rsqrt()
        y = ((wide - mean.view(shape)) * inverse.view(shape)).to(x.dtype)
        ctx.save_for_backward(y, inverse)
        ctx.processes, ctx.axes, ctx.n, ctx.shape = processes, axes, n, shape
        ctx.mark_non_differentiable(mean, variance, n)
        return y, mean, variance, n

    @staticmethod
    def backward(ctx, gradient: Tensor, *_: Tensor):
        y, inverse = ctx.saved_tensors
        wide = gradient.double()
        sums = torch.stack([wide.sum(ctx.axes), (wide * y).sum(ctx.axes)])
        ctx.processes.sum(sums)
        first, second = (s.view(ctx.shape) / ctx.n for s in sums)
        back = (wide - first - y * second) * inverse.view(ctx.shape)
        return back.to(gradient.dtype), None, None


@torch.no_grad()
def _update(norm: _BatchNorm, mean: Tensor, variance: Tensor, n: Tensor) -> None:
    if not norm.track_running_stats or norm.running_mean is None or norm.running_var is None:
        return
    norm.num_batches_tracked += 1
    share = norm.momentum if norm.momentum is not None else 1 / float(norm.num_batches_tracked)
    unbiased = variance * n / (n - 1).clamp_min(1)
    norm.running_mean.lerp_(mean.to(norm.running_mean.dtype), share)
    norm.running_var.lerp_(unbiased.to(norm.running_var.dtype), share)
