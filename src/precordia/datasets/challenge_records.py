# SPDX-License-Identifier: Apache-2.0
"""Records of the challenges of 2020 and 2021: WFDB headers with SNOMED CT codes as diagnoses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from precordia.core.record import Patient
from precordia.core.statements import Statement
from precordia.datasets.found import Found, counted, such_as
from precordia.datasets.item import Item
from precordia.datasets.label_table import find_files, read_header_comments
from precordia.knowledge.codes import find_code, list_codes

#: sources of the challenge by the letters of their records
SOURCES = {
    "A": "cpsc_2018",
    "Q": "cpsc_2018_extra",
    "I": "st_petersburg_incart",
    "S": "ptb",
    "HR": "ptb-xl",
    "E": "georgia",
    "JS": "chapman_shaoxing",
}
#: records of this number on are of Ningbo
_FIRST_OF_NINGBO = 10647
#: words that CPSC2018 used, and the concepts that the challenge gave them
CPSC_WORDS = {
    "Normal": "426783006",
    "AF": "164889003",
    "I-AVB": "270492004",
    "LBBB": "164909002",
    "RBBB": "59118001",
    "PAC": "284470004",
    "PVC": "164884008",
    "STD": "429622005",
    "STE": "164931005",
}
_NAME = re.compile(r"([A-Z]+)(\d+)")


def source_of(name: str) -> str:
    """Return the source of a record of the challenge.

    Examples
    --------
    >>> source_of("E00001"), source_of("JS00001"), source_of("JS20000")
    ('georgia', 'chapman_shaoxing', 'ningbo')
    """
    found = _NAME.fullmatch(name)
    if found is None:
        return ""
    if found[1] == "JS" and int(found[2]) >= _FIRST_OF_NINGBO:
        return "ningbo"
    return SOURCES.get(found[1], "")


def scored_classes(year: int) -> dict[str, str]:
    """Return the class that each scored concept counts for.

    Parameters
    ----------
    year
        2020 or 2021.

    Returns
    -------
    Abbreviation of the class by concept; two concepts that are scored as one share a class, such
    as ``"CRBBB|RBBB"``.

    Examples
    --------
    >>> len(scored_classes(2021)), len(set(scored_classes(2021).values()))
    (30, 26)
    >>> len(scored_classes(2020)), len(set(scored_classes(2020).values()))
    (27, 24)
    """
    scored = {c.code: c for c in list_codes("snomed-ct") if year in c.scored}
    classes = {}
    for code, known in scored.items():
        pair = {known.abbreviation}
        if known.same_as in scored:
            pair.add(scored[known.same_as].abbreviation)
        classes[code] = "|".join(sorted(pair))
    return classes


def find_challenge(
    folder: Path,
    letters: Iterable[str],
    labels_of: Callable[[str], str],
    *,
    classes: Iterable[str] | None = None,
    patients: dict[str, str] | None = None,
) -> Found:
    """Find records of some sources of the challenge below a folder.

    Parameters
    ----------
    folder
        Searched with all its folders.
    letters
        Letters of the records: keys of `SOURCES`.
    labels_of
        Gives the class that a concept counts for; empty for none.
    classes
        Classes of the task; None for those that occur.
    patients
        Patient of each record, where known.

    Returns
    -------
    What was found.
    """
    found = Found(items=[], classes=None if classes is None else sorted(set(classes)))
    pattern = rf"({'|'.join(letters)})\d{{4,5}}\.hea"
    unknown, without = set(), []
    for path in find_files(folder, pattern):
        said = read_header_comments(path)
        statements = tuple(map(_concept, said.statements))
        if not statements:
            without.append(path.stem)
            continue
        unknown |= {s.code for s in statements if not s.name}
        labels = dict.fromkeys(labels_of(s.code) for s in statements if s.scheme == "snomed-ct")
        who = said.patient
        found.items.append(
            Item(
                name=path.stem,
                path=path,
                patient=Patient(
                    patient_id=(patients or {}).get(path.stem) or _only_patient(path.stem),
                    age_years=who.age_years,
                    sex=who.sex,
                ),
                labels=tuple(x for x in labels if x),
                statements=statements,
                facts={"source": source_of(path.stem)},
            )
        )
    found.unlabelled = without
    if unknown:
        found.remark(
            "unknown-statements",
            f"{counted(len(unknown), 'code')} that the challenge does not list "
            f"({such_as(sorted(unknown))}).",
        )
    return found


def _only_patient(name: str) -> str | None:
    """Return the record's own name where its database has one record of each patient."""
    return name if name.startswith("JS") else None


def every_code(code: str) -> str:
    """Let every concept be a class of its own."""
    return code


def _concept(statement: Statement) -> Statement:
    code = CPSC_WORDS.get(statement.code, statement.code)
    known = find_code(code, "snomed-ct")
    if known is None:
        return statement
    return Statement(code=code, scheme="snomed-ct", name=known.name)


def find_scored_or_all(
    folder: Path,
    letters: Iterable[str],
    task: str,
    year: int,
    *,
    patients: dict[str, str] | None = None,
) -> Found:
    """Find records with the scored classes of a year, or with every concept as a class."""
    if task == "all":
        return find_challenge(folder, letters, every_code, patients=patients)
    scored = scored_classes(year)
    return find_challenge(
        folder,
        letters,
        lambda code: scored.get(code, ""),
        classes=scored.values(),
        patients=patients,
    )
