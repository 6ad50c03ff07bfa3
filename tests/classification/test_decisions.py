# SPDX-License-Identifier: Apache-2.0
"""No statement is silently absent: each is found, not found, or undecided with a reason."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from precordia.classification.classify import classify
from precordia.core.findings import FOUND, NO_DECISION, NOT_FOUND
from precordia.core.quality import LeadQuality, Quality, QualityReason
from precordia.generation.simulate import simulate
from precordia.knowledge.codes import list_codes
from precordia.knowledge.statements import list_statements
from precordia.models.runtime import load_graph

PTBXL = {known.code for known in list_codes("scp-ecg")}
#: leads and who judges
CASES = [((), "both"), ((), "rules"), ((), "learned"), (("II",), "both"), (("II",), "rules")]


@pytest.fixture(scope="module")
def record():
    return simulate("sinus", noise="muscle", snr_db=25.0)


def only(record, *leads):
    rows = [record.leads.index(name) for name in leads]
    return dataclasses.replace(record, signal=record.signal[rows], leads=leads)


@pytest.mark.parametrize(("leads", "method"), CASES)
def test_every_statement_of_ptbxl_is_decided_on_or_says_why_not(record, leads, method):
    found = classify(only(record, *leads) if leads else record, method=method)
    assert len(PTBXL) == 71
    assert set(found.decisions) >= PTBXL
    for code, said in found.decisions.items():
        assert said in (FOUND, NOT_FOUND) or len(said) > len(NO_DECISION), code
        assert (said == FOUND) >= (code in {f.code for f in found.present})
    assert {f.code for f in found.present} <= {c for c, s in found.decisions.items() if s == FOUND}
    assert not found.withheld


def test_what_the_model_has_no_threshold_for_and_no_rule_judges_is_undecided(record):
    found = classify(record)
    model = load_graph("precordia-12lead")
    by_rules = {s.code for s in list_statements() if s.by_rules}
    thresholds = set(model.card.details["thresholds"])
    assert set(found.undecided) == PTBXL - by_rules - thresholds
    assert "fewer than 8 recordings" in found.undecided["HVOLT"]
    assert "fewer than 20 recordings" in found.undecided["DIG"]
    line = next(line for line in str(found).split("\n") if line.startswith("no decision"))
    assert all(code in line for code in found.undecided)
    assert json.loads(found.to_json())["decisions"] == found.decisions


def test_a_record_that_cannot_be_read_has_one_reason_and_no_conclusion(record):
    signal = record.signal.copy()
    signal[3] = 0.0
    flat = QualityReason.FLAT
    leads = {
        name: LeadQuality(usable=name != "aVR", score=0.9 * (name != "aVR"), reasons=())
        for name in record.leads
    }
    quality = Quality(acceptable=False, score=0.2, reasons=(flat,), leads=leads)
    found = classify(dataclasses.replace(record, signal=signal), quality=quality)
    assert found.withheld == "the quality is not acceptable (flat)"
    assert set(found.undecided) == set(found.decisions)
    text = str(found)
    assert text.startswith("no finding is made: the quality is not acceptable (flat)\n")
    assert "superclasses, not to be relied on: normal ECG (NORM)" in text
    assert "nothing was found" not in text


def test_a_flat_record_has_no_decision_at_all(record):
    found = classify(dataclasses.replace(record, signal=np.zeros_like(record.signal)))
    assert set(found.undecided) == set(found.decisions) >= PTBXL
    assert str(found).startswith("no finding is made: ")


def test_a_normalised_recording_is_judged_with_a_caution(record):
    signal = record.signal.astype(np.float64)
    signal = (signal - signal.mean(axis=1, keepdims=True)) / signal.std(axis=1, keepdims=True)
    found = classify(dataclasses.replace(record, signal=signal.astype(np.float32)))
    assert any("normalised, not millivolts" in text for text in found.source.warnings)
    assert not any("millivolts" in text for text in classify(record).source.warnings)


@pytest.mark.parametrize(
    ("age", "words"), [(0.02, "7 days"), (1.5, "18 months"), (15.9, "15 years")]
)
def test_rules_and_model_caution_of_who_is_no_adult(record, age, words):
    patient = dataclasses.replace(record.patient, age_years=age)
    found = classify(dataclasses.replace(record, patient=patient))
    said = [text for text in found.source.warnings if f"the patient is {words} old" in text]
    assert [text.rpartition("; ")[2] for text in said] == [
        "most limits of the rules are those of adults",
        "the model learned from adults",
    ]
    grown = dataclasses.replace(record.patient, age_years=40.0)
    assert not any(
        "adults" in text
        for text in classify(dataclasses.replace(record, patient=grown)).source.warnings
    )
