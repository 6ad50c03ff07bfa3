# SPDX-License-Identifier: Apache-2.0
"""Tables of text: layouts seen in the field, and what they leave unsaid."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pytest

from precordia.core.errors import (
    FormatError,
    LeadError,
    OptionError,
    SamplingRateError,
    UnitError,
)
from precordia.core.record import Carried, Companion, Patient, Record
from precordia.core.statements import Statement
from precordia.io.read import read
from precordia.io.write import write


@pytest.fixture
def table(tmp_path):
    def make(text: str | bytes, name: str = "a.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return make


ROWS = "".join(f"{k * 2},{k * 10},{-k * 10}\n" for k in range(50))


def test_header_with_units_and_time_says_everything(table):
    record = read(table("time (ms),I (uV),II [uV]\n" + ROWS))
    assert (record.leads, record.fs) == (("I", "II"), 500.0)
    np.testing.assert_allclose(record.signal[0], np.arange(50) * 0.01, rtol=1e-6)


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_any_delimiter_is_found(table, sign):
    text = ("time (ms),I (uV),II (uV)\n" + ROWS).replace(",", sign)
    assert np.array_equal(
        read(table(text)).signal, read(table("time (ms),I (uV),II (uV)\n" + ROWS, "b.csv")).signal
    )


def test_decimal_commas_are_read(table):
    rows = "".join(f"{k * 0.004:.3f};{k * 0.01:.2f}\n".replace(".", ",") for k in range(30))
    record = read(table("time (s);V1 (mV)\n" + rows))
    assert record.fs == 250
    np.testing.assert_allclose(record.signal[0], np.arange(30) * 0.01, rtol=1e-6)


def test_empty_cells_are_missing(table):
    record = read(table("time (s),I (mV),II (mV)\n0,,1\n0.01,2,\n0.02,nan,NA\n0.03,4,5\n"))
    assert np.array_equal(
        record.signal, np.array([[np.nan, 2, np.nan, 4], [1, np.nan, np.nan, 5]], np.float32),
        equal_nan=True,
    )  # fmt: skip


def test_absent_rows_are_missing_samples(table):
    rows = "".join(f"{k * 0.01:.2f},{k}\n" for k in range(30) if k not in (10, 11))
    record = read(table("time (s),II (uV)\n" + rows))
    assert record.n_samples == 30
    assert np.isnan(record.signal[0, 10:12]).all()
    assert "gaps" in [r.code for r in record.remarks]


def test_the_unit_is_never_guessed(table):
    path = table("time (s),I,II\n0,1,2\n0.002,3,4\n0.004,3,4\n")
    with pytest.raises(UnitError, match=r"unit='mV' or unit='uV'.*step"):
        read(path)
    assert read(path, unit="uV").signal[0, 0] == np.float32(0.001)
    assert read(path, gain=200.0).signal[0, 0] == np.float32(0.005)
    with pytest.raises(OptionError):
        read(path, gain=200.0, unit="uV")


def test_numbers_of_columns_above_the_table_are_no_sample(table):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(20, 12)).round(3)
    plain = [",".join(f"{v:.3f}" for v in row) for row in values]
    counted = ",".join(str(k) for k in range(12))
    tables = {
        f"{counted}\n" + "\n".join(plain): "column 1",
        f",{counted}\n" + "\n".join(f"{k},{row}" for k, row in enumerate(plain)): "column 2",
    }
    for text, first in tables.items():
        record = read(table(text + "\n"), fs=500, unit="mV")
        assert record.leads[0] == first
        np.testing.assert_allclose(record.signal, values.T, atol=1e-6)
    # Whole numbers alone may be a sample, and so may what stands below a header.
    record = read(table("0,1,2\n3,1,2\n5,1,2\n7,1,2\n"), fs=500, unit="uV")
    assert record.n_samples == 4


@pytest.mark.parametrize("n", [100, 1000, 5000])
def test_a_table_of_one_lead_a_row_is_refused(table, n):
    row = ",".join("0.125" for _ in range(n))
    with pytest.raises(FormatError, match=rf"{n + 1:,} columns.*transpose"):
        read(table(f"I,{row}\nII,{row}\n"), fs=500, unit="mV")


def test_a_table_of_one_beat_a_row_is_refused(table):
    row = ",".join("0.125" for _ in range(188))
    with pytest.raises(FormatError, match="beats"):
        read(table(f"{row}\n" * 300), fs=125, unit="mV")


def test_columns_as_rdsamp_prints_them_are_named(table):
    head = "   Elapsed time      MLII        V5\n     (seconds)      (mV)      (mV)\n"
    rows = "".join(f"{k / 360:14.3f}{k % 7 / 10:10.3f}{k % 5 / 10:10.3f}\n" for k in range(720))
    record = read(table(head + rows))
    assert (record.leads, record.fs) == (("II", "V5"), 360)
    counted = "       sample #      MLII        V5\n"
    rows = "".join(f"{k:15d}{k % 7:10d}{k % 5:10d}\n" for k in range(720))
    assert read(table(counted + rows), fs=360, gain=200).leads == ("II", "V5")


def test_a_column_of_samples_that_counts_nothing_is_no_index(table):
    path = table("timestamp,sample\n" + "".join(f"{k * 8},{k * k % 11}\n" for k in range(200)))
    with pytest.raises(LeadError, match="'sample'"):
        read(path)
    assert read(path, leads=["ECG"], unit="uV").n_samples == 200


def test_labchart_tells_names_units_and_rate(table):
    head = (
        "Interval=\t0.001 s\nExcelDateTime=\t4.2\nTimeFormat=\tStartOfBlock\nDateFormat=\t\n"
        "ChannelTitle=\tECG\tResp\nRange=\t5.000 mV\t10.000 V\n"
    )
    rows = "".join(f"{k / 1000:g}\t{k % 7 / 10}\t{k % 5}\n" for k in range(50))
    record = read(table(head + rows))
    assert (record.leads, record.fs) == (("ECG",), 1000)
    np.testing.assert_allclose(record.signal[0], np.arange(50) % 7 / 10, atol=1e-6)
    assert [c.name for c in record.companions] == ["Resp"]
    untimed = "".join(row.partition("\t")[2] + "\n" for row in rows.splitlines())
    assert read(table(head + untimed)).fs == 1000


@pytest.mark.parametrize("zone", ["", "Z", "+00:00", "-0530"])
def test_a_time_zone_behind_the_times_does_not_matter(table, zone):
    rows = "".join(f"2022-01-01T10:00:{k / 250:06.3f}{zone},{k % 9}\n" for k in range(500))
    record = read(table("timestamp,ecg (uV)\n" + rows))
    assert (record.fs, record.n_samples) == (250, 500)


def test_minutes_are_a_unit_of_time(table):
    rows = "".join(f"{k / 500 / 60:.9f},{k % 9}\n" for k in range(500))
    assert read(table("Time (min),Lead I (uV)\n" + rows)).fs == 500


def test_the_sampling_rate_is_never_guessed(table):
    path = table("I (mV),II (mV)\n1,2\n3,4\n")
    with pytest.raises(SamplingRateError, match="fs="):
        read(path)
    assert read(path, fs=500.0).fs == 500
    ambiguous = table("time,I (mV)\n" + "".join(f"{k},{k}\n" for k in range(9)), "b.csv")
    record = read(ambiguous)  # steps of 1 can be milliseconds only: 1 Hz is no ECG
    assert record.fs == 1000
    assert "time-unit-assumed" in [r.code for r in record.remarks]
    doubtful = table("time,I (mV)\n" + "".join(f"{k * 60},{k}\n" for k in range(9)), "c.csv")
    with pytest.raises(SamplingRateError, match="no unit"):
        read(doubtful)


def test_irregular_times_are_refused(table):
    with pytest.raises(SamplingRateError, match="irregular"):
        read(table("time (s),I (mV)\n0,1\n0.002,1\n0.0035,1\n0.09,1\n0.0911,2\n"))
    with pytest.raises(SamplingRateError, match="ascend"):
        read(table("time (s),I (mV)\n0,1\n0.002,1\n0.001,1\n", "b.csv"))


def test_a_stated_rate_that_contradicts_the_times_is_refused(table):
    with pytest.raises(SamplingRateError, match="states 250"):
        read(table("# fs: 250\ntime (ms),I (uV),II (uV)\n" + ROWS))


def test_rounded_times_give_the_rate_of_the_recorder(table):
    rows = "".join(f"{k / 360:.3f},{k % 7}\n" for k in range(3600))
    assert read(table("time (s),MLII (mV)\n" + rows)).fs == 360


def test_the_layout_of_rdsamp_is_read(table):
    text = "'Elapsed time','MLII','V5'\n'hh:mm:ss.mmm','mV','mV'\n"
    text += "".join(f"'0:{k / 250:06.3f}',{k / 100},-0.065\n" for k in range(60))
    record = read(table(text))
    assert (record.leads, record.fs) == (("II", "V5"), 250.0)
    assert record.signal[0, 10] == np.float32(0.1)


@pytest.mark.parametrize("unit", ["µV", "uV(µ)"])
def test_one_lead_a_file_behind_keys_and_values_is_read(table, unit):
    text = "Name,..\nRecorded Date,2020-01-01\nClassification,Sinus Rhythm\nSymptoms,\n"
    text += f'Device,"Watch6,7"\nSample Rate,512 hertz\n\n\nLead,Lead I\nUnit,{unit}\n'
    dotted = read(table(text + "-265.868\n-12.5\n3\n"))
    assert (dotted.leads, dotted.fs) == (("I",), 512.0)
    assert dotted.signal[0, 0] == np.float32(-0.265868)
    assert dotted.carried.statements[0].code == "Sinus Rhythm"
    assert np.array_equal(read(table(text + "-265,868\n-12,5\n3\n", "b.csv")).signal, dotted.signal)


def test_index_and_label_columns_are_no_leads(table):
    text = ",I,II,beat\n" + "".join(f"{k},{k},{k},N\n" for k in range(20))
    record = read(table(text), fs=250.0, unit="uV")
    assert record.leads == ("I", "II")


def test_other_columns_of_numbers_are_companions(table):
    text = "time (ms),II (mV),ABP (mmHg)\n" + "".join(f"{4 * k},1,{80 + k}\n" for k in range(20))
    (held,) = read(table(text)).companions
    assert (held.name, held.unit, held.signal[3]) == ("ABP", "mmHg", 83)


def test_columns_without_a_header_are_numbered_or_named(table):
    path = table("1\t2\n3\t4\n5\t7\n", "a.tsv")
    record = read(path, fs=500.0, unit="uV")
    assert record.leads == ("column 1", "column 2")
    assert "leads-unnamed" in [r.code for r in record.remarks]
    assert read(path, fs=500.0, unit="uV", leads=["V1", "V2"]).leads == ("V1", "V2")
    with pytest.raises(LeadError, match="one name per column"):
        read(path, fs=500.0, unit="uV", leads=["V1"])


def test_one_comma_a_line_is_asked_about(table):
    path = table("1,5\n1,6\n2,7\n")
    with pytest.raises(FormatError, match="delimiter="):
        read(path, fs=500.0, unit="mV")
    assert read(path, fs=500.0, unit="mV", delimiter="").signal.shape == (1, 3)
    assert read(path, fs=500.0, unit="mV", delimiter=",").signal.shape == (2, 3)


def test_rows_of_another_length_are_refused_with_their_line(table):
    with pytest.raises(FormatError, match=r"line [45]"):
        read(table("time (s),I (mV)\n0,1\n0.01,2\n0.02\n0.03,4\n"))


def test_blank_lines_are_passed_over(table):
    record = read(table("time (s),I (mV)\n0,1\n\n0.01,2\n   \n\n0.02,3\n\n\n"))
    assert record.signal.tolist() == [[1, 2, 3]]


def test_tables_of_something_else_are_refused(table, shared_data):
    for text in ("name,city\nA,B\n", "foo,bar\n1,2\n3,4\n", "hello\n", "{}"):
        with pytest.raises((FormatError, LeadError)):
            read(table(text))
    for name in ("ptbxl/ptbxl_database.csv", "cinc2011/labels.csv", "ludb/ludb.csv"):
        with pytest.raises((FormatError, LeadError, SamplingRateError)):
            read(shared_data / name)


@pytest.mark.parametrize("coding", ["utf-8-sig", "utf-16", "latin-1"])
def test_any_encoding_and_line_end_is_read(table, coding):
    text = "time (ms),I (µV)\r\n0,1\r\n2,2\r\n4,3\r\n"
    assert read(table(text.encode(coding))).signal[0, 1] == np.float32(0.002)


def test_a_device_table_with_counts_is_read_with_flags(shared_data):
    names = ["I", "II", "III", "aVR", "aVL", "aVF", *(f"V{k}" for k in range(1, 7))]
    record = read(
        shared_data / "formats/contec-scp/tools/0000050.ECG.csv", fs=800.0, unit="5 uV", leads=names
    )
    assert record.n_samples == 37855
    expected = [-20, -25, -5, 23, -7, -15]
    np.testing.assert_allclose(record.signal[:6, 0], np.array(expected) * 0.005, rtol=1e-6)
    assert np.isnan(record.signal[6:]).all()
    assert record.signal[0].max() == pytest.approx(1.18)


@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_what_is_written_comes_back_exactly(tmp_path, name):
    x = np.random.default_rng(0).normal(size=(3, 700)).astype(np.float32)
    x[1, 5:9] = np.nan
    record = Record(
        signal=x, fs=62.4725, leads=("I", "V1", "odd, lead"), origin="synthetic",
        start_time=datetime.datetime(2020, 1, 2, 3, 4, 5, 600),
        patient=Patient(age_years=61.0, sex="male"),
        companions=(Companion(name="ABP", signal=x[0] * 3, fs=62.4725, unit="mmHg"),),
        carried=Carried(measurements={"pr_ms": 160.5},
                        statements=(Statement(code="SR", scheme="scp-ecg", name="sinus: rhythm"),)),
    )  # fmt: skip
    back = read(write(record, tmp_path / name))
    assert np.array_equal(back.signal, x, equal_nan=True)
    assert back.leads[:2] == ("I", "V1")
    for field in ("fs", "origin", "start_time", "patient"):
        assert repr(getattr(back, field)) == repr(getattr(record, field))
    assert back.carried.measurements == {"pr_ms": 160.5}
    assert repr(back.carried.statements) == repr(record.carried.statements)
    assert np.array_equal(back.companions[0].signal, record.companions[0].signal)


def test_names_are_written_only_when_asked(tmp_path):
    someone = Patient(name="Some One", patient_id="77", sex="female")
    record = Record(signal=np.zeros((1, 9)), fs=500.0, leads=("I",), patient=someone)
    path = write(record, tmp_path / "a.csv")
    assert "Some" not in path.read_text()
    named = read(write(record, tmp_path / "b.csv", identifiers=True))
    assert (named.patient.name, named.patient.patient_id) == ("Some One", "77")
