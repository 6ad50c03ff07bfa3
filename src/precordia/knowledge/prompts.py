# SPDX-License-Identifier: Apache-2.0
"""Texts that stand for a statement where a model compares recordings with words."""

from __future__ import annotations

from typing import Literal, get_args

from precordia.core.errors import unknown_name
from precordia.knowledge.lexicon import Entry, find_entry

Style = Literal["name", "synonyms", "signs", "plain", "cases", "knowledge"]
STYLES: tuple[str, ...] = get_args(Style)
#: as many synonyms stand in one text
_MOST_SYNONYMS = 3


def prompts_for(code: str, style: Style = "signs") -> tuple[str, ...]:
    """Return texts for a statement, to be encoded and compared with recordings.

    Parameters
    ----------
    code
        Code of a statement, of a SNOMED CT class, of a superclass or of a group.
    style
        ``"name"``: its name alone. ``"synonyms"``: the name, then each synonym on its own.
        ``"signs"``: the name with synonyms, what is seen, and the leads. ``"plain"``: the phrase
        for people who know no cardiology. ``"cases"``: the name of each statement that is a case of
        it; of a statement itself, as ``"synonyms"``. ``"knowledge"``: the name and the synonyms of
        it and of each of its cases.

    Returns
    -------
    One text or several; where several, their embeddings are meant to be averaged.

    Raises
    ------
    UnknownNameError
        If nothing has that code, or there is no such style.

    Notes
    -----
    The idea, names enriched with what is known of each, is that of MERL's knowledge-enhanced
    prompts. Departure: theirs were written by a language model and checked against ontologies;
    these are made from ``lexicon.toml``, whose every entry names its source.

    References
    ----------
    Liu C et al. Zero-shot ECG classification with multimodal learning and test-time clinical
    knowledge enhancement. ICML 2024. arXiv:2403.06659

    Examples
    --------
    >>> prompts_for("AFLT", "name")
    ('suspected atrial flutter',)
    >>> prompts_for("1AVB")[0].split("; ")[-2:]
    ['PR interval above 200 ms before every QRS', 'in leads II, V1']
    """
    if style not in STYLES:
        raise unknown_name("style of prompts", style, STYLES, listing="'name', 'signs', ...")
    entry = find_entry(code)
    if style == "name":
        return (entry.name,)
    if style == "plain":
        return (entry.plain,)
    if style == "synonyms":
        return tuple(dict.fromkeys((entry.name, *entry.synonyms)))
    if style in ("cases", "knowledge"):
        return _with_cases(entry, every_name=style == "knowledge")
    synonyms = ", ".join(entry.synonyms[:_MOST_SYNONYMS])
    parts = [entry.name, synonyms, entry.seen]
    # Twelve leads tell as much as none.
    if 0 < len(entry.leads) <= 6:
        parts.append(f"in leads {', '.join(entry.leads)}")
    return ("; ".join(part for part in parts if part),)


def _with_cases(entry: Entry, *, every_name: bool) -> tuple[str, ...]:
    """Return the names of what is a case of an entry, which is itself where it covers nothing."""
    cases = [find_entry(code) for code in entry.covers]
    if cases and not every_name:
        return tuple(dict.fromkeys(case.name for case in cases))
    every = (name for held in (entry, *cases) for name in (held.name, *held.synonyms))
    return tuple(dict.fromkeys(every))
