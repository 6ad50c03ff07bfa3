# SPDX-License-Identifier: Apache-2.0
"""Apnea-ECG Database: 70 nights of one lead with apnea marked by the minute."""

from __future__ import annotations

from pathlib import Path

from precordia.core.record import Patient
from precordia.datasets.found import Found
from precordia.datasets.item import Item
from precordia.datasets.label_table import age_of, find_files, sex_of
from precordia.io.wfdb_annotation import read_annotations

CLASSES = ("apnea", "borderline", "control")
_TABLE = "additional-information.txt"


def find_apnea_ecg(folder: Path, *, task: str) -> Found:
    """Find the nights of the Apnea-ECG Database.

    Parameters
    ----------
    folder
        Holds ``a01.hea``, ``a01.dat``, ``a01.apn`` and so on, and ``additional-information.txt``.
    task
        severity: apnea (100 minutes and more), borderline (5 to 99) or control. The minutes
        themselves are in ``item.read_annotations()``: A or N for each.

    Returns
    -------
    What was found. Folds are learning (a, b, c) and test (x).

    Notes
    -----
    The 70 nights are of 32 subjects, and which are of one is not published. Nights whose age, sex,
    height and weight in ``additional-information.txt`` agree are taken to be of one subject here;
    the published division then has subjects on both sides, and `split_dataset` leaves those out of
    the learning set unless it is told to keep them.

    References
    ----------
    Penzel T et al. Comput Cardiol 2000;27:255. doi:10.1109/CIC.2000.898505
    """
    people = _people(folder)
    found = Found(items=[], classes=CLASSES)
    for path in find_files(folder, r"[abcx]\d\d\.hea"):
        if not path.with_suffix(".apn").exists():
            found.unlabelled.append(path.stem)
            continue
        minutes = read_annotations(path, "apn").symbol.count("A")
        severity = CLASSES[0] if minutes >= 100 else CLASSES[1] if minutes >= 5 else CLASSES[2]
        found.items.append(
            Item(
                name=path.stem,
                path=path,
                patient=people.get(path.stem, Patient()),
                labels=(severity,),
                fold="test" if path.stem.startswith("x") else "learning",
                facts={"apnea_minutes": str(minutes)},
                annotation="apn",
            )
        )
    if people:
        found.remark(
            "patients-inferred",
            "nights of equal age, sex, height and weight are taken to be of one patient; the "
            "database does not say.",
        )
    return found


def _people(folder: Path) -> dict[str, Patient]:
    path = folder / _TABLE
    if not path.is_file():
        return {}
    people = {}
    for line in path.read_text("utf-8", errors="replace").splitlines():
        cells = line.split()
        if len(cells) >= 12 and len(cells[0]) == 3 and cells[0][1:].isdigit():
            age, sex, height, weight = cells[8:12]
            people[cells[0]] = Patient(
                patient_id="-".join((age, sex, height, weight)),
                age_years=age_of(age),
                sex=sex_of(sex),
            )
    return people
