# SPDX-License-Identifier: Apache-2.0
"""From logits and labels to one number to descend; what is unknown asks nothing."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from precordia.core.errors import OptionError, unknown_name
from precordia.training.settings import TrainingSettings
from precordia.training.training_set import TrainingSet

#: of logits and labels without NaN, a loss for each of them: (batch, class) or (batch, class,
#: sample) for classes side by side, (batch,) or (batch, sample) for classes that exclude each other
Loss = Callable[[Tensor, Tensor], Tensor]


def loss_of(settings: TrainingSettings, train: TrainingSet) -> Loss:
    """Return the loss that settings name, or that of the task.

    Raises
    ------
    UnknownNameError
        If there is no such loss.
    """
    side_by_side = train.labels.ndim == 3
    usual = {
        "multilabel": "bce",
        "multiclass": "cross-entropy",
        "regression": "huber",
        "sample-classes": "bce" if side_by_side else "cross-entropy",
    }[train.task]
    name = settings.loss or usual
    if (plain := plain_loss(name)) is not None:
        return plain
    raise unknown_name("loss", name, _PLAIN, listing=", ".join(_PLAIN))


def check_logits(logits: Tensor, labels: Tensor, train: TrainingSet) -> None:
    """Refuse a model whose output does not fit the labels.

    Raises
    ------
    OptionError
        If it does not.
    """
    n = len(labels)
    wanted = (n, train.n_outputs)
    if train.task == "sample-classes":
        wanted = (*wanted, labels.shape[-1])
    if tuple(logits.shape) != wanted:
        raise OptionError(
            f"the model gives {tuple(logits.shape)} for {n} windows; {wanted} is needed for "
            f"{train.task} of {train.n_outputs} classes. Make it with n_outputs={train.n_outputs}."
        )


def plain_loss(name: str) -> Loss | None:
    """Return one of the losses that need no options; None for any other name.

    Examples
    --------
    >>> float(plain_loss("mse")(torch.zeros(1), torch.full((1,), 2.0)))
    4.0
    """
    return _PLAIN.get(name)


def summed_loss(
    loss: Loss,
    logits: Float[Tensor, "batch ..."],
    labels: Float[Tensor, "batch ..."],
    weights: Float[Tensor, " batch"] | None,
) -> Float[Tensor, ""]:
    """Return the sum of the losses of all known labels.

    Examples
    --------
    >>> bce, nothing = plain_loss("bce"), float("nan")
    >>> round(float(summed_loss(bce, torch.zeros(1, 2), torch.tensor([[1.0, nothing]]), None)), 3)
    0.693
    """
    known = ~torch.isnan(labels)
    each = loss(logits.float(), torch.where(known, labels, 0))
    counts = known if weights is None else known * weights.reshape(-1, *(1,) * (known.ndim - 1))
    return (each * counts).sum()


def counted(
    labels: Float[Tensor, "batch ..."], weights: Float[Tensor, " batch"] | None
) -> Float[Tensor, ""]:
    """Return how many labels are known, each as much as its window counts.

    Examples
    --------
    >>> float(counted(torch.tensor([[1.0, float("nan")], [0, 1]]), torch.tensor([1.0, 0.5])))
    2.0
    """
    known = (
        (~torch.isnan(labels)).double().flatten(1).sum(1)
        if labels.ndim > 1
        else ((~torch.isnan(labels)).double())
    )
    return (known if weights is None else known * weights).sum()


def _cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(logits, labels.long(), reduction="none")


_PLAIN: dict[str, Loss] = {
    "bce": lambda z, y: F.binary_cross_entropy_with_logits(z, y, reduction="none"),
    "cross-entropy": _cross_entropy,
    "l1": lambda z, y: F.l1_loss(z, y, reduction="none"),
    "mse": lambda z, y: F.mse_loss(z, y, reduction="none"),
    "huber": lambda z, y: F.huber_loss(z, y, reduction="none"),
}
