# SPDX-License-Identifier: Apache-2.0
"""The words that the check of generated text understands, from one table, for one language."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from precordia.reporting.wording import phrase_table

#: kinds of words; where one word has several, the first of these is tried first
KINDS = (
    *(
        "previous",
        "gone",
        "new",
        "still",
        "doubt",
        "least",
        "most",
        "more",
        "less",
        "grown",
        "shrunk",
    ),
    *("above", "within", "below", "good", "norm", "before", "after", "not", "apart", "join"),
    *("verb", "plain"),
)
#: lists of single words rather than of phrases
_WORDS = ("plain", "verb")


@dataclass(frozen=True, slots=True)
class PlainWords:
    """Phrases of one language, each with its kind and what it stands for.

    Attributes
    ----------
    pattern
        Finds the longest phrase at a place of a text in lower case.
    meaning
        Kind and value by phrase.
    yes, no
        How an answer begins.
    """

    pattern: re.Pattern[str]
    meaning: dict[str, tuple[str, str]]
    yes: str
    no: str


@cache
def plain_words(language: str) -> PlainWords:
    """Return the words of a language.

    Parameters
    ----------
    language
        ``"en"`` or ``"de"``.

    Returns
    -------
    Its phrases.

    Examples
    --------
    >>> words = plain_words("en")
    >>> words.meaning["qrs duration"], words.meaning["no longer"], words.meaning["without"]
    (('measure', 'qrs_ms'), ('gone', ''), ('before', ''))
    """
    text = files("precordia.language").joinpath("plain_words.toml").read_text("utf-8")
    table = tomllib.loads(text)
    own = table[language]
    meaning: dict[str, tuple[str, str]] = {}
    for reason, words in phrase_table()["quality"].items():
        meaning.setdefault(words[language].lower(), ("quality", reason))
    for measure, phrases in table["measure"].items():
        for phrase in phrases:
            meaning.setdefault(phrase, ("measure", measure))
    for measure, words in phrase_table()["measure"].items():
        meaning.setdefault(words[language].lower(), ("measure", measure))
    for sex, phrases in own["sex"].items():
        for phrase in phrases.split("|"):
            meaning.setdefault(phrase, ("sex", sex))
    for kind in KINDS:
        for phrase in own[kind].split(" " if kind in _WORDS else "|"):
            meaning.setdefault(phrase, (kind, ""))
    longest = sorted(meaning, key=len, reverse=True)
    return PlainWords(
        re.compile("|".join(map(_whole, longest))), meaning, str(own["yes"]), str(own["no"])
    )


def _whole(phrase: str) -> str:
    """Return a pattern of a phrase that neither begins nor ends within a word."""
    spaced = re.escape(phrase).replace(r"\ ", r"\s+")
    before = r"(?<!\w)" if phrase[0].isalnum() else ""
    after = r"(?!\w)" if phrase[-1].isalnum() else ""
    return f"{before}{spaced}{after}"
