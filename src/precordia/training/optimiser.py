# SPDX-License-Identifier: Apache-2.0
"""AdamW with decay where decay belongs, and a slower rate for lower layers."""

from __future__ import annotations

import torch
from torch import nn

from precordia.core.errors import OptionError
from precordia.training.settings import TrainingSettings


def optimiser_of(model: nn.Module, settings: TrainingSettings) -> torch.optim.AdamW:
    """Make the optimiser of a model.

    Parameters
    ----------
    model
        The model. Its ``head`` gets the whole rate and everything else ``lower_lr`` of it.
    settings
        Rate, decay and factors. Each group's ``share`` is its part of the highest rate.

    Raises
    ------
    OptionError
        If nothing can learn, or the layers are to learn slower than a head that is not there.

    Notes
    -----
    AdamW after Loshchilov and Hutter, arXiv 1711.05101. Parameters of one axis (biases, norms,
    scales) are not decayed.
    """
    head = getattr(model, "head", None)
    if settings.lower_lr != 1 and not isinstance(head, nn.Module):
        raise OptionError(
            f"lower_lr is {settings.lower_lr:g} and the model has no head to tell apart; "
            "use lower_lr=1."
        )
    at_head = {id(p) for p in head.parameters()} if isinstance(head, nn.Module) else set()
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter in model.parameters():
        share = 1.0 if id(parameter) in at_head else settings.lower_lr
        if parameter.requires_grad and share:
            decay = settings.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((share, decay), []).append(parameter)
    if not groups:
        raise OptionError("no parameter of the model can learn; let some require a gradient.")
    return torch.optim.AdamW(
        [
            {"params": held, "share": share, "weight_decay": decay, "lr": settings.lr * share}
            for (share, decay), held in groups.items()
        ],
        lr=settings.lr,
        betas=(settings.beta1, settings.beta2),
        fused=True,
    )


def set_lr(optimiser: torch.optim.Optimizer, lr: float) -> None:
    """Set the rate of every group to its share of a rate."""
    for group in optimiser.param_groups:
        group["lr"] = lr * group["share"]
