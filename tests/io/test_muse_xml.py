# SPDX-License-Identifier: Apache-2.0
"""MUSE XML: four real files with stated values, and files built here element by element."""

from __future__ import annotations

import base64
import binascii
from datetime import date, datetime

import numpy as np
import pytest

from precordia.core.errors import (
    FormatError,
    LeadError,
    SamplingRateError,
    UnitError,
)
from precordia.core.leads import STANDARD_12
from precordia.io.formats import sniff
from precordia.io.read import read

FOLDER = "formats/braveheart-muse-xml/Example ECGs"
STORED = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")


def lead_data(lead, values, *, step="4.88", unit="MICROVOLTS", crc=None, count=None, extra=""):
    content = np.asarray(values, "<i2").tobytes()
    text = base64.encodebytes(content).decode()
    crc = binascii.crc32(content) if crc is None else crc
    return f"""<LeadData>
      <LeadByteCountTotal>{len(content)}</LeadByteCountTotal><LeadTimeOffset>0</LeadTimeOffset>
      <LeadSampleCountTotal>{len(content) // 2 if count is None else count}</LeadSampleCountTotal>
      <LeadAmplitudeUnitsPerBit>{step}</LeadAmplitudeUnitsPerBit>
      <LeadAmplitudeUnits>{unit}</LeadAmplitudeUnits><LeadID>{lead}</LeadID>
      {extra or "<LeadOffsetFirstSample>0</LeadOffsetFirstSample><LeadOff>FALSE</LeadOff>"}
      <LeadSampleSize>2</LeadSampleSize><LeadDataCRC32>{crc}</LeadDataCRC32>
      <WaveFormData>
{text}      </WaveFormData></LeadData>"""


def waveform(leads, *, kind="Rhythm", base=500, exponent=0, sample_type="CONTINUOUS_SAMPLES"):
    return f"""<Waveform><WaveformType>{kind}</WaveformType>
      <WaveformStartTime>0</WaveformStartTime><NumberofLeads>{len(leads)}</NumberofLeads>
      <SampleType>{sample_type}</SampleType><SampleBase>{base}</SampleBase>
      <SampleExponent>{exponent}</SampleExponent><HighPassFilter>5</HighPassFilter>
      <LowPassFilter>40</LowPassFilter><ACFilter>50</ACFilter>{"".join(leads)}</Waveform>"""


def build(*parts: str) -> bytes:
    head = (
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n<!DOCTYPE RestingECG SYSTEM "restecg.dtd">\n'
    )
    text = head + "<RestingECG>\n" + "\n".join(parts) + "</RestingECG>\n"
    return text.replace("\n", "\r\n").encode("latin-1")


def counts(n=500, seed=0):
    return np.random.default_rng(seed).integers(-400, 400, n)


def eight(n=500):
    return {lead: counts(n, k) for k, lead in enumerate(STORED)}


def put(tmp_path, *parts):
    path = tmp_path / "ecg.xml"
    path.write_bytes(build(*parts))
    return path


@pytest.fixture
def example(shared_data):
    return lambda k: read(shared_data / FOLDER / f"example{k}.xml")


def test_samples_of_a_real_file_are_the_stated_ones(example):
    record = example(1)
    assert record.leads == STANDARD_12
    assert record.fs == 500
    assert record.n_samples == 5000
    raw = {lead: row / 0.00488 for lead, row in zip(record.leads, record.signal, strict=True)}
    assert np.rint(raw["I"][:5]).tolist() == [-20, -20, -20, -20, -18]
    assert (round(float(raw["I"].min())), round(float(raw["I"].max()))) == (-46, 249)
    assert np.rint(raw["I"]).sum() == -12251
    assert np.rint(raw["II"]).sum() == 1586
    assert round(float(raw["V4"].max())) == 320
    assert record.signal[9].max() == np.float32(320 * 0.00488)


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_derived_leads_are_those_of_einthoven_and_goldberger(example, k):
    signal = example(k).signal.astype(float)
    one, two = np.rint(signal[:2] / 0.00488)
    expected = np.stack([two - one, -(one + two) / 2, one - two / 2, two - one / 2]) * 0.00488
    np.testing.assert_array_equal(signal[2:6], expected.astype(np.float32))
    (remark,) = [r for r in example(k).remarks if r.code == "leads-derived"]
    assert remark.leads == ("III", "aVR", "aVL", "aVF")


@pytest.mark.parametrize(
    ("k", "numbers"),
    [
        (1, (48, 138, 96, 452, 403, 20)),
        (2, (65, 184, 100, 420, 437, -2)),
        (3, (59, 164, 106, 436, 432, 20)),
        (4, (61, 209, 128, 459, 463, -66)),
    ],
)
def test_measurements_of_real_files_are_the_stated_ones(example, k, numbers):
    held = example(k).carried.measurements
    names = ("heart_rate_bpm", "pr_ms", "qrs_ms", "qt_ms", "qtc_bazett_ms", "qrs_axis_deg")
    assert tuple(held[name] for name in names) == numbers


def test_beats_of_real_files_lie_where_the_device_says(example):
    record = example(1)
    milliseconds = [614, 1914, 3132, 4384, 5600, 6802, 8046, 9312]
    assert record.carried.annotations.sample.tolist() == [ms // 2 for ms in milliseconds]
    assert set(record.carried.annotations.symbol) == {"N"}
    # A QRS complex is there: the steepest change of lead II lies within 100 ms.
    slope = np.abs(np.diff(record.signal[1]))
    for at in record.carried.annotations.sample:
        assert slope[at - 50 : at + 50].max() > 10 * np.median(slope)
    ectopic = example(2).carried.annotations
    assert [
        s for s, symbol in zip(ectopic.sample, ectopic.symbol, strict=True) if symbol == "Q"
    ] == [4369]


def test_marks_of_the_median_beat_agree_with_the_measurements(example):
    for k in (1, 2, 3, 4):
        carried = example(k).carried
        median, held = carried.median, carried.measurements
        assert median.signal.shape == (12, 600)
        steepest = int(np.abs(np.diff(median.signal, axis=1)).sum(axis=0).argmax())
        assert median.qrs_onset <= steepest <= median.qrs_offset  # a pacing spike is the onset
        assert 2 * (median.qrs_offset - median.qrs_onset) == held["qrs_ms"]
        # Intervals are means over the beats; a sample lasts 2 ms.
        assert abs(2 * (median.t_offset - median.qrs_onset) - held["qt_ms"]) <= 2
    assert example(1).carried.median.p_onset == 147
    assert np.isnan(example(4).carried.median.p_onset)


def test_header_of_a_real_file_keeps_filters_and_device(example):
    header = example(1).carried.header
    assert header["filter_highpass_hz"] == "0.16"
    assert header["filter_lowpass_hz"] == "150"
    assert header["filter_notch_hz"] == "60"
    assert "filter_notch_hz" not in example(4).carried.header


def test_checksum_of_a_real_lead_is_checked(shared_data, tmp_path):
    text = (shared_data / FOLDER / "example1.xml").read_text("latin-1")
    assert "2448704614" in text
    path = tmp_path / "bad.xml"
    path.write_text(text.replace("2448704614", "2448704615"), "latin-1")
    with pytest.raises(FormatError, match=r"lead I .*ignore_checksum=True"):
        read(path)
    record = read(path, ignore_checksum=True)
    assert record.source.warnings == ("The checksum of lead I is wrong and was ignored.",)
    assert record.n_samples == 5000


def test_patient_staff_and_times_are_read(tmp_path):
    stored = eight()
    path = put(
        tmp_path,
        """<PatientDemographics><PatientID>0815</PatientID><PatientAge>62</PatientAge>
        <AgeUnits>YEARS</AgeUnits><DateofBirth>03-31-1961</DateofBirth><Gender>FEMALE</Gender>
        <PatientLastName>M\xfcller</PatientLastName><PatientFirstName>Eva</PatientFirstName>
        </PatientDemographics>
        <TestDemographics><AcquisitionDevice>MAC55</AcquisitionDevice><Site>4</Site>
        <SiteName>Heart Center</SiteName><RoomID>12B</RoomID>
        <AcquisitionTime>07:05:09</AcquisitionTime>
        <AcquisitionDate>12-01-2023</AcquisitionDate><OverreaderLastName>Doe</OverreaderLastName>
        <OverreaderFirstName>Jane</OverreaderFirstName></TestDemographics>""",
        waveform([lead_data(lead, values) for lead, values in stored.items()]),
    )
    record = read(path)
    assert record.patient.name == "Eva Müller"
    assert record.patient.patient_id == "0815"
    assert record.patient.birth_date == date(1961, 3, 31)
    assert (record.patient.age_years, record.patient.sex) == (62, "female")
    assert record.start_time == datetime(2023, 12, 1, 7, 5, 9)
    header = record.carried.header
    assert (header["device_model"], header["room"]) == ("MAC55", "12B")
    assert (header["institution"], header["confirmed_by"]) == ("Heart Center", "Jane Doe")
    assert (header["filter_highpass_hz"], header["filter_lowpass_hz"]) == ("0.05", "40")


@pytest.mark.parametrize(
    ("age", "unit", "years"),
    [("18", "MONTHS", 1.5), ("", "", 62.0), ("730", "DAYS", 730 / 365.2425)],
)
def test_age_is_in_years(tmp_path, age, unit, years):
    path = put(
        tmp_path,
        f"""<PatientDemographics><PatientAge>{age}</PatientAge><AgeUnits>{unit}</AgeUnits>
        <DateofBirth>12-02-1960</DateofBirth></PatientDemographics><TestDemographics>
        <AcquisitionTime>23:59:59</AcquisitionTime><AcquisitionDate>12-01-2023</AcquisitionDate>
        </TestDemographics>""",
        waveform([lead_data("II", counts())]),
    )
    assert read(path).patient.age_years == pytest.approx(years)


def statement(text, end=True):
    flag = "<StmtFlag>ENDSLINE</StmtFlag>" * end
    return f"<DiagnosisStatement>{flag}<StmtText>{text}</StmtText></DiagnosisStatement>"


def test_statements_are_the_lines_of_the_diagnosis_without_the_staff(tmp_path):
    path = put(
        tmp_path,
        "<Diagnosis><Modality>RESTING</Modality>",
        statement("Sinus rhythm", end=False),
        statement("with 1st degree A-V block"),
        statement("QTc &gt; 500 ms"),
        statement("Confirmed by DOE, JOHN (123) on 5/10/2021 1:15:09 PM"),
        "</Diagnosis><OriginalDiagnosis>",
        statement("Normal ECG"),
        "</OriginalDiagnosis>",
        waveform([lead_data("II", counts())]),
    )
    record = read(path)
    assert [str(s) for s in record.carried.statements] == [
        "Sinus rhythm with 1st degree A-V block",
        "QTc > 500 ms",
    ]
    assert "DOE" in record.carried.header["confirmed_by"]


def test_original_measurements_and_diagnosis_stand_in_where_nothing_was_confirmed(tmp_path):
    path = put(
        tmp_path,
        "<RestingECGMeasurements/><OriginalRestingECGMeasurements><PRInterval>0</PRInterval>"
        "<VentricularRate>71</VentricularRate><PAxis>0</PAxis></OriginalRestingECGMeasurements>"
        "<Diagnosis/><OriginalDiagnosis>",
        statement("Normal ECG"),
        "</OriginalDiagnosis>",
        waveform([lead_data("II", counts())]),
    )
    carried = read(path).carried
    assert carried.measurements == {"heart_rate_bpm": 71, "p_axis_deg": 0}
    assert [str(s) for s in carried.statements] == ["Normal ECG"]


def test_measurement_removed_by_an_editor_stays_removed(tmp_path):
    path = put(
        tmp_path,
        "<RestingECGMeasurements><VentricularRate>71</VentricularRate></RestingECGMeasurements>"
        "<OriginalRestingECGMeasurements><PRInterval>180</PRInterval>"
        "</OriginalRestingECGMeasurements>",
        waveform([lead_data("II", counts())]),
    )
    assert read(path).carried.measurements == {"heart_rate_bpm": 71}


def test_units_and_steps_are_honoured(tmp_path):
    values = counts()
    for step, unit, factor in (("1", "MILLIVOLTS", 1.0), ("2.5", "uV", 0.0025)):
        path = put(tmp_path, waveform([lead_data("V1", values, step=step, unit=unit)]))
        np.testing.assert_array_equal(read(path).signal[0], (values * factor).astype(np.float32))
    path = put(tmp_path, waveform([lead_data("V1", values, unit="")]))
    with pytest.raises(UnitError, match="unit='uV'"):
        read(path)
    assert read(path, unit="uV").signal[0, 0] == np.float32(values[0] * 0.00488)
    path = put(tmp_path, waveform([lead_data("V1", values, step="")]))
    with pytest.raises(UnitError, match=r"unit='4\.88 uV'"):
        read(path)
    assert read(path, unit="4.88 uV").signal[0, 0] == np.float32(values[0] * 0.00488)
    path = put(tmp_path, waveform([lead_data("V1", values, step="2,5")]))
    assert read(path).signal[0, 0] == np.float32(values[0] * 0.0025)


def test_files_of_other_programs_that_write_the_format_are_read(tmp_path):
    values = {lead: counts(4, k) for k, lead in enumerate(STORED)}
    expected = (np.stack(list(values.values())) * 0.00488).astype(np.float32)

    def stored(change):
        leads = [change(lead_data(lead, held), held) for lead, held in values.items()]
        record = read(put(tmp_path, waveform(leads)))
        return record.signal[[record.leads.index(lead) for lead in STORED]]

    def base64_of(held):
        return base64.b64encode(held.astype("<i2").tobytes()).decode()

    changes = [
        lambda text, held: text.replace(base64_of(held), base64_of(held).rstrip("=")),
        lambda text, held: text.replace(base64_of(held), " ".join(map(str, held))),
        lambda text, held: text.replace(base64_of(held), ", ".join(map(str, held))),
    ]
    for change in changes:
        np.testing.assert_array_equal(stored(change), expected)
    no_sum = [lead_data(lead, held, crc=0) for lead, held in values.items()]
    assert read(put(tmp_path, waveform(no_sum))).leads == STANDARD_12
    median = waveform(no_sum, kind="Median", sample_type="REPRESENTATIVE_BEAT")
    assert read(put(tmp_path, median, waveform(no_sum))).carried.median is not None


def test_a_baseline_that_nobody_explains_is_remarked_on_and_not_applied(tmp_path):
    base = "<FirstSampleBaseline>{}</FirstSampleBaseline>"
    leads = [lead_data(lead, counts(), extra=base.format(k)) for k, lead in enumerate(("V1", "V2"))]
    record = read(put(tmp_path, waveform(leads)))
    np.testing.assert_array_equal(record.signal[0], record.signal[1])
    (remark,) = [r for r in record.remarks if r.code == "baseline-stated"]
    assert remark.leads == ("V2",)


def test_leads_that_begin_at_different_times_are_remarked_on(tmp_path):
    text = waveform([lead_data("I", counts()), lead_data("II", counts())])
    later = text.replace("<LeadTimeOffset>0<", "<LeadTimeOffset>2500<", 1)
    codes = [{r.code for r in read(put(tmp_path, one)).remarks} for one in (text, later)]
    assert ["leads-apart" in held for held in codes] == [False, True]


def test_sampling_rate_is_base_times_a_power_of_ten(tmp_path):
    path = put(tmp_path, waveform([lead_data("II", counts())], base=25, exponent=1))
    assert read(path).fs == 250
    for base, exponent in ((0, 0), (500, 9), ("", 0), (-5, 1)):
        path = put(tmp_path, waveform([lead_data("II", counts())], base=base, exponent=exponent))
        with pytest.raises(SamplingRateError):
            read(path)


def test_marks_at_another_rate_than_the_median_are_converted(tmp_path):
    leads = [lead_data("II", counts(600))]
    path = put(
        tmp_path,
        "<RestingECGMeasurements><QOnset>200</QOnset><QOffset>0</QOffset><TOffset>9000</TOffset>"
        "<ECGSampleBase>500</ECGSampleBase></RestingECGMeasurements>",
        waveform(leads),
        waveform(leads, kind="Median", base=1000),
    )
    median = read(path).carried.median
    assert median.qrs_onset == 400
    assert np.isnan([median.qrs_offset, median.t_offset]).all()


def test_chest_leads_may_be_missing_and_others_may_be_there(tmp_path):
    leads = [lead_data(lead, counts()) for lead in ("I", "II", "V1", "V4R")]
    assert read(put(tmp_path, waveform(leads))).leads == (*STANDARD_12[:7], "V4R")
    assert read(put(tmp_path, waveform(leads[2:]))).leads == ("V1", "V4R")


def test_lead_that_was_off_and_flat_is_nan(tmp_path):
    off = "<LeadOff>TRUE</LeadOff>"
    leads = [
        lead_data("II", counts()),
        lead_data("V1", [0] * 500, extra=off),
        lead_data("V2", counts(), extra=off),
    ]
    record = read(put(tmp_path, waveform(leads)))
    assert np.isnan(record.signal).all(axis=1).tolist() == [False, True, False]
    (remark,) = [r for r in record.remarks if r.code == "lead-off"]
    assert remark.leads == ("V1", "V2")


def test_offset_of_the_first_sample_and_short_leads_give_nan(tmp_path):
    offset = "<LeadOffsetFirstSample>100</LeadOffsetFirstSample>"
    leads = [lead_data("V1", counts(400), extra=offset), lead_data("V2", counts(400))]
    record = read(put(tmp_path, waveform(leads)))
    assert np.flatnonzero(np.isnan(record.signal[0])).tolist() == list(range(100))
    assert np.flatnonzero(np.isnan(record.signal[1])).tolist() == list(range(400, 500))
    far = lead_data("V1", counts(), extra="<LeadOffsetFirstSample>9999999</LeadOffsetFirstSample>")
    with pytest.raises(FormatError, match="far from the others"):
        read(put(tmp_path, waveform([far])))


def test_of_several_recordings_the_longest_is_read(tmp_path):
    short, long = waveform([lead_data("II", counts(100))]), waveform([lead_data("V1", counts(900))])
    record = read(put(tmp_path, short, long))
    assert record.leads == ("V1",)
    assert "recordings-left-out" in {r.code for r in record.remarks}


@pytest.mark.parametrize(
    ("parts", "error", "words"),
    [
        ((), FormatError, "no waveform"),
        ((waveform([lead_data("II", counts())], kind="Median"),), FormatError, "median beat alone"),
        ((waveform([lead_data("II", [])]),), LeadError, "without samples"),
        ((waveform([lead_data("II", counts(), count=499)]),), FormatError, "declares 499"),
        ((waveform([lead_data("II", [1])], sample_type="DELTA"),), FormatError, "DELTA"),
        ((waveform([lead_data("II", [1]).replace("Size>2", "Size>3")]),), FormatError, "3 bytes"),
        ((waveform([lead_data("II", [1]).replace("AQA=", "AQ!=")]),), FormatError, "base64"),
        ((waveform([lead_data("II", [1]).replace("AQA=", "1 40000")]),), FormatError, "16 bits"),
    ],
)
def test_damaged_files_are_refused_with_a_sentence(tmp_path, parts, error, words):
    with pytest.raises(error, match=words):
        read(put(tmp_path, *parts))


def test_another_root_is_refused(tmp_path):
    path = tmp_path / "a.xml"
    path.write_bytes(b"<AnnotatedECG/>")
    with pytest.raises(FormatError, match="AnnotatedECG"):
        read(path, format="muse-xml")


def test_entities_of_the_document_type_are_refused_and_none_is_fetched(tmp_path):
    path = tmp_path / "a.xml"
    path.write_bytes(
        build(waveform([lead_data("II", counts())])).replace(
            b'SYSTEM "restecg.dtd"', b'[<!ENTITY a SYSTEM "file:///etc/passwd">]'
        )
    )
    with pytest.raises(FormatError, match="declares entities"):
        read(path)


def test_errors_remarks_and_repr_name_no_patient(tmp_path):
    path = put(
        tmp_path,
        "<PatientDemographics><PatientID>SECRET1</PatientID><PatientLastName>SECRET2"
        "</PatientLastName></PatientDemographics>",
        waveform([lead_data("II", counts())]),
    )
    record = read(path)
    assert "SECRET" not in repr(record) + repr(record.patient) + repr(record.remarks)


def test_content_is_recognised():
    assert sniff(build(waveform([lead_data("II", counts())]))).name == "muse-xml"


def test_random_damage_raises_only_sentences(read_damaged_xml):
    content = build(waveform([lead_data(lead, values) for lead, values in eight(60).items()]))
    assert read_damaged_xml(
        [content],
        seed=4,
        word=b"nan",
        options=lambda rng: {"ignore_checksum": bool(rng.randrange(2))},
    )
