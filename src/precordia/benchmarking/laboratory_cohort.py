# SPDX-License-Identifier: Apache-2.0
"""Blood tests as classes: below, within or above their limits; unknown where none was made."""

from __future__ import annotations

import dataclasses

import numpy as np

from precordia.benchmarking.cohort import Cohort, cohort_of_dataset
from precordia.core.errors import FormatError, OptionError
from precordia.datasets.dataset import Dataset
from precordia.datasets.mimic_laboratory import ANALYTES, laboratory_classes

LABORATORY = "laboratory"


def laboratory_cohort(dataset: Dataset) -> Cohort:
    """Return records with blood tests, a class for each level of each test.

    Parameters
    ----------
    dataset
        ``load_dataset("mimic_iv_ecg", FOLDER, task="laboratory")``.

    Returns
    -------
    Records with those of the classes of `laboratory_classes` that some record has and some has
    not. All levels of a test that was not made, and those of a low value where low is no class,
    are NaN.

    Raises
    ------
    OptionError
        If the dataset has another task.
    FormatError
        If no test has two levels here.
    """
    if dataset.task != LABORATORY:
        raise OptionError(
            f"the records have the task '{dataset.task}'; '{LABORATORY}' of mimic_iv_ecg is needed."
        )
    classes = laboratory_classes()
    column = {name: k for k, name in enumerate(classes)}
    own = {
        name: [k for one, k in column.items() if one.startswith(f"{name}: ")] for name in ANALYTES
    }
    targets = np.full((len(dataset), len(classes)), np.nan)
    for row, item in enumerate(dataset.items):
        for name in ANALYTES:
            level = item.facts.get(name)
            if level is not None:
                targets[row, own[name]] = 0
                targets[row, column[f"{name}: {level}"]] = 1
    both = np.flatnonzero((targets == 1).any(axis=0) & (targets == 0).any(axis=0))
    if not both.size:
        raise FormatError(
            f"no blood test of {len(dataset)} records has two levels; nothing can be told apart. "
            "More of the database is needed."
        )
    return dataclasses.replace(
        cohort_of_dataset(dataset),
        classes=tuple(classes[k] for k in both),
        targets=targets[:, both],
    )
