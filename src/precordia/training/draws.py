# SPDX-License-Identifier: Apache-2.0
"""Random numbers that belong to a record, whatever batch or process it is in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int, Integer
from torch import Tensor

_MASK = (1 << 63) - 1


class Draws:
    """Uniform numbers for each record of a batch, from a stream of its own.

    Parameters
    ----------
    keys
        One whole number per record.

    Notes
    -----
    Each stream is a `torch.Generator` (Mersenne twister on the processor) that starts from the key
    of the record and the name of the stream. Only uniform numbers are drawn, because these do not
    depend on how many are asked for at once.

    Examples
    --------
    >>> both = draws_of(seed=1, epoch=0, records=[7, 9]).uniform("gain", 3)
    >>> alone = draws_of(seed=1, epoch=0, records=[9]).uniform("gain", 3)
    >>> bool((both[1] == alone[0]).all())
    True
    """

    def __init__(self, keys: Integer[np.ndarray, " batch"]) -> None:
        self.keys = np.asarray(keys).astype(np.uint64)

    def __len__(self) -> int:
        return len(self.keys)

    def uniform(self, stream: str, n: int) -> Float[Tensor, "batch dim"]:
        """Draw ``n`` numbers from 0 to 1 for each record."""
        starts = _mixed(self.keys ^ np.uint64(_word(stream)))
        generator = torch.Generator()
        result = torch.empty(len(starts), n)
        for row, start in zip(result, starts.tolist(), strict=True):
            row.uniform_(generator=generator.manual_seed(start & _MASK))
        return result

    def between(
        self, stream: str, low: float, high: float, n: int = 1
    ) -> Float[Tensor, "batch dim"]:
        """Draw ``n`` numbers between two bounds for each record."""
        return low + (high - low) * self.uniform(stream, n)

    def normal(self, stream: str, n: int) -> Float[Tensor, "batch dim"]:
        """Draw ``n`` numbers of the standard normal distribution for each record."""
        inside = self.uniform(stream, n).clamp(1e-6, 1 - 1e-6)
        return torch.erfinv(2 * inside - 1) * 2**0.5

    def of(self, rows: Int[Tensor, " some"]) -> Draws:
        """Return the draws of some of the records."""
        return Draws(self.keys[rows.numpy()])

    def within(self, step: int) -> Draws:
        """Return other streams for the same records: those of one step of several."""
        return Draws(_mixed(self.keys + np.uint64(step + 1)))


def draws_of(*, seed: int, epoch: int, records: Sequence[int] | Int[np.ndarray, " batch"]) -> Draws:
    """Make the draws of records in an epoch.

    Parameters
    ----------
    seed, epoch
        Of the training.
    records
        Number of each record in its training set.

    Examples
    --------
    >>> len(draws_of(seed=0, epoch=3, records=[5, 6]))
    2
    """
    start = _mixed(_mixed(np.array([seed & _MASK], np.uint64)) + np.uint64(epoch))
    return Draws(_mixed(start + np.asarray(records).astype(np.uint64)))


def _mixed(words: np.ndarray) -> np.ndarray:
    """Scatter whole numbers over 64 bits (the finaliser of SplitMix64)."""
    with np.errstate(over="ignore"):
        z = words + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def _word(stream: str) -> int:
    """Give a stream a number that no machine changes."""
    value = 0xCBF29CE484222325  # FNV-1a
    for byte in stream.encode():
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value
