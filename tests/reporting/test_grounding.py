# SPDX-License-Identifier: Apache-2.0
"""The grounding score: no judge, the same for the same input, and every fault is seen."""

from dataclasses import replace

import pytest

from precordia.core.claims import Claim, statement_claim
from precordia.core.errors import OptionError
from precordia.reporting.grounding import score_grounding
from precordia.reporting.report import report

STYLES = ("short", "structured", "paragraph")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("language", ["en", "de"])
def test_our_own_reports_are_grounded_as_claims_and_as_text(studies, style, language):
    sinus = studies["sinus"]
    for study in studies.values():
        written = report(study, style, language=language, previous=sinus)
        score = score_grounding(written, study, previous=sinus)
        read = score_grounding(written, study, previous=sinus, text=str(written))
        assert score.grounded, score
        assert score.precision == 1.0
        assert read.unsupported == ()
        assert repr(read) == repr(score)


def test_a_report_of_one_recording_is_not_grounded_in_another(sinus, fibrillation):
    score = score_grounding(report(sinus), fibrillation)
    assert score.precision < 0.9
    assert score.n_false > 3
    assert score.missed[0] == "AFIB"
    assert score.coverage == 0.0
    assert not score.grounded


def test_shares_are_counted(fibrillation):
    rate = fibrillation.measurements.heart_rate_bpm
    said = [
        statement_claim("AFIB"),
        Claim(measure="heart_rate_bpm", value=rate),
        Claim(measure="heart_rate_bpm", relation="<", limit=20.0),
        Claim(measure="pr_ms", value=160.0),
    ]
    score = score_grounding(said, fibrillation)
    assert (score.n_claims, score.n_true, score.n_false, score.n_open) == (4, 2, 1, 1)
    assert score.precision == 0.5
    assert score.coverage == 1.0
    assert any("no P wave" in text for text in score.problems)


def test_a_number_that_was_altered_is_unsupported(fibrillation):
    written = report(fibrillation, "paragraph")
    rate = f"{fibrillation.measurements.heart_rate_bpm:.0f}"
    altered = str(written).replace(f"heart rate of {rate} per", "heart rate of 44 per")
    assert altered != str(written)
    score = score_grounding(written, fibrillation, text=altered)
    assert len(score.unsupported) == 1
    assert "heart rate of 44" in score.unsupported[0]
    assert not score.grounded


def test_a_sentence_that_was_added_or_left_out_is_seen(fibrillation):
    written = report(fibrillation, "structured")
    added = score_grounding(written, fibrillation, text=f"{written}\nThe heart is enlarged.")
    assert added.unsupported == ("The heart is enlarged.",)
    rest = "\n".join(
        t for t in str(written).split("\n") if "ormal ECG" not in t and "trial fib" not in t
    )
    assert score_grounding(written, fibrillation, text=rest).missed == ("AFIB",)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Claim(measure="qrs_ms", value=90.0), Claim(measure="qrs_ms", value=120.0)),
        (
            Claim(measure="qrs_ms", relation="<", limit=100.0),
            Claim(measure="qrs_ms", relation=">=", limit=120.0),
        ),
        (
            Claim(measure="qrs_ms", relation="<", limit=100.0),
            Claim(measure="qrs_ms", relation=">=", limit=100.0),
        ),
        (Claim(measure="qrs_ms", value=130.0), Claim(measure="qrs_ms", relation="<", limit=120.0)),
        (Claim(measure="pr_ms", relation="absent"), Claim(measure="pr_ms", value=160.0)),
        (statement_claim("AFIB"), statement_claim("AFIB", "not found")),
        (statement_claim("LVH"), statement_claim("LVH", "undecided")),
        (statement_claim("LNGQT"), statement_claim("SHTQT")),
        (statement_claim("NORM"), statement_claim("CLBBB")),
    ],
    ids=str,
)
def test_claims_that_cannot_both_hold_contradict_each_other(sinus, one, other):
    assert len(score_grounding([one, other], sinus).contradictions) == 1
    assert len(score_grounding([other, one], sinus).contradictions) == 1
    assert not score_grounding([one, one], sinus).contradictions


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Claim(measure="qrs_ms", value=90.2), Claim(measure="qrs_ms", value=90.0)),
        (Claim(measure="qrs_ms", value=90.0), Claim(measure="qrs_ms", value=150.0, of="previous")),
        (
            Claim(measure="st_j_mv", value=0.1, lead="V1"),
            Claim(measure="st_j_mv", value=0.3, lead="V2"),
        ),
        (
            Claim(measure="qrs_ms", relation=">=", limit=100.0),
            Claim(measure="qrs_ms", relation="<=", limit=100.0),
        ),
        (statement_claim("STE_", lead="V1"), statement_claim("STE_", "not found", lead="V5")),
        (statement_claim("SR"), statement_claim("SBRAD")),
        (statement_claim("SR"), statement_claim("no-such-code")),
    ],
    ids=str,
)
def test_claims_of_different_things_do_not(sinus, one, other):
    assert score_grounding([one, other], sinus).contradictions == ()


def test_findings_that_exclude_each_other_are_a_conflict_of_the_study(sinus, fibrillation):
    both = (*fibrillation.findings.findings, sinus.findings["SR"])
    decisions = fibrillation.findings.decisions | {"SR": "found"}
    torn = replace(
        fibrillation,
        findings=replace(fibrillation.findings, findings=both, decisions=decisions),
    )
    score = score_grounding(report(torn), torn)
    assert score.conflicts == ("AFIB / SR found",)
    assert score.contradictions == ()


def test_nothing_said_has_no_precision_and_misses_all(fibrillation):
    score = score_grounding([], fibrillation)
    assert score.precision != score.precision
    assert score.missed == ("AFIB",)
    assert not score.grounded


def test_mistakes_are_sentences(sinus):
    with pytest.raises(OptionError, match="a text arrived without its report"):
        score_grounding([], sinus, text="all is well")
    with pytest.raises(OptionError, match="a Report or Claims are needed"):
        score_grounding(["all is well"], sinus)  # type: ignore[list-item]  # wrong on purpose
