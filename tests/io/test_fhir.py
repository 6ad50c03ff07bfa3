# SPDX-License-Identifier: Apache-2.0
"""FHIR Observations: the example of HL7, resources built from the specification, damage."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta, timezone
from xml.etree import ElementTree

import numpy as np
import pytest

from precordia.core.errors import (
    FormatError,
    LeadError,
    OptionError,
    PrecordiaError,
    SamplingRateError,
    UnitError,
)
from precordia.core.leads import STANDARD_12
from precordia.io.fhir_sampled_data import volts_of
from precordia.io.formats import sniff
from precordia.io.read import read

EXAMPLE = "formats/fhir-hl7-example/source/observation/observation-example-sample-data.xml"
MDC = "urn:oid:2.16.840.1.113883.6.24"
MDC_LEADS = {"I": "131329", "II": "131330", "III": "131389", "aVR": "131390", "V1": "131331"}
SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"


def coded(code, system=MDC, **more):
    return {"coding": [{"system": system, "code": code, **more}]}


def sampled(data="0 10 -20 30", *, unit="uV", origin=0, **changes):
    held = {"origin": {"value": origin}, "period": 2, "factor": 2.5, "dimensions": 1, "data": data}
    if unit is not None:
        held["origin"]["code"] = unit
    held |= changes
    return {key: value for key, value in held.items() if value is not None}


def component(lead="II", data="0 10 -20 30", **changes):
    concept = lead if isinstance(lead, dict) else coded(MDC_LEADS[lead])
    return {"code": concept, "valueSampledData": sampled(data, **changes)}


def observation(*components, **more):
    held = {"resourceType": "Observation", "status": "final", "code": coded("131328")}
    return held | ({"component": list(components)} if components else {}) | more


def bundle(*resources):
    entries = [{"resource": resource} for resource in resources]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


@pytest.fixture
def given(tmp_path):
    """Return a function that reads a resource, or a text, from a file."""

    def go(resource, encoding="utf-8", suffix=".json", **options):
        text = resource if isinstance(resource, str) else json.dumps(resource)
        path = tmp_path / f"a{suffix}"
        path.write_bytes(text.encode(encoding))
        return read(path, **options)

    return go


def codes(record):
    return {remark.code for remark in record.remarks}


# The example of the standard


def test_the_example_is_read_as_the_standard_says(shared_data):
    """origin + data * factor, 10 ms: computed here from the file itself."""
    record = read(shared_data / EXAMPLE, unit="uV")
    root = ElementTree.parse(shared_data / EXAMPLE).getroot()
    strings = [e.get("value") for e in root.iter("{http://hl7.org/fhir}data")]
    expected = [[(2048 + 1.612 * int(t)) / 1000 for t in s.split()] for s in strings]
    np.testing.assert_allclose(record.signal, expected, atol=1e-6)
    assert record.leads == ("I", "II", "III")
    assert record.fs == 100.0
    assert record.start_time == datetime(
        2015, 2, 19, 9, 30, 35, tzinfo=timezone(timedelta(hours=1))
    )
    assert record.patient.patient_id == "f001"
    assert record.carried.header["device_model"] == "12 lead EKG Device Metric"


def test_the_origin_of_the_example_is_remarked_and_can_be_subtracted(shared_data):
    record = read(shared_data / EXAMPLE, unit="uV")
    assert "origin-doubtful" in codes(record)
    record = read(shared_data / EXAMPLE, unit="uV", subtract_origin=True)
    assert record.signal[0, 0] == pytest.approx((2041 - 2048) * 1.612 / 1000)
    assert "origin-doubtful" not in codes(record)


def test_the_example_without_a_unit_is_refused_with_the_way_out(shared_data):
    with pytest.raises(UnitError, match=r"uV or mV.*--unit uV"):
        read(shared_data / EXAMPLE)


# Amplitudes


def test_amplitude_is_origin_plus_data_times_factor(given):
    record = given(observation(component(origin=100, factor=2)))
    np.testing.assert_allclose(record.signal, [[0.1, 0.12, 0.06, 0.16]], atol=1e-7)
    assert record.fs == 500.0


def test_an_origin_that_centres_the_data_is_not_doubted(given):
    record = given(observation(component(data="-1270 -1271 -1269", origin=2048, factor=1.612)))
    assert "origin-doubtful" not in codes(record)


def test_a_factor_that_is_absent_is_one(given):
    assert given(observation(component(factor=None))).signal[0, 1] == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("uV", 1e-3), ("mV", 1), ("V", 1e3), ("nV", 1e-6), ("10*-6.V", 1e-3), ("10*-3.V", 1)],
)
def test_units_of_voltage_become_millivolts(given, unit, factor):
    record = given(observation(component(data="0 1 2", unit=unit, factor=1)))
    assert record.signal[0, 1] == pytest.approx(factor)
    assert volts_of(unit) == pytest.approx(factor)


def test_the_code_of_a_unit_counts_before_its_words(given):
    held = component(data="0 1", factor=1)
    held["valueSampledData"]["origin"] |= {"unit": "microvolts", "code": "uV"}
    assert given(observation(held)).signal[0, 1] == pytest.approx(1e-3)


def test_words_are_taken_where_the_unit_has_no_code(given):
    held = component(data="0 1", factor=1, unit=None)
    held["valueSampledData"]["origin"]["unit"] = "microvolt"
    assert given(observation(held)).signal[0, 1] == pytest.approx(1e-3)


def test_e_u_and_l_are_missing_and_the_limits_are_counted(given):
    record = given(observation(component(data="1 E U U L 5")))
    np.testing.assert_array_equal(
        np.isnan(record.signal[0]), [False, True, True, True, True, False]
    )
    text = next(r.text for r in record.remarks if r.code == "beyond-limits")
    assert "2 samples above and 1 below" in text


def test_decimals_and_exponents_are_numbers(given):
    record = given(observation(component(data="1.5 -2E1 3e0\n4", factor=1)))
    np.testing.assert_allclose(record.signal[0], [0.0015, -0.02, 0.003, 0.004], atol=1e-9)


@pytest.mark.parametrize(
    "data",
    [
        "1 2 ?",
        "1 nan",
        "1 inf",
        "1_000 2",
        "0x10",
        "1 2-3",
        "1 - 2",
        "1 --2",
        "1\u00b2",
        "1,2",
        "1.2.3 1",
        "1e999",
        "EE",
    ],
)
def test_anything_else_among_the_samples_is_refused(given, data):
    with pytest.raises(FormatError, match="numbers, E, U and L"):
        given(observation(component(data=data)))


def test_long_strings_are_read_in_pieces(given):
    counts = np.arange(400_000) % 2001 - 1000
    record = given(observation(component(data=" ".join(map(str, counts.tolist())), factor=1)))
    np.testing.assert_allclose(record.signal[0] * 1000, counts, atol=1e-3)
    assert given(observation(component(data="5 " * 600_000 + "E"))).n_samples == 600_001
    with pytest.raises(FormatError, match="numbers, E, U and L"):
        given(observation(component(data="5" * (3 << 20))))


@pytest.mark.parametrize("factor", ["abc", 0, "0.0"])
def test_a_factor_that_is_no_scale_is_refused(given, factor):
    with pytest.raises(FormatError, match="factor"):
        given(observation(component(factor=factor)))


def test_amplitudes_beyond_any_number_are_refused(given):
    with pytest.raises(FormatError, match="beyond any number"):
        given(observation(component(factor=1e300)))


def test_a_lead_in_a_unit_that_is_no_voltage_is_refused(given):
    with pytest.raises(UnitError, match="mmHg"):
        given(observation(component(unit="mmHg")))
    assert given(observation(component(unit="mmHg")), unit="mV").signal[0, 1] == 25.0


# Time


@pytest.mark.parametrize(
    ("interval", "unit", "fs"),
    [(2, "ms", 500), (0.002, "s", 500), (2000, "us", 500), (250, "Hz", 250), (1.953125, "ms", 512)],
)
def test_intervals_of_release_5_have_a_unit(given, interval, unit, fs):
    told = {"period": None, "interval": interval, "intervalUnit": unit}
    assert given(observation(component(**told))).fs == fs


@pytest.mark.parametrize(
    "told",
    [
        {"period": None},
        {"period": 0},
        {"period": 1e-320},
        {"period": 1e300},
        {"period": "x"},
        {"interval": 2, "intervalUnit": "m"},
    ],
)
def test_a_rate_that_is_not_told_is_asked_for(given, told):
    with pytest.raises(SamplingRateError, match=r"fs=500.*--fs 500"):
        given(observation(component(**told)))
    assert given(observation(component(**told)), fs=360).fs == 360.0


def test_samples_at_listed_offsets_are_refused(given):
    with pytest.raises(SamplingRateError, match="offsets"):
        given(observation(component(offsets="0 1 5 9")))


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({"effectiveDateTime": "2020-01-02T03:04:05Z"}, datetime(2020, 1, 2, 3, 4, 5)),
        ({"effectivePeriod": {"start": "2020-01-02T03:04:05.5-02:00"}},
         datetime(2020, 1, 2, 3, 4, 5, 500_000)),
        ({"effectiveDateTime": "2020-01-02"}, None),
        ({"effectiveDateTime": "2020"}, None),
        ({"effectiveDateTime": "2020-13-02T03:04:05Z"}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_the_start_is_the_effective_moment(given, when, expected):
    start = given(observation(component(), **when)).start_time
    assert (start.replace(tzinfo=None) if start else None) == expected
    assert start is None or start.tzinfo is not None


# Leads


def test_leads_are_known_by_codes_of_three_terminologies(given):
    snomed = ["272729005", "272730000", "272731001", "257474006", "257473000", "257472005"]
    loinc = ["LP7389-2", "LP7390-0", "LP7391-8", "LP7392-6", "LP7393-4", "LP7394-2"]
    parts = [component(coded(c, SNOMED)) for c in snomed]
    parts += [component(coded(c, LOINC)) for c in loinc]
    assert given(observation(*parts)).leads == STANDARD_12
    mdc = [component(lead) for lead in MDC_LEADS]
    assert given(observation(*mdc)).leads == tuple(MDC_LEADS)


@pytest.mark.parametrize(
    ("concept", "lead"),
    [
        ({"text": "Lead I"}, "I"),
        ({"text": "aVR"}, "aVR"),
        (coded("abc", "urn:any", display="MDC_ECG_ELEC_POTL_V3"), "V3"),
        (coded("MDC_ECG_LEAD_II", "urn:any"), "II"),
        (coded("ECG_II", "urn:any"), "II"),
        (coded("appleWatchSimilarToLeadI", "urn:any"), "I"),
        ({"text": "Channel 1"}, "Channel 1"),
        (coded("1", "urn:any"), "1"),
        (coded("131389", "urn:iso:std:iso:11073:10101"), "III"),
    ],
)
def test_leads_are_known_by_their_words(given, concept, lead):
    assert given(observation(component(concept))).leads == (lead,)


def test_an_observation_can_be_one_lead(given):
    held = observation(code={"text": "Lead V2"}, valueSampledData=sampled())
    assert given(held).leads == ("V2",)
    site = observation(valueSampledData=sampled(), bodySite=coded("257475007", SNOMED))
    assert given(site).leads == ("V1",)


def test_interleaved_samples_are_told_apart(given):
    held = component({"text": "I, II"}, data="1 10 2 20 3 30", dimensions=2, factor=1)
    record = given(observation(held))
    assert record.leads == ("I", "II")
    np.testing.assert_allclose(record.signal * 1000, [[1, 2, 3], [10, 20, 30]], rtol=1e-6)
    assert given(observation(held), leads=["V5", "v6"]).leads == ("V5", "V6")


def test_interleaved_samples_without_names_are_numbered(given):
    record = given(observation(component(coded("131328"), data="1 2 3 4", dimensions=2)))
    assert record.leads == ("row 1", "row 2")
    assert "leads-unnamed" in codes(record)
    with pytest.raises(OptionError, match="2 leads"):
        given(observation(component(coded("131328"), data="1 2", dimensions=2)), leads="I")


@pytest.mark.parametrize("dimensions", [0, 3, -1, 1.5, 1e9])
def test_dimensions_that_do_not_divide_are_refused(given, dimensions):
    with pytest.raises(FormatError, match="dimensions"):
        given(observation(component(dimensions=dimensions)))


@pytest.mark.parametrize("by_time", [False, True])
def test_parts_of_a_lead_are_joined_in_their_order(given, by_time):
    parts = [component("I", "1 2"), component("I", "3 4")]
    parts += [component("II", "5 6"), component("II", "7 8")]
    if by_time:
        parts = [parts[0], parts[2], parts[1], parts[3]]
    record = given(observation(*parts))
    np.testing.assert_allclose(record.signal / 0.0025, [[1, 2, 3, 4], [5, 6, 7, 8]], rtol=1e-6)
    assert "parts-joined" in codes(record)


def test_a_shorter_lead_of_the_same_name_is_a_companion(given):
    record = given(observation(component("I"), component("II"), component("I", "7 8")))
    assert record.leads == ("I", "II")
    assert [(c.name, c.signal.size) for c in record.companions] == [("I", 2)]
    assert "leads-repeated" in codes(record)


def test_a_lead_that_ends_earlier_is_missing_there(given):
    record = given(observation(component("I"), component("II", "7 8")))
    assert np.isnan(record.signal[1, 2:]).all()
    assert "length-differs" in codes(record)


def test_other_rates_and_other_units_are_companions(given):
    breath = component({"text": "Respiration"}, unit="Ohm", period=40)
    record = given(observation(component("I", "1 2 3 4 5"), component("II", period=4), breath))
    assert record.leads == ("I",)
    assert [(c.name, c.fs, c.unit) for c in record.companions] == [
        ("Respiration", 25.0, "Ohm"),
        ("II", 250.0, "mV"),
    ]


def test_volts_of_another_kind_are_no_lead(given):
    record = given(observation(component(), component({"text": "EEG Fpz-Cz"})))
    assert record.leads == ("II",)
    assert record.companions[0].unit == "uV"


def test_sampled_data_without_any_voltage_is_refused(given):
    with pytest.raises(LeadError, match="no ECG"):
        given(observation(component({"text": "ABP"}, unit="mm[Hg]")))


# What else is said


def test_patient_device_and_interpretation_are_carried(given):
    person = {
        "resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1950-06-01",
        "name": [{"given": ["Ada", "B"], "family": "C"}], "identifier": [{"value": "123"}],
    }  # fmt: skip
    record = given(
        observation(
            component(),
            {"code": coded("18844-1", LOINC), "valueString": "sinus rhythm"},
            contained=[person],
            subject={"reference": "#p"},
            effectiveDateTime="2020-05-31T00:00:00Z",
            device={"display": "Recorder 7"},
            performer=[{"display": "someone"}],
            note=[{"text": "seen twice"}],
            interpretation=[coded("164889003", SNOMED, display="atrial fibrillation")],
        )
    )
    patient = record.patient
    assert (patient.patient_id, patient.name, patient.sex) == ("123", "Ada B C", "female")
    assert (patient.birth_date, patient.age_years) == (date(1950, 6, 1), 69.0)
    said = [(s.scheme, s.code, s.name) for s in record.carried.statements]
    assert said == [
        ("snomed-ct", "164889003", "atrial fibrillation"), ("text", "sinus rhythm", "")
    ]  # fmt: skip
    header = record.carried.header
    assert header["device_model"] == "Recorder 7"
    assert header["comment"] == "seen twice"
    assert header["operator"] == "someone"


def test_measurements_are_known_by_loinc_and_mdc(given):
    def number(concept, value, unit):
        return {"code": concept, "valueQuantity": {"value": value, "code": unit}}

    record = given(
        observation(
            component(),
            number(coded("8867-4", LOINC), 72, "/min"),
            number(coded("8625-6", LOINC), 0.16, "s"),
            number(coded("8633-0", LOINC), 92, "ms"),
            number(coded("8634-8", LOINC), 0, "ms"),
            number(coded("8636-3", LOINC), 410, "ms"),
            number(coded("8632-2", LOINC), 0, "deg"),
            number(coded("1", MDC, display="MDC_ECG_TIME_PD_P"), 104, "ms"),
            number({"text": "weight"}, 70, "kg"),
            number(coded("30525-0", LOINC), 6, "mo"),
        )
    )
    assert record.carried.measurements == {
        "heart_rate_bpm": 72.0, "pr_ms": 160.0, "qrs_ms": 92.0, "qtc_ms": 410.0,
        "qrs_axis_deg": 0.0, "p_ms": 104.0,
    }  # fmt: skip
    assert record.carried.header["weight"] == "70 kg"
    assert record.patient.age_years == 0.5


def test_an_observation_entered_in_error_says_so(given):
    assert "status" in codes(given(observation(component(), status="entered-in-error")))


# Bundles


def test_observations_of_one_moment_are_leads_of_one_recording(given):
    person = {"resourceType": "Patient", "id": "1", "gender": "male"}
    about = {"subject": {"reference": "Patient/1"}, "effectiveDateTime": "2020-01-02T03:04:05Z"}
    leads = [
        observation(code={"text": f"Lead {lead}"}, valueSampledData=sampled(), **about)
        for lead in ("I", "II")
    ]
    rate = observation(
        code=coded("8867-4", LOINC), valueQuantity={"value": 61, "unit": "bpm"}, **about
    )
    report = {"resourceType": "DiagnosticReport", "conclusion": "normal", **about}
    record = given(bundle(person, *leads, rate, report))
    assert record.leads == ("I", "II")
    assert record.patient.sex == "male"
    assert record.carried.measurements == {"heart_rate_bpm": 61.0}
    assert [s.code for s in record.carried.statements] == ["normal"]


def test_one_recording_of_several_is_chosen(given):
    first = observation(component(), effectiveDateTime="2020-01-02T03:04:05Z")
    second = observation(component(data="1 2 3 4 5 6 7"), effectiveDateTime="2021-01-02T03:04:05Z")
    record = given(bundle(first, second))
    assert record.start_time.year == 2021
    assert "recordings-left" in codes(record)
    assert given(bundle(first, second), recording=1).start_time.year == 2020
    with pytest.raises(OptionError, match="holds 2"):
        given(bundle(first, second), recording=3)


def test_a_report_that_contains_its_observation_is_read(given):
    held = observation(component(), id="o")
    report = {"resourceType": "DiagnosticReport", "conclusion": "normal", "contained": [held]}
    record = given(report)
    assert record.leads == ("II",)
    assert [s.code for s in record.carried.statements] == ["normal"]


def test_resources_one_after_the_other_are_read(given):
    lines = [json.dumps(observation(component(lead))) for lead in ("I", "II")]
    assert given("\n".join(lines)).leads == ("I", "II")


# The text itself


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_any_unicode_is_read_without_its_name_telling(given, encoding):
    assert given(observation(component()), encoding, ".txt").leads == ("II",)


def test_xml_and_json_give_the_same(given):
    xml = (
        '<Observation xmlns="http://hl7.org/fhir"><status value="final"/><contained><Patient>'
        '<id value="p"/><gender value="male"/></Patient></contained><code><text value="ECG"/>'
        '</code><subject><reference value="#p"/></subject>'
        '<component><code><text value="Lead II"/></code><valueSampledData><origin>'
        '<value value="100"/><code value="uV"/></origin><period value="4"/><factor value="2"/>'
        '<data value="1 2 E"/></valueSampledData></component></Observation>'
    )
    record = given(xml, suffix=".xml")
    np.testing.assert_allclose(record.signal, [[0.102, 0.104, np.nan]], atol=1e-7)
    assert (record.leads, record.fs, record.patient.sex) == (("II",), 250.0, "male")


def test_an_object_whose_type_stands_last_is_recognised():
    head = b'{"component": [{"valueSampledData": {"data": "1 2 3"}}]}'
    assert sniff(head).name == "fhir"
    assert sniff(b'{"signal": [1, 2]}') is None


@pytest.mark.parametrize(
    "text",
    [
        '{"resourceType": "Observation"',
        '{"resourceType": "Observation", "x": NaN}',
        '{"resourceType": "Observation", "x": -Infinity}',
        '{"resourceType": 5}',
        '{"resourceType": "Observation", "component": "x"}',
        '{"resourceType": "Observation", "component": [1, null, []]}',
        '{"resourceType": "Observation", "valueSampledData": 5}',
        '{"resourceType": "Bundle", "entry": [{"resource": {}}]}',
        '[{"resourceType": "Patient"}]',
        '{"resourceType":' + "[" * 100_000,
        '{"resourceType": "Observation", "a":' + '{"a":' * 200 + "1" + "}" * 201,
        '{"resourceType": "Observation", "a": ' + "9" * 10_000 + "}",
    ],
)
def test_damage_ends_in_a_sentence(given, text):
    with pytest.raises(FormatError) as raised:
        given(text, format="fhir")
    assert 20 < len(str(raised.value)) < 500


def test_millions_of_entries_are_refused_before_they_are_made(given):
    text = '{"resourceType": "Observation", "component": [' + "[]," * 2_000_001 + "[]]}"
    with pytest.raises(FormatError, match="entries"):
        given(text)


def test_leads_of_very_different_lengths_are_refused(given):
    parts = [component({"text": f"x{k}"}, "1") for k in range(300)]
    with pytest.raises(FormatError, match="different lengths"):
        given(observation(component(data="1 " * 50_000), *parts))


def places(node, path=()):
    """Yield the path of everything within a resource."""
    for key in node if isinstance(node, dict) else range(len(node)):
        yield (*path, key)
        if isinstance(node[key], dict | list):
            yield from places(node[key], (*path, key))


def test_resources_with_anything_anywhere_are_read_or_refused(given):
    """Well-formed text whose entries have other types and values than the standard says."""
    person = {"resourceType": "Patient", "id": "p", "birthDate": "1950-06-01", "name": [{}]}
    number = {"code": coded("8867-4", LOINC), "valueQuantity": {"value": 72, "code": "/min"}}
    words = {"code": coded("18844-1", LOINC), "valueString": "sinus rhythm"}
    whole = bundle(
        observation(
            component(), component("I", interval=2, intervalUnit="ms"), number, words,
            contained=[person], subject={"reference": "#p"}, note=[{"text": "x"}],
            effectiveDateTime="2020-05-31T00:00:00Z",
        )
    )  # fmt: skip
    others = [
        *(None, True, 0, -1, 1e308, 1e-320, 10**400, "", "x", "E U", "1 2 3", "1e999", "\ud800"),
        *([], {}, [[]], [None], {"value": {}}, "9999-12-31T23:59:59+14:00", "0001-01-01"),
    ]
    rng = np.random.default_rng(4)
    for path in list(places(whole)):
        for other in rng.choice(len(others), 4, replace=False):
            changed = json.loads(json.dumps(whole))
            node = changed
            for key in path[:-1]:
                node = node[key]
            node[path[-1]] = others[other]
            try:
                record = given(changed, format="fhir")
            except PrecordiaError:
                continue
            assert not np.isinf(record.signal).any()


def test_names_in_sentences_are_short_and_printable(given):
    lead = {"text": "a\u202e\ud800\n" * 1000}
    with pytest.raises(PrecordiaError) as raised:
        given(observation(component(lead, unit=None)))
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 500
