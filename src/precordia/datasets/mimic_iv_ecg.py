# SPDX-License-Identifier: Apache-2.0
"""MIMIC-IV-ECG: 800 035 records of 161 352 patients with the machine's report."""

from __future__ import annotations

from pathlib import Path

from precordia.core.record import Patient
from precordia.core.statements import Statement
from precordia.datasets.found import Found
from precordia.datasets.item import Item
from precordia.datasets.label_table import below, read_table

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
        report: the machine's sentences as text; no classes.

    Returns
    -------
    What was found. ``facts`` holds the machine's own measurements, those of 29999 left out.

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
    rows = read_table(folder / "record_list.csv", needed, only=(*needed, "ecg_time"))
    said = _reports(folder)
    found = Found(items=[], keep_empty=True, classes=())
    for row in rows:
        machine = said.get(row["study_id"], {})
        sentences = [machine[key] for key in _REPORTS if machine.get(key)]
        facts = {key: machine[key] for key in _MEASURED if machine.get(key, _ABSENT) != _ABSENT}
        if row.get("ecg_time"):
            facts["ecg_time"] = row["ecg_time"]
        found.items.append(
            Item(
                name=row["study_id"],
                path=below(folder, f"{row['path']}.hea"),
                patient=Patient(patient_id=row["subject_id"] or None),
                statements=tuple(Statement(code=text) for text in sentences),
                report=" ".join(sentences),
                facts={key: value for key, value in facts.items() if value},
            )
        )
    if said:
        lacking = sum(row["study_id"] not in said for row in rows)
        if lacking:
            found.remark("records-without-report", f"{lacking} records without a machine's report.")
    else:
        found.remark("no-reports", "machine_measurements.csv is not there; records have no report.")
    return found


def _reports(folder: Path) -> dict[str, dict[str, str]]:
    path = folder / "machine_measurements.csv"
    if not path.is_file():
        return {}
    rows = read_table(path, ("study_id",), only=("study_id", *_REPORTS, *_MEASURED))
    return {row["study_id"]: row for row in rows}
