# SPDX-License-Identifier: Apache-2.0
"""HL7 aECG: values of real files, variants built from the implementation guide, damage."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import numpy as np
import pytest

from precordia.core.errors import (
    FormatError,
    LeadError,
    OptionError,
    SamplingRateError,
    UnitError,
)
from precordia.io.read import read

FDA = "formats/aecg-fda/src/aecg/data"
EXAMPLE = f"{FDA}/hl7/2003-12 Schema/example/Example aECG.xml"
CVRGRID = "formats/aecg-cvrgrid/src/test/resources/hl7aecg-Example2.xml"
MINDRAY = "formats/aecg-liryc/exemple/hl7aecg_example.xml"
HEAD = '<AnnotatedECG xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
TS = '<head value="20200102030405.000"/><increment value="0.002" unit="s"/>'


def sequence(code, kind, inner, attributes=""):
    value = f'<value xsi:type="{kind}"{attributes}>{inner}</value>'
    return f'<component><sequence><code code="{code}"/>{value}</sequence></component>'


def axis(inner=TS, kind="GLIST_TS"):
    return sequence("TIME_ABSOLUTE" if kind == "GLIST_TS" else "TIME_RELATIVE", kind, inner)


def lead(code, digits, *, scale=("1", "uV"), origin=("0", "uV"), kind="SLIST_PQ", attributes=""):
    def quantity(tag, value, unit):
        return f'<{tag} value="{value}"' + (f' unit="{unit}"/>' if unit is not None else "/>")

    inner = quantity("origin", *origin) + quantity("scale", *scale)
    inner += f"<digits>{digits}</digits>"
    return sequence(code, kind, inner, attributes)


def series(*sets, code="RHYTHM", after="", tag="series", time=""):
    inner = "".join(f"<component><sequenceSet>{s}</sequenceSet></component>" for s in sets)
    body = f'<{tag}><code code="{code}"/>{time}{inner}{after}</{tag}>'
    return (
        f"<component>{body}</component>" if tag == "series" else f"<derivation>{body}</derivation>"
    )


def annotated(*annotations):
    inner = "".join(f"<component>{a}</component>" for a in annotations)
    return f"<subjectOf><annotationSet>{inner}</annotationSet></subjectOf>"


def note(code, value, *inner):
    held = "".join(f"<component>{i}</component>" for i in inner)
    return f'<annotation><code code="{code}"/>{value}{held}</annotation>'


def quantity(value, unit):
    return f'<value xsi:type="PQ" value="{value}" unit="{unit}"/>'


def coded(code):
    return f'<value xsi:type="CE" code="{code}"/>'


def region(value, *leads):
    parts = f'<component><boundary><code code="TIME_RELATIVE"/>{value}</boundary></component>'
    for code in leads:
        parts += f'<component><boundary><code code="{code}"/></boundary></component>'
    return f"<support><supportingROI>{parts}</supportingROI></support>"


def span(low, high):
    ends = f'<low value="{low}" unit="ms"/><high value="{high}" unit="ms"/>'
    return f'<value xsi:type="IVL_PQ">{ends}</value>'


@pytest.fixture
def aecg(tmp_path):
    def make(*inner, before="", **options):
        path = tmp_path / "a.xml"
        path.write_text(HEAD + before + "".join(inner) + "</AnnotatedECG>", encoding="utf-8")
        return read(path, **options)

    return make


# ------------------------------------------------------------------ real files


def test_the_example_of_the_standard_has_its_counts(shared_data):
    record = read(shared_data / EXAMPLE)
    order = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6", "III", "aVR", "aVL", "aVF")
    sums = (-4921, -4084, -2299, -2648, -3119, -2499, -3009, -1762, 837, 4432, -2721, -1570)
    assert record.leads == order
    assert record.fs == 500
    counts = record.signal.astype(np.float64) / 0.0025
    assert np.abs(counts - np.rint(counts)).max() < 1e-3
    assert tuple(np.rint(counts).sum(axis=1).astype(int)) == sums
    assert counts[0, :5] == pytest.approx([-2, -2, -2, -2, -3], abs=1e-3)
    assert record.start_time == datetime(2002, 11, 22, 9, 10)


def test_the_example_of_the_standard_is_the_scp_recording(shared_data):
    record = read(shared_data / EXAMPLE)
    other = read(shared_data / "formats/scp-scpinfo/example/example.scp")
    for name in record.leads:
        mine, theirs = record.leads.index(name), other.leads.index(name)
        assert np.array_equal(record.signal[mine], other.signal[theirs]), name
    assert record.start_time == other.start_time


def test_the_example_of_the_standard_says_what_was_measured(shared_data):
    record = read(shared_data / EXAMPLE)
    carried = record.carried
    assert carried.measurements == {
        "p_ms": 102, "pr_ms": 148, "qrs_ms": 120, "qt_ms": 420, "qtc_ms": 443,
        "p_axis_deg": 44, "qrs_axis_deg": -61, "t_axis_deg": 86,
    }  # fmt: skip
    assert [s.code for s in carried.statements] == ["MDC_ECG_RHY_SINUS_RHY"]
    assert carried.statements[0].scheme == "mdc"
    assert carried.median.signal.shape == (12, 599)
    patient = record.patient
    assert (patient.patient_id, patient.name, patient.sex) == ("SBJ-123", "Clark", "male")
    assert patient.birth_date == date(1953, 5, 8)
    assert patient.age_years == 46
    header = carried.header
    assert header["manufacturer"] == "Mortara Instrument, Inc."
    assert header["device_model"] == "ELI250"
    assert header["software_version"] == "5.3"
    assert header["filter_lowpass_hz"] == "150"
    assert header["filter_notch_hz"] == "60"
    assert "filter_highpass_hz" not in header
    assert header["trial_id"] == "PUK-123-TRL-1"
    assert header["investigator"] == "John Smith, M.D."
    assert header["technician"] == "KAB"
    assert header["race"] == "RaceWhite"


def test_marks_of_the_example_are_where_its_times_say(shared_data):
    carried = read(shared_data / EXAMPLE).carried
    waves = carried.fiducials
    assert waves.n_cycles == 12
    # 0.122 to 0.224 s, 0.270 to 0.390 s, end 0.690 s, at 500 Hz
    first = [waves.p_onset[0], waves.p_offset[0], waves.qrs_onset[0], waves.qrs_offset[0]]
    assert first == [61, 112, 135, 195]
    assert waves.t_offset[0] == 345
    assert np.isnan(waves.t_onset).all()
    assert np.isnan(waves.r_peak).all()
    # a physician marked R in lead I at 332, 1120, 1930 and 2776 ms, QRST in II three times
    assert waves.leads["I"].r_peak[:4].tolist() == [166, 560, 965, 1388]
    assert np.isnan(waves.leads["I"].r_peak[4:]).all()
    assert waves.leads["II"].qrs_onset[1:4].tolist() == [534, 938, 1361]
    assert waves.leads["II"].t_offset[1:4].tolist() == [741, 1149, 1564]
    median = carried.median
    assert (median.p_onset, median.p_offset) == (143, 194)
    assert (median.qrs_onset, median.qrs_offset) == (217, 277)
    assert carried.annotations.symbol == ("N",) * 12


def test_a_misspelt_unit_of_a_rate_is_understood(shared_data):
    record = read(shared_data / CVRGRID)
    counts = np.rint(record.signal.astype(np.float64) / 0.0025)
    assert record.signal.shape == (12, 10000)
    assert record.fs == 1000
    assert record.leads[:6] == ("I", "II", "III", "aVR", "aVL", "aVF")
    assert (counts[0].min(), counts[0].max(), counts[0].sum()) == (-17, 402, 379719)
    assert counts[0, :5].tolist() == [65, 67, 70, 68, 67]
    assert counts[record.leads.index("V4")].max() == 865
    assert record.carried.measurements == {"heart_rate_bpm": 52}
    assert record.carried.median.signal.shape == (12, 1200)
    # the time axis counts from 0; the series says when that was
    assert record.start_time == datetime(2004, 1, 15, 11, 20, 4)


def test_the_variant_of_mindray_is_read(shared_data):
    record = read(shared_data / MINDRAY)
    counts = np.rint(record.signal.astype(np.float64) / 0.005)
    assert record.signal.shape == (12, 1000)
    assert record.fs == 100
    assert (counts[0].min(), counts[0].max(), counts[0].sum()) == (-134, 341, -28110)
    assert counts[record.leads.index("V3")].max() == 470
    assert record.carried.median.signal.shape == (12, 500)
    told = record.carried.measurements
    assert "qtc_ms" not in told  # 0 is no QTc
    assert told["qtc_hodges_ms"] == 413
    # Hodges: QT + 1.75 (rate - 60)
    assert told["qtc_hodges_ms"] == pytest.approx(418 + 1.75 * (57 - 60), abs=1)
    assert (told["heart_rate_bpm"], told["pr_ms"], told["qrs_ms"], told["qt_ms"]) == (
        57,
        192,
        88,
        418,
    )
    assert (told["p_axis_deg"], told["qrs_axis_deg"], told["t_axis_deg"]) == (60, 64, 11)
    assert (told["rv5_mv"], told["sv1_mv"]) == (1.008, 0.565)
    said = [s.code for s in record.carried.statements]
    assert said[1] == "--- Interprétation sans connaître le sexe/l'âge du patient ---"
    assert said[2] == "ECG limite"
    assert record.carried.header["comment"] == "Diagnostic non confirmé."
    assert record.patient.patient_id == "25060897140"
    assert record.patient.sex is None


@pytest.mark.parametrize("variant", ["", "_effectiveTime_low", "_effectiveTime_high",
                                     "_effectiveTime_interval", "_nouuid"])  # fmt: skip
def test_the_least_that_the_standard_allows_is_read(shared_data, variant):
    record = read(shared_data / f"{FDA}/examples/minimum_aecg{variant}.xml")
    counts = [-2, -2, -2, -2, -3, -4, -3, -5, -5, -4, -6, -9, -9]
    assert record.leads == ("II",)
    assert record.signal[0] == pytest.approx(np.array(counts) * 0.0025)
    assert record.start_time == datetime(2002, 11, 22, 9, 10)


def test_a_document_without_series_is_refused(shared_data):
    with pytest.raises(FormatError, match="without any series"):
        read(shared_data / f"{FDA}/examples/empty.xml")


# ------------------------------------------------------------------ units and time axes


@pytest.mark.parametrize(
    ("unit", "millivolt"), [("uV", 1e-3), ("mV", 1.0), ("nV", 1e-6), ("V", 1e3), ("µV", 1e-3)]
)
def test_scale_and_origin_keep_their_units(aecg, unit, millivolt):
    record = aecg(
        series(axis() + lead("MDC_ECG_LEAD_II", "0 1 -4", scale=("2.5", unit), origin=("3", unit)))
    )
    expected = (3 + 2.5 * np.array([0, 1, -4])) * millivolt
    assert record.signal[0] == pytest.approx(expected.astype(np.float32))


def test_origin_and_scale_may_differ_in_unit(aecg):
    record = aecg(
        series(axis() + lead("MDC_ECG_LEAD_II", "0 1", scale=("5", "uV"), origin=("1", "mV")))
    )
    assert record.signal[0] == pytest.approx([1.0, 1.005])


@pytest.mark.parametrize("unit", [None, "", "furlong"])
def test_a_lead_without_a_voltage_asks_for_the_unit(aecg, unit):
    text = series(axis() + lead("MDC_ECG_LEAD_II", "1 2", scale=("1", unit), origin=("0", unit)))
    with pytest.raises(UnitError, match=r"uV or mV.*unit='uV'"):
        aecg(text)
    assert aecg(text, unit="uV").signal[0] == pytest.approx([1e-3, 2e-3])


def test_integers_without_unit_are_read_with_one(aecg):
    text = series(
        axis()
        + lead("MDC_ECG_LEAD_I", "1 2", kind="SLIST_INT", scale=("5", None), origin=("0", None))
    )
    with pytest.raises(UnitError):
        aecg(text)
    assert aecg(text, unit="uV").signal[0] == pytest.approx([5e-3, 10e-3])


@pytest.mark.parametrize(
    ("increment", "fs"),
    [
        ('value="0.002" unit="s"', 500), ('value="2" unit="ms"', 500),
        ('value="1000" unit="us"', 1000), ('value="0.0010000" unit="s"', 1000),
        ('value="0.00390625" unit="s"', 256), ('value="3" unit="ms"', 1000 / 3),
    ],
)  # fmt: skip
def test_the_increment_tells_the_sampling_rate(aecg, increment, fs):
    inner = f'<head value="0" unit="s"/><increment {increment}/>'
    record = aecg(series(axis(inner, "GLIST_PQ") + lead("MDC_ECG_LEAD_I", "1 2")))
    assert record.fs == pytest.approx(fs, rel=1e-12)
    assert record.start_time is None


@pytest.mark.parametrize(
    "inner",
    [
        '<head value="0" unit="s"/><increment value="2"/>',
        '<head value="0" unit="s"/><increment value="0" unit="s"/>',
        '<head value="0" unit="s"/><increment value="-1" unit="s"/>',
        '<head value="0" unit="s"/><increment value="nan" unit="s"/>',
        '<head value="0" unit="s"/>',
    ],
)
def test_a_time_axis_that_tells_no_rate_is_refused(aecg, inner):
    with pytest.raises(SamplingRateError):
        aecg(series(axis(inner, "GLIST_PQ") + lead("MDC_ECG_LEAD_I", "1 2")))


def test_samples_without_time_axis_are_refused(aecg):
    with pytest.raises(SamplingRateError, match="no time axis"):
        aecg(series(lead("MDC_ECG_LEAD_I", "1 2")))


@pytest.mark.parametrize("code", ["MDC_ECG_LEAD_AVR", "131134", "2:62", "avr"])
def test_leads_are_known_by_any_code(aecg, code):
    assert aecg(series(axis() + lead(code, "1 2"))).leads == ("aVR",)


def test_time_zones_and_fractions_are_kept(aecg):
    inner = '<head value="20200102030405.1234-0530"/><increment value="2" unit="ms"/>'
    zone = timezone(-timedelta(hours=5, minutes=30))
    expected = datetime(2020, 1, 2, 3, 4, 5, 123400, tzinfo=zone)
    assert aecg(series(axis(inner) + lead("MDC_ECG_LEAD_I", "1 2"))).start_time == expected


# ------------------------------------------------------------------ sets and series


def test_sets_of_one_series_share_a_clock(aecg):
    later = '<head value="20200102030405.010"/><increment value="0.002" unit="s"/>'
    record = aecg(series(
        axis() + lead("MDC_ECG_LEAD_I", "1 2") + lead("MDC_ECG_LEAD_II", "3 4"),
        axis(later) + lead("MDC_ECG_LEAD_I", "5"),
    ))  # fmt: skip
    nan = np.nan
    expected = np.array([[1, 2, nan, nan, nan, 5], [3, 4, nan, nan, nan, nan]]) * 1e-3
    np.testing.assert_allclose(record.signal, expected, rtol=1e-6)


def test_a_printout_of_columns_becomes_one_record(aecg):
    def at(s):
        return axis(f'<head value="{s}" unit="s"/><increment value="0.5" unit="s"/>', "GLIST_PQ")

    record = aecg(series(
        at(0) + lead("MDC_ECG_LEAD_I", "1 1"), at(1) + lead("MDC_ECG_LEAD_V1", "2 2"),
        at(0) + lead("MDC_ECG_LEAD_V1", "3 3 3 3"),
    ))  # fmt: skip
    assert record.leads == ("I", "V1", "V1 #2")
    assert np.isnan(record.signal).tolist() == [
        [False, False, True, True], [True, True, False, False], [False] * 4,
    ]  # fmt: skip


def test_sets_years_apart_take_no_memory(aecg):
    later = '<head value="20300102030405"/><increment value="0.002" unit="s"/>'
    record = aecg(series(
        axis() + lead("MDC_ECG_LEAD_I", "1 2 3"), axis(later) + lead("MDC_ECG_LEAD_I", "5"),
    ))  # fmt: skip
    assert record.n_samples == 3
    assert {"groups-apart", "parts-left"} <= {remark.code for remark in record.remarks}


def test_a_set_of_another_rate_is_a_companion(aecg):
    slow = '<head value="20200102030405"/><increment value="0.01" unit="s"/>'
    record = aecg(series(
        axis() + lead("MDC_ECG_LEAD_I", "1 2 3"),
        axis(slow) + lead("MDC_ECG_LEAD_II", "5")
        + lead("MDC_PRESS_BLD", "80", scale=("1", "mm[Hg]")),
    ))  # fmt: skip
    assert record.leads == ("I",)
    told = {c.name: (c.unit, c.fs, c.signal.tolist()) for c in record.companions}
    assert told["II"] == ("mV", 100, pytest.approx([0.005]))
    assert told["MDC_PRESS_BLD"] == ("mm[Hg]", 100, [80])


def test_a_lead_without_samples_is_missing(aecg):
    empty = lead("MDC_ECG_LEAD_I", "", attributes=' nullFlavor="NI"')
    record = aecg(series(axis() + empty + lead("MDC_ECG_LEAD_II", "1 2")))
    assert record.leads == ("I", "II")
    assert np.isnan(record.signal[0]).all()
    assert record.signal[1] == pytest.approx([1e-3, 2e-3])


def test_leads_of_unequal_length_end_in_missing_samples(aecg):
    record = aecg(series(axis() + lead("MDC_ECG_LEAD_I", "1 2 3") + lead("MDC_ECG_LEAD_II", "1")))
    assert np.isnan(record.signal[1]).tolist() == [False, True, True]
    assert next(r for r in record.remarks if r.code == "length-differs").leads == ("II",)


def test_the_longest_of_several_series_is_read_unless_another_is_wanted(aecg):
    text = series(axis() + lead("MDC_ECG_LEAD_I", "1")) + series(
        axis() + lead("MDC_ECG_LEAD_I", "2 3")
    )
    record = aecg(text)
    assert record.n_samples == 2
    assert "series-left" in {remark.code for remark in record.remarks}
    assert aecg(text, series=1).n_samples == 1
    with pytest.raises(OptionError, match="from 1 to 2"):
        aecg(text, series=3)


def test_a_representative_beat_is_never_the_rhythm(aecg):
    beat = series(axis() + lead("MDC_ECG_LEAD_I", "7 7 7 7"), code="REPRESENTATIVE_BEAT")
    record = aecg(beat, series(axis() + lead("MDC_ECG_LEAD_I", "1 2")))
    assert record.n_samples == 2
    assert record.carried.median.signal.shape == (1, 4)


def test_pressures_alone_are_no_ecg(aecg):
    with pytest.raises(LeadError, match="no ECG"):
        aecg(series(axis() + lead("MDC_PRESS_BLD", "80 81", scale=("1", "mm[Hg]"))))


@pytest.mark.parametrize("digits", ["1 2 x", "1.5 2", "1 - 2", "99999999999"])
def test_digits_that_are_no_whole_numbers_are_refused(aecg, digits):
    with pytest.raises(FormatError, match="lead I"):
        aecg(series(axis() + lead("MDC_ECG_LEAD_I", digits)))


@pytest.mark.parametrize("scale", ["0", "nan", "inf", "x", "1e39"])
def test_a_scale_that_is_no_number_is_refused(aecg, scale):
    with pytest.raises(FormatError):
        aecg(series(axis() + lead("MDC_ECG_LEAD_I", "10 20", scale=(scale, "mV"))))


# ------------------------------------------------------------------ annotations

RHYTHM = axis() + lead("MDC_ECG_LEAD_I", " ".join(["0"] * 1000))


def test_measurements_are_converted_and_absent_ones_left_out(aecg):
    record = aecg(series(RHYTHM, after=annotated(
        note("MDC_ECG_TIME_PD_PR", quantity("0.16", "s")),
        note("MDC_ECG_TIME_PD_QRS", quantity("0", "ms")),
        note("MDC_ECG_TIME_PD_QT", quantity("29999", "ms")),
        note("MDC_ECG_TIME_PD_QTcF", quantity("410", "ms")),
        note("MDC_ECG_TIME_PD_RR_GL", quantity("900000", "us")),
        note("MDC_ECG_ANGLE_QRS_FRONT", quantity("0", "deg")),
        note("MDC_ECG_ANGLE_T_FRONT", quantity("3.14159265358979", "rad")),
        note("MDC_ECG_HEART_RATE", quantity("66", "furlong")),
        note("MDC_ECG_ATRIAL_RATE", quantity("1.5", "Hz")),
    )))  # fmt: skip
    assert record.carried.measurements == pytest.approx({
        "pr_ms": 160, "qtc_fridericia_ms": 410, "rr_ms": 900, "qrs_axis_deg": 0,
        "t_axis_deg": 180, "atrial_rate_bpm": 90,
    })  # fmt: skip
    remark = next(r for r in record.remarks if r.code == "measurement-unit")
    assert "heart_rate_bpm (unit 'furlong')" in remark.text


def test_measurements_of_beats_that_differ_are_nobodys(aecg):
    def beat(pr, qrs):
        return note(
            "MDC_ECG_BEAT", coded("MDC_ECG_BEAT_NORMAL"),
            note("MDC_ECG_TIME_PD_PR", quantity(pr, "ms")),
            note("MDC_ECG_TIME_PD_QRS", quantity(qrs, "ms")),
        )  # fmt: skip

    record = aecg(series(RHYTHM, after=annotated(beat(150, 90), beat(170, 90))))
    assert record.carried.measurements == {"qrs_ms": 90}


def test_measurements_of_one_lead_are_not_the_recordings(aecg):
    of_lead = region(quantity(0, "ms"), "MDC_ECG_LEAD_I")
    inner = (
        f'<annotation><code code="MDC_ECG_TIME_PD_QT"/>{quantity(400, "ms")}{of_lead}</annotation>'
    )
    assert aecg(series(RHYTHM, after=annotated(inner))).carried.measurements == {}


def test_waves_of_beats_become_rows(aecg):
    def wave(kind, low, high, *leads):
        return (
            f'<annotation><code code="MDC_ECG_WAVC"/>{coded("MDC_ECG_WAVC_" + kind)}'
            f"{region(span(low, high), *leads)}</annotation>"
        )

    peak = (
        f'<annotation><code code="MDC_ECG_WAVC_TYPE"/>{coded("MDC_ECG_WAVC_RWAVE")}<component>'
        f'<annotation><code code="MDC_ECG_WAVC_TYPE"/>{coded("MDC_ECG_WAVC_PEAK")}'
        f"{region(quantity(1230, 'ms'))}</annotation></component></annotation>"
    )
    beat = note("MDC_ECG_BEAT", coded("MDC_ECG_BEAT_V_P_C"), wave("QRSWAVE", 1200, 1320), peak)
    loose = [wave("PWAVE", 100, 180), wave("QRSWAVE", 260, 350), wave("TWAVE", 500, 640),
             wave("QRSWAVE", 262, 348, "MDC_ECG_LEAD_I"), wave("PWAVE", 900, 980)]  # fmt: skip
    carried = aecg(series(RHYTHM, after=annotated(beat, *loose))).carried
    waves = carried.fiducials
    assert waves.n_cycles == 2
    assert waves.p_onset.tolist() == [50, 450]
    assert waves.qrs_onset.tolist() == [130, 600]
    assert waves.t_offset[0] == 320
    assert waves.r_peak[1] == 615
    assert waves.leads["I"].qrs_onset[0] == 131
    assert carried.annotations.symbol == ("V",)
    assert carried.annotations.sample.tolist() == [615]


def test_marks_outside_the_recording_are_none(aecg):
    wave = coded("MDC_ECG_WAVC_PWAVE") + region(span(9e9, -5))
    far = f'<annotation><code code="MDC_ECG_WAVC"/>{wave}</annotation>'
    assert aecg(series(RHYTHM, after=annotated(far))).carried.fiducials is None


def test_ten_thousand_loose_marks_are_sorted_quickly(aecg):
    marks = [
        f'<annotation><code code="MDC_ECG_WAVC"/>{coded("MDC_ECG_WAVC_" + kind)}'
        f"{region(quantity(k * 0.2, 'ms'))}</annotation>"
        for k in range(3300)
        for kind in ("PWAVE", "RWAVE", "TWAVE")
    ]
    assert aecg(series(RHYTHM, after=annotated(*marks))).carried.fiducials is not None


def test_age_comes_from_its_observation_in_any_unit(aecg):
    code = '<code code="21612-7" codeSystem="2.16.840.1.113883.6.1"/>'
    before = f"<relatedObservation>{code}{quantity(18, 'mo')}</relatedObservation>"
    before = f"<controlVariable>{before}</controlVariable>"
    assert aecg(series(RHYTHM), before=before).patient.age_years == pytest.approx(1.5)


def test_another_root_is_refused(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text("<Other/>")
    with pytest.raises(FormatError, match="'AnnotatedECG' was needed"):
        read(path, format="hl7-aecg")


def test_names_of_patients_never_stand_in_errors(aecg):
    person = (
        "<componentOf><timepointEvent><componentOf><subjectAssignment><subject><trialSubject>"
        '<id extension="ID-4711"/><subjectDemographicPerson><name>Secret Person</name>'
        "</subjectDemographicPerson></trialSubject></subject></subjectAssignment></componentOf>"
        "</timepointEvent></componentOf>"
    )
    with pytest.raises(FormatError) as caught:
        aecg(series(axis() + lead("MDC_ECG_LEAD_I", "1 x")), before=person)
    assert "Secret" not in str(caught.value)
    assert "4711" not in str(caught.value)
    record = aecg(series(RHYTHM), before=person)
    assert record.patient.name == "Secret Person"
    assert "Secret" not in repr(record)
