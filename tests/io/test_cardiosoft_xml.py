# SPDX-License-Identifier: Apache-2.0
"""CardioSoft XML: files built here element by element, as public descriptions have them."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pytest

from precordia.core.errors import (
    FormatError,
    LeadError,
    OptionError,
    SamplingRateError,
    UnitError,
)
from precordia.core.leads import STANDARD_12
from precordia.io.formats import sniff
from precordia.io.read import read

HEAD = """
 <ObservationType>RestECG</ObservationType>
 <ObservationDateTime><Hour>9</Hour><Minute>8</Minute><Second>7</Second><Day>6</Day>
  <Month>5</Month><Year>2014</Year></ObservationDateTime>
 <UID><DICOMStudyUID>1.2.840.1</DICOMStudyUID></UID>
 <ClinicalInfo><ReasonForStudy>Chest pain</ReasonForStudy><Technician><FamilyName>Roe</FamilyName>
  <GivenName>Ann</GivenName></Technician><ObservationComment/>
  <DeviceInfo><Desc>CardioSoft</Desc><SoftwareVer>V6.73</SoftwareVer></DeviceInfo></ClinicalInfo>
 <PatientVisit><PatientRoom>3</PatientRoom><OrderingProvider><FamilyName>Poe</FamilyName>
  </OrderingProvider><Medication><Drug>Aspirin</Drug><Drug>Digoxin</Drug></Medication>
 </PatientVisit>
 <PatientInfo><PID>SECRET1</PID><Name><FamilyName>SECRET2\xe4</FamilyName><GivenName>Jo</GivenName>
  </Name><Age units="years">62</Age><BirthDateTime><Day>1</Day><Month>4</Month><Year>1952</Year>
  </BirthDateTime><Gender>FEMALE</Gender></PatientInfo>
 <FilterSetting><CubicSpline>yes</CubicSpline><Filter50Hz>yes</Filter50Hz>
  <Filter60Hz>no</Filter60Hz><LowPass units="Hz">100</LowPass></FilterSetting>
 <Interpretation><Diagnosis><DiagnosisText>Sinus rhythm</DiagnosisText>
  <DiagnosisText>QT &gt; 440 ms</DiagnosisText></Diagnosis><Conclusion>
  <ConclusionText>Sinus rhythm</ConclusionText><ConclusionText>Borderline ECG</ConclusionText>
  </Conclusion></Interpretation>"""


def counts(n=500, n_leads=12, seed=0):
    return np.random.default_rng(seed).integers(-300, 300, (n_leads, n))


def lead_rows(signal, leads):
    def spelled(row):
        lines = [",".join(map(str, row[k : k + 20])) for k in range(0, len(row), 20)]
        return ",\n\t\t".join(lines)

    return "".join(
        f'<WaveformData lead="{lead}">\n\t\t{spelled(row)}\n\t</WaveformData>'
        for lead, row in zip(leads, signal, strict=True)
    )


def strip(
    signal, *, tag="StripData", leads=STANDARD_12, fs="500", rate_unit="Hz", step="4.88",
    step_unit="uVperLsb", declared=None, more="",
) -> str:  # fmt: skip
    declared = len(signal[0]) if declared is None else declared
    return f"""<{tag}><NumberOfLeads>{len(signal)}</NumberOfLeads>
      <SampleRate units="{rate_unit}">{fs}</SampleRate>
      <ChannelSampleCountTotal>{declared}</ChannelSampleCountTotal>
      <Resolution units="{step_unit}">{step}</Resolution>{lead_rows(signal, leads[: len(signal)])}
      {more}</{tag}>"""


def whole_test(signal, *, order="I,2,V5", channels=None, cut=0, comma=","):
    flat = np.asarray(signal).T.ravel()
    text = ",".join(map(str, flat[: flat.size - cut])) + comma
    channels = len(signal) if channels is None else channels
    return f"""<FullDisclosure><StartTime><Minute>0</Minute><Second>2</Second></StartTime>
      <NumberOfChannels>{channels}</NumberOfChannels><SampleRate units="Hz">250</SampleRate>
      <Resolution units="uVperLsb">5</Resolution><LeadOrder>{order}</LeadOrder>
      <FullDisclosureData><SampleCountTotal>{len(signal[0])}</SampleCountTotal>{text}
      </FullDisclosureData></FullDisclosure>"""


def measured(marks="", median=""):
    return f"""<RestingECGMeasurements><VentricularRate units="BPM">63</VentricularRate>
      <PQInterval units="ms">0</PQInterval><PDuration units="ms">116</PDuration>
      <QRSDuration units="s">0.09</QRSDuration><QTInterval units="ms">392</QTInterval>
      <QTCInterval units="ms">401</QTCInterval><RRInterval units="furlong">952</RRInterval>
      <PAxis units="degrees">0</PAxis><RAxis units="degrees">-30</RAxis>
      {marks}{median}</RestingECGMeasurements>"""


def build(*parts):
    text = '<?xml version="1.0" encoding="ISO-8859-1"?>\n<CardiologyXML>\n'
    return (text + "\n".join(parts) + "</CardiologyXML>\n").encode("latin-1")


def put(tmp_path, *parts):
    path = tmp_path / "ecg.xml"
    path.write_bytes(build(*parts))
    return path


def test_strip_is_read_in_the_step_of_the_file(tmp_path):
    signal = counts()
    record = read(put(tmp_path, HEAD, strip(signal)))
    assert (record.leads, record.fs) == (STANDARD_12, 500)
    np.testing.assert_array_equal(record.signal, (signal * 0.00488).astype(np.float32))
    for step, unit, factor in (
        ("5", "uVperLsb", 5e-3),
        ("4,88", "uVperLsb", 4.88e-3),
        ("5", "uV", 5e-3),
        ("0.01", "mVperLSB", 0.01),
        ("800", "nV/lsb", 8e-4),
    ):
        record = read(put(tmp_path, strip(signal, step=step, step_unit=unit)))
        np.testing.assert_allclose(record.signal, signal * factor, rtol=1e-6)


def test_leads_are_those_that_are_stored_and_none_is_computed(tmp_path):
    record = read(put(tmp_path, strip(counts(n_leads=3), leads=("i", "ii", "avR"))))
    assert record.leads == ("I", "II", "aVR")


def test_head_is_read(tmp_path):
    record = read(put(tmp_path, HEAD, strip(counts())))
    assert record.start_time == datetime(2014, 5, 6, 9, 8, 7)
    patient, header = record.patient, record.carried.header
    assert (patient.patient_id, patient.name) == ("SECRET1", "Jo SECRET2ä")
    assert (patient.age_years, patient.sex) == (62, "female")
    assert patient.birth_date == date(1952, 4, 1)
    assert (header["device_model"], header["software_version"]) == ("CardioSoft", "V6.73")
    assert (header["technician"], header["physician"]) == ("Ann Roe", "Poe")
    assert header["medication"] == "Aspirin; Digoxin"
    assert (header["filter_lowpass_hz"], header["filter_notch_hz"]) == ("100", "50")
    assert header["study_uid"] == "1.2.840.1"
    told = [str(s) for s in record.carried.statements]
    assert told == ["Sinus rhythm", "QT > 440 ms", "Borderline ECG"]
    assert "SECRET" not in repr(record) + repr(patient) + repr(record.remarks)


def test_age_comes_from_the_birth_date_where_none_is_stated(tmp_path):
    head = HEAD.replace('<Age units="years">62</Age>', "")
    assert read(put(tmp_path, head, strip(counts()))).patient.age_years == 62
    head = HEAD.replace('<Age units="years">62</Age>', '<Age units="months">6</Age>')
    assert read(put(tmp_path, head, strip(counts()))).patient.age_years == 0.5


def test_measurements_are_taken_in_their_units(tmp_path):
    held = read(put(tmp_path, measured(), strip(counts()))).carried.measurements
    assert held == {
        "heart_rate_bpm": 63, "p_ms": 116, "qrs_ms": 90, "qt_ms": 392, "qtc_ms": 401,
        "p_axis_deg": 0, "qrs_axis_deg": -30,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("unit", "onset", "offset", "expected"),
    [
        ('units="ms"', 400, 490, (200, 245)),
        ("", 400, 490, (200, 245)),  # 90 ms, as the QRS complex lasts
        ("", 200, 245, (200, 245)),  # 45 samples of 2 ms
        ("", 200, 300, (np.nan, np.nan)),  # neither
    ],
)
def test_marks_of_the_median_beat_are_in_samples(tmp_path, unit, onset, offset, expected):
    beat = counts(600, seed=3)
    marks = f"<QOnset {unit}>{onset}</QOnset><QOffset {unit}>{offset}</QOffset>"
    part = measured(marks, strip(beat, tag="MedianSamples"))
    median = read(put(tmp_path, part, strip(counts()))).carried.median
    np.testing.assert_array_equal(median.signal, (beat * 0.00488).astype(np.float32))
    np.testing.assert_array_equal((median.qrs_onset, median.qrs_offset), expected)


def test_beats_carry_the_class_that_the_device_gave(tmp_path):
    beats = "".join(
        f'<Time units="ms">{ms}</Time><BeatClass>{word}</BeatClass>'
        for ms, word in ((600, "PVC"), (200, "DOMINANT"), (800, "Odd"), (99999, "DOMINANT"))
    )
    more = f"<ArrhythmiaResults>{beats}</ArrhythmiaResults>"
    annotations = read(put(tmp_path, strip(counts(), more=more))).carried.annotations
    assert annotations.sample.tolist() == [100, 300, 400]
    assert annotations.symbol == ("N", "V", "Q")
    assert annotations.aux == ("", "", "Odd")


def test_whole_test_is_untangled(tmp_path):
    signal = counts(900, 3)
    record = read(put(tmp_path, whole_test(signal)))
    assert (record.leads, record.fs) == (("I", "II", "V5"), 250)
    np.testing.assert_array_equal(record.signal, (signal * 0.005).astype(np.float32))


def test_of_both_parts_the_larger_is_read_unless_told(tmp_path):
    short, long = counts(100, 12), counts(900, 3)
    path = put(tmp_path, strip(short), whole_test(long))
    record = read(path)
    assert record.leads == ("I", "II", "V5")
    (remark,) = [r for r in record.remarks if r.code == "recordings-left-out"]
    assert "part='strip'" in remark.text
    assert read(path, part="strip").n_leads == 12
    assert read(put(tmp_path, strip(counts(900)), whole_test(counts(100, 3)))).n_leads == 12
    with pytest.raises(OptionError, match="'full-disclosure'"):
        read(path, part="half")
    with pytest.raises(FormatError, match="FullDisclosure with samples"):
        read(put(tmp_path, strip(short)), part="full-disclosure")


def test_cut_samples_are_read_as_far_as_they_go(tmp_path):
    signal = counts()
    text = strip(signal)
    row = ",".join(map(str, signal[-1][:100]))
    begin = text.index('<WaveformData lead="V6">')
    text = text[:begin] + f'<WaveformData lead="V6">{row}</WaveformData></StripData>'
    record = read(put(tmp_path, text))
    assert np.isnan(record.signal[-1, 100:]).all()
    assert not np.isnan(record.signal[:-1]).any()
    (remark,) = [r for r in record.remarks if r.code == "truncated"]
    assert remark.leads == ("V6",)
    cut = read(put(tmp_path, whole_test(counts(50, 3), cut=1, comma="")))
    assert cut.n_samples == 49
    assert "truncated" in {r.code for r in cut.remarks}


def test_unit_option_stands_in_for_a_missing_step(tmp_path):
    signal = counts()
    path = put(tmp_path, strip(signal, step_unit="", step=""))
    with pytest.raises(UnitError, match=r"unit='4\.88 uV'"):
        read(path)
    np.testing.assert_array_equal(
        read(path, unit="4.88 uV").signal, (signal * 0.00488).astype(np.float32)
    )


@pytest.mark.parametrize(
    ("part", "error", "words"),
    [
        ("", FormatError, "no recording"),
        (strip(counts(3, 1), fs=""), SamplingRateError, "sampling rate"),
        (strip(counts(3, 1), rate_unit="kHz"), SamplingRateError, "sampling rate"),
        (strip(counts(3, 1), declared=2), FormatError, "declares 2"),
        (strip(counts(3, 1), leads=("",)), LeadError, "name of their lead"),
        (strip(counts(3, 1)).replace(",", ",,", 1), FormatError, "lacks a number"),
        (strip(counts(3, 1)).replace(",", ",x,", 1), FormatError, "whole numbers"),
        (whole_test(counts(3, 3), channels=4), LeadError, "declares 4"),
        (whole_test(counts(3, 3), order=""), LeadError, "names 0 leads"),
    ],
)
def test_damaged_files_are_refused_with_a_sentence(tmp_path, part, error, words):
    with pytest.raises(error, match=words):
        read(put(tmp_path, part))


def test_another_root_is_refused(tmp_path):
    path = tmp_path / "a.xml"
    path.write_bytes(b"<RestingECG/>")
    with pytest.raises(FormatError, match="RestingECG"):
        read(path, format="cardiosoft-xml")


def test_content_is_recognised():
    assert sniff(build(strip(counts(3, 1)))).name == "cardiosoft-xml"


def test_random_damage_raises_only_sentences(read_damaged_xml):
    median = strip(counts(30), tag="MedianSamples")
    content = build(HEAD, measured("<QOnset>20</QOnset>", median), strip(counts(60)))
    content += b" " * 10
    other = build(HEAD, whole_test(counts(90, 3)))
    assert read_damaged_xml([other, content], seed=2, word=b",", n=500)
