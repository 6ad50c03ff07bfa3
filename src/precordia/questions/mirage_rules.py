# SPDX-License-Identifier: Apache-2.0
"""What must become of an answer on each counterfeit of its recording."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from precordia.core.claims import ABSENT as NO_NUMBER
from precordia.core.claims import FOUND, Claim
from precordia.core.record import Record
from precordia.core.verify import verify
from precordia.questions.counterfeits import (
    ABSENT,
    ANOTHER,
    NULLS,
    PERMUTED,
    REMOVED,
    REVERSED,
    ZEROED,
    Counterfeits,
)
from precordia.questions.engine_responder import Studies
from precordia.questions.mirage_trial import Trial
from precordia.questions.parse import parse_question
from precordia.questions.query import Query, Unclear
from precordia.questions.response import Response, same_numbers

#: what is asked about the recording and not about the heart
_OF_RECORDING = ("noise", "quality")
_LENGTH, _REVERSAL = ("duration of the recording",), ("lead reversal",)
#: what can be said of a recording of which there is nothing
_OF_NOTHING = ("quality:usable", "quality:acceptable")
#: measures of what comes before or after the QRS complex; that there is a P or T wave, its height
#: and its axis are the same backwards
_ORDERED = ("pr_", "qt", "st_", "q_")
#: an answer that stays for more than this share of the patients whose answer differs is a prior
_STAYS = 0.5
_SMALL = 1e-9
#: a smaller ST level or Q wave is as good as none, backwards too; intervals are far above it
_LEAST_MV = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question, its answer, and how to ask again.

    Attributes
    ----------
    question, response
        What was asked and answered.
    ask
        Asks the same of another record.
    reference
        What a responder that measures answers of another record; None where there is none.
    studies
        Checks claims; None where nothing does.
    previous
        The earlier recording.
    """

    question: str
    response: Response
    ask: Callable[[Record], Response]
    reference: Callable[[Record], Response] | None = None
    studies: Studies | None = None
    previous: Record | None = None

    @property
    def query(self) -> Query | Unclear:
        """How the question is understood."""
        return parse_question(self.question)

    @property
    def about_recording(self) -> bool:
        """Whether the recording itself is asked about, and not the heart."""
        query = self.query
        if isinstance(query, Unclear):
            return False
        if query.names == _REVERSAL:
            return False  # that is read from the heart's own waves
        return query.attribute in _OF_RECORDING or query.names == _LENGTH

    @property
    def about_leads(self) -> bool:
        """Whether single leads are asked about, or named by the answer."""
        query = self.query
        asked = isinstance(query, Query) and bool(query.leads or query.asks == "lead")
        return asked or bool(self.response.leads)

    @property
    def about_order(self) -> bool:
        """Whether the answer rests on what comes before or after QRS, and on more than nothing."""
        return any(
            c.measure.startswith(_ORDERED) and not abs(c.value) < _LEAST_MV
            for c in self.response.claims
            if c.of == "study" and c.relation != NO_NUMBER
        )

    def true_of(self, record: Record, claims: tuple[Claim, ...]) -> bool:
        """Tell whether there are claims, and all are true of another record."""
        if self.studies is None or not claims:
            return False
        then = None if self.previous is None else self.studies(self.previous)
        study = self.studies(record)
        return all(verify(claim, study, then).holds is True for claim in claims)

    def should_stay(self, record: Record) -> bool:
        """Tell whether whoever measures answers the same of another record."""
        if self.reference is None or self.studies is None:
            return False
        now = self.reference(record)
        return bool(now.answers) and now.answers == self.response.answers


def _failed(name: str, response: Response) -> Trial:
    return Trial(counterfeit=name, verdict="error", why=response.error, response=response)


def judge_null(asked: Asked, made: Counterfeits, follow: Trial) -> list[Trial]:
    """Judge what is said of nothing, of flat lines and of noise.

    Parameters
    ----------
    asked
        The question and its answer.
    made
        The counterfeits.
    follow
        What came of other patients' signals.

    Returns
    -------
    A trial each.
    """
    trials = []
    for name in NULLS:
        record = made.null(name)
        response = asked.ask(record)
        if response.error:
            trials.append(_failed(name, response))
            continue
        same = response.answers == asked.response.answers
        if response.abstained:
            verdict, why, unsupported = "passed", "nothing is answered", False
        elif asked.about_recording and _is_supported(asked, name, record, response):
            verdict, why, unsupported = "passed", f"{response}, which is true of it", False
        elif not same:
            verdict, why, unsupported = "passed", f"another answer: {response}", True
        elif name == ABSENT and follow.verdict == "passed":
            why = f"{response}, as with the recording; but the answer follows other recordings"
            verdict, unsupported = "passed", True
        else:
            verdict, why, unsupported = "flagged", f"the same answer: {response}", True
        trials.append(
            Trial(counterfeit=name, verdict=verdict, why=why, response=response,
                  unsupported=unsupported)
        )  # fmt: skip
    return trials


def _is_supported(asked: Asked, name: str, record: Record, response: Response) -> bool:
    """Tell whether what is claimed is true; of nothing recorded, not seeing is no evidence."""
    if not asked.true_of(record, response.claims):
        return False
    seen = any(c.relation == FOUND or c.measure in _OF_NOTHING for c in response.claims)
    return seen or name != ABSENT


def judge_follow(asked: Asked, made: Counterfeits) -> Trial:
    """Judge whether other patients' signals are answered as theirs.

    Parameters
    ----------
    asked
        The question and its answer.
    made
        The counterfeits.

    Returns
    -------
    The trial. Passed where the answer changes for at least half of the patients whose answer
    differs, untold where there is no such patient.
    """
    truth = asked.reference or asked.ask
    mine = truth(made.record) if asked.reference else asked.response
    differ = stayed = 0
    last = None
    for named, plain in made.borrowed:
        last, own = asked.ask(named), asked.ask(plain)
        if last.error or own.error:
            return _failed(ANOTHER, last if last.error else own)
        if last.answers and own.answers and last.answers != own.answers:
            why = f"{last} under this name, {own} without a name"
            return Trial(counterfeit=ANOTHER, verdict="flagged", why=why, response=last,
                         unsupported=True)  # fmt: skip
        told = truth(plain) if asked.reference else own
        if told.error or mine.error or told.abstained or mine.abstained:
            continue
        if told.answers != mine.answers:
            differ += 1
            same = last.answers == asked.response.answers
            stayed += same and same_numbers(asked.response, last)
    if not differ:
        why = "no other recording at hand has another answer"
        return Trial(counterfeit=ANOTHER, verdict="untold", why=why, response=last)
    why = f"the same answer, as sure, for {stayed} of {differ} patients whose answer differs"
    flagged = stayed > _STAYS * differ
    return Trial(counterfeit=ANOTHER, verdict="flagged" if flagged else "passed", why=why,
                 response=last, unsupported=flagged)  # fmt: skip


def judge_order(asked: Asked, made: Counterfeits) -> list[Trial]:
    """Judge an answer about single leads with the leads permuted, and one about order backwards.

    Parameters
    ----------
    asked
        The question and its answer.
    made
        The counterfeits.

    Returns
    -------
    A trial each; untold where it does not apply.
    """
    trials = []
    for name, record, applies, needed in (
        (PERMUTED, made.permuted, asked.about_leads, "the answer is not about single leads"),
        (REVERSED, made.reversed, asked.about_order, "the answer is not about what precedes QRS"),
    ):
        if record is None or not applies:
            why = needed if record is not None else "the recording has one lead"
            trials.append(Trial(counterfeit=name, verdict="untold", why=why))
            continue
        response = asked.ask(record)
        if response.error:
            trials.append(_failed(name, response))
            continue
        trials.append(_changed(asked, name, record, response))
    return trials


def _changed(asked: Asked, name: str, record: Record, response: Response) -> Trial:
    before = asked.response
    said = before.numbers or before.probabilities
    if response.abstained:
        verdict, why = "passed", "nothing is answered"
    elif response.answers != before.answers:
        verdict, why = "passed", f"another answer: {response}"
    elif name == PERMUTED and response.warned:
        verdict, why = "passed", "a warning that leads may be exchanged"
    elif said and not same_numbers(before, response):
        verdict, why = "passed", "other numbers"
    elif not said and asked.true_of(record, response.claims):
        verdict, why = "passed", f"{response}, which is true of it"
    elif asked.should_stay(record):
        verdict, why = "untold", "the answer measured stays the same too"
    else:
        verdict, why = "flagged", f"the same answer: {response}"
    return Trial(counterfeit=name, verdict=verdict, why=why, response=response,
                 unsupported=verdict == "flagged")  # fmt: skip


def support(before: Response, now: Response) -> float:
    """Return how much of an answer's support is left in another response, 0 to 1.

    Parameters
    ----------
    before
        The answer.
    now
        What is said of a counterfeit.

    Returns
    -------
    The mean, over the answers, of the probability that each still has (1 where there is none, 0
    where it is no longer said), times the share of the claims about single leads still made.

    Examples
    --------
    >>> sure, less = (Response(answers=("yes",), probabilities={"yes": p}) for p in (0.9, 0.6))
    >>> support(sure, less), support(sure, Response())
    (0.6, 0.0)
    """
    if not before.answers or not now.answers:
        return 0.0
    kept = [now.probabilities.get(a, 1.0) if a in now.answers else 0.0 for a in before.answers]
    mine, theirs = _of_leads(before), _of_leads(now)
    share = len(mine & theirs) / len(mine) if mine else 1.0
    return share * sum(kept) / len(kept)


def _of_leads(response: Response) -> set[tuple[str, str]]:
    return {(c.measure, c.lead) for c in response.claims if c.lead and c.relation != NO_NUMBER}


def judge_leads(asked: Asked, made: Counterfeits) -> list[Trial]:
    """Judge an answer without the leads that it names, against as many others.

    Parameters
    ----------
    asked
        The question and its answer.
    made
        The counterfeits.

    Returns
    -------
    A trial for leads taken out, and one for leads at zero; untold where it names none, or all.
    """
    before = asked.response
    named = tuple(n for n in made.record.leads if n in before.leads)
    control = made.control_of(named)
    if not named or not control:
        why = "the answer names all leads" if named else "the answer names no leads"
        return [Trial(counterfeit=n, verdict="untold", why=why) for n in (REMOVED, ZEROED)]
    trials = []
    for name in (REMOVED, ZEROED):
        now = asked.ask(made.without(name, named))
        other = asked.ask(made.without(name, control))
        if now.error or other.error:
            trials.append(_failed(name, now if now.error else other))
            continue
        trials.append(_lost(asked, name, now, other, made.without(name, named)))
    return trials


def _lost(asked: Asked, name: str, now: Response, other: Response, record: Record) -> Trial:
    before = asked.response
    full = support(before, before)
    lost, elsewhere = full - support(before, now), full - support(before, other)
    told = f"support {full:.2f} falls by {lost:.2f}, by {elsewhere:.2f} without as many others"
    if now.abstained:
        verdict, why = "passed", "nothing is answered"
    elif asked.about_recording and asked.true_of(record, now.claims):
        verdict, why = "passed", f"{now}, which is true of it"
    elif lost > _SMALL and (lost > elsewhere or lost >= full - _SMALL):
        verdict, why = "passed", told
    elif not set(before.answers) & set(now.answers):
        verdict, why = "passed", f"another answer: {now}"
    else:
        verdict, why = "flagged", told
    return Trial(counterfeit=name, verdict=verdict, why=why, response=now,
                 unsupported=verdict == "flagged")  # fmt: skip
