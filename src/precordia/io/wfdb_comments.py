# SPDX-License-Identifier: Apache-2.0
"""The comment lines of a WFDB header: patient, statements and other entries."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from precordia.core.record import NOBODY, Patient
from precordia.core.statements import Statement
from precordia.io.carried_texts import carried_of, is_carried_text, printed_statement

_ANGLED = re.compile(r"<([^<>]{1,40})>\s*:?\s*([^<]*)")
_AGE_AND_SEX = re.compile(r"(age)\s*:\s*(\S+)\s+(sex|gender)\s*:\s*(\w+)\s*$", re.IGNORECASE)
#: the first comment of the MIT-BIH databases: age, sex, and two numbers of the tape
_MITDB = re.compile(r"(-1|\d{1,3}|\?)\s+([MF?])\s+\d+\s+\d+")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_SEX = {
    "m": "male", "male": "male", "man": "male",
    "f": "female", "female": "female", "woman": "female",
}  # fmt: skip
_IDENTIFIERS = {
    "name": "name", "patient name": "name", "patient": "patient_id", "patient id": "patient_id",
    "subject id": "patient_id", "subject": "patient_id", "patientid": "patient_id",
    "birth date": "birth_date", "date of birth": "birth_date",
}  # fmt: skip
#: entries of the challenges of 2020 and 2021 that other formats have too
_SHARED = {"rx": "medication", "hx": "history"}
#: the ending of a file of annotations, letters only, so that it cannot lead elsewhere
_ANNOTATOR = re.compile(r"[A-Za-z]{1,16}")
_DIAGNOSES = ("diagnoses", "diagnosis")
_NOTHING = {"", "(none)", "none", "unknown", "n/a", "nan", "?", "??"}


class Remarked(NamedTuple):
    """What the comments of a header say."""

    patient: Patient
    statements: tuple[Statement, ...]
    header: dict[str, str]
    origin: str
    measurements: dict[str, float] = {}  # noqa: RUF012 - never written to
    annotator: str | None = None


def parse_comments(comments: Sequence[str]) -> Remarked:
    """Take patient, statements and entries from comment lines.

    Parameters
    ----------
    comments
        Lines without their leading ``#``.

    Returns
    -------
    What was understood. ``header`` holds every ``key: value`` as text and, under ``"comments"``,
    all lines together; lines that identify the patient are in neither.

    Notes
    -----
    Understood are the forms of the PhysioNet databases: ``Age: 63``, ``<age>: 63 <sex>: M``,
    ``Age: 64 Sex: F``, the MIT-BIH line ``69 M 1085 1629 x1``, and for statements ``Dx:`` with
    codes (six digits or more are SNOMED CT, the rest is text) and ``<diagnoses>:`` followed by
    lines of text. ``Rx:`` is ``medication`` and ``Hx:`` is ``history`` too. An age outside 0 to
    130 years is unknown.

    Examples
    --------
    >>> said = parse_comments(["Age: 63", "Sex: Female", "Dx: 426783006,AF"])
    >>> said.patient
    Patient(63 years, female)
    >>> [(s.code, s.scheme) for s in said.statements]
    [('426783006', 'snomed-ct'), ('AF', 'text')]
    """
    if not comments:
        return Remarked(NOBODY, (), {}, "measured")
    age, sex, origin = math.nan, None, "measured"
    identity: dict[str, str] = {}
    statements: list[Statement] = []
    header: dict[str, str] = {}
    shown: list[str] = []
    measurements: dict[str, float] = {}
    annotator = None
    listing = False
    for place, line in enumerate(comments):
        entries = _entries(line, place)
        kept = True
        for key, value in entries:
            folded = key.lower()
            if folded == "age":
                age = _age(value) if math.isnan(age) else age
            elif folded in ("sex", "gender"):
                sex = sex or _SEX.get(value.lower())
            elif folded in _IDENTIFIERS:
                kept = False
                if value.lower() not in _NOTHING:
                    identity.setdefault(_IDENTIFIERS[folded], value)
                continue
            elif folded == "dx":
                statements += _codes(value)
            elif folded in _DIAGNOSES and value.lower() not in _NOTHING:
                statements.append(printed_statement(value))
            elif folded == "origin" and value in ("estimated", "synthetic"):
                origin = value
            elif folded == "annotator" and _ANNOTATOR.fullmatch(value):
                annotator, kept = value, False
                continue
            elif is_carried_text(line):
                told = carried_of([line])
                statements, measurements = [*statements, *told[0]], measurements | told[1]
                kept = False
                continue
            elif folded in _SHARED and value.lower() not in _NOTHING:
                header.setdefault(_SHARED[folded], value)
            header.setdefault(key, value)
        if listing and line and "<" not in line:
            statements.append(printed_statement(line))
        if entries and line.startswith("<"):
            listing = entries[-1][0].lower() in _DIAGNOSES and not entries[-1][1]
        if kept and line:
            shown.append(line)
    if shown:
        header["comments"] = "\n".join(shown)
    patient = NOBODY
    if identity or sex or not math.isnan(age):
        born = _day(identity.pop("birth_date", ""))
        patient = Patient(age_years=age, sex=sex, birth_date=born, **identity)  # type: ignore[arg-type]
    return Remarked(patient, tuple(statements), header, origin, measurements, annotator)


def _entries(line: str, place: int) -> list[tuple[str, str]]:
    # An angle may stand in a text behind a key; where none is before it, it begins one.
    if "<" in line and ":" not in line.partition("<")[0]:
        return [(key.strip(), value.strip()) for key, value in _ANGLED.findall(line)]
    both = _AGE_AND_SEX.match(line)
    if both is not None:
        return [(both[1], both[2]), (both[3], both[4])]
    key, colon, value = line.partition(":")
    if colon and 0 < len(key) <= 80:
        return [(key.strip(), value.strip())]
    if place == 0 and (found := _MITDB.match(line)) is not None:
        return [("Age", found[1]), ("Sex", found[2])]
    return []


def _day(value: str) -> date | None:
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def _age(value: str) -> float:
    found = _NUMBER.match(value)
    age = float(found[0]) if found is not None and len(found[0]) < 9 else math.nan
    return age if 0 <= age <= 130 else math.nan


def _codes(value: str) -> list[Statement]:
    words = [word.strip() for word in value.split(",")]
    return [
        Statement(code=w, scheme="snomed-ct")
        if w.isdecimal() and len(w) >= 6
        else printed_statement(w)
        for w in words
        if w.lower() not in _NOTHING
    ]
