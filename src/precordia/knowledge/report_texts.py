# SPDX-License-Identifier: Apache-2.0
"""Reports of recordings that have none, written from their statements in changing words."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np

from precordia.core.errors import unknown_name
from precordia.knowledge.lexicon import find_entry

LANGUAGES: tuple[str, ...] = ("en", "de")
#: how often each kind of wording is taken, where a statement has it
_OFTEN = {"name": 4.0, "synonym": 4.0, "plain": 1.0, "seen": 1.0, "where": 1.0}
#: what stands between two statements
_BETWEEN = {"en": (". ", ", ", "; ", " with ", " and "), "de": (". ", ", ", "; ", " mit ", " und ")}
_IN_LEADS = {"en": "in leads", "de": "in Ableitungen"}
#: share of reports that say everything; the others say one statement or a few
_WHOLE = 0.5


def write_report_text(
    codes: Iterable[str],
    rng: np.random.Generator,
    *,
    language: str = "en",
    without: Iterable[str] = (),
    whole: float = _WHOLE,
) -> tuple[str, tuple[str, ...]]:
    """Write one report of a recording from its statements.

    Parameters
    ----------
    codes
        Codes of the statements of the recording.
    rng
        Chooses statements, order and wording.
    language
        ``"en"`` or ``"de"``.
    without
        Statements that must not be mentioned.
    whole
        Share of reports that mention every statement.

    Returns
    -------
    The report, and the statements that it mentions; both empty where nothing may be said.

    Raises
    ------
    UnknownNameError
        If a code or the language is not known.

    Notes
    -----
    Every word comes from ``lexicon.toml``: names, synonyms, the phrase for people who know no
    cardiology, what is seen, and the leads. Superclasses are not written, so that their names stay
    unsaid. A report of a part of the statements is as true as one of all.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> text, said = write_report_text(["AFIB", "IMI"], rng, whole=1.0)
    >>> sorted(said)
    ['AFIB', 'IMI']
    >>> write_report_text(["AFIB"], rng, without=["AFIB"])
    ('', ())
    """
    if language not in LANGUAGES:
        raise unknown_name("language", language, LANGUAGES, listing="'en' and 'de'")
    left_out = frozenset(without)
    known = [code for code in dict.fromkeys(codes) if code not in left_out]
    if not known:
        return "", ()
    n = len(known)
    if rng.random() >= whole:
        n = int(rng.integers(1, min(n, 2) + 1))
    said = tuple(known[k] for k in rng.permutation(len(known))[:n])
    between = _BETWEEN[language]
    text = _wording(said[0], language, rng)
    for code in said[1:]:
        text += between[int(rng.integers(len(between)))] + _wording(code, language, rng)
    return text, said


def wordings_of(code: str, language: str = "en") -> dict[str, tuple[str, ...]]:
    """Return all that a statement may be called, by kind of wording.

    Examples
    --------
    >>> wordings_of("AFIB", "de")["name"]
    ('Vorhofflimmern',)
    """
    return dict(_wordings(code, language))


@cache
def _wordings(code: str, language: str) -> dict[str, tuple[str, ...]]:
    entry = find_entry(code)
    if language == "de":
        name, synonyms, plain, seen = entry.name_de, entry.synonyms_de, entry.plain_de, ""
    else:
        name, synonyms, plain, seen = entry.name, entry.synonyms, entry.plain, entry.seen
    name = name or entry.name
    where = ""
    if 0 < len(entry.leads) <= 6:
        where = f"{name} {_IN_LEADS[language]} {', '.join(entry.leads)}"
    kinds = {
        "name": (name,),
        "synonym": (*synonyms, *entry.abbreviations),
        "plain": (plain,),
        "seen": (seen,),
        "where": (where,),
    }
    return {kind: tuple(t for t in texts if t) for kind, texts in kinds.items() if any(texts)}


def _wording(code: str, language: str, rng: np.random.Generator) -> str:
    kinds = _wordings(code, language)
    often = np.array([_OFTEN[kind] for kind in kinds])
    texts = kinds[list(kinds)[rng.choice(len(often), p=often / often.sum())]]
    return texts[int(rng.integers(len(texts)))]
