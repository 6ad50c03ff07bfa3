# SPDX-License-Identifier: Apache-2.0
"""Negations, several things in one question, and what is said of kinds without a name there."""

from __future__ import annotations

import dataclasses

import pytest

from precordia.core.claims import FOUND, NOT_FOUND
from precordia.core.findings import NO_DECISION, Finding, Findings
from precordia.core.verify import verify
from precordia.generation.reversed_time import with_time_reversed
from precordia.generation.simulate import simulate
from precordia.pipeline import examine
from precordia.questions.answer import answer
from precordia.questions.evaluate import evaluate
from precordia.questions.facts import Facts
from precordia.questions.parse import PERSON, SEVERAL, parse_question
from precordia.questions.query import Unclear


@pytest.fixture(scope="module")
def slow():
    return examine(simulate(heart_rate_bpm=75, seed=1))


@pytest.fixture(scope="module")
def irregular():
    return examine(simulate("atrial-fibrillation", seed=3))


SINUS = Facts(statements={"SR": 1.0})
FIBRILLATION = Facts(statements={"AFIB": 1.0})
BOTH_BLOCKS = Facts(statements={"SR": 1.0, "CLBBB": 1.0, "1AVB": 1.0})


@pytest.mark.parametrize(
    ("question", "sinus", "fibrillation"),
    [
        ("Isn't there atrial fibrillation?", "no", "yes"),
        ("Doesn't the ECG show atrial fibrillation?", "no", "yes"),
        ("Is there no atrial fibrillation?", "yes", "no"),
        ("Is it not true that there is no atrial fibrillation?", "no", "yes"),
        ("Is there neither sinus rhythm nor atrial fibrillation?", "no", "no"),
        ("Is there neither left bundle branch block nor atrial fibrillation?", "yes", "no"),
        ("Is there no atrial fibrillation and no left bundle branch block?", "yes", "no"),
        ("Is there sinus rhythm without atrial fibrillation?", "yes", "no"),
        ("Is there atrial fibrillation but no left bundle branch block?", "no", "yes"),
        ("Are atrial fibrillation and left bundle branch block absent?", "yes", "no"),
    ],
)
def test_a_denial_is_read_as_it_is_meant(question, sinus, fibrillation):
    query = parse_question(question)
    assert evaluate(query, SINUS).answers == (sinus,)
    assert evaluate(query, FIBRILLATION).answers == (fibrillation,)


@pytest.mark.parametrize(
    ("question", "answers"),
    [
        (
            "Without uncertain diagnoses, is there LBBB or first degree AV block?",
            ("complete left bundle branch block", "first degree av block"),
        ),
        ("Without uncertain diagnoses, is there LBBB?", ("yes",)),
    ],
)
def test_leaving_out_what_is_uncertain_denies_nothing(question, answers):
    assert evaluate(parse_question(question), BOTH_BLOCKS).answers == answers


def test_both_of_two_findings_are_of_one_recording():
    query = parse_question("Does the ECG show both LBBB and first degree AV block?")
    assert evaluate(query, BOTH_BLOCKS).answers == ("yes",)
    assert evaluate(query, SINUS).answers == ("no",)
    assert parse_question("Do both ECGs show atrial fibrillation?").scope == "unrelated"


@pytest.mark.parametrize(
    "question",
    [
        "Is QTc longer than 450 ms and QRS shorter than 120 ms?",
        "Is the PR longer than 120 ms and shorter than 200 ms?",
        "Is there tachycardia without atrial fibrillation?",
    ],
)
def test_what_would_be_read_in_part_only_is_not_answered(question):
    query = parse_question(question)
    assert isinstance(query, Unclear)
    assert query.why == SEVERAL


def test_the_age_of_the_patient_is_no_stage_of_infarction(slow):
    for question in ("How old is the patient?", "Is the patient female?"):
        assert answer(slow, question).why == PERSON
    assert parse_question("How old is the infarction?").attribute == "stage"


def test_whether_the_rhythm_is_regular_is_told_from_the_intervals(slow, irregular):
    asked = {"Is the rhythm regular?": "yes", "Is the heart rhythm irregular?": "no"}
    for question, regular in asked.items():
        other = {"yes": "no", "no": "yes"}[regular]
        assert answer(slow, question).answers == (regular,)
        found = answer(irregular, question)
        assert found.answers == (other,)
        assert all(verify(claim, irregular).holds for claim in found.evidence)


def test_a_reversed_recording_is_told_to_be_one(slow):
    question = "Is the recording reversed in time?"
    assert answer(slow, question).answers == ("no",)
    assert answer(examine(with_time_reversed(slow.record)), question).answers == ("yes",)


@pytest.mark.parametrize(
    ("question", "answered"),
    [
        ("Are there P waves?", "yes"),
        ("Is the T wave inverted in V5?", "no"),
        ("Is the QRS broader than 120 ms?", "no"),
        ("Is the heart beating too slowly?", "no"),
        ("Is the patient paced?", "no"),
        ("How long was the recording?", "10 s"),
        ("How many PVCs are there?", "0"),
        ("Is there a lead reversal?", "no"),
        ("What is the rate?", "75 bpm"),
        ("List all abnormal findings.", "none"),
    ],
)
def test_a_plain_question_has_a_plain_answer(question, answered, slow):
    assert answer(slow, question).answers == (answered,)


@pytest.mark.parametrize("code", ["SR", "STACH", "IMI", "LAD", "QWAVE", "STD_", "JUNC", "PACE"])
def test_a_code_as_findings_are_printed_with_is_understood(code, slow):
    assert code in {c for c, said in slow.findings.decisions.items() if said in (FOUND, NOT_FOUND)}
    answers = answer(slow, f"Does the ECG show {code}?").answers
    assert answers == ("yes" if code in slow.findings else "no",)


def test_extrasystoles_are_counted_by_kind(slow):
    told = answer(slow, "How many extrasystoles are there?").answers
    assert told == ("ventricular beats: 0", "supraventricular beats: 0")


def with_findings(study, *findings, undecided=()):
    decisions = {f.code: FOUND for f in findings}
    decisions |= dict.fromkeys(undecided, NO_DECISION + "the lead is missing")
    held = Findings(findings=findings, decisions={**decisions, "SBRAD": NOT_FOUND})
    return dataclasses.replace(study, findings=held)


def made(code, name):
    return Finding(code=code, name=name, probability=1.0, method="rules")


def test_a_rhythm_without_a_name_in_ecg_qa_is_listed_and_a_suspicion_is_not_sure(slow):
    name = "wide complex tachycardia, ventricular tachycardia suspected"
    study = with_findings(slow, made("STACH", "sinus tachycardia"), made("VTACH", name))
    told = ("sinus tachycardia", "ventricular tachycardia")
    assert answer(study, "What rhythm is this?").answers == told
    assert answer(study, "List all abnormal findings.").answers == told
    assert answer(study, "Is there ventricular tachycardia?").answers == ("not sure",)


def test_an_infarction_is_not_denied_where_none_was_looked_for(slow):
    study = with_findings(slow, undecided=("IMI", "AMI"))
    found = answer(study, "Has the patient had a heart attack?")
    assert found.abstained
    assert "the lead is missing" in found.why


def test_a_normal_ecg_that_a_rule_doubts_is_not_sure(slow):
    doubted = dataclasses.replace(made("NORM", "normal ECG"), disagreement="the rules found more")
    study = with_findings(slow, doubted, made("IVCD", "conduction delay"))
    assert answer(study, "Is this ECG normal?").answers == ("not sure",)
    assert answer(slow, "Is this ECG normal?").answers == ("yes",)


def test_the_depth_of_s_is_that_of_the_criteria():
    study = examine(simulate("left-bundle-block", seed=1))
    (claim,) = answer(study, "How deep is the S wave in V1?").evidence
    assert claim.measure == "s_depth_mv"
    assert claim.value > 0
    assert verify(claim, study).holds


def test_a_duration_has_its_unit(slow):
    (claim,) = answer(slow, "How long was the recording?").evidence
    assert str(claim) == "duration 10 s"
