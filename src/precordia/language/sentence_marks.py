# SPDX-License-Identifier: Apache-2.0
"""What stands where in a sentence about a recording, and which words are not understood."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field, replace
from typing import Any

from precordia.core.leads import STANDARD_12
from precordia.knowledge.lookup import Match, find_mentions
from precordia.language.plain_words import PlainWords, plain_words
from precordia.language.said_numbers import SaidNumber, joins_range, number_at, with_unit_of
from precordia.questions.lead_words import REGIONS

#: kinds of marks that say something of the recording
SAYING = frozenset(
    ["statement", "quality", "number", "range", "above", "within", "below", "good", "sex"]
)
_FORMS = [
    (re.compile(pattern), put)
    for pattern, put in [
        (r"[\u2010-\u2015\u2212]", "-"),
        (r"[\u2018\u2019\u02bc`]", "'"),
        (r"[\u201c\u201d\u201e\u00ab\u00bb\u201f]", '"'),
        (r"[\u00a0\u2000-\u200a\u202f]", " "),
        (r"\u00b5", "\u03bc"),
    ]
]
_PUNCTUATION = re.compile(r"[,;:()\[\].!?\"]|(?<=\s)-(?=\s)")
_SKIPPED = re.compile(r"[\s*_']+|(?<=\w)-|-(?!\d|\s)")
_WORD = re.compile(r"[^\W\d_]+|\d+|.", re.DOTALL)
_LEAD = re.compile(
    r"(?<!\w)(?:(?:[Ll]eads?|Ableitung(?:en)?)\s+)?"
    r"(?:(?P<range>V[1-6])\s*(?:-|to|through|bis)\s*V?(?P<last>[1-6])|"
    r"(?P<one>III|II|I|a[Vv][RLFrlf]|V[1-6]))(?!\w)"
)
_REGION = re.compile(
    r"(?<!\w)(" + "|".join(REGIONS) + r")(?:\s+(?:and\s+)?)leads?(?!\w)", re.IGNORECASE
)
_JOINERS = re.compile(r"(?<=\s)(?:with|and|at|mit|und|bei|but|aber|is|are|ist|sind)(?=\s)")


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing understood at one place.

    Attributes
    ----------
    kind
        A kind of `plain_words`, or ``"statement"``, ``"number"``, ``"range"``, ``"lead"``,
        ``"stop"`` (a sign between clauses), ``"unknown"``.
    said
        As it stands there, in lower case.
    start
        Where.
    value
        What it stands for.
    """

    kind: str
    said: str
    start: int
    value: Any = field(default=None, compare=False)


def marks_of(sentence: str, language: str = "en") -> list[Mark]:
    """Find what a sentence is made of.

    Parameters
    ----------
    sentence
        One sentence.
    language
        ``"en"`` or ``"de"``.

    Returns
    -------
    Marks in order. Words that are not understood are marks of the kind ``"unknown"``.

    Examples
    --------
    >>> [(m.kind, m.said) for m in marks_of("No AF; QRS 89 ms, emperor.") if m.kind != "plain"]
    [('before', 'no'), ('statement', 'af'), ('stop', ';'), ('measure', 'qrs'), ('number', '89 ms'),
    ('stop', ','), ('unknown', 'emperor'), ('stop', '.')]
    """
    text = one_form(sentence)
    folded = _lower(text)
    words = plain_words(language)
    mentions = {m[0].start: m for m in _mentions(text)}
    marks: list[Mark] = []
    place = 0
    while place < len(text):
        skipped = _SKIPPED.match(text, place)
        if skipped is not None:
            place = skipped.end()
            continue
        mark, place = _next(text, folded, place, words, mentions, language)
        marks.append(mark)
    return marks


def one_form(text: str) -> str:
    """Return a text with one form for each sign; what cannot be printed stays, and is unknown."""
    text = unicodedata.normalize("NFKC", text)
    for pattern, put in _FORMS:
        text = pattern.sub(put, text)
    return text


def _lower(text: str) -> str:
    """Return a text in lower case, letter by letter, so that places stay the same."""
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def _mentions(text: str) -> list[tuple[Match, ...]]:
    found: list[tuple[Match, ...]] = []
    for matches in find_mentions(text[:4000]):
        first = matches[0]
        loose = first.how == "same words in another order"
        if loose and _JOINERS.search(first.said):
            found += _within(text, first.start, first.end)
        else:
            found.append(matches)
    return found


def _within(text: str, start: int, end: int) -> list[tuple[Match, ...]]:
    """Find mentions in the parts between joiners, so that none is made up of two things."""
    found = []
    place = start
    for joiner in [*_JOINERS.finditer(text, start, end), None]:
        until = joiner.start() if joiner is not None else end
        for matches in find_mentions(text[place:until]):
            moved = (replace(m, start=m.start + place, end=m.end + place) for m in matches)
            found.append(tuple(moved))
        place = joiner.end() if joiner is not None else end
    return found


def _next(
    text: str,
    folded: str,
    place: int,
    words: PlainWords,
    mentions: dict[int, tuple[Match, ...]],
    language: str,
) -> tuple[Mark, int]:
    if place in mentions:
        matches = mentions[place]
        end = matches[0].end
        return Mark("statement", folded[place:end], place, matches), end
    if (number := _number(folded, place, language)) is not None:
        return number
    phrase = words.pattern.match(folded, place)
    lead = _LEAD.match(text, place)
    if lead is not None and (phrase is None or lead.end() >= phrase.end()):
        return Mark("lead", folded[place : lead.end()], place, (_leads(lead), "all")), lead.end()
    region = _REGION.match(text, place)
    if region is not None:
        leads = REGIONS[region[1].lower()]
        return Mark("lead", folded[place : region.end()], place, (leads, "any")), region.end()
    if phrase is not None:
        kind, value = words.meaning[re.sub(r"\s+", " ", phrase[0])]
        return Mark(kind, phrase[0], place, value), phrase.end()
    stop = _PUNCTUATION.match(text, place)
    if stop is not None:
        return Mark("stop", stop[0], place), stop.end()
    word = _WORD.match(text, place)
    end = word.end() if word is not None else place + 1
    return Mark("unknown", folded[place:end], place), end


def _number(folded: str, place: int, language: str) -> tuple[Mark, int] | None:
    read = number_at(folded, place, language)
    if read is None:
        return None
    first, end = read
    begins = joins_range(folded, end)
    second = number_at(folded, begins, language) if begins is not None else None
    if second is None or begins is None:
        return Mark("number", folded[place:end], place, first), end
    last, until = second
    if not _is_range(folded, place, end, begins, first, last):
        return Mark("number", folded[place:end], place, first), end
    return Mark("range", folded[place:until], place, (with_unit_of(first, last), last)), until


def _is_range(
    folded: str, place: int, end: int, begins: int, first: SaidNumber, last: SaidNumber
) -> bool:
    """Tell whether two numbers are the ends of a range; "and" joins them after "between" alone."""
    joined = folded[end:begins].strip()
    if first.unit and last.unit and first.unit != last.unit:
        return False
    if joined in ("and", "und"):
        return bool(re.search(r"(?:between|zwischen)\s+$", folded[:place]))
    return not last.signed or joined != "-"


def _leads(match: re.Match[str]) -> tuple[str, ...]:
    if match["range"]:
        first, last = sorted((int(match["range"][1]), int(match["last"])))
        return tuple(f"V{n}" for n in range(first, last + 1))
    return tuple(name for name in STANDARD_12 if name.lower() == match["one"].lower())
