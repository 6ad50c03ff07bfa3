# SPDX-License-Identifier: Apache-2.0
"""Text to query."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from precordia.questions.change_words import change_of_interval, change_of_statement, scope_of
from precordia.questions.marks import Marked, mark
from precordia.questions.negation import denied_names, is_negated
from precordia.questions.query import ABOVE, BELOW, WITHIN, Certainty, Query, Unclear
from precordia.questions.vocabulary import Term

_GROUPS = ("diagnostic", "form", "rhythm")
#: words that tell the stage of an infarction that is named apart from them
_STAGES = {
    **dict.fromkeys(("early", "acute"), "early stage of myocardial infarction"),
    **dict.fromkeys(("middle", "subacute"), "middle stage of myocardial infarction"),
    **dict.fromkeys(("old", "late", "chronic", "healed"), "old stage of myocardial infarction"),
}
#: a name that knowledge has for every rhythm but sinus rhythm
_ANY_ARRHYTHMIA = "cardiac dysrhythmia"
#: a statement of the challenges that the quality judges here
_REVERSAL = "suspected arm lead reversal"
_IMPERATIVE = {
    "tell",
    "give",
    "state",
    "specify",
    "report",
    "determine",
    "check",
    "mention",
    "name",
}
_TAKES_OTHERS = {"can", "could", "will", "would", "please", "do", "are"}
_WANTS_REPORT = {"report", "summary", "interpretation", "interpret"}
_UNITS = {
    "ms": ("ms", 1.0), "millisecond": ("ms", 1.0), "msec": ("ms", 1.0),
    "s": ("ms", 1000.0), "sec": ("ms", 1000.0), "second": ("ms", 1000.0),
    "bpm": ("bpm", 1.0), "min": ("bpm", 1.0), "beat": ("bpm", 1.0), "minute": ("bpm", 1.0),
    "degree": ("°", 1.0), "deg": ("°", 1.0), "mv": ("mV", 1.0), "millivolt": ("mV", 1.0),
}  # fmt: skip


def parse_question(text: str) -> Query | Unclear:
    """Understand a question about one recording, or about two.

    Parameters
    ----------
    text
        A question in English, in any wording.

    Returns
    -------
    What is asked, or a sentence on what was not understood.

    Notes
    -----
    Method: wordings of terms and cues are found longest first; which recordings, which kind of
    answer and which change are decided from the cues by rules. Nothing is learned from the
    wordings of ECG-QA.

    Examples
    --------
    >>> query = parse_question("Is the QRS too wide?")
    >>> query.attribute, query.names, query.ranges
    ('interval', ('qrs duration',), ('above the normal range',))
    >>> print(parse_question("What is the meaning of life?"))
    Nothing in this question is about an electrocardiogram. Ask of a finding, ...
    """
    marked = mark(text)
    if _WANTS_REPORT & set(marked.words) and not marked.terms and "is" not in marked.cues:
        return Unclear(
            why="A whole report is written by report(study), or 'precordia report FILE'."
        )
    scope = scope_of(marked)
    kind = _kind_of(marked)
    if why := _not_read(marked, scope, kind):
        return Unclear(why=why)
    query = (
        _of_quality(marked, kind)
        or _of_interval(marked, scope, kind)
        or _of_named(marked, scope, kind)
        or _of_group(marked, scope, kind)
    )
    if query is None:
        return Unclear(why=NOT_UNDERSTOOD)
    return replace(query, scope=scope, leads=query.leads or marked.leads)


NOT_UNDERSTOOD = (
    "Nothing in this question is about an electrocardiogram. Ask of a finding, a rhythm, a "
    "lead, a measurement, the axis, noise or quality, such as 'Is the QRS wide?'."
)

PERSON = (
    "Who the patient is, and how old, is not read from a recording; 'precordia info FILE' tells "
    "what the file states."
)
SEVERAL = "Several things are asked at once; ask of each alone."
#: words of ours for the beats of each kind of extrasystoles
_BEATS = {
    "extrasystoles": ("ventricular beats", "supraventricular beats"),
    "ventricular extrasystoles": ("ventricular beats",),
    "supraventricular extrasystoles": ("supraventricular beats",),
    "ventricular premature complex": ("ventricular beats",),
    "atrial premature complex": ("supraventricular beats",),
}


def _not_read(marked: Marked, scope: str, kind: str) -> str:
    """Return why a question would be read in part only, or of something that no signal holds."""
    if "person" in marked.cues and not marked.terms:
        who = {"male", "female", "sex", "gender", "man", "woman"} & set(marked.words)
        if who or "stage" in marked.cues:
            return PERSON
    if scope != "single":
        return ""
    states = [t for t in marked.terms if t.kind == "state"]
    if kind == "verify" and states and len(states) < len(marked.terms):
        return SEVERAL
    numbers = [m for m in marked.of("number") if m.place]
    limits = [m for m in marked.of("above", "below") if any(m.place < n.place for n in numbers)]
    return SEVERAL if len(numbers) > 1 and len(limits) > 1 else ""


def _kind_of(marked: Marked) -> str:
    """Return whether yes or no is asked for, or which; choosing is decided by what is named."""
    opening = [m for m in marked.marks if m.kind in ("which", "how", "is")]
    if not opening:
        return ""
    first = opening[0]
    if first.kind == "is":
        others = first.word in _TAKES_OTHERS and {"you", "we", "i", "please"} & set(marked.words)
        asked = [m for m in opening if m.kind == "which" and m.word not in ("tell", "state")]
        named = [m for m in marked.of("term") if m.place < first.place]
        if named and any(m.word in ("which", "what", "where") for m in asked):
            return "query"  # "ST depression is seen in which leads?"
        return "query" if others and asked else "verify"
    following = opening[1] if len(opening) > 1 else None
    if first.word in _IMPERATIVE and following and following.word in ("whether", "if"):
        return "verify"
    return "query"


def _certainty(marked: Marked) -> Certainty:
    cues = marked.cues
    if "uncertain" in cues:
        return "exclude" if "exclude" in cues or "without" in marked.words else "include"
    return "exclude" if "certain" in cues else ""


def _ranges(marked: Marked) -> tuple[str, ...]:
    """Return the ranges that are named, in order; a bare "normal" counts as within."""
    named = {"above": ABOVE, "below": BELOW, "within": WITHIN, "normal": WITHIN}
    found = [named[m.kind] for m in marked.marks if m.kind in named]
    # "in or above the normal range": the range is named once for both
    shared = any(pair in (("in", "or"), ("within", "or")) for pair in pairwise(marked.words))
    return tuple(dict.fromkeys([WITHIN, *found] if shared else found))


def _of_quality(marked: Marked, kind: str) -> Query | None:
    cues = marked.cues
    if any(term.name == _REVERSAL for term in marked.terms):
        return Query(attribute="quality", names=("lead reversal",), kind="verify")
    if marked.terms or "noise" in cues:
        return None
    if "backwards" in cues:
        return Query(attribute="quality", names=("time reversal",), kind="verify")
    if "reversal" in cues:
        return Query(attribute="quality", names=("lead reversal",), kind="verify")
    if "quality" in cues:
        return Query(attribute="quality", names=("quality",), kind="verify")
    return None


def _of_interval(marked: Marked, scope: str, kind: str) -> Query | None:
    """Return a query about intervals and other numbers."""
    terms = [t for t in marked.terms if t.kind in ("interval", "number", "state")]
    others = [t for t in marked.terms if t.kind not in ("interval", "number", "state")]
    cues = marked.cues
    if others or (not terms and "interval" not in cues):
        return None
    names = tuple(t.name for t in terms)
    if scope != "single":
        change = change_of_interval(marked)
        if not change and "interval" not in cues and not terms:
            return None
        base = Query(attribute="interval", names=names, change=change)
        if not change:
            return replace(base, kind="changes")
        return replace(base, kind="verify" if names and kind != "query" else "query")
    limit = _own_limit(marked)
    if terms and limit is not None:
        relation, number, unit = limit
        base = Query(attribute="number", names=names, kind="verify")
        return replace(base, relation=relation, limit=number, unit=unit)
    ranges = _ranges(marked)
    if terms and terms[0].kind == "state":
        return Query(attribute="number", names=names, kind="verify", negated=is_negated(marked))
    if not terms:
        if cues & {"abnormal", "outside"} and not ranges:
            ranges = (ABOVE, BELOW)
        if not ranges or cues & {*_GROUPS, "noise", "axis", "stage"}:
            return None
        return Query(attribute="interval", kind="query", ranges=ranges)
    if terms[0].kind == "number":
        if ranges and kind == "verify":
            return Query(attribute="number", names=names, kind="verify", ranges=ranges)
        return Query(attribute="number", names=names, kind="value")
    base = Query(attribute="interval", names=names, ranges=ranges)
    if cues & {"abnormal", "outside"} and not set(ranges) & {ABOVE, BELOW}:
        return replace(base, kind="verify", ranges=(ABOVE, BELOW))
    if len(ranges) == 3:
        return replace(base, kind="query", asks="range", ranges=())
    if len(ranges) == 2:
        return replace(base, kind="choose", asks="range")
    if kind == "query":
        about = ranges or {"range", "limit", "classify", "category"} & set(marked.words)
        return replace(
            base, kind="query" if about else "value", asks="range" if about else "name", ranges=()
        )
    if ranges:
        return replace(base, kind="verify", negated=is_negated(marked))
    return replace(base, kind="value")


def _own_limit(marked: Marked) -> tuple[str, float, str] | None:
    """Return a limit that the asker names: relation, number and unit."""
    numbers = marked.of("number")
    bounds = [m for m in marked.of("above", "below") if numbers and m.place < numbers[0].place]
    if not bounds:
        return None
    after = marked.words[numbers[0].place + 1 : numbers[0].place + 2]
    unit, factor = _UNITS.get(after[0] if after else "", ("", 1.0))
    equal = bounds[-1].word in ("at least", "at most")
    relation = {"above": ">", "below": "<"}[bounds[-1].kind] + ("=" if equal else "")
    return relation, numbers[0].number * factor, unit


def _of_named(marked: Marked, scope: str, kind: str) -> Query | None:
    """Return a query about something that is named."""
    terms = [t for t in marked.terms if t.kind not in ("interval", "number", "state")]
    if not terms:
        return None
    attribute = _attribute_of(terms)
    same = [t for t in terms if _attribute_of([t]) == attribute]
    if attribute in ("axis", "stage", "ectopy"):
        same = [t for t in same if t.kind == attribute] or same
    names = tuple(t.name for t in same)
    base = Query(attribute=attribute, names=names, certainty=_certainty(marked), group="named")
    if attribute != "statement":
        base = replace(base, group="")
    counted = any(m.word == "how many" for m in marked.of("how")) and scope == "single"
    if counted and names and names[0] in _BEATS:
        return Query(attribute="number", names=_BEATS[names[0]], kind="value")
    if attribute == "ectopy" and names == ("extrasystoles",) and scope == "single":
        if kind == "query":
            return replace(base, kind="query", names=())
        if "any" in marked.cues:
            return replace(base, kind="verify", names=())
    if attribute == "ectopy" and len(names) == 2 and "extrasystoles" in names and kind == "query":
        loose = {"or", "and"} & set(marked.words)
        names = names if loose else tuple(n for n in names if n != "extrasystoles")
        base = replace(base, names=names)
    if names == (_ANY_ARRHYTHMIA,) and scope == "single":
        return replace(
            base, kind="query" if kind == "query" else "verify", group="rhythm", names=()
        )
    if names == ("normal ecg",):
        return replace(base, kind="verify", group="normal", names=(), negated=is_negated(marked))
    aged = kind == "verify" and names == ("myocardial infarction",) and scope == "single"
    if aged and "how" not in marked.words and (stages := _stages(marked)):
        asked = "choose" if len(stages) > 1 else "verify"
        return replace(base, attribute="stage", kind=asked, names=stages, group="")
    if names == ("myocardial infarction",) and "stage" in marked.cues and scope == "single":
        return replace(base, attribute="stage", kind="query", names=(), group="")
    if scope != "single":
        change = change_of_statement(marked)
        return replace(base, kind="verify" if change else "changes", change=change)
    if len(names) > 1 and kind != "query" and attribute == "statement":
        denied, whole = denied_names(marked, names)
        if denied or whole:
            return replace(base, kind="verify", without=denied, negated=whole)
    if len(names) > 1 and (kind == "query" or {"or", "between"} & marked.cues):
        return replace(base, kind="choose")
    if _asks_for_leads(marked, kind) and not marked.leads:
        return replace(base, kind="query", asks="lead")
    if kind == "query" and {"any"} & marked.cues and "which" not in marked.words:
        return replace(base, kind="verify")
    return replace(base, kind="verify", negated=is_negated(marked))


def _stages(marked: Marked) -> tuple[str, ...]:
    """Return the stages that single words tell."""
    return tuple(dict.fromkeys(_STAGES[word] for word in marked.words if word in _STAGES))


def _asks_for_leads(marked: Marked, kind: str) -> bool:
    return kind == "query" and ("lead" in marked.cues or "where" in marked.words)


def _attribute_of(terms: list[Term]) -> str:
    """Return what the first term that is no statement is about; else statements."""
    for term in terms:
        if not term.is_statement:
            return term.kind
    return "statement"


def _of_group(marked: Marked, scope: str, kind: str) -> Query | None:
    """Return a query about a whole group: any noise, which rhythm, what is new."""
    cues = marked.cues
    leads = marked.leads
    groups = [g for g in _GROUPS if g in cues]
    if scope != "single":
        change = change_of_statement(marked)
        if not change:
            about = cues & {"changed", "previous", "ecg"}
            return Query(kind="changes", group="any") if about else None
        group = groups[0] if groups else "any"
        return Query(kind="query", group=group, change=change)
    asked = "query" if kind == "query" else "verify"
    if "noise" in cues:
        return Query(
            attribute="noise", kind=asked, negated=asked == "verify" and is_negated(marked)
        )
    if "axis" in cues:
        return Query(attribute="axis", kind="query")
    if "stage" in cues:
        return Query(attribute="stage", kind="query")
    certainty = _certainty(marked)
    if groups:
        asked = "verify" if kind == "verify" else "query"
        return Query(kind=asked, group=groups[0], certainty=certainty)
    if cues & {"abnormal", "outside"}:
        group = "any" if asked == "verify" else "abnormal"
        return Query(kind=asked, group=group, negated=asked == "verify" and is_negated(marked))
    if cues & {"normal", "within"}:
        return Query(kind="verify", group="normal", negated=is_negated(marked))
    if cues & {"finding", "ecg"} and kind == "query":
        return Query(kind="query", group="any", certainty=certainty)
    if cues & {"finding"} and leads:
        return Query(kind="query", group="form")
    if "finding" in cues and "any" in cues:
        return Query(kind="verify", group="any", certainty=certainty)
    return Query(kind="query", group="form") if leads else None
