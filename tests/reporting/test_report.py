# SPDX-License-Identifier: Apache-2.0
"""Reports say nothing but what verifies, in either language, and abstain where they must."""

import re
from dataclasses import replace
from datetime import datetime
from itertools import product

import pytest

from precordia.core.claims import Claim
from precordia.core.errors import OptionError, UnknownNameError
from precordia.core.findings import FOUND, SUPERCLASS, Finding, Findings
from precordia.core.report import LANGUAGES, STYLES, Report
from precordia.core.verify import verify
from precordia.generation.reversed_time import with_time_reversed
from precordia.generation.simulate import simulate
from precordia.pipeline import examine
from precordia.reporting.report import report
from precordia.reporting.wording import Wording

EVERY = list(product(STYLES, LANGUAGES))
#: of each database, every so many recordings
REAL = {
    "ptbxl/records500/*/*_hr.hea": 20,
    "ptbxl/records100/*/*_lr.hea": 180,
    "cinc2021/**/*.hea": 60,
    "cinc2011/*.hea": 350,
    "cinc2017/**/*.hea": 120,
    "ludb/data/*.hea": 80,
}


def assert_all_true(study, previous=None):
    for style, language in EVERY:
        written = report(study, style, language=language, previous=previous)
        assert written.sentences
        for sentence in written.sentences:
            assert sentence.claims, sentence.text
            for claim in sentence.claims:
                verdict = verify(claim, study, previous)
                assert verdict.holds is True, f"{sentence.text} {claim}: {verdict}"
            assert numbers_in(sentence.text) <= numbers_of(sentence, study, previous), sentence.text


def numbers_in(text):
    """Whole numbers, read out of a text without names that hold digits."""
    text = re.sub(
        r"\bV\d|\bV[1-6]|[a-z]+-[\w.-]+|\d+\.\d+\.\d+\S*|\bJ\b|\S+:\S+|\d+\+\w+", " ", text
    )
    found = re.findall(r"\d+(?:[.,]\d+)?", text)
    return {round(float(n.replace(",", "."))) for n in found}


def numbers_of(sentence, study, previous):
    """Whole numbers that claims hold, and those that phrases and names hold by themselves."""
    held = {2, 3, 1, 60, 18, 89, 0}
    for claim in sentence.claims:
        for value in (claim.value, claim.limit):
            if value == value and abs(value) < 1e9:
                held |= {round(abs(value)), int(abs(value)), int(abs(value)) + 1}
        held |= {int(n) for n in re.findall(r"\d+", claim.measure + claim.text)}
    return held


@pytest.mark.parametrize("name", ["sinus", "atrial-fibrillation", "left-bundle-block"])
def test_every_sentence_about_a_simulated_recording_verifies(studies, name):
    assert_all_true(studies[name])
    assert_all_true(studies[name], studies["ventricular-premature"])


@pytest.mark.parametrize("pattern", REAL)
def test_every_sentence_about_a_real_recording_verifies(shared_data, pattern):
    files = sorted(shared_data.glob(pattern))[:: REAL[pattern]]
    assert files
    before = None
    for path in files:
        study = examine(path)
        assert_all_true(study, before)
        before = study


def test_every_finding_is_told_in_every_style_and_language(studies):
    for study, (style, language) in product(studies.values(), EVERY):
        written = report(study, style, language=language)
        words = Wording(language, style)
        for finding in study.findings.present:
            name = words.statement(finding.code, study.findings)
            if finding.code not in ("SR", "NORM"):
                assert name.lower() in str(written).lower(), (finding.code, style, language)


def test_fibrillation_in_german_is_german(fibrillation):
    text = str(report(fibrillation, "structured", language="de"))
    assert "Vorhofflimmern, Herzfrequenz" in text
    assert "PQ-Zeit und P-Achse (keine P-Welle)" in text
    assert "Kein Medizinprodukt" in text
    assert not re.search(
        r"\b(the|and|of|is|with|found|not|wave|model)\b", text.split("Erstellt mit")[0]
    )


def test_the_notice_stands_in_every_report(sinus):
    for style in STYLES:
        assert "Not a medical device" in str(report(sinus, style))


def test_method_and_version_are_told(sinus):
    for style in ("structured", "paragraph"):
        assert str(sinus.findings.source) in str(report(sinus, style))


def test_the_patient_is_told_by_age_and_sex_alone_unless_asked(sinus, of_patient):
    known = of_patient(sinus, patient_id="P-4711", name="Ada Lovelace", age_years=36, sex="female")
    for style, language in EVERY:
        plain = report(known, style, language=language)
        assert not re.search("4711|Ada|Lovelace", plain.to_json())
        asked = report(known, style, language=language, identifiers=True)
        assert "P-4711" in str(asked)
        assert "Ada Lovelace" in str(asked)
        assert all(verify(c, known).holds for c in asked.claims)
    assert "36 Jahre, weiblich" in str(report(known, language="de"))


def test_an_age_that_few_reach_is_not_told(sinus, of_patient):
    text = report(of_patient(sinus, age_years=97.0), "structured").to_json()
    assert "over 89 years" in text
    assert "97" not in text.split('"section": "quality"')[0]


def test_a_child_is_told_that_limits_are_those_of_adults(sinus, of_patient):
    assert "under 18 years" in str(report(of_patient(sinus, age_years=9.0)))


def test_nothing_is_said_of_what_cannot_be_read(unreadable):
    assert not unreadable.quality.acceptable
    for style, language in EVERY:
        written = report(unreadable, style, language=language)
        assert {s.section for s in written.sentences} <= {
            "recording", "quality", "findings", "method",
        }  # fmt: skip
        assert all(verify(claim, unreadable).holds for claim in written.claims)
    assert "cannot be told" in str(report(unreadable, "short"))
    assert "lässt sich nicht sagen" in str(report(unreadable, "short", language="de"))


def test_a_recording_of_another_patient_is_not_compared(sinus, fibrillation, of_patient):
    now, then = of_patient(fibrillation, patient_id="1"), of_patient(sinus, patient_id="2")
    for style in STYLES:
        told = [s for s in report(now, style, previous=then).sentences if s.section == "comparison"]
        assert [s.text for s in told] == [
            "The earlier recording is of another patient; the two are not compared."
        ]
        assert verify(told[0].claims[0], now, then).holds is True


def test_what_changed_is_told_both_ways(sinus, fibrillation, of_patient):
    now, then = of_patient(fibrillation, patient_id="1"), of_patient(sinus, patient_id="1")
    forth, back = str(report(now, previous=then)), str(report(then, previous=now))
    assert "New: atrial fibrillation." in forth
    assert "No longer found: sinus rhythm; normal ECG." in forth
    assert "No longer found: atrial fibrillation." in back
    assert "same patient" not in forth
    apart = round(now.measurements.heart_rate_bpm) - round(then.measurements.heart_rate_bpm)
    assert f"(+{apart}/min)" in forth
    assert f"(−{apart}/min)" in back


def test_whose_recordings_they_are_is_left_open_where_nothing_tells(sinus, fibrillation):
    text = str(report(fibrillation, previous=sinus))
    assert "do not say whether they are of the same patient" in text
    assert "New: atrial fibrillation." in text


def test_an_earlier_recording_that_cannot_be_read_is_not_compared(sinus, unreadable):
    text = str(report(sinus, previous=unreadable))
    assert "earlier recording is not acceptable" in text
    assert "New:" not in text


def test_the_time_between_is_told_and_never_a_date(sinus, of_patient):
    then = replace(sinus, record=replace(sinus.record, start_time=datetime(2021, 5, 1, 9)))
    now = replace(sinus, record=replace(sinus.record, start_time=datetime(2021, 5, 15, 9)))
    assert "made 14 days before" in str(report(now, previous=then))
    assert "made later" in str(report(then, previous=now))
    assert "2021" not in report(now, previous=then).to_json()


def test_findings_that_exclude_each_other_are_called_so(sinus, fibrillation):
    both = (*fibrillation.findings.findings, sinus.findings["SR"])
    decisions = fibrillation.findings.decisions | {"SR": "found"}
    findings = replace(fibrillation.findings, findings=both, decisions=decisions)
    text = str(report(replace(fibrillation, findings=findings)))
    assert (
        "exclude each other, and a reader must decide: atrial fibrillation, or sinus rhythm" in text
    )


@pytest.mark.parametrize("style", ["short", "structured", "paragraph"])
def test_a_recording_that_may_run_backwards_is_told_in_every_style(sinus, style):
    study = examine(with_time_reversed(sinus.record))
    assert "may run backwards" in str(report(study, style))
    assert "läuft vielleicht rückwärts" in str(report(study, style, language="de"))
    assert "backwards" not in str(report(sinus, style))


def test_exchanged_leads_are_told_in_short_reports(sinus):
    record = sinus.record
    signal = record.signal.copy()
    signal[list(record.leads).index("I")] *= -1
    study = examine(replace(record, signal=signal))
    assert "said of single leads may be of others" in str(report(study, "short"))


def test_two_findings_that_exclude_each_other_have_no_comma_between_them_in_german(sinus):
    named = {"SR": "sinus rhythm", "AFIB": "atrial fibrillation"}
    made = tuple(
        Finding(code=code, name=name, probability=0.9, method="model")
        for code, name in named.items()
    )
    held = Findings(findings=made, decisions=dict.fromkeys(named, FOUND))
    study = replace(sinus, findings=held)
    assert "decide: sinus rhythm, or atrial fibrillation." in str(report(study))
    assert "entscheiden: Sinusrhythmus oder Vorhofflimmern." in str(report(study, language="de"))


@pytest.mark.parametrize(("statement", "told"), [("AMI", False), ("LAFB", True), ("", True)])
def test_a_class_without_a_statement_of_it_is_told(sinus, statement, told):
    infarction = Finding(
        code="MI", name="infarction", probability=0.7, method="model", scheme=SUPERCLASS,
        threshold=0.3, present=True,
    )  # fmt: skip
    alone = Finding(code=statement or "SR", name=statement, probability=0.9, method="model")
    held = Findings(
        findings=(alone, infarction),
        decisions={alone.code: FOUND},
        probabilities={"MI": 0.7, alone.code: 0.9},
    )
    study = replace(sinus, findings=held)
    assert_all_true(study)
    written = str(report(study))
    assert (
        "Myocardial infarction, by the model alone, with a probability of 0.7:" in written
    ) is told
    assert ("myocardial infarction (as a class, by the model alone)" in written.lower()) is told
    assert "nothing abnormal" not in written


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_ratio_to_a_wave_that_is_not_there_is_written_as_one(language):
    words = Wording(language, "structured")
    assert words.number(float("inf"), "", 1.0) == "∞"
    assert words.shown(float("inf")) == float("inf")
    assert str(Claim(measure="r_to_s", value=float("inf"), relation=">", limit=1, lead="V1")) == (
        "R to S ratio in V1 ∞ (> 1)"
    )


def test_a_suspected_ventricular_tachycardia_stands_in_the_rhythm():
    study = examine(simulate("ventricular-tachycardia", seed=1))
    assert "VTACH" in study.findings
    (rhythm,) = [s.text for s in report(study).sentences if s.section == "rhythm"]
    assert "entricular tachycardia" in rhythm


def test_a_report_survives_json(sinus):
    written = report(sinus, "paragraph", language="de")
    again = Report.from_json(written.to_json())
    assert str(again) == str(written)
    assert [repr(c) for c in again.claims] == [repr(c) for c in written.claims]


def test_mistakes_are_sentences(sinus):
    with pytest.raises(UnknownNameError, match=r"no style 'structure'\. Did you mean 'structured'"):
        report(sinus, "structure")
    with pytest.raises(UnknownNameError, match=r"no language 'fr'.*en, de"):
        report(sinus, language="fr")
    with pytest.raises(OptionError, match=r"needs a Study. Use report\(examine\(path\)\)"):
        report("ecg.dcm")  # type: ignore[arg-type]  # a sentence, wrong on purpose
