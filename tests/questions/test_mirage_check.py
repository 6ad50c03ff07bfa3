# SPDX-License-Identifier: Apache-2.0
"""Who answers from anything but the recording is caught; who answers from it is not."""

from __future__ import annotations

import numpy as np
import pytest

from precordia.core.claims import Claim
from precordia.core.errors import OptionError
from precordia.core.record import Record
from precordia.generation.simulate import simulate
from precordia.generation.strangers import list_strangers
from precordia.pipeline import examine
from precordia.questions.counterfeits import (
    ABSENT,
    ANOTHER,
    COUNTERFEITS,
    FLAT,
    NOISE,
    PERMUTED,
    REMOVED,
    REVERSED,
    ZEROED,
    Counterfeits,
)
from precordia.questions.engine_responder import EngineResponder
from precordia.questions.mirage_check import mirage_check
from precordia.questions.mirage_rules import support
from precordia.questions.mirage_trial import MirageCheck
from precordia.questions.response import Response, same_numbers

QUESTION = "Is V3 tall?"
TALL = 1.2


def peak(record: Record, lead: str) -> float:
    """Return the height of a lead in a plain way; NaN of a lead that is missing, flat or noise."""
    if lead not in record.leads:
        return float("nan")
    row = record.signal[record.leads.index(lead)].astype(float)
    if not np.isfinite(row).all() or np.ptp(row) == 0:
        return float("nan")
    fourth = np.mean((row - row.mean()) ** 4) / np.var(row) ** 2
    return float(np.ptp(row)) if fourth > 5 else float("nan")


def honest(record: Record, question: str, previous: Record | None = None) -> Response:
    """Answer from lead V3, and say so."""
    height = peak(record, "V3")
    if height != height:
        return Response()
    claim = Claim(measure="height_mv", lead="V3", value=height)
    return Response(answers=("yes" if height > TALL else "no",), claims=(claim,))


def scaled(factor: float, seed: int) -> Record:
    record = simulate("sinus", seed=seed)
    return Record(signal=record.signal * factor, fs=record.fs, leads=record.leads)


@pytest.fixture(scope="module")
def tall() -> Record:
    return scaled(1.5, 1)


@pytest.fixture(scope="module")
def others() -> list[Record]:
    return [scaled(0.2, 2), scaled(1.4, 3), scaled(0.3, 4)]


def verdicts(check: MirageCheck) -> dict[str, str]:
    return {trial.counterfeit: trial.verdict for trial in check.trials}


def test_an_honest_answer_passes_every_counterfeit(tall, others):
    check = mirage_check(honest, tall, QUESTION, others=others)
    assert check.response.answers == ("yes",)
    assert [t.counterfeit for t in check.trials] == list(COUNTERFEITS)
    assert not check.flagged
    assert not check.unsupported
    assert check.rests_on_recording is True
    told = verdicts(check)
    assert {told[n] for n in (ABSENT, FLAT, NOISE, ANOTHER, PERMUTED, REMOVED, ZEROED)} == {
        "passed"
    }
    assert told[REVERSED] == "untold"
    assert "passed" in str(check)


def test_who_answers_from_the_question_alone_is_flagged(tall, others):
    check = mirage_check(
        lambda *asked: Response(answers=("yes",)), tall, "Is there AF?", others=others,
        examine=examine,
    )  # fmt: skip
    assert {ABSENT, FLAT, NOISE} <= set(check.flagged)
    assert check.rests_on_recording is False
    assert "flagged" in str(check)


def test_who_always_says_normal_is_flagged_though_it_may_be_true(others):
    record = simulate("sinus", seed=1)
    check = mirage_check(
        lambda *asked: Response(answers=("normal",)), record, "Is it normal?", others=others
    )
    assert set(check.unsupported) >= {ABSENT, FLAT, NOISE}


def test_a_failed_call_is_an_error_and_no_mirage(tall, others):
    def fails(record: Record, question: str, previous: Record | None = None) -> Response:
        if np.isnan(record.signal).all():
            raise OptionError("nobody answers.")
        return honest(record, question)

    check = mirage_check(fails, tall, QUESTION, others=others)
    assert verdicts(check)[ABSENT] == "error"
    assert not check.flagged
    assert not check.unsupported
    silent = mirage_check(lambda *a: Response(error="down"), tall, QUESTION, others=others)
    assert silent.trials == ()
    assert silent.rests_on_recording is None
    assert "down" in str(silent)


def test_the_text_s_own_answer_is_flagged_only_where_it_does_not_follow_patients(tall, others):
    def guesses(record: Record, question: str, previous: Record | None = None) -> Response:
        told = honest(record, question)
        nothing = np.isnan(record.signal).all()
        return Response(answers=("yes",)) if nothing else told  # the prior of the text is yes

    check = mirage_check(guesses, tall, QUESTION, others=others)
    assert verdicts(check)[ABSENT] == "passed"
    assert check.unsupported == (ABSENT,)  # something was said of nothing all the same

    def never(record: Record, question: str, previous: Record | None = None) -> Response:
        told = guesses(record, question)
        return Response(answers=("yes",)) if told.answers else told

    stays = mirage_check(never, tall, QUESTION, others=others, examine=None)
    assert ABSENT in stays.flagged


def test_who_reads_the_file_and_not_the_signal_is_flagged(others):
    record = simulate("atrial-fibrillation", seed=1)

    def reads(of: Record, question: str, previous: Record | None = None) -> Response:
        if not honest(of, question).answers and np.ptp(np.nan_to_num(of.signal)) == 0:
            return Response()
        codes = [s.code for s in of.carried.statements]
        return Response(answers=("yes" if "AFIB" in codes else "no",))

    check = mirage_check(reads, record, "Is there AF?", others=others)
    assert ANOTHER in check.flagged
    assert "without a name" in str(check)


@pytest.mark.parametrize("reads", ["V5", "V3"])
def test_who_names_leads_that_it_does_not_read_is_flagged(reads, tall, others):
    def claims_v3(record: Record, question: str, previous: Record | None = None) -> Response:
        height = peak(record, reads)
        if height != height:
            return Response()
        return Response(answers=("yes" if height > 0.9 else "no",), leads=("V3",))

    check = mirage_check(claims_v3, tall, QUESTION, others=others)
    assert check.response.answers == ("yes",)
    assert (REMOVED in check.flagged) == (reads != "V3")
    assert (ZEROED in check.flagged) == (reads != "V3")


def test_less_probability_without_the_named_leads_is_enough_and_as_much_without_others_is_not(
    tall, others
):
    def sure(record: Record, lost: dict[str, float]) -> Response:
        if not honest(record, "").answers and peak(record, "I") != peak(record, "I"):
            return Response()
        p = 0.9 - sum(v for n, v in lost.items() if peak(record, n) != peak(record, n))
        return Response(answers=("yes",), probabilities={"yes": p}, leads=("V3",))

    special = mirage_check(lambda r, *a: sure(r, {"V3": 0.3, "V4": 0.1}), tall, QUESTION)
    anywhere = mirage_check(lambda r, *a: sure(r, {"V3": 0.1, "V4": 0.3}), tall, QUESTION)
    assert verdicts(special)[REMOVED] == "passed"
    assert verdicts(anywhere)[REMOVED] == "flagged"


def test_words_are_no_answers_and_numbers_are_compared_as_they_are_printed():
    assert Response(answers=("  YES ",)).answers == Response(answers=("yes",)).answers
    one, same, other = (
        Response(answers=("x",), claims=(Claim(measure="qrs_ms", value=v),))
        for v in (90.0, 90.3, 92.0)
    )
    assert same_numbers(one, same)
    assert not same_numbers(one, other)
    assert support(one, one) == 1.0
    assert support(one, Response()) == 0.0


def test_the_control_is_as_many_other_leads(tall):
    made = Counterfeits(tall)
    assert made.control_of(("V3",)) == ("V4",)
    assert not set(made.control_of(tall.leads[:8])) & set(tall.leads[:8])
    assert len(made.control_of(tall.leads[:8])) == 4
    assert made.control_of(tall.leads) == ()


QUESTIONS = [
    "Is there atrial fibrillation?",
    "Is this ECG normal?",
    "What is the heart rate?",
    "What is the heart axis?",
    "How many beats are there?",
    "Is the PR interval prolonged?",
    "Which leads show ST elevation?",
    "Is there ST elevation in lead V2?",
    "Is there ST depression in lead II?",
    "What form-related symptoms does this ECG show in lead V3?",
    "Which kinds of noise does this ECG show?",
    "Is there baseline drift in lead V1?",
    "Are there extrasystoles in this ECG?",
    "What diagnoses does this ECG show, including uncertain ones?",
    "What is the ST level in lead V4?",
]


@pytest.fixture(scope="module")
def engine() -> EngineResponder:
    return EngineResponder(examine)


@pytest.fixture(scope="module")
def counterfeits() -> dict[int, Counterfeits]:
    chosen = (0, 1, 5)  # sinus rhythm; fibrillation with a wandering baseline; ST elevation
    strangers = list_strangers()
    return {k: Counterfeits(strangers[k], [strangers[3], strangers[5]]) for k in chosen}


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_engine_says_nothing_that_the_recording_does_not_support(
    question, engine, counterfeits
):
    told = []
    for made in counterfeits.values():
        check = mirage_check(
            engine, made.record, question, examine=engine.study_of, counterfeits=made
        )
        assert check.flagged == ()
        assert check.unsupported == ()
        assert check.n_true == check.n_claims
        told += [t for t in check.trials if t.verdict == "passed"]
    assert told


def test_answers_about_two_recordings_are_checked_too(engine):
    now, before = list_strangers()[1], list_strangers()[0]
    check = mirage_check(
        engine, now, "What changed since the last ECG?", previous=before, others=[before],
        examine=engine.study_of,
    )  # fmt: skip
    assert check.response.answers
    assert check.flagged == ()
    assert verdicts(check)[FLAT] == "passed"
