# SPDX-License-Identifier: Apache-2.0
"""What somebody asks for in words: a statement that is known, other words, or nothing to judge."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from precordia.core.errors import OptionError
from precordia.embedding.text_pieces import LONGEST_TEXT, content_words
from precordia.embedding.text_vectors import TextEncoder
from precordia.knowledge.lookup import find_statements

#: more texts at once are no question about one recording
MOST_TEXTS = 1000
_NEGATIONS = re.compile(
    r"\b(no|not|non|never|without|absence|absent|denies|denied|excluded|rule out|"
    r"ruled out|isn't|aren't|doesn't|neither|nor|kein|keine|keinen|keiner|keinem|nicht|ohne|"
    r"fehlt|fehlend\w*|ausgeschlossen)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One text and what it asks for.

    Attributes
    ----------
    text
        As it arrived, without blanks around it.
    code
        The statement, class or superclass that it names; empty for other words.
    reason
        Why it cannot be judged; empty where it can.
    """

    text: str
    code: str = ""
    reason: str = ""


def read_asked(statements: Sequence[str], encoder: TextEncoder) -> tuple[Asked, ...]:
    """Say what each text asks for.

    Parameters
    ----------
    statements
        The texts.
    encoder
        Knows which words it has learned from.

    Returns
    -------
    One for each text; a text that comes twice, once.

    Raises
    ------
    OptionError
        If there is no text, more than 1,000, or something that is none.

    Notes
    -----
    A text that as a whole names one statement, in whatever spelling the lexicon knows, is that
    statement. Other words are compared as they are if at least half of those that carry a meaning
    occur in what the model learned from. What denies something is not compared: vectors of words
    hardly tell a thing from its absence.
    """
    if isinstance(statements, str):
        statements = [statements]
    texts = list(statements)
    if not texts:
        raise OptionError("no statement was named; at least one text is needed.")
    if len(texts) > MOST_TEXTS:
        raise OptionError(
            f"{len(texts)} statements arrived; at most {MOST_TEXTS} are judged at once. Ask for "
            "fewer at a time."
        )
    for text in texts:
        if not isinstance(text, str):
            raise OptionError(
                f"a {type(text).__name__} arrived among the statements; words are needed. Give "
                "texts such as 'inferior infarction'."
            )
    each = dict.fromkeys(text.strip() for text in texts)
    return tuple(_read(text, encoder) for text in each)


def _read(text: str, encoder: TextEncoder) -> Asked:
    if not text:
        return Asked(text=text, reason="the text is empty; words are needed")
    if len(text) > LONGEST_TEXT:
        reason = f"the text has {len(text)} characters; one statement of at most {LONGEST_TEXT} is"
        return Asked(text=f"{text[:60]}...", reason=f"{reason} needed")
    if code := _named(text):
        return Asked(text=text, code=code)
    if denied := _NEGATIONS.search(text):
        return Asked(
            text=text,
            reason=f"'{denied[0]}' denies something; ask for the thing itself and read a low "
            "probability as its absence",
        )
    words, known = content_words(text), encoder.knows(text)
    if 2 * len(known) < max(len(words), 1) or not known:
        said = f"only {', '.join(map(repr, known))}" if known else "none"
        reason = f"of its words {said} occurs in what the model learned from; other words are"
        return Asked(text=text, reason=f"{reason} needed")
    return Asked(text=text)


def _named(text: str) -> str:
    """Return the code that a text names as a whole; of several, the one that covers all others.

    A code counts before an abbreviation; of several ways of matching, the surest counts alone.
    """
    found = [m for m in find_statements(text) if m.said == text and "part" not in m.how]
    if not found:
        return ""
    found = [m for m in found if m.code == text] or [m for m in found if m.how == found[0].how]
    widest = max(found, key=lambda match: len(match.statements))
    covered = {code for match in found for code in match.statements}
    return widest.code if covered <= set(widest.statements) or len(found) == 1 else ""
