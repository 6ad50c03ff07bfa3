# SPDX-License-Identifier: Apache-2.0
"""The losses by name: each gives one number for each label, and nothing where it is unknown.

Listing them loads no PyTorch.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

from precordia.core.errors import OptionError, unknown_name
from precordia.core.registry import load_object
from precordia.training.class_weights import positive_weights, statement_weights

#: of logits and labels, a loss for each label
Loss = Callable[[Any, Any], Any]

_TABLE = {
    "bce": "precordia.training.classification_losses:binary_cross_entropy",
    "focal": "precordia.training.classification_losses:focal",
    "asymmetric": "precordia.training.classification_losses:asymmetric",
    "cross-entropy": "precordia.training.classification_losses:cross_entropy",
    "distillation": "precordia.training.distillation:binary_distillation",
    "softmax-distillation": "precordia.training.distillation:softmax_distillation",
    "l1": "precordia.training.regression_losses:absolute_error",
    "mse": "precordia.training.regression_losses:squared_error",
    "huber": "precordia.training.regression_losses:huber",
}


def list_losses() -> tuple[str, ...]:
    """Return the names of all losses.

    Examples
    --------
    >>> "asymmetric" in list_losses()
    True
    """
    return tuple(_TABLE)


def load_loss(
    name: str, *, labels: Float[np.ndarray, "record ..."] | None = None, **options: Any
) -> Loss:
    """Return a loss with its options settled.

    Parameters
    ----------
    name
        One of `list_losses`.
    labels
        Of the training set, where an option is to be counted from them.
    **options
        Of the loss. ``positive_weight`` and ``statement_weight`` may be ``"balanced"`` or
        ``"effective"``: see `precordia.training.class_weights`.

    Returns
    -------
    A function of logits and labels that gives a loss for each label, zero where it is NaN.

    Raises
    ------
    UnknownNameError
        If there is no such loss or option.
    OptionError
        If a weight is to be counted and no labels came.

    Examples
    --------
    >>> import torch
    >>> loss = load_loss("focal", gamma=0.0)
    >>> loss(torch.zeros(1, 2), torch.tensor([[1.0, float("nan")]])).round(decimals=3)
    tensor([[0.6930, 0.0000]])
    """
    if name not in _TABLE:
        raise unknown_name("loss", name, _TABLE, listing=", ".join(list_losses()))
    function = load_object(_TABLE[name], extra="train", purpose="a loss")
    known = list(inspect.signature(function).parameters)[2:]
    for option in options:
        if option not in known:
            listing = ", ".join(known) or "none"
            raise unknown_name(f"option of the loss '{name}'", option, known, listing=listing)
    settled = {key: _settled(key, value, labels) for key, value in options.items()}
    made = functools.partial(function, **settled) if settled else function
    _try(made, name, settled)
    return made


def _settled(key: str, value: Any, labels: np.ndarray | None) -> Any:
    if key not in ("positive_weight", "statement_weight") or value is None:
        return value
    if isinstance(value, str):
        if labels is None:
            raise OptionError(
                f"{key} = '{value}' is counted from the labels of the training set, and none came."
            )
        counted = positive_weights if key == "positive_weight" else statement_weights
        value = counted(np.asarray(labels, float), method=value)
    import torch

    return torch.as_tensor(np.asarray(value, np.float32))


def _try(made: Loss, name: str, settled: dict[str, Any]) -> None:
    """Let a loss refuse its options before the first batch does."""
    import torch

    sizes = [len(weight) for key, weight in settled.items() if key.endswith("_weight")]
    logits = torch.zeros(0, sizes[0] if sizes else 2)
    made(logits, logits[:, 0] if name == "cross-entropy" else logits)
