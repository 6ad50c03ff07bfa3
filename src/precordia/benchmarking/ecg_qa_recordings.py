# SPDX-License-Identifier: Apache-2.0
"""Recordings of PTB-XL that lie in folders of data, whichever database they came with."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import numpy as np
from jaxtyping import Float

from precordia.datasets.ecg_qa_rows import read_label_rows

#: rate of the normalised recordings, Hz
NORMALISED_FS = 100


def recordings_at_hand(data: Path) -> dict[int, Path]:
    """Return the files of PTB-XL's recordings by their ``ecg_id``.

    Parameters
    ----------
    data
        Holds ``ptbxl/``, and where there is one ``cinc2021/``, whose ``HRnnnnn`` are recordings
        of PTB-XL.

    Returns
    -------
    One file a recording, the one of the finest rate.
    """
    found: dict[int, Path] = {}
    for path in sorted((data / "cinc2021").rglob("HR*.hea")):
        found.setdefault(int(path.stem[2:]), path)
    table = data / "ptbxl" / "ptbxl_database.csv"
    for i, row in read_label_rows([table] if table.exists() else []).items():
        fine, coarse = (data / "ptbxl" / f"{row[c]}.hea" for c in ("filename_hr", "filename_lr"))
        if fine.exists() or i not in found:
            found[i] = fine if fine.exists() else coarse
    return {i: path for i, path in found.items() if path.exists()}


def normalised_lead_ii(data: Path) -> dict[int, Float[np.ndarray, " sample"]]:
    """Return lead II of recordings that are at hand as normalised ones only, at 100 Hz.

    Parameters
    ----------
    data
        May hold ``ptbxl_norm/``: 0.5 to 40 Hz, each lead with a mean of 0 and a deviation of 1.

    Returns
    -------
    The leads by ``ecg_id``; none where the folder is not there.
    """
    found: dict[int, Float[np.ndarray, " sample"]] = {}
    for path in sorted((data / "ptbxl_norm").glob("*.npz")):
        with np.load(path) as held:
            leads = held["x"][:, :, 1] / 1000.0
            found |= {int(i): lead for i, lead in zip(held["ecg_id"], leads, strict=True)}
    return found


def patients_of(data: Path) -> dict[int, str]:
    """Return the patient of every recording of PTB-XL that a table here names."""
    found: dict[int, str] = {}
    tables = [*(data / "ptbxl").glob("*.csv"), *(data / "ptbxl_norm").rglob("*.csv.gz")]
    for path in sorted(tables):
        held = path.read_bytes()
        text = (gzip.decompress(held) if path.suffix == ".gz" else held).decode("utf-8")
        for row in csv.DictReader(io.StringIO(text, newline="")):
            if row.get("ecg_id") and row.get("patient_id"):
                found.setdefault(int(float(row["ecg_id"])), str(int(float(row["patient_id"]))))
    return found
