# SPDX-License-Identifier: Apache-2.0
"""Sentences read as a person would write them: nothing twice, nothing against itself."""

import itertools
import re
from dataclasses import replace

import pytest

from precordia.core.claims import Claim
from precordia.core.findings import Abstention, Finding
from precordia.core.measurements import Absence
from precordia.core.quality import LeadQuality, QualityReason
from precordia.core.verify import verify
from precordia.knowledge.statements import find_statement
from precordia.reporting.borne_out import not_borne_out
from precordia.reporting.evidence import told_evidence
from precordia.reporting.finding_sentences import conflict_sentences
from precordia.reporting.grounding import score_grounding
from precordia.reporting.recording_sentences import quality_sentences
from precordia.reporting.report import report
from precordia.reporting.rhythm_sentences import rhythm_sentences
from precordia.reporting.undecided_sentences import undecided_sentences
from precordia.reporting.wording import Wording

ENGLISH, GERMAN = Wording("en", "structured"), Wording("de", "structured")
MODEL = "some-model"


def found_also(study, *codes, method=MODEL, probability=0.4):
    """A study that has further findings, as of a model alone."""
    findings = study.findings
    more = [
        Finding(code=c, name=find_statement(c).name, probability=probability, method=method)
        for c in codes
    ]
    kept = [f for f in findings.findings if f.code not in codes]
    return replace(
        study,
        findings=replace(
            findings,
            findings=(*kept, *more),
            decisions=findings.decisions | dict.fromkeys(codes, "found"),
            probabilities=findings.probabilities | dict.fromkeys(codes, probability),
        ),
    )


def undecided(study, *codes):
    """A study in which statements were not decided on."""
    findings = study.findings
    kept = tuple(f for f in findings.findings if f.code not in codes)
    said = findings.decisions | dict.fromkeys(codes, "no decision: not measured")
    why = (*findings.abstained, *(Abstention(code=c, name=c, reason="not measured") for c in codes))
    made = replace(findings, findings=kept, decisions=said, abstained=why)
    return replace(study, findings=made)


def test_a_rhythm_that_the_rate_denies_is_not_the_rhythm(sinus):
    fast = found_also(sinus, "STACH")
    assert sinus.measurements.heart_rate_bpm < 100
    assert list(not_borne_out(fast)) == ["STACH"]
    for style in ("short", "structured", "paragraph"):
        written = report(fast, style)
        text = str(written)
        assert "inus rhythm" in text
        assert "sinus tachycardia, heart rate" not in text.lower()
        assert "sinus tachycardia (by the model alone, not borne out by the measurement)" in text
        assert all(verify(claim, fast).holds for claim in written.claims)
        assert score_grounding(written, fast).missed == ()
    assert "heart rate 70/min (≤ 100/min)" in str(report(fast))


def test_a_rate_without_any_other_rhythm_says_whose_word_it_is(sinus):
    alone = found_also(sinus, "STACH")
    alone = undecided(alone, "SR")
    (told,) = rhythm_sentences(alone, ENGLISH)
    assert told.text.endswith("the model alone says sinus tachycardia, which the heart rate does "
                              "not bear out.")  # fmt: skip
    assert all(verify(claim, alone).holds for claim in told.claims)


def test_what_a_rule_made_is_not_denied(sinus):
    assert not_borne_out(found_also(sinus, "STACH", method=f"rules+{MODEL}")) == {}
    slow = found_also(sinus, "1AVB")
    assert set(not_borne_out(slow)) == {"1AVB"}
    absent = replace(
        slow,
        measurements=replace(
            slow.measurements,
            pr_ms=float("nan"),
            absent=slow.measurements.absent | {"pr_ms": Absence.NO_P_WAVE},
        ),
    )
    assert not_borne_out(absent) == {}


def test_rhythms_that_exclude_each_other_are_joined_by_or(sinus):
    torn = found_also(sinus, "AFIB")
    (told,) = rhythm_sentences(torn, ENGLISH)
    assert told.text.startswith("Atrial fibrillation or sinus rhythm, heart rate 70")
    assert rhythm_sentences(torn, GERMAN)[0].text.startswith("Vorhofflimmern oder Sinusrhythmus")


@pytest.mark.parametrize("style", ["short", "structured", "paragraph"])
def test_findings_against_the_same_others_are_one_sentence_in_every_style(sinus, style):
    torn = undecided(found_also(sinus, "AFIB", "AFLT", "STACH", "1AVB"), "SR", "NORM")
    (told,) = conflict_sentences(torn, ENGLISH)
    sides = told.text.removesuffix(".").split("decide: ")[1].split(", or ")
    one, other = sorted(set(re.split(" and |, ", side)) for side in sides)
    assert one == {"atrial fibrillation", "suspected atrial flutter"}
    assert other == {"sinus tachycardia", "first-degree AV block"}
    assert "exclude each other" in str(report(torn, style))


def test_every_pair_that_excludes_each_other_is_told(sinus):
    torn = found_also(sinus, "CLBBB", "CRBBB", "IRBBB", "LAFB", "LPFB")
    told = conflict_sentences(torn, ENGLISH)
    named = {frozenset((c.measure, d.measure)) for s in told for c in s.claims for d in s.claims}
    for one, other in (("CLBBB", "CRBBB"), ("CRBBB", "IRBBB"), ("LAFB", "LPFB"), ("CLBBB", "LAFB")):
        assert frozenset((f"statement:{one}", f"statement:{other}")) in named


def test_a_class_stands_for_its_statements_and_a_kind_is_not_told_beside_it(sinus):
    walls = ("AMI", "ASMI", "SMI", "ALMI", "LMI", "ILMI", "IMI", "PMI")
    (told,) = undecided_sentences(undecided(sinus, *walls, "2AVB", "MOBITZ1", "LAD"), ENGLISH)
    assert told.text == (
        "No decision was made on: myocardial infarction; second-degree AV block; left axis "
        "deviation."
    )
    assert len(told.claims) == len(walls) + 3
    (some,) = undecided_sentences(undecided(sinus, *walls[1:]), ENGLISH)
    assert "anteroseptal myocardial infarction; septal" in some.text


def test_numbers_of_one_measure_are_one_row_and_limits_of_one_number_one_bracket(sinus):
    leads = sinus.measurements.leads
    j = {name: round(leads[name].st_j_mv, 6) for name in ("V2", "V3")}
    axis = sinus.measurements.qrs_axis_deg
    about = {"measure": "st_j_mv", "unit": "mV", "relation": ">=", "limit": -9.0}
    claims = [Claim(**about, value=leads[n].st_j_mv, lead=n) for n in j]
    claims += [
        Claim(measure="qrs_axis_deg", value=axis, unit="°", relation=relation, limit=limit)
        for relation, limit in ((">", -90.0), ("<", 179.0))
    ]
    claims += [Claim(measure="n_beats", value=1e9)]  # false, and not told
    finding = replace(found_also(sinus, "STE_").findings["STE_"], claims=tuple(claims))
    shown, held = told_evidence(sinus, ENGLISH, finding)
    assert len(held) == 4
    assert re.fullmatch(r"ST at J: V2 \S+ mV, V3 \S+ mV \(≥ −9 mV\)", shown[0])
    assert shown[1] == f"QRS axis {axis:.0f}° (> −90°, < 179°)"
    assert len(shown) == 2


def test_a_count_is_told_without_a_limit_of_one(studies):
    study = studies["ventricular-premature"]
    finding = study.findings["PVC"]
    shown, held = told_evidence(study, ENGLISH, finding)
    assert held
    assert "≥ 1)" not in "; ".join(shown)
    assert "Ventricular premature beats: ventricular beats" in str(report(study))


def test_numbers_that_are_absent_for_one_reason_are_named_together(fibrillation):
    assert "Not measurable: PR interval and P axis (no P wave)." in str(report(fibrillation))


def test_leads_that_cannot_be_used_for_one_reason_are_named_together(sinus, unreadable):
    flat = LeadQuality(
        **{f: getattr(sinus.quality.leads["I"], f) for f in LeadQuality.__slots__}
        | {"usable": False, "reasons": (QualityReason.FLAT,)}
    )
    some = replace(sinus, quality=replace(sinus.quality, leads=sinus.quality.leads
                                          | {"I": flat, "V4": flat}))  # fmt: skip
    assert quality_sentences(some, ENGLISH)[1].text == "Not usable: I, V4 (flat)."
    assert "Ableitungen (" in quality_sentences(unreadable, GERMAN)[1].text


def test_no_sentence_says_one_thing_twice(studies):
    for study in studies.values():
        for language in ("en", "de"):
            texts = [s.text for s in report(study, "paragraph", language=language).sentences]
            assert len(texts) == len(set(texts))
            for text in texts:
                parts = re.split(r"[;:,]\s", text)
                assert len(parts) == len(set(parts)), text


def test_whoever_subtracts_what_is_told_finds_the_change_that_is_told(studies):
    for then, now in itertools.permutations(studies.values(), 2):
        for sentence in report(now, previous=then).sentences:
            text = sentence.text.replace("−", "-")
            if sentence.section != "comparison" or "before" not in text:
                continue
            for a, b, change in re.findall(
                r"(-?[\d.]+)[^\d;,]*, before (-?[\d.]+)[^(;]*\([+±]?(-?[\d.]+)", text
            ):
                apart = float(a) - float(b)
                turned = (apart + 180) % 360 - 180  # an axis goes round
                assert pytest.approx(float(change), abs=1e-9) in (round(apart, 2), turned), text
