# SPDX-License-Identifier: Apache-2.0
"""Blood tests of MIMIC-IV within an hour of an ECG: below, within or above their own limits."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from precordia.core.errors import FormatError
from precordia.datasets.label_table import walk_table

#: the tests of BenchECG by their names in d_labitems, and whether "low" is one of their classes
ANALYTES = {
    "NTproBNP": False,
    "Urea Nitrogen": True,
    "Hemoglobin": True,
    "Creatinine": True,
    "Ferritin": True,
    "Hematocrit": True,
    "Albumin": True,
    "RDW-SD": True,
    "Anion Gap": True,
    "RDW": True,
    "Bicarbonate": True,
    "Bilirubin, Total": False,
    "INR(PT)": True,
    "Red Blood Cells": True,
    "PT": True,
    "Creatine Kinase (CK)": True,
    "MCHC": True,
    "Calcium, Total": True,
    "Lymphocytes": True,
}
LEVELS = ("low", "normal", "high")
WITHIN_S = 3600.0
_EVENTS = ("subject_id", "itemid", "charttime", "valuenum", "ref_range_lower", "ref_range_upper")
_PLACES = ("", "hosp")
#: labevents.csv holds some 160 million rows
_MOST_BYTES = 64 << 30


def laboratory_classes() -> tuple[str, ...]:
    """Return the classes of all tests, such as ``"Hemoglobin: low"``.

    Examples
    --------
    >>> len(laboratory_classes()), laboratory_classes()[:2]
    (55, ('NTproBNP: normal', 'NTproBNP: high'))
    """
    return tuple(
        f"{name}: {level}"
        for name, has_low in ANALYTES.items()
        for level in LEVELS
        if has_low or level != "low"
    )


def read_laboratory(
    folder: Path, ecgs: Iterable[tuple[str, str, str]]
) -> dict[str, dict[str, str]]:
    """Find the blood tests nearest to each ECG, not more than an hour away.

    Parameters
    ----------
    folder
        Holds ``d_labitems.csv`` and ``labevents.csv`` of MIMIC-IV, or ``.csv.gz``, or a folder
        ``hosp`` with them.
    ecgs
        Study, subject, and time of each ECG, as the tables write them.

    Returns
    -------
    For each study with a test: low, normal or high by the name of the test. Levels that are no
    class of a test are left out.

    Raises
    ------
    FormatError
        If a table is missing or damaged.

    Notes
    -----
    *Method*: that of BenchECG: tests of blood by name, of several items of a name the one with the
    most values; each value belongs to the ECG of the patient that is nearest in time, and is
    compared with the limits in its own row. *Departures*: of several values of a test, the one
    nearest in time is taken; the published code takes the latest one after the ECG, and drops it
    where that is more than an hour away. Low values of tests without that class are unknown in
    both.

    References
    ----------
    Lunelli R, et al. BenchECG and xECG. 2025. arXiv:2509.10151
    Johnson AEW et al. Sci Data 2023;10:1. doi:10.1038/s41597-022-01899-x
    """
    items = _blood_items(folder)
    by_subject: dict[str, list[tuple[float, str]]] = {}
    for study, subject, moment in ecgs:
        at = _seconds(moment)
        if math.isfinite(at):
            by_subject.setdefault(subject, []).append((at, study))
    counts: Counter[str] = Counter()
    nearest: dict[tuple[str, str], tuple[float, float, str]] = {}
    for row in walk_table(
        _table(folder, "labevents"), _EVENTS, only=_EVENTS, most_bytes=_MOST_BYTES
    ):
        item = row["itemid"]
        if item not in items or not row["valuenum"]:
            continue
        counts[item] += 1
        own = by_subject.get(row["subject_id"])
        at = _seconds(row["charttime"]) if own else math.nan
        if own is None or not math.isfinite(at):
            continue
        moment, study = min(own, key=lambda ecg: (abs(ecg[0] - at), ecg[1]))
        away = abs(moment - at)
        level = _level(row)
        # of two values as near, the earlier
        if away <= WITHIN_S and level and (away, at) < nearest.get((study, item), (math.inf,))[:2]:
            nearest[study, item] = (away, at, level)
    chosen = _most_used(items, counts)
    found: dict[str, dict[str, str]] = {}
    for (study, item), (_, _, level) in nearest.items():
        name = items[item]
        if chosen.get(name) == item and (ANALYTES[name] or level != "low"):
            found.setdefault(study, {})[name] = level
    return found


def read_folds(folder: Path) -> dict[str, tuple[str, str]]:
    """Return fold and age of each study, of the table with ICD-10 diagnoses; empty without it.

    References
    ----------
    Strodthoff N et al. MIMIC-IV-ECG-Ext-ICD. PhysioNet 2024. doi:10.13026/ypt5-9d58
    """
    path = folder / "records_w_diag_icd10.csv"
    if not path.is_file():
        return {}
    needed = ("study_id", "fold")
    rows = walk_table(path, needed, only=(*needed, "age"), most_bytes=_MOST_BYTES)
    return {row["study_id"]: (_whole(row["fold"]), row.get("age", "")) for row in rows}


def _whole(text: str) -> str:
    return text.removesuffix(".0")


def _blood_items(folder: Path) -> dict[str, str]:
    """Name of each item of blood that BenchECG asks for."""
    rows = walk_table(_table(folder, "d_labitems"), ("itemid", "label", "fluid"))
    items = {
        row["itemid"]: row["label"]
        for row in rows
        if row["fluid"].lower() == "blood" and row["label"] in ANALYTES
    }
    if not items:
        raise FormatError(
            "d_labitems names none of the blood tests of BenchECG, such as Hemoglobin; compare "
            "the table with the published one."
        )
    return items


def _table(folder: Path, name: str) -> Path:
    for place in _PLACES:
        for end in (".csv.gz", ".csv"):
            path = folder / place / f"{name}{end}"
            if path.is_file():
                return path
    raise FormatError(
        f"there is no '{name}.csv.gz' in '{folder}' or in its folder hosp; the laboratory values "
        "of MIMIC-IV (not of MIMIC-IV-ECG) are needed. Put labevents.csv.gz and d_labitems.csv.gz "
        "there: https://physionet.org/content/mimiciv/"
    )


def _most_used(items: dict[str, str], counts: Counter[str]) -> dict[str, str]:
    chosen: dict[str, str] = {}
    for item in sorted(items, key=lambda k: (-counts[k], k)):
        chosen.setdefault(items[item], item)
    return chosen


def _seconds(moment: str) -> float:
    """Seconds of a time such as 2180-07-23 08:44:00; NaN where it is none."""
    try:
        return (datetime.fromisoformat(moment) - datetime.min).total_seconds()
    except (ValueError, TypeError):
        return math.nan


def _level(row: dict[str, str]) -> str:
    """Low, normal or high; empty where a limit or the value is no number."""
    try:
        value, low, high = (
            float(row[k]) for k in ("valuenum", "ref_range_lower", "ref_range_upper")
        )
    except ValueError:
        return ""
    if math.isnan(value) or math.isnan(low) or math.isnan(high):
        return ""
    return "low" if value < low else "high" if value > high else "normal"
