# SPDX-License-Identifier: Apache-2.0
"""MIMIC-IV-ECG: 800 035 records of 161 352 patients with the machine's report."""

from __future__ import annotations

import sys
from functools import lru_cache
from pathlib import Path

from precordia.core.record import Patient
from precordia.core.statements import Statement
from precordia.datasets.found import Found, counted
from precordia.datasets.item import Item
from precordia.datasets.label_table import age_of, below, read_table, walk_table
from precordia.datasets.mimic_laboratory import read_folds, read_laboratory

_REPORTS = tuple(f"report_{k}" for k in range(18))
#: what the machine gives for a number that it could not measure
_ABSENT = "29999"
_MEASURED = (
    *("rr_interval", "p_onset", "p_end", "qrs_onset", "qrs_end", "t_end"),
    *("p_axis", "qrs_axis", "t_axis", "bandwidth", "filtering"),
)


def find_mimic_iv_ecg(folder: Path, *, task: str) -> Found:
    """Find the records of MIMIC-IV-ECG.

    Parameters
    ----------
    folder
        Holds ``record_list.csv``, ``files``, and ``machine_measurements.csv`` if it is wanted.
    task
        report: the machine's sentences as text; no classes. laboratory: records with a blood test
        within an hour, whose levels stand in ``facts``, such as ``{"Hemoglobin": "low"}``; needs
        the tables of MIMIC-IV that `read_laboratory` names.

    Returns
    -------
    What was found. ``facts`` holds the machine's own measurements, those of 29999 left out. Folds
    and ages are those of ``records_w_diag_icd10.csv``, where it is there.

    Notes
    -----
    The files have their leads in the order I, II, III, aVR, aVF, aVL, V1 to V6. Records keep it
    and name each lead, so that ``record.leads.index("aVL")`` is right; a model that goes by
    position needs the rows put in order. The sentences are the machine's, not a physician's.

    References
    ----------
    Gow B et al. PhysioNet 2023. doi:10.13026/4nqg-sb35
    """
    needed = ("subject_id", "study_id", "path")
    if task == "laboratory":
        return _with_laboratory(folder, needed)
    said = _machine(folder)
    folds = read_folds(folder)
    found = Found(items=[], keep_empty=True, classes=())
    lacking = 0
    for row in walk_table(folder / "record_list.csv", needed, only=(*needed, "ecg_time")):
        statements, facts = said.get(row["study_id"], ((), {}))
        lacking += row["study_id"] not in said
        if row.get("ecg_time"):
            facts = {**facts, "ecg_time": row["ecg_time"]}
        found.items.append(
            Item(
                name=row["study_id"],
                path=below(folder, f"{row['path']}.hea"),
                patient=_patient(row["subject_id"], folds.get(row["study_id"], ("", ""))[1]),
                statements=statements,
                report=_joined(statements),
                fold=folds.get(row["study_id"], ("", ""))[0],
                facts=facts,
            )
        )
    if not said:
        found.remark("no-reports", "machine_measurements.csv is not there; records have no report.")
    elif lacking:
        found.remark(
            "records-without-report", f"{counted(lacking, 'record')} without a machine's report."
        )
    return found


def _with_laboratory(folder: Path, needed: tuple[str, ...]) -> Found:
    """Find the records with a blood test, and what each test said."""
    listed = (*needed, "ecg_time")
    rows = read_table(folder / "record_list.csv", listed, only=listed)
    ecgs = ((row["study_id"], row["subject_id"], row["ecg_time"]) for row in rows)
    levels = read_laboratory(folder, ecgs)
    folds = read_folds(folder)
    # facts and no labels: a test that was not made is unknown, not negative
    found = Found(items=[], keep_empty=True, classes=())
    for row in rows:
        study = row["study_id"]
        if study in levels:
            fold, age = folds.get(study, ("", ""))
            found.items.append(
                Item(
                    name=study,
                    path=below(folder, f"{row['path']}.hea"),
                    patient=_patient(row["subject_id"], age),
                    fold=fold,
                    facts=levels[study],
                )
            )
    if without := len(rows) - len(found.items):
        found.remark(
            "no-blood-test", f"{counted(without, 'record')} without a blood test within an hour."
        )
    return found


def _machine(folder: Path) -> dict[str, tuple[tuple[Statement, ...], dict[str, str]]]:
    """Return the machine's sentences and measurements of each study."""
    path = folder / "machine_measurements.csv"
    if not path.is_file():
        return {}
    only = ("study_id", *_REPORTS, *_MEASURED)
    said = {}
    for row in walk_table(path, ("study_id",), only=only):
        statements = tuple(_statement(row[key]) for key in _REPORTS if row.get(key))
        facts = {
            key: sys.intern(row[key])
            for key in _MEASURED
            if row.get(key) not in ("", None, _ABSENT)
        }
        said[row["study_id"]] = (_shared(statements), facts)
    return said


# A million records share some ten thousand sentences, and patients have several records each.
@lru_cache(maxsize=100_000)
def _statement(text: str) -> Statement:
    return Statement(code=text)


@lru_cache(maxsize=100_000)
def _shared(statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
    return statements


@lru_cache(maxsize=100_000)
def _joined(statements: tuple[Statement, ...]) -> str:
    return " ".join(statement.code for statement in statements)


@lru_cache(maxsize=1000)
def _patient(subject: str, age: str = "") -> Patient:
    return Patient(patient_id=subject or None, age_years=age_of(age))
