# SPDX-License-Identifier: Apache-2.0
"""Rows of all processes as one array, through which gradients find their way back."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.distributed as dist
from jaxtyping import Shaped
from torch import Tensor


def gathered(rows: Shaped[Tensor, "batch ..."]) -> Shaped[Tensor, "whole ..."]:
    """Return rows of all processes, in the order of processes.

    Parameters
    ----------
    rows
        As many in each process.

    Returns
    -------
    All rows; the same array where there is one process. If every process takes the same mean over
    the whole batch as its loss, the sum of gradients over processes is the number of processes
    times the gradient of that mean.

    Examples
    --------
    >>> gathered(torch.ones(2, 3)).shape
    torch.Size([2, 3])
    """
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return rows
    if not rows.requires_grad:
        parts = [torch.empty_like(rows) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, rows.contiguous())
        return torch.cat(parts)
    return _Gather.apply(rows)


def drawn_for_rows(draw: Callable[[int], Tensor], n_rows: int, *, dim: int = 0) -> Tensor:
    """Draw for the rows of all processes and return those of this one.

    Parameters
    ----------
    draw
        Draws for a number of rows, from a generator that stands alike in all processes.
    n_rows
        Rows of this process; as many in each.
    dim
        Axis of the rows.

    Returns
    -------
    What one process with all rows would have drawn for these.

    Examples
    --------
    >>> drawn_for_rows(torch.zeros, 2).shape
    torch.Size([2])
    """
    if not (dist.is_available() and dist.is_initialized()):
        return draw(n_rows)
    whole = draw(n_rows * dist.get_world_size())
    return whole.narrow(dim, dist.get_rank() * n_rows, n_rows)


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx, rows: Tensor) -> Tensor:
        ctx.n = len(rows)
        parts = [torch.empty_like(rows) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx, slope: Tensor) -> Tensor:
        slope = slope.contiguous()
        dist.all_reduce(slope)
        first = dist.get_rank() * ctx.n
        return slope[first : first + ctx.n]
