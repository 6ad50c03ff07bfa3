# SPDX-License-Identifier: Apache-2.0
"""How many samples a token of a convolutional network sees."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn

#: paths that lead around a block look at less than the block itself
_AROUND = "around"


def receptive_field(stages: Iterable[nn.Module]) -> int:
    """Return how many samples a token sees, layers being passed in the order of their making.

    Parameters
    ----------
    stages
        Layers from the input upwards; what is named ``around`` (the way around a residual block)
        is passed over.

    Examples
    --------
    >>> receptive_field([nn.Conv1d(1, 1, 7, stride=2), nn.MaxPool1d(3, stride=2)])
    11
    """
    seen, jump = 1, 1
    for stage in stages:
        for name, layer in stage.named_modules():
            if _AROUND in name.split("."):
                continue
            if isinstance(layer, (nn.Conv1d, nn.MaxPool1d, nn.AvgPool1d)):
                dilation = _first(getattr(layer, "dilation", 1))
                seen += (_first(layer.kernel_size) - 1) * dilation * jump
                jump *= _first(layer.stride)
    return seen


def _first(value: int | tuple[int, ...]) -> int:
    return value[0] if isinstance(value, tuple) else value
