# SPDX-License-Identifier: Apache-2.0
"""How well classes of samples are told, with 95 % intervals over patients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from precordia.training.score_intervals import draws_of_patients, with_interval


def sample_scores_with_intervals(
    said: Int[np.ndarray, "batch sample"],
    labels: Float[np.ndarray, "batch sample"],
    classes: Sequence[str],
    patients: Sequence[str],
    *,
    majority: int,
) -> dict[str, Any]:
    """Return F1 and intersection over union of each class of samples, with intervals.

    Parameters
    ----------
    said
        Class that a model gives each sample.
    labels
        Class that it is; NaN is unknown and counts for nothing.
    classes
        Names; the first is the background, which the means leave out.
    patients
        Of each window; all windows of a patient are drawn together.
    majority
        Number of the most frequent class of the samples for training: the control, which looks at
        no recording.

    Notes
    -----
    Samples of all windows are counted together. Percentile intervals of 1000 draws of patients
    with replacement.

    Examples
    --------
    >>> labels = np.array([[0.0, 1, 1, np.nan], [0, 0, 1, 1]])
    >>> told = sample_scores_with_intervals(
    ...     np.array([[0, 1, 0, 1], [0, 0, 1, 1]]), labels, ("background", "QRS"), "ab", majority=0
    ... )
    >>> round(told["classes"]["QRS"]["f1"]["value"], 3), told["classes"]["QRS"]["iou"]["value"]
    (0.857, 0.75)
    >>> round(told["accuracy"]["value"], 3), round(told["control"]["accuracy"], 3)
    (0.857, 0.429)
    """
    counts = _counts(said, labels, len(classes))
    weights = draws_of_patients(patients).astype(np.float64)
    sums = np.concatenate([counts.sum(axis=0)[None], np.tensordot(weights, counts, axes=1)])
    control = _counts(np.full_like(said, majority), labels, len(classes)).sum(axis=0)[None]
    f1, iou, means, right = _f1(sums), _iou(sums), _macro(sums), _accuracy(sums)
    told = {
        name: {
            "f1": with_interval(float(f1[0, k]), f1[1:, k]),
            "iou": with_interval(float(iou[0, k]), iou[1:, k]),
            "f1_of_control": float(_f1(control)[0, k]),
            "n_samples": int(sums[0, k, 0] + sums[0, k, 2]),
        }
        for k, name in enumerate(classes)
    }
    return {
        "macro_f1": with_interval(float(means[0]), means[1:]),
        "accuracy": with_interval(float(right[0]), right[1:]),
        "classes": told,
        "control": {
            "says": f"{classes[majority]} for every sample",
            "macro_f1": float(_macro(control)[0]),
            "accuracy": float(_accuracy(control)[0]),
        },
    }


def _counts(said: np.ndarray, labels: np.ndarray, n_classes: int) -> np.ndarray:
    """Return rightly, wrongly and not so named samples of each window and class."""
    known = ~np.isnan(labels)
    counts = np.zeros((len(labels), n_classes, 3))
    for k in range(n_classes):
        named, meant = (said == k) & known, labels == k
        counts[:, k, 0] = (named & meant).sum(axis=1)
        counts[:, k, 1] = (named & ~meant).sum(axis=1)
        counts[:, k, 2] = (~named & meant).sum(axis=1)
    return counts


def _f1(counts: Float[np.ndarray, "draw statement 3"]) -> Float[np.ndarray, "draw statement"]:
    right, wrong, missed = np.moveaxis(counts, -1, 0)
    with np.errstate(invalid="ignore"):  # NaN for a class that is neither there nor named
        return 2 * right / (2 * right + wrong + missed)


def _iou(counts: Float[np.ndarray, "draw statement 3"]) -> Float[np.ndarray, "draw statement"]:
    right, wrong, missed = np.moveaxis(counts, -1, 0)
    with np.errstate(invalid="ignore"):
        return right / (right + wrong + missed)


def _macro(counts: Float[np.ndarray, "draw statement 3"]) -> Float[np.ndarray, " draw"]:
    """Return the mean F1 of the waves that are there, or named."""
    f1 = _f1(counts)[..., 1:]
    known = np.isfinite(f1)
    with np.errstate(invalid="ignore"):
        return np.where(known, f1, 0).sum(axis=-1) / known.sum(axis=-1)


def _accuracy(counts: Float[np.ndarray, "draw statement 3"]) -> Float[np.ndarray, " draw"]:
    with np.errstate(invalid="ignore"):
        return counts[..., 0].sum(axis=-1) / (counts[..., 0] + counts[..., 2]).sum(axis=-1)
