# SPDX-License-Identifier: Apache-2.0
"""The small networks behind an encoder in which objectives compare embeddings."""

from __future__ import annotations

from torch import nn

from precordia.core.errors import OptionError


def projector(n_in: int, hidden: int, n_out: int, *, n_layers: int = 2) -> nn.Sequential:
    """Make linear layers with batch normalisation and rectification between them.

    Parameters
    ----------
    n_in, hidden, n_out
        Numbers that come in, stand between layers, and go out.
    n_layers
        Number of linear layers.

    Notes
    -----
    A head of several layers, which is thrown away afterwards, keeps in the embedding what the
    objective itself has no use for (Chen et al., section 4.2).

    References
    ----------
    Chen T, et al. ICML 2020. arXiv:2002.05709

    Examples
    --------
    >>> [type(layer).__name__ for layer in projector(8, 16, 4)]
    ['Linear', 'BatchNorm1d', 'ReLU', 'Linear']
    """
    for name, value in (("hidden", hidden), ("projected", n_out), ("n_layers", n_layers)):
        if value < 1:
            raise OptionError(f"{name} is {value}; a whole number, 1 or more, is needed.")
    layers: list[nn.Module] = []
    for _ in range(n_layers - 1):
        layers += [nn.Linear(n_in, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU()]
        n_in = hidden
    return nn.Sequential(*layers, nn.Linear(n_in, n_out))
