# SPDX-License-Identifier: Apache-2.0
"""What every adapter is: it stands between recordings and a causal language model."""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor, nn

#: number that stands in a row of tokens where a vector of a recording goes
PLACE = -1
Takes = Literal["signal", "embedding", "symbols"]


class Adapter(nn.Module, abc.ABC):
    """Show recordings to a language model.

    An adapter is made for a network, attached to it, and then asked twice: before, which numbers
    stand for a recording in a row of tokens (`places`), and during the pass, which vectors
    (`forward`). One that shows recordings elsewhere than among the tokens does so inside
    `shown`.

    Attributes
    ----------
    takes
        What it is given of a recording: its ``"signal"`` (lead, sample), an ``"embedding"``
        (dim,), or ``"symbols"`` (number,).
    fills_places
        Whether what `forward` gives goes to the places among the tokens.
    """

    name: ClassVar[str]
    takes: ClassVar[Takes]
    fills_places: ClassVar[bool] = True

    @abc.abstractmethod
    def places(self, recording: np.ndarray) -> list[int]:
        """Return the numbers that stand for a recording in a row of tokens.

        `PLACE` where a vector goes; others are rows of the vocabulary.
        """

    def attach(self, network: nn.Module) -> None:
        """Change the network where the adapter needs it; by default nowhere."""

    def detach(self) -> None:
        """Give the network back as it was."""

    @contextlib.contextmanager
    def shown(
        self, vectors: Tensor | None, rows: Int[Tensor, " recording"], n_rows: int
    ) -> Iterator[None]:
        """Show vectors elsewhere than among the tokens while the block lasts.

        Parameters
        ----------
        vectors
            What `forward` gave, one row a recording.
        rows
            Row of tokens that each recording belongs to.
        n_rows
            Number of rows.
        """
        yield

    @abc.abstractmethod
    def forward(self, recordings: Tensor) -> Float[Tensor, "recording place width"] | None:
        """Return the vectors of recordings; None where symbols alone stand for them."""

    @abc.abstractmethod
    def options(self) -> dict[str, Any]:
        """Return what `make_adapter` must be told to make it again."""
