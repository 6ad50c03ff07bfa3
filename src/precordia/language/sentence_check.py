# SPDX-License-Identifier: Apache-2.0
"""Check one sentence: everything that it says must be understood and be true of the study."""

from __future__ import annotations

from collections.abc import Iterator

from precordia.core.claims import FOUND, NOT_FOUND, Claim, Of, statement_claim
from precordia.language.known_study import KnownStudy
from precordia.language.number_binding import (
    BARE_NORMAL,
    is_quiet,
    measure_of,
    relation_of,
    signed_level,
)
from precordia.language.number_check import (
    OPPOSITE,
    RELATIONS,
    change_claims,
    number_claims,
    range_claims,
    state_claims,
)
from precordia.language.polarity import Segment, UnclearError, negated_marks, segments_of
from precordia.language.said_numbers import SaidNumber
from precordia.language.sentence_marks import SAYING, Mark, marks_of
from precordia.language.statement_check import (
    Leads,
    acceptable_claims,
    quality_claims,
    sex_claims,
    statement_claims,
)

_NUMBERS = ("number", "range")
_STATES = ("above", "within", "below")
_CHANGES = ("grown", "shrunk")
_COURSES = ("new", "gone", "still")
_NOW = frozenset({"now", "currently", "current", "today", "jetzt", "aktuell", "heute"})
_WHOLE = frozenset(
    {"ecg", "ekg", "electrocardiogram", "recording", "tracing", "elektrokardiogramm"}
)


def claims_of_sentence(sentence: str, known: KnownStudy) -> tuple[Claim, ...]:
    """Return the claims that a sentence makes, all of them true.

    Parameters
    ----------
    sentence
        One sentence.
    known
        The study that it speaks of, and the language of the sentence.

    Returns
    -------
    At least one claim.

    Raises
    ------
    UnclearError
        If a word is not understood, the sentence can be read in several ways, it says nothing of
        the recording, or anything that it says is not true or cannot be told.

    Examples
    --------
    >>> from precordia.pipeline import examine
    >>> from precordia.generation.simulate import simulate
    >>> known = KnownStudy(examine(simulate(heart_rate_bpm=75, seed=1)))
    >>> [str(c) for c in claims_of_sentence("The rate is seventy-five bpm, without AF.", known)]
    ['AFIB not found', 'heart rate 75 bpm']
    >>> claims_of_sentence("The heart rate is 120 bpm.", known)
    Traceback (most recent call last):
    precordia.language.polarity.UnclearError: heart rate is not 120 bpm
    """
    marks = _with_norms(marks_of(sentence, known.language))
    for mark in marks:
        if mark.kind == "unknown":
            raise UnclearError(f"'{mark.said}' is nothing that can be checked")
        if mark.said == "?":
            raise UnclearError("it asks, and says nothing")
    if known.previous is None and any(m.kind in (*_COURSES, *_CHANGES, "previous") for m in marks):
        raise UnclearError("no earlier recording was given")
    segments = segments_of(marks)
    negated = {place for segment in segments for place in negated_marks(segment)}
    leads, owners = _leads_of(segments)
    bound: set[int] = set(owners)
    claims: list[Claim] = []
    times = _times(segments)
    for place, segment in enumerate(segments):
        claims += _of_segment(segment, times[place], known, negated, leads)
    when: dict[int, Of] = {
        m.start: times[k] for k, segment in enumerate(segments) for m in segment.marks
    }
    for claim_set, used in _of_numbers(marks, when, known, negated, leads):
        claims += claim_set
        bound |= used
    for mark in marks:
        if mark.kind in ("measure", "lead", *_STATES, *_CHANGES) and mark.start not in bound:
            raise UnclearError(f"what is said of '{mark.said}' is not understood")
    if not claims:
        raise UnclearError("it says nothing of the recording that can be checked")
    return tuple(claims)


def _with_norms(marks: list[Mark]) -> list[Mark]:
    """Read "normal" before a number as a word about limits: "(normal 120-200 ms)"."""
    found: list[Mark] = []
    for place, mark in enumerate(marks):
        after = next((m for m in marks[place + 1 :] if not is_quiet(m)), None)
        limits = after is not None and after.kind in (*_NUMBERS, *RELATIONS, "norm")
        if mark.kind == "within" and mark.said in BARE_NORMAL and limits:
            found.append(Mark("norm", mark.said, mark.start))
        else:
            found.append(mark)
    return found


def _times(segments: list[Segment]) -> dict[int, Of]:
    """Return of which recording each part of a sentence speaks, by the part's place.

    "In the earlier recording, ..." holds for all that follows. After "previously AF" a further
    part must say that it speaks of now.
    """
    times: dict[int, Of] = {}
    opened, named = False, False
    for place, segment in enumerate(segments):
        says = any(m.kind in (*SAYING, "measure") for m in segment.marks)
        now = any(m.kind == "plain" and m.said in _NOW for m in segment.marks)
        if segment.of("previous"):
            times[place] = "previous"
            opened, named = opened or not says, says
        elif now or not (opened or named):
            times[place] = "study"
            opened, named = (False, False) if now else (opened, named)
        elif named and says and not opened:
            raise UnclearError("of which recording each part speaks is not clear")
        else:
            times[place] = "previous"
    return times


def _leads_of(segments: list[Segment]) -> tuple[dict[int, Leads], set[int]]:
    """Return the leads that each thing is said of, and the places of leads that were given away."""
    leads: dict[int, Leads] = {}
    given: set[int] = set()
    for segment in segments:
        takers = segment.of("statement", "quality", *_NUMBERS)
        for mark in segment.of("lead"):
            before = [m for m in takers if m.start < mark.start]
            after = [m for m in takers if m.start > mark.start]
            taker = before[-1] if before else after[0] if after else None
            if taker is None:
                continue
            given.add(mark.start)
            names, which = mark.value
            held = leads.get(taker.start)
            if held is not None and held[1] != which:
                raise UnclearError("single leads and regions are named together")
            leads[taker.start] = ((*(held[0] if held else ()), *names), which)
    return leads, given


def _of_segment(
    segment: Segment, of: Of, known: KnownStudy, negated: set[int], leads: dict[int, Leads]
) -> Iterator[Claim]:
    """Yield the claims of statements, of the signal's quality and of the patient."""
    course = segment.of(*_COURSES)
    statements = segment.of("statement")
    if course and (not statements or len(course) > 1 or of == "previous"):
        raise UnclearError(f"what '{course[0].said}' is said of is not understood")
    doubted = segment.of("doubt")
    if doubted and (not statements or any(m.start in negated for m in statements)):
        raise UnclearError(f"what '{doubted[0].said}' is said of is not understood")
    for mark in statements:
        where, denied = leads.get(mark.start), mark.start in negated
        if course:
            if denied:
                raise UnclearError(f"'{course[0].said}' is denied, which can mean two things")
            now, then = {"new": (False, True), "gone": (True, False), "still": (False, False)}[
                course[0].kind
            ]
            yield from statement_claims(
                mark.value, known, negated=now, leads=where, suspected=bool(doubted)
            )
            yield from statement_claims(
                mark.value, known, negated=then, leads=where, of="previous", suspected=bool(doubted)
            )
        else:
            yield from statement_claims(
                mark.value, known, negated=denied, leads=where, of=of, suspected=bool(doubted)
            )
    for mark in segment.of("quality"):
        denied, where = mark.start in negated, leads.get(mark.start)
        yield from quality_claims(mark.value, known, negated=denied, leads=where, of=of)
    for mark in segment.of("good"):
        yield from acceptable_claims(known, negated=mark.start in negated, of=of)
    for mark in segment.of("sex"):
        if mark.start in negated:
            raise UnclearError(f"'{mark.said}' is denied")
        yield from sex_claims(mark.value, known)


def _of_numbers(
    marks: list[Mark],
    when: dict[int, Of],
    known: KnownStudy,
    negated: set[int],
    leads: dict[int, Leads],
) -> Iterator[tuple[tuple[Claim, ...], set[int]]]:
    """Yield the claims of numbers, and the places of what was used up by them."""
    taken: set[int] = set()
    for place, mark in enumerate(marks):
        of = when.get(mark.start, "study")
        if mark.kind in _STATES and _is_of_ecg(marks, place):
            relation = NOT_FOUND if mark.start in negated else FOUND
            yield _normal(statement_claim("NORM", relation, of=of), known), {mark.start}
        elif mark.kind in _STATES:
            for measure in _measures_of_state(marks, place, taken):
                taken.add(measure.start)
                denied = mark.start in negated
                claims = state_claims(measure.value, mark.kind, known, negated=denied, of=of)
                yield claims, {mark.start, measure.start}
        elif mark.kind == "good":
            yield (), {m.start for m in marks if m.value == "quality:acceptable"}
        elif mark.kind in _CHANGES:
            yield _change(marks, place, known, taken)
        elif mark.kind in _NUMBERS and mark.start not in taken:
            denied = mark.start in negated
            yield _number(marks, place, known, leads.get(mark.start), denied, of, taken)


def _is_of_ecg(marks: list[Mark], place: int) -> bool:
    """Tell whether "normal" is said of the whole ECG."""
    named = any(m.kind == "measure" for m in marks)
    ecg = any(m.kind == "plain" and m.said in _WHOLE for m in marks[:place])
    return marks[place].said in BARE_NORMAL and ecg and not named


def _normal(claim: Claim, known: KnownStudy) -> tuple[Claim, ...]:
    if not known.holds(claim):
        raise UnclearError(f"a normal ECG is not {claim.relation}")
    return (claim,)


def _measures_of_state(marks: list[Mark], place: int, taken: set[int]) -> list[Mark]:
    """Return what a word such as "prolonged" is said of: all that was named and is still open."""
    before = [m for m in marks[:place] if m.kind == "measure"]
    last = max(
        (m.start for m in marks[:place] if m.kind in ("stop",) and m.said != ","), default=-1
    )
    open_before = [m for m in before if m.start not in taken and m.start > last]
    if open_before:
        return open_before
    following = []
    for mark in marks[place + 1 :]:
        if mark.kind == "measure":
            following.append(mark)
        elif mark.kind not in ("plain", "join") and not (mark.kind == "stop" and mark.said == ","):
            break
    if following:
        return following
    if before and before[-1].start > last:
        return [before[-1]]
    raise UnclearError(f"what '{marks[place].said}' is said of is not understood")


def _number(
    marks: list[Mark],
    place: int,
    known: KnownStudy,
    leads: Leads | None,
    denied: bool,
    of: Of,
    taken: set[int],
) -> tuple[tuple[Claim, ...], set[int]]:
    mark = marks[place]
    said: SaidNumber = mark.value[1] if mark.kind == "range" else mark.value
    relation, spoken_of = relation_of(marks, place)
    if denied:
        if not relation or mark.kind == "range":
            raise UnclearError(f"'{mark.said}' is denied")
        relation = OPPOSITE[relation]
    measure, used = measure_of(marks, place, said, taken)
    taken |= used
    names = leads[0] if leads is not None else ("",)
    if leads is not None and leads[1] != "all":
        raise UnclearError(f"of which lead '{mark.said}' is said is not clear")
    if measure == "st_j_mv" and not said.signed and not relation and not used:
        said = signed_level(marks, said)
    claims: list[Claim] = []
    for lead in names:
        if mark.kind == "range":
            low, high = mark.value
            claims += range_claims(measure, low, high, known, spoken_of=spoken_of, lead=lead, of=of)
        else:
            claims += number_claims(
                measure, said, known, relation=relation, spoken_of=spoken_of, lead=lead, of=of
            )
    return tuple(claims), {mark.start, *used}


def _change(
    marks: list[Mark], place: int, known: KnownStudy, taken: set[int]
) -> tuple[tuple[Claim, ...], set[int]]:
    """Return the claims of a number that is said to have grown or shrunk."""
    mark = marks[place]
    measures = [m for m in marks[:place] if m.kind == "measure"] or [
        m for m in marks[place:] if m.kind == "measure"
    ]
    if not measures:
        raise UnclearError(f"what '{mark.said}' is said of is not understood")
    measure = measures[-1] if measures[-1].start < mark.start else measures[0]
    grown = mark.kind == "grown"
    used = {mark.start, measure.start}
    follows = next((m for m in marks[place + 1 :] if m.kind != "plain"), None)
    claims: tuple[Claim, ...]
    if follows is not None and follows.kind == "range":
        low, high = follows.value
        claims = change_claims(measure.value, grown, known)
        claims += number_claims(measure.value, low, known, of="previous")
        claims += number_claims(measure.value, high, known)
        used.add(follows.start)
    elif follows is not None and follows.kind == "number":
        between = {m.said for m in marks[place + 1 : marks.index(follows)]}
        if not between & {"by", "um"} and not mark.said.endswith(" um"):
            raise UnclearError(f"'{mark.said} {follows.said}' can mean two things")
        claims = change_claims(measure.value, grown, known, follows.value)
        used.add(follows.start)
    else:
        claims = change_claims(measure.value, grown, known)
    taken |= used
    return claims, used
