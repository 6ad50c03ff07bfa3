# SPDX-License-Identifier: Apache-2.0
"""CODE-15 %: 345 779 exams of 233 770 patients of the Telehealth Network of Minas Gerais."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from precordia.core.record import Patient
from precordia.datasets.code_tracings import find_chagas_headers, tracing_places, tracing_reading
from precordia.datasets.found import Found, counted
from precordia.datasets.item import Item
from precordia.datasets.label_table import age_of, read_table
from precordia.datasets.zero_padding import without_zero_padding

CLASSES = ("1dAVb", "RBBB", "LBBB", "SB", "ST", "AF")
_FACTS = ("normal_ecg", "death", "timey", "nn_predicted_age")


def find_code15(folder: Path, *, task: str) -> Found:
    """Find the exams of CODE-15 %.

    Parameters
    ----------
    folder
        For diagnoses: ``exams.csv`` and ``exams_part0.hdf5`` and so on. For chagas: the records as
        the challenge of 2025 converts them.
    task
        diagnoses: six classes, none of which an exam may have. chagas: what patients said.

    Returns
    -------
    What was found.

    Notes
    -----
    Tracings of 7 or 10 s stand between zeros that fill them up to 4096 samples; the zeros are
    taken away. The publisher names the scale as 1e-4 V and as a factor of 1000 to volts, which
    contradict each other; with millivolts the amplitudes are those of an ECG, and millivolts are
    what is read here.

    References
    ----------
    Ribeiro AH et al. CODE-15%. Zenodo 2021. doi:10.5281/zenodo.4916206
    """
    if task == "chagas":
        return find_chagas_headers(folder, "CODE-15%")
    needed = ("exam_id", "age", "is_male", "patient_id", "trace_file", *CLASSES)
    rows = read_table(folder / "exams.csv", needed, only=(*needed, *_FACTS))
    named, there = {row["trace_file"] for row in rows}, {path.name for path in folder.iterdir()}
    places = {name: tracing_places(folder / name) for name in sorted(named & there)}
    found = Found(items=[], classes=CLASSES, keep_empty=True)
    without = defaultdict(int)
    for row in rows:
        place = places.get(row["trace_file"], {}).get(row["exam_id"])
        if place is None:
            without[row["trace_file"]] += 1
            continue
        found.items.append(_item(folder, row, place))
    if without:
        n = sum(without.values())
        found.remark(
            "labels-without-recording",
            f"{counted(n, 'row')} of labels without a tracing, in {len(without)} of "
            f"{counted(len(named), 'file')}; left out.",
        )
    return found


def _item(folder: Path, row: dict[str, str], place: int) -> Item:
    male = row["is_male"].lower()
    return Item(
        name=row["exam_id"],
        path=folder / row["trace_file"],
        patient=Patient(
            patient_id=row["patient_id"] or None,
            age_years=age_of(row["age"]),
            sex="male" if male == "true" else "female" if male == "false" else None,
        ),
        labels=tuple(name for name in CLASSES if row[name].lower() == "true"),
        facts={key: row[key] for key in _FACTS if row.get(key)},
        reading=tracing_reading(place),
        finish=without_zero_padding,
    )
