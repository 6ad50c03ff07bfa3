# SPDX-License-Identifier: Apache-2.0
"""Words for every statement and class: names, plain phrases, synonyms, signs, leads, prompts."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from precordia.core.errors import unknown_name
from precordia.core.findings import SUPERCLASS
from precordia.core.value import Value
from precordia.knowledge.codes import find_code, list_codes, translate_code
from precordia.knowledge.criteria import list_criteria
from precordia.knowledge.references import find_reference
from precordia.knowledge.statements import SUPERCLASSES, find_statement, list_statements

#: scheme of words that stand for several statements
GROUP = "group"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Value):
    """What is known of one statement, one class of the 2021 challenge, or one superclass.

    Attributes
    ----------
    code, scheme
        ``"scp-ecg"`` and ``"precordia"`` for statements; ``"snomed-ct"`` for classes of the
        challenge that are no statement here; ``"ptb-xl-superclass"``; ``"group"`` for a word that
        stands for several statements and has no code in any scheme.
    name, name_de
        Name in English and German.
    plain, plain_de
        What it means, for a reader who knows no cardiology.
    synonyms, synonyms_de
        Other names.
    abbreviations
        Short forms that may stand in a sentence.
    seen
        What a reader looks for in the tracing.
    leads
        Leads in which to look; empty where none is told from the others.
    references
        Where that is published.
    unsourced
        Numbers in ``seen`` that are of common use and in none of the references.
    covers
        Statements each of which is a case of this one.
    implies
        Statements that hold wherever this one does.
    codes
        Codes of the same meaning in other schemes.
    """

    code: str
    scheme: str
    name: str
    name_de: str = ""
    plain: str = ""
    plain_de: str = ""
    synonyms: tuple[str, ...] = ()
    synonyms_de: tuple[str, ...] = ()
    abbreviations: tuple[str, ...] = ()
    seen: str = ""
    leads: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    unsourced: tuple[str, ...] = ()
    covers: tuple[str, ...] = ()
    implies: tuple[str, ...] = ()
    codes: dict[str, str]

    @property
    def statements(self) -> tuple[str, ...]:
        """Codes of the statements that say this: itself, or those that are cases of it."""
        return (self.code,) if self.scheme in ("scp-ecg", "precordia") else self.covers

    @property
    def criteria(self) -> tuple[str, ...]:
        """The criteria in numbers that rules judge, in words."""
        return tuple(c.words for c in list_criteria() if c.statement in self.statements)

    def __str__(self) -> str:
        return f"{self.name} [{self.scheme} {self.code}]"


@cache
def _rows() -> dict[str, Any]:
    text = files("precordia.knowledge").joinpath("lexicon.toml").read_text("utf-8")
    return tomllib.loads(text)


@cache
def list_entries() -> tuple[Entry, ...]:
    """Return all that is known: statements first, then classes of the challenge, superclasses.

    Returns
    -------
    One entry for each of our statements (PTB-XL's 71 among them), for each class of the
    PhysioNet/CinC Challenge 2021 that none of them says, for each superclass of PTB-XL but the
    normal ECG, which is a statement, and for words such as "ischaemia" that stand for several.

    Notes
    -----
    Written for precordia. Names of statements stand in ``statements.toml``, codes and their
    relations in ``codes.toml``, limits in ``criteria.toml``; all else in ``lexicon.toml``, once.

    Examples
    --------
    >>> entry = find_entry("AFIB")
    >>> entry.name_de, entry.codes["snomed-ct"]
    ('Vorhofflimmern', '164889003')
    """
    rows = {(row.get("scheme", ""), row["code"]): row for row in _rows()["entry"]}
    found = [_of_statement(s.code, rows.get(("", s.code), {})) for s in list_statements()]
    said = {code for entry in found for code in same_concepts(entry)}
    for known in list_codes("snomed-ct"):
        if known.code not in said:
            found.append(_of_class(known.code, rows.get(("snomed-ct", known.code), {})))
    for code in SUPERCLASSES:
        if code != "NORM":
            found.append(_of_superclass(code, rows.get((SUPERCLASS, code), {})))
    groups = [row for (scheme, _), row in rows.items() if scheme == GROUP]
    for row in groups:
        name, code = row["name"], row["code"]
        found.append(Entry(code=code, scheme=GROUP, name=name, codes={}, **_words(row)))
    return tuple(found)


@cache
def _by_code() -> dict[str, Entry]:
    """By code; a class that a statement says leads to the statement."""
    known: dict[str, Entry] = {}
    for entry in list_entries():
        known.setdefault(entry.code, entry)
        for code in same_concepts(entry):
            known.setdefault(code, entry)
    return known


def find_entry(code: str) -> Entry:
    """Return what is known of a code: of a statement, of SNOMED CT, or of a superclass.

    Raises
    ------
    UnknownNameError
        If nothing has that code.

    Examples
    --------
    >>> find_entry("164890007").code
    'AFLT'
    """
    known = _by_code()
    if code not in known:
        raise unknown_name("statement", code, known, listing="list_statements()")
    return known[code]


def same_concepts(entry: Entry) -> tuple[str, ...]:
    """Return the concepts of SNOMED CT that mean the same as a statement.

    Examples
    --------
    >>> same_concepts(find_entry("PAC"))
    ('63593006', '284470004')
    """
    own = (entry.codes["snomed-ct"],) if "snomed-ct" in entry.codes else ()
    if entry.scheme != "scp-ecg":
        return own
    related = translate_code(entry.code, "scp-ecg")
    return tuple(dict.fromkeys((*own, *(r.code for r in related if r.relation == "same"))))


def _words(row: dict[str, Any]) -> dict[str, Any]:
    """Return what a row of the table holds, lists as tuples, references in full."""
    lists = ("synonyms", "synonyms_de", "abbreviations", "leads", "unsourced", "covers", "implies")
    held: dict[str, Any] = {key: tuple(row[key]) for key in lists if key in row}
    held |= {key: row[key] for key in ("name_de", "plain", "plain_de", "seen") if key in row}
    held["references"] = tuple(find_reference(key) for key in row.get("references", ()))
    return held


def _of_statement(code: str, row: dict[str, Any]) -> Entry:
    known = find_statement(code)
    scp = find_code(code, "scp-ecg") if known.scheme == "scp-ecg" else None
    codes = known.codes() | ({"aha": scp.aha} if scp is not None and scp.aha else {})
    words = _words(row)
    if known.implies:
        words["implies"] = (known.implies,)
    entry = Entry(code=code, scheme=known.scheme, name=known.name, codes=codes, **words)
    named = [scp.name] if scp is not None else []
    named += [c.name for c in (find_code(same, "snomed-ct") for same in same_concepts(entry)) if c]
    return _named_also(entry, named)


def _of_class(code: str, row: dict[str, Any]) -> Entry:
    known = find_code(code, "snomed-ct")
    assert known is not None
    words = _words(row)
    name = row.get("name", known.name)
    related = translate_code(code, "snomed-ct")
    narrower = tuple(r.code for r in related if r.relation == "narrower")
    words["covers"] = tuple(dict.fromkeys((*words.get("covers", ()), *narrower)))
    entry = Entry(code=code, scheme="snomed-ct", name=name, codes={}, **words)
    return _named_also(entry, [known.name])


def _named_also(entry: Entry, names: list[str]) -> Entry:
    """Add what databases call it to the synonyms, where that is not there."""
    held = {name.lower() for name in (entry.name, *entry.synonyms)}
    more = dict.fromkeys(name for name in names if name.lower() not in held)
    return dataclasses.replace(entry, synonyms=(*entry.synonyms, *more))


def _of_superclass(code: str, row: dict[str, Any]) -> Entry:
    words = _words(row)
    words["covers"] = tuple(s.code for s in list_statements() if s.superclass == code)
    return Entry(code=code, scheme=SUPERCLASS, name=SUPERCLASSES[code], codes={}, **words)
