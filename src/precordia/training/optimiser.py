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
        The model. Its ``head`` gets the whole rate, what ``lower_layers()`` gives ``lower_lr`` of
        it, times ``layer_decay`` for each group between it and the head.
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
    shares = _shares(model, settings)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter in model.parameters():
        share = shares.get(id(parameter), 1.0)
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


def _shares(model: nn.Module, settings: TrainingSettings) -> dict[int, float]:
    """Return the share of the rate of each parameter that does not get the whole."""
    if settings.lower_lr == 1 and settings.layer_decay == 1:
        return {}
    if hasattr(model, "lower_layers"):
        layers = model.lower_layers()
    elif isinstance(head := getattr(model, "head", None), nn.Module):
        at_head = {id(p) for p in head.parameters()}
        layers = [[p for p in model.parameters() if id(p) not in at_head]]
    else:
        raise OptionError(
            f"lower_lr is {settings.lower_lr:g} and layer_decay {settings.layer_decay:g}, and the "
            "model has neither lower_layers() nor a head to tell apart; leave both at 1."
        )
    return {
        id(parameter): settings.lower_lr * settings.layer_decay ** (len(layers) - 1 - depth)
        for depth, group in enumerate(layers)
        for parameter in group
    }
