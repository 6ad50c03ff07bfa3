# SPDX-License-Identifier: Apache-2.0
"""Recordings of PTB-XL that lie in folders of data, whichever database they came with."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Container
from pathlib import Path

import numpy as np

from precordia.core.leads import STANDARD_12
from precordia.core.record import Record
from precordia.datasets.ecg_qa_rows import read_label_rows

_NORMALISED_FS = 100.0  # Hz


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


def normalised_recordings(data: Path, wanted: Container[int]) -> dict[int, Record]:
    """Return recordings that are at hand as normalised ones.

    Parameters
    ----------
    data
        May hold ``ptbxl_norm/``: 100 Hz, 0.5 to 40 Hz, each lead with a mean of 0 and a deviation
        of 1.
    wanted
        The recordings to return, by ``ecg_id``.

    Returns
    -------
    Those that are there. Their signal is no millivolts.
    """
    found: dict[int, Record] = {}
    for path in sorted((data / "ptbxl_norm").glob("*.npz")):
        with np.load(path) as held:
            signals = held["x"]
            for k, i in enumerate(held["ecg_id"].tolist()):
                if i in wanted:
                    signal = signals[k].T.astype(np.float32) / 1000.0
                    found[i] = Record(signal=signal, fs=_NORMALISED_FS, leads=STANDARD_12)
    return found


def patients_and_folds(data: Path) -> dict[int, tuple[str, str]]:
    """Return patient and fold of every recording of PTB-XL that a table here names."""
    found: dict[int, tuple[str, str]] = {}
    tables = [*(data / "ptbxl").glob("*.csv"), *(data / "ptbxl_norm").rglob("*.csv.gz")]
    for path in sorted(tables):
        held = path.read_bytes()
        text = (gzip.decompress(held) if path.suffix == ".gz" else held).decode("utf-8")
        for row in csv.DictReader(io.StringIO(text, newline="")):
            told = [row.get(c) for c in ("ecg_id", "patient_id", "strat_fold")]
            if all(told):
                ecg_id, patient, fold = (int(float(str(value))) for value in told)
                found.setdefault(ecg_id, (str(patient), str(fold)))
    return found
