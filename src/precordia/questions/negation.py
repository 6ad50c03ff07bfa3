# SPDX-License-Identifier: Apache-2.0
"""What a question denies: all of it, nothing, or single things that it names."""

from __future__ import annotations

from precordia.questions.marks import Mark, Marked

#: a negation before one of these denies the whole clause ("it is not true that")
_WHOLE = frozenset({"true", "case", "correct", "right"})
#: words that stand after what they deny ("is AF absent?")
_AFTER = frozenset({"absent", "missing", "lacking"})
#: words after which a negation holds no longer ("no AF but flutter")
_ENDS = frozenset({"but", "although", "though", "while", "whereas", "yet", "however", "with"})


def _denials(marked: Marked) -> list[Mark]:
    """Return negations of what is asked; "without uncertain diagnoses" denies nothing."""
    places = {m.place for m in marked.of("uncertain")}
    return [
        m for m in marked.of("not", "neither") if not places & set(range(m.place + 1, m.place + 4))
    ]


def is_negated(marked: Marked) -> bool:
    """Tell whether a yes would mean that it is not there; two negations make none.

    Examples
    --------
    >>> from precordia.questions.marks import mark
    >>> is_negated(mark("Is there no AF?")), is_negated(mark("Is it not true that there is no AF?"))
    (True, False)
    """
    return sum(m.kind == "not" for m in _denials(marked)) % 2 == 1


def denied_names(marked: Marked, names: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
    """Return which of several things are asked to be absent, and whether the whole is denied.

    Parameters
    ----------
    marked
        The question, marked.
    names
        What is named.

    Returns
    -------
    The names that are asked to be absent, and whether "not true" stands before all of it.

    Examples
    --------
    >>> from precordia.questions.marks import mark
    >>> denied_names(mark("Is there AF without LVH?"), ("atrial fibrillation", "lvh"))
    (('left ventricular hypertrophy',), False)
    """
    denying = whole = fresh = False
    seen: list[str] = []
    denied: list[str] = []
    denials = _denials(marked)
    for m in marked.marks:
        if m in denials:
            ahead = set(marked.words[m.place + 1 : m.place + 3])
            if ahead & _WHOLE:
                whole = not whole
            elif m.word in _AFTER and seen:
                denied = list(seen)
            else:
                denying, fresh = not (denying and fresh), True
        elif m.word in _ENDS:
            denying = False
        elif m.term is not None:
            seen.append(m.term.name)
            denied += [m.term.name] if denying else []
            fresh = False
    asked = set(names) | {t.name for t in marked.terms if t.is_statement}
    return tuple(dict.fromkeys(n for n in denied if n in asked)), whole
