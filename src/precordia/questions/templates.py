# SPDX-License-Identifier: Apache-2.0
"""The 70 templates of ECG-QA: which query each is, and which template a query is."""

from __future__ import annotations

from precordia.questions.query import Query
from precordia.questions.vocabulary import Term, term_named

#: template of the first of two recordings that follow each other; of unrelated ones: 14 more
_CHANGES = {"gone": 0, "new": 1, "persisting": 2, "absent": 3}
_STATES = {"normalized": 0, "deviated": 1, "abnormal": 2, "normal": 3}
_UNRELATED = 14


def template_of(query: Query) -> int | None:
    """Return the number of the template that asks a query.

    Parameters
    ----------
    query
        What is asked.

    Returns
    -------
    1 to 70, or None where no template asks this.

    Notes
    -----
    Numbers follow Oh et al., NeurIPS 2023 (doi:10.48550/arXiv.2306.15681). The order within 13 to
    16 is not published; here: diagnostic with and without uncertain ones, form, rhythm.

    Examples
    --------
    >>> from precordia.questions.parse import parse_question
    >>> template_of(parse_question("Which leads show inverted T waves?"))
    19
    """
    if query.kind in ("value", "changes") or query.relation:
        return None
    if query.scope != "single":
        return _of_two(query)
    by_attribute = {
        "statement": _of_statement,
        "axis": _of_axis,
        "stage": _of_stage,
        "noise": _of_noise,
        "ectopy": _of_ectopy,
        "interval": _of_interval,
    }
    return by_attribute[query.attribute](query) if query.attribute in by_attribute else None


def _of_two(query: Query) -> int | None:
    later = _UNRELATED if query.scope == "unrelated" else 0
    if query.attribute == "interval" and query.change in _STATES:
        step = _STATES[query.change]
        if query.kind == "query":
            return 54 + step + later if step < 3 else None
        return 50 + step + later
    if query.attribute == "statement" and query.change in _CHANGES:
        step = _CHANGES[query.change]
        if query.kind == "query":
            return 47 + step + later if step < 3 else None
        return 43 + step + later
    return None


def _of_statement(query: Query) -> int | None:
    certain = query.certainty == "exclude"
    if query.group == "normal":
        return 2
    if query.group == "named":
        if query.kind == "choose":
            return _of_choice([term_named(n) for n in query.names], query)
        if query.asks == "lead":
            return 19
        return 17 if query.leads else 1
    if query.kind == "query":
        if query.leads:
            return 18
        return {"diagnostic": 9 if certain else 8, "rhythm": 10, "form": 11}.get(query.group)
    if query.leads:
        return None
    return {"any": 12, "diagnostic": 14 if certain else 13, "form": 15, "rhythm": 16}.get(
        query.group
    )


def _of_choice(terms: list[Term], query: Query) -> int:
    kinds = {t.kind for t in terms}
    if kinds == {"superclass"}:
        return 3
    if kinds == {"rhythm"}:
        return 7
    if all(t.kind == "form" or t.form for t in terms) and not query.certainty:
        return 6
    return 5 if query.certainty == "exclude" else 4


def _of_axis(query: Query) -> int:
    return {"verify": 20, "choose": 21}.get(query.kind, 22)


def _of_stage(query: Query) -> int:
    return {"verify": 23, "choose": 24}.get(query.kind, 25)


def _of_noise(query: Query) -> int:
    inside = bool(query.leads)
    if query.asks == "lead":
        return 34
    if query.kind == "choose":
        return 31 if inside else 30
    if query.kind == "query":
        return 33 if inside else 32
    return (26 if inside else 27) if query.names else (28 if inside else 29)


def _of_ectopy(query: Query) -> int:
    if query.kind == "verify":
        return 36 if query.names else 35
    return 37 if query.kind == "choose" else 38


def _of_interval(query: Query) -> int:
    if query.kind == "verify":
        return 39
    if query.kind == "choose":
        return 40
    return 41 if query.names else 42
