# SPDX-License-Identifier: Apache-2.0
"""Query and facts to answers: sets of names, and reasons where nothing can be told."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from precordia.core.value import Value
from precordia.questions.facts import Facts
from precordia.questions.groups import further_found, group_terms
from precordia.questions.query import Query
from precordia.questions.vocabulary import (
    Term,
    list_terms,
    term_named,
    terms_of_kind,
)

YES, NO, NOT_SURE, NONE = "yes", "no", "not sure", "none"
NO_INFARCTION, UNKNOWN_STAGE = (
    "none of myocardial infarction",
    "unknown stage of myocardial infarction",
)
#: rhythm that is no finding when any abnormality of rhythm is asked for
_USUAL_RHYTHM = "SR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Value):
    """What follows from the facts.

    Attributes
    ----------
    answers
        Names; empty where nothing can be told.
    whys
        What could not be told, a sentence each.
    rests_on
        Names of what was looked at, for the evidence.
    """

    answers: tuple[str, ...] = ()
    whys: tuple[str, ...] = ()
    rests_on: tuple[str, ...] = ()


def evaluate(query: Query, facts: Facts, before: Facts | None = None) -> Outcome:
    """Answer a query from facts alone.

    Parameters
    ----------
    query
        What is asked.
    facts
        What is known of the recording.
    before
        What is known of the earlier, or the first, of two recordings.

    Returns
    -------
    The answers in the order of the vocabulary, or why there are none.

    Notes
    -----
    Uncertain statements count unless they are excluded; a superclass has no uncertainty. "Any"
    abnormality of rhythm is any rhythm but sinus rhythm; of diagnosis, any but the normal ECG.

    References
    ----------
    Oh J et al. ECG-QA. NeurIPS 2023. doi:10.48550/arXiv.2306.15681

    Examples
    --------
    >>> from precordia.questions.parse import parse_question
    >>> query = parse_question("Which diagnoses are there?")
    >>> evaluate(query, Facts(statements={"CLBBB": 1.0, "SR": 1.0})).answers
    ('complete left bundle branch block',)
    """
    if query.scope != "single" and query.kind != "changes":
        if before is None:
            why = "This compares two recordings, and no earlier one was given."
            return Outcome(whys=(why,), rests_on=query.names)
        return _of_two(query, facts, before)
    missing = [lead for lead in query.leads if lead not in facts.leads]
    if missing and len(missing) == len(query.leads):
        return Outcome(whys=(f"{', '.join(missing)} was not recorded.",))
    by_attribute: dict[str, Callable[[Query, Facts], Outcome]] = {
        "statement": _of_statements,
        "noise": _of_noise,
        "axis": _of_axis,
        "stage": _of_stage,
        "ectopy": _of_ectopy,
        "interval": _of_intervals,
    }
    outcome = by_attribute[query.attribute](query, facts)
    if query.negated and outcome.answers in ((YES,), (NO,)):
        return replace(outcome, answers=(NO if outcome.answers == (YES,) else YES,))
    return outcome


def _verdict(holds: bool, rests_on: Iterable[str] = ()) -> Outcome:
    return Outcome(answers=(YES if holds else NO,), rests_on=tuple(rests_on))


def _listed(
    names: Iterable[str], whys: Iterable[str] = (), rests_on: Iterable[str] = ()
) -> Outcome:
    answers = tuple(names) or (NONE,)
    return Outcome(answers=answers, whys=tuple(whys), rests_on=tuple(rests_on))


def certainty_of(term: Term, facts: Facts) -> float | None:
    """Return how sure a term's statements are; 0 where none is made, None where it is unknown."""
    sure = max((facts.statements.get(code, 0.0) for code in term.codes), default=0.0)
    if sure:
        return 1.0 if term.kind == "superclass" else sure
    return None if any(code in facts.unknown for code in term.codes) else 0.0


def _why_unknown(term: Term, facts: Facts) -> str:
    reasons = dict.fromkeys(facts.unknown[c] for c in term.codes if c in facts.unknown)
    asked = "the ECG is normal" if term.kind == "normal" else f"there is {term.name}"
    return f"Whether {asked} cannot be told: {'; '.join(reasons)}."


def _counts(certainty: float | None, query: Query) -> bool:
    return bool(certainty) and (certainty >= 1.0 or query.certainty != "exclude")


def _of_statements(query: Query, facts: Facts) -> Outcome:
    if query.group == "normal":
        normal = certainty_of(term_named("normal ecg"), facts)
        if normal is None:
            return Outcome(whys=(_why_unknown(term_named("normal ecg"), facts),))
        if 0 < normal < 1:
            return Outcome(answers=(NOT_SURE,), rests_on=("normal ecg",))
        return _verdict(normal > 0, ["normal ecg"])
    if query.group == "named":
        return _of_named(query, facts)
    terms = group_terms(query.group)
    if query.leads:
        return _of_forms_in_leads(query, facts)
    if query.kind == "verify" or query.group == "abnormal":
        terms = tuple(t for t in terms if _USUAL_RHYTHM not in t.codes)
    further = further_found(query.group, facts)
    found = [t for t in (*terms, *further) if _counts(certainty_of(t, facts), query)]
    unknown = [t for t in terms if certainty_of(t, facts) is None]
    if not found and terms and len(unknown) == len(terms):
        return Outcome(whys=(_why_unknown(unknown[0], facts),))
    whys = (f"No decision on: {', '.join(t.name for t in unknown)}.",) if unknown else ()
    names = [t.name for t in found]
    if query.kind == "verify":
        return Outcome(answers=(YES if found else NO,), whys=whys, rests_on=tuple(names))
    return _listed(names, whys, names)


def _opposite(certainty: float | None) -> float | None:
    """Return how sure it is that something is absent, from how sure it is that it is there."""
    return None if certainty is None else 1.0 - certainty


def _of_named(query: Query, facts: Facts) -> Outcome:
    terms = [term_named(name) for name in query.names]
    if query.kind == "choose":
        found = [t.name for t in terms if _counts(certainty_of(t, facts), query)]
        unknown = [t for t in terms if certainty_of(t, facts) is None]
        whys = tuple(_why_unknown(t, facts) for t in unknown)
        if unknown and not found:
            return Outcome(whys=whys, rests_on=query.names)
        return _listed(found, whys, query.names)
    if query.leads or query.asks == "lead":
        return _of_leads(query, terms, facts)
    verdicts = [
        _opposite(certainty_of(t, facts)) if t.name in query.without else certainty_of(t, facts)
        for t in terms
    ]
    whys = tuple(_why_unknown(t, facts) for t, v in zip(terms, verdicts, strict=True) if v is None)
    known = [v for v in verdicts if v is not None]
    if not known or (whys and 0.0 not in known):
        return Outcome(whys=whys, rests_on=query.names)
    least = min(known)
    answer = NO if not least else YES if least >= 1.0 else NOT_SURE
    if answer == NOT_SURE and query.certainty:
        answer = YES if query.certainty == "include" else NO
    return Outcome(answers=(answer,), whys=whys, rests_on=query.names)


def _of_leads(query: Query, terms: list[Term], facts: Facts) -> Outcome:
    """Answer where statements of form show, or whether they do in given leads."""
    shown: list[str] = []
    whys: list[str] = []
    for term in terms:
        for code in term.codes:
            if f"leads:{code}" in facts.unknown:
                whys.append(facts.unknown[f"leads:{code}"])
            elif code in facts.unknown and code not in facts.statement_leads:
                whys.append(_why_unknown(term, facts))
            shown += facts.statement_leads.get(code, ())
    if whys and not shown:
        return Outcome(whys=tuple(whys), rests_on=query.names)
    places = query.leads or facts.leads
    unread = _unread([code for term in terms for code in term.codes], places, facts)
    if unread and not any(lead in shown for lead in places):
        whys.append(_why_unread(unread))
        if len(unread) == len(places):
            return Outcome(whys=tuple(whys), rests_on=query.names)
    if query.kind == "query":
        return _listed((lead for lead in facts.leads if lead in shown), whys, query.names)
    here = any(lead in shown for lead in query.leads)
    return Outcome(answers=(YES if here else NO,), whys=tuple(whys), rests_on=query.names)


def _unread(codes: Iterable[str], leads: Iterable[str], facts: Facts) -> dict[str, str]:
    """Return why a form cannot be seen in a lead, by the leads of which that is so."""
    unread = {}
    for lead in leads:
        whys = [facts.unknown[k] for c in codes if (k := f"leads:{c}:{lead}") in facts.unknown]
        if lead not in facts.leads:
            whys = ["it was not recorded"]
        if whys:
            unread[lead] = whys[0]
    return unread


def _why_unread(unread: dict[str, str]) -> str:
    return f"{', '.join(unread)} cannot be told: {'; '.join(dict.fromkeys(unread.values()))}."


def _of_forms_in_leads(query: Query, facts: Facts) -> Outcome:
    terms = group_terms("form")
    found = [
        t.name
        for t in terms
        if any(lead in facts.statement_leads.get(t.codes[0], ()) for lead in query.leads)
    ]
    unknown = [
        t.name
        for t in terms
        if f"leads:{t.codes[0]}" in facts.unknown or t.codes[0] in facts.unknown
        if t.codes[0] not in facts.statement_leads
    ]
    whys = (f"In which leads cannot be told of: {', '.join(unknown)}.",) if unknown else ()
    unread = _unread([code for t in terms for code in t.codes], query.leads, facts)
    if unread and not found:
        whys = (*whys, _why_unread(unread))
        if len(unread) == len(query.leads):
            return Outcome(whys=whys)
    return _listed(found, whys, found)


def _of_noise(query: Query, facts: Facts) -> Outcome:
    if "noise" in facts.unknown:
        return Outcome(whys=(facts.unknown["noise"],))
    kinds = [t.name for t in terms_of_kind("noise")]
    places = query.leads or facts.leads
    here = [k for k in kinds if any(lead in places for lead in facts.noise.get(k, ()))]
    unread = [lead for lead in places if f"noise:{lead}" in facts.unknown]
    if len(unread) == len(places) and not set(query.names or kinds) & set(here):
        whys = {lead: facts.unknown[f"noise:{lead}"] for lead in unread}
        return Outcome(whys=(_why_unread(whys),) if whys else (), rests_on=query.names)
    if query.asks == "lead":
        told = {lead for name in query.names for lead in facts.noise.get(name, ())}
        return _listed((lead for lead in facts.leads if lead in told), (), query.names)
    if query.kind == "query":
        return _listed(here, (), here)
    if query.kind == "choose":
        return _listed((n for n in query.names if n in here), (), query.names)
    wanted = query.names or kinds
    return _verdict(any(name in here for name in wanted), query.names or here)


def _of_axis(query: Query, facts: Facts) -> Outcome:
    if not facts.axis:
        return Outcome(whys=(facts.unknown.get("axis", "The axis is not known."),))
    if query.kind == "query":
        return _listed([facts.axis], (), [facts.axis])
    if query.kind == "choose":
        return _listed([n for n in query.names if n == facts.axis], (), [facts.axis])
    return _verdict(facts.axis in query.names, [facts.axis])


def _of_stage(query: Query, facts: Facts) -> Outcome:
    if "stage" in facts.unknown:
        return Outcome(whys=(facts.unknown["stage"],), rests_on=("myocardial infarction",))
    rests = ("myocardial infarction",)
    if query.kind == "query":
        return Outcome(answers=facts.stages or (NO_INFARCTION,), rests_on=rests)
    if query.kind != "choose" and len(query.names) < 1:
        return _verdict(bool(facts.stages), rests)
    undated = set(facts.stages) == {UNKNOWN_STAGE} and UNKNOWN_STAGE not in query.names
    if undated and "dated" in facts.unknown:
        return Outcome(whys=(facts.unknown["dated"],), rests_on=rests)
    if query.kind == "choose":
        return _listed([n for n in query.names if n in facts.stages], (), rests)
    return _verdict(any(n in facts.stages for n in query.names), rests)


def _of_ectopy(query: Query, facts: Facts) -> Outcome:
    if "ectopy" in facts.unknown:
        return Outcome(whys=(facts.unknown["ectopy"],))
    if query.kind == "query":
        return _listed(_in_order(facts.ectopy), (), facts.ectopy)
    if query.kind == "choose":
        return _listed([n for n in query.names if n in facts.ectopy], (), query.names)
    if not query.names:
        return _verdict(bool(facts.ectopy), facts.ectopy)
    return _verdict(any(n in facts.ectopy for n in query.names), query.names)


def _of_intervals(query: Query, facts: Facts) -> Outcome:
    if query.names:
        known = [facts.ranges[n] for n in query.names if n in facts.ranges]
        whys = tuple(facts.unknown.get(n, f"{n}: not measured") for n in query.names
                     if n not in facts.ranges)  # fmt: skip
        if not known or (whys and query.kind != "verify"):
            return Outcome(whys=whys, rests_on=query.names)
        if query.asks == "range":
            ranges = known if query.kind == "query" else [r for r in query.ranges if r in known]
            return _listed(dict.fromkeys(ranges), whys, query.names)
        return _verdict(all(r in query.ranges for r in known), query.names)
    names = [t.name for t in terms_of_kind("interval")]
    unknown = [n for n in names if n not in facts.ranges]
    if len(unknown) == len(names):
        return Outcome(whys=tuple(facts.unknown.get(n, f"{n}: not measured") for n in unknown))
    whys = tuple(facts.unknown.get(n, f"{n}: not measured") for n in unknown)
    found = [n for n in names if facts.ranges.get(n) in query.ranges]
    return _listed(found, whys, found)


def _of_two(query: Query, facts: Facts, before: Facts) -> Outcome:
    if query.attribute == "interval":
        return _of_two_intervals(query, facts, before)
    if query.attribute != "statement":
        then = evaluate(replace(query, scope="single", change=""), before)
        now = evaluate(replace(query, scope="single", change=""), facts)
        if not now.answers or not then.answers:
            return Outcome(whys=(*now.whys, *then.whys), rests_on=query.names)
        return _verdict(
            _changed(query.change, then.answers == (YES,), now.answers == (YES,)), query.names
        )
    terms = [term_named(n) for n in query.names] if query.names else group_terms(query.group)
    found, whys = [], []
    for term in terms:
        then, now = certainty_of(term, before), certainty_of(term, facts)
        if then is None or now is None:
            whys.append(_why_unknown(term, facts if now is None else before))
        elif _changed(query.change, then > 0, now > 0):
            found.append(term.name)
    if query.names:
        if whys:
            return Outcome(whys=tuple(whys), rests_on=query.names)
        return _verdict(len(found) == len(terms), query.names)
    if len(whys) == len(terms):
        return Outcome(whys=tuple(whys[:1]))
    return _listed(found, _undecided(whys), found)


def _undecided(whys: list[str]) -> tuple[str, ...]:
    return (f"On {len(whys)} statements there is no decision.",) if whys else ()


def _changed(change: str, then: bool, now: bool) -> bool:
    return {
        "gone": then and not now,
        "new": now and not then,
        "persisting": then and now,
        "absent": not then and not now,
    }[change]


def _of_two_intervals(query: Query, facts: Facts, before: Facts) -> Outcome:
    within = "within the normal range"
    wanted = {
        "normalized": (False, True),
        "deviated": (True, False),
        "abnormal": (False, False),
        "normal": (True, True),
    }[query.change]
    found, whys = [], []
    names = query.names or tuple(t.name for t in terms_of_kind("interval"))
    for name in names:
        if name not in facts.ranges or name not in before.ranges:
            one = facts if name not in facts.ranges else before
            whys.append(one.unknown.get(name, f"{name}: not measured"))
        elif (before.ranges[name] == within, facts.ranges[name] == within) == wanted:
            found.append(name)
    if len(whys) == len(names):
        return Outcome(whys=tuple(whys), rests_on=names)
    if query.names and query.kind == "verify":
        return _verdict(len(found) + len(whys) == len(names), names)
    return _listed(found, whys, names)


def _in_order(names: Iterable[str]) -> tuple[str, ...]:
    wanted = set(names)
    return tuple(t.name for t in list_terms() if t.name in wanted)
