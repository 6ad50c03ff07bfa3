# SPDX-License-Identifier: Apache-2.0
"""The recordings of the mirage battery: real ones where there are any, and simulated ones."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from precordia.core.errors import PrecordiaError
from precordia.core.record import Patient, Record
from precordia.core.settings import settings
from precordia.datasets.toy import toy_record
from precordia.generation.strangers import list_strangers
from precordia.io.read import read

SIMULATED, LUDB, PTBXL = "simulated", "LUDB", "PTB-XL"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatteryRecord:
    """One recording of the battery.

    Attributes
    ----------
    name, database, patient
        Which.
    record
        The recording.
    """

    name: str
    database: str
    patient: str
    record: Record


def battery_records(data: Path | str | None = None, *, limit: int = 8) -> tuple[BatteryRecord, ...]:
    """Return recordings of the battery.

    Parameters
    ----------
    data
        Folder that holds ``ludb/data`` or ``ptbxl``; ``$PRECORDIA_DATA`` if None, and simulated
        recordings alone where that is not set either.
    limit
        Take at most so many of each database, evenly spread.

    Returns
    -------
    The recordings. The toy record and the strangers of `list_strangers` are always among them.

    Examples
    --------
    >>> battery_records(limit=2)[0].name
    'toy'
    """
    root = Path(data) if data is not None else settings().data
    toys = [("toy", read(toy_record()))]
    toys += [(f"simulated {k}", record) for k, record in enumerate(list_strangers(), 1)]
    made = [
        BatteryRecord(name=name, database=SIMULATED, patient=name, record=record)
        for name, record in _spread(toys, limit)
    ]
    if root is not None:
        made += _of_ludb(root, limit) + _of_ptbxl(root, limit)
    return tuple(made)


def _spread(items: Sequence, limit: int) -> list:
    """Return at most so many, evenly spread, the first among them."""
    if len(items) <= limit:
        return list(items)
    return [items[k * len(items) // limit] for k in range(limit)]


def _of_ludb(root: Path, limit: int) -> list[BatteryRecord]:
    headers = sorted((root / "ludb" / "data").glob("*.hea"), key=lambda p: (len(p.stem), p.stem))
    return [
        BatteryRecord(name=f"LUDB {p.stem}", database=LUDB, patient=f"ludb {p.stem}",
                      record=read(p))
        for p in _spread(headers, limit)
    ]  # fmt: skip


def _of_ptbxl(root: Path, limit: int) -> list[BatteryRecord]:
    table = root / "ptbxl" / "ptbxl_database.csv"
    if not table.is_file():
        return []
    with table.open(newline="", encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if _file_of(table.parent, row).name]
    made = []
    for row in _spread(rows, limit):
        try:
            record = read(_file_of(table.parent, row))
        except PrecordiaError:
            continue
        age = float(row["age"] or "nan")
        person = Patient(
            patient_id=row["patient_id"],
            age_years=age if age < 120 else float("nan"),
            sex={"0": "male", "1": "female"}.get(row["sex"]),  # type: ignore[arg-type]
        )
        made.append(
            BatteryRecord(
                name=f"PTB-XL {row['ecg_id']}",
                database=PTBXL,
                patient=f"ptb-xl {row['patient_id']}",
                record=replace(record, patient=person),
            )
        )
    return made


def _file_of(folder: Path, row: dict[str, str]) -> Path:
    """Return the finer of the two files of a row; an empty path where neither is there."""
    for column in ("filename_hr", "filename_lr"):
        header = folder / f"{row[column]}.hea"
        if header.exists():
            return header
    return Path()
