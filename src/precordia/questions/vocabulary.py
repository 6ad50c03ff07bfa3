# SPDX-License-Identifier: Apache-2.0
"""What can be asked for by name, and where its wordings stand in a text."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from precordia.core.value import Value
from precordia.knowledge.lexicon import list_entries
from precordia.questions.words import words_of

#: kinds of terms that are statements about the recording
STATEMENTS = ("superclass", "diagnostic", "form", "rhythm", "normal", "other")


@dataclass(frozen=True, slots=True, kw_only=True)
class Term(Value):
    """One thing that can be asked for.

    Attributes
    ----------
    name
        What an answer calls it.
    kind
        ``"superclass"``, ``"diagnostic"``, ``"form"``, ``"rhythm"``, ``"noise"``, ``"axis"``,
        ``"stage"``, ``"ectopy"``, ``"interval"``, ``"number"``, ``"state"`` or ``"other"``.
    codes
        Statements that it stands for.
    also
        Other wordings.
    form
        Whether a diagnostic statement is filed under form too.
    measure
        Measurement that holds its number; ``"lead:..."`` for one of each lead.
    above, below
        Limits beyond which a state is there; NaN where there is none.
    """

    name: str
    kind: str
    codes: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    form: bool = False
    measure: str = ""
    above: float = float("nan")
    below: float = float("nan")

    @property
    def is_statement(self) -> bool:
        """Whether it stands for statements about the recording."""
        return self.kind in STATEMENTS


@cache
def list_terms() -> tuple[Term, ...]:
    """Return everything that can be asked for by name.

    Examples
    --------
    >>> sum(term.kind == "noise" for term in list_terms())
    4
    """
    text = files("precordia.questions").joinpath("vocabulary.toml").read_text("utf-8")
    rows = tomllib.loads(text)["term"]
    for row in rows:
        row["codes"], row["also"] = tuple(row.get("codes", ())), tuple(row.get("also", ()))
    own = [Term(**row) for row in rows]
    return (*own, *_further(own))


def _further(own: list[Term]) -> list[Term]:
    """Return what else `precordia.knowledge` has a name for, as far as no row above has its code.

    A word that stands for several statements is there where any of them is.
    """
    named = {name for term in own for name in (term.name, *term.also)}
    alone = {term.codes[0] for term in own if len(term.codes) == 1}
    further = []
    for entry in list_entries():
        if entry.code in alone or entry.name in named or entry.scheme == "ptb-xl-superclass":
            continue
        also = tuple(
            a for a in (*entry.synonyms, *entry.abbreviations) if len(a) > 2 and a not in named
        )
        codes = entry.statements or (entry.code,)
        further.append(Term(name=entry.name, kind="other", codes=codes, also=also))
    return further


@cache
def term_named(name: str) -> Term:
    """Return a term by the name that answers give it."""
    return next(term for term in list_terms() if term.name == name)


@cache
def terms_of_kind(*kinds: str) -> tuple[Term, ...]:
    """Return the terms of some kinds, in the order of the table."""
    return tuple(term for term in list_terms() if term.kind in kinds)


@cache
def further_terms() -> tuple[Term, ...]:
    """Return single statements that ECG-QA has no name for, each code once."""
    named = {c for t in terms_of_kind("diagnostic", "form", "rhythm") for c in t.codes}
    single = [t for t in terms_of_kind("other", "axis") if len(t.codes) == 1]
    return tuple({t.codes[0]: t for t in reversed(single) if t.codes[0] not in named}.values())[
        ::-1
    ]


Phrases = dict[str, list[tuple[tuple[str, ...], object]]]


def phrase_index(pairs: Sequence[tuple[str, object]]) -> Phrases:
    """Return phrases by their first word, longest first."""
    index: Phrases = {}
    for phrase, what in pairs:
        words = words_of(phrase)
        if words:
            index.setdefault(words[0], []).append((words, what))
    for entries in index.values():
        entries.sort(key=lambda entry: -len(entry[0]))
    return index


def longest_at(words: Sequence[str], place: int, index: Phrases) -> tuple[object, int] | None:
    """Return what the longest phrase that begins at one word stands for, and its length."""
    for phrase, what in index.get(words[place], ()):
        if tuple(words[place : place + len(phrase)]) == phrase:
            return what, len(phrase)
    return None


@cache
def term_index() -> Phrases:
    """Return the wordings of all terms, and the codes that findings are printed with."""
    wordings = [(wording, term) for term in list_terms() for wording in (term.name, *term.also)]
    coded = {
        t.codes[0]: t for t in reversed(list_terms()) if len(t.codes) == 1 and t.kind != "normal"
    }
    codes = [(code, term) for code, term in coded.items() if not code.isdigit()]
    return phrase_index([*wordings, *codes])
