# SPDX-License-Identifier: Apache-2.0
"""Check a claim against a study: true, false, or not to be told."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass

from precordia.core.claims import (
    ABSENT,
    FOUND,
    METHOD,
    NOT_FOUND,
    NUMERIC,
    PATIENT,
    PROBABILITY,
    QUALITY,
    RECORD,
    STATEMENT,
    UNDECIDED,
    Claim,
    shown_number,
    words_of_claim,
)
from precordia.core.findings import FOUND as DECIDED_FOUND
from precordia.core.findings import NO_DECISION
from precordia.core.measure_words import words_of_measure
from precordia.core.quality import QualityReason
from precordia.core.study import Study
from precordia.core.study_numbers import NOT_KNOWN, number_of
from precordia.core.value import Value

_COMPARE = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
}
NO_PREVIOUS = "no earlier recording was given"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict(Value):
    """What came of checking a claim.

    Attributes
    ----------
    holds
        True, False, or None where the study cannot tell.
    why
        What the study says instead, or why it says nothing; empty where the claim is plainly true.

    Examples
    --------
    >>> print(Verdict(holds=False, why="QRS duration is 91 ms"))
    false: QRS duration is 91 ms
    >>> Verdict(holds=None).word
    'cannot be told'
    """

    holds: bool | None
    why: str = ""

    @property
    def word(self) -> str:
        """``"true"``, ``"false"`` or ``"cannot be told"``."""
        return {True: "true", False: "false", None: "cannot be told"}[self.holds]

    def __str__(self) -> str:
        return f"{self.word}: {self.why}" if self.why else self.word


TRUE = Verdict(holds=True)


def _false(why: str) -> Verdict:
    return Verdict(holds=False, why=why)


def _open(why: str) -> Verdict:
    return Verdict(holds=None, why=why)


def verify(claim: Claim, study: Study, previous: Study | None = None) -> Verdict:
    """Check one claim against the study that it speaks of.

    Parameters
    ----------
    claim
        What is said.
    study
        The recording that it is said of.
    previous
        The earlier recording, for claims of it or of a change.

    Returns
    -------
    Whether the claim holds, and why not.

    Notes
    -----
    Only the fields of the claim count; no text is parsed. A number agrees where it lies within half
    of the last digit that is printed: 0.5 from 10 on, 0.005 below, or half a per mille.
    A relation is checked on the measured number, and on the claimed one. A number that a rule
    worked out and that is no measurement of its own (the cycle of the atria) is looked up among the
    evidence of the findings.

    Examples
    --------
    >>> from precordia.pipeline import examine
    >>> from precordia.generation.simulate import simulate
    >>> study = examine(simulate(heart_rate_bpm=75, seed=1))
    >>> print(verify(Claim(measure="heart_rate_bpm", relation="<", limit=60.0), study))
    false: heart rate is 75 bpm
    >>> print(verify(Claim(measure="qrs_ms", relation="<", limit=120.0, of="previous"), study))
    cannot be told: no earlier recording was given
    """
    if claim.of == "change":
        return _change(claim, study, previous)
    if claim.of == "previous":
        if previous is None:
            return _open(NO_PREVIOUS)
        study = previous
    for prefix, check in _CHECKS.items():
        if claim.measure.startswith(prefix):
            return check(claim, claim.measure.removeprefix(prefix), study)
    if claim.relation == ABSENT:
        value, why = number_of(study, claim.measure, claim.lead, claim.beats)
        return (
            TRUE if why and why != NOT_KNOWN else _open(why) if why else _false(_says(claim, value))
        )
    value, why = number_of(study, claim.measure, claim.lead, claim.beats)
    if why == NOT_KNOWN:
        return _evidence(claim, study)
    return _open(why) if why else _number(claim, value)


def _says(claim: Claim, value: float) -> str:
    """Return the sentence that tells what was measured instead."""
    words, unit = words_of_measure(claim.measure)
    if ":" in claim.measure:
        words, unit = words_of_claim(claim), ""
    unit = unit or claim.unit
    gap = "" if unit in ("", "°") else " "
    where = f" in {claim.lead}" if claim.lead else ""
    return f"{words}{where} is {shown_number(value, claim.limit)}{gap}{unit}"


def _number(claim: Claim, value: float) -> Verdict:
    """Check value and relation of a claim against the number itself."""
    if claim.relation not in NUMERIC:
        return _open(f"'{claim.relation}' is no relation of a number")
    if claim.value == claim.value and not _agrees(claim, value):
        return _false(_says(claim, value))
    if claim.limit != claim.limit or claim.relation == "is":
        return (
            TRUE if claim.value == claim.value else _open("the claim has neither number nor limit")
        )
    if not _COMPARE[claim.relation](value, claim.limit):
        return _false(_says(claim, value))
    return TRUE


def _agrees(claim: Claim, value: float) -> bool:
    if math.isinf(value) or math.isinf(claim.value):
        return value == claim.value
    room = 0.5 if abs(value) >= 10 else 0.005  # half of the last digit that is printed
    return abs(claim.value - value) <= max(room, 5e-4 * abs(value)) * (1 + 1e-9)


def _evidence(claim: Claim, study: Study) -> Verdict:
    """Look a number up among the evidence that the findings carry."""
    for finding in study.findings:
        for held in finding.claims:
            if (held.measure, held.lead) == (
                claim.measure,
                claim.lead,
            ) and held.value == held.value:
                return _number(claim, held.value)
    return _open(f"'{claim.measure}' is no measurement, and no finding rests on it")


def _statement(claim: Claim, code: str, study: Study) -> Verdict:
    findings = study.findings
    said = _decision(code, study)
    if said is None:
        return _open(f"nothing in this study judges '{code}'")
    if claim.relation == UNDECIDED:
        return TRUE if said.startswith(NO_DECISION) else _false(f"{code} was {said}")
    if claim.relation not in (FOUND, NOT_FOUND):
        return _open(f"'{claim.relation}' is no relation of a statement")
    if said.startswith(NO_DECISION):
        return _open(said.removeprefix(NO_DECISION))
    there = said == DECIDED_FOUND
    if there and (claim.lead or claim.beats):
        finding = findings[code]
        if claim.lead and not finding.leads:
            return _open(f"{code} is not tied to leads")
        there = not claim.lead or claim.lead in finding.leads
        if there and claim.beats:
            there = not finding.beats or set(claim.beats) <= set(finding.beats)
    if there == (claim.relation == FOUND):
        return TRUE
    where = f" in {claim.lead}" if claim.lead else ""
    return _false(f"{code} was {'found' if there else 'not found'}{where}")


def _decision(code: str, study: Study) -> str | None:
    """Return what was decided of a statement or superclass; None where nobody judged it."""
    findings = study.findings
    if code.startswith("superclass:"):
        held = findings.superclasses.get(code.removeprefix("superclass:"))
        if findings.withheld:
            return NO_DECISION + findings.withheld
        return None if held is None else FOUND if held.present else NOT_FOUND
    if code in findings.decisions:
        return findings.decisions[code]
    return DECIDED_FOUND if code in findings else None


def _probability(claim: Claim, code: str, study: Study) -> Verdict:
    value = study.findings.probabilities.get(code, math.nan)
    if value != value:
        return _open(f"no model gives {code} a probability")
    return _number(claim, value)


def _quality(claim: Claim, what: str, study: Study) -> Verdict:
    quality = study.quality
    if claim.lead and claim.lead not in quality.leads:
        return _open(f"lead {claim.lead} was not recorded")
    held = quality.leads[claim.lead] if claim.lead else quality
    if what == "score":
        return _number(claim, held.score)
    if claim.relation not in (FOUND, NOT_FOUND):
        return _open(f"'{claim.relation}' is no relation of a quality")
    if what == "acceptable" and not claim.lead:
        there = quality.acceptable
    elif what == "usable" and claim.lead:
        there = quality.leads[claim.lead].usable
    elif what in set(QualityReason):
        there = what in held.reasons
    else:
        return _open(f"'{what}' is no quality that is judged")
    if there == (claim.relation == FOUND):
        return TRUE
    return _false(f"{what} {'holds' if there else 'does not hold'}")


def _record(claim: Claim, what: str, study: Study) -> Verdict:
    record = study.record
    if what == "lead":
        there = claim.lead in record.leads
        right = there == (claim.relation != NOT_FOUND)
        return TRUE if right else _false(f"the leads are {', '.join(record.leads)}")
    if what == "origin":
        return TRUE if claim.text == record.origin else _false(f"it is {record.origin}")
    numbers = {"n_leads": record.n_leads, "duration_s": record.duration_s, "fs": record.fs}
    if what not in numbers:
        return _open(f"'{what}' is nothing that a record says of itself")
    return _number(claim, float(numbers[what]))


def _patient(claim: Claim, what: str, study: Study) -> Verdict:
    patient = study.record.patient
    if what == "age_years":
        age = patient.age_years
        return _number(claim, age) if age == age else _open("the age is not known")
    if what in ("patient_id", "name"):
        held = getattr(patient, what)
        return TRUE if held == claim.text and held else _false("it is another")
    if what != "sex":
        return _open(f"'{what}' is nothing that is known of a patient")
    if patient.sex is None:
        return _open("the sex is not known")
    return TRUE if claim.text == patient.sex else _false(f"the sex is {patient.sex}")


def _method(claim: Claim, what: str, study: Study) -> Verdict:
    if what == "distance":
        distance = study.findings.distance
        return _number(claim, distance) if distance == distance else _open("it was not measured")
    parts = {
        "study": study.source,
        "findings": study.findings.source,
        "measurements": study.measurements.source,
        "quality": study.quality.source,
        "fiducials": study.fiducials.source,
    }
    if what not in parts:
        return _open(f"'{what}' is no part of a study")
    said = str(parts[what])
    return TRUE if claim.text == said else _false(f"it was {said}")


_CHECKS = {
    STATEMENT: _statement,
    PROBABILITY: _probability,
    QUALITY: _quality,
    RECORD: _record,
    PATIENT: _patient,
    METHOD: _method,
}


def _change(claim: Claim, study: Study, previous: Study | None) -> Verdict:
    if previous is None:
        return _open(NO_PREVIOUS)
    if claim.measure == "patient:same":
        same = same_patient(study, previous)
        if claim.relation == UNDECIDED:
            return TRUE if same is None else _false(_SAME[same])
        if same is None:
            return _open("the recordings do not say whose they are")
        return TRUE if same == (claim.relation == FOUND) else _false(_SAME[same])
    if claim.measure == "record:days":
        days = days_between(study, previous)
        return _number(claim, days) if days == days else _open("a time of recording is not known")
    if ":" in claim.measure:
        return _open("a change of this kind is said by a claim of either recording")
    now, why = number_of(study, claim.measure, claim.lead)
    then, why_then = number_of(previous, claim.measure, claim.lead)
    return (
        _open(why or why_then)
        if why or why_then
        else _number(claim, difference(claim.measure, now, then))
    )


_SAME = {True: "it is the same patient", False: "it is another patient"}


def days_between(study: Study, previous: Study) -> float:
    """Return the days from the earlier recording to this one; NaN where a time is not known."""
    now, then = study.record.start_time, previous.record.start_time
    if now is None or then is None:
        return math.nan
    return (now.replace(tzinfo=None) - then.replace(tzinfo=None)).total_seconds() / 86400.0


def difference(measure: str, now: float, then: float) -> float:
    """Return the difference of a number; of two axes the shorter way around the circle.

    Examples
    --------
    >>> difference("qrs_ms", 110.0, 96.0), difference("qrs_axis_deg", -170.0, 170.0)
    (14.0, 20.0)
    """
    apart = now - then
    return (apart + 180.0) % 360.0 - 180.0 if measure.endswith("_deg") else apart


def same_patient(study: Study, previous: Study) -> bool | None:
    """Tell whether two recordings are of one patient, as far as they say.

    Parameters
    ----------
    study, previous
        The two.

    Returns
    -------
    True where the identifiers are equal; False where identifiers, sex or date of birth differ, or
    the patient would have grown more than three years younger; None where nothing tells.
    """
    now, then = study.record.patient, previous.record.patient
    if now.sex is not None and then.sex is not None and now.sex != then.sex:
        return False
    if None not in (now.birth_date, then.birth_date) and now.birth_date != then.birth_date:
        return False
    if now.patient_id and then.patient_id:
        return now.patient_id == then.patient_id
    return None
