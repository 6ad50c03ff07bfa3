# SPDX-License-Identifier: Apache-2.0
"""Which records share a batch: balanced by statement, apart or in pairs by patient."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from precordia.core.errors import OptionError, SignalError

#: what the random numbers are for; each purpose has a stream of its own
_RESAMPLING, _PAIRING = 11, 12


def record_weights(
    labels: Float[np.ndarray, "record statement"], *, power: float = 0.5
) -> Float[np.ndarray, " record"]:
    """Weigh each record by the rarest statement that it has.

    Parameters
    ----------
    labels
        0 or 1; NaN where unknown.
    power
        0: all weigh the same. 1: every statement's records weigh the same in sum, if each record
        has one statement. 0.5 is between.

    Returns
    -------
    Weights with a mean of 1. A record without any statement weighs as one of the commonest.

    Raises
    ------
    OptionError
        If ``power`` is negative.

    Examples
    --------
    >>> record_weights(np.array([[1.0, 0], [1, 0], [1, 0], [0, 1]]), power=1.0).round(2)
    array([0.67, 0.67, 0.67, 2.  ])
    """
    if power < 0:
        raise OptionError(f"power is {power}; 0 or more is needed.")
    positive = np.asarray(labels) == 1
    count = positive.sum(axis=0)
    commonest = max(int(count.max(initial=0)), 1)
    rarest = np.where(positive, count, commonest).min(axis=1, initial=commonest)
    weights = rarest.astype(float) ** -power
    return weights / weights.mean()


def resampled_order(
    weights: Float[np.ndarray, " record"], *, seed: int, epoch: int, n: int | None = None
) -> Int[np.ndarray, " draw"]:
    """Draw the records of an epoch so that each comes as often as it weighs.

    Parameters
    ----------
    weights
        Of each record, not negative.
    seed, epoch
        Of the training.
    n
        Records drawn; as many as there are by default.

    Returns
    -------
    Rows in random order. A record that should come 2.3 times comes twice or three times.

    Raises
    ------
    OptionError
        If no weight is positive, or one is negative or NaN.

    Notes
    -----
    Systematic resampling: one random number, and equal steps through the summed weights.

    Examples
    --------
    >>> sorted(resampled_order(np.array([3.0, 1, 0]), seed=0, epoch=0, n=4).tolist())
    [0, 0, 0, 1]
    """
    share = np.asarray(weights, float)
    if not (np.isfinite(share) & (share >= 0)).all() or not share.sum() > 0:
        raise OptionError("weights must be finite and not negative, and one must be positive.")
    n_drawn = len(share) if n is None else n
    rng = np.random.default_rng([_RESAMPLING, seed, epoch])
    shuffled = rng.permutation(len(share))  # neighbours are not drawn together every time
    ends = np.cumsum(share[shuffled])
    places = (np.arange(n_drawn) + rng.random()) * (ends[-1] / max(n_drawn, 1))
    chosen = shuffled[np.minimum(np.searchsorted(ends, places, side="right"), len(share) - 1)]
    return rng.permutation(chosen)


def batches_apart(
    order: Int[np.ndarray, " draw"], patients: Sequence[str] | np.ndarray, batch_size: int
) -> list[Int[np.ndarray, " batch"]]:
    """Divide records into batches in which no patient comes twice.

    In contrastive learning two recordings of one patient are no strangers to each other.

    Parameters
    ----------
    order
        Rows, in the order in which they should come.
    patients
        Patient of each row of the set.
    batch_size
        Largest batch.

    Returns
    -------
    Batches; every row of ``order`` is in one. Those at the end are smaller where few patients are
    left.

    Raises
    ------
    OptionError
        If the batch is empty.

    Examples
    --------
    >>> [b.tolist() for b in batches_apart(np.arange(4), ["a", "a", "b", "c"], 2)]
    [[0, 2], [1, 3]]
    """
    if batch_size < 1:
        raise OptionError(f"batch_size is {batch_size}; at least 1 is needed.")
    whose = np.unique(np.asarray(patients), return_inverse=True)[1].tolist()
    waiting, coming = deque(), deque(np.asarray(order).tolist())
    batches = []
    while waiting or coming:
        batch: list[int] = []
        held: set[int] = set()
        for source in (waiting, coming):
            passed = deque()
            while source and len(batch) < batch_size:
                row = source.popleft()
                if whose[row] in held:
                    passed.append(row)
                else:
                    batch.append(row)
                    held.add(whose[row])
            if source is waiting:
                source.extendleft(reversed(passed))
            else:
                waiting.extend(passed)
        batches.append(np.array(batch))
    return batches


def paired_batches(
    patients: Sequence[str] | np.ndarray, batch_size: int, *, seed: int, epoch: int
) -> list[Int[np.ndarray, "pair 2"]]:
    """Draw two records of each patient who has two, and divide the pairs into batches.

    For objectives that take two recordings of one patient for two views of one thing.

    Parameters
    ----------
    patients
        Patient of each row of the set.
    batch_size
        Largest number of records, thus twice that of pairs.
    seed, epoch
        Of the training.

    Returns
    -------
    Rows of the pairs of each batch; no patient comes twice in an epoch.

    Raises
    ------
    OptionError
        If the batch holds no pair.
    SignalError
        If no patient has two records.

    Examples
    --------
    >>> pairs = paired_batches(["a", "b", "a"], 2, seed=0, epoch=0)
    >>> sorted(pairs[0][0].tolist())
    [0, 2]
    """
    if batch_size < 2:
        raise OptionError(f"batch_size is {batch_size}; at least 2 is needed for a pair.")
    names, whose = np.unique(np.asarray(patients), return_inverse=True)
    rng = np.random.default_rng([_PAIRING, seed, epoch])
    shuffled = rng.permutation(len(whose))
    first = np.full((len(names), 2), -1)
    n_found = np.zeros(len(names), int)
    for row in shuffled:
        owner = whose[row]
        if n_found[owner] < 2:
            first[owner, n_found[owner]] = row
            n_found[owner] += 1
    pairs = rng.permutation(first[n_found == 2])
    if not len(pairs):
        raise SignalError(
            f"{len(names)} patients have one record each; pairs need patients with two. Use views "
            "of one record instead."
        )
    size = batch_size // 2
    return [pairs[k : k + size] for k in range(0, len(pairs), size)]
