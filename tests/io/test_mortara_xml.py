# SPDX-License-Identifier: Apache-2.0
"""Mortara XML: files built here attribute by attribute, as public readers describe them."""

from __future__ import annotations

import base64
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

EIGHT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
HEAD = """<SUBJECT LAST_NAME="SECRET2" FIRST_NAME="Jo" ID="SECRET1" GENDER="Female" DOB="19500301"/>
 <SOURCE TYPE="RESTING" MANUFACTURER="Mortara Instrument, Inc." MODEL="ELI250c"
  LOW_PASS_FILTER="150" ACQUIRING_DEVICE_SW_VERSION="V2.0"/><MEDICATION NAME="Bisoprolol"/>
 <AUTOMATIC_INTERPRETATION><STATEMENT TEXT="SINUS RHYTHM" REASON=""/>
  <STATEMENT TEXT="LEFT AXIS DEVIATION " REASON="QRS AXIS &lt; -30"/><STATEMENT TEXT="" REASON=""/>
 </AUTOMATIC_INTERPRETATION>"""
ROOT = 'ACQUISITION_TIME="20231201075809" VENT_RATE="75" AVERAGE_RR="800" NUM_QRS="12"'


def data(values):
    return base64.b64encode(np.asarray(values, "<i2").tobytes()).decode()


def channel(lead, values, **changes):
    held = {
        "OFFSET": 0, "BITS": 16, "FORMAT": "SIGNED", "UNITS_PER_MV": 400, "DURATION": len(values),
        "SAMPLE_FREQ": 500, "NAME": lead, "ENCODING": "BASE64", "DATA": data(values),
    } | changes  # fmt: skip
    return "<CHANNEL " + " ".join(f'{k}="{v}"' for k, v in held.items()) + "/>"


def cycle(signal, leads, *, peak=150, fs=250, per_mv="200", more=""):
    rows = "".join(
        f'<TYPICAL_CYCLE_CHANNEL NAME="{lead}" DATA="{data(row)}"/>'
        for lead, row in zip(leads, signal, strict=True)
    )
    return f"""<TYPICAL_CYCLE R_PEAK="{peak}" P_ONSET="-208" P_OFFSET="-97" Q_ONSET="-45"
      Q_OFFSET="48" T_OFFSET="411" P_DURATION="111" PR_DURATION="163" QRS_DURATION="93" QT="456"
      QTC="463" QTB="469" QTF="464" P_AXIS="0" QRS_AXIS="-35" T_AXIS="40" BITS="16"
      FORMAT="SIGNED" UNITS_PER_MV="{per_mv}" DURATION="{len(signal[0])}" SAMPLE_FREQ="{fs}"
      ENCODING="BASE64" {more}>{rows}</TYPICAL_CYCLE>"""


def put(tmp_path, *parts, root=ROOT):
    path = tmp_path / "ecg.xml"
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<ECG {root}>' + "\n".join(parts) + "</ECG>"
    path.write_text(text, "utf-8")
    return path


def counts(n=500, n_leads=12, seed=0):
    return np.random.default_rng(seed).integers(-800, 800, (n_leads, n))


def beat(at, n=300):
    row = np.zeros(n, int)
    row[at - 1 : at + 2] = 100, 300, -50
    return [row]


def test_twelve_leads_are_read_in_millivolts(tmp_path):
    signal = counts()
    rows = [channel(lead, row) for lead, row in zip(STANDARD_12, signal, strict=True)]
    record = read(put(tmp_path, HEAD, *rows))
    assert (record.leads, record.fs) == (STANDARD_12, 500)
    np.testing.assert_array_equal(record.signal, (signal / 400).astype(np.float32))


def test_eight_leads_become_twelve(tmp_path):
    signal = counts(n_leads=8)
    rows = [channel(lead, row) for lead, row in zip(EIGHT, signal, strict=True)]
    record = read(put(tmp_path, *rows))
    assert record.leads == STANDARD_12
    np.testing.assert_allclose(record.signal[2], (signal[1] - signal[0]) / 400, atol=1e-6)
    assert "leads-derived" in {r.code for r in record.remarks}


def test_head_is_read_and_never_told(tmp_path):
    record = read(put(tmp_path, HEAD, channel("V1", counts()[0])))
    assert record.start_time == datetime(2023, 12, 1, 7, 58, 9)
    patient = record.patient
    assert (patient.patient_id, patient.name) == ("SECRET1", "Jo SECRET2")
    assert (patient.age_years, patient.sex) == (73, "female")
    assert patient.birth_date == date(1950, 3, 1)
    header = record.carried.header
    assert (header["device_model"], header["filter_lowpass_hz"]) == ("ELI250c", "150")
    assert header["medication"] == "Bisoprolol"
    told = [str(s) for s in record.carried.statements]
    assert told == ["SINUS RHYTHM", "LEFT AXIS DEVIATION: QRS AXIS < -30"]
    assert "SECRET" not in repr(record) + repr(patient) + repr(record.remarks)


def test_demographic_fields_stand_in_for_the_subject(tmp_path):
    fields = (
        '<DEMOGRAPHIC_FIELDS><DEMOGRAPHIC_FIELD ID="1" VALUE="Doe"/>'
        '<DEMOGRAPHIC_FIELD ID="2" VALUE="77"/><DEMOGRAPHIC_FIELD ID="4" VALUE="M"/>'
        "</DEMOGRAPHIC_FIELDS>"
    )
    patient = read(
        put(tmp_path, fields, channel("V1", [1]), root='AGE="6" AGE_UNITS="MONTHS"')
    ).patient
    assert (patient.name, patient.patient_id, patient.sex) == ("Doe", "77", "male")
    assert patient.age_years == 0.5


def test_measurements_come_under_our_names(tmp_path):
    held = read(put(tmp_path, channel("V1", [1, 2]), cycle(beat(150), ["V1"]))).carried.measurements
    assert held == {
        "heart_rate_bpm": 75, "rr_ms": 800, "p_ms": 111, "pr_ms": 163, "qrs_ms": 93, "qt_ms": 456,
        "qtc_ms": 463, "qtc_bazett_ms": 469, "qtc_fridericia_ms": 464, "p_axis_deg": 0,
        "qrs_axis_deg": -35, "t_axis_deg": 40,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("at", "peak", "expected"),
    [
        (150, 150, 150),  # an index: 150 is where the signal is steepest
        (150, 600, 150),  # a time: 600 ms at 250 Hz
        (150, 200, None),  # neither
    ],
)
def test_marks_count_from_where_the_signal_is_steepest(tmp_path, at, peak, expected):
    path = put(tmp_path, channel("V1", [1, 2]), cycle(beat(at), ["V1"], peak=peak))
    median = read(path).carried.median
    assert (median.signal.shape, median.fs) == ((1, 300), 250)
    assert median.signal[0, 150] == np.float32(1.5)
    if expected is None:
        assert np.isnan([median.r_peak, median.qrs_onset]).all()
        return
    assert median.r_peak == expected
    assert median.qrs_onset == expected - 45 / 4
    assert median.qrs_offset - median.qrs_onset == 93 / 4
    assert median.t_offset == expected + 411 / 4
    assert median.p_onset == expected - 208 / 4


def test_unit_option_stands_in_for_a_missing_scale(tmp_path):
    values = counts()[0]
    path = put(tmp_path, channel("V1", values, UNITS_PER_MV=""))
    with pytest.raises(UnitError, match=r"unit='2\.5 uV'"):
        read(path)
    np.testing.assert_allclose(read(path, unit="2.5 uV").signal[0], values * 0.0025, rtol=1e-6)
    path = put(tmp_path, channel("V1", values), cycle(beat(150), ["V1"], per_mv=""))
    record = read(path)
    assert record.carried.median is None
    assert "median-left-out" in {r.code for r in record.remarks}


@pytest.mark.parametrize(
    ("parts", "error", "words"),
    [
        ((), FormatError, "no samples"),
        ((channel("V1", [1], BITS=32),), FormatError, "32 SIGNED BASE64"),
        ((channel("V1", [1], FORMAT="UNSIGNED"),), FormatError, "UNSIGNED"),
        ((channel("V1", [1], ENCODING="HEX"),), FormatError, "HEX"),
        ((channel("V1", [1], OFFSET=7),), FormatError, "OFFSET"),
        ((channel("V1", [1], DURATION=3),), FormatError, "declares 3"),
        ((channel("V1", [1], DATA="AQ!A"),), FormatError, "base64"),
        ((channel("V1", [1], DATA="AQAC"),), FormatError, "3 bytes"),
        ((channel("V1", []),), FormatError, "without samples"),
        ((channel("", [1]),), LeadError, "name of their lead"),
        ((channel("V1", [1], SAMPLE_FREQ="x"),), SamplingRateError, "SAMPLE_FREQ"),
        ((channel("V1", [1]), channel("V2", [1], SAMPLE_FREQ=250)), SamplingRateError, "all leads"),
    ],
)
def test_damaged_files_are_refused_with_a_sentence(tmp_path, parts, error, words):
    with pytest.raises(error, match=words):
        read(put(tmp_path, *parts))


def test_content_is_recognised():
    assert sniff(f"<ECG>{channel('V1', [1])}</ECG>".encode()).name == "mortara-xml"


def test_random_damage_raises_only_sentences(tmp_path, read_damaged_xml):
    rows = [channel(lead, row) for lead, row in zip(EIGHT, counts(50, 8), strict=True)]
    path = put(tmp_path, HEAD, cycle(beat(40, 90), ["V1"]), *rows)
    assert read_damaged_xml([path.read_bytes()], seed=8, word=b"A")
