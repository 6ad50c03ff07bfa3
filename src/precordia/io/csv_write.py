# SPDX-License-Identifier: Apache-2.0
"""Write a record as a table of text."""

from __future__ import annotations

import math
import os
import warnings
from pathlib import Path

import numpy as np

from precordia.core.errors import OutputError
from precordia.core.output import write_whole
from precordia.core.record import Record


def write_csv(
    record: Record,
    path: str | os.PathLike[str],
    *,
    identifiers: bool = False,
    overwrite: bool = False,
) -> Path:
    """Write a record as CSV (TSV where the name ends in ``.tsv``).

    Lines of remarks that begin with ``#`` come first, then the header, then a row per sample:
    time in seconds and every lead in millivolts, an empty cell where a sample is missing.

    Parameters
    ----------
    record
        What to write.
    path
        The file.
    identifiers
        Write the patient's identifier, name and date of birth too.
    overwrite
        Replace a file that is there.

    Returns
    -------
    The file.

    Raises
    ------
    OutputError
        If the file exists or cannot be written, or the record is empty.

    Warns
    -----
    UserWarning
        Once, naming what the record carries and a table has no place for.

    Notes
    -----
    Every number has as many digits as bring the same float32 back.

    Examples
    --------
    >>> import tempfile
    >>> from precordia.io.csv import read_csv
    >>> record = Record(signal=np.array([[0.1, np.nan]]), fs=500.0, leads=("II",))
    >>> read_csv(write_csv(record, Path(tempfile.mkdtemp(), "a.csv"))).signal
    array([[0.1, nan]], dtype=float32)
    """
    place = Path(path)
    if record.n_leads == 0 or record.n_samples == 0:
        raise OutputError("the record has no samples; a table needs at least one lead and one row.")
    sign = "\t" if place.suffix.lower() == ".tsv" else ","
    lost, beside = [], []
    for other in record.companions:
        if other.fs == record.fs and other.signal.size == record.n_samples:
            beside.append(other)
        else:
            lost.append(f"companion '{other.name}' (another rate or length)")
    names = [f"{_plain(lead, sign)} (mV)" for lead in record.leads]
    names += [f"{_plain(c.name, sign)} ({_plain(c.unit, sign) or 'NU'})" for c in beside]
    columns = [_texts(row) for row in record.signal]
    columns += [_texts(np.asarray(c.signal, np.float32)) for c in beside]
    times = [f"{k / record.fs:.9g}" for k in range(record.n_samples)]
    lines = [f"# {line}" for line in _remarks(record, identifiers)]
    lines.append(sign.join(["time (s)", *names]))
    lines += map(sign.join, zip(times, *columns, strict=True))
    content = ("\n".join(lines) + "\n").encode()
    write_whole({str(place): content}, overwrite=overwrite)
    carried = record.carried
    for what in ("annotations", "fiducials", "median"):
        if getattr(carried, what) is not None:
            lost.append(what)
    if lost:
        warnings.warn(
            f"a table has no place for: {'; '.join(lost)}. '{place.name}' was written without.",
            stacklevel=3,
        )
    return place


def _texts(row: np.ndarray) -> list[str]:
    """Return numbers as the shortest text that brings the same float32 back."""
    texts = row.astype(np.float32).astype(str).tolist()
    if np.isfinite(row).all():
        return texts
    return ["" if text in ("nan", "inf", "-inf") else text for text in texts]


def _plain(text: str, sign: str) -> str:
    """Return a name without what would end a cell, a line or the name itself."""
    kept = "".join(" " if c == sign or c in "\"'()[]#%" or c < " " else c for c in text)
    return " ".join(kept.split())


def _remarks(record: Record, identifiers: bool) -> list[str]:
    patient = record.patient
    lines = ["precordia: table of an ECG, version 1", f"fs: {record.fs!r} Hz"]
    if record.start_time is not None:
        lines.append(f"start_time: {record.start_time.isoformat()}")
    if record.origin != "measured":
        lines.append(f"origin: {record.origin}")
    if math.isfinite(patient.age_years):
        lines.append(f"age_years: {patient.age_years:g}")
    if patient.sex:
        lines.append(f"sex: {patient.sex}")
    if identifiers and patient.patient_id:
        lines.append(f"patient_id: {_plain(patient.patient_id, ',')}")
    if identifiers and patient.name:
        lines.append(f"patient_name: {_plain(patient.name, ',')}")
    if identifiers and patient.birth_date:
        lines.append(f"patient_birth_date: {patient.birth_date.isoformat()}")
    numbers = record.carried.measurements.items()
    lines += [f"measurement {name}: {value!r}" for name, value in numbers if math.isfinite(value)]
    for k, statement in enumerate(record.carried.statements):
        lines.append(f"statement {k + 1}: {statement.to_json()}")
    return lines
