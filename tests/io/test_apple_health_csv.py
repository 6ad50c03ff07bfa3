# SPDX-License-Identifier: Apache-2.0
"""Electrocardiograms as Apple Health exports them, in several languages."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import numpy as np
import pytest

from precordia.core.errors import FormatError, OptionError, SamplingRateError, UnitError
from precordia.io.read import read

VALUES = np.round(np.random.default_rng(3).normal(0, 180, 15360), 3)
ENGLISH = """Name,Ada Lovelace
Date of Birth,"Dec 10, 1955"
Recorded Date,2020-02-05 09:14:40 -0400
Classification,Sinus Rhythm
Symptoms,"Palpitations, dizziness"
Software Version,1.51
Device,"Watch6,7"
Sample Rate,512 hertz


Lead,Lead I
Unit,\u00b5V

"""
GERMAN = """Name,Ada Lovelace
Geburtstag,10.12.1955
Aufzeichnungsdatum,2020-02-05 09:14:40 +0100
Klassifizierung,Vorhofflimmern
Symptome,
Softwareversion,1.90
Ger\u00e4t,"Watch6,7"
Messrate,511,562\u00a0Hertz


Ableitung,Ableitung I
Einheit,\u00b5V

"""
#: keys of which the reader knows none; one line without a value, as telephones write it
UNKNOWN = """\u59d3\u540d,Ada
\u51fa\u751f\u65e5\u671f,1955-12-10
\u8bb0\u5f55\u65e5\u671f,2020-02-05 09:14:40 +0800
\u5206\u7c7b,\u7aa6\u6027\u5fc3\u5f8b
\u75c7\u72b6,
\u8f6f\u4ef6\u7248\u672c,1.90
\u8bbe\u5907,"Watch6,7"
\u91c7\u6837\u7387,512 \u8d6b\u5179

\u5bfc\u8054,\u5bfc\u8054 I
\u5355\u4f4d,\u00b5V

"""


def put(tmp_path, header, values=VALUES, *, comma=False, end="\n", encoding="utf-8"):
    text = header + "\n".join(f"{v:.3f}".rstrip("0").rstrip(".") for v in values) + "\n"
    if comma:
        head, body = text[: len(header)], text[len(header) :]
        text = head + body.replace(".", ",")
    path = tmp_path / "ecg_2020-02-05.csv"
    path.write_bytes(text.replace("\n", end).encode(encoding))
    return path


def test_thirty_seconds_of_lead_one(tmp_path):
    record = read(put(tmp_path, ENGLISH))
    assert record.source.method == "read:apple-health-csv"
    assert (record.leads, record.fs, record.duration_s) == (("I",), 512, 30)
    np.testing.assert_allclose(record.signal[0], VALUES / 1000, atol=1e-6)
    zone = timezone(timedelta(hours=-4))
    assert record.start_time == datetime(2020, 2, 5, 9, 14, 40, tzinfo=zone)
    assert [s.code for s in record.carried.statements] == ["Sinus Rhythm"]
    assert record.carried.header == {
        "manufacturer": "Apple",
        "device_model": "Watch6,7",
        "software_version": "1.51",
        "history": "Palpitations, dizziness",
    }
    who = record.patient
    assert (who.name, who.birth_date, who.age_years) == ("Ada Lovelace", date(1955, 12, 10), 64)
    assert "Ada" not in repr(record) + repr(who)


def test_german_header_and_decimal_commas_are_read(tmp_path):
    record = read(put(tmp_path, GERMAN, comma=True))
    assert record.fs == 511.562
    np.testing.assert_allclose(record.signal[0], VALUES / 1000, atol=1e-6)
    assert [s.code for s in record.carried.statements] == ["Vorhofflimmern"]
    assert record.patient.birth_date == date(1955, 12, 10)
    assert record.carried.header["device_model"] == "Watch6,7"


def test_header_in_a_language_that_is_not_known_is_told_by_its_form(tmp_path):
    record = read(put(tmp_path, UNKNOWN))
    assert (record.leads, record.fs) == (("I",), 512)
    assert [s.code for s in record.carried.statements] == ["\u7aa6\u6027\u5fc3\u5f8b"]
    assert record.carried.header == {
        "manufacturer": "Apple", "device_model": "Watch6,7", "software_version": "1.90",
    }  # fmt: skip
    assert (record.patient.name, record.patient.birth_date) == ("Ada", date(1955, 12, 10))


@pytest.mark.parametrize("end", ["\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_line_ends_and_encodings_do_not_matter(tmp_path, end, encoding):
    record = read(put(tmp_path, ENGLISH, VALUES[:2000], end=end, encoding=encoding))
    np.testing.assert_allclose(record.signal[0], VALUES[:2000] / 1000, atol=1e-6)


@pytest.mark.parametrize(
    ("spelled", "factor"),
    [("uV", 1e-3), ("mcV", 1e-3), ("uV(\u00b5)", 1e-3), ("\u03bcV", 1e-3), ("mV", 1.0), ("V", 1e3)],
)
def test_unit_is_what_the_file_says(tmp_path, spelled, factor):
    values = np.round(VALUES[:500] / 1000, 3)
    record = read(put(tmp_path, ENGLISH.replace("\u00b5V", spelled), values))
    np.testing.assert_allclose(record.signal[0], values * factor, rtol=1e-6, atol=1e-9)


def test_average_heart_rate_is_a_measurement(tmp_path):
    header = ENGLISH.replace("Lead,Lead I", "Average Heart Rate,64 bpm\nLead,Lead I")
    assert read(put(tmp_path, header)).carried.measurements == {"heart_rate_bpm": 64}


def test_a_table_of_two_columns_is_not_taken_for_decimal_commas(tmp_path):
    path = tmp_path / "ecg.csv"
    rows = "".join(f"{k},{k % 9}\n" for k in range(100))
    path.write_text(ENGLISH.rstrip() + "\nSample,Amplitude\n" + rows)
    with pytest.raises(FormatError, match="table of two columns"):
        read(path)


def test_absent_unit_is_asked_for(tmp_path):
    path = put(tmp_path, ENGLISH.replace("Unit,\u00b5V\n", ""))
    with pytest.raises(UnitError, match="unit='uV'"):
        read(path)
    np.testing.assert_allclose(read(path, unit="uV").signal[0], VALUES / 1000, atol=1e-6)


def test_absent_rate_is_asked_for(tmp_path):
    path = put(tmp_path, ENGLISH.replace("Sample Rate,512 hertz", "Sample Rate,"))
    with pytest.raises(SamplingRateError, match="fs="):
        read(path, format="apple-health-csv")
    assert read(path, format="apple-health-csv", fs=500).fs == 500


def test_absent_lead_is_remarked_on(tmp_path):
    record = read(put(tmp_path, ENGLISH.replace("Lead,Lead I\n", "")))
    assert record.leads == ("ECG",)
    assert record.remarks[0].code == "leads-unnamed"


@pytest.mark.parametrize("wrong", ["1.234,5", "abc", "12 13", "1e5", "--3"])
def test_line_that_is_no_number_is_named(tmp_path, wrong):
    path = put(tmp_path, ENGLISH, VALUES[:100])
    path.write_text(path.read_text("utf-8") + wrong + "\n5\n", "utf-8")
    if wrong == "1e5":
        with pytest.raises((FormatError, UnitError)):
            read(path, unit="V")
        return
    with pytest.raises(FormatError, match="near line 114"):
        read(path)


def test_impossible_option_is_refused(tmp_path):
    with pytest.raises(OptionError):
        read(put(tmp_path, ENGLISH), fs=0)


def test_header_without_numbers_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(ENGLISH, "utf-8")
    with pytest.raises(FormatError):
        read(path, format="apple-health-csv")


def test_value_that_no_electrode_gives_is_refused(tmp_path):
    with pytest.raises(UnitError, match="no electrode"):
        read(put(tmp_path, ENGLISH, [1.0, 2e10, 3.0]))


def test_other_tables_are_still_read_as_tables(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("time (s),I (mV)\n0,0.1\n0.002,0.2\n0.004,0.3\n")
    assert read(path).source.method == "read:csv"
