# SPDX-License-Identifier: Apache-2.0
"""Gradients of a step: summed over processes, and not longer than allowed."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from precordia.training.processes import Processes


def learning_of(optimiser: torch.optim.Optimizer) -> list[Tensor]:
    """Return the parameters that an optimiser moves.

    Examples
    --------
    >>> len(learning_of(torch.optim.SGD(nn.Linear(2, 1).parameters(), lr=0.1)))
    2
    """
    return [parameter for group in optimiser.param_groups for parameter in group["params"]]


def sum_gradients(
    parameters: Sequence[Tensor], loss: Float[Tensor, ""], wish: bool, processes: Processes
) -> bool:
    """Sum gradients and loss over all processes, in place.

    Parameters
    ----------
    parameters
        Those that learn. What no process has a gradient of keeps none, as with one process.
    loss
        Of this process; it becomes that of all.
    wish
        Whether this process wants to stop.
    processes
        Those that train together.

    Returns
    -------
    Whether any process wants to stop.
    """
    if processes.n == 1:
        return wish
    reached = torch.tensor([float(p.grad is not None) for p in parameters], device=loss.device)
    processes.sum(reached)
    gradients = []
    for parameter, anywhere in zip(parameters, reached.tolist(), strict=True):
        if anywhere:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            gradients.append(parameter.grad)
    stop = torch.full((), float(wish), device=loss.device)
    processes.sum_all([*gradients, loss, stop])
    return bool(stop)


def clip_gradients(parameters: Sequence[Tensor], longest: float) -> Float[Tensor, ""]:
    """Shorten the gradient to a length, in place; return how long it was.

    Parameters
    ----------
    parameters
        Those that learn.
    longest
        0 leaves the gradient as it is.
    """
    norm = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
    if longest:
        nn.utils.clip_grads_with_norm_(parameters, longest, norm)
    return norm
