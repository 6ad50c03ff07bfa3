# SPDX-License-Identifier: Apache-2.0
"""What every network is that makes signals of noise: no encoder, but filled with weights alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor, nn

from precordia.models.signal_shape import SignalShape


class Generator(nn.Module):
    """A network that makes signals step by step.

    A new one is a subclass and a row of `precordia.models.generators`. It takes weights that others
    publish by ``rename_weights`` and ``left_out_weights``, as an `Encoder` does.

    Parameters
    ----------
    shape
        What stands on the rows and columns of the signals.

    Attributes
    ----------
    name, options
        What `load_generator` was asked for.
    """

    #: regular expressions of whole keys of a published checkpoint that are knowingly not used
    left_out_weights: ClassVar[tuple[str, ...]] = ()

    def __init__(self, shape: SignalShape) -> None:
        super().__init__()
        self.shape = shape
        self.name = ""
        self.options: dict[str, Any] = {}

    def published_outputs(self, noisy: Tensor, step: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return by name what the code of the authors of published weights returns."""
        raise NotImplementedError

    def rename_weights(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return weights by the authors' keys under the network's own."""
        raise NotImplementedError
