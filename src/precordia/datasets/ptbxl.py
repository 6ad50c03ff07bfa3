# SPDX-License-Identifier: Apache-2.0
"""PTB-XL: 21 799 records of 12 leads with SCP-ECG statements, and the six published tasks."""

from __future__ import annotations

import ast
from collections import Counter
from functools import cache, lru_cache
from pathlib import Path

from precordia.core.errors import FormatError, OptionError
from precordia.core.record import Patient, Sex
from precordia.core.statements import Statement
from precordia.datasets.assemble import relabelled
from precordia.datasets.found import Found, counted, such_as
from precordia.datasets.item import Item
from precordia.datasets.label_table import age_of, below, read_table
from precordia.knowledge.codes import find_code, list_codes

#: records withdrawn since version 1.0.2 because they repeat others
WITHDRAWN = frozenset((137, 139, 140, 141, 142, 143, 145, 456, 458, 459, 461, 462))
_SEX: dict[str, Sex] = {"0": "male", "1": "female"}
_FACTS = (
    *("device", "site", "recording_date", "heart_axis", "infarction_stadium1"),
    *("infarction_stadium2", "validated_by_human", "baseline_drift", "static_noise"),
    *("burst_noise", "electrodes_problems", "extra_beats", "pacemaker", "height", "weight"),
)


def find_ptbxl(folder: Path, *, task: str, fs: int = 100, min_records: int = 0) -> Found:
    """Find the records of PTB-XL and their labels.

    Parameters
    ----------
    folder
        Holds ``ptbxl_database.csv`` and ``records100`` or ``records500``.
    task
        all, diagnostic, subdiagnostic, superdiagnostic, form or rhythm.
    fs
        100 or 500: which of the two files of each record.
    min_records
        Keep classes with more records than this, as the protocol's ``min_samples``.

    Returns
    -------
    What was found.

    Raises
    ------
    FormatError
        If the table is missing or damaged.
    OptionError
        If ``fs`` is another.

    Notes
    -----
    *Method*: the published protocol. A record has every statement that ``scp_codes`` names,
    whatever the likelihood: 0 means that none was given, not that the statement is absent.
    ``form`` and ``diagnostic`` overlap in four statements. ``subdiagnostic`` and
    ``superdiagnostic`` are the classes of the diagnostic statements. Classes are those with more
    than ``min_records`` records, sorted; records without a class of the task are left out, so that
    the tasks differ in their test records.

    What others have stumbled over, and what is done here: labels are compared as whole codes,
    never as parts of text (``AVB`` is in ``1AVB``); the split is by ``strat_fold``, which keeps
    patients together; in some classes of form and rhythm one to three test records carry the whole
    class, which `describe_dataset` counts; twelve withdrawn duplicates of version 1.0.1 are left
    out; an age of 300 means above 89 and is unknown here; ``sex`` 0 is male.
    *Departure*: none in the labels. The published figures are of 100 Hz.

    References
    ----------
    Wagner P et al. PTB-XL. Sci Data 2020;7:154. doi:10.1038/s41597-020-0495-6
    Strodthoff N et al. IEEE J Biomed Health Inform 2021;25:1519. doi:10.1109/JBHI.2020.3022989
    """
    if fs not in (100, 500):
        raise OptionError(f"fs is {fs}; PTB-XL has files of 100 and of 500 Hz. Choose one of them.")
    column = "filename_lr" if fs == 100 else "filename_hr"
    needed = ("ecg_id", "patient_id", "age", "sex", "scp_codes", "strat_fold", column)
    rows = read_table(folder / "ptbxl_database.csv", needed)
    found = Found(items=[])
    withdrawn, unknown = 0, set()
    for row in rows:
        if _whole(row["ecg_id"], "ecg_id") in WITHDRAWN:
            withdrawn += 1
            continue
        statements = _statements(row["scp_codes"])
        unknown |= {s.code for s in statements if not s.name}
        found.items.append(_item(folder, row, statements, column, task))
    if withdrawn:
        found.remark(
            "withdrawn-records",
            f"{counted(withdrawn, 'record')} that PTB-XL 1.0.2 withdrew as duplicates; left out.",
        )
    if unknown:
        found.remark(
            "unknown-statements",
            f"{counted(len(unknown), 'code')} that are no statement of PTB-XL "
            f"({such_as(sorted(unknown))}).",
        )
    _keep_frequent(found, min_records)
    return found


def ptbxl_classes(task: str) -> tuple[str, ...]:
    """Return every class of a task in the whole database, sorted.

    Examples
    --------
    >>> ptbxl_classes("superdiagnostic")
    ('CD', 'HYP', 'MI', 'NORM', 'STTC')
    >>> [len(ptbxl_classes(t)) for t in ("all", "diagnostic", "subdiagnostic", "form", "rhythm")]
    [71, 44, 23, 19, 12]
    """
    codes = [c.code for c in list_codes("scp-ecg")]
    return tuple(sorted({label for code in codes for label in _labels_of(code, task)}))


@cache
def _labels_of(code: str, task: str) -> tuple[str, ...]:
    known = find_code(code, "scp-ecg")
    if known is None:
        return ()
    if task == "all":
        return (code,)
    if task in ("subdiagnostic", "superdiagnostic"):
        held = known.subclass if task == "subdiagnostic" else known.superclass
        return (held,) if "diagnostic" in known.tasks and held else ()
    return (code,) if task in known.tasks else ()


@lru_cache(maxsize=4096)
def _statements(text: str) -> tuple[Statement, ...]:
    try:
        codes = ast.literal_eval(text)
        pairs = [(str(code), float(likelihood)) for code, likelihood in codes.items()]
    except (ValueError, SyntaxError, AttributeError, TypeError, MemoryError, RecursionError):
        raise FormatError(
            f"scp_codes of a record in 'ptbxl_database.csv' is '{text[:60]}', no dictionary of "
            "codes and likelihoods. Copy the table again from PhysioNet."
        ) from None
    return tuple(
        Statement(
            code=code,
            scheme="scp-ecg",
            name=known.name if (known := find_code(code, "scp-ecg")) else "",
            likelihood=likelihood,
        )
        for code, likelihood in pairs
    )


def _item(
    folder: Path, row: dict[str, str], statements: tuple[Statement, ...], column: str, task: str
) -> Item:
    patient = str(_whole(row["patient_id"], "patient_id")) if row["patient_id"] else None
    facts = {key: row[key] for key in _FACTS if row.get(key)}
    if row["age"].removesuffix(".0") == "300":
        facts["age"] = "above 89"
    labels = dict.fromkeys(label for s in statements for label in _labels_of(s.code, task))
    return Item(
        name=row["ecg_id"],
        path=below(folder, f"{row[column]}.hea"),
        patient=Patient(
            patient_id=patient, age_years=age_of(row["age"]), sex=_SEX.get(row["sex"][:1])
        ),
        known_as=f"ptbxl-{patient}" if patient else "",
        labels=tuple(sorted(labels)),
        statements=statements,
        fold=row["strat_fold"].removesuffix(".0"),
        report=row.get("report", ""),
        facts=facts,
    )


def _whole(text: str, column: str) -> int:
    try:
        return int(float(text))
    except (ValueError, OverflowError):
        raise FormatError(
            f"a row of 'ptbxl_database.csv' has no number as {column}. Copy the table again."
        ) from None


def _keep_frequent(found: Found, min_records: int) -> None:
    seen = Counter(label for item in found.items for label in item.labels)
    kept = {label for label, n in seen.items() if n > min_records}
    if len(kept) < len(seen):
        rare = sorted(set(seen) - kept)
        found.remark(
            "rare-classes",
            f"{counted(len(rare), 'class', 'classes')} of {min_records} records or fewer "
            f"({such_as(rare)}); left out.",
        )
        found.items = [
            relabelled(item, (x for x in item.labels if x in kept)) for item in found.items
        ]
