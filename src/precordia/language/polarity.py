# SPDX-License-Identifier: Apache-2.0
"""Which of the things that a sentence names it says are there, and which it says are not."""

from __future__ import annotations

from dataclasses import dataclass, field

from precordia.language.sentence_marks import SAYING, Mark

#: with one of these a part is a clause of its own, and no more of a list
_OWN = frozenset(["verb", "measure", "number", "range"])
_NEGATORS = frozenset(["before", "not", "after"])


class UnclearError(ValueError):
    """A sentence can be read in more than one way, or says what cannot be checked."""


@dataclass(slots=True)
class Segment:
    """A part of a sentence within which a negation holds.

    Attributes
    ----------
    marks
        What it is made of.
    separators
        What stands between its parts, in order: ``","`` or ``"join"``.
    """

    marks: list[Mark] = field(default_factory=list)
    separators: list[str] = field(default_factory=list)

    def of(self, *kinds: str) -> list[Mark]:
        """Return its marks of some kinds, in order."""
        return [m for m in self.marks if m.kind in kinds]


def segments_of(marks: list[Mark]) -> list[Segment]:
    """Divide a sentence into the parts within which a negation holds.

    Parameters
    ----------
    marks
        Of the sentence.

    Returns
    -------
    The parts, in order.

    Notes
    -----
    Signs but the comma, words such as "but", and words such as "no" begin a new part. A comma or
    an "and" begins one where what follows has a verb, a measure or a number of its own; else what
    follows goes on with the list before.

    Examples
    --------
    >>> from precordia.language.sentence_marks import marks_of
    >>> [[m.said for m in s.marks] for s in segments_of(marks_of("No AF or LBBB, but a wide QRS"))]
    [['no', 'af', 'lbbb'], ['a', 'wide', 'qrs']]
    """
    pieces: list[tuple[str, list[Mark]]] = [("hard", [])]
    for mark in marks:
        if (mark.kind == "stop" and mark.said != ",") or mark.kind == "apart":
            pieces.append(("hard", []))
        elif mark.kind == "before":
            pieces.append(("hard", [mark]))
        elif mark.kind == "join" or mark.kind == "stop":
            kind = "join" if mark.kind == "join" else ","
            last, held = pieces[-1]
            if not held and last in (",", "join"):  # ", and" is one join
                pieces[-1] = ("join" if "join" in (kind, last) else ",", held)
            else:
                pieces.append((kind, []))
        else:
            pieces[-1][1].append(mark)
    segments: list[Segment] = []
    for separator, held in pieces:
        if not held:
            continue
        own = separator == "hard" or any(m.kind in _OWN for m in held)
        if own or not segments:
            segments.append(Segment(list(held)))
        else:
            segments[-1].marks += held
            segments[-1].separators.append(separator)
    return segments


def negated_marks(segment: Segment) -> set[int]:
    """Return the places of those marks that a part of a sentence says are not so.

    Parameters
    ----------
    segment
        The part.

    Returns
    -------
    Where the negated marks stand.

    Raises
    ------
    UnclearError
        If the part can be read in several ways.

    Notes
    -----
    "no" and "without" hold for all that follows in the part; "absent" and "ruled out" for what
    stands before; "not" for what comes next, or what came before where nothing comes. Two
    negations in one part, a "not" between two statements, and a list without an "and" are unclear:
    a sentence that a reader may take in the wrong way is not kept.

    Examples
    --------
    >>> from precordia.language.sentence_marks import marks_of
    >>> marks = marks_of("neither AF nor LBBB is seen")
    >>> [sorted(negated_marks(s)) for s in segments_of(marks)]
    [[8], [15]]
    """
    negators = segment.of(*_NEGATORS)
    if not negators:
        return set()
    if len(negators) > 1:
        raise UnclearError(f"'{negators[0].said}' and '{negators[1].said}' in one clause")
    negator = negators[0]
    said = [m for m in segment.marks if m.kind in SAYING]
    after = [m for m in said if m.start > negator.start]
    before = [m for m in said if m.start < negator.start]
    if negator.kind == "before":
        reached = after
        if before:
            raise UnclearError(f"what '{negator.said}' belongs to is not clear")
    elif negator.kind == "not":
        if before and after:
            raise UnclearError(f"what '{negator.said}' belongs to is not clear")
        reached = after or before
    else:
        if after:
            raise UnclearError(f"what '{negator.said}' belongs to is not clear")
        reached = before
        if len(reached) > 1 and not segment.of("verb"):
            raise UnclearError(f"what '{negator.said}' belongs to is not clear")
    if not reached:
        raise UnclearError(f"what '{negator.said}' is said of is not understood")
    if len(reached) > 1 and "," in segment.separators and segment.separators[-1] != "join":
        raise UnclearError(f"how far '{negator.said}' reaches is not clear")
    return {m.start for m in reached}
