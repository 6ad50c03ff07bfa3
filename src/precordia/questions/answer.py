# SPDX-License-Identifier: Apache-2.0
"""Answer a question about a recording, with the evidence, or say that it cannot be told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from precordia.core.claims import Claim
from precordia.core.quality import QualityReason
from precordia.core.study import DISCLAIMER, Study
from precordia.core.value import Value
from precordia.core.verify import same_patient
from precordia.questions.evaluate import Outcome, evaluate
from precordia.questions.evidence import claims_for, main_claims
from precordia.questions.facts import Facts
from precordia.questions.free import answer_changes, answer_number, answer_quality
from precordia.questions.limits import Limits
from precordia.questions.misspelled import put_right
from precordia.questions.numbers import Numbers
from precordia.questions.parse import parse_question
from precordia.questions.query import Query, Unclear
from precordia.questions.split import LONGEST, foreign_language, split_question
from precordia.questions.study_facts import facts_of_numbers

INSTRUCTED = "What to answer was told in the question; answers come from the recording alone."
ANOTHER_PATIENT = (
    "The earlier recording is of another patient, as far as the files say: this compares two "
    "people, not one person's course."
)
MISPLACED = "What is said of single leads may be of others: the leads do not fit together"
BACKWARDS = (
    "The recording may run backwards: what is said of times before and after the QRS complexes may "
    "be of the other."
)
_EXCHANGED = (
    QualityReason.LEAD_REVERSAL,
    QualityReason.LEAD_SWAP,
    QualityReason.LEADS_INCONSISTENT,
)
_SHOWN = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Value):
    """An answer, what it rests on, or why there is none.

    Attributes
    ----------
    question
        What was asked.
    answers
        ``"yes"``, ``"no"``, ``"not sure"``, ``"none"``, names, leads, ranges or numbers; empty
        where nothing can be told. Of several questions: all answers, in order.
    evidence
        Claims that the answer rests on; where there is none, the main facts of the recording.
    abstained
        Whether nothing could be told.
    why
        Sentences: what could not be told, and what has to be known.
    query
        How the question was understood; None where it was not, or where there are several.
    parts
        One answer for each question where the text holds several.

    Examples
    --------
    >>> print(Answer(question="Is the QRS wide", answers=("no",)))
    no
    Research software. Not a medical device; not for diagnosis or treatment.
    """

    question: str
    answers: tuple[str, ...] = ()
    evidence: tuple[Claim, ...] = ()
    abstained: bool = False
    why: str = ""
    query: Query | None = None
    parts: tuple[Answer, ...] = ()

    def __repr__(self) -> str:
        said = ", ".join(self.answers) or "cannot be told"
        return f"Answer({self.question!r}: {said}, {len(self.evidence)} facts)"

    def __str__(self) -> str:
        if self.parts:
            lines = [f"{part.question}?\n{_body(part)}" for part in self.parts]
            return "\n".join([*lines, *([self.why] if self.why else []), DISCLAIMER])
        return f"{_body(self)}\n{DISCLAIMER}"


def _body(answer: Answer) -> str:
    lines = [", ".join(answer.answers) if answer.answers else "cannot be told"]
    if answer.why:
        lines.append(f"  {answer.why}")
    shown = answer.evidence[:_SHOWN]
    if shown and answer.abstained:
        lines.append("  what can be said of the recording:")
    lines += [f"  {claim}" for claim in shown]
    if len(answer.evidence) > _SHOWN:
        more = len(answer.evidence) - _SHOWN
        lines.append(f"  and {more} more fact{'s' if more > 1 else ''} (--json)")
    return "\n".join(lines)


def answer(
    study: Study,
    question: str,
    previous: Study | None = None,
    *,
    limits: Limits | None = None,
) -> Answer:
    """Answer a question about a recording from its findings, measurements and quality.

    Parameters
    ----------
    study
        The recording, examined.
    question
        One question or several, in English.
    previous
        An earlier recording of the patient, or the first of two to be compared.
    limits
        Normal limits of the intervals; usual ones of adults where none are given.

    Returns
    -------
    The answer with its evidence. A question that is empty, not understood, not English, or that
    cannot be told from the recording gives no answers, ``abstained`` and a sentence, with the main
    facts of the recording as evidence.

    Notes
    -----
    Method: the question becomes a query by rules (`parse_question`), and the query is evaluated
    over sets of facts (`evaluate`). No language model is asked and nothing is learned, so the same
    question on the same study always has the same answer.

    References
    ----------
    Oh J et al. ECG-QA. NeurIPS 2023. doi:10.48550/arXiv.2306.15681

    Examples
    --------
    >>> from precordia.generation.simulate import simulate
    >>> from precordia.pipeline import examine
    >>> study = examine(simulate(heart_rate_bpm=75, seed=1))
    >>> answer(study, "Is the QRS too wide?").answers
    ('no',)
    >>> answer(study, "What is the heart rate?").answers
    ('75 bpm',)
    >>> answer(study, "What will the weather be?").abstained
    True
    """
    limits = limits or Limits()
    if len(question) > LONGEST:
        why = f"The question has {len(question)} characters; at most {LONGEST} are read."
        return _unclear(f"{question[:60]}...", why, study)
    held = split_question(question)
    if not held.questions:
        why = INSTRUCTED if held.instructed else "No question was asked."
        return _unclear(question, why, study)
    seen = _Seen(study, limits)
    then = _Seen(previous, limits) if previous is not None else None
    parts = [_one(part, seen, then, limits) for part in held.questions]
    note = INSTRUCTED if held.instructed else ""
    understood = [part for part in parts if part.query is not None]
    if len(parts) == 1 or not understood:
        only = parts[0]
        return replace(only, question=question, why=" ".join(w for w in (only.why, note) if w))
    return Answer(
        question=question,
        answers=tuple(a for part in parts for a in part.answers),
        evidence=tuple(dict.fromkeys(c for part in understood for c in part.evidence)),
        abstained=all(part.abstained for part in parts),
        why=note,
        parts=tuple(parts),
    )


def _unclear(question: str, why: str, study: Study) -> Answer:
    claims = main_claims(Numbers(study))
    return Answer(question=question, evidence=claims, abstained=True, why=why)


class _Seen:
    """A study with its facts and numbers, each made when first asked for."""

    def __init__(self, study: Study, limits: Limits) -> None:
        self.study, self.limits = study, limits
        self.numbers = Numbers(study)

    @cached_property
    def facts(self) -> Facts:
        return facts_of_numbers(self.numbers, self.limits)


def _one(question: str, now: _Seen, then: _Seen | None, limits: Limits) -> Answer:
    query = parse_question(question)
    language = foreign_language(question)
    if isinstance(query, Unclear) and not language:
        query = parse_question(put_right(question))
    if language:
        why = f"Questions are understood in English alone; this one seems to be in {language}."
        return _unclear(question, why, now.study)
    if isinstance(query, Unclear):
        return _unclear(question, query.why, now.study)
    notes = []
    if (
        query.scope == "consecutive"
        and then is not None
        and same_patient(now.study, then.study) is False
    ):
        notes.append(ANOTHER_PATIENT)
    if query.attribute == "quality":
        outcome, evidence = answer_quality(query, now.numbers)
    elif query.kind == "changes":
        outcome, evidence = answer_changes(
            now.numbers,
            then.numbers if then else None,
            now.facts,
            then.facts if then else None,
        )
    elif query.attribute == "number" or query.kind == "value":
        outcome, evidence = answer_number(query, now.numbers)
    else:
        outcome = evaluate(query, now.facts, then.facts if then else None)
        evidence = _evidence(query, outcome, now, then, limits)
    notes += _about_leads(query, evidence, now.study)
    if QualityReason.TIME_REVERSED in now.study.quality.reasons and query.attribute != "quality":
        notes.append(BACKWARDS)
    if not outcome.answers:
        evidence = evidence or main_claims(now.numbers)
    return Answer(
        question=question,
        answers=outcome.answers,
        evidence=evidence,
        abstained=not outcome.answers,
        why=" ".join([*outcome.whys, *notes]),
        query=query,
    )


def _about_leads(query: Query, evidence: tuple[Claim, ...], study: Study) -> list[str]:
    """Return a warning where single leads were looked at and the leads do not fit together."""
    suspected = [str(r) for r in study.quality.reasons if r in _EXCHANGED]
    single = query.leads or query.asks == "lead" or any(claim.lead for claim in evidence)
    return [f"{MISPLACED} ({', '.join(suspected)})."] if suspected and single else []


def is_warned(answer: Answer) -> bool:
    """Tell whether an answer comes with a warning that leads may be exchanged."""
    return MISPLACED in answer.why


def _evidence(
    query: Query, outcome: Outcome, now: _Seen, then: _Seen | None, limits: Limits
) -> tuple[Claim, ...]:
    claims = claims_for(query, outcome.rests_on, now.numbers, limits)
    if query.scope == "single" or then is None:
        return claims
    earlier = claims_for(query, outcome.rests_on, then.numbers, limits)
    return (*claims, *(replace(claim, of="previous") for claim in earlier))
