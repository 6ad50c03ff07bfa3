# SPDX-License-Identifier: Apache-2.0
"""The last thing done on validation records: thresholds, and the seal on what was chosen."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

import numpy as np
from jaxtyping import Float

from precordia.benchmarking.classification_metrics import best_thresholds
from precordia.benchmarking.withheld import Chosen, Part


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Turn logits into probabilities.

    Examples
    --------
    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    held = np.asarray(logits, float)
    small = np.exp(-np.abs(held))
    return np.where(held >= 0, 1 / (1 + small), small / (1 + small))


def finish(
    answer: Callable[[Part], np.ndarray],
    valid: Part,
    *,
    probabilities: Callable[[np.ndarray], np.ndarray] | None = None,
    selection: str = "",
    weights: Iterable[np.ndarray] = (),
    spec: str = "",
    notes: tuple[str, ...] = (),
) -> Chosen:
    """Choose thresholds on validation and seal the method.

    Parameters
    ----------
    answer
        Gives scores for a part.
    valid
        The validation records.
    probabilities, selection, spec, notes
        As of `Chosen`.
    weights
        Arrays that the hash of the weights is of.
    """
    return Chosen(
        answer=answer,
        thresholds=best_thresholds(valid.targets, answer(valid)),
        probabilities=probabilities,
        selection=selection,
        weights_hash=hash_arrays(weights),
        spec=spec,
        notes=notes,
    )


def hash_arrays(arrays: Iterable[np.ndarray]) -> str:
    """Return the first twelve digits of the SHA-256 of arrays; nothing where there are none.

    Examples
    --------
    >>> hash_arrays([]), hash_arrays([np.zeros(1)])
    ('', 'af5570f5a181')
    """
    held = [np.ascontiguousarray(array).tobytes() for array in arrays]
    return hashlib.sha256(b"".join(held)).hexdigest()[:12] if held else ""


def prior_logits(targets: Float[np.ndarray, "batch statement"]) -> Float[np.ndarray, " statement"]:
    """Return the logit of each class's share of positive records: what is said of the unseen.

    Examples
    --------
    >>> prior_logits(np.array([[1.0, 0.0], [0.0, 0.0]])).round(2)
    array([ 0.  , -1.61])
    """
    targets = np.asarray(targets, float)
    positive, negative = (targets == 1).sum(axis=0), (targets == 0).sum(axis=0)
    return np.log((positive + 0.5) / (negative + 0.5))
