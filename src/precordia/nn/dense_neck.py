# SPDX-License-Identifier: Apache-2.0
"""What may stand between an embedding and the last layer: a hidden layer with its norms."""

from __future__ import annotations

from torch import nn


def dense_neck(n_in: int, hidden: int, *, dropout: float) -> nn.Sequential:
    """Make normalisation, dropout, a rectified linear layer, normalisation and dropout.

    Parameters
    ----------
    n_in, hidden
        Numbers that come in and go out.
    dropout
        Share of numbers hidden before the last layer while training; half of it before the hidden
        layer.

    Examples
    --------
    >>> dense_neck(512, 128, dropout=0.5)[1].p
    0.25
    """
    return nn.Sequential(
        nn.BatchNorm1d(n_in),
        nn.Dropout(dropout / 2),
        nn.Linear(n_in, hidden),
        nn.ReLU(),
        nn.BatchNorm1d(hidden),
        nn.Dropout(dropout),
    )
