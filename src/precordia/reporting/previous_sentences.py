# SPDX-License-Identifier: Apache-2.0
"""Sentences that compare a study with an earlier one of the same patient."""

from __future__ import annotations

import math
from typing import Any

from precordia.core.claims import (
    FOUND,
    NOT_FOUND,
    PATIENT,
    RECORD,
    UNDECIDED,
    Claim,
    Of,
    quality_claim,
    statement_claim,
)
from precordia.core.findings import NO_DECISION
from precordia.core.measure_words import words_of_measure
from precordia.core.report import Sentence
from precordia.core.study import Study
from precordia.core.study_numbers import number_of
from precordia.core.verify import days_between, difference, same_patient
from precordia.knowledge.statements import list_statements
from precordia.reporting.wording import Wording

COMPARED = ("heart_rate_bpm", "pr_ms", "qrs_ms", "qt_ms", "qtc_fridericia_ms", "qrs_axis_deg")
#: smaller differences of the ST level are not told, mV
ST_CHANGE_MV = 0.1


def previous_sentences(study: Study, previous: Study, words: Wording) -> list[Sentence]:
    """Return what changed since an earlier recording, or why that is not told.

    Parameters
    ----------
    study, previous
        The recording, and the earlier one.
    words
        How it is told.

    Returns
    -------
    Sentences of the section "comparison". Of another patient's recording only that it is one.

    Notes
    -----
    The difference that is told is that of the two numbers as they are told, so that a reader who
    subtracts finds it; the claim holds the difference itself.
    Two recordings are of another patient where identifiers, sex or date of birth differ. Where
    nothing tells, the comparison is made and says that. A statement is new where it was looked for
    and not found before; where it could not be judged before, that is said instead. ST levels are
    told where they differ by at least 0.1 mV.
    """
    same = same_patient(study, previous)
    if same is False:
        return [_sentence(words.phrase("other_patient"), [_whose(NOT_FOUND)])]
    found: list[Sentence] = []
    if same is None:
        found.append(_sentence(words.phrase("unknown_patient"), [_whose(UNDECIDED)]))
    found += _days(study, previous, words)
    both: tuple[tuple[Study, str, Of], ...] = (
        (study, "no_comparison", "study"),
        (previous, "previous_unacceptable", "previous"),
    )
    for whose, key, of in both:
        if not whose.quality.acceptable or whose.findings.withheld:
            return [*found, _sentence(words.phrase(key), _unreadable(whose, of))]
    return [
        *found,
        *_statements(study, previous, words),
        *_numbers(study, previous, words),
        *_st_levels(study, previous, words),
    ]


def _sentence(text: str, claims: list[Claim]) -> Sentence:
    return Sentence(text=text, claims=tuple(claims), section="comparison")


def _whose(relation: str) -> Claim:
    return Claim(measure=f"{PATIENT}same", relation=relation, of="change")


def _unreadable(study: Study, of: Of) -> list[Claim]:
    if not study.quality.acceptable:
        return [quality_claim("acceptable", NOT_FOUND, of=of)]
    return [statement_claim(code, UNDECIDED, of=of) for code in study.findings.undecided]


def _days(study: Study, previous: Study, words: Wording) -> list[Sentence]:
    days = days_between(study, previous)
    if math.isnan(days):
        return []
    claim: dict[str, Any] = {"measure": f"{RECORD}days", "unit": "days", "of": "change"}
    if days <= 0:
        claims = [Claim(**claim, relation="<=", limit=0.0)]
        return [_sentence(words.phrase("not_before"), claims)]
    if days < 1:
        claims = [Claim(**claim, relation="<", limit=1.0)]
        return [_sentence(words.phrase("same_day"), claims)]
    text = words.phrase("days_before", days=words.number(days))
    return [_sentence(text, [Claim(**claim, value=days)])]


def _statements(study: Study, previous: Study, words: Wording) -> list[Sentence]:
    """Return what is new, gone, there as before, and what only one recording could tell."""
    kinds: dict[str, list[str]] = {
        key: [] for key in ("new", "gone", "persisting", "not_judged_before", "not_judged_now")
    }
    for known in list_statements():
        now, then = _said(study, known.code), _said(previous, known.code)
        kind = _KINDS.get((now, then))
        if kind:
            kinds[kind].append(known.code)
    found = []
    for kind, codes in kinds.items():
        if not codes:
            continue
        now, then = next(pair for pair, name in _KINDS.items() if name == kind)
        claims = [statement_claim(code, now) for code in codes]
        claims += [statement_claim(code, then, of="previous") for code in codes]
        whose = previous if now != FOUND else study
        names = "; ".join(words.statement(code, whose.findings) for code in codes)
        found.append(_sentence(words.phrase(kind, names=names), claims))
    return found


#: what was said now and before
_KINDS = {
    (FOUND, NOT_FOUND): "new",
    (NOT_FOUND, FOUND): "gone",
    (FOUND, FOUND): "persisting",
    (FOUND, UNDECIDED): "not_judged_before",
    (UNDECIDED, FOUND): "not_judged_now",
}


def _said(study: Study, code: str) -> str:
    said = study.findings.decisions.get(code, NO_DECISION)
    if said.startswith(NO_DECISION):
        return UNDECIDED
    return said


def _numbers(study: Study, previous: Study, words: Wording) -> list[Sentence]:
    shown: list[str] = []
    claims: list[Claim] = []
    for name in COMPARED:
        text, about = _number(study, previous, words, name)
        if text:
            shown.append(text)
            claims += about
    return [_sentence(words.phrase("changes", changes="; ".join(shown)), claims)] if shown else []


def _number(
    study: Study, previous: Study, words: Wording, name: str, lead: str = ""
) -> tuple[str, list[Claim]]:
    now, why = number_of(study, name, lead)
    then, why_then = number_of(previous, name, lead)
    if why or why_then:
        return "", []
    unit = words_of_measure(name)[1]
    change = difference(name, now, then)
    about: dict[str, Any] = {"measure": name, "unit": unit, "lead": lead}
    claims = [
        Claim(**about, value=now),
        Claim(**about, value=then, of="previous"),
        Claim(**about, value=change, of="change"),
    ]
    text = words.phrase(
        "st_change" if lead else "change",
        measure=words.measure(name),
        lead=lead,
        now=words.number(now, unit),
        then=words.number(then, unit),
        change=words.change(difference(name, *(words.shown(v, unit) for v in (now, then))), unit),
    )
    return text, claims


def _st_levels(study: Study, previous: Study, words: Wording) -> list[Sentence]:
    shown: list[str] = []
    claims: list[Claim] = []
    for lead in study.measurements.leads:
        text, about = _number(study, previous, words, "st_j_mv", lead)
        if text and abs(about[-1].value) >= ST_CHANGE_MV:
            shown.append(text)
            claims += about
    if not shown:
        return []
    return [_sentence(words.phrase("st_changes", changes="; ".join(shown)), claims)]
