# SPDX-License-Identifier: Apache-2.0
"""Exams of the CODE group: a table, and HDF5 files of many tracings of 4096 samples each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from precordia.core.errors import FormatError, MissingExtraError
from precordia.core.leads import STANDARD_12
from precordia.core.record import Patient
from precordia.datasets.found import Found
from precordia.datasets.item import Item
from precordia.datasets.label_table import find_files, header_comments, read_header_comments
from precordia.datasets.zero_padding import without_zero_padding


def tracing_places(path: Path) -> dict[str, int]:
    """Return the place of each exam in a file of tracings.

    Raises
    ------
    FormatError
        If the file lacks ``exam_id`` or ``tracings``, or they differ in length.
    MissingExtraError
        If h5py is not installed.
    """
    try:
        import h5py
    except ModuleNotFoundError:
        raise MissingExtraError(
            "tracings in HDF5 need h5py, which is not installed. Install it with: "
            'pip install "precordia[hdf5]"'
        ) from None
    try:
        with h5py.File(path, "r") as file:
            exams, tracings = file["exam_id"], file["tracings"]
            if exams.ndim != 1 or tracings.ndim != 3 or exams.shape[0] != tracings.shape[0]:
                raise ValueError("exam_id and tracings do not fit together")
            ids = exams[...].tolist()
    except (OSError, KeyError, ValueError, AttributeError, RuntimeError) as error:
        raise FormatError(
            f"'{path.name}' is no file of tracings ({error}); the datasets exam_id and tracings "
            "are needed. Copy it again."
        ) from error
    # The last row of a part is filled with zeros and belongs to no exam.
    return {str(exam): place for place, exam in enumerate(ids) if exam}


def tracing_reading(place: int) -> dict[str, Any]:
    """Return the options that read one tracing of a file."""
    return {
        "format": "hdf5",
        "variable": "tracings",
        "axes": "record sample lead",
        "index": place,
        "fs": 400,
        "unit": "mV",
        "leads": list(STANDARD_12),
    }


def find_chagas_headers(folder: Path, source: str) -> Found:
    """Find records as the challenge of 2025 converts them: WFDB, the label in the header.

    Parameters
    ----------
    folder
        Searched with all its folders.
    source
        Which records, by the entry ``Source`` of the header.
    """
    found = Found(items=[], classes=("chagas",), keep_empty=True)
    for path in find_files(folder, r"\d+\.hea"):
        entries = _entries(path)
        if entries.get("source") != source:
            continue
        if entries.get("chagas label") not in ("true", "false"):
            found.unlabelled.append(path.stem)
            continue
        who = read_header_comments(path).patient
        found.items.append(
            Item(
                name=path.stem,
                path=path,
                patient=Patient(age_years=who.age_years, sex=who.sex),
                labels=("chagas",) if entries["chagas label"] == "true" else (),
                facts={"source": source},
                finish=without_zero_padding,
            )
        )
    return found


def _entries(path: Path) -> dict[str, str]:
    pairs = (line.lstrip("# \t").partition(":") for line in header_comments(path))
    said = {key.strip().lower(): value.strip() for key, _, value in pairs}
    said["source"] = said.get("source", "")
    said["chagas label"] = said.get("chagas label", "").lower()
    return said
