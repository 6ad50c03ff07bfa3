# SPDX-License-Identifier: Apache-2.0
"""Whose the records of PTB-XL are that other databases hold under the names HR."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from precordia.datasets.item import Item
from precordia.datasets.label_table import read_table


def patients_of_ptbxl(table: Path | str) -> dict[str, str]:
    """Return the patient of each record ``HRnnnnn`` of the challenge.

    Parameters
    ----------
    table
        PTB-XL's ``ptbxl_database.csv``.
    """
    rows = read_table(Path(table), ("ecg_id", "patient_id"), only=("ecg_id", "patient_id"))
    return {
        f"HR{int(row['ecg_id']):05d}": f"ptbxl-{row['patient_id'].removesuffix('.0')}"
        for row in rows
        if row["ecg_id"].isdigit() and row["patient_id"]
    }


def with_folds_of_ptbxl(items: Sequence[Item], table: Path | str) -> list[Item]:
    """Return items with PTB-XL's folds on the records ``HRnnnnn``, where its table has them.

    Parameters
    ----------
    items
        Recordings of the challenge.
    table
        PTB-XL's ``ptbxl_database.csv``.

    Notes
    -----
    Without its folds nobody could keep the records back that models are compared on in PTB-XL.
    """
    rows = read_table(Path(table), ("ecg_id",), only=("ecg_id", "strat_fold"))
    folds = {
        f"HR{int(row['ecg_id']):05d}": row.get("strat_fold", "").removesuffix(".0")
        for row in rows
        if row["ecg_id"].isdigit()
    }
    return [replace(item, fold=folds.get(item.name, item.fold)) for item in items]
