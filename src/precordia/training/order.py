# SPDX-License-Identifier: Apache-2.0
"""Which windows a step sees: a pure function of seed, epoch and step, whoever computes it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int

#: what the random numbers are for; each purpose has a stream of its own
_ORDER, _MIXING, _AUGMENTING, _NETWORK = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Batch:
    """One step of the optimiser.

    Attributes
    ----------
    epoch, number
        Epoch, and batch within it, from 0.
    rows
        Windows, in order.
    partners, shares
        What each is mixed with, and its own share; None where nothing is mixed.
    """

    epoch: int
    number: int
    rows: Int[np.ndarray, " batch"]
    partners: Int[np.ndarray, " batch"] | None = None
    shares: Float[np.ndarray, " batch"] | None = None


def n_batches(n: int, batch_size: int) -> int:
    """Return the number of batches of an epoch.

    Examples
    --------
    >>> n_batches(10, 4)
    3
    """
    return -(-n // batch_size)


def batch_of(
    n: int, batch_size: int, *, seed: int, epoch: int, number: int, mixup: float = 0.0
) -> Batch:
    """Return a batch of an epoch.

    Parameters
    ----------
    n
        Windows of the training set.
    batch_size
        Largest number of windows of a batch; all batches of an epoch are of this size or of
        nearly the same smaller one, and each window comes once.
    seed, epoch, number
        Which batch.
    mixup
        Parameter of the beta distribution of the shares; 0 mixes nothing.

    Notes
    -----
    Mixup after Zhang et al., arXiv 1710.09412, with a share of its own for each window.

    Examples
    --------
    >>> batches = [batch_of(5, 2, seed=0, epoch=0, number=k).rows for k in range(3)]
    >>> [len(rows) for rows in batches], sorted(np.concatenate(batches).tolist())
    ([1, 2, 2], [0, 1, 2, 3, 4])
    """
    order = _epoch_order(n, seed, epoch)
    steps = n_batches(n, batch_size)
    first, last = (k * n // steps for k in (number, number + 1))
    rows = order[first:last]
    if not mixup:
        return Batch(epoch, number, rows)
    rng = np.random.default_rng([_MIXING, seed, epoch, number])
    shares = rng.beta(mixup, mixup, len(rows)).astype(np.float32)
    return Batch(
        epoch, number, rows, rows[rng.permutation(len(rows))], np.maximum(shares, 1 - shares)
    )


_last_order: dict[tuple[int, int, int], np.ndarray] = {}


def _epoch_order(n: int, seed: int, epoch: int) -> np.ndarray:
    """Return the order of an epoch; the last one is remembered."""
    key = (n, seed, epoch)
    if (held := _last_order.get(key)) is None:
        held = np.random.default_rng([_ORDER, seed, epoch]).permutation(n)
        _last_order.clear()
        _last_order[key] = held
    return held


def shares_of_work(n: int, grain: int, n_parts: int) -> list[slice]:
    """Divide the windows of a batch, in order and by whole grains, as evenly as that goes.

    Examples
    --------
    >>> shares_of_work(20, 8, 2)
    [slice(0, 8, None), slice(8, 20, None)]
    """
    grains = -(-n // grain)
    bounds = [min(k * grains // n_parts * grain, n) for k in range(n_parts + 1)]
    return [slice(a, b) for a, b in pairwise(bounds)]


def augmentation_seed(seed: int, epoch: int, number: int, grain: int) -> int:
    """Return the seed of the random numbers for one grain of a batch."""
    return _drawn([_AUGMENTING, seed, epoch, number, grain])


def network_seed(seed: int, step: int, part: int) -> int:
    """Return the seed of what the network itself draws (dropout) in one pass of a step."""
    return _drawn([_NETWORK, seed, step, part])


def _drawn(key: list[int]) -> int:
    words = np.random.SeedSequence(key).generate_state(2, np.uint32)
    return int(words[0]) << 31 | int(words[1] >> 1)
