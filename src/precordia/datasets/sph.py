# SPDX-License-Identifier: Apache-2.0
"""Shandong Provincial Hospital: 25 770 records of 10 to 60 s with AHA statements."""

from __future__ import annotations

import re
from pathlib import Path

from precordia.core.leads import STANDARD_12
from precordia.core.record import Patient
from precordia.core.statements import Statement
from precordia.datasets.found import Found
from precordia.datasets.item import Item
from precordia.datasets.label_table import age_of, below, find_files, read_table, sex_of


def find_sph(folder: Path, *, task: str) -> Found:
    """Find the records of Shandong Provincial Hospital.

    Parameters
    ----------
    folder
        Holds ``metadata.csv``, ``records`` (or the records beside the table), and ``code.csv``
        with the words of the codes.
    task
        primary: the primary statements, by number. all: statements with their modifiers, such as
        ``"60+310"``.

    Returns
    -------
    What was found.

    References
    ----------
    Liu H et al. Sci Data 2022;9:272. doi:10.1038/s41597-022-01403-5
    """
    rows = read_table(folder / "metadata.csv", ("ECG_ID", "AHA_Code", "Patient_ID", "Age", "Sex"))
    words = _words(folder)
    records = folder / "records" if (folder / "records").is_dir() else folder
    found = Found(items=[])
    for row in rows:
        name = row["ECG_ID"].removesuffix(".h5")
        codes = [code for code in re.split(r"[;,\s]+", row["AHA_Code"]) if code]
        primary = [code.partition("+")[0] for code in codes]
        found.items.append(
            Item(
                name=name,
                path=below(records, f"{name}.h5"),
                patient=Patient(
                    patient_id=row["Patient_ID"] or None,
                    age_years=age_of(row["Age"]),
                    sex=sex_of(row["Sex"]),
                ),
                labels=tuple(dict.fromkeys(codes if task == "all" else primary)),
                statements=tuple(
                    Statement(code=code, scheme="aha", name=words.get(first, ""))
                    for code, first in zip(codes, primary, strict=True)
                ),
                facts={"date": row["Date"]} if row.get("Date") else {},
                reading={
                    "format": "hdf5",
                    "variable": "ecg",
                    "axes": "lead sample",
                    "fs": 500,
                    "unit": "mV",
                    "leads": list(STANDARD_12),
                },
            )
        )
    named = {item.name for item in found.items}
    there = [path.stem for path in find_files(records, r"[A-Z]+\d+\.h5")]
    found.unlabelled = [name for name in there if name not in named]
    return found


def _words(folder: Path) -> dict[str, str]:
    path = folder / "code.csv"
    if not path.is_file():
        return {}
    rows = read_table(path, ("Code", "Description"))
    return {row["Code"]: row["Description"] for row in rows}
