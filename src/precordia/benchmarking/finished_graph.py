# SPDX-License-Identifier: Apache-2.0
"""A graph that ships with the package, asked for embeddings as an encoder is."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from precordia.models.runtime import load_graph


class FinishedGraph(nn.Module):
    """Embeddings of a graph that onnxruntime runs; it has nothing to learn.

    Parameters
    ----------
    name
        A model that ships, or the path of a graph (``.onnx``).
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self._graph = load_graph(name)

    def encode(
        self, x: Float[Tensor, "batch lead sample"], present: Bool[Tensor, "batch lead"] | None
    ) -> Float[Tensor, "batch dim"]:
        """Return the embedding of each window."""
        there = None if present is None or not self._graph.takes_present else present.numpy()
        return torch.from_numpy(self._graph(x.numpy(), there).embedding)
