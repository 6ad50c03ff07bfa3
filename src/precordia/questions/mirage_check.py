# SPDX-License-Identifier: Apache-2.0
"""Whether an answer rests on the recording: ask again where what it should rest on is gone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from precordia.core.errors import PrecordiaError
from precordia.core.record import Record
from precordia.core.study import Study
from precordia.core.verify import verify
from precordia.questions.counterfeits import Counterfeits
from precordia.questions.engine_responder import EngineResponder, Studies
from precordia.questions.mirage_rules import (
    Asked,
    judge_follow,
    judge_leads,
    judge_null,
    judge_order,
)
from precordia.questions.mirage_trial import MirageCheck, Trial
from precordia.questions.response import Responder, Response


def mirage_check(
    responder: Responder,
    record: Record,
    question: str,
    *,
    previous: Record | None = None,
    others: Sequence[Record] = (),
    examine: Callable[[Record], Study] | None = None,
    counterfeits: Counterfeits | None = None,
    seed: int = 0,
) -> MirageCheck:
    """Ask a question again of counterfeits of a recording, and see whether the answer changes.

    Parameters
    ----------
    responder
        Whoever answers.
    record
        The recording; it is left as it is.
    question
        In words.
    previous
        An earlier recording, for questions about change. It stays what it is throughout.
    others
        Recordings of other patients, best with other answers to the question.
    examine
        Makes a study of a record, such as `precordia.pipeline.examine`: then claims are checked,
        and what should change is told by measurement. Without it, neither is.
    counterfeits
        Those of this record that were made before.
    seed
        Of the noise.

    Returns
    -------
    The answer, what became of it on each counterfeit, and what is flagged.

    Notes
    -----
    *Method.* The idea of the mirage probe (MARCUS): ask with the recording and without.
    *Departures*, each for a known weakness of it. (1) Answers are compared as sets of names and
    numbers with their probabilities, never as words. (2) A call that fails is an error and flags
    nothing. (3) The question is asked again in its own words. (4) There are eight counterfeits in
    place of one: nothing recorded; flat lines; noise of the same spectrum; another patient's
    signal; leads permuted; time reversed; the leads that the answer names taken out, and set to
    zero, against as many that it does not name. (5) An answer that is what would be said without a
    recording is not flagged for that alone: it is flagged where it stays the same for other
    patients whose answer differs.

    *Rules.* Of nothing, flat lines and noise nothing may be said about the heart: the same answer
    is flagged, another one is counted as unsupported. A question about the recording itself (is
    there noise?) may be answered of them if what is claimed is true of the counterfeit. Another
    patient's signal must be answered as that patient's, whatever name it bears. With leads
    permuted, an answer about single leads must change, be withdrawn, or come with a warning; with
    time reversed, an answer that rests on PR, QT, ST levels or Q waves must change. Without the
    leads that it names, an answer must be withdrawn or have less support, and lose more than
    without others. Support is the probability (1 where there is none) times the share of the claims
    about single leads that are still made.

    References
    ----------
    O'Sullivan JW et al. MARCUS, github.com/AshleyLab/MARCUS (no publication was at hand).
    Prichard D, Theiler J. Phys Rev Lett 1994;73:951-954. doi:10.1103/PhysRevLett.73.951

    Examples
    --------
    >>> from precordia.generation.simulate import simulate
    >>> from precordia.pipeline import examine
    >>> record = simulate("first-degree-block", seed=1)
    >>> check = mirage_check(
    ...     EngineResponder(examine), record, "Is the PR interval prolonged?",
    ...     others=[simulate(seed=2)], examine=examine)
    >>> check.response.answers, check.flagged
    (('yes',), ())
    """
    made = counterfeits if counterfeits is not None else Counterfeits(record, others, seed=seed)
    studies = examine if examine is None or isinstance(examine, Studies) else Studies(examine)

    def ask(of: Record) -> Response:
        try:
            return responder(of, question, previous)
        except PrecordiaError as error:
            return Response(error=str(error))

    response = ask(record)
    if response.error or response.abstained:
        return MirageCheck(question=question, response=response)
    asked = Asked(
        question=question,
        response=response,
        ask=ask,
        reference=_reference(responder, studies, question, previous),
        studies=studies,
        previous=previous,
    )
    follow = judge_follow(asked, made)
    trials: list[Trial] = [
        *judge_null(asked, made, follow),
        follow,
        *judge_order(asked, made),
        *judge_leads(asked, made),
    ]
    true = total = 0
    if studies is not None:
        study = studies(record)
        then = None if previous is None else studies(previous)
        total = len(response.claims)
        true = sum(verify(claim, study, then).holds is True for claim in response.claims)
    return MirageCheck(
        question=question, response=response, trials=tuple(trials), n_claims=total, n_true=true
    )


def _reference(
    responder: Responder, studies: Studies | None, question: str, previous: Record | None
) -> Callable[[Record], Response] | None:
    """Return what measures the answer; nothing for who measures already."""
    if studies is None or isinstance(responder, EngineResponder):
        return None
    engine = EngineResponder(studies)
    return lambda of: engine(of, question, previous)
