# SPDX-License-Identifier: Apache-2.0
"""Which change a question about two recordings asks for."""

from __future__ import annotations

from precordia.questions.marks import Mark, Marked
from precordia.questions.query import Change, Scope

#: marks that stand for the recording that was made first, and for the other
_THEN, _NOW = ("first", "previous"), ("second", "recent")
_NORMAL, _ABNORMAL = ("normal", "within"), ("abnormal", "outside", "above", "below")
_STRONG = ("gone", "new", "still", "normalized", "deviated", "changed")


def scope_of(marked: Marked) -> Scope:
    """Return how many recordings are spoken of, and whose.

    Parameters
    ----------
    marked
        What was understood.

    Returns
    -------
    ``"single"``, ``"consecutive"`` or ``"unrelated"``.
    """
    cues = _of_change(marked)
    if ("first" in cues or "second" in cues) and (
        {"first", "second"} <= cues or "ecg" in cues or cues & {*_STRONG, "both", "not", "neither"}
    ):
        return "unrelated"
    both = [m for m in marked.of("both", "neither", "changed") if not _of_things(marked, m)]
    if both and {"two", "both"} & set(marked.words) and "ecg" in cues and "previous" not in cues:
        return "unrelated"
    if "previous" in cues or cues & set(_STRONG):
        return "consecutive"
    return "single"


def _of_things(marked: Marked, both: Mark) -> bool:
    """Tell whether "both" or "neither" is said of two things named after it, not of recordings."""
    after = [m for m in marked.marks if m.place > both.place]
    return bool(after) and after[0].term is not None and len({m.term for m in after} - {None}) > 1


def _of_change(marked: Marked) -> frozenset[str]:
    """Return what is marked, without words that speak of no change here.

    An axis deviates in one recording, a number is compared with its normal range, and an old
    infarction needs no old recording.
    """
    cues = set(marked.cues)
    named = {term.kind for term in marked.terms}
    if "axis" in cues | named:
        cues.discard("deviated")
    if {"interval", "number"} & named and cues & {"within", "outside"}:
        cues -= {"changed", "versus"}
    old = [m for m in marked.of("previous") if m.word != "old one"]
    if not old and any(term.name == "myocardial infarction" for term in marked.terms):
        cues.discard("previous")
    return frozenset(cues)


def change_of_statement(marked: Marked) -> Change:
    """Return whether something is asked to be gone, new, persisting or absent; "" where unsaid."""
    cues = marked.cues
    negations = marked.of("not", "neither")
    if alone := _alone(marked):
        return "new" if alone in _NOW else "gone"
    if "gone" in cues:
        return "persisting" if _negated(marked, marked.of("gone")[0]) else "gone"
    if negations:
        if "neither" in cues or (cues & {"still", "both"} and "new" not in cues):
            return "absent"
        if len(negations) > 1 and {"too", "now", "and"} & set(marked.words) and "but" not in cues:
            return "absent"
        where = _subject(marked, negations[0]) or _recording_of(marked, negations[0])
        if where in _THEN:
            return "new"
        if where in _NOW:
            return "gone"
    if cues & {"new", "appears"}:
        return "new"
    if cues & {"still", "both"} or (not negations and _in_each(marked)):
        return "persisting"
    return ""


def change_of_interval(marked: Marked) -> Change:
    """Return whether a number is asked to have become or stayed normal or abnormal."""
    cues = marked.cues
    if "normalized" in cues:
        return "normalized"
    if "deviated" in cues:
        return "deviated"
    states = [
        (m, (m.kind in _NORMAL) != _negated(marked, m)) for m in marked.of(*_NORMAL, *_ABNORMAL)
    ]
    if not states:
        return ""
    if len({normal for _, normal in states}) == 2:
        now = [normal for m, normal in states if _recording_of(marked, m) in _NOW]
        then = [normal for m, normal in states if _recording_of(marked, m) in _THEN]
        is_normal = now[0] if now else not then[0] if then else states[-1][1]
        return "normalized" if is_normal else "deviated"
    is_normal = states[0][1]
    loose = [m for m in marked.of("not") if not _in_front(marked, m)]
    turned = "new" in cues or (loose and "still" not in cues)
    each = not loose and _in_each(marked)
    if (cues & {"still", "both", "neither"} or each) and not turned:
        return "normal" if is_normal else "abnormal"
    if loose and _recording_of(marked, loose[0]) in _NOW:
        is_normal = not is_normal
    return "normalized" if is_normal else "deviated"


def _alone(marked: Marked) -> str:
    """Return the recording of which something is asked to be true alone ("only the second")."""
    for place, word in enumerate(marked.words):
        if word in ("only", "solely", "exclusively"):
            near = [m for m in marked.of(*_THEN, *_NOW) if 0 < m.place - place <= 3]
            if near and near[0].word != "this":
                return near[0].kind
        if word == "alone":
            near = [m for m in marked.of(*_THEN, *_NOW) if 0 < place - m.place <= 2]
            if near:
                return near[-1].kind
    return ""


def _subject(marked: Marked, negation: Mark) -> str:
    """Return the recording that lacks something, where the negation is such a verb."""
    if negation.word not in ("lack", "lacked", "miss", "missed"):
        return ""
    before = [m for m in marked.of(*_THEN, *_NOW) if m.place < negation.place]
    return before[-1].kind if before else ""


def _in_each(marked: Marked) -> bool:
    """Tell whether one thing is said of both recordings, one after the other."""
    cues = marked.cues
    two = cues & set(_THEN) and cues & set(_NOW)
    joined = {"and", "too", "also"} & set(marked.words)
    return bool(two and joined) and not cues & {"but", "new", "appears", "gone", "versus"}


def _clause(marked: Marked, at: Mark) -> list[Mark]:
    """Return the marks of the clause that a mark stands in."""
    clause: list[Mark] = []
    for m in marked.marks:
        if m.kind == "but":
            if any(one is at for one in clause):
                return clause
            clause = []
        clause.append(m)
    return clause


def _recording_of(marked: Marked, at: Mark) -> str:
    """Return which recording a word is said of: the next one in its clause, else the one before."""
    named = [m for m in _clause(marked, at) if m.kind in (*_THEN, *_NOW)]
    after = [m for m in named if m.place > at.place]
    if after:
        return after[0].kind
    return named[-1].kind if named else ""


def _negated(marked: Marked, at: Mark) -> bool:
    """Tell whether the words just before turn a word around."""
    return any(m.kind == "not" and 0 < at.place - m.place <= 3 for m in _clause(marked, at))


def _in_front(marked: Marked, negation: Mark) -> bool:
    """Tell whether a negation stands before a state, and so belongs to it."""
    return any(
        0 < m.place - negation.place <= 3 and any(m is one for one in _clause(marked, negation))
        for m in marked.of(*_NORMAL, *_ABNORMAL)
    )
