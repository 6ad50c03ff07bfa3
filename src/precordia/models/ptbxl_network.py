# SPDX-License-Identifier: Apache-2.0
"""What the networks of the benchmark on PTB-XL have in common: how they end."""

from __future__ import annotations

import re

from jaxtyping import Float
from torch import Tensor

from precordia.models.encoder import Encoder
from precordia.models.options import check_positive, check_share
from precordia.models.signal_shape import SignalShape
from precordia.nn.dense_neck import dense_neck
from precordia.nn.pooling import max_and_mean


class PtbxlNetwork(Encoder):
    """An encoder that ends with maximum and mean over time, and a hidden layer before the last.

    A subclass makes its layers and calls ``end_with`` last, so that weights are drawn in their
    order.

    Parameters
    ----------
    shape, n_outputs
        As in `Encoder`.
    width
        Channels of the last convolution.
    hidden
        Length of the hidden layer before the last.
    dropout
        Share hidden before the last layer while training, and half of it before the hidden one.

    References
    ----------
    Strodthoff N, Wagner P, Schaeffter T, Samek W. IEEE J Biomed Health Inform 2021;25:1519-1528.
    doi:10.1109/JBHI.2020.3022989
    """

    def __init__(
        self, shape: SignalShape, n_outputs: int, *, width: int, hidden: int, dropout: float
    ) -> None:
        check_positive("hidden", hidden)
        check_share("dropout", dropout)
        super().__init__(shape, n_outputs, dim=2 * width, token_dim=width, head_dim=hidden)

    def end_with(self, hidden: int, dropout: float) -> None:
        """Put the hidden layer between embedding and head."""
        self.neck = dense_neck(self.dim, hidden, dropout=dropout)

    def pool(
        self, tokens: Float[Tensor, "batch token dim"], present: Float[Tensor, "batch lead"] | None
    ) -> Float[Tensor, "batch dim_twice"]:
        """Return maximum and mean over time."""
        return max_and_mean(tokens)


_PARTS = {"2": "neck.0", "4": "neck.2", "6": "neck.4", "8": "head"}


def renamed_end(key: str, place: int) -> str:
    """Rename a weight of the authors' last layers, which are one layer of theirs.

    Parameters
    ----------
    key
        Its name in the authors' code.
    place
        The number of that layer among theirs.

    Examples
    --------
    >>> renamed_end("8.4.weight", 8), renamed_end("8.8.bias", 8), renamed_end("8.1.bias", 8)
    ('neck.2.weight', 'head.bias', '8.1.bias')
    """
    match = re.fullmatch(rf"{place}\.([2468])\.(\w+)", key)
    return f"{_PARTS[match[1]]}.{match[2]}" if match else key
