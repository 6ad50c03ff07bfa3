# SPDX-License-Identifier: Apache-2.0
"""Scores over groups of statements, with intervals over patients, alone and in pairs."""

from __future__ import annotations

import numpy as np

from precordia.benchmarking.bootstrap import draw_patients
from precordia.benchmarking.classification_metrics import auroc, macro_auroc
from precordia.benchmarking.reliability import ece
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
    n = len(SUPERCLASSES)
    probabilities = cross_fitted(logits[:, :n], labels[:, :n], patients)
    # A model that learned nothing (--smoke) may have no calibration in some part.
    known = np.where(np.isfinite(probabilities), labels[:, :n], np.nan)
    return ece(known, np.nan_to_num(probabilities, nan=0.5))
