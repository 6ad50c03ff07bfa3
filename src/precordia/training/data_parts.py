# SPDX-License-Identifier: Apache-2.0
"""Training and validation sets from recordings: by folds, as published, or by patient."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from precordia.core.errors import OptionError, unknown_name
from precordia.core.record import Remark
from precordia.datasets.found import counted
from precordia.training.prepared_windows import PreparedWindows
from precordia.training.record_source import OUTSIDE, RecordSource
from precordia.training.training_set import TrainingSet


def part_of_each(
    source: RecordSource,
    *,
    train: Sequence[str] = (),
    validation: Sequence[str] = (),
    shares: Sequence[float] = (0.8, 0.1, 0.1),
    seed: int = 0,
) -> tuple[list[str], list[Remark]]:
    """Return the part of each record, no patient in two.

    Parameters
    ----------
    source
        The recordings.
    train, validation
        Folds of each part; without them, the published parts and, where nothing is published, a
        hash of the patient.
    shares
        Of patients in train, validation and test, for the hash.
    seed
        Of the hash.

    Returns
    -------
    ``"train"``, ``"validation"``, ``"test"`` or ``""`` for each record, and what was noticed.

    Raises
    ------
    OptionError
        If a fold is unknown or in both parts.

    Notes
    -----
    A patient in two parts stays in the later one alone.

    Examples
    --------
    >>> from precordia.training.record_source import simulated_source
    >>> parts, _ = part_of_each(simulated_source(100, ["sinus"]))
    >>> parts.count("train"), parts.count("validation"), parts.count("test")
    (79, 14, 7)
    """
    if bool(train) != bool(validation):
        raise OptionError(
            "folds of one part arrived; name those of train and of validation, or of neither."
        )
    if train:
        parts = _by_folds(source, train, validation)
    else:
        hashed = [_hashed(patient, shares, seed) for patient in source.patients]
        parts = [held or drawn for held, drawn in zip(source.parts, hashed, strict=True)]
        parts = ["" if part == OUTSIDE else part for part in parts]
    return _one_part_a_patient(source, parts)


def training_sets(
    source: RecordSource,
    windows: PreparedWindows,
    parts: Sequence[str],
    *,
    classes: Sequence[str] = (),
    task: str = "multilabel",
) -> tuple[TrainingSet, TrainingSet]:
    """Return training and validation set.

    Parameters
    ----------
    source, windows
        Recordings and their windows.
    parts
        Part of each record.
    classes
        Which classes, in this order; all by default.
    task
        ``"multilabel"``, ``"multiclass"`` or ``"regression"``.

    Raises
    ------
    OptionError, UnknownNameError
        If a part is empty, a class unknown, or a record has several of classes that exclude each
        other.
    """
    chosen = tuple(classes) or source.classes
    for name in chosen:
        if name not in source.classes:
            raise unknown_name("class", name, source.classes, listing=", ".join(source.classes))
    labels = source.targets[:, [source.classes.index(name) for name in chosen]]
    if task == "multiclass":
        labels = _numbered(labels, source)
    part = np.array(parts)[windows.record]
    everywhere = windows.present.all()
    made = []
    for name in ("train", "validation"):
        rows = np.flatnonzero(part == name)
        if not len(rows):
            raise OptionError(
                f"no record of {source.title} is in the part for {name}; choose other folds, "
                "shares, or more records."
            )
        owner = windows.record[rows]
        made.append(
            TrainingSet(
                windows=RowsOf(windows.windows, rows),
                labels=labels[owner],
                task=task,
                classes=chosen,
                patients=[source.patients[k] for k in owner],
                folds=[source.folds[k] for k in owner],
                names=[source.names[k] for k in owner],
                present=None if everywhere else windows.present[rows],
            )
        )
    return made[0], made[1]


class RowsOf:
    """Some windows of many, read in place.

    Parameters
    ----------
    windows
        All of them; finite, as `precordia.embedding.prepare.prepare` makes them.
    rows
        Which.
    """

    def __init__(self, windows: np.ndarray, rows: np.ndarray) -> None:
        self.windows, self.rows = windows, rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, which: np.ndarray | slice | int) -> np.ndarray:
        return self.windows[self.rows[which]]


def _by_folds(source: RecordSource, train: Sequence[str], validation: Sequence[str]) -> list[str]:
    there = set(source.folds) - {""}
    for fold in (*train, *validation):
        if fold not in there:
            known = ", ".join(sorted(there, key=lambda f: (len(f), f))) or "none"
            raise OptionError(f"no record is in fold '{fold}'; folds here: {known}.")
    if both := set(train) & set(validation):
        raise OptionError(f"fold {', '.join(sorted(both))} is in train and in validation.")
    return [
        "train" if fold in train else "validation" if fold in validation else ""
        for fold in source.folds
    ]


def _hashed(patient: str, shares: Sequence[float], seed: int) -> str:
    """Return the part of a patient, the same as `precordia.datasets.splits` draws."""
    digest = hashlib.blake2b(f"{seed}:{patient}".encode(), digest_size=8).digest()
    drawn = int.from_bytes(digest, "big") / 2**64
    if drawn < shares[0]:
        return "train"
    return "validation" if drawn < shares[0] + shares[1] else "test"


def _one_part_a_patient(source: RecordSource, parts: list[str]) -> tuple[list[str], list[Remark]]:
    order = ("", "train", "validation", "test")
    last: dict[str, str] = {}
    for patient, part in zip(source.patients, parts, strict=True):
        if order.index(part) > order.index(last.get(patient, "")):
            last[patient] = part
    mended = [
        part if part == last.get(patient, "") else ""
        for patient, part in zip(source.patients, parts, strict=True)
    ]
    moved = sum(a != b for a, b in zip(parts, mended, strict=True))
    if not moved:
        return mended, []
    said = counted(moved, "record is", "records are")
    text = f"{said} of patients of a later part and were left out of the earlier one."
    return mended, [Remark(code="patient-in-two-parts", text=text)]


def _numbered(labels: np.ndarray, source: RecordSource) -> np.ndarray:
    """Return the number of the one class of each record; NaN where it has none."""
    several = np.flatnonzero(np.nansum(labels, axis=1) > 1)
    if len(several):
        raise OptionError(
            f"{len(several)} records have more than one class ('{source.names[several[0]]}'); "
            'use task = "multilabel", or fewer classes.'
        )
    none = np.nansum(labels, axis=1) == 0
    return np.where(none, np.nan, np.nan_to_num(labels).argmax(axis=1)).astype(np.float32)
