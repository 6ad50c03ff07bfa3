# SPDX-License-Identifier: Apache-2.0
"""The mirage battery: whether answers rest on the recording, of any responder."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from datetime import date

from precordia import __version__
from precordia.benchmarking.benchmark import describe_machine
from precordia.benchmarking.mirage_questions import BatteryQuestion, questions_for
from precordia.benchmarking.mirage_recordings import BatteryRecord
from precordia.benchmarking.mirage_responders import examined
from precordia.benchmarking.mirage_scores import Checked, mirage_scores
from precordia.benchmarking.protocol import Watch, unwatched
from precordia.core.errors import OptionError, PrecordiaError
from precordia.core.record import Record
from precordia.core.scores import Scores
from precordia.core.source import Source
from precordia.core.study import Study
from precordia.generation.strangers import list_strangers
from precordia.questions.counterfeits import Counterfeits
from precordia.questions.engine_responder import EngineResponder, Studies
from precordia.questions.mirage_check import mirage_check
from precordia.questions.response import Responder, Response

TASK = "mirage"
#: as many examples of what was flagged are told
_TOLD = 8
#: other patients of each recording: the next ones of the list, and simulated ones
_NEXT, _STRANGERS = 2, (1, 2, 3, 5)


def benchmark_mirage(
    responder: Responder,
    records: Sequence[BatteryRecord],
    *,
    name: str = "responder",
    examine: Callable[[Record], Study] = examined,
    only: Callable[[BatteryQuestion], bool] | None = None,
    seed: int = 0,
    watch: Watch = unwatched,
) -> Scores:
    """Score whether the answers of a responder rest on the recordings.

    Parameters
    ----------
    responder
        Whoever answers.
    records
        From `precordia.benchmarking.mirage_recordings.battery_records`.
    name
        What the table calls the responder.
    examine
        Makes a study of a record: claims are checked, and what should change is told, by it.
    only
        Which questions; all where None.
    seed
        Of the noise and of the intervals.
    watch
        Wraps the recordings while they are worked through, to show progress.

    Returns
    -------
    Scores over all, by kind of question and by counterfeit, with 95 % intervals over patients.

    Raises
    ------
    OptionError
        If there is no recording.

    Notes
    -----
    *Mirage*: share of the answers that at least one counterfeit left as they were. *Unsupported*:
    how often something was said that nothing in the counterfeit supports, the same or not.
    *Claims true*: share of the claims that `precordia.core.verify.verify` calls true of the
    recording. *Silent on nothing*: share of nothing recorded, flat lines and noise of which nothing
    was said. *Wordings agree*: share of the pairs of three wordings with the same answer, of those
    questions of which any wording was answered. What is flagged, and why, is told by
    `precordia.questions.mirage_check.mirage_check`.

    References
    ----------
    O'Sullivan JW et al. MARCUS, github.com/AshleyLab/MARCUS (no publication was at hand).
    """
    if not records:
        raise OptionError("no recording arrived, and one at least is needed: battery_records().")
    started = time.monotonic()
    done = check_answers(responder, records, examine=examine, only=only, seed=seed, watch=watch)
    flagged = [c for c in done if c.check.flagged or c.check.unsupported]
    notes = [
        f"{len(records)} recordings, {len(done)} questions, each asked again of up to 8 "
        "counterfeits and in three wordings; intervals over patients.",
        "unsupported: something said that nothing in the counterfeit supports; the goal is 0.",
    ]
    notes += [told_of(c) for c in flagged[:_TOLD]]
    if len(flagged) > _TOLD:
        notes.append(f"and {len(flagged) - _TOLD} more answers.")
    return Scores(
        task=TASK,
        scores=mirage_scores(done, method=name),
        notes=tuple(notes),
        hardware=describe_machine(),
        date=date.today().isoformat(),
        seconds=time.monotonic() - started,
        source=Source(
            method="benchmark_mirage",
            version=__version__,
            parameters={"responder": name, "seed": seed, "records": [r.name for r in records]},
        ),
    )


def check_answers(
    responder: Responder,
    records: Sequence[BatteryRecord],
    *,
    examine: Callable[[Record], Study] = examined,
    only: Callable[[BatteryQuestion], bool] | None = None,
    seed: int = 0,
    watch: Watch = unwatched,
) -> list[Checked]:
    """Check every question about every recording; see `benchmark_mirage`.

    Returns
    -------
    One row for each question and recording.
    """
    done: list[Checked] = []
    # who examines is not made to do it twice
    studies = responder.study_of if isinstance(responder, EngineResponder) else Studies(examine)
    plain = [r.record for r in records]
    for turn, held in enumerate(watch(records, "checking")):
        others = [plain[(turn + k) % len(plain)] for k in range(1, _NEXT + 1)]
        others += [list_strangers()[k] for k in _STRANGERS]
        others = [o for o in others if o is not held.record]
        made = Counterfeits(held.record, others, seed=seed)
        before = plain[turn - 1]
        for question in questions_for(turn, studies(held.record)):
            if only is not None and not only(question):
                continue
            previous = before if question.of_two else None
            check = mirage_check(
                responder,
                held.record,
                question.wordings[0],
                previous=previous,
                examine=studies,
                counterfeits=made,
            )
            others_say = [_ask(responder, held.record, w, previous) for w in question.wordings[1:]]
            agreement = _agreement([check.response, *others_say])
            done.append(Checked(record=held, question=question, check=check, agreement=agreement))
    return done


def _ask(responder: Responder, record: Record, wording: str, previous: Record | None) -> Response:
    try:
        return responder(record, wording, previous)
    except PrecordiaError as error:
        return Response(error=str(error))


def _agreement(responses: Sequence[Response]) -> float:
    """Return the share of pairs that agree; NaN where nobody answered anything."""
    told = [r for r in responses if not r.error]
    pairs = list(itertools.combinations(told, 2))
    if not pairs or not any(r.answers for r in told):
        return float("nan")
    return sum(a.answers == b.answers for a, b in pairs) / len(pairs)


def told_of(checked: Checked) -> str:
    """Return what was flagged or said without support, in a sentence."""
    trial = next(t for t in checked.check.trials if t.verdict == "flagged" or t.unsupported)
    return (
        f"{checked.record.name}, '{checked.check.question}' ({checked.check.response}): "
        f"{trial.counterfeit}: {trial.why}."
    )
