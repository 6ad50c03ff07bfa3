# SPDX-License-Identifier: Apache-2.0
"""Findings that exclude each other are both there, and one says so."""

from __future__ import annotations

import re

import pytest

from precordia.classification import classify as module
from precordia.classification.classify import classify
from precordia.classification.contradicting import with_contradictions
from precordia.classification.learned import Predicted
from precordia.core.findings import SUPERCLASS, Finding, Findings
from precordia.core.leads import STANDARD_12
from precordia.generation.simulate import simulate
from precordia.knowledge.exclusions import contradictions
from precordia.knowledge.statements import find_statement

MODEL = "a-model"


def made(code, *, rules=None, model=None, disagreement=""):
    """A finding with what rules and a model say of it; the model's threshold is 0.5."""
    says = {name: said for name, said in (("rules", rules), (MODEL, model)) if said is not None}
    return Finding(
        code=code,
        name=find_statement(code).name,
        probability=1.0 if model is None else model,
        method="+".join(says),
        threshold=float("nan") if model is None else 0.5,
        says=says,
        disagreement=disagreement,
    )


def told(*findings):
    found = with_contradictions(Findings(findings=findings))
    assert [f.code for f in found] == [f.code for f in findings]
    assert all(f.present for f in found)
    return {f.code: f.disagreement for f in found.disagreements}


def test_the_less_probable_of_two_says_what_it_contradicts():
    said = told(made("AFIB", model=0.6), made("SR", model=0.8))
    assert list(said) == ["AFIB"]
    assert said["AFIB"].startswith("sinus rhythm (SR) is there as well, and either the sinus node")


@pytest.mark.parametrize(
    ("weaker", "stronger"),
    [
        ({"model": 0.9}, {"rules": 1.0}),
        ({"model": 0.9}, {"rules": 1.0, "model": 0.1}),
        ({"rules": 1.0, "model": 0.4}, {"rules": 1.0, "model": 0.6}),
        ({"rules": 1.0}, {"rules": 1.0, "model": 0.6}),
    ],
)
def test_who_makes_a_finding_counts_before_its_probability(weaker, stronger):
    for codes in (("CLBBB", "CRBBB"), ("CRBBB", "CLBBB")):
        assert list(told(made(codes[0], **weaker), made(codes[1], **stronger))) == [codes[0]]


def test_a_sentence_that_is_there_stays_before_the_new_one():
    one = made("1AVB", model=0.6, disagreement="no criterion is met")
    (said,) = told(one, made("AFIB", model=0.9)).values()
    assert said.startswith("no criterion is met; atrial fibrillation (AFIB) is there as well")


def test_what_is_contradicted_for_one_reason_is_named_in_one_sentence():
    sinus = (made("SR", rules=1.0, model=0.9), made("STACH", rules=1.0, model=0.9))
    (said,) = told(made("AFIB", model=0.6), *sinus).values()
    names, reason = said.split(" are there as well, and ")
    assert set(names.split(" and ")) == {"sinus rhythm (SR)", "sinus tachycardia (STACH)"}
    assert reason.startswith("either the sinus node")
    assert said.count("sinus node") == 1


def test_findings_that_can_be_together_and_withdrawn_ones_say_nothing():
    assert told(made("SR", rules=1.0), made("SBRAD", rules=1.0), made("CRBBB", model=0.9)) == {}
    gone = Finding(
        code="STACH", name="sinus tachycardia", probability=0.9, method=MODEL, present=False
    )
    above = Finding(
        code="NORM", name="normal ECG", probability=0.9, method=MODEL, scheme=SUPERCLASS
    )
    found = Findings(findings=(gone, made("SBRAD", rules=1.0), made("LMI", model=0.9), above))
    assert with_contradictions(found) == found


@pytest.mark.parametrize("method", ["both", "learned"])
def test_whatever_a_model_says_no_contradiction_is_left_untold(monkeypatch, method):
    codes = ("SR", "AFIB", "1AVB", "CLBBB", "CRBBB", "LAFB", "PAC", "NORM")
    predicted = Predicted(
        model=MODEL,
        probabilities=dict.fromkeys(codes, 0.9),
        thresholds=dict.fromkeys(codes, 0.5),
        leads=STANDARD_12,
        n_windows=1,
    )
    monkeypatch.setattr(module, "predict", lambda *args, **options: predicted)
    found = classify(simulate(heart_rate_bpm=75, seed=1), method=method)
    present = [f.code for f in found.present]
    pairs = contradictions(present)
    assert pairs
    for pair in pairs:
        assert any(
            re.search(rf"\({code}\)[^;]* there as well", found[other].disagreement)
            for code, other in (pair.codes, pair.codes[::-1])
        )
