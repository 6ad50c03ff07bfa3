# SPDX-License-Identifier: Apache-2.0
"""Beat times without a signal: Polar exercises and lists of RR intervals."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest

from precordia.core.errors import FormatError, OptionError, SamplingRateError, UnitError
from precordia.io.formats import sniff
from precordia.io.read import read

POLAR = "formats/hrvtool/data/14121501.hrm"
SAMPLES = "formats/hrvtool/data/rrinterval.csv"
TIMES = "formats/hrvtool/data/annotation.csv"
RR = np.random.default_rng(6).integers(700, 950, 200)
HEAD = "[Params]\nVersion=106\nMonitor=37\nSMode=000000000\nDate=20141215\n" \
       "StartTime=19:59:34.5\nInterval=238\n\n[Note]\n\n[HRData]\n"  # fmt: skip


def put(tmp_path, text, name="a.txt", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


def listed(values=RR):
    return "\n".join(map(str, values)) + "\n"


def test_polar_exercise_is_a_record_of_beats(shared_data):
    record = read(shared_data / POLAR)
    lines = (shared_data / POLAR).read_text().split("[HRData]")[1].split()
    intervals = np.array(lines, int)
    marks = record.carried.annotations
    assert (record.leads, record.fs) == ((), 1000)
    assert np.array_equal(np.diff(marks.sample), intervals)
    assert set(marks.symbol) == {"N"}
    assert record.signal.shape == (0, intervals.sum() + 1)
    assert record.start_time == datetime(2014, 12, 15, 19, 59, 34)
    assert record.remarks[0].code == "rr-series"
    assert record.carried.header["manufacturer"] == "Polar"


def test_polar_exercise_of_heart_rates_is_refused(tmp_path):
    path = put(tmp_path, HEAD.replace("238", "5") + "99\n98\n", "a.hrm")
    with pytest.raises(FormatError, match="every 5 s"):
        read(path)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_polar_exercise_with_any_line_ends(tmp_path, end):
    record = read(put(tmp_path, (HEAD + listed()).replace("\n", end), "a.hrm"))
    assert np.array_equal(np.diff(record.carried.annotations.sample), RR)
    assert record.start_time == datetime(2014, 12, 15, 19, 59, 34, 500000)


@pytest.mark.parametrize(
    ("title", "row", "scale"),
    [
        ("Phone timestamp;RR-interval [ms]", "2022-01-01T10:00:00.123;{}", 1),
        ("index,RR", "7,{}", 1),
        ("Time (s)\tHR\tRR (s)", "1.5\t72\t{}", 1e-3),
    ],
)
def test_rr_intervals_in_a_small_table_are_read(tmp_path, title, row, scale):
    lines = [row.format(value) for value in RR * scale]
    record = read(put(tmp_path, "\n".join([title, *lines]) + "\n"))
    assert record.source.method == "read:rr"
    assert np.abs(np.diff(record.carried.annotations.sample) - RR).max() <= 1


def test_a_table_of_rr_intervals_that_breaks_off_is_refused(tmp_path):
    lines = [f"{k};{value}" for k, value in enumerate(RR)]
    with pytest.raises(FormatError, match="one number a line"):
        read(put(tmp_path, "\n".join(["n;RR (ms)", *lines, "12"]) + "\n"))


def test_a_table_with_an_ecg_is_no_list_of_rr_intervals(tmp_path):
    rows = "".join(f"{k / 500:.3f},{k % 7},800\n" for k in range(1000))
    record = read(put(tmp_path, "time (s),ECG (uV),RR (ms)\n" + rows))
    assert record.source.method == "read:csv"
    assert record.n_leads == 1


def test_polar_exercise_without_data_is_refused(tmp_path):
    with pytest.raises(FormatError, match="no RR interval"):
        read(put(tmp_path, HEAD, "a.hrm"))


@pytest.mark.parametrize(
    ("title", "scale"),
    [("RR (ms)", 1), ("rr_ms", 1), ("RR intervals [s]", 1e-3), ("# a comment\nNN (s)", 1e-3),
     ("RR", 1), ("ibi_s", 1e-3), ("RRI", 1e-3)],
)  # fmt: skip
def test_list_that_says_it_holds_rr_intervals_is_recognised(tmp_path, title, scale):
    record = read(put(tmp_path, title + "\n" + listed(RR * scale)))
    assert record.source.method == "read:rr"
    assert np.abs(np.diff(record.carried.annotations.sample) - RR).max() <= 1


def test_column_of_numbers_alone_is_not_guessed(tmp_path):
    path = put(tmp_path, listed())
    assert sniff(listed().encode()).name == "csv"
    with pytest.raises(SamplingRateError, match="format='rr'"):
        read(path)
    record = read(path, format="rr")
    assert np.array_equal(np.diff(record.carried.annotations.sample), RR)
    assert "unit-assumed" in [r.code for r in record.remarks]


def test_unit_or_rate_may_be_given(tmp_path):
    path = put(tmp_path, listed())
    assert "unit-assumed" not in [r.code for r in read(path, format="rr", unit="ms").remarks]
    beats = read(path, format="rr", fs=2000).carried.annotations.sample
    assert beats[-1] == round(RR.sum() / 2)


def test_intervals_that_count_samples_are_not_taken_for_milliseconds(shared_data):
    path = shared_data / SAMPLES
    with pytest.raises(UnitError, match="fs="):
        read(path, format="rr")
    record = read(path, format="rr", fs=300)
    positions = np.loadtxt(shared_data / TIMES)
    found = record.carried.annotations.sample[:31] / 1000 * 300
    np.testing.assert_allclose(np.diff(found), np.diff(positions), atol=0.31)


def test_beat_times_are_not_taken_for_intervals(shared_data):
    with pytest.raises(FormatError, match="only rise"):
        read(shared_data / TIMES, format="rr", unit="ms")


def test_error_of_rounding_does_not_add_up(tmp_path):
    rr = np.full(5000, 0.8003)
    record = read(put(tmp_path, listed(rr)), format="rr", unit="s")
    assert record.carried.annotations.sample[-1] == round(5000 * 800.3)


def test_decimal_commas_and_trailing_signs_are_understood(tmp_path):
    text = "RR (s)\n" + "".join(f"{v / 1000:.3f};\n".replace(".", ",") for v in RR)
    record = read(put(tmp_path, text), format="rr")
    assert np.abs(np.diff(record.carried.annotations.sample) - RR).max() <= 1


def test_odd_intervals_are_remarked_on(tmp_path):
    rr = RR.copy()
    rr[[50, 51]] = 400, 1300
    remarks = {r.code: r.text for r in read(put(tmp_path, listed(rr)), format="rr").remarks}
    assert remarks["rr-outliers"].startswith("2 of 200")
    clean = read(put(tmp_path, listed()), format="rr").remarks
    assert "rr-outliers" not in [r.code for r in clean]


@pytest.mark.parametrize("wrong", ["0", "-800", "900000", "abc", "nan"])
def test_interval_that_makes_no_sense_is_refused(tmp_path, wrong):
    with pytest.raises(FormatError):
        read(put(tmp_path, listed() + wrong + "\n"), format="rr", unit="ms")


def test_impossible_options_are_refused(tmp_path):
    path = put(tmp_path, listed())
    for options in ({"unit": "mV"}, {"fs": 0}, {"fs": 300, "unit": "ms"}):
        with pytest.raises(OptionError):
            read(path, format="rr", **options)
    with pytest.raises(FormatError):
        read(put(tmp_path, "nothing\n"), format="rr")
