# SPDX-License-Identifier: Apache-2.0
"""The sentence that says on what no decision was made, in as few names as will do."""

from __future__ import annotations

from precordia.core.claims import UNDECIDED, statement_claim
from precordia.core.errors import UnknownNameError
from precordia.core.report import Sentence
from precordia.core.study import Study
from precordia.knowledge.lexicon import find_entry
from precordia.knowledge.statements import find_statement
from precordia.reporting.wording import Wording

#: classes that stand for all their statements where none of these is decided
_CLASSES = (
    *("164865005", "233917008", "axis-deviation", "fascicular-block", "6374002"),
    *("195126007", "266249003"),
)


def undecided_sentences(study: Study, words: Wording) -> list[Sentence]:
    """Return what the rules would have judged and could not.

    Parameters
    ----------
    study, words
        What is told, and how.

    Returns
    -------
    One sentence of the section "undecided", or none. A class such as myocardial infarction stands
    for all its statements where no rule could judge one of them. What no rule and no model knows is
    not told; ``study.findings.decisions`` names it.
    """
    undecided = study.findings.undecided
    abstained = dict.fromkeys(a.code for a in study.findings.abstained)
    codes = [c for c in abstained if c in undecided and is_judged(c)]
    if not codes:
        return []
    text = words.phrase("undecided", names="; ".join(_names(codes, words)))
    claims = tuple(statement_claim(code, UNDECIDED) for code in codes)
    return [Sentence(text=text, claims=claims, section="undecided")]


def is_judged(code: str) -> bool:
    """Tell whether a rule makes a statement."""
    try:
        return find_statement(code).by_rules
    except UnknownNameError:
        return False


def _names(codes: list[str], words: Wording) -> list[str]:
    """Return names in the order given; a class once, at the first of its statements."""
    wider = {code: find_statement(code).implies for code in codes}
    kept = [code for code in codes if wider[code] not in codes]
    standing: dict[str, str] = {}
    for known in _CLASSES:
        members = [code for code in find_entry(known).covers if is_judged(code)]
        if len(members) > 1 and set(members) <= set(codes):
            standing |= dict.fromkeys(members, known)
    return [words.statement(code) for code in dict.fromkeys(standing.get(c, c) for c in kept)]
