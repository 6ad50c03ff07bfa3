# SPDX-License-Identifier: Apache-2.0
"""Statements that a question for a whole group means."""

from __future__ import annotations

from precordia.knowledge.statements import list_statements
from precordia.questions.facts import Facts
from precordia.questions.vocabulary import Term, further_terms, terms_of_kind

#: what diagnoses are about, as `precordia.knowledge` groups statements
_DIAGNOSES = {"conduction", "chambers", "infarction", "repolarisation"}


def group_terms(group: str) -> tuple[Term, ...]:
    """Return the single statements of a group; terms that stand for several are left out."""
    every = ("diagnostic", "form", "rhythm")
    kinds = {"any": every, "abnormal": every, "form": ("form", "diagnostic")}
    terms = terms_of_kind(*kinds.get(group, (group,)))
    return tuple(
        t for t in terms if len(t.codes) == 1 and (group != "form" or t.kind == "form" or t.form)
    )


def further_found(group: str, facts: Facts) -> list[Term]:
    """Return statements that were made and that ECG-QA has no name for, as far as they belong.

    An answer that leaves out a suspected ventricular tachycardia would not be the truth.
    """
    about = {s.code: s.group for s in list_statements()}
    wanted = {"rhythm": {"rhythm"}, "diagnostic": _DIAGNOSES, "form": set()}.get(group)
    return [
        t
        for t in further_terms()
        if t.codes[0] in facts.statements
        and t.codes[0] in about
        and (wanted is None or about[t.codes[0]] in wanted)
        and about[t.codes[0]] != "summary"
    ]
