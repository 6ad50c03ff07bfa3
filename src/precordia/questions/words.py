# SPDX-License-Identifier: Apache-2.0
"""Text to comparable words: lower case, no articles, singular, American, signs spelled out."""

from __future__ import annotations

import re
import unicodedata

#: words that change nothing about what is asked
_ARTICLES = frozenset({"the", "a", "an", "its", "their", "his", "her"})
_SPELLINGS = [
    (re.compile(pattern), put)
    for pattern, put in [
        (r"[\u2018\u2019\u02bc`]", "'"),
        (r"[\u2010-\u2015\u2212]", "-"),
        (r"\bcan't\b|\bcannot\b", "can not"),
        # "isn't there AF?" asks what "is there AF?" asks; "there isn't" denies
        (
            r"(^|[?!.,;:]\s*|\b(?:and|or|but|so|why|if)\s+)(is|are|was|were|do|does|did|has|have|had"
            r"|could|would|should)n't\b",
            r"\1\2",
        ),
        (r"n't\b", " not"),
        (r"'s\b|s'(?=\s)", ""),
        (r"\bnon[\s-]?(?=specific|diagnostic)", "non "),
        (r"\bunspecific\b", "non specific"),
        (r"ischaem", "ischem"),
        (r"artefact", "artifact"),
        (r"\b(normal|repolar|stabil)is", r"\1iz"),
        (r"\b(ekg|electrocardiogram)\b", "ecg"),
        (r"\bv([1-6])\s*(?:-|to|through|until|thru)\s*v?([1-6])\b", None),
        (r"\b(how long\b[^?.]*?)\s+lasts?(?=\W*$)", r"\1"),
        (r">=|\u2265", " at least "),
        (r"<=|\u2264", " at most "),
        (r">", " above "),
        (r"<", " below "),
    ]
]
_WORD = re.compile(r"\d+(?:\.\d+)?(?![a-z\d])|[a-z\d]+|[,;:.?!]")


def fold(text: str) -> str:
    """Return the text in lower case, without accents and with one spelling for each word."""
    plain = unicodedata.normalize("NFKD", text.lower())
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    for pattern, put in _SPELLINGS:
        plain = pattern.sub(_all_between if put is None else put, plain)
    return plain


def _all_between(match: re.Match[str]) -> str:
    first, last = sorted((int(match[1]), int(match[2])))
    return " ".join(f"v{n}" for n in range(first, last + 1))


def singular(word: str) -> str:
    """Return a word without the s of its plural.

    Examples
    --------
    >>> singular("waves"), singular("sinus"), singular("diagnosis")
    ('wave', 'sinus', 'diagnosis')
    """
    if len(word) > 3 and word.endswith("s") and word[-2] not in "sui":
        return word[:-3] + "y" if word.endswith("ies") else word[:-1]
    return word


def words_of(text: str, *, punctuation: bool = False) -> tuple[str, ...]:
    """Split a text into comparable words.

    Parameters
    ----------
    text
        Any text.
    punctuation
        Whether signs between clauses are kept as words of their own.

    Returns
    -------
    The words.

    Examples
    --------
    >>> words_of("Are the T-waves in V1-V3 inverted?")
    ('are', 't', 'wave', 'in', 'v1', 'v2', 'v3', 'inverted')
    """
    found = (w for w in _WORD.findall(fold(text)) if w not in _ARTICLES)
    return tuple(singular(w) for w in found if punctuation or w[0].isalnum())
