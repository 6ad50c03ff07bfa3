# SPDX-License-Identifier: Apache-2.0
"""LUDB: 200 records of 12 leads with P, QRS and T marked in each lead by cardiologists."""

from __future__ import annotations

from pathlib import Path

from precordia.core.record import Patient
from precordia.core.statements import Statement
from precordia.datasets.found import Found
from precordia.datasets.item import Item
from precordia.datasets.label_table import age_of, below, find_files, read_table, sex_of

_COLUMN = {"rhythm": "Rhythms", "axis": "Electric axis of the heart"}


def find_ludb(folder: Path, *, task: str) -> Found:
    """Find the records of LUDB.

    Parameters
    ----------
    folder
        Holds ``ludb.csv`` and ``data``.
    task
        rhythm or axis.

    Returns
    -------
    What was found. Each record is of another patient. The marks of lead V1 are in the annotation
    file that ends in ``v1``: ``read_annotations(item.path, "v1")``.

    Notes
    -----
    *Method*: labels are the words of the table; cells of more than one line hold several. Marks of
    the first and last beats of most records are missing: score only between the first and last
    mark of a lead.
    """
    rows = read_table(folder / "ludb.csv", ("ID", "Sex", "Age", *_COLUMN.values()))
    found = Found(items=[])
    for row in rows:
        words = [line.strip() for key in row for line in row[key].splitlines()]
        states = [w for w in words[3:] if w]
        labels = [x.strip().removeprefix("Electric axis of the heart: ").rstrip(".")
                  for x in row[_COLUMN[task]].splitlines()]  # fmt: skip
        found.items.append(
            Item(
                name=row["ID"],
                path=below(folder / "data", f"{row['ID']}.hea"),
                patient=Patient(
                    patient_id=row["ID"], age_years=age_of(row["Age"]), sex=sex_of(row["Sex"])
                ),
                labels=tuple(x for x in labels if x),
                statements=tuple(Statement(code=state) for state in states),
            )
        )
    named = {item.name for item in found.items}
    there = [path.stem for path in find_files(folder / "data", r"\d+\.hea")]
    found.unlabelled = [name for name in there if name not in named]
    return found
