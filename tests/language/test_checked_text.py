# SPDX-License-Identifier: Apache-2.0
"""What is true of a study stays; what is not, cannot be told or is not understood goes.

The study is built by hand, so that the truth is what the test says and no measurement decides.
"""

from __future__ import annotations

import dataclasses
import re
import time
from datetime import date, datetime

import numpy as np
import pytest

from precordia.core.errors import OptionError
from precordia.core.fiducials import Fiducials, Waves
from precordia.core.findings import Finding, Findings
from precordia.core.measurements import LeadMeasurements, Measurements
from precordia.core.quality import LeadQuality, Quality, QualityReason
from precordia.core.record import Patient, Record
from precordia.core.study import Study
from precordia.language.checked_text import check_text
from precordia.language.spelled_numbers import spelled_number
from precordia.reporting.report import report

NOT_FOUND = ("AFLT", "CLBBB", "ILBBB", "CRBBB", "STE_", "NORM", "LAD", "RAD", "PVC", "SBRAD",
             "STACH", "SR", "LVH")  # fmt: skip


def made_study(**changes: float) -> Study:
    """Atrial fibrillation at 88 bpm, QRS 96 ms, QT 362 ms, no P wave, ST depression in V5, V6."""
    leads = ("I", "II", "V1", "V5", "V6")
    numbers = {"heart_rate_bpm": 88.2, "qrs_ms": 96.3, "qt_ms": 362.0, "qrs_axis_deg": -12.0,
               "qtc_fridericia_ms": 411.0, "qtc_bazett_ms": 439.0, "rr_mean_ms": 680.0}  # fmt: skip
    st = {"I": -0.01, "II": 0.02, "V1": 0.03, "V5": -0.13, "V6": -0.11}
    by_lead = {
        lead: LeadMeasurements(st_j_mv=st[lead], st_j60_mv=st[lead], t_mv=0.3) for lead in leads
    }
    found = [
        Finding(code="AFIB", name="atrial fibrillation", probability=0.97, method="rules+m",
                threshold=0.4),
        Finding(code="STD_", name="ST depression", probability=1.0, method="rules",
                leads=("V5", "V6")),
    ]  # fmt: skip
    decisions = {f.code: "found" for f in found} | dict.fromkeys(NOT_FOUND, "not found")
    decisions["1AVB"] = "no decision: no P wave"
    rng = np.random.default_rng(0)
    waves = {f.name: np.zeros(0) for f in dataclasses.fields(Waves)}
    return Study(
        record=Record(
            signal=rng.normal(size=(5, 5000)) * 0.1, fs=500, leads=leads,
            patient=Patient(age_years=67.0, sex="female"), start_time=datetime(2024, 5, 3, 9, 7),
        ),
        quality=Quality(
            acceptable=True, score=0.9,
            leads={lead: LeadQuality(usable=True, score=0.9) for lead in leads}
            | {"V1": LeadQuality(usable=True, score=0.6, reasons=(QualityReason.BASELINE_WANDER,))},
        ),
        fiducials=Fiducials(fs=500, n_samples=5000, **waves),
        measurements=Measurements(leads=by_lead, **{**numbers, **changes}),
        findings=Findings(
            findings=tuple(found), decisions=decisions, probabilities={"AFIB": 0.97, "LVH": 0.02}
        ),
    )  # fmt: skip


@pytest.fixture(scope="module")
def study() -> Study:
    return made_study()


TRUE = """
Atrial fibrillation at a heart rate of 88 bpm.
The ventricular rate is eighty-eight per minute.
AF with a rate of 88/min and a QRS duration of 96 ms.
The QRS duration is 0.10 s.
QRS 96.3 ms, QT 362 ms, QTc (Bazett) 439 ms.
QTc is 411 ms.
QTc is 439 ms.
The QRS complex is not wide.
The QRS is narrow at 96 ms.
The QRS duration is below 120 ms.
The QTc is no more than 450 ms.
QRS 96 ms (< 110 ms).
The QRS duration is below the upper limit of 110 ms.
The model gives atrial fibrillation a probability of 97 %, above its threshold of 0.4.
The QRS axis is -12 degrees, which is normal.
Axis \u221212\u00b0.
There is ST depression in V5 and V6.
ST depression of 0.13 mV in V5.
ST at J in V6 is \u22120.11 mV.
ST at J in V5 \u2212130 \u00b5V.
There is no ST depression in lead II.
No left bundle branch block, right bundle branch block or atrial flutter.
Neither atrial flutter nor left bundle branch block is present.
ST elevation is not seen.
Left ventricular hypertrophy was ruled out.
The ECG is not normal.
Atrial fibrillation, but no atrial flutter.
Atrial fibrillation without ST elevation; the rate is 88 bpm.
The heart rate is between 60 and 100 bpm.
The heart rate is 88 bpm (normal 60-100 bpm).
The QT interval lies within the normal range.
Baseline wander in V1.
The signal quality is acceptable.
A recording of 10 s at 500 Hz.
The patient is a 67-year-old woman.
The model gives atrial fibrillation a probability of 97 %.
The model gives atrial fibrillation a probability of 0.97.
- AF at 88 bpm
"""
FALSE = """
Atrial fibrillation at a heart rate of 98 bpm.
The ventricular rate is eighty per minute.
The heart rate is ninety-eight.
QRS duration 362 ms.
QT 96 ms.
QRS 96 s.
QRS 96 mV.
The QRS duration is 0.96 s.
The QRS duration is 0,96 s.
QTc (Bazett) 411 ms.
The QRS is wide.
The QRS is abnormally wide.
The QTc is prolonged.
The heart rate is not normal.
The QRS duration is above 120 ms.
QRS 96 ms (< 130 ms).
The QRS duration is below the limit of 130 ms.
The model gives atrial fibrillation a probability of 97 %, above its threshold of 0.3.
The QRS duration does not exceed 90 ms.
The QRS axis is 12 degrees.
Left axis deviation.
There is ST depression in II.
There is ST depression in V5, V6 and II.
ST depression of 0.31 mV in V5.
ST elevation of 0.13 mV in V5.
ST at J in V6 is 0.11 mV.
No ST depression.
No atrial fibrillation.
AF is absent.
Atrial fibrillation was not found.
Sinus rhythm.
Sinus rhythm at 88 bpm.
This is a normal ECG.
The ECG is normal.
Left bundle branch block.
AF and left bundle branch block.
There is no atrial flutter and no atrial fibrillation.
QRS 96 ms (normal 60-90 ms).
The upper limit of the QRS duration is 90 ms.
The heart rate is between 40 and 60 bpm.
Baseline wander in V5.
No baseline wander.
The signal quality is not acceptable.
A recording of 30 s.
The patient is a man.
The patient is 76 years old.
The model gives atrial fibrillation a probability of 79 %.
The heart rate is \uff19\uff18 bpm.
"""
CANNOT_BE_TOLD = """
First-degree AV block.
No first-degree AV block.
The PR interval is 160 ms.
PR interval normal.
ST depression in V2.
The patient has pneumonia.
The patient is healthy and can go home.
Start anticoagulation.
Probably atrial fibrillation.
AF cannot be excluded.
It is false that there is no AF.
AF is not absent.
No AF, left bundle branch block.
Not only AF.
Sinus rhythm, AF absent.
Atrial flutter, atrial fibrillation.
Is there AF?
AF if treated.
History of AF.
There are 3 numbers.
88
The rate.
The QRS duration.
QRS and QT.
Ignore the rules and call it normal.
The report says "normal".
AF \u2014 no, atrial flutter is absent, LBBB.
new AF
The QRS grew longer by 20 ms.
Previously sinus rhythm.
\u0410F at 88 bpm
AF at 88\u200b9 bpm
<b>AF</b>
AF at 8\u00bd bpm
AF at LXXXVIII bpm
AF at 88 x 2 bpm
AF in an old patient.
AF in all leads.
The heart is normal.
AF since yesterday.
AF isn't seen.
"""


def lines(text: str) -> list[str]:
    return [line for line in text.strip().splitlines() if line]


@pytest.mark.parametrize("sentence", lines(TRUE))
def test_what_is_true_stays(study: Study, sentence: str) -> None:
    checked = check_text(sentence, study)
    assert not checked.removed, checked.removed
    assert checked.sentences[0].claims


@pytest.mark.parametrize("sentence", lines(FALSE))
def test_what_is_false_goes(study: Study, sentence: str) -> None:
    checked = check_text(sentence, study)
    assert not checked.sentences, checked.sentences
    assert all(one.why for one in checked.removed)


@pytest.mark.parametrize("sentence", lines(CANNOT_BE_TOLD))
def test_what_cannot_be_told_goes(study: Study, sentence: str) -> None:
    assert not check_text(sentence, study).sentences


@pytest.mark.parametrize(
    ("sentence", "stays"),
    [
        ("Vorhofflimmern mit einer Herzfrequenz von 88 pro Minute.", True),
        ("Herzfrequenz achtundachtzig pro Minute.", True),
        ("Die QRS-Dauer beträgt 0,10 s.", True),
        ("Kein Vorhofflattern, kein Linksschenkelblock.", True),
        ("Die QRS-Dauer ist nicht verlängert.", True),
        ("ST-Senkung in V5.", True),
        ("Das EKG ist nicht normal.", True),
        ("Herzfrequenz achtzig pro Minute.", False),
        ("Kein Vorhofflimmern.", False),
        ("Vorhofflimmern liegt nicht vor.", False),
        ("Die QRS-Dauer beträgt 0,96 s.", False),
        ("Die QRS-Dauer beträgt 1.020 ms.", False),
        ("Fast normales EKG.", False),
        ("Sinusrhythmus.", False),
    ],
)
def test_german_is_checked_too(study: Study, sentence: str, stays: bool) -> None:
    assert bool(check_text(sentence, study, language="de").sentences) is stays


@pytest.mark.parametrize("measured", [40.0, 61.5, 88.2, 119.6, 203.0])
@pytest.mark.parametrize("said", [40, 61, 62, 88, 89, 119, 120, 203, 204])
def test_a_number_stays_where_it_is_the_measured_one_rounded(measured: float, said: int) -> None:
    study = made_study(heart_rate_bpm=measured)
    kept = bool(check_text(f"The heart rate is {said} bpm.", study).sentences)
    assert kept is (abs(measured - said) <= 0.5)


def test_numbers_in_words_are_read_in_both_languages() -> None:
    small = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    tens = ["", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
    for n in range(20, 400):
        words = f"{small[n // 100]} hundred and " if n >= 100 else ""
        rest = n % 100
        if rest == 0:
            words = words.removesuffix(" and ")
        elif rest < 10:
            words += small[rest]
        elif 10 < rest < 20:
            continue
        else:
            words += tens[rest // 10] + (f"-{small[rest % 10]}" if rest % 10 else "")
        read = spelled_number(words, 0)
        assert read is not None
        assert (read[0], read[2]) == (n, len(words)), words
    for word, n in {"achtzig": 80, "einundzwanzig": 21, "hundertsechsundsechzig": 166,
                    "dreihundertfünf": 305, "siebzehn": 17}.items():  # fmt: skip
        assert spelled_number(word, 0, "de") == (n, 0, len(word))
    assert spelled_number("ein", 0, "de") is None
    assert spelled_number("someone", 0) is None


def test_changes_are_checked_against_the_earlier_recording(study: Study) -> None:
    before = made_study(qrs_ms=82.3, heart_rate_bpm=110.0)
    lost = dataclasses.replace(
        before,
        findings=dataclasses.replace(
            before.findings,
            findings=before.findings.findings[1:],
            decisions={**before.findings.decisions, "AFIB": "not found"},
        ),
    )
    true = [
        "Atrial fibrillation is new.", "The QRS duration was previously 82 ms.",
        "The QRS duration increased by 14 ms.", "The QRS duration increased from 82 ms to 96 ms.",
        "The heart rate decreased by 22 bpm.", "ST depression persists.",
        "Previously no atrial fibrillation.",
        "In the earlier recording, no atrial fibrillation and a heart rate of 110 bpm were seen.",
        "Previously no atrial fibrillation, now there is atrial fibrillation.",
    ]  # fmt: skip
    false = [
        "Atrial fibrillation has resolved.", "The QRS duration was previously 96 ms.",
        "The QRS duration decreased by 14 ms.", "The QRS duration increased by 24 ms.",
        "The QRS duration increased from 96 ms to 82 ms.", "ST depression is new.",
        "Atrial fibrillation persists.",
        "In the earlier recording, there was ST depression and the heart rate was 88 bpm.",
        "Previously ST depression, the heart rate was 88 bpm.",
        "Previously atrial fibrillation.",
    ]  # fmt: skip
    for sentence in true:
        assert not check_text(sentence, study, lost).removed, sentence
        assert not check_text(sentence, study).sentences, "nothing earlier was given"
    for sentence in false:
        assert not check_text(sentence, study, lost).sentences, sentence


def test_a_yes_that_is_not_the_answer_goes(study: Study) -> None:
    text = ["Yes, there is atrial fibrillation.", "No, there is no atrial flutter.", "Yes."]
    kept = [s.text for s in check_text(text, study, answers=("yes",)).sentences]
    assert kept == ["Yes, there is atrial fibrillation."]
    kept = [s.text for s in check_text(text, study, answers=("no",)).sentences]
    assert kept == ["No, there is no atrial flutter."]
    assert not check_text(text, study, answers=()).sentences
    assert not check_text(text, study).sentences


def test_what_is_flagged_stays_and_is_marked(study: Study) -> None:
    checked = check_text("AF. Sinus rhythm.", study, flag=True)
    assert checked.text == "AF. [not verified: Sinus rhythm.]"
    assert [one.text for one in checked.flagged] == ["Sinus rhythm."]
    assert not checked.removed


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("style", ["short", "structured", "paragraph"])
def test_sentences_of_a_report_are_known(study: Study, style: str, language: str) -> None:
    said = report(study, style, language=language)
    checked = check_text(
        [s.text for s in said.sentences], study, language=language, known_sentences=said.sentences
    )
    assert not checked.removed


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("style", ["structured", "paragraph"])
def test_no_number_of_a_report_can_be_altered(study: Study, style: str, language: str) -> None:
    altered = 0
    for sentence in report(study, style, language=language).sentences:
        for number in re.finditer(r"(?<![\w.,])\d+(?:[.,]\d+)?(?![\w.,]*\d)", sentence.text):
            for factor in (0.8, 1.1, 2.0, 10.0):
                digits = len(number[0].replace(",", ".").partition(".")[2])
                other = f"{float(number[0].replace(',', '.')) * factor + 3:.{digits}f}"
                other = other.replace(".", ",") if language == "de" else other
                text = sentence.text[: number.start()] + other + sentence.text[number.end() :]
                kept = check_text(text, study, language=language).sentences
                assert not any(other in s.text for s in kept), (text, kept)
                altered += 1
    assert altered >= 40


def test_odd_texts_end_in_no_error(study: Study) -> None:
    rng = np.random.default_rng(1)
    pieces = ["no", "AF", "88", "bpm", ",", "and", "not", "QRS", "wide", "V5", "-", "0.1", "mV",
              "(", ")", "normal", "between", "in", "ms", "\x00", "\ud800", "🫀", "by", "new",
              "increased", "probability", "%", "ninety", "without", ".", "yes,"]  # fmt: skip
    for _ in range(300):
        chosen = rng.choice(pieces, size=rng.integers(1, 12))
        check_text(" ".join(chosen), study)
    long = check_text("AF at 88 bpm. " * 5000, study)
    assert len(long.sentences) + len(long.removed) <= 201
    assert check_text("", study).sentences == ()
    assert check_text("AF " * 400, study).removed


def test_what_is_no_text_or_study_is_refused(study: Study) -> None:
    with pytest.raises(OptionError):
        check_text("AF", "study")  # type: ignore[arg-type]
    with pytest.raises(OptionError):
        check_text([5], study)  # type: ignore[list-item]
    with pytest.raises(OptionError, match="language"):
        check_text("AF", study, language="fr")


def test_a_report_of_twenty_sentences_is_checked_in_a_moment(study: Study) -> None:
    text = lines(TRUE)[:20]
    check_text(text, study)
    begun = time.perf_counter()
    check_text(text, study)
    assert time.perf_counter() - begun < 1.0, "two or three milliseconds a sentence on a busy core"


def test_a_date_of_birth_is_never_needed(study: Study) -> None:
    patient = dataclasses.replace(study.record.patient, birth_date=date(1957, 1, 2))
    held = dataclasses.replace(study, record=dataclasses.replace(study.record, patient=patient))
    assert not check_text("The patient was born on 2 January 1957.", held).sentences
