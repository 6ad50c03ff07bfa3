# SPDX-License-Identifier: Apache-2.0
"""Divide patients into folds in which rare statements are spread evenly."""

from __future__ import annotations

import hashlib

import numpy as np
from jaxtyping import Float, Int

from precordia.core.errors import OptionError


def patient_folds(
    patients: np.ndarray,
    labels: Float[np.ndarray, "record statement"],
    *,
    n_folds: int,
    seed: int = 0,
) -> Int[np.ndarray, " record"]:
    """Deal patients to folds, those with the rarest statement first.

    Parameters
    ----------
    patients
        Patient of each record.
    labels
        0 or 1; NaN where unknown.
    n_folds
        Number of folds, at least 2.
    seed
        Of the order among patients who are alike.

    Returns
    -------
    Fold of each record, from 0.

    Raises
    ------
    OptionError
        If there are fewer patients than folds, or fewer than two folds.

    Notes
    -----
    Each patient stands for the rarest statement among its positives. Patients of one statement are
    ordered by a hash of seed and name and dealt in turn, going on where the last statement ended,
    so that folds differ by at most one patient, in all and for each statement that it stands for.

    Examples
    --------
    >>> patients = np.array(["a", "a", "b", "c", "d"])
    >>> folds = patient_folds(patients, np.array([[1.0], [0], [1], [0], [0]]), n_folds=2)
    >>> bool(folds[0] == folds[1]), bool(folds[0] != folds[2])
    (True, True)
    """
    names, where = np.unique(np.asarray(patients).astype(str), return_inverse=True)
    if n_folds < 2 or len(names) < n_folds:
        raise OptionError(
            f"{n_folds} folds of {len(names)} patients were asked for; at least 2 folds and as "
            "many patients are needed."
        )
    positive = np.asarray(labels) == 1
    of_patient = np.zeros((len(names), positive.shape[1]), bool)
    np.logical_or.at(of_patient, where, positive)
    count = of_patient.sum(axis=0)
    rarest = np.where(of_patient, count, len(names) + 1)
    stands_for = np.where(of_patient.any(axis=1), rarest.argmin(axis=1), positive.shape[1])
    digest = [hashlib.blake2b(f"{seed}:{n}".encode(), digest_size=8).hexdigest() for n in names]
    order = sorted(range(len(names)), key=lambda k: (stands_for[k], digest[k]))
    folds = np.empty(len(names), int)
    folds[order] = np.arange(len(names)) % n_folds
    return folds[where]
