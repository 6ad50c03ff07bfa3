# SPDX-License-Identifier: Apache-2.0
"""DeepBeat: 25-s pieces of wrist photoplethysmograms, with atrial fibrillation or without."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from precordia.core.errors import FormatError
from precordia.core.record import Patient, Record
from precordia.datasets.found import Found
from precordia.datasets.item import Item
from precordia.datasets.npz_rows import npz_rows

FS_HZ = 32
CLASSES = ("AF",)
LEAD = "PPG"
QUALITY = ("poor", "good", "excellent")
#: file of each fold
PARTS = {"train": "train.npz", "validation": "validate.npz", "test": "test.npz"}


def find_deepbeat(folder: Path, *, task: str) -> Found:
    """Find the pieces of DeepBeat.

    Parameters
    ----------
    folder
        Holds ``train.npz``, ``validate.npz`` and ``test.npz``, or some of them. Each has the arrays
        ``signal`` (piece, 800, 1), ``rhythm`` (piece, 2) and ``qa_label`` (piece, 3), the latter
        two with a 1 in the column of the class.
    task
        rhythm: atrial fibrillation or not.

    Returns
    -------
    What was found. Folds are the three files. ``facts`` holds the quality: poor, good, excellent.

    Notes
    -----
    Records have one channel, ``PPG``, in numbers of no unit: it is no lead of an electrocardiogram.
    Whose a piece is stands in a pickled array, which is not opened. Where ``train_subjects.npy``,
    ``validate_subjects.npy`` and ``test_subjects.npy`` are there, with a number or a word for each
    piece, patients are told apart by them.

    References
    ----------
    Torres-Soto J, Ashley EA. npj Digit Med 2020;3:116. doi:10.1038/s41746-020-00320-4
    """
    found = Found(items=[], classes=CLASSES, keep_empty=True)
    for fold, name in PARTS.items():
        path = folder / name
        if path.is_file():
            found.items += _items(path, fold)
        else:
            found.remark("part-not-here", f"{name} is not there.")
    return found


def _items(path: Path, fold: str) -> list[Item]:
    n = len(npz_rows(path, "signal"))
    rhythm, quality = _array(path, "rhythm", 2, n), _array(path, "qa_label", 3, n)
    subjects = _subjects(path, n)
    facts = [{"quality": word} for word in QUALITY]
    return [
        Item(
            name=f"{path.stem}-{k}",
            path=path,
            patient=Patient(patient_id=subjects[k] if subjects else None),
            labels=CLASSES if af else (),
            fold=fold,
            facts=facts[good],
            open_signal=partial(_read_piece, path, k),
        )
        for k, (af, good) in enumerate(
            zip((rhythm[:, 1] > 0.5).tolist(), quality.argmax(axis=1).tolist(), strict=True)
        )
    ]


def _array(path: Path, name: str, n_columns: int, n: int) -> np.ndarray:
    try:
        with np.load(path, allow_pickle=False) as held:
            table = np.asarray(held[name], float)
    except (OSError, KeyError, ValueError) as error:
        raise FormatError(
            f"'{path.name}' has no array '{name}' of numbers ({error}). Copy the file again from "
            "where it is published."
        ) from error
    if table.shape != (n, n_columns):
        raise FormatError(
            f"'{name}' of '{path.name}' has the shape {table.shape}; {n} pieces and {n_columns} "
            "columns are needed. Copy the file again from where it is published."
        )
    return table


def _subjects(path: Path, n: int) -> list[str]:
    place = path.with_name(f"{path.stem}_subjects.npy")
    if not place.is_file():
        return []
    try:
        named = np.load(place, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise FormatError(
            f"'{place.name}' cannot be read ({error}); numbers or words of the subjects, saved "
            "with numpy.save, are needed."
        ) from error
    if named.shape != (n,):
        raise FormatError(
            f"'{place.name}' has the shape {named.shape}; a subject for each of {n} pieces of "
            f"'{path.name}' is needed."
        )
    return [str(name) for name in named.tolist()]


def _read_piece(path: Path, k: int) -> Record:
    wave = np.asarray(npz_rows(path, "signal").row(k), np.float32).reshape(1, -1)
    return Record(signal=wave, fs=FS_HZ, leads=(LEAD,))
