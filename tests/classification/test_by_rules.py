# SPDX-License-Identifier: Apache-2.0
import json
from dataclasses import replace

import numpy as np
import pytest

from precordia.classification.by_rules import judge_by_rules
from precordia.core.errors import OptionError
from precordia.core.findings import Findings
from precordia.core.leads import STANDARD_12
from precordia.core.quality import LeadQuality, Quality, QualityReason
from precordia.core.record import Record
from precordia.generation.scenarios import find_scenario, list_scenarios
from precordia.generation.simulate import simulate
from precordia.knowledge.statements import list_statements
from precordia.measurement.measure import measure

GOOD = Quality(acceptable=True, score=1.0)
#: what the scenario says, and what the rules say instead where they word it otherwise
OTHERWISE = {
    "ISC_": "STD_",  # "ischaemic": the rules name the depression
    "ISCAN": "INVT",  # ... and the inversion
    "ISCIN": "INVT",
}
#: findings that a scenario shows beside its statements, by their construction
BESIDE = {
    "sinus-bradycardia": {"SR"},
    "sinus-tachycardia": {"SR"},
    "sinus-arrhythmia": {"SR", "NORM"},
    "junctional-rhythm": {"JUNC", "BRADY"},
    "mobitz-1": {"MOBITZ1", "SR", "SBRAD"},
    "mobitz-2": {"MOBITZ2", "SR", "SBRAD", "CRBBB"},
    "third-degree-block": {"CLBBB"},
    "couplets": {"VCOUP"},
    "ventricular-run": {"VTACH"},
    "ventricular-tachycardia": {"VTACH"},
    "left-anterior-fascicular-block": {"LAD"},
    "left-posterior-fascicular-block": {"RAD"},
    "stemi-anterior": {"STE_"},
    "stemi-inferior": {"STE_", "STD_"},
    "stemi-lateral": {"STE_", "STD_"},
    "stemi-posterior": {"STD_", "INVT"},
    "subendocardial-depression": {"INVT", "LOWT"},
    "hyperacute-t": {"HIGHT"},
    "t-inversion-anterior": {"LOWT"},
    "t-inversion-inferior": {"LOWT"},
    "old-inferior-infarct": {"QWAVE", "INVT"},
    "old-anterior-infarct": {"QWAVE", "INVT", "LOWT", "PRWP"},
    "left-ventricular-hypertrophy": {"VCLVH", "STD_", "INVT"},
    "right-ventricular-hypertrophy": {"RAD", "STD_", "INVT"},
    "short-qt": {"SHTQT"},
    "t-wave-alternans": {"NORM"},
}


def findings_from_truth(name, **options):
    record = simulate(name, **options)
    truth = record.carried.fiducials
    return judge_by_rules(
        record, quality=GOOD, fiducials=truth, measurements=measure(record, truth)
    )


def expected(name):
    return {OTHERWISE.get(c, c) for c in find_scenario(name).statements}


@pytest.mark.parametrize("name", list_scenarios())
def test_each_scenario_yields_its_statements_and_no_others(name):
    # in ten seconds, few breaths: sinus arrhythmia needs more; a hyperacute T names no infarct
    options = {"seconds": 30.0} if name == "sinus-arrhythmia" else {}
    found = {f.code for f in findings_from_truth(name, seed=2, **options)}
    wanted = expected(name) - ({"AMI"} if name == "hyperacute-t" else set())
    assert wanted <= found
    assert found <= wanted | BESIDE.get(name, set())


@pytest.mark.parametrize("seed", range(5))
def test_sinus_is_normal_from_the_signal_alone(seed):
    record = simulate("sinus", noise="muscle", snr_db=25.0, seed=seed)
    assert [f.code for f in judge_by_rules(record)] == ["SR", "NORM"]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("atrial-fibrillation", "AFIB"),
        ("atrial-flutter", "AFLT"),
        ("atrial-flutter-4-1", "AFLT"),
        ("first-degree-block", "1AVB"),
        ("mobitz-1", "MOBITZ1"),
        ("mobitz-2", "MOBITZ2"),
        ("bigeminy", "BIGU"),
        ("ventricular-premature", "PVC"),
        ("right-bundle-block", "CRBBB"),
        ("left-bundle-block", "CLBBB"),
        ("stemi-anterior", "AMI"),
        ("stemi-inferior", "IMI"),
        ("old-inferior-infarct", "IMI"),
        ("left-ventricular-hypertrophy", "LVH"),
        ("long-qt", "LNGQT"),
        ("low-voltage", "LVOLT"),
    ],
)
def test_noisy_scenarios_are_named_from_the_signal_alone(name, code):
    found = judge_by_rules(simulate(name, noise="muscle", snr_db=28.0, seed=1))
    assert code in found
    assert "NORM" not in found


def test_two_to_one_block_leaves_the_type_open():
    scenario = find_scenario("mobitz-2")
    record = simulate(replace(scenario, options=scenario.options | {"cycle": 2}), seed=1)
    truth = record.carried.fiducials
    found = judge_by_rules(
        record, quality=GOOD, fiducials=truth, measurements=measure(record, truth)
    )
    assert "2AVB" in found
    assert not {"MOBITZ1", "MOBITZ2"} & {f.code for f in found}
    assert {"MOBITZ1", "MOBITZ2"} <= {a.code for a in found.abstained}


def test_a_run_of_ventricular_tachycardia_bars_nothing_from_the_sinus_beats():
    found = findings_from_truth("ventricular-run")
    assert not any("tachycardia" in a.reason for a in found.abstained)


def test_every_finding_says_what_met_which_limit_and_where_it_is_published():
    known = {s.code: s for s in list_statements()}
    for name in list_scenarios():
        for f in findings_from_truth(name):
            assert f.probability == 1.0
            assert f.method == "rules"
            assert f.criterion
            assert f.claims
            assert "doi:" in f.reference
            assert f.scheme == known[f.code].scheme
            assert f.codes == known[f.code].codes()


def test_findings_come_in_the_order_of_the_table():
    order = [s.code for s in list_statements()]
    found = [order.index(f.code) for f in findings_from_truth("old-inferior-infarct")]
    assert found == sorted(found)


def test_beats_of_a_finding_are_rows_of_the_fiducials():
    record = simulate("ventricular-premature", seed=1)
    truth = record.carried.fiducials
    numbers = measure(record, truth)
    finding = judge_by_rules(record, quality=GOOD, fiducials=truth, measurements=numbers)["PVC"]
    assert len(finding.beats) == numbers.n_ventricular_beats > 0
    assert all(truth.has_qrs[list(finding.beats)])


MILLIVOLT = {
    *("VCLVH", "LVH", "RVH", "RAO/RAE", "LVOLT", "QWAVE", "STE_", "STD_", "INVT"),
    *("LOWT", "HIGHT", "EREPOL", "IMI", "AMI", "ASMI", "LMI", "PMI", "LAD", "RAD", "XAD", "PRWP"),
}


@pytest.mark.parametrize("name", ["sinus", "stemi-anterior", "left-ventricular-hypertrophy"])
def test_a_normalised_record_makes_every_millivolt_criterion_abstain(name):
    record = simulate(name)
    x = record.signal
    scaled = (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)
    record = replace(record, signal=scaled)
    truth = record.carried.fiducials
    found = judge_by_rules(
        record, quality=GOOD, fiducials=truth, measurements=measure(record, truth)
    )
    assert not {f.code for f in found} & (MILLIVOLT | {"NORM"})
    assert {a.code for a in found.abstained} >= MILLIVOLT
    assert "SR" in found
    reasons = {a.code: a.reason for a in found.abstained}
    assert "normalised" in reasons["VCLVH"]
    assert "normalised" in reasons["STE_"]


def test_leads_that_were_scaled_one_by_one_lose_axis_and_voltage_but_not_rhythm():
    record = simulate("left-bundle-block", seed=1)
    scaled = record.signal / np.ptp(record.signal, axis=1, keepdims=True)
    record = replace(record, signal=scaled)
    truth = record.carried.fiducials
    found = judge_by_rules(
        record, quality=GOOD, fiducials=truth, measurements=measure(record, truth)
    )
    assert {f.code for f in found} == {"SR", "CLBBB"}
    reasons = {a.code: a.reason for a in found.abstained}
    for code in ("LAD", "RAD", "LVOLT", "RAO/RAE"):
        assert "scaled one by one" in reasons[code]


def test_a_flat_record_yields_abstentions_alone():
    flat = Record(signal=np.zeros((12, 5000)), fs=500, leads=STANDARD_12)
    found = judge_by_rules(flat)
    assert len(found) == 0
    assert {a.code for a in found.abstained} == {s.code for s in list_statements() if s.by_rules}
    assert "no beats" in found.abstained[0].reason


def test_unacceptable_quality_yields_abstentions_that_say_so():
    bad = Quality(acceptable=False, score=0.1, reasons=(QualityReason.MOTION,))
    found = judge_by_rules(simulate("stemi-anterior"), quality=bad)
    assert len(found) == 0
    assert "electrode motion" in found.abstained[0].reason


def test_a_lead_that_is_not_usable_is_named_in_the_abstention():
    leads = {"V1": LeadQuality(usable=False, score=0.0, reasons=(QualityReason.LEAD_OFF,))}
    quality = Quality(acceptable=True, score=0.9, leads=leads)
    found = judge_by_rules(simulate("sinus", seed=1), quality=quality)
    reasons = {a.code: a.reason for a in found.abstained}
    assert reasons["VCLVH"] == "lead V1 is not usable (lead off)"


@pytest.mark.parametrize("lead", ["I", "V2"])
def test_a_single_lead_yields_what_it_can_tell_and_abstains_from_the_rest(lead):
    record = simulate("atrial-fibrillation", seed=3)
    row = STANDARD_12.index(lead)
    single = replace(record, signal=record.signal[row : row + 1], leads=(lead,))
    found = judge_by_rules(single, quality=GOOD)
    assert "AFIB" in found
    open_ = {a.code for a in found.abstained}
    assert open_ >= {"LAD", "VCLVH", "NORM", "LAFB", "IMI"}
    assert not {f.code for f in found} & {"NORM", "LAD", "VCLVH", "IMI"}


def test_sex_unknown_means_the_strictest_limit_and_the_claim_says_so():
    finding = findings_from_truth("left-ventricular-hypertrophy")["VCLVH"]
    assert any("unknown: the strictest limit" in c.text for c in finding.claims)


def test_findings_survive_json():
    found = findings_from_truth("old-anterior-infarct")
    assert Findings.from_dict(json.loads(found.to_json())).to_dict() == found.to_dict()


def test_no_more_than_a_few_beats_raise_nothing():
    for seconds in (0.5, 1.0, 2.5, 4.0):
        judge_by_rules(simulate("sinus", seconds=seconds), quality=GOOD)


def test_nothing_at_all_raises_nothing():
    empty = Record(signal=np.zeros((1, 0)), fs=500, leads=("II",))
    assert len(judge_by_rules(empty)) == 0


def test_fiducials_of_another_record_are_refused():
    with pytest.raises(OptionError, match="same record"):
        judge_by_rules(
            simulate("sinus"), fiducials=simulate("sinus", seconds=5.0).carried.fiducials
        )


def holds(claim):
    return {">": claim.value > claim.limit, "<": claim.value < claim.limit}.get(
        claim.relation, True
    )


@pytest.mark.parametrize(
    ("rr_ms", "beyond"),
    [
        # steps of 200 ms; slow drift in steps of 40 ms; both
        ([700.0, 900.0] * 6, {"median RR step", "RR spread"}),
        ([640.0, 680.0, 720.0, 760.0, 800.0, 840.0, 880.0, 920.0, 960.0, 1000.0], {"RR spread"}),
    ],
)
def test_the_numbers_of_fibrillation_are_told_with_the_limit_that_they_exceed(
    findings_of, rr_ms, beyond
):
    found = findings_of(rr_ms=rr_ms, p_wave_percent=0.0, p_axis_deg=float("nan"))
    claims = {c.measure: c for c in found["AFIB"].claims}
    assert all(holds(claim) for claim in claims.values())
    told = {name for name in ("median RR step", "RR spread") if claims[name].relation == ">"}
    assert told == beyond


def test_of_leads_that_were_scaled_one_by_one_no_millivolts_are_evidence():
    record = simulate("left-bundle-block", seed=1)
    whole = judge_by_rules(record, quality=GOOD)["CLBBB"]
    assert any(c.unit == "mV" for c in whole.claims)
    scaled = record.signal / np.ptp(record.signal, axis=1, keepdims=True)
    block = judge_by_rules(replace(record, signal=scaled), quality=GOOD)["CLBBB"]
    assert {c.unit for c in block.claims} == {"ms"}
