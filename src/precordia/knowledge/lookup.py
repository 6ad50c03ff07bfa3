# SPDX-License-Identifier: Apache-2.0
"""Text to statements: every candidate, and how each was matched; nothing is guessed."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal

from precordia.core.errors import OptionError
from precordia.core.leads import canonical_lead
from precordia.core.value import Value
from precordia.knowledge.codes import find_code
from precordia.knowledge.lexicon import Entry, list_entries, same_concepts
from precordia.knowledge.normal_form import STOP_WORDS, Word, key_of, words_of
from precordia.knowledge.spelling import nearest_words

How = Literal[
    "code",
    "name",
    "abbreviation",
    "synonym",
    "plain phrase",
    "same words in another order",
    "part of the name",
]
Key = tuple[str, ...]
#: ways of matching, the surest first
_ORDER: tuple[How, ...] = (
    "code",
    "name",
    "abbreviation",
    "synonym",
    "plain phrase",
    "same words in another order",
    "part of the name",
)
_IN_WORDS = {
    "synonym": "is another name of it",
    "plain phrase": "says it in plain words",
    "same words in another order": "has the words of a name of it in another order",
    "part of the name": "is part of a name of it",
}
#: a longer text is not a question about an ECG
LONGEST_TEXT = 5000
#: words that names hold and that alone say nothing
_TOO_GENERAL = frozenset({"ecg", "ekg", "heart", "wave", "beat", "rhythm"})
#: no name has more words
_MOST_WORDS = 16
#: as many ways of reading misspelled words are tried
_MOST_READINGS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Match(Value):
    """One statement or class that a text may mean, and how it was found.

    Attributes
    ----------
    code, scheme, name
        What was found: a statement (``"scp-ecg"``, ``"precordia"``), a class of the challenge
        (``"snomed-ct"``) or a superclass (``"ptb-xl-superclass"``).
    statements
        Statements that say it: itself, or all that are cases of it; empty where none does.
    how
        ``"code"``, ``"name"``, ``"abbreviation"``, ``"synonym"``, ``"plain phrase"``, ``"same words
        in another order"``, or ``"part of the name"``: then the text says less than the name.
    said
        The part of the text that was matched.
    start, end
        Where that part stands in the text.
    edits
        Letters that were put right; 0 where every word was spelled as known.
    """

    code: str
    scheme: str
    name: str
    statements: tuple[str, ...] = ()
    how: How
    said: str
    start: int = 0
    end: int = 0
    edits: int = 0

    def __str__(self) -> str:
        letters = "letter" if self.edits == 1 else "letters"
        spelled = f", {self.edits} {letters} put right" if self.edits else ""
        how = _IN_WORDS.get(self.how, f"is its {self.how}")
        return f"{self.name} [{self.scheme} {self.code}]: '{self.said}' {how}{spelled}"


def find_statements(text: str) -> tuple[Match, ...]:
    """Return every statement or class that a text may mean.

    Parameters
    ----------
    text
        A code, a name, an abbreviation, plain words, or a sentence that holds some; English or
        German.

    Returns
    -------
    The candidates, the surest first. Several where the text fits several: it is for the caller to
    choose or to ask. A text that names nothing as a whole gives what stands within it, in its
    order (`find_mentions`). Empty where nothing fits.

    Raises
    ------
    OptionError
        If the text is no text, or longer than 5,000 characters.

    Notes
    -----
    Tried one after the other, until something fits: the text as a code; as a name, abbreviation,
    synonym or plain phrase; the same words in another order; each again with misspelled words put
    right; the names that hold all its words; what stands within it. A misspelled word is one that
    no name uses. One letter may be wrong, missing, added or changed places with its neighbour in
    words of 5 to 7 letters and two in longer ones; a word of 4 may lack one; shorter words must be
    right, and so must the first letter. Negation is not judged: "no atrial fibrillation" mentions
    atrial fibrillation.

    References
    ----------
    Damerau FJ. Communications of the ACM 1964;7:171-176. doi:10.1145/363958.363994

    Examples
    --------
    >>> [m.code for m in find_statements("bundle branch block on the right")]
    ['59118001']
    >>> find_statements("bundle branch block on the right")[0].statements
    ('CRBBB', 'IRBBB')
    >>> [(m.code, m.how, m.edits) for m in find_statements("atrial fibrilation")]
    [('AFIB', 'name', 1)]
    """
    _require_text(text)
    words = words_of(text)
    if not words:
        return ()
    found = _match_whole(text, words)
    if found:
        return found
    return tuple(m for mention in find_mentions(text) for m in mention)


def find_mentions(text: str) -> tuple[tuple[Match, ...], ...]:
    """Return what a sentence mentions: for each place in it, all candidates.

    Parameters
    ----------
    text
        A sentence, a question or a report.

    Returns
    -------
    One tuple of candidates for each place, in the order of the text. The longest names are looked
    for first, and places do not overlap.

    Raises
    ------
    OptionError
        If the text is no text, or longer than 5,000 characters.

    Notes
    -----
    Codes and names are found by whole words, in any order of the words of one name. Codes count
    as written in capitals; the challenge's abbreviations do not count here, since some, such as PR
    and IR, mean something else in a sentence. Part of a name is not enough.

    Examples
    --------
    >>> found = find_mentions("Is there AF, or LBBB with ST depression?")
    >>> [(m.code, m.said) for mention in found for m in mention]
    [('AFIB', 'AF'), ('164909002', 'LBBB'), ('STD_', 'ST depression')]
    """
    _require_text(text)
    words = words_of(text)
    free = [True] * len(words)
    found: list[tuple[int, tuple[Match, ...]]] = []
    for length in range(min(_MOST_WORDS, len(words)), 0, -1):
        for first in range(len(words) - length + 1):
            part = words[first : first + length]
            if not all(free[first : first + length]):
                continue
            if not _is_whole(words, first, length):
                continue
            matches = _match_part(text, part)
            if matches:
                free[first : first + length] = [False] * length
                found.append((part[0].start, matches))
    return tuple(matches for _, matches in sorted(found, key=lambda pair: pair[0]))


def _require_text(text: str) -> None:
    if not isinstance(text, str):
        raise OptionError(f"a {type(text).__name__} arrived as text; words are needed. Give a str.")
    if len(text) > LONGEST_TEXT:
        raise OptionError(
            f"a text of {len(text)} characters arrived; at most {LONGEST_TEXT} are searched. "
            "Give one sentence or paragraph at a time."
        )


def _is_whole(words: list[Word], first: int, length: int) -> bool:
    """Tell whether a part neither begins nor ends within a word or with a stop word."""
    last = first + length - 1
    if words[first].form in STOP_WORDS or words[last].form in STOP_WORDS:
        return False
    if first and words[first - 1].form == "how":  # "how fast is the heart" says nothing of it
        return False
    splits_before = first > 0 and words[first - 1].start == words[first].start
    splits_after = last + 1 < len(words) and words[last + 1].start == words[last].start
    return not (splits_before or splits_after)


def _match_whole(text: str, words: list[Word]) -> tuple[Match, ...]:
    forms = tuple(w.form for w in words)
    start = len(text) - len(text.lstrip())
    end = len(text.rstrip())
    entries = _by_raw_code().get(text[start:end].casefold(), ())
    by_code: list[tuple[Entry, How]] = [(entry, "code") for entry in entries]
    if exact := _unique([*by_code, *_exact(forms)]):
        return _matches(exact, text, start, end)
    for match in (_named, _parts):
        for reading, edits in _readings(forms):
            if found := match(reading):
                return _matches(found, text, start, end, edits)
    return ()


def _named(forms: Key) -> tuple[tuple[Entry, How], ...]:
    return _exact(forms) or _other_order(forms)


def _match_part(text: str, words: list[Word]) -> tuple[Match, ...]:
    start, end = words[0].start, words[-1].end
    forms = tuple(w.form for w in words)
    said = text[start:end]
    found = _exact(forms)
    if len(words) == 1 and said.isupper():
        entries = _by_raw_code().get(said.casefold(), ())
        found = _unique([*((e, "code") for e in entries if e.code == said), *found])
    if found:
        return _matches(found, text, start, end)
    for reading, edits in _readings(forms):
        if named := _named(reading):
            return _matches(named, text, start, end, edits)
    return ()


def _matches(
    found: tuple[tuple[Entry, How], ...], text: str, start: int, end: int, edits: int = 0
) -> tuple[Match, ...]:
    order = {how: k for k, how in enumerate(_ORDER)}
    return tuple(
        Match(
            code=entry.code,
            scheme=entry.scheme,
            name=entry.name,
            statements=entry.statements,
            how=how,
            said=text[start:end],
            start=start,
            end=end,
            edits=edits,
        )
        for entry, how in sorted(found, key=lambda pair: order[pair[1]])
    )


def _unique(found: list[tuple[Entry, How]]) -> tuple[tuple[Entry, How], ...]:
    """Keep each entry once, as it was first found."""
    kept: dict[str, tuple[Entry, How]] = {}
    for entry, how in found:
        kept.setdefault(f"{entry.scheme} {entry.code}", (entry, how))
    return tuple(kept.values())


def _exact(forms: Key) -> tuple[tuple[Entry, How], ...]:
    return _unique(_by_key().get(key_of(forms), []))


def _other_order(forms: Key) -> tuple[tuple[Entry, How], ...]:
    key = key_of(forms)
    if len(key) < 2:
        return ()
    entries = _by_bag().get(tuple(sorted(key)), [])
    return _unique([(entry, "same words in another order") for entry in entries])


def _parts(forms: Key) -> tuple[tuple[Entry, How], ...]:
    wanted = set(key_of(forms))
    if all(_says_little(word) for word in wanted):
        return ()
    found = [entry for bag, entry in _name_bags() if wanted < bag]
    return _unique([(entry, "part of the name") for entry in found])


def _says_little(word: str) -> bool:
    return len(word) < 3 or word in _TOO_GENERAL or word in STOP_WORDS or bool(canonical_lead(word))


@lru_cache(maxsize=4096)
def _nearest(form: str) -> tuple[tuple[str, ...], int]:
    return nearest_words(form, _by_first_letter().get(form[0], ()))


def _readings(forms: Key) -> list[tuple[Key, int]]:
    """Return the words as they stand, then with misspelled ones put right."""
    choices, edits = [], 0
    for form in forms:
        if form in _vocabulary() or form in STOP_WORDS:
            choices.append((form,))
            continue
        near, distance = _nearest(form)
        choices.append(near or (form,))
        edits += distance
    readings = [(forms, 0)]
    if edits:
        product = itertools.islice(itertools.product(*choices), _MOST_READINGS)
        readings += [(reading, edits) for reading in product]
    return readings


def _surface_forms(entry: Entry) -> list[tuple[str, How]]:
    """Return everything that an entry is called, each with what it is."""
    return [
        (entry.name, "name"),
        (entry.name_de, "name"),
        *((a, "abbreviation") for a in entry.abbreviations),  # type: ignore[list-item]
        *((s, "synonym") for s in (*entry.synonyms, *entry.synonyms_de)),  # type: ignore[list-item]
        (entry.plain, "plain phrase"),
        (entry.plain_de, "plain phrase"),
    ]


@cache
def _by_key() -> dict[Key, list[tuple[Entry, How]]]:
    known: dict[Key, list[tuple[Entry, How]]] = {}
    for entry in list_entries():
        for form, how in _surface_forms(entry):
            if form:
                key = key_of(tuple(w.form for w in words_of(form)))
                known.setdefault(key, []).append((entry, how))
    return known


@cache
def _by_bag() -> dict[Key, list[Entry]]:
    known: dict[Key, list[Entry]] = {}
    for key, found in _by_key().items():
        entries = [entry for entry, how in found if how != "plain phrase"]
        known.setdefault(tuple(sorted(key)), []).extend(entries)
    return known


@cache
def _name_bags() -> tuple[tuple[frozenset[str], Entry], ...]:
    return tuple(
        (frozenset(key), entry)
        for key, found in _by_key().items()
        for entry, how in found
        if how in ("name", "synonym")
    )


@cache
def _vocabulary() -> frozenset[str]:
    return frozenset(form for key in _by_key() for form in key)


@cache
def _by_first_letter() -> dict[str, list[str]]:
    known: dict[str, list[str]] = {}
    for form in _vocabulary():
        known.setdefault(form[0], []).append(form)
    return known


@cache
def _by_raw_code() -> dict[str, list[Entry]]:
    """By code as written: own, of SNOMED CT, and the abbreviation of the challenge."""
    known: dict[str, list[Entry]] = {}
    for entry in list_entries():
        concepts = (entry.code,) if entry.scheme == "snomed-ct" else same_concepts(entry)
        of_challenge = [find_code(concept, "snomed-ct") for concept in concepts]
        codes = [entry.code, *concepts, *(c.abbreviation for c in of_challenge if c is not None)]
        for code in dict.fromkeys(c.casefold() for c in codes if c):
            known.setdefault(code, []).append(entry)
    return known
