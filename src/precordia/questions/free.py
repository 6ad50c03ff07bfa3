# SPDX-License-Identifier: Apache-2.0
"""Questions outside the templates: numbers, limits of the asker's own, quality, what changed."""

from __future__ import annotations

from dataclasses import replace

from precordia.core.claims import FOUND, NOT_FOUND, Claim, quality_claim, shown_number
from precordia.core.quality import QualityReason
from precordia.questions.evaluate import NO, NONE, YES, Outcome, certainty_of
from precordia.questions.evidence import decision_claim, number_claim
from precordia.questions.facts import Facts
from precordia.questions.numbers import Numbers
from precordia.questions.query import ABOVE, BELOW, WITHIN, Query
from precordia.questions.vocabulary import further_terms, term_named, terms_of_kind

Found = tuple[Outcome, tuple[Claim, ...]]
#: usual limits of numbers that are no intervals
NORMAL = {"heart_rate_bpm": (60.0, 100.0), "qrs_axis_deg": (-30.0, 90.0)}
_COMPARE = {
    ">": lambda value, limit: value > limit,
    "<": lambda value, limit: value < limit,
    ">=": lambda value, limit: value >= limit,
    "<=": lambda value, limit: value <= limit,
}
_SECONDS = {"duration_s": "record:duration_s"}


def answer_number(query: Query, numbers: Numbers) -> Found:
    """Answer how large something is, or whether it lies beyond a limit.

    Parameters
    ----------
    query
        What is asked.
    numbers
        The recording.

    Returns
    -------
    What follows, and the claims behind it.
    """
    answers: list[str] = []
    claims: list[Claim] = []
    whys: list[str] = []
    for name in query.names:
        term = term_named(name)
        for measure, lead in _places(term.measure, query, numbers):
            value, why = numbers.of(measure, lead)
            if measure == "n_beats" and not value and not why:
                why = "no beats were found"  # none seen is not the same as none there
            claim = _claim(numbers, measure, lead)
            if why:
                whys.append(f"{name} cannot be told: {why}.")
                claims.append(claim)
            elif limits := _limits_of(query, name, measure):
                beyond = [(r, x) for r, x in limits if _COMPARE[r](value, x)]
                answers.append(YES if beyond else NO)
                relation, limit = (beyond or limits)[0]
                if not beyond:
                    relation = {">": "<=", "<": ">=", ">=": "<", "<=": ">"}[relation]
                claims.append(replace(claim, relation=relation, limit=limit))
            elif query.kind == "value":
                unit = claim.unit or ("s" if measure.endswith("_s") else "")
                gap = "" if unit in ("", "°") else " "
                where = f"{lead}: " if lead and len(query.leads) != 1 else ""
                where = f"{name}: " if len(query.names) > 1 and not lead else where
                answers.append(f"{where}{shown_number(value)}{gap}{unit}")
                claims.append(claim)
            else:
                whys.append(f"No usual limits of {name} are kept; name one, with its unit.")
                claims.append(claim)
    if query.kind == "verify" and answers:
        answers = [YES if YES in answers else NO]
        if query.negated != (query.ranges == (WITHIN,)):
            answers = [NO if answers == [YES] else YES]
    return Outcome(answers=tuple(answers), whys=tuple(dict.fromkeys(whys))), tuple(claims)


def _places(measure: str, query: Query, numbers: Numbers) -> list[tuple[str, str]]:
    """Return the numbers that a term stands for: one of the record, or one of each lead."""
    if measure.startswith("lead:"):
        leads = query.leads or tuple(numbers.study.measurements.leads)
        return [(measure.removeprefix("lead:"), lead) for lead in leads]
    return [(measure, "")]


def _claim(numbers: Numbers, measure: str, lead: str) -> Claim:
    if measure in _SECONDS:
        value = numbers.of(measure, lead)[0]
        return Claim(measure=_SECONDS[measure], value=value, unit="s")
    return number_claim(numbers, measure, lead)


def _limits_of(query: Query, name: str, measure: str) -> list[tuple[str, float]]:
    """Return the limits that a number is asked to lie beyond."""
    term = term_named(name)
    if query.relation:
        return [(query.relation, query.limit)]
    if term.kind == "state":
        return [(">", term.above)] if term.above == term.above else [("<", term.below)]
    if measure in NORMAL and query.kind == "verify":
        low, high = NORMAL[measure]
        wanted = {ABOVE: (">", high), BELOW: ("<", low)}
        asked = [wanted[r] for r in query.ranges if r in wanted]
        return asked or list(wanted.values())
    return []


def answer_quality(query: Query, numbers: Numbers) -> Found:
    """Answer whether the recording or a lead can be read, or whether leads seem reversed."""
    quality = numbers.study.quality
    if query.names == ("time reversal",):
        if numbers.unreadable:
            return Outcome(whys=(f"The order of time cannot be told: {numbers.unreadable}.",)), ()
        backwards = QualityReason.TIME_REVERSED in quality.reasons
        claim = quality_claim(str(QualityReason.TIME_REVERSED), FOUND if backwards else NOT_FOUND)
        return Outcome(answers=(YES if backwards else NO,)), (claim,)
    if query.names == ("lead reversal",):
        if numbers.unreadable:
            return Outcome(whys=(f"Exchanged leads cannot be told: {numbers.unreadable}.",)), ()
        reasons = (QualityReason.LEAD_REVERSAL, QualityReason.LEAD_SWAP)
        found = [r for r in reasons if r in quality.reasons]
        claims = [quality_claim(str(r), FOUND if r in found else NOT_FOUND) for r in reasons]
        return Outcome(answers=(YES if found else NO,)), tuple(claims)
    if query.leads:
        missing = [lead for lead in query.leads if lead not in quality.leads]
        if missing:
            return Outcome(whys=(f"{', '.join(missing)} was not recorded.",)), ()
        usable = {lead: quality.leads[lead].usable for lead in query.leads}
        claims = [
            quality_claim("usable", FOUND if ok else NOT_FOUND, lead=lead)
            for lead, ok in usable.items()
        ]
        return Outcome(answers=(YES if all(usable.values()) else NO,)), tuple(claims)
    claims = [quality_claim("acceptable", FOUND if quality.acceptable else NOT_FOUND)]
    claims += [quality_claim(str(r)) for r in quality.reasons]
    return Outcome(answers=(YES if quality.acceptable else NO,)), tuple(claims)


def answer_changes(
    numbers: Numbers, previous: Numbers | None, facts: Facts, before: Facts | None
) -> Found:
    """Say everything that differs between two recordings."""
    if previous is None or before is None:
        why = "This compares two recordings, and no earlier one was given."
        return Outcome(whys=(why,)), ()
    answers: list[str] = []
    claims: list[Claim] = []
    for term in (*terms_of_kind("diagnostic", "form", "rhythm"), *further_terms()):
        if len(term.codes) != 1:
            continue
        then, now = certainty_of(term, before), certainty_of(term, facts)
        if then is None or now is None or bool(then) == bool(now):
            continue
        answers.append(f"{'new' if now else 'gone'}: {term.name}")
        claims.append(decision_claim(numbers, term.codes[0]))
        claims.append(replace(decision_claim(previous, term.codes[0]), of="previous"))
    for term in terms_of_kind("interval"):
        then_range, now_range = before.ranges.get(term.name), facts.ranges.get(term.name)
        if then_range and now_range and then_range != now_range:
            answers.append(f"{term.name}: {now_range}, before {then_range}")
            claims.append(number_claim(numbers, term.measure))
            claims.append(replace(number_claim(previous, term.measure), of="previous"))
    return Outcome(answers=tuple(answers) or (NONE,)), tuple(claims)
