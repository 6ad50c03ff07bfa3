# SPDX-License-Identifier: Apache-2.0
"""Reading WFDB records: against wfdb, published values, and hostile files."""

from __future__ import annotations

import time

import numpy as np
import pytest
import wfdb

from precordia.core.errors import (
    FormatError,
    LeadError,
    OptionError,
    PrecordiaError,
    SignalError,
)
from precordia.core.leads import STANDARD_12
from precordia.io.wfdb import read_wfdb

SCALE = {"mV": 1.0, "mv": 1.0, "uV": 1e-3, "V": 1e3}


@pytest.fixture
def multimodal(shared_data):
    return shared_data / "formats" / "wfdb-multimodal" / "sample-data"


def _expect_equal_to_wfdb(file, record):
    """Compare every signal of a record with wfdb, values to float32 and NaN patterns exactly."""
    other = wfdb.rdrecord(str(file)[:-4], smooth_frames=False)
    signals = other.e_p_signal
    if signals is None:
        signals = list(other.p_signal.T)
    companions = {c.name: c.signal for c in record.companions}
    leads = iter(record.signal)
    for name, unit, expected in zip(other.sig_name, other.units, signals, strict=True):
        name = name.strip()
        found = companions[name] if name in companions else next(leads)
        scale = 1.0 if name in companions else SCALE.get(unit, 1.0)
        np.testing.assert_allclose(found, np.float32(expected * scale), rtol=3e-7, atol=1e-30)
    assert next(leads, None) is None


@pytest.mark.parametrize(
    "pattern",
    [
        "formats/wfdb-multimodal/sample-data/[abfmstv0]*.hea",
        "formats/wfdb-multimodal/sample-data/multi-segment/041s/*.hea",
        "formats/wfdb-multimodal/sample-data/multi-segment/fixed1/*.hea",
        "formats/wfdb-multimodal/sample-data/multi-segment/s25047/3234460_00*.hea",
        "formats/wfdb-multimodal/sample-data/multi-segment/s25047/*10-44.hea",
        "formats/wfdb-checkpkg/checkpkg/expected/[fmstwx]*.hea",
        "formats/wfdb-checkpkg/checkpkg/input/237s[12].hea",
        "formats/wfdb-checkpkg/data/100s.hea",
        "ptbxl/records500/*/*1_hr.hea",
        "ptbxl/records100/*/*77_lr.hea",
        "ludb/data/1*.hea",
        "mitdb/10[0-9].hea",
        "nstdb/*.hea",
        "cpsc2021/**/*6.hea",
        "code15/*11.hea",
        "cinc2011/*03.hea",
        "cinc2021/a/*/*1.hea",
    ],
)
def test_signals_equal_those_of_wfdb(shared_data, pattern):
    files = sorted(shared_data.glob(pattern))
    assert files
    for file in files:
        _expect_equal_to_wfdb(file, read_wfdb(file))


def test_headers_whose_date_other_readers_refuse_are_read_with_a_remark(shared_data, tmp_path):
    file = shared_data / "cinc2017" / "A00001.hea"
    with pytest.raises(ValueError, match="unconverted"):
        wfdb.rdheader(str(file)[:-4])
    record = read_wfdb(file)
    assert record.start_time.isoformat() == "2014-05-08T05:05:15"
    assert {"header-date", "checksum-absent"} <= {r.code for r in record.remarks}
    lines = file.read_text().splitlines()
    lines[0] = " ".join(lines[0].split()[:4])
    (tmp_path / "A00001.hea").write_text("\n".join(lines) + "\n")
    (tmp_path / "A00001.mat").write_bytes(file.with_suffix(".mat").read_bytes())
    _expect_equal_to_wfdb(tmp_path / "A00001.hea", record)


def test_constant_flac_of_five_million_samples(multimodal):
    record = read_wfdb(multimodal / "flac_3_constant.hea")
    assert record.signal.shape == (3, 5_600_000)
    np.testing.assert_array_equal(record.signal.min(axis=1), np.float32([0.125, 0.25, 0.375]))
    np.testing.assert_array_equal(record.signal.max(axis=1), np.float32([0.125, 0.25, 0.375]))


def test_published_amplitudes_of_the_sample_records(multimodal):
    a103l = read_wfdb(multimodal / "a103l.hea")
    assert (a103l.leads, a103l.fs, a103l.duration_s) == (("II", "V"), 250, 330)
    assert a103l.signal[0].min() == pytest.approx(-1.289, abs=5e-4)
    assert a103l.signal[0].max() == pytest.approx(2.181, abs=5e-4)
    assert "Asystole" in a103l.carried.header["comments"]
    v102s = read_wfdb(multimodal / "v102s.hea")
    assert np.nanmax(np.abs(v102s.signal[0])) == pytest.approx(0.897, abs=1e-3)
    assert [c.name for c in v102s.companions] == ["PLETH", "RESP"]


def test_leads_with_several_samples_per_frame_keep_their_full_rate(multimodal):
    record = read_wfdb(multimodal / "03700181.hea")
    assert (record.leads, record.fs, record.n_samples) == (("MCL1",), 500, 300_000)
    pressure = record.companions[0]
    assert (pressure.name, pressure.unit, pressure.fs) == ("ABP", "mmHg", 125)
    assert pressure.signal.min() == pytest.approx(17.1, abs=0.06)
    assert pressure.signal.max() == pytest.approx(64.2, abs=0.06)
    assert record.start_time.isoformat() == "1994-08-15T17:27:45"


def test_segments_follow_each_other(multimodal):
    record = read_wfdb(multimodal / "multi-segment" / "041s" / "041s.hea")
    assert record.leads == ("III", "I", "V")
    assert (record.fs, record.n_samples) == (500, 8000)
    pressures = {c.name: c.signal for c in record.companions}
    assert pressures["ABP"].min() == pytest.approx(40.95)
    assert pressures["ABP"].max() == pytest.approx(88.35)
    assert pressures["PAP"].min() == pytest.approx(5.15)
    assert pressures["PAP"].max() == pytest.approx(32.7, abs=0.0126)


def test_gaps_of_a_variable_layout_are_missing(multimodal):
    file = multimodal / "multi-segment" / "s25047" / "s25047-2704-05-04-10-44.hea"
    record = read_wfdb(file)
    assert record.n_samples == 543_240
    assert np.isnan(record.signal[:, :25_740]).all()
    assert not np.isnan(record.signal[:, 25_740]).any()
    assert np.isnan(record.companions[0].signal[:400_000]).all()  # only the last two hold ABP


def test_frank_leads_and_limb_leads_of_ptb(multimodal):
    record = read_wfdb(multimodal / "s0010_re.hea")
    assert record.leads == (*STANDARD_12, "X", "Y", "Z")
    assert (record.patient.age_years, record.patient.sex) == (81, "female")
    one, two, three = record.signal[:3]
    assert np.abs(one + three - two).max() <= 0.0011  # Einthoven


def test_checkpkg_samples_equal_the_output_of_rdsamp(shared_data):
    folder = shared_data / "formats" / "wfdb-checkpkg"
    lines = (folder / "checkpkg/expected/rdsamp.out").read_text().splitlines()[2:]
    table = np.array([[float(x) for x in line.split()] for line in lines])
    record = read_wfdb(folder / "data" / "100s.hea", start=3600, stop=3600 + len(table))
    np.testing.assert_allclose(record.signal, table[:, 1:].T, atol=5e-4)


@pytest.mark.parametrize(
    ("name", "starts"),
    [
        ("binformats.hea", (0, 1, 2, 3, 7, 100, 498)), ("flacformats.hea", (0, 5, 400)),
        ("v102s.hea", (0, 1, 74_999)), ("mixedsignals.hea", (0, 4, 400)),
        ("test01_00s_skew.hea", (0, 1, 3990)), ("multi-segment/041s/041s.hea", (0, 3996, 4400)),
        ("multi-segment/s25047/s25047-2704-05-04-10-44.hea", (0, 25_700, 500_000)),
    ],
)  # fmt: skip
def test_a_part_equals_the_same_part_of_the_whole(multimodal, name, starts):
    whole = read_wfdb(multimodal / name)
    for start in starts:
        for length in (1, 2, 7, 50):
            part = read_wfdb(multimodal / name, start=start, stop=start + length)
            np.testing.assert_array_equal(part.signal, whole.signal[:, start : start + length])
            assert part.leads == whole.leads
    if whole.start_time is not None:
        assert (part.start_time - whole.start_time).total_seconds() == pytest.approx(
            start / whole.fs, abs=1e-6
        )


def test_impossible_parts_are_refused(multimodal):
    file = multimodal / "03700181.hea"
    for start, stop in ((-1, 5), (5, 5), (10, 2), (300_000, None), (2, 8)):
        with pytest.raises(SignalError):
            read_wfdb(file, start=start, stop=stop)
    with pytest.raises((OptionError, TypeError)):  # TypeError where types are checked
        read_wfdb(file, start=0.5)


def test_annotations_come_at_samples_of_the_record(shared_data):
    file = shared_data / "mitdb" / "101.hea"
    other = wfdb.rdann(str(file)[:-4], "atr")
    record = read_wfdb(file, annotations="atr")
    np.testing.assert_array_equal(record.carried.annotations.sample, other.sample)
    part = read_wfdb(file, annotations="atr", start=10_000, stop=20_000).carried.annotations
    inside = (other.sample >= 10_000) & (other.sample < 20_000)
    np.testing.assert_array_equal(part.sample, other.sample[inside] - 10_000)
    assert list(part.symbol) == [s for s, i in zip(other.symbol, inside, strict=True) if i]


def test_statements_and_patient_come_from_the_comments(shared_data):
    record = read_wfdb(next(shared_data.glob("cinc2021/a/*/HR00001.hea")))
    assert (record.patient.age_years, record.patient.sex) == (56, "female")
    assert [s.code for s in record.carried.statements] == ["251146004", "426783006"]
    assert record.start_time.isoformat() == "2020-06-04T15:11:55"


def test_the_same_recording_in_two_databases_is_the_same(shared_data):
    ptbxl = read_wfdb(shared_data / "ptbxl" / "records500" / "00000" / "00001_hr.hea")
    challenge = read_wfdb(next(shared_data.glob("cinc2021/a/*/HR00001.hea")))
    np.testing.assert_array_equal(ptbxl.signal, challenge.signal)
    assert ptbxl.leads == challenge.leads == STANDARD_12


# --- small files with a known truth ---------------------------------------------------------


def _write(folder, header: str, data: bytes | None = None, file: str = "a.dat"):
    (folder / "a.hea").write_text(header)
    if data is not None:
        (folder / file).write_bytes(data)
    return folder / "a.hea"


def _int16(*values: int) -> bytes:
    return np.array(values, "<i2").tobytes()


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("1000/mV", 1.0), ("1/uV", 1.0), ("1/µV", 1.0), ("1e6/V", 1.0), ("1000/mv", 1.0),
        ("200(500)/mV", 2.5), ("0/mV", 5.0), ("-1000/mV", -1.0), ("1000", 1.0),
    ],
)  # fmt: skip
def test_units_and_gains_give_millivolts(tmp_path, field, expected):
    file = _write(tmp_path, f"a 1 500 1\na.dat 16 {field} 16 0 1000 1000 0 II\n", _int16(1000))
    record = read_wfdb(file)
    assert record.signal.dtype == np.float32
    assert record.signal[0, 0] == pytest.approx(expected)
    assert ("uncalibrated" in {r.code for r in record.remarks}) == (field == "0/mV")


def test_a_unit_that_is_no_voltage_leaves_a_remark_and_can_be_given(tmp_path):
    file = _write(tmp_path, "a 1 500 1\na.dat 16 1/adu 16 0 7 7 0 V3\n", _int16(7))
    assert [r.code for r in read_wfdb(file).remarks] == ["unit-unknown"]
    assert read_wfdb(file, unit="uV").signal[0, 0] == pytest.approx(0.007)
    assert read_wfdb(file, unit="uV").remarks == ()


def test_other_signals_become_companions(tmp_path):
    names = ("V1", "ABP", "PLETH", "RESP", "ECG", "Fp2-F4", "ECG 1")
    units = ("mV", "mmHg", "NU", "mV", "mV", "uV", "mV")
    lines = "".join(
        f"a.dat 16 1/{unit} 16 0 0 0 0 {name}\n" for name, unit in zip(names, units, strict=True)
    )
    record = read_wfdb(_write(tmp_path, f"a 7 500 1\n{lines}", _int16(*[0] * 7)))
    assert record.leads == ("V1", "ECG", "ECG 1")
    assert [c.name for c in record.companions] == ["ABP", "PLETH", "RESP", "Fp2-F4"]


def test_a_record_without_an_ecg_is_refused(tmp_path):
    file = _write(tmp_path, "a 1 500 1\na.dat 16 1/mmHg 16 0 0 0 0 ABP\n", _int16(0))
    with pytest.raises(LeadError, match="ABP"):
        read_wfdb(file)


def test_repeated_names_are_numbered_and_monitoring_leads_keep_theirs(tmp_path):
    lines = "".join(f"a.dat 16 1 16 0 0 0 0 {name}\n" for name in ("II", "MLII", "V1", "V1"))
    record = read_wfdb(_write(tmp_path, f"a 4 500 1\n{lines}", _int16(0, 0, 0, 0)))
    assert record.leads == ("II", "MLII", "V1", "V1 #2")


def test_skew_is_taken_out(tmp_path):
    header = "a 2 500 5\na.dat 16:2 1000 16 0 0 10 0 I\na.dat 16:2 1000 16 0 0 0 0 II\n"
    header = header.replace("16:2 1000 16 0 0 0", "16 1000 16 0 0 0")
    data = np.stack([np.arange(5), np.zeros(5)], axis=1).astype("<i2").tobytes()
    signal = read_wfdb(_write(tmp_path, header, data)).signal
    np.testing.assert_allclose(signal[0], [0.002, 0.003, 0.004, np.nan, np.nan])
    assert not np.isnan(signal[1]).any()


def test_checksums_guard_the_samples(tmp_path):
    file = _write(tmp_path, "a 1 500 3\na.dat 16 1000 16 0 1 6 0 II\n", _int16(1, 2, 3))
    assert read_wfdb(file).signal.shape == (1, 3)
    file = _write(tmp_path, "a 1 500 3\na.dat 16 1000 16 0 1 7 0 II\n")
    with pytest.raises(FormatError, match="checksum"):
        read_wfdb(file)
    assert read_wfdb(file, ignore_checksum=True).signal.shape == (1, 3)
    assert read_wfdb(file, stop=2).signal.shape == (1, 2)
    file = _write(tmp_path, "a 1 500 3\na.dat 16 1000 16 0 1 0 0 II\n")
    assert [r.code for r in read_wfdb(file).remarks] == ["checksum-absent"]


def test_an_open_length_is_that_of_the_file(tmp_path):
    file = _write(tmp_path, "a 2 500\na.dat 16\na.dat 16\n", _int16(*range(10)))
    assert read_wfdb(file).signal.shape == (2, 5)


def test_a_file_cut_short_is_refused_and_its_beginning_can_be_read(tmp_path):
    file = _write(tmp_path, "a 1 500 100\na.dat 16 1000 16 0 0 0 0 II\n", _int16(*range(60)))
    with pytest.raises(FormatError, match="stop=60"):
        read_wfdb(file)
    assert read_wfdb(file, stop=60).n_samples == 60


@pytest.mark.parametrize(
    "header",
    [
        "a 1 500 1000000000\na.dat 16 1000 16 0 0 0 0 II\n",
        "a 1 500 999999999999999\na.dat 8 1000 16 0 0 0 0 II\n",
        "a 1 500 10\na.dat 16x999999999 1000 16 0 0 0 0 II\n",
        "a 1 500 10\na.dat 16:999999999 1000 16 0 0 0 0 II\n",
        "a 1 500 10\na.dat 16+999999999999 1000 16 0 0 0 0 II\n",
        "a 1 500 10\n../a.dat 16 1000 16 0 0 0 0 II\n",
        "a 1 500 10\n/etc/passwd 16 1000 16 0 0 0 0 II\n",
        "a 1 500 10\nb.dat 16 1000 16 0 0 0 0 II\n",
        "a 1 500 10\na.dat 17 1000 16 0 0 0 0 II\n",
        "a 1 500 10\na.dat 516 1000 16 0 0 0 0 II\n",
        "a 0 500 10\n", "a 1 0 10\na.dat 16\n", "a 1 500\n~ 0 1000 16 0 0 0 0 II\n",
        "a 1 500 999999999999\n~ 0 1000/mV 16 0 0 0 0 II\n",
        "a/2 1 500 3000000000000\n~ 2999999999990\na 10\n",
        "a/1 1 500 10\na 10\n", "a/1 1 500 10\n../b 10\n", "a/1 1 500 9\nb 10\n",
        "a/1 1 500 10\n~ 10\n", "a 2 500 5\na.dat 16 1 1 0 0 0 0 I\na.dat 212 1 1 0 0 0 0 II\n",
    ],
)  # fmt: skip
def test_hostile_headers_are_refused_at_once_with_a_sentence(tmp_path, header):
    (tmp_path / "b.hea").write_text("b 1 500 10\nc.dat 16 1000 16 0 0 0 0 II\n")
    file = _write(tmp_path, header, _int16(*range(8)))
    began = time.perf_counter()
    with pytest.raises(PrecordiaError, match=r"\."):
        read_wfdb(file)
    assert time.perf_counter() - began < 1


def test_empty_files_and_absent_files_are_refused(tmp_path):
    file = _write(tmp_path, "a 1 500\na.dat 16 1000 16 0 0 0 0 II\n", b"")
    with pytest.raises(FormatError, match="empty"):
        read_wfdb(file)
    with pytest.raises(FormatError, match="no header"):
        read_wfdb(tmp_path / "none.hea")
