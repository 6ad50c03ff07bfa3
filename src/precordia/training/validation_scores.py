# SPDX-License-Identifier: Apache-2.0
"""How good logits are on a validation set: the number that chooses the epoch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float

from precordia.core.errors import OptionError, unknown_name
from precordia.training.training_set import TrainingSet

Labels = Float[np.ndarray, "batch ..."]
#: which scores a task has; the first is its default. Of each but the losses, more is better.
METRICS = {
    "multilabel": ("macro_auroc", "loss"),
    "multiclass": ("macro_auroc", "accuracy", "loss"),
    "regression": ("loss", "mean_absolute_error"),
    "sample-classes": ("accuracy", "macro_dice", "loss"),
}
LESS_IS_BETTER = ("loss", "mean_absolute_error")


def chosen_metric(task: str, name: str) -> str:
    """Return the metric of a task, checked.

    Raises
    ------
    UnknownNameError
        If the task has no such metric.

    Examples
    --------
    >>> chosen_metric("multilabel", "")
    'macro_auroc'
    """
    known = METRICS[task]
    if name and name not in known:
        raise unknown_name(f"metric of {task}", name, known, listing=", ".join(known))
    return name or known[0]


def check_choice(valid: TrainingSet, metric: str) -> None:
    """Check that the metric which is to choose the epoch is a number on a validation set.

    Raises
    ------
    OptionError
        If it is the macro AUROC and no class has both positives and negatives there.

    Examples
    --------
    >>> rare = TrainingSet(windows=np.zeros((3, 1, 8), np.float32), labels=np.zeros((3, 1)))
    >>> check_choice(rare, "loss")
    """
    if chosen_metric(valid.task, metric) != "macro_auroc":
        return
    columns = one_column_a_class(np.asarray(valid.labels), len(valid.classes)).T
    if not any((column == 1).any() and (column == 0).any() for column in columns):
        raise OptionError(
            f"windows for validation ({len(valid)}): no class has one with it and one without it, "
            "so that macro AUROC cannot choose an epoch. Give more records or other folds, or "
            'choose by training.metric = "loss".'
        )


def auroc(scores: Float[np.ndarray, " batch"], positive: Bool[np.ndarray, " batch"]) -> float:
    """Return the area under the ROC curve; NaN without positives or without negatives.

    Notes
    -----
    The Mann-Whitney statistic; a tie counts half.

    Examples
    --------
    >>> auroc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]))
    0.75
    """
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    if not n_positive or not n_negative:
        return float("nan")
    _, place, times = np.unique(scores, return_inverse=True, return_counts=True)
    rank = (np.cumsum(times) - (times - 1) / 2)[place]
    above = rank[positive].sum() - n_positive * (n_positive + 1) / 2
    return float(above / (n_positive * n_negative))


def class_aurocs(
    logits: Float[np.ndarray, "batch statement"], labels: Float[np.ndarray, "batch statement"]
) -> Float[np.ndarray, " statement"]:
    """Return the AUROC of each class over the records where it is known."""
    areas = np.full(labels.shape[1], np.nan)
    for k in range(labels.shape[1]):
        known = ~np.isnan(labels[:, k])
        areas[k] = auroc(logits[known, k], labels[known, k] > 0.5)
    return areas


def macro_auroc(logits: Labels, labels: Labels) -> float:
    """Return the mean AUROC of the classes that have one; NaN where none has.

    Examples
    --------
    >>> macro_auroc(np.eye(2), np.eye(2))
    1.0
    """
    areas = class_aurocs(logits, one_column_a_class(labels, logits.shape[1]))
    known = areas[~np.isnan(areas)]
    return float(known.mean()) if known.size else float("nan")


def accuracy(logits: Labels, labels: Labels) -> float:
    """Return the share of known labels that the highest logit names."""
    if labels.ndim == logits.ndim:  # classes side by side
        known = ~np.isnan(labels)
        return _share((logits > 0) == (labels > 0.5), known)
    return _share(logits.argmax(axis=1) == labels, ~np.isnan(labels))


def macro_dice(logits: Labels, labels: Labels) -> float:
    """Return the mean over classes of Dice's coefficient of the samples they cover.

    Notes
    -----
    Class 0 of classes that exclude each other is taken for the background and left out.
    """
    side_by_side = labels.ndim == logits.ndim
    coefficients = []
    for k in range(0 if side_by_side else 1, logits.shape[1]):
        truth = labels[:, k] if side_by_side else labels
        known = ~np.isnan(truth)
        said = ((logits[:, k] > 0) if side_by_side else (logits.argmax(axis=1) == k))[known]
        meant = (truth[known] > 0.5) if side_by_side else (truth[known] == k)
        if total := int(said.sum() + meant.sum()):
            coefficients.append(2 * int((said & meant).sum()) / total)
    return float(np.mean(coefficients)) if coefficients else float("nan")


def mean_absolute_error(outputs: Labels, labels: Labels) -> float:
    """Return the mean over known labels of how far outputs are from them."""
    known = ~np.isnan(labels)
    return float(np.abs(outputs - labels)[known].mean()) if known.any() else float("nan")


SCORES: dict[str, Callable[[Labels, Labels], float]] = {
    "macro_auroc": macro_auroc,
    "accuracy": accuracy,
    "macro_dice": macro_dice,
    "mean_absolute_error": mean_absolute_error,
}


def by_record(
    held: TrainingSet, logits: np.ndarray
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Return mean logits, labels and patient of each record, where records have several windows."""
    if len(set(held.names)) == len(held):
        return logits, held.labels, tuple(held.patients)
    _, rows, group = np.unique(np.array(held.names), return_index=True, return_inverse=True)
    total = np.zeros((len(rows), *logits.shape[1:]))
    np.add.at(total, group, logits)
    n_windows = np.bincount(group).reshape(-1, *(1,) * (logits.ndim - 1))
    patients = tuple(held.patients[k] for k in rows)
    return (total / n_windows).astype(np.float32), held.labels[rows], patients


def _share(right: np.ndarray, known: np.ndarray) -> float:
    return float(right[known].mean()) if known.any() else float("nan")


def one_column_a_class(labels: Labels, n_classes: int) -> Labels:
    """Return labels as 0 and 1 for each class, where they are numbers of classes.

    Examples
    --------
    >>> one_column_a_class(np.array([1.0, np.nan]), 2)
    array([[ 0.,  1.],
           [nan, nan]], dtype=float32)
    """
    if labels.ndim == 2:
        return labels
    columns = (labels[:, None] == np.arange(n_classes)).astype(np.float32)
    columns[np.isnan(labels)] = np.nan
    return columns
