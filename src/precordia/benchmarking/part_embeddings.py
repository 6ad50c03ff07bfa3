# SPDX-License-Identifier: Apache-2.0
"""Embeddings of the records of a part: the mean over the windows of each."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from precordia.benchmarking.withheld import Part, WindowSet
from precordia.core.errors import OptionError
from precordia.core.input_spec import InputSpec

if TYPE_CHECKING:
    from precordia.benchmarking.networks import Network

#: windows that go through an encoder at a time
_BATCH = 128


def embedder(network: Network, *, seed: int) -> Callable[[Part], Float[np.ndarray, "batch dim"]]:
    """Return what gives the mean embedding of each record of a part; a part keeps its own."""
    encoder = network.load(0, seed=seed)
    key = f"embedding {network.weights_hash or ('random', network.options, seed)}"
    key += f" {network.architecture} {network.spec.fingerprint}"

    def embed(part: Part) -> np.ndarray:
        if key not in part.kept:
            part.kept[key] = embed_windows(encoder, part, network.spec)
        return part.kept[key]

    return embed


def usable(
    embeddings: Float[np.ndarray, "batch dim"], rows: Int[np.ndarray, " _"]
) -> tuple[Int[np.ndarray, " seen"], Float[np.ndarray, "seen dim"]]:
    """Return those of the rows that have an embedding, and their embeddings."""
    kept = rows[np.isfinite(embeddings[rows]).all(axis=1)]
    return kept, embeddings[kept]


def embed_windows(encoder: Any, part: Part, spec: InputSpec) -> Float[np.ndarray, "batch dim"]:
    """Mean embedding of the windows of each record; NaN where it has none."""
    from precordia.models.frozen import encode_frozen

    encoder.eval()
    found: list[tuple[range, np.ndarray]] = []
    for rows, held in part.window_pieces(spec):
        values = [
            encode_frozen(
                encoder,
                held.windows[first : first + _BATCH],
                held.present[first : first + _BATCH],
            )
            for first in range(0, len(held.windows), _BATCH)
        ]
        if values:
            here = dataclasses.replace(held, owner=held.owner - rows.start)
            joined = np.concatenate(values).astype(float)
            found.append((rows, mean_of_windows(joined, here, len(rows))))
    if not found:
        raise OptionError(
            f"none of {len(part)} records could be prepared for the model; at least one is needed."
        )
    embeddings = np.full((len(part), found[0][1].shape[1]), np.nan)
    for rows, means in found:
        embeddings[rows.start : rows.stop] = means
    return embeddings


def mean_of_windows(
    values: Float[np.ndarray, "window dim"], held: WindowSet, n_records: int
) -> Float[np.ndarray, "batch dim"]:
    """Average what was said of the windows of each record; NaN where there is none."""
    total = np.zeros((n_records, values.shape[1]))
    np.add.at(total, held.owner, values)
    n = np.bincount(held.owner, minlength=n_records)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(n[:, None] > 0, total / n[:, None], np.nan)
