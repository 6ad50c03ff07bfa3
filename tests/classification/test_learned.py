# SPDX-License-Identifier: Apache-2.0
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from precordia.classification.classify import classify
from precordia.classification.classify_many import classify_many
from precordia.classification.learned import predict, predict_many
from precordia.core.errors import OptionError, UnknownNameError, WeightsError
from precordia.core.leads import STANDARD_12
from precordia.core.quality import LeadQuality, Quality, QualityReason
from precordia.core.record import Patient, Record
from precordia.generation.simulate import simulate

GOOD = Quality(acceptable=True, score=1.0)
SAYS = {"NORM": 0.3, "MI": 0.02, "SR": 0.97, "NDT": 0.6}


@pytest.fixture(scope="module")
def model(tiny_graph, tmp_path_factory):
    return tiny_graph.build(tmp_path_factory.mktemp("twelve"), says=SAYS)


@pytest.fixture(scope="module")
def any_lead(tiny_graph, tmp_path_factory):
    return tiny_graph.build(tmp_path_factory.mktemp("any"), any_lead=True, says=SAYS)


@pytest.fixture
def record():
    return replace(simulate("sinus", seed=1), origin="measured")


def test_probabilities_are_the_calibrated_sigmoid(record, model):
    said = predict(record, quality=GOOD, model=model)
    assert said.probabilities == pytest.approx(dict.fromkeys(said.probabilities, 0.1) | SAYS)


def test_calibration_is_used(record, tiny_graph, tmp_path):
    steep = tiny_graph.build(tmp_path, slope=3.0, says={"MI": 0.2})
    said = predict(record, quality=GOOD, model=steep)
    assert said.probabilities["MI"] == pytest.approx(0.2)


def test_a_class_without_calibration_is_refused(record, tiny_graph, tmp_path):
    path = tiny_graph.build(tmp_path)
    card = tmp_path / "tiny.toml"
    card.write_text(card.read_text().replace('"NDT" = { slope', '"XXX" = { slope'))
    with pytest.raises(WeightsError, match="no calibration of 'NDT'"):
        predict(record, quality=GOOD, model=path)


def test_learned_findings_are_those_above_their_threshold_and_the_superclasses(record, model):
    found = classify(record, quality=GOOD, method="learned", model=model)
    assert [f.code for f in found.present] == ["SR", "NDT"]
    assert list(found.superclasses) == ["NORM", "MI", "STTC", "CD", "HYP"]
    assert all(f.calibration == "Platt scaling" for f in found)
    assert not any(a.method == "rules" for a in found.abstained)


def test_both_is_rules_and_model_in_one(record, model):
    found = classify(record, quality=GOOD, model=model)
    assert found["SR"].says == pytest.approx({"rules": 1.0, "tiny": 0.97})
    assert found["SR"].claims
    assert found.source.method == "classify:rules+tiny"
    assert next(f for f in found if f.code == "NORM").probability == pytest.approx(0.3)


def test_a_record_that_lost_its_millivolts_is_judged_by_the_model_while_rules_abstain(
    record, model
):
    x = record.signal
    x = (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)
    found = classify(replace(record, signal=x), quality=GOOD, model=model)
    assert "NDT" in found
    assert {a.code for a in found.abstained if a.method == "rules"} >= {"VCLVH", "STE_"}
    assert found.probabilities["VCLVH"] == pytest.approx(0.1)


def test_unacceptable_quality_finds_nothing_but_tells_probabilities_and_the_reason(record, model):
    bad = Quality(acceptable=False, score=0.1, reasons=(QualityReason.MOTION,))
    found = classify(record, quality=bad, model=model)
    assert not found.present
    assert len(found.superclasses) == 5
    assert not any(f.present for f in found)
    assert "electrode motion" in str(found)


def test_leads_that_are_not_usable_are_hidden_from_the_model(record, any_lead):
    leads = {"V1": LeadQuality(usable=False, score=0.0, reasons=(QualityReason.LEAD_OFF,))}
    quality = Quality(acceptable=True, score=0.9, leads=leads)
    said = predict(record, quality=quality, model=any_lead)
    assert said.leads == tuple(n for n in STANDARD_12 if n != "V1")
    assert any("V1" in text for text in said.cautions)
    assert "judged from 11 of 12 leads" in said.cautions


@pytest.mark.parametrize(("leads", "judged"), [(("II",), False), (("I", "II"), True)])
def test_nothing_is_judged_from_too_few_leads(record, any_lead, leads, judged):
    rows = [STANDARD_12.index(name) for name in leads]
    few = replace(record, signal=record.signal[rows], leads=leads)
    said = predict(few, quality=GOOD, model=any_lead)
    assert bool(said.probabilities) == judged  # six limb leads follow from two
    assert ("judges from 4 leads on; it sees 1 here" in said.withheld) != judged


def test_the_card_may_allow_fewer_leads(record, tiny_graph, tmp_path):
    path = tiny_graph.build(tmp_path, any_lead=True)
    card = tmp_path / "tiny.toml"
    card.write_text("least_leads = 1\n" + card.read_text())
    one = replace(record, signal=record.signal[1:2], leads=("II",))
    assert predict(one, quality=GOOD, model=path).probabilities
    chest = replace(one, leads=("V2",))
    said = predict(chest, quality=GOOD, model=path)
    assert not said.probabilities
    assert said.withheld == "V2 alone: too little for tiny"


def test_a_limb_lead_that_is_not_usable_follows_from_the_others(record, model):
    leads = {"III": LeadQuality(usable=False, score=0.0)}
    quality = Quality(acceptable=True, score=0.9, leads=leads)
    assert predict(record, quality=quality, model=model).leads == STANDARD_12


def test_a_model_for_twelve_leads_abstains_from_fewer_with_the_reason(record, model):
    two = replace(record, signal=record.signal[:2], leads=("I", "II"))
    said = predict(two, quality=GOOD, model=model)
    assert "V1" in said.withheld
    found = classify(two, quality=GOOD, model=model)
    assert "SR" in found
    assert {a.code for a in found.abstained if a.method == "tiny"} >= {"MI", "NDT"}


def flat():
    return Record(signal=np.zeros((12, 5000)), fs=500, leads=STANDARD_12)


def bad_records():
    wave = simulate("sinus", seed=1).signal
    gone = np.full((12, 5000), np.nan)
    yield "flat", flat()
    yield "all missing", replace(flat(), signal=gone)
    yield "two samples", replace(flat(), signal=wave[:, :2])
    yield "no sample", replace(flat(), signal=wave[:, :0])
    yield "one second", replace(flat(), signal=wave[:, :500])
    yield "one lead", replace(flat(), signal=wave[1:2], leads=("II",))
    yield "a lead of no name", replace(flat(), signal=wave[1:2], leads=("ECG",))
    yield "inverted", replace(flat(), signal=-wave)
    yield "60 Hz", replace(flat(), signal=wave[:, ::8][:, :600], fs=60.0)
    yield "a gap", replace(flat(), signal=np.where(np.arange(5000) < 2500, np.nan, wave))
    yield "huge", replace(flat(), signal=wave * np.float32(1e6))
    yield "tiny", replace(flat(), signal=wave * np.float32(1e-9))
    yield "half a lead", replace(flat(), signal=np.where(np.eye(12, 1) > 0, gone, wave))
    yield "constant", replace(flat(), signal=np.full((12, 5000), 3.0))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", [name for name, _ in bad_records()])
@pytest.mark.parametrize("method", ["learned", "both"])
def test_no_bad_record_raises_or_yields_a_wrong_number(name, method, model, any_lead):
    record = dict(bad_records())[name]
    for path in (model, any_lead):
        found = classify(record, method=method, model=path)
        assert all(0 <= f.probability <= 1 for f in found)
        if not found.probabilities:
            assert any(a.method == "tiny" for a in found.abstained)
            assert all(a.reason for a in found.abstained)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"origin": "synthetic"}, "synthetic"),
        ({"patient": Patient(age_years=9.0)}, "9 years old"),
    ],
)
def test_what_the_model_did_not_learn_from_is_told(record, model, change, words):
    said = predict(replace(record, **change), quality=GOOD, model=model)
    assert any(words in text for text in said.cautions)


def test_a_short_slow_record_is_told(record, model):
    short = replace(record, signal=record.signal[:, :2500:10], fs=50.0)
    cautions = " ".join(predict(short, quality=GOOD, model=model).cautions)
    assert "5 s recorded" in cautions
    assert "50 Hz" in cautions


def test_a_record_far_from_the_familiar_ones_is_told(record, model, tiny_graph, tmp_path):
    near = predict(record, quality=GOOD, model=model)
    assert near.distance < 1
    assert not any("unlike" in text for text in near.cautions)
    far = predict(replace(record, signal=record.signal * 20), quality=GOOD, model=model)
    assert far.distance == pytest.approx(400 * near.distance, rel=1e-3)
    assert any("unlike" in text for text in far.cautions)


def test_the_probability_of_a_long_record_is_the_mean_over_its_windows(tiny_graph, tmp_path):
    path = tiny_graph.build(tmp_path, head={(1, "MI"): 1.0})  # MI rises with the power of II
    amplitudes = np.repeat([0.5, 1.0, 2.0], 1000)
    signal = np.sin(np.arange(3000) * 0.7) * amplitudes * np.ones((12, 1))
    record = Record(signal=signal, fs=100, leads=STANDARD_12)
    power = (signal[1].reshape(3, 1000) ** 2).mean(axis=1)
    logits = tiny_graph.logit(0.1) + power
    wanted = (1 / (1 + np.exp(-logits))).mean()
    assert predict(record, model=path).probabilities["MI"] == pytest.approx(wanted, rel=1e-3)


def test_a_day_of_signal_needs_no_more_memory_than_an_hour(any_lead):
    def peak(hours):
        signal = np.zeros((2, int(hours * 3600 * 100)), np.float32)
        signal[:, ::80] = 1.0
        record = Record(signal=signal, fs=100, leads=("I", "II"))
        tracemalloc.start()
        said = predict(record, quality=GOOD, model=any_lead)
        held = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return held, said.n_windows

    hour, day = peak(1), peak(24)
    assert hour[1] == day[1] == 360
    assert day[0] < 1.5 * hour[0]


def test_many_at_once_are_as_one_by_one(model):
    records = [simulate("sinus", seed=k, seconds=10.0 + 7 * (k % 3)) for k in range(9)]
    records.insert(4, flat())
    singles = [predict(r, model=model) for r in records]
    together = list(predict_many(((r, None) for r in records), model=model))
    assert [p.withheld for p in together] == [p.withheld for p in singles]
    for a, b in zip(together, singles, strict=True):
        assert a.probabilities == pytest.approx(b.probabilities, abs=1e-6)
        assert a.n_windows == b.n_windows


def test_classify_many_yields_the_findings_of_each(model):
    records = [simulate("sinus", seed=k) for k in range(3)]
    for record, found in zip(records, classify_many(records, model=model), strict=True):
        alone = classify(record, method="learned", model=model)
        assert [f.code for f in found] == [f.code for f in alone]


def test_options_that_make_no_sense_are_refused(record, model):
    with pytest.raises(UnknownNameError, match="rules"):
        classify(record, method="rulez")
    with pytest.raises(OptionError, match="name their leads themselves"):
        classify(record, method="rules", explain=True)
    with pytest.raises(OptionError, match="asks no model"):
        classify(record, method="rules", model=model)
    with pytest.raises(UnknownNameError, match="precordia-12lead"):
        classify(record, quality=GOOD, model="precordia-12-lead")


def test_the_leads_that_a_finding_rests_on_are_named_with_what_is_left_without_them(
    record, tiny_graph, tmp_path
):
    row = STANDARD_12.index("V4")
    power = float((record.signal[row] ** 2).mean())
    head, says = {(row, "NDT"): 4.0 / power, (row, "DIG"): 0.1 / power}, {"NDT": 0.1, "DIG": 0.9}
    path = tiny_graph.build(tmp_path, any_lead=True, head=head, says=says)
    plain = classify(record, quality=GOOD, method="learned", model=path)
    found = classify(record, quality=GOOD, method="learned", model=path, explain=True)
    assert found["NDT"].leads == ("V3", "V4")
    (claim,) = found["NDT"].claims
    assert claim.value == pytest.approx(0.1, abs=1e-3)
    assert str(claim) == "probability without V3, V4 0.1, 0.86 with all leads"
    assert found["DIG"].leads == ()  # it falls by less than 0.1
    assert [f.code for f in found] == [f.code for f in plain]
    assert found.probabilities == plain.probabilities
    assert not plain["NDT"].claims


def test_leads_that_a_rule_named_stay(tiny_graph, tmp_path):
    record = simulate("left-bundle-block", seed=1)
    row = STANDARD_12.index("II")
    head = {(row, "AFIB"): 100.0, (row, "VCLVH"): 100.0}
    path = tiny_graph.build(tmp_path, any_lead=True, head=head)
    found = classify(record, quality=GOOD, model=path, explain=True)
    assert found["CLBBB"].leads == classify(record, quality=GOOD, method="rules")["CLBBB"].leads
    assert found["VCLVH"].leads == ("II", "III", "aVF")
    assert found["AFIB"].leads == ()  # a rhythm is in no lead
    assert "without II, III, aVF" in str(found["AFIB"])


@pytest.mark.parametrize("name", [name for name, _ in bad_records()])
def test_no_bad_record_breaks_the_explanation(name, any_lead):
    classify(dict(bad_records())[name], method="learned", model=any_lead, explain=True)
