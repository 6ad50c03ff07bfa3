# SPDX-License-Identifier: Apache-2.0
"""What a model says of windows, batch by batch, without a gradient."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from precordia.training.training_set import TrainingSet


def predict(
    model: nn.Module,
    windows: TrainingSet | Float[np.ndarray, "batch lead sample"],
    *,
    present: Bool[np.ndarray, "batch lead"] | None = None,
    batch_size: int = 256,
    precision: str = "float32",
) -> Float[np.ndarray, "batch ..."]:
    """Return a model's logits for windows.

    Parameters
    ----------
    model
        The model, on whichever device it is. It is left in the mode in which it came.
    windows
        The windows, or a training set of them.
    present
        Which leads were recorded; taken from a training set that has them.
    batch_size
        Windows at a time.
    precision
        As in `TrainingSettings`.

    Examples
    --------
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(6, 3))
    >>> predict(model, np.zeros((5, 2, 3), np.float32)).shape
    (5, 3)
    """
    held = windows if isinstance(windows, TrainingSet) else None
    n = len(windows)
    if held is not None and present is None:
        present = held.present
    found = []
    for first in range(0, n, batch_size):
        rows = np.arange(first, min(first + batch_size, n))
        piece = held.gather(rows) if held is not None else np.asarray(windows[rows], np.float32)
        there = None if present is None else torch.from_numpy(np.ascontiguousarray(present[rows]))
        found.append(predict_batch(model, torch.from_numpy(piece), there, precision=precision))
    return torch.cat(found).numpy() if found else np.zeros((0, 0), np.float32)


@torch.no_grad()
def predict_batch(
    model: nn.Module,
    windows: Float[Tensor, "batch lead sample"],
    present: Bool[Tensor, "batch lead"] | None,
    *,
    precision: str = "float32",
) -> Float[Tensor, "batch ..."]:
    """Return the logits of one batch in evaluation mode, on the CPU."""
    device = device_of(model)
    training = model.training
    model.eval()
    try:
        with autocast(device, precision):
            there = None if present is None else present.to(device)
            logits = call(model, windows.to(device), there)
        return logits.float().cpu()
    finally:
        model.train(training)


def call(model: nn.Module, windows: Tensor, present: Tensor | None) -> Any:
    """Call a model, with the leads that are there if it asks for them."""
    return model(windows, present) if present is not None and _asks(model) else model(windows)


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Return the context in which products are of a precision."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


def device_of(model: nn.Module) -> torch.device:
    """Return where a model is."""
    tensors: Iterable[Tensor] = (*model.parameters(), *model.buffers())
    return next((t.device for t in tensors), torch.device("cpu"))


def _asks(model: nn.Module) -> bool:
    parameters = inspect.signature(model.forward).parameters.values()
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters) > 1
