# SPDX-License-Identifier: Apache-2.0
"""Whose the records of PTB-XL are that other databases hold under the names HR."""

from __future__ import annotations

from pathlib import Path

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
