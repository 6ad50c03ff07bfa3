# SPDX-License-Identifier: Apache-2.0
"""PhysioNet/CinC Challenge 2020: 12-lead records of several countries with SNOMED CT codes."""

from __future__ import annotations

from pathlib import Path

from precordia.datasets.challenge_records import find_scored_or_all
from precordia.datasets.found import Found
from precordia.datasets.ptbxl_patients import patients_of_ptbxl, with_folds_of_ptbxl

LETTERS = ("A", "Q", "I", "S", "HR", "E")


def find_cinc2020(folder: Path, *, task: str, ptbxl_table: Path | str | None = None) -> Found:
    """Find the training records of the challenge of 2020.

    Parameters
    ----------
    folder
        Searched with all its folders for records A, Q, I, S, HR and E.
    task
        scored: the classes of the challenge's score, two concepts that are scored as one as one
        class. all: every concept.
    ptbxl_table
        PTB-XL's ``ptbxl_database.csv``, which tells the patients of the records HR apart,
        and their folds.

    Returns
    -------
    What was found.

    Notes
    -----
    The challenge does not say which records are of one patient: a split by record leaks in the
    sources that record a patient more than once (PTB-XL, St Petersburg, PTB). Records HR are those
    of PTB-XL, ecg_id by ecg_id. CPSC's premature ventricular beats are coded as ventricular
    ectopics, which is not scored.

    References
    ----------
    Reyna MA et al. Will two do? Comput Cardiol 2021;48. doi:10.23919/CinC53138.2021.9662687
    Perez Alday EA et al. Physiol Meas 2020;41:124003. doi:10.1088/1361-6579/abc960
    """
    patients = patients_of_ptbxl(ptbxl_table) if ptbxl_table is not None else None
    found = find_scored_or_all(folder, LETTERS, task, 2020, patients=patients)
    if ptbxl_table is not None:
        found.items = with_folds_of_ptbxl(found.items, ptbxl_table)
    return found
