# SPDX-License-Identifier: Apache-2.0
"""Records with something else than classes to predict: an age, or the time until death."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from precordia.benchmarking.cohort import Cohort, cohort_of_dataset
from precordia.core.errors import FormatError
from precordia.core.record import Remark
from precordia.datasets.dataset import Dataset
from precordia.datasets.item import Item

AGE, SURVIVAL = "age", "survival"
#: columns of `Cohort.numbers` of each outcome
COLUMNS = {AGE: ("age_years",), SURVIVAL: ("time_years", "died")}
_TRUE, _FALSE = ("true", "1", "1.0"), ("false", "0", "0.0")


def age_cohort(cohort: Cohort) -> Cohort:
    """Return the records of known age, to predict the age from the recording.

    Raises
    ------
    FormatError
        If no age is known.
    """
    return _of(cohort, AGE, np.asarray(cohort.ages, float)[:, None])


def survival_cohort(dataset: Dataset) -> Cohort:
    """Return the records with a follow-up: how long it was, and whether the patient died.

    Parameters
    ----------
    dataset
        CODE-15 % (task diagnoses), or SaMi-Trop (task death), whose tables say ``timey`` in years.

    Raises
    ------
    FormatError
        If no record has a follow-up.
    """
    numbers = np.array([_follow_up(item, dataset.task) for item in dataset.items], float)
    return _of(cohort_of_dataset(dataset), SURVIVAL, numbers.reshape(-1, 2))


def _follow_up(item: Item, task: str) -> tuple[float, float]:
    """Years of follow-up and 1 for death; NaN where the table does not say."""
    said = item.facts.get("death", "").strip().lower()
    if not said and task == "death":
        said = "true" if "death" in item.labels else "false"
    try:
        years = float(item.facts.get("timey", "nan"))
    except ValueError:
        years = float("nan")
    died = 1.0 if said in _TRUE else 0.0 if said in _FALSE else float("nan")
    return (years if years >= 0 else float("nan")), died


def _of(cohort: Cohort, task: str, numbers: Float[np.ndarray, "_ _"]) -> Cohort:
    known: Sequence[int] = np.flatnonzero(np.isfinite(numbers).all(axis=1))
    if not len(known):
        raise FormatError(
            f"no record of {cohort.database} has {' and '.join(COLUMNS[task])}; the table of the "
            "database is needed with them."
        )
    left = len(cohort) - len(known)
    remarks = cohort.remarks
    if left:
        text = f"{left} of {len(cohort)} records without {' and '.join(COLUMNS[task])} left out"
        remarks += (Remark(code="unknown-numbers", text=text),)
    return dataclasses.replace(
        cohort,
        task=task,
        classes=(),
        targets=np.zeros((len(cohort), 0)),
        numbers=numbers,
        remarks=remarks,
    ).part(known)
