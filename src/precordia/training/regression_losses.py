# SPDX-License-Identifier: Apache-2.0
"""Losses of numbers; what was not measured asks nothing."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from precordia.core.errors import OptionError


def absolute_error(
    predicted: Float[Tensor, "batch dim"], labels: Float[Tensor, "batch dim"]
) -> Float[Tensor, "batch dim"]:
    """Compute the distance to each number; zero where it is NaN.

    Examples
    --------
    >>> absolute_error(torch.tensor([[3.0, 1.0]]), torch.tensor([[1.0, float("nan")]]))
    tensor([[2., 0.]])
    """
    return _to_known(predicted, labels).abs()


def squared_error(
    predicted: Float[Tensor, "batch dim"], labels: Float[Tensor, "batch dim"]
) -> Float[Tensor, "batch dim"]:
    """Compute the squared distance to each number; zero where it is NaN.

    Examples
    --------
    >>> squared_error(torch.tensor([[3.0, 1.0]]), torch.tensor([[1.0, float("nan")]]))
    tensor([[4., 0.]])
    """
    return _to_known(predicted, labels) ** 2


def huber(
    predicted: Float[Tensor, "batch dim"],
    labels: Float[Tensor, "batch dim"],
    delta: float = 1.0,
) -> Float[Tensor, "batch dim"]:
    """Compute Huber's loss: half the square of small distances, linear beyond ``delta``.

    Raises
    ------
    OptionError
        If ``delta`` is not positive.

    References
    ----------
    Huber PJ. Ann Math Stat 1964;35:73-101. doi:10.1214/aoms/1177703732

    Examples
    --------
    >>> huber(torch.tensor([[0.5, 3.0]]), torch.zeros(1, 2))
    tensor([[0.1250, 2.5000]])
    """
    if not delta > 0:
        raise OptionError(f"delta of the loss is {delta}; a positive number is needed.")
    rest = _to_known(predicted, labels)
    return F.huber_loss(rest, torch.zeros_like(rest), reduction="none", delta=delta)


def _to_known(predicted: Tensor, labels: Tensor) -> Tensor:
    """Subtract; an unknown label becomes what was predicted, without a gradient."""
    known = ~torch.isnan(labels)
    return (predicted - torch.where(known, labels, torch.zeros_like(labels))) * known
