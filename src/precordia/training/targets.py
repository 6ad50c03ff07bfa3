# SPDX-License-Identifier: Apache-2.0
"""From logits and labels to one number to descend; what is unknown asks nothing."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from torch import Tensor

from precordia.core.errors import OptionError, unknown_name
from precordia.training.losses import Loss, list_losses, load_loss
from precordia.training.settings import TrainingSettings
from precordia.training.training_set import TrainingSet

#: losses of classes side by side, and of numbers; the first is the default
_USUAL = (("bce", "focal", "asymmetric"), ("huber", "l1", "mse"))


def loss_of(settings: TrainingSettings, train: TrainingSet) -> Loss:
    """Return the loss that settings name, or that of the task.

    Raises
    ------
    UnknownNameError
        If there is no such loss or option of it.
    OptionError
        If the loss is not one of the task, or labels cannot be mixed.

    Examples
    --------
    >>> held = TrainingSet(windows=np.zeros((2, 1, 5), np.float32), labels=[[0.0], [1.0]])
    >>> loss_of(TrainingSettings(loss="focal", loss_options={"gamma": 1.0}), held).keywords
    {'gamma': 1.0}
    """
    numbered = train.numbered
    usual = ("cross-entropy",) if numbered else _USUAL[train.task == "regression"]
    name = settings.loss or usual[0]
    if name not in list_losses():
        raise unknown_name("loss", name, list_losses(), listing=", ".join(list_losses()))
    if name not in usual:
        raise OptionError(
            f"the loss '{name}' is not one of {train.task}; {', '.join(usual)} can be had."
        )
    if settings.mixup and numbered:
        raise OptionError(
            f"mixup is {settings.mixup:g} and labels are class numbers, which cannot be mixed; "
            "use mixup=0, or labels of one column a class."
        )
    labels = train.labels
    if numbered:  # for weights that are counted
        labels = np.eye(train.n_outputs)[labels[~np.isnan(labels)].astype(int)]
    return load_loss(name, labels=labels, **(settings.loss_options or {}))


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


def summed_loss(
    loss: Loss,
    logits: Float[Tensor, "batch ..."],
    labels: Float[Tensor, "batch ..."],
    weights: Float[Tensor, " batch"] | None,
) -> Float[Tensor, ""]:
    """Return the sum of the losses of all known labels.

    Examples
    --------
    >>> import torch
    >>> bce, labels = load_loss("bce"), torch.tensor([[1.0, float("nan")]])
    >>> round(float(summed_loss(bce, torch.zeros(1, 2), labels, None)), 3)
    0.693
    """
    each = loss(logits.float(), labels)
    if weights is None:
        return each.sum()
    return (each.flatten(1).sum(1) if each.ndim > 1 else each) @ weights
