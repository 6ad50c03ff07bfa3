# SPDX-License-Identifier: Apache-2.0
"""ECG in High Intensity Exercise: five pieces of 20 s of each of 20 cyclists, R-peaks marked."""

from __future__ import annotations

import csv
import math
import re
from functools import partial
from pathlib import Path

import numpy as np

from precordia.core.errors import FormatError
from precordia.core.record import Annotations, Patient, Record
from precordia.datasets.found import Found
from precordia.datasets.item import Item

FS_HZ = 250
CLASSES = ("rpeaks",)
_SUBJECT = re.compile(r"sub[a-z_-]*(\d+)", re.IGNORECASE)
_PHASE = re.compile(r"seg[a-z_-]*(\d+)", re.IGNORECASE)
#: subjects up to these are train and validation of BenchECG; later ones its test
_LAST_TRAIN, _LAST_VALIDATION = 9, 13


def find_exercise_ecg(folder: Path, *, task: str) -> Found:
    """Find the pieces of the database of high intensity exercise.

    Parameters
    ----------
    folder
        Holds ``ecg_segments``, one CSV a piece without a line of names, and
        ``manual_annotations``, for a piece ``NAME.csv`` the table ``NAME_labels.csv``. The number
        of the subject stands in the name after ``sub``.
    task
        rpeaks: pieces whose R-peaks are marked. The marks are in ``item.read_annotations()``.

    Returns
    -------
    What was found. Folds are those of BenchECG: subjects 1 to 9, 10 to 13, and later ones.

    Notes
    -----
    The first column of a piece is the potential in microvolts at 250 Hz, that of a table of marks
    the sample of an R-peak, counted from 0. Files with ``_raw_`` in their name hold the same pieces
    before enhancement and are left out, as in BenchECG. The lead is not named.

    References
    ----------
    De Giovanni E, Teijeiro T, Meier D, Millet G, Atienza D. ECG in High Intensity Exercise
    Dataset. 2021. doi:10.5281/zenodo.5727800
    Lunelli R, et al. BenchECG and xECG. 2025. arXiv:2509.10151 (the division)
    """
    found = Found(items=[], classes=CLASSES)
    for path in sorted((folder / "ecg_segments").glob("*.csv")):
        subject = _SUBJECT.search(path.stem)
        if "_raw_" in path.stem or subject is None:
            continue
        marks = folder / "manual_annotations" / f"{path.stem}_labels.csv"
        if not marks.is_file():
            found.unlabelled.append(path.stem)
            continue
        number = int(subject[1])
        phase = _PHASE.search(path.stem)
        found.items.append(
            Item(
                name=path.stem,
                path=path,
                patient=Patient(patient_id=f"sub{number}"),
                labels=CLASSES,
                fold=_fold(number),
                facts={"phase": phase[1]} if phase else {},
                open_signal=partial(_read_piece, path),
                open_marks=partial(_read_marks, marks),
            )
        )
    return found


def _fold(subject: int) -> str:
    if subject <= _LAST_TRAIN:
        return "train"
    return "validation" if subject <= _LAST_VALIDATION else "test"


def _read_piece(path: Path) -> Record:
    microvolts = _first_column(path)
    if not microvolts:
        raise FormatError(f"'{path.name}' holds no number; samples in microvolts are needed.")
    signal = np.array([microvolts], np.float64) / 1000
    return Record(signal=signal.astype(np.float32), fs=FS_HZ, leads=("ECG",))


def _read_marks(path: Path) -> Annotations:
    places = np.array([mark for mark in _first_column(path) if math.isfinite(mark)])
    return Annotations(sample=np.sort(np.round(places)).astype(int), symbol=("N",) * len(places))


def _first_column(path: Path) -> list[float]:
    """Return the numbers of the first column; an empty cell is NaN, at the end it is nothing."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            cells = [row[0].strip() if row else "" for row in csv.reader(file, strict=True)]
        numbers = [float(cell) if cell else math.nan for cell in cells]
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise FormatError(
            f"'{path.name}' is no table of numbers ({error}). Copy it again from where it is "
            "published."
        ) from error
    while numbers and math.isnan(numbers[-1]):
        numbers.pop()
    return numbers
