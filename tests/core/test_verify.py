# SPDX-License-Identifier: Apache-2.0
"""Claims are true, false, or cannot be told; nothing else."""

from dataclasses import fields, replace
from datetime import UTC, date, datetime

import numpy as np
import pytest

from precordia.core.claims import Claim, quality_claim, statement_claim
from precordia.core.fiducials import Fiducials, Waves, empty_waves
from precordia.core.findings import SUPERCLASS, Finding, Findings, no_decision
from precordia.core.leads import STANDARD_12
from precordia.core.measurements import (
    Absence,
    BeatKind,
    BeatTable,
    LeadMeasurements,
    Measurements,
)
from precordia.core.quality import LeadQuality, Quality, QualityReason
from precordia.core.record import Patient, Record
from precordia.core.source import Source
from precordia.core.study import Study
from precordia.core.verify import same_patient, verify

NAN = float("nan")
RR = np.array([NAN, 800.0, 900.0, 400.0, 1300.0, 800.0])
#: waves that the leads lack
NONE = dict.fromkeys(("q_mv", "r_prime_mv", "s_prime_mv", "qs_mv"), Absence.NO_WAVE)
KINDS = (*[BeatKind.NORMAL] * 3, BeatKind.VENTRICULAR, *[BeatKind.NORMAL] * 2)


def study(patient=Patient(), start_time=None, **numbers):  # noqa: B008 (a frozen value)
    at = 300.0 + np.concatenate([[0.0], np.cumsum(RR[1:])]) / 2.0
    waves = {f.name: getattr(empty_waves(6), f.name) for f in fields(Waves)} | {"r_peak": at}
    table = BeatTable(
        r_peak=at,
        rr_ms=RR,
        kind=KINDS,
        prematurity=RR / 800.0,
        pr_ms=np.array([160.0, 164.0, 170.0, NAN, 150.0, 162.0]),
        qrs_ms=np.array([90.0, 90.0, 92.0, 160.0, 90.0, 90.0]),
        qt_ms=np.full(6, 380.0),
        template_correlation=np.ones(6),
    )
    there = {"heart_rate_bpm": 75.2, "qrs_ms": 119.6, "qrs_axis_deg": -170.0, "n_beats": 6}
    leads = {
        "V1": LeadMeasurements(r_mv=0.3, s_mv=-1.25, st_j_mv=0.214, t_mv=-0.2, absent=NONE),
        "V5": LeadMeasurements(r_mv=2.5, absent=NONE),
        "V6": LeadMeasurements(r_mv=1.0),
    }
    decisions = {
        "AFIB": "found",
        "STE_": "found",
        "SR": "not found",
        "LVH": no_decision("lead V2 is missing"),
    }
    findings = (
        Finding(code="AFIB", name="atrial fibrillation", probability=0.8, method="rules+m",
                claims=(Claim(measure="atrial cycle", value=210.0, unit="ms"),), beats=(1, 3)),
        Finding(code="STE_", name="ST elevation", probability=1.0, method="rules", leads=("V1",)),
        Finding(code="MI", name="infarction", probability=0.2, method="m", scheme=SUPERCLASS,
                present=False),
    )  # fmt: skip
    usable = LeadQuality(usable=True, score=0.9)
    noisy = LeadQuality(usable=False, score=0.1, reasons=(QualityReason.MUSCLE,))
    wave = np.sin(np.arange(4000) / 30.0)
    return Study(
        record=Record(
            signal=wave * np.linspace(0.5, 2.0, 12)[:, None],
            fs=500.0,
            leads=STANDARD_12,
            patient=patient,
            start_time=start_time,
        ),
        quality=Quality(
            acceptable=True,
            score=0.8,
            reasons=(QualityReason.MAINS,),
            leads=dict.fromkeys(STANDARD_12, usable) | {"V6": noisy},
        ),
        fiducials=Fiducials(fs=500.0, n_samples=4000, **waves),
        measurements=Measurements(
            leads=leads, beats=table, absent={"pr_ms": Absence.NO_P_WAVE}, **(there | numbers)
        ),
        findings=Findings(
            findings=findings,
            decisions=decisions,
            probabilities={"AFIB": 0.8, "superclass:MI": 0.2},
            distance=1.4,
            source=Source(method="classify:rules", version="1"),
        ),
    )


STUDY = study(Patient(age_years=61.0, sex="female"))


def number(measure, value=NAN, relation="is", limit=NAN, lead="", **more):
    return Claim(measure=measure, value=value, relation=relation, limit=limit, lead=lead, **more)


@pytest.mark.parametrize(
    "claim",
    [
        number("heart_rate_bpm", 75.0),
        number("heart_rate_bpm", relation="<", limit=100.0),
        number("qrs_ms", 119.6, "<", 120.0),
        number("st_j_mv", 0.21, ">=", 0.1, "V1"),
        number("s_depth_mv V1 + r_height_mv V5", 3.75, ">=", 3.5),
        number("q_depth_mv", 0.0, lead="V5"),
        number("t_size_mv", 0.2, lead="V1"),
        number("pr_ms", relation="absent"),
        number("pr_ms", 161.0, beats=(0, 5)),
        number("RR range", 100.0),
        number("atrial cycle", 210.0),
        number("n_beats", 6.0),
        statement_claim("AFIB"),
        statement_claim("AFIB", beats=(1,)),
        statement_claim("STE_", lead="V1"),
        statement_claim("STE_", "not found", lead="V2"),
        statement_claim("SR", "not found"),
        statement_claim("LVH", "undecided"),
        statement_claim("superclass:MI", "not found"),
        number("probability:AFIB", 0.8, ">=", 0.5),
        number("probability:superclass:MI", 0.2),
        quality_claim("acceptable"),
        quality_claim("mains interference"),
        quality_claim("usable", lead="V1"),
        quality_claim("usable", "not found", lead="V6"),
        quality_claim("muscle artifact", lead="V6"),
        number("quality:score", 0.1, lead="V6"),
        number("record:n_leads", 12.0),
        number("record:lead", relation="found", lead="V3"),
        number("record:lead", relation="not found", lead="V9"),
        number("record:origin", text="measured"),
        number("patient:age_years", 61.0),
        number("patient:sex", text="female"),
        number("method:findings", text="classify:rules 1"),
        number("method:distance", 1.4, ">", 1.0),
    ],
    ids=str,
)
def test_what_the_study_says_is_true(claim):
    verdict = verify(claim, STUDY)
    assert (verdict.word, verdict.why) == ("true", "")


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        (number("heart_rate_bpm", 80.0), "heart rate is 75 bpm"),
        (number("heart_rate_bpm", relation=">", limit=100.0), "heart rate is 75 bpm"),
        (number("qrs_ms", relation=">=", limit=120.0), "QRS duration is 119.6 ms"),
        (number("st_j_mv", 0.12, lead="V1"), "ST at J in V1 is 0.21 mV"),
        (number("t_mv", 0.2, lead="V1"), "T amplitude in V1 is -0.2 mV"),
        (number("heart_rate_bpm", relation="absent"), "heart rate is 75 bpm"),
        (number("qrs_ms", 90.0, beats=(3,)), "QRS duration is 160 ms"),
        (statement_claim("SR"), "SR was not found"),
        (statement_claim("AFIB", "not found"), "AFIB was found"),
        (statement_claim("AFIB", "undecided"), "AFIB was found"),
        (statement_claim("AFIB", beats=(2,)), "AFIB was not found"),
        (statement_claim("STE_", lead="V2"), "STE_ was not found in V2"),
        (statement_claim("superclass:MI"), "superclass:MI was not found"),
        (quality_claim("acceptable", "not found"), "acceptable holds"),
        (quality_claim("usable", lead="V6"), "usable does not hold"),
        (quality_claim("flat", lead="V1"), "flat does not hold"),
        (number("record:duration_s", 12.0), "duration is 8"),
        (number("patient:sex", text="male"), "the sex is female"),
        (number("method:findings", text="someone"), "it was classify:rules 1"),
    ],
    ids=str,
)
def test_what_the_study_denies_is_false_and_it_says_what_holds(claim, why):
    verdict = verify(claim, STUDY)
    assert verdict.holds is False
    assert verdict.why == why


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        (number("pr_ms", 160.0), "PR interval: no P wave"),
        (number("st_j_mv", 0.1, lead="V6"), "lead V6 is not usable (muscle artifact)"),
        (number("st_j_mv", 0.1, lead="V9"), "lead V9 was not recorded"),
        (number("mood", 3.0), "'mood' is no measurement, and no finding rests on it"),
        (number("qrs_ms", 90.0, beats=(77,)), "the recording has no such beat"),
        (number("qrs_ms", 120.0, "rather"), "'rather' is no relation of a number"),
        (number("qrs_ms"), "the claim has neither number nor limit"),
        (statement_claim("LVH"), "lead V2 is missing"),
        (statement_claim("LVH", "not found"), "lead V2 is missing"),
        (statement_claim("XYZ"), "nothing in this study judges 'XYZ'"),
        (statement_claim("AFIB", lead="V1"), "AFIB is not tied to leads"),
        (quality_claim("loud"), "'loud' is no quality that is judged"),
        (quality_claim("flat", lead="V9"), "lead V9 was not recorded"),
        (number("probability:SR", 0.5), "no model gives SR a probability"),
        (number("qrs_ms", 120.0, of="previous"), "no earlier recording was given"),
        (number("qrs_ms", 1.0, of="change"), "no earlier recording was given"),
        (number("patient:shoe", 43.0), "'shoe' is nothing that is known of a patient"),
    ],
    ids=str,
)
def test_what_the_study_cannot_tell_stays_open_with_the_reason(claim, why):
    assert verify(claim, STUDY).holds is None
    assert verify(claim, STUDY).why == why


def test_amplitudes_are_not_told_where_the_leads_were_scaled_one_by_one():
    alike = np.tile(np.sin(np.arange(4000) / 30.0), (12, 1))
    scaled = replace(STUDY, record=replace(STUDY.record, signal=alike))
    assert verify(number("heart_rate_bpm", 75.0), scaled).holds is True
    for claim in (number("st_j_mv", 0.21, lead="V1"), number("qrs_axis_deg", -170.0)):
        assert verify(claim, STUDY).holds is True
        assert verify(claim, scaled).holds is None


def test_changes_are_checked_on_both_recordings_and_axes_turn_the_short_way():
    before = study(heart_rate_bpm=60.2, qrs_axis_deg=170.0)
    assert verify(number("heart_rate_bpm", 15.0, of="change"), STUDY, before).holds is True
    assert verify(number("heart_rate_bpm", -15.0, of="change"), STUDY, before).holds is False
    assert verify(number("qrs_axis_deg", 20.0, of="change"), STUDY, before).holds is True
    assert verify(number("heart_rate_bpm", 60.2, of="previous"), STUDY, before).holds is True
    assert verify(number("pr_ms", 1.0, of="change"), STUDY, before).holds is None


def test_days_between_recordings_are_counted_whatever_the_time_zone():
    now = study(start_time=datetime(2024, 3, 2, 8, 0))
    then = study(start_time=datetime(2024, 2, 28, 8, 0, tzinfo=UTC))
    claim = number("record:days", 3.0, of="change")
    assert verify(claim, now, then).holds is True
    assert verify(claim, then, now).holds is False
    assert verify(claim, now, STUDY).holds is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Patient(patient_id="1"), Patient(patient_id="1"), True),
        (Patient(patient_id="1"), Patient(patient_id="2"), False),
        (Patient(patient_id="1", sex="male"), Patient(patient_id="1", sex="female"), False),
        (Patient(birth_date=date(1950, 1, 1)), Patient(birth_date=date(1950, 1, 2)), False),
        (Patient(sex="male", age_years=50.0), Patient(sex="male", age_years=51.0), None),
        (Patient(), Patient(patient_id="1"), None),
    ],
)
def test_two_recordings_are_of_one_patient_only_where_they_say_so(one, other, same):
    assert same_patient(study(one), study(other)) is same
    for relation, right in (("found", True), ("not found", False), ("undecided", None)):
        claim = number("patient:same", relation=relation, of="change")
        assert (verify(claim, study(one), study(other)).holds is True) == (same is right)


def test_a_study_without_measurements_tells_nothing_false():
    bare = Study(
        record=STUDY.record,
        quality=Quality(acceptable=False, score=0.0),
        fiducials=Fiducials(
            fs=500.0, n_samples=4000, **{f.name: np.zeros(0) for f in fields(Waves)}
        ),
        measurements=Measurements(),
        findings=Findings(),
    )
    for claim in (number("heart_rate_bpm", 75.0), number("RR range", 5.0), statement_claim("SR")):
        assert verify(claim, bare).holds is None
    assert verify(number("st_j_mv", 0.1, lead="V1"), bare).holds is None


def test_claims_survive_json():
    claim = statement_claim("STE_", lead="V1", beats=(1, 2), of="previous")
    assert Claim.from_json(claim.to_json()) == claim
