# SPDX-License-Identifier: Apache-2.0
"""The claims that an answer rests on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from precordia.core.claims import FOUND, NOT_FOUND, UNDECIDED, Claim, quality_claim, statement_claim
from precordia.knowledge.statements import list_statements
from precordia.questions.limits import Limits
from precordia.questions.numbers import Numbers
from precordia.questions.query import Query
from precordia.questions.study_facts import LEAD_CRITERIA, NOISE_REASONS, shows_in_lead
from precordia.questions.vocabulary import Term, term_named, terms_of_kind

_SUPERCLASSES = ("MI", "STTC", "CD", "HYP")
_UNITS = {"_ms": "ms", "_bpm": "bpm", "_mv": "mV", "_deg": "°", "_percent": "%"}
#: what is said of a recording where a question cannot be answered
_MAIN = ("heart_rate_bpm", "pr_ms", "qrs_ms", "qtc_fridericia_ms", "qrs_axis_deg")


def number_claim(numbers: Numbers, measure: str, lead: str = "", **more: object) -> Claim:
    """Claim a number of a numbers, or that it cannot be given.

    Parameters
    ----------
    numbers
        Where it is looked up.
    measure, lead
        Which number.
    **more
        Relation and limit, where there is one.

    Returns
    -------
    The claim.
    """
    value, why = numbers.of(measure, lead)
    if why:
        return Claim(measure=measure, lead=lead, relation="absent", text=why)
    unit = next((u for end, u in _UNITS.items() if measure.endswith(end)), "")
    return Claim(measure=measure, lead=lead, value=value, unit=unit, **more)  # type: ignore[arg-type]


def main_claims(numbers: Numbers) -> tuple[Claim, ...]:
    """Return the facts that can always be given: the main numbers and what was found."""
    told = [number_claim(numbers, m) for m in _MAIN]
    found = [statement_claim(f.code) for f in numbers.study.findings.present]
    return (*(n for n in told if n.relation != "absent"), *found)


def claims_for(
    query: Query, rests_on: Iterable[str], numbers: Numbers, limits: Limits
) -> tuple[Claim, ...]:
    """Return the claims behind an answer about one recording.

    Parameters
    ----------
    query
        What was asked.
    rests_on
        Names of what was looked at.
    numbers
        The recording.
    limits
        Normal limits of the intervals.

    Returns
    -------
    Claims, each once.
    """
    terms = [term_named(name) for name in rests_on]
    claims: list[Claim] = []
    if query.attribute == "noise":
        claims += _of_noise(query, [t.name for t in terms], numbers)
    for term in terms:
        if term.kind == "interval":
            claims += interval_claims(term, numbers, limits)
        elif term.kind == "axis":
            claims.append(number_claim(numbers, "qrs_axis_deg"))
        elif term.kind == "ectopy":
            claims += _of_ectopy(numbers)
        elif term.is_statement:
            in_leads = bool(query.leads) or query.asks == "lead"
            claims += _of_statement(term, numbers, query.leads if in_leads else None, in_leads)
    if not claims and query.attribute == "ectopy":
        claims += _of_ectopy(numbers)
    return tuple(dict.fromkeys(claims))


def interval_claims(term: Term, numbers: Numbers, limits: Limits) -> list[Claim]:
    """Return the number of an interval against the limits that decide its range."""
    low, high = limits.normal[term.name]
    value, why = numbers.of(term.measure)
    if why:
        return [number_claim(numbers, term.measure)]
    if value < low:
        return [number_claim(numbers, term.measure, relation="<", limit=low)]
    if value > high:
        return [number_claim(numbers, term.measure, relation=">", limit=high)]
    at_most = number_claim(numbers, term.measure, relation="<=", limit=high)
    return [at_most, replace(at_most, relation=">=", limit=low)] if low else [at_most]


def _of_statement(
    term: Term, numbers: Numbers, leads: tuple[str, ...] | None, in_leads: bool
) -> list[Claim]:
    claims: list[Claim] = []
    for code in term.codes:
        if in_leads and code in LEAD_CRITERIA:
            claims += _in_leads(
                numbers, code, leads or tuple(numbers.study.measurements.leads), bool(leads)
            )
            continue
        claims += _of_parts(numbers, code) or [decision_claim(numbers, code)]
        if code in numbers.study.findings and code not in _SUPERCLASSES:
            claims += numbers.study.findings[code].claims
    return claims


def _of_parts(numbers: Numbers, code: str) -> list[Claim]:
    """Return what was decided of a superclass's statements where no model judged it as a whole."""
    findings = numbers.study.findings
    if code not in _SUPERCLASSES or code in findings.superclasses or findings.withheld:
        return []
    parts = [s.code for s in list_statements() if s.superclass == code]
    return [decision_claim(numbers, part) for part in parts if part not in findings.undecided]


def decision_claim(numbers: Numbers, code: str) -> Claim:
    """Claim what was decided of a statement."""
    named = f"superclass:{code}" if code in _SUPERCLASSES else code
    findings = numbers.study.findings
    if code in _SUPERCLASSES:
        held = findings.superclasses.get(code)
        if findings.withheld or held is None:
            return statement_claim(named, UNDECIDED)
        return statement_claim(named, FOUND if held.present else NOT_FOUND)
    if code in findings.undecided:
        return statement_claim(named, UNDECIDED)
    there = code in findings and findings.decisions.get(code, FOUND) == FOUND
    return statement_claim(named, FOUND if there else NOT_FOUND)


def _in_leads(numbers: Numbers, code: str, leads: tuple[str, ...], named: bool) -> list[Claim]:
    """Return the number of each lead that decides whether a form shows there."""
    measure, sign, limit = LEAD_CRITERIA[code]
    claims = []
    for lead in leads:
        shows = shows_in_lead(numbers, code, lead)
        if shows:
            claims.append(number_claim(numbers, measure, lead, relation=sign, limit=limit))
        elif named:
            claims.append(number_claim(numbers, measure, lead))
    return claims


def _of_noise(query: Query, names: list[str], numbers: Numbers) -> list[Claim]:
    kinds = names or list(query.names) or [t.name for t in terms_of_kind("noise")]
    found, missing = [], []
    for lead, quality in numbers.study.quality.leads.items():
        if query.leads and lead not in query.leads:
            continue
        for reason, kind in NOISE_REASONS.items():
            if kind not in kinds:
                continue
            if reason in quality.reasons:
                found.append(quality_claim(str(reason), FOUND, lead=lead))
            else:
                missing.append(quality_claim(str(reason), NOT_FOUND, lead=lead))
    return found or missing


def _of_ectopy(numbers: Numbers) -> list[Claim]:
    return [
        number_claim(numbers, f"n_{kind}_beats") for kind in ("ventricular", "supraventricular")
    ]
