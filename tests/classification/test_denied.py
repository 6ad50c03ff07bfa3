# SPDX-License-Identifier: Apache-2.0
"""A number that defines a statement decides against a model, where it can be trusted."""

from __future__ import annotations

import json

import pytest

from precordia.classification import classify as module
from precordia.classification.by_rules import judge_case, open_case
from precordia.classification.classify import classify
from precordia.classification.denied import denied_statements
from precordia.classification.learned import Predicted
from precordia.core.findings import Finding, Findings
from precordia.core.leads import STANDARD_12
from precordia.core.source import Source
from precordia.core.verify import verify
from precordia.generation.simulate import simulate
from precordia.pipeline import examine
from precordia.questions.answer import answer
from precordia.reporting.report import report

MODEL = "a-model"
DENIED = ("STACH", "SBRAD", "1AVB", "LPR", "IVCD", "LAFB")


@pytest.fixture(scope="module")
def record():
    return simulate(heart_rate_bpm=82, pr_ms=160, qrs_ms=90, qrs_axis_deg=40, seed=1)


@pytest.fixture
def believing(monkeypatch):
    """A model that believes everything that a number defines."""
    said = dict.fromkeys(("NORM", "SR", *DENIED), 0.9)
    predicted = Predicted(
        model=MODEL,
        probabilities=said,
        thresholds=dict.fromkeys(said, 0.5),
        calibration="Platt scaling",
        leads=STANDARD_12,
        n_windows=1,
    )
    monkeypatch.setattr(module, "predict", lambda *args, **options: predicted)


def test_what_a_model_says_against_the_number_is_no_finding_and_is_told(record, believing):
    found = classify(record)
    assert {f.code for f in found.present} == {"SR", "NORM"}
    withdrawn = {f.code: f for f in found.disagreements}
    assert set(withdrawn) == set(DENIED)
    for code, finding in withdrawn.items():
        assert found.decisions[code] == "not found"
        assert found.probabilities[code] == finding.probability == 0.9
        assert finding.claims
        assert finding.reference
    assert "heart rate 82 bpm (≤ 100 bpm)" in withdrawn["STACH"].disagreement
    kept = json.loads(found.to_json())
    assert {f["code"] for f in kept["findings"] if f["disagreement"]} == set(DENIED)


def test_the_model_asked_alone_speaks_for_itself(record, believing):
    assert {f.code for f in classify(record, method="learned").present} >= set(DENIED)


def test_the_number_that_denies_holds_and_is_told_in_report_and_answer(record, believing):
    study = examine(record)
    for finding in study.findings.disagreements:
        assert all(verify(claim, study).holds for claim in finding.claims), finding.code
    for style in ("short", "structured", "paragraph"):
        written = report(study, style)
        assert all(verify(claim, study).holds for claim in written.claims)
    assert "sinus tachycardia a probability of 0.9, which is not borne out" in str(report(study))
    assert answer(study, "Is there sinus tachycardia?").answers == ("no",)
    assert answer(study, "Is the ECG normal?").answers == ("yes",)


@pytest.mark.parametrize(("method", "stands"), [("both", []), ("learned", ["STACH"])])
def test_what_is_asked_in_words_is_denied_alike(monkeypatch, record, method, stands):
    said = Finding(
        code="STACH", name="sinus tachycardia", probability=0.8, method=MODEL, threshold=0.5,
        says={MODEL: 0.8},
    )  # fmt: skip
    asked = Findings(
        findings=(said,),
        decisions={"fast heart beat": "found"},
        asked={"fast heart beat": "STACH"},
        source=Source(parameters={"n_windows": 1}),
    )
    monkeypatch.setattr(module, "find_by_words", lambda *args, **options: asked)
    found = classify(record, statements=["fast heart beat"], method=method)
    assert [f.code for f in found.present] == stands
    assert found.decisions["fast heart beat"] == ("found" if stands else "not found")
    assert found["STACH"].probability == 0.8
    told = "not found. withdrawn: a-model gives it 0.80, but heart rate 82 bpm (≤ 100 bpm)"
    assert (told in str(found)) == (not stands)


def test_what_the_number_bears_out_is_left_alone():
    fast = open_case(simulate(heart_rate_bpm=120, pr_ms=160, seed=2))
    judge_case(fast)
    assert "STACH" not in denied_statements(fast)
    assert "SBRAD" in denied_statements(fast)


def test_pr_denies_nothing_beside_fibrillation_and_rates_do():
    case = open_case(simulate("atrial-fibrillation", seed=1))
    found = judge_case(case)
    assert "AFIB" in found
    denied = denied_statements(case)
    assert not {"1AVB", "LPR"} & set(denied)
    assert {"STACH", "SBRAD"} & set(denied)
