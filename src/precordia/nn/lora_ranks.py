# SPDX-License-Identifier: Apache-2.0
"""Give higher ranks to the layers whose change would matter most, in one pass over the data."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from precordia.nn.lora import lora_layers


def layer_importance(
    model: nn.Module, batches: Iterable[Any], loss: Callable[[nn.Module, Any], Tensor]
) -> dict[str, float]:
    """Measure how much each layer's change would matter.

    Parameters
    ----------
    model
        With changes that have not been trained (`add_lora`, at the higher rank).
    batches
        Labelled batches.
    loss
        Of the model and a batch, one number.

    Returns
    -------
    Importance by name of layer.

    Raises
    ------
    ValueError
        If the model has no changes, or there is no batch.

    Notes
    -----
    The Taylor importance of CE-SSL: the mean over weights of ``(W * (dL/dB A))^2``, averaged over
    batches; at the start B is zero, so that its gradient alone says where a change would go.
    *Departures*: the network runs as in use (no dropout, norms with their statistics), so that the
    measurement changes nothing and can be repeated.

    References
    ----------
    Zhou R et al. (CE-SSL). arXiv:2406.14377

    Examples
    --------
    >>> from precordia.nn.lora import add_lora
    >>> model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 1))
    >>> _ = add_lora(model, rank=2)
    >>> found = layer_importance(model, [torch.ones(4, 3)], lambda m, x: m(x).sum())
    >>> sorted(found)
    ['0', '1']
    """
    layers = list(lora_layers(model))
    if not layers:
        raise ValueError("the model has no low-rank changes to compare; call add_lora(...) first.")
    training = model.training
    model.eval()
    total = dict.fromkeys((name for name, _, _ in layers), 0.0)
    n_batches = 0
    try:
        for batch in batches:
            gradients = torch.autograd.grad(
                loss(model, batch), [change.up for _, _, change in layers], allow_unused=True
            )
            n_batches += 1
            for (name, layer, change), gradient in zip(layers, gradients, strict=True):
                if gradient is None:
                    continue
                weight = layer.parametrizations.weight.original.flatten(1)
                with torch.no_grad():
                    total[name] += float(((weight * (gradient @ change.down)) ** 2).mean())
    finally:
        model.train(training)
    if not n_batches:
        raise ValueError("no batch came; at least one is needed to compare layers.")
    return {name: value / n_batches for name, value in total.items()}


def allocate_ranks(
    importance: dict[str, float], *, high: int = 16, low: int = 8, share: float = 0.1
) -> dict[str, int]:
    """Give the most important layers the higher rank, all others the lower one.

    Parameters
    ----------
    importance
        From `layer_importance`.
    high, low
        The two ranks.
    share
        Of the layers that get the higher one, rounded to at least one layer.

    Returns
    -------
    Rank by name of layer, for `precordia.nn.lora.add_lora`.

    Raises
    ------
    ValueError
        If ranks or share are impossible.

    References
    ----------
    Zhou R et al. (CE-SSL). arXiv:2406.14377

    Examples
    --------
    >>> allocate_ranks({"a": 0.1, "b": 3.0, "c": 0.2}, high=4, low=2)
    {'a': 2, 'b': 4, 'c': 2}
    """
    if not 1 <= low <= high or not 0 <= share <= 1:
        raise ValueError(
            f"ranks {high} and {low} with a share of {share} came; high >= low >= 1 and a share "
            "from 0 to 1 are needed."
        )
    n_high = max(1, round(share * len(importance))) if share else 0
    order = sorted(importance, key=lambda name: (-importance[name], name))
    chosen = set(order[:n_high])
    return {name: high if name in chosen else low for name in importance}
