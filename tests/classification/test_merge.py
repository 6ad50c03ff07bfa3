# SPDX-License-Identifier: Apache-2.0
import dataclasses
import json
import math

import pytest

from precordia.classification.denied import Denial
from precordia.classification.learned import Predicted
from precordia.classification.merge import merge
from precordia.core.claims import Claim
from precordia.core.findings import SUPERCLASS, Abstention, Finding, Findings
from precordia.core.source import Source
from precordia.knowledge.statements import find_statement, list_statements

MODEL = "a-model"


def by_rule(*codes, abstained=()):
    found = [
        Finding(
            code=code,
            name=find_statement(code).name,
            probability=1.0,
            method="rules",
            criterion="of a book",
            claims=(Claim(measure="qrs_ms", value=130.0, relation=">=", limit=120.0, unit="ms"),),
            leads=("V1",),
        )
        for code in codes
    ]
    abstained = tuple(Abstention(code=c, name=c, reason="not recorded") for c in abstained)
    source = Source(method="classify:rules", version="1")
    return Findings(findings=tuple(found), abstained=abstained, source=source)


def learned(withheld="", cautions=(), threshold=0.5, **probabilities):
    known = {"NORM": 0.1, "MI": 0.1, "STTC": 0.1, "CD": 0.1, "HYP": 0.1} | probabilities
    thresholds = dict.fromkeys(known, threshold)
    return Predicted(
        model=MODEL,
        version="abc",
        probabilities=known,
        thresholds=thresholds,
        calibration="Platt scaling",
        withheld=withheld,
        cautions=cautions,
        distance=0.5,
    )


def test_a_statement_that_both_make_is_one_finding_with_both_answers_and_the_evidence():
    found = merge(by_rule("CLBBB"), learned(CLBBB=0.9))
    assert [f.code for f in found.present] == ["CLBBB"]
    finding = found["CLBBB"]
    assert finding.probability == 0.9
    assert finding.says == {"rules": 1.0, MODEL: 0.9}
    assert finding.claims[0].value == 130.0
    assert (finding.criterion, finding.leads) == ("of a book", ("V1",))
    assert finding.calibration == "Platt scaling"
    assert finding.disagreement == ""


def test_a_criterion_that_the_model_does_not_believe_stays_and_says_so():
    found = merge(by_rule("CLBBB"), learned(CLBBB=0.03))
    finding = found["CLBBB"]
    assert finding.present
    assert finding.probability == 0.03
    assert "criterion is met" in finding.disagreement
    assert "0.03" in finding.disagreement
    assert "0.50" in finding.disagreement
    assert finding.disagreement in str(found)


def test_what_the_model_finds_without_a_criterion_is_made_and_says_so():
    finding = merge(by_rule(), learned(CLBBB=0.8))["CLBBB"]
    assert finding.present
    assert finding.says == {"rules": 0.0, MODEL: 0.8}
    assert "no criterion is met" in finding.disagreement
    assert finding.codes == {"snomed-ct": "733534002"}


def test_where_the_rules_abstain_or_have_no_criterion_there_is_no_disagreement():
    found = merge(by_rule(abstained=["CLBBB"]), learned(CLBBB=0.8, NDT=0.8))
    for code in ("CLBBB", "NDT"):
        assert found[code].disagreement == ""
        assert found[code].says == {MODEL: 0.8}
        assert found[code].method == MODEL
    assert [(a.code, a.method) for a in found.abstained] == [("CLBBB", "rules")]


def test_a_more_specific_criterion_supports_the_general_statement():
    finding = merge(by_rule("MOBITZ1"), learned(**{"2AVB": 0.8}))["2AVB"]
    assert finding.says["rules"] == 1.0
    assert finding.disagreement == ""


def test_what_only_a_rule_judges_is_left_as_it_is():
    finding = merge(by_rule("LAD"), learned())["LAD"]
    assert (finding.probability, finding.method) == (1.0, "rules")
    assert finding.says == {"rules": 1.0}


def test_low_probabilities_are_no_findings_but_can_be_looked_up():
    found = merge(by_rule("SR"), learned(SR=0.9, NDT=0.2))
    assert "NDT" not in found
    assert found.probabilities["NDT"] == 0.2
    assert "NDT" not in str(found)


def test_the_five_superclasses_are_always_there_with_their_probability():
    found = merge(by_rule("SR"), learned(SR=0.9, NORM=0.97, MI=0.004))
    ranked = {}
    for f in found:
        ranked[f.code] = max(ranked.get(f.code, 0.0), f.probability)
    assert {c: ranked[c] for c in ("NORM", "MI", "CD")} == {"NORM": 0.97, "MI": 0.004, "CD": 0.1}
    assert set(found.superclasses) == {"NORM", "MI", "STTC", "CD", "HYP"}
    assert all(f.scheme == SUPERCLASS for f in found.superclasses.values())
    assert not found.superclasses["MI"].present
    assert "MI" not in found
    assert "superclasses: normal ECG (NORM) 0.97, myocardial infarction (MI) 0.00" in str(found)


@pytest.mark.parametrize("probability", [0.02, 0.97])
def test_a_normal_by_rule_does_not_spoil_the_rank_of_the_superclass(probability):
    found = merge(by_rule("SR", "NORM"), learned(SR=0.9, NORM=probability))
    assert max(f.probability for f in found if f.code == "NORM") == probability


def test_normal_is_withdrawn_with_a_sentence_where_the_model_finds_something():
    found = merge(by_rule("SR", "NORM"), learned(SR=0.9, NORM=0.2, LMI=0.7))
    assert [f.code for f in found.present] == ["LMI", "SR"]
    normal = next(f for f in found.disagreements if f.code == "NORM")
    assert normal.says == {"rules": 1.0, MODEL: 0.2}
    assert normal.disagreement in str(found)
    assert "lateral myocardial infarction" in normal.disagreement
    assert "rules would make it" in normal.disagreement


def test_normal_by_the_model_is_withdrawn_where_a_rule_finds_something():
    found = merge(by_rule("SR", "CLBBB"), learned(SR=0.9, CLBBB=0.1, NORM=0.8))
    assert [f.code for f in found.present] == ["SR", "CLBBB"]
    assert any(f"{MODEL} would make it" in f.disagreement for f in found.disagreements)
    assert found.superclasses["NORM"].probability == 0.8


def test_normal_by_the_model_beside_a_rhythm_that_is_not_says_so():
    found = merge(by_rule("SBRAD"), learned(SBRAD=0.9, NORM=0.8))
    assert "NORM" in [f.code for f in found.present]
    assert next(f for f in found.disagreements).disagreement.endswith("the rules found something")


def test_normal_by_the_model_is_withdrawn_where_the_rhythm_is_not_the_sinus_nodes():
    found = merge(by_rule("AFIB"), learned(AFIB=0.9, NORM=0.8))
    assert [f.code for f in found.present] == ["AFIB"]
    assert found.decisions["NORM"] == "not found"


def test_a_few_leads_without_a_finding_are_no_normal_ecg():
    predicted = dataclasses.replace(learned(NORM=0.9, SR=0.9), leads=("I",))
    found = merge(by_rule("SR", abstained=["NORM"]), predicted)
    assert [f.code for f in found.present] == ["SR"]
    assert found.superclasses["NORM"].probability == 0.9


@pytest.mark.parametrize(
    ("rules", "leads", "others"),
    [
        (("SR", "NORM"), (), {"MI": 0.9}),
        (("SR", "NORM"), (), {"LMI": 0.7}),
        (("SR", "CLBBB"), (), {}),
        (("AFIB",), (), {}),
        (("SR",), ("I",), {}),
    ],
)
def test_normal_is_in_the_findings_only_where_the_statement_stands(rules, leads, others):
    predicted = dataclasses.replace(learned(SR=0.9, NORM=0.9, **others), leads=leads)
    found = merge(by_rule(*rules), predicted)
    assert "NORM" not in found
    assert found.decisions["NORM"] != "found"
    normal = found.superclasses["NORM"]
    assert (normal.present, normal.probability) == (False, 0.9)
    assert normal.disagreement.startswith("withdrawn: ")
    assert str(found).count("disagreement, NORM") == int("NORM" in rules or not leads)


@pytest.mark.parametrize("probability", [0.9, 0.2])
def test_normal_that_stands_is_in_the_findings(probability):
    found = merge(by_rule("SR", "NORM"), learned(SR=0.9, NORM=probability))
    assert "NORM" in found
    assert found.decisions["NORM"] == "found"
    assert found.superclasses["NORM"].present == (probability > 0.5)
    assert found.superclasses["NORM"].disagreement == ""


def slow_enough():
    rate = Claim(measure="heart_rate_bpm", value=82.0, relation="<=", limit=100.0, unit="/min")
    return {"STACH": Denial(definition="it is above 100", claims=(rate,), reference="a book")}


def test_what_its_defining_number_denies_is_withdrawn_and_the_probability_stays_visible():
    found = merge(by_rule("SR"), learned(SR=0.9, STACH=0.8), slow_enough())
    assert "STACH" not in found
    assert found.decisions["STACH"] == "not found"
    assert found.probabilities["STACH"] == 0.8
    (finding,) = [f for f in found.disagreements if f.code == "STACH"]
    assert finding.says == {"rules": 0.0, MODEL: 0.8}
    assert (finding.claims[0].value, finding.reference) == (82.0, "a book")
    assert finding.disagreement == (
        "withdrawn: a-model gives it 0.80, but heart rate 82 bpm (≤ 100 bpm), and it is above 100"
    )
    assert finding.disagreement in str(found)


def test_a_number_denies_although_the_rule_abstained():
    found = merge(by_rule(abstained=["STACH"]), learned(STACH=0.8), slow_enough())
    assert "STACH" not in found
    assert found["STACH"].says == {"rules": 0.0, MODEL: 0.8}
    assert found.decisions["STACH"] == "not found"


def test_what_was_denied_does_not_make_a_recording_abnormal():
    denied = {"1AVB": slow_enough()["STACH"], "LAFB": slow_enough()["STACH"]}
    found = merge(
        by_rule("SR", "NORM"), learned(SR=0.9, NORM=0.9, LAFB=0.8, **{"1AVB": 0.8}), denied
    )
    assert [f.code for f in found.present] == ["SR", "NORM"]


def test_a_number_of_several_windows_denies_nothing():
    predicted = dataclasses.replace(learned(STACH=0.8), n_windows=2)
    found = merge(by_rule("SR"), predicted, slow_enough())
    assert "STACH" in found
    assert "no criterion is met" in found["STACH"].disagreement


def test_a_denial_of_what_the_model_does_not_say_adds_nothing():
    assert "STACH" not in [f.code for f in merge(by_rule("SR"), learned(), slow_enough())]


def test_normal_stands_where_both_say_so():
    found = merge(by_rule("SR", "NORM"), learned(SR=0.9, NORM=0.9))
    assert [f.code for f in found.present] == ["SR", "NORM"]
    assert not found.disagreements


def test_where_the_model_is_withheld_nothing_is_found_by_it_and_the_reason_stands():
    found = merge(by_rule(), learned(withheld="bad quality", MI=0.99, CLBBB=0.99))
    assert not found.present
    assert not found.superclasses["MI"].present
    assert found.superclasses["MI"].probability == 0.99
    reasons = {a.code: a.reason for a in found.abstained if a.method == MODEL}
    assert reasons["MI"] == reasons["NDT"] == "bad quality"
    assert "CLBBB" not in reasons  # the rules judged it
    assert "bad quality" in found.source.warnings[0]
    rules = by_rule()
    told = merge(
        dataclasses.replace(rules, source=Source(warnings=("bad quality",))),
        learned(withheld="bad quality"),
    )
    assert told.source.warnings == ("bad quality",)


def test_findings_come_in_the_order_of_importance():
    codes = ("NORM", "SR", "CLBBB", "AMI", "NDT")
    found = merge(None, learned(**dict.fromkeys(codes, 0.9)))
    order = [s.code for s in list_statements()]
    places = [order.index(f.code) for f in found if f.scheme != SUPERCLASS]
    assert places == sorted(places)
    assert len(places) == 5


def test_a_paced_rhythm_and_every_caution_are_told():
    found = merge(by_rule("PACE"), learned(cautions=("the record is synthetic",)))
    assert "the record is synthetic" in found.source.warnings
    assert any("paced" in text for text in found.source.warnings)
    assert "caution: the record is synthetic" in str(found)


def test_a_class_without_threshold_is_never_found():
    predicted = learned(NDT=0.99)
    del predicted.thresholds["NDT"]
    assert "NDT" not in merge(None, predicted)
    assert math.isnan(merge(by_rule("CLBBB"), learned())["CLBBB"].threshold)


def test_a_model_without_a_threshold_does_not_disagree():
    predicted = learned(CLBBB=0.9)
    del predicted.thresholds["CLBBB"]
    finding = merge(by_rule("CLBBB"), predicted)["CLBBB"]
    assert (finding.probability, finding.disagreement) == (0.9, "")


def test_merged_findings_survive_json():
    found = merge(by_rule("SR", "NORM"), learned(SR=0.9, NORM=0.2, LMI=0.7))
    again = Findings.from_dict(json.loads(found.to_json()))
    assert again.to_dict() == found.to_dict()
    assert again.disagreements[0].says == found.disagreements[0].says
