# SPDX-License-Identifier: Apache-2.0
"""Scores over groups of statements, with intervals over patients, alone and in pairs."""

from __future__ import annotations

import numpy as np

from precordia.benchmarking.bootstrap import draw_patients
from precordia.benchmarking.classification_metrics import auroc, macro_auroc
from precordia.benchmarking.debiased_calibration import debiased_ece, pooled
from precordia.benchmarking.reliability import BINS, ece
from precordia.classification.calibration import cross_fitted
from precordia.knowledge.codes import list_codes

SUPERCLASSES = ("NORM", "MI", "STTC", "CD", "HYP")


def groups_of(classes: tuple[str, ...], labels: np.ndarray, least: int = 10) -> dict:
    """Return the columns of each group of statements with enough recordings of either kind."""
    tasks = {known.code: known.tasks for known in list_codes("scp-ecg")}
    n_super = len(SUPERCLASSES)
    often = (labels > 0).sum(0) >= least
    found = {"superclass": list(range(n_super))}
    for task in ("diagnostic", "form", "rhythm"):
        found[task] = [
            k
            for k, code in enumerate(classes)
            if k >= n_super and often[k] and task in tasks.get(code, ())
        ]
    found["all"] = [k for k in range(n_super, len(classes)) if often[k]]
    return found


def macro_with_interval(labels, scores, patients, columns, *, draws: int = 500) -> tuple:
    """Return macro AUROC and its 95 % interval over patients."""
    y, s = labels[:, columns], scores[:, columns]
    drawn = _drawn(y, s, draw_patients(patients.tolist(), draws=draws))
    return (macro_auroc(y, s, 1), *np.quantile(drawn, [0.025, 0.975]))


def paired(labels, ours, theirs, patients, columns, *, draws: int = 500) -> tuple:
    """Return how much more macro AUROC one method has than another, and the 95 % interval."""
    y, weights = labels[:, columns], draw_patients(patients.tolist(), draws=draws)
    drawn = _drawn(y, ours[:, columns], weights) - _drawn(y, theirs[:, columns], weights)
    both = [macro_auroc(y, s[:, columns], 1) for s in (ours, theirs)]
    return (both[0] - both[1], *np.quantile(drawn, [0.025, 0.975]))


def _drawn(y, s, weights) -> np.ndarray:
    return np.nanmean(np.atleast_2d(auroc(y, s, weights)), axis=1)


def calibration_error(labels, logits, patients) -> np.ndarray:
    """Return the calibration error of each superclass after cross-fitted Platt scaling."""
    return ece(*cross_fitted_answers(labels, logits, patients))


def cross_fitted_answers(labels, logits, patients) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and cross-fitted probabilities of the superclasses."""
    n = len(SUPERCLASSES)
    probabilities = cross_fitted(logits[:, :n], labels[:, :n], patients)
    # A model that learned nothing (--smoke) may have no calibration in some part.
    known = np.where(np.isfinite(probabilities), labels[:, :n], np.nan)
    return known, np.nan_to_num(probabilities, nan=0.5)


def calibration_of_all(labels, probabilities, patients) -> dict[str, list]:
    """Return the calibration error of all decisions on superclasses in bins of equal mass.

    Each with its 95 % interval and, after it, what chance alone gives: as it is, and less what
    chance is estimated to add. Drawing patients again would add chance once more, so the interval
    is that of a sum over patients whose bins, and on which side each bin errs, are held fixed.
    """
    together, true = pooled(labels, probabilities), _true_labels(probabilities)
    half = _half_interval(labels, probabilities, patients)
    found = {}
    for name, error in (("as it is", _plain), ("debiased", debiased_ece)):
        value = float(error(*together)[0])
        chance = np.mean([error(*pooled(y, probabilities))[0] for y in true])
        ends = (max(value - half, 0.0), value + half)
        found[name] = [round(float(v), 4) for v in (value, *ends, chance)]
    return found


def _half_interval(labels, probabilities, patients) -> float:
    """Return 1.96 standard errors of the calibration error of all decisions."""
    misses, said = (probabilities - labels).ravel(), probabilities.ravel()
    inner = np.unique(np.quantile(said, np.arange(1, BINS) / BINS))
    at = np.searchsorted(inner, said, side="right")
    side = np.sign(np.bincount(at, misses))[at]
    shares = (side * misses / said.size).reshape(labels.shape).sum(axis=1)
    who = np.unique(patients, return_inverse=True)[1]
    each = np.bincount(who, shares)
    return float(1.96 * np.sqrt(len(each) * each.var(ddof=1)))


def _plain(labels, probabilities) -> np.ndarray:
    return ece(labels, probabilities, binning="mass")


def _true_labels(probabilities, draws: int = 100) -> list[np.ndarray]:
    """Draw labels of which the probabilities are true."""
    rng = np.random.default_rng(0)
    return [(rng.random(probabilities.shape) < probabilities).astype(float) for _ in range(draws)]
