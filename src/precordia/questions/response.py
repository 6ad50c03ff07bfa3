# SPDX-License-Identifier: Apache-2.0
"""What somebody answers, in terms that two answers can be compared by."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from precordia.core.claims import ABSENT, Claim
from precordia.core.record import Record
from precordia.core.study import Study
from precordia.core.value import Value
from precordia.questions.answer import Answer, is_warned
from precordia.questions.evaluate import NO, NOT_SURE, YES
from precordia.questions.query import Query
from precordia.questions.vocabulary import term_named

_SUPERCLASSES = ("MI", "STTC", "CD", "HYP")
#: probabilities closer than this count as the same, and log odds
SAME_PROBABILITY, SAME_LOG_ODDS = 0.01, 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Response(Value):
    """An answer without its wording.

    Attributes
    ----------
    answers
        What is said: ``"yes"``, ``"no"``, names, leads, ranges, numbers with their unit; in no
        order, lower case. Empty where nothing is said.
    probabilities
        Calibrated probability of an answer, or of what was asked about, where there is one.
    claims
        What it is said to rest on.
    leads
        Leads that it names as what it rests on; those of the claims as well.
    warned
        Whether it comes with a warning that leads may be exchanged.
    error
        Why nobody answered; a call that failed is no answer. Empty where somebody did.

    Examples
    --------
    >>> Response(answers=("Yes", "yes ")).answers
    ('yes',)
    """

    answers: tuple[str, ...] = ()
    probabilities: dict[str, float] = field(default_factory=dict)
    claims: tuple[Claim, ...] = ()
    leads: tuple[str, ...] = ()
    warned: bool = False
    error: str = ""

    def __post_init__(self) -> None:
        said = sorted({" ".join(a.lower().split()) for a in self.answers} - {""})
        of_claims = (c.lead for c in self.claims if c.lead and c.of == "study")
        object.__setattr__(self, "answers", tuple(said))
        object.__setattr__(self, "leads", tuple(dict.fromkeys((*self.leads, *of_claims))))

    @property
    def abstained(self) -> bool:
        """Whether nothing is said, by somebody who was reached."""
        return not self.answers and not self.error

    @property
    def numbers(self) -> dict[tuple[str, str], float]:
        """Measured numbers of this recording among the claims, by measure and lead."""
        return {
            (c.measure, c.lead): c.value
            for c in self.claims
            if c.value == c.value and c.relation != ABSENT
            if c.of == "study" and ":" not in c.measure
        }

    def __str__(self) -> str:
        if self.error:
            return f"no answer: {self.error}"
        said = [
            f"{a} ({self.probabilities[a]:.2f})" if a in self.probabilities else a
            for a in self.answers
        ]
        return ", ".join(said) or "cannot be told"


@runtime_checkable
class Responder(Protocol):
    """Whoever answers: the engine, a classifier, a language model, a person."""

    def __call__(self, record: Record, question: str, previous: Record | None = None) -> Response:
        """Answer a question about a recording.

        Parameters
        ----------
        record
            The recording. Where every sample is NaN, the question arrives alone.
        question
            In words.
        previous
            An earlier recording, for questions about change.

        Returns
        -------
        What is said. Where it cannot be asked, a response with an error, or an exception of
        `precordia.core.errors`.
        """
        ...


def same_numbers(one: Response, other: Response) -> bool:
    """Tell whether two responses rest on the same numbers and are as sure, as far as they say.

    Parameters
    ----------
    one, other
        The two.

    Returns
    -------
    False where a number, a probability or what is measured differs. A number is the same within
    half of the last digit that is printed.

    Examples
    --------
    >>> sure, less = (Response(answers=("yes",), probabilities={"yes": p}) for p in (0.9, 0.6))
    >>> same_numbers(sure, less)
    False
    """
    mine, theirs = one.numbers, other.numbers
    if mine.keys() != theirs.keys():
        return False
    for key, value in mine.items():
        room = 0.5 if abs(value) >= 10 else 0.005
        if not abs(value - theirs[key]) <= max(room, 5e-4 * abs(value)):
            return False
    shared = one.probabilities.keys() & other.probabilities.keys()
    return all(_same(one.probabilities[a], other.probabilities[a]) for a in shared)


def _same(p: float, q: float) -> bool:
    """Tell whether two probabilities are the same; near 0 and 1 it is the odds that tell."""
    return abs(p - q) < SAME_PROBABILITY and abs(_log_odds(p) - _log_odds(q)) < SAME_LOG_ODDS


def _log_odds(p: float) -> float:
    held = min(max(p, 1e-6), 1.0 - 1e-6)
    return math.log(held / (1.0 - held))


def response_of(answer: Answer, study: Study) -> Response:
    """Return an answer of the engine in terms that can be compared.

    Parameters
    ----------
    answer
        What `precordia.questions.answer.answer` said.
    study
        What it was said of.

    Returns
    -------
    The answer, with the model's probability where one question was about statements that the model
    judges: of yes, of no, or of each name; of two recordings, of the names in this one. The claims
    of an abstention are left out: they are what else can be said.

    Examples
    --------
    >>> from precordia.generation.simulate import simulate
    >>> from precordia.pipeline import examine
    >>> from precordia.questions.answer import answer
    >>> study = examine(simulate(heart_rate_bpm=75, seed=1))
    >>> print(response_of(answer(study, "Is there first degree AV block?"), study).answers)
    ('no',)
    """
    parts = answer.parts or (answer,)
    told = [part for part in parts if not part.abstained]
    probabilities: dict[str, float] = {}
    if len(told) == 1 and told[0].query is not None:
        probabilities = _probabilities(told[0].query, told[0].answers, study)
    return Response(
        answers=tuple(a for part in told for a in part.answers),
        probabilities=probabilities,
        claims=tuple(dict.fromkeys(c for part in told for c in part.evidence)),
        warned=any(is_warned(part) for part in told),
    )


def _probabilities(query: Query, answers: tuple[str, ...], study: Study) -> dict[str, float]:
    if query.attribute != "statement" or query.leads or query.asks == "lead":
        return {}
    if query.scope != "single":  # what this recording has to do with the change
        named = {name: _probability(name, study) for name in query.names or answers}
        return {name: p for name, p in named.items() if p == p}
    if query.kind == "verify":
        names = query.names or (("normal ecg",) if query.group == "normal" else ())
        known = [p for name in names if (p := _probability(name, study)) == p]
        if not known or len(known) < len(names) or NOT_SURE in answers or query.without:
            return {}
        yes = min(known)
        if query.negated:
            yes = 1.0 - yes
        return {YES: yes} if answers == (YES,) else {NO: 1.0 - yes}
    named = {name: _probability(name, study) for name in answers}
    return {name: p for name, p in named.items() if p == p}


def _is_term(name: str) -> bool:
    try:
        return term_named(name).is_statement
    except StopIteration:
        return False


def _probability(name: str, study: Study) -> float:
    if not _is_term(name):
        return math.nan
    held = study.findings.probabilities
    keys = [f"superclass:{c}" if c in _SUPERCLASSES else c for c in term_named(name).codes]
    return max((held[k] for k in keys if k in held), default=math.nan)
