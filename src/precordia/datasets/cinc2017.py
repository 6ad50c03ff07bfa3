# SPDX-License-Identifier: Apache-2.0
"""PhysioNet/CinC Challenge 2017: atrial fibrillation in one lead of a handheld device."""

from __future__ import annotations

from pathlib import Path

from precordia.core.errors import FormatError
from precordia.core.statements import Statement
from precordia.datasets.found import Found, such_as
from precordia.datasets.item import Item
from precordia.datasets.label_table import below, find_files, read_table

CLASSES = {"N": "normal", "A": "atrial fibrillation", "O": "other rhythm", "~": "too noisy"}
_TABLES = ("REFERENCE-v3.csv", "REFERENCE-v2.csv", "REFERENCE-v1.csv", "REFERENCE.csv")


def find_cinc2017(folder: Path, *, task: str) -> Found:
    """Find the records of the challenge of 2017.

    Parameters
    ----------
    folder
        Holds ``training`` (or ``training2017``) or the records themselves, with the newest of the
        published tables ``REFERENCE-v3.csv`` down to ``REFERENCE.csv``.
    task
        rhythm: N, A, O or ~.

    Returns
    -------
    What was found. The official validation set is a part of the training set: its records come
    twice in a folder that holds both, and are kept once.
    """
    table = _table(folder)
    labels = {row["record"]: row["label"] for row in read_table(table, names=("record", "label"))}
    wrong = sorted({label for label in labels.values() if label not in CLASSES})
    if wrong:
        raise FormatError(
            f"'{table.name}' has the labels {such_as(wrong)}; N, A, O and ~ are needed. Copy the "
            "table again from PhysioNet."
        )
    headers = find_files(folder, r"A\d{5}\.hea")
    found = Found(items=[], classes=tuple(CLASSES))
    for path in headers:
        if path.stem not in labels:
            found.unlabelled.append(path.stem)
            continue
        label = labels[path.stem]
        said = (Statement(code=CLASSES[label]),)
        found.items.append(Item(name=path.stem, path=path, labels=(label,), statements=said))
    there = {path.stem for path in headers}
    found.items += [
        Item(name=name, path=below(table.parent, f"{name}.hea"), labels=(label,))
        for name, label in labels.items()
        if name not in there
    ]
    return found


def _table(folder: Path) -> Path:
    for name in _TABLES:
        for place in (folder, folder / "training", folder / "training2017", folder / "validation"):
            if (place / name).is_file():
                return place / name
    raise FormatError(
        f"'{folder}' holds no table of labels; one of {', '.join(_TABLES)} is needed there or in "
        "its folder training. Copy it from PhysioNet."
    )
