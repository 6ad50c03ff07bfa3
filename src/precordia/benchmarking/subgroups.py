# SPDX-License-Identifier: Apache-2.0
"""Whether a score holds for women and men, young and old, one device and another."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

import numpy as np

from precordia.benchmarking.classification_metrics import auroc, macro, scorable
from precordia.benchmarking.cohort import Cohort
from precordia.benchmarking.scoring import Measured, TestTruth, score_answers

AGE_BANDS = ((0, 40), (40, 60), (60, 80), (80, 200))


def list_groups(cohort: Cohort) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Give each attribute with its groups: name and rows, those unknown left out.

    Examples
    --------
    >>> from precordia.benchmarking.cohort import Cohort
    >>> some = Cohort(database="a", task="b", classes=("c",), names=("1", "2"),
    ...     patients=("1", "2"), targets=np.zeros((2, 1)), read=lambda k: k,
    ...     sexes=("female", "male"))
    >>> [(name, list(groups)) for name, groups in list_groups(some)][0]
    ('sex', ['female', 'male'])
    """
    sexes, devices = np.array(cohort.sexes, object), np.array(cohort.devices, object)
    ages = np.asarray(cohort.ages, float)
    bands = {
        f"{low}-{high - 1}" if high < 200 else f"{low} and older": np.flatnonzero(
            (ages >= low) & (ages < high)
        )
        for low, high in AGE_BANDS
    }
    yield "sex", {name: np.flatnonzero(sexes == name) for name in ("female", "male")}
    yield "age", bands
    named = sorted({device for device in devices if device})
    yield "device", {name: np.flatnonzero(devices == name) for name in named}


def score_groups(truth: TestTruth, scores: np.ndarray, cohort: Cohort) -> list[Measured]:
    """Return the macro AUROC in each subgroup, over the classes that all of its kind can show.

    Parameters
    ----------
    truth, scores
        Test records and a method's answers.
    cohort
        The same records.

    Returns
    -------
    One number a group. Groups of one kind (the ages) are compared over the same classes: those with
    enough positive and negative records in each group that has any such class. A group that has
    none is NaN, with the reason.
    """
    found = []
    for attribute, groups in list_groups(cohort):
        held = {name: truth.part(rows) for name, rows in groups.items() if rows.size}
        able = {name: scorable(part.targets, part.min_records) for name, part in held.items()}
        counted = [mask for mask in able.values() if mask.any()]
        common = np.logical_and.reduce(counted) if counted else np.zeros(len(truth.classes), bool)
        for name, part in held.items():
            subject = f"{attribute}: {name}"
            n_patients = len(set(part.patients))
            if not (able[name].any() and common.any()):
                why = (
                    f"no class has {part.min_records} positive and negative records"
                    if not able[name].any()
                    else "no class has records enough in every group of this kind"
                )
                found.append(
                    Measured(
                        metric="macro_auroc",
                        subject=subject,
                        value=math.nan,
                        n_records=len(part.patients),
                        n_patients=n_patients,
                        note=why,
                    )
                )
                continue
            answers = scores[groups[name]]
            found.append(_one(part, answers, common, subject))
    return found


def _one(part: TestTruth, answers: np.ndarray, common: np.ndarray, subject: str) -> Measured:
    classes = tuple(name for name, kept in zip(part.classes, common, strict=True) if kept)
    few = dataclasses.replace(part, classes=classes, targets=part.targets[:, common])
    measured = score_answers(few, answers[:, common], per_class=False)[0]
    note = "" if common.all() else f"over {', '.join(classes)}"
    words = "; ".join(filter(None, (note, measured.note)))
    return dataclasses.replace(
        measured,
        subject=subject,
        value=macro(auroc(few.targets, answers[:, common]), np.ones(len(classes), bool)),
        n_records=len(part.patients),
        note=words,
    )
