# SPDX-License-Identifier: Apache-2.0
"""China Physiological Signal Challenge 2018: nine classes in 12 leads."""

from __future__ import annotations

from pathlib import Path

from precordia.core.errors import FormatError
from precordia.core.leads import STANDARD_12
from precordia.core.statements import Statement
from precordia.datasets.challenge_records import CPSC_WORDS, find_challenge
from precordia.datasets.found import Found
from precordia.datasets.item import Item
from precordia.datasets.label_table import below, find_files, read_table
from precordia.knowledge.codes import find_code

#: classes in the order of their numbers, from 1
CLASSES = ("Normal", "AF", "I-AVB", "LBBB", "RBBB", "PAC", "PVC", "STD", "STE")


def find_cpsc2018(folder: Path, *, task: str) -> Found:
    """Find the training records of CPSC 2018.

    Parameters
    ----------
    folder
        Holds either the original files, ``REFERENCE.csv`` and ``A0001.mat`` and so on, or the same
        records as the challenges of 2020 and 2021 publish them, with ``A0001.hea``.
    task
        diagnosis: one to three of nine classes.

    Returns
    -------
    What was found. Which records are of one patient is not published.

    Notes
    -----
    Records last from 6 to 144 s; whoever cuts them all to one length loses beats that a label
    speaks of, and whoever pads them must do so after normalising.

    References
    ----------
    Liu F et al. J Med Imaging Health Inform 2018;8:1368. doi:10.1166/jmihi.2018.2442
    """
    tables = [folder / name for name in ("REFERENCE.csv", "TrainingSet1/REFERENCE.csv")]
    for table in tables:
        if table.is_file():
            return _original(folder, table)
    back = {concept: word for word, concept in CPSC_WORDS.items()}
    found = find_challenge(folder, ("A",), lambda code: back.get(code, ""), classes=())
    found.classes = CLASSES
    return found


def _original(folder: Path, table: Path) -> Found:
    columns = ("Recording", "First_label", "Second_label", "Third_label")
    files = {path.stem: path for path in find_files(folder, r"A\d{4}\.mat")}
    found = Found(items=[], classes=CLASSES)
    for row in read_table(table, columns):
        labels = [_class(row[column], row["Recording"]) for column in columns[1:] if row[column]]
        name = row["Recording"]
        found.items.append(
            Item(
                name=name,
                path=files.get(name) or below(table.parent, f"{name}.mat"),
                labels=tuple(labels),
                statements=tuple(map(_statement, labels)),
                reading={"format": "matlab", "fs": 500, "unit": "mV", "leads": list(STANDARD_12)},
            )
        )
    named = {item.name for item in found.items}
    found.unlabelled = [name for name in files if name not in named]
    return found


def _class(text: str, name: str) -> str:
    digits = text.removesuffix(".0")
    number = int(digits) if digits.isdecimal() and len(digits) < 3 else 0
    if not 1 <= number <= len(CLASSES):
        raise FormatError(
            f"record {name[:20]} of 'REFERENCE.csv' has the label '{text[:20]}'; a number from 1 "
            "to 9 is needed. Copy the table again."
        )
    return CLASSES[number - 1]


def _statement(label: str) -> Statement:
    code = CPSC_WORDS[label]
    known = find_code(code, "snomed-ct")
    return Statement(code=code, scheme="snomed-ct", name=known.name if known else "")
