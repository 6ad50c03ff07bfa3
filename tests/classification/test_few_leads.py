# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from precordia.classification import atrial_fibrillation
from precordia.classification.few_leads import with_fibrillation
from precordia.core.claims import Claim
from precordia.core.errors import WeightsError
from precordia.core.findings import Abstention, Finding, Findings
from precordia.core.leads import STANDARD_12
from precordia.core.record import Record
from precordia.core.source import Source

NAME = "atrial fibrillation"


def record(n_leads=1):
    signal = np.random.default_rng(0).normal(size=(n_leads, 1000))
    return Record(signal=signal, fs=100, leads=STANDARD_12[:n_leads])


@pytest.fixture
def judged(monkeypatch):
    """Give a function that says what the model for few leads will say."""

    def set_to(probability):
        claim = Claim(measure="fibrillation_percent", value=80.0, unit="%")
        finding = Finding(
            code="AFIB", name=NAME, probability=probability, method="few", claims=(claim,),
            calibration="platt", threshold=0.4, present=probability >= 0.4,
        )  # fmt: skip
        monkeypatch.setattr(
            atrial_fibrillation, "judge_fibrillation", lambda record, quality: finding
        )

    return set_to


def findings(*made, general=0.1, abstained=()):
    return Findings(
        findings=made,
        abstained=abstained,
        source=Source(method="classify:rules+general"),
        probabilities={"AFIB": general},
    )


def made(by_rule, general):
    says = {"rules": by_rule, "general": general}
    claims = (Claim(measure="rr_irregularity", value=0.2),) if by_rule else ()
    return Finding(
        code="AFIB", name=NAME, probability=general, method="x", says=says, claims=claims
    )


def test_its_probability_is_the_one_that_counts(judged):
    judged(0.9)
    found = with_fibrillation(findings(made(1.0, 0.5)), record(), None)
    finding = found["AFIB"]
    assert finding.probability == found.probabilities["AFIB"] == 0.9
    assert finding.says == {"rules": 1.0, "general": 0.5, "few": 0.9}
    assert [c.measure for c in finding.claims] == ["rr_irregularity", "fibrillation_percent"]
    assert (finding.disagreement, finding.threshold) == ("", 0.4)


def test_what_it_alone_finds_is_made_and_says_that_no_criterion_is_met(judged):
    judged(0.9)
    sinus = Finding(code="NORM", name="normal ECG", probability=0.5, method="general")
    found = with_fibrillation(findings(sinus), record(), None)
    assert [f.code for f in found] == ["AFIB", "NORM"]
    assert found["AFIB"].says == {"rules": 0.0, "general": 0.1, "few": 0.9}
    assert "no criterion is met" in found["AFIB"].disagreement


def test_a_rule_that_it_does_not_believe_stays_with_a_sentence(judged):
    judged(0.1)
    finding = with_fibrillation(findings(made(1.0, 0.8)), record(), None)["AFIB"]
    assert finding.present
    assert "criterion is met; few gives it 0.10, below its threshold of 0.40" in str(
        finding.disagreement
    )


def test_what_only_the_general_model_finds_is_withdrawn(judged):
    judged(0.1)
    found = with_fibrillation(findings(made(0.0, 0.8)), record(), None)
    assert "AFIB" not in found
    assert found.disagreements[0].disagreement.startswith("withdrawn: few, made for few leads")


def test_nothing_is_made_where_nobody_finds_it(judged):
    judged(0.1)
    found = with_fibrillation(findings(), record(), None)
    assert len(found) == 0
    assert found.probabilities == {"AFIB": 0.1}


def test_where_the_rules_abstain_there_is_no_disagreement(judged):
    judged(0.9)
    open_ = (Abstention(code="AFIB", name=NAME, reason="too short"),)
    finding = with_fibrillation(findings(abstained=open_), record(), None)["AFIB"]
    assert finding.says == {"general": 0.1, "few": 0.9}
    assert finding.disagreement == ""


def test_more_leads_an_abstention_or_no_weights_change_nothing(judged, monkeypatch):
    judged(0.9)
    before = findings(made(1.0, 0.5))
    assert with_fibrillation(before, record(4), None) is before
    assert with_fibrillation(before, record(3), None) is not before
    silent = Abstention(code="AFIB", name=NAME, reason="too short", method="few")
    monkeypatch.setattr(atrial_fibrillation, "judge_fibrillation", lambda record, quality: silent)
    assert with_fibrillation(before, record(), None) is before

    def absent(record, quality):
        raise WeightsError("not there")

    monkeypatch.setattr(atrial_fibrillation, "judge_fibrillation", absent)
    assert with_fibrillation(before, record(), None) is before
