# SPDX-License-Identifier: Apache-2.0
"""What stands where in a question: terms, leads, numbers and cues, longest wording first."""

from __future__ import annotations

from dataclasses import dataclass

from precordia.questions.cues import cue_index
from precordia.questions.lead_words import lead_at
from precordia.questions.vocabulary import Term, longest_at, term_index, term_named
from precordia.questions.words import words_of

#: what a lone word means beside others of its kind: "left or right axis deviation"
_ELLIPSES = {
    "axis": {
        "left": "left axis deviation",
        "right": "right axis deviation",
        "extreme": "extreme axis deviation",
        "extremely": "extreme axis deviation",
        "leftward": "left axis deviation",
        "rightward": "right axis deviation",
        "normal": "normal heart axis",
    },
    "stage": {
        "early": "early stage of myocardial infarction",
        "acute": "early stage of myocardial infarction",
        "middle": "middle stage of myocardial infarction",
        "subacute": "middle stage of myocardial infarction",
        "old": "old stage of myocardial infarction",
        "late": "old stage of myocardial infarction",
    },
    "ectopy": {
        "ventricular": "ventricular extrasystoles",
        "supraventricular": "supraventricular extrasystoles",
    },
}


@dataclass(frozen=True, slots=True)
class Mark:
    """Something understood at one place: a term, leads, a number or a cue."""

    place: int
    kind: str
    word: str
    term: Term | None = None
    leads: tuple[str, ...] = ()
    number: float = float("nan")


@dataclass(frozen=True, slots=True)
class Marked:
    """A question with everything that was understood in it."""

    words: tuple[str, ...]
    marks: tuple[Mark, ...]
    unknown: tuple[str, ...]

    @property
    def terms(self) -> list[Term]:
        """Terms in order, each once."""
        return list({m.term.name: m.term for m in self.marks if m.term is not None}.values())

    @property
    def leads(self) -> tuple[str, ...]:
        """Leads in order, each once."""
        return tuple(dict.fromkeys(lead for m in self.marks for lead in m.leads))

    @property
    def cues(self) -> frozenset[str]:
        """All cues."""
        return frozenset(m.kind for m in self.marks)

    def of(self, *kinds: str) -> list[Mark]:
        """Return the marks of some kinds, in order."""
        return [m for m in self.marks if m.kind in kinds]


def mark(text: str) -> Marked:
    """Find the terms, leads, numbers and cues of a question.

    Parameters
    ----------
    text
        The question.

    Returns
    -------
    What was understood, and the words that were not.

    Examples
    --------
    >>> found = mark("Is there atrial fibrillation in lead II?")
    >>> [t.name for t in found.terms], found.leads
    (['atrial fibrillation'], ('II',))
    """
    words = words_of(text, punctuation=True)
    marks: list[Mark] = []
    unknown: list[str] = []
    place = 0
    while place < len(words):
        term, cue = longest_at(words, place, term_index()), longest_at(words, place, cue_index())
        lead_before = bool(marks) and bool(marks[-1].leads) and marks[-1].place >= place - 2
        lead = lead_at(words, place, known_before=lead_before)
        size = 1
        if term is not None and (cue is None or term[1] >= cue[1]):
            marks.append(Mark(place, "term", words[place], term=term[0]))  # type: ignore[arg-type]
            size = term[1]
        elif lead is not None:
            marks.append(Mark(place, "leads", words[place], leads=lead[0]))
            size = lead[1]
        elif cue is not None:
            marks.append(Mark(place, str(cue[0]), " ".join(words[place : place + cue[1]])))
            size = cue[1]
        elif words[place][0].isdigit() and words[place].replace(".", "", 1).isdigit():
            marks.append(Mark(place, "number", words[place], number=float(words[place])))
        else:
            unknown.append(words[place])
            marks.append(Mark(place, "other", words[place]))
        place += size
    return Marked(words, tuple(_with_ellipses(marks)), tuple(unknown))


def _with_ellipses(marks: list[Mark]) -> list[Mark]:
    """Read a lone word as what it is short for, where its kind is spoken of."""
    spoken = {m.term.kind for m in marks if m.term} | {m.kind for m in marks}
    meant = {}
    for kind, words in _ELLIPSES.items():
        if kind in spoken:
            meant |= words
    if "axis" in spoken and not {"previous", "first", "second"} & spoken:
        meant["normal"] = "normal heart axis"
    else:
        meant.pop("normal", None)
    return [
        Mark(m.place, "term", m.word, term=term_named(meant[m.word]))
        if m.kind in ("other", "normal") and m.word in meant
        else m
        for m in marks
    ]
