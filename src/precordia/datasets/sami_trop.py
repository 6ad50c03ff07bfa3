# SPDX-License-Identifier: Apache-2.0
"""SaMi-Trop: 1631 patients with Chagas disease, one exam each, and who died in follow-up."""

from __future__ import annotations

from pathlib import Path

from precordia.core.record import Patient
from precordia.datasets.code_tracings import find_chagas_headers, tracing_places, tracing_reading
from precordia.datasets.found import Found, counted
from precordia.datasets.item import Item
from precordia.datasets.label_table import age_of, read_table
from precordia.datasets.zero_padding import without_zero_padding


def find_sami_trop(folder: Path, *, task: str) -> Found:
    """Find the exams of SaMi-Trop.

    Parameters
    ----------
    folder
        For death and normal: ``exams.csv`` and ``exams.hdf5``. For chagas: the records as the
        challenge of 2025 converts them.
    task
        death: died during follow-up. normal: read as normal. chagas: every one has the disease.

    Returns
    -------
    What was found. Each exam is of another patient.

    References
    ----------
    Ribeiro ALP et al. Sami-Trop. Zenodo 2021. doi:10.5281/zenodo.4905618
    """
    if task == "chagas":
        return find_chagas_headers(folder, "SaMi-Trop")
    column = "death" if task == "death" else "normal_ecg"
    rows = read_table(folder / "exams.csv", ("exam_id", "age", "is_male", column))
    tracings = folder / "exams.hdf5"
    places = tracing_places(tracings) if tracings.is_file() else {}
    found = Found(items=[], classes=(task,), keep_empty=True)
    lacking = 0
    for row in rows:
        place = places.get(row["exam_id"])
        if place is None:
            lacking += 1
            continue
        male = row["is_male"].lower()
        found.items.append(
            Item(
                name=row["exam_id"],
                path=tracings,
                patient=Patient(
                    patient_id=row["exam_id"],
                    age_years=age_of(row["age"]),
                    sex="male" if male == "true" else "female" if male == "false" else None,
                ),
                labels=(task,) if row[column].lower() == "true" else (),
                facts={"timey": row["timey"]} if row.get("timey") else {},
                reading=tracing_reading(place),
                finish=without_zero_padding,
            )
        )
    if lacking:
        found.remark(
            "labels-without-recording",
            f"{counted(lacking, 'row')} of labels without a tracing in exams.hdf5; left out.",
        )
    named = {row["exam_id"] for row in rows}
    found.unlabelled = [exam for exam in places if exam not in named]
    return found
