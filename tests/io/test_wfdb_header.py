# SPDX-License-Identifier: Apache-2.0
"""Headers of WFDB records: syntax, defaults, and lines that no reader should trust."""

from __future__ import annotations

import pytest
import wfdb

from precordia.core.errors import FormatError, SamplingRateError
from precordia.io.wfdb_header import check_file_name, header_path, parse_header, read_header

RECORD = b"# before\n100/x 3 360.5/720(12) 650000 11:05:02.25 01/12/1994\n"


def test_record_line_gives_rates_counter_length_and_start():
    header = parse_header(RECORD + b"a.dat 16\na.dat 16\na.dat 16\n#  after \n")
    assert (header.fs, header.counter_fs, header.base_counter) == (360.5, 720.0, 12.0)
    assert header.n_frames == 650000
    assert header.start.isoformat() == "1994-12-01T11:05:02.250000"
    assert header.comments == ("before", "after")
    assert header.repairs == ()


def test_signal_line_gives_every_field():
    line = b"b.mat 212x4:3+24 -12.5e1(-1605)/mmHg 12 7 -943 -18875 0 ABP left arm \r\n"
    signal = parse_header(b"b 1\n" + line).signals[0]
    assert signal.file == "b.mat"
    assert (signal.fmt, signal.samples_per_frame, signal.skew, signal.offset) == (212, 4, 3, 24)
    assert (signal.gain, signal.baseline, signal.unit) == (-125.0, -1605.0, "mmHg")
    assert (signal.initial, signal.checksum, signal.name) == (-943, -18875, "ABP left arm")


@pytest.mark.parametrize(
    ("line", "gain", "baseline", "unit", "calibrated", "name"),
    [
        (b"a.dat 16", 200, 0, "", False, ""),
        (b"a.dat 16 0 12 0 5 6 0 II", 200, 0, "", False, "II"),
        (b"a.dat 16 200", 200, 0, "", True, ""),
        (b"a.dat 16 200 11 1024", 200, 1024, "", True, ""),
        (b"a.dat 16 200(5) 11 1024 7 8 0 V1", 200, 5, "", True, "V1"),
        (b"a.dat 16 1.052e+04/uV 16 0 V", 10520, 0, "uV", True, "V"),
        (b"a.dat 16 (3)/mV 16 0 0 0 0 I", 200, 3, "mV", False, "I"),
    ],
)
def test_missing_fields_take_the_defaults_of_the_standard(
    line, gain, baseline, unit, calibrated, name
):
    signal = parse_header(b"a 1 500 10\n" + line + b"\n").signals[0]
    assert (signal.gain, signal.baseline, signal.unit) == (gain, baseline, unit)
    assert (signal.calibrated, signal.name) == (calibrated, name)


@pytest.mark.parametrize("gain", [b"1000(mV)/0", b"1000,0/mV"])
def test_a_gain_of_another_form_is_refused_and_not_taken_for_a_name(gain):
    line = b"a.dat 16 " + gain + b" 16 0 0 0 0 I\n"
    with pytest.raises(FormatError, match=r"third word"):
        parse_header(b"a 1 500 10\n" + line)


def test_sampling_rate_defaults_to_250():
    assert parse_header(b"a 1\na.dat 16\n").fs == 250.0


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\n\n", b"# only a comment\n", b"\0\0\0\0", b"a\n", b"a b\n", b"a -1 500\n",
        b"a 1 500 10\n", b"a 2 500 10\na.dat 16\n", b"a/0 1 500\n", b"a/3 1 500\nb 5\n",
        b"a 1 500 -10\na.dat 16\n", b"a 1 500 1e9\na.dat 16\n", b"a 1 500 10\na.dat\n",
        b"a 1 500 10\na.dat x16\n", b"a 1 500 10\na.dat 16 1e999/mV 16 0 0 0 0 I\n",
        b"a 1 500 10\na.dat 16 1e-300/mV 16 0 0 0 0 I\n", b"a 1 5OO 10\na.dat 16\n",
        b"a 999999999999 500 10\na.dat 16\n", b"a/2 1 500 10\nb x\nc 5\n",
        b"a 1 500 " + b"9" * 400 + b"\na.dat 16\n",
    ],
)  # fmt: skip
def test_damaged_headers_are_refused_with_a_sentence(content):
    with pytest.raises(FormatError, match=r"^'h.hea' .+; .+\. .+\.$|^'h.hea' .+"):
        parse_header(content, name="h.hea")


@pytest.mark.parametrize("fs", [b"0", b"-500", b"1e999"])
def test_impossible_sampling_rates_are_refused(fs):
    with pytest.raises(SamplingRateError, match="positive"):
        parse_header(b"a 1 " + fs + b" 10\na.dat 16\n")


@pytest.mark.parametrize("file", ["../a.dat", "/etc/passwd", "b/a.dat", "..", "c:a", "d\\a", "-"])
def test_files_outside_the_folder_are_refused(file):
    with pytest.raises(FormatError, match="outside its own folder"):
        check_file_name(file, "h.hea")


def test_a_folder_or_a_missing_header_is_refused(tmp_path):
    with pytest.raises(FormatError, match="is not a file"):
        read_header(tmp_path)
    with pytest.raises(FormatError, match="no header"):
        read_header(tmp_path / "none.hea")


def test_a_signal_file_leads_to_its_header(tmp_path):
    (tmp_path / "a.hea").write_text("a 0 500\n")
    assert header_path(tmp_path / "a.dat").name == "a.hea"
    assert header_path(tmp_path / "b").name == "b.hea"


def test_latin_1_headers_are_read():
    assert parse_header("a 1 500 10\na.dat 16 1000/µV\n".encode("latin-1")).signals[0].unit == "µV"


def test_headers_agree_with_wfdb_on_real_files(shared_data):
    files = [
        *sorted((shared_data / "formats" / "wfdb-multimodal").rglob("*.hea")),
        *sorted((shared_data / "ludb" / "data").glob("*.hea"))[:5],
    ]
    for file in files:
        other = wfdb.rdheader(str(file)[:-4], rd_segments=False)
        header = read_header(file)
        assert header.fs == other.fs
        assert (header.n_frames or None) == (other.sig_len or None)
        if header.segments:
            assert [s.name for s in header.segments] == other.seg_name
            assert [s.n_frames for s in header.segments] == other.seg_len
        else:
            assert [s.name for s in header.signals] == [n or "" for n in other.sig_name]
            assert [s.gain for s in header.signals] == other.adc_gain
            assert [s.baseline for s in header.signals] == other.baseline
            assert [s.checksum for s in header.signals] == other.checksum


@pytest.mark.parametrize("zero", ["9" * 400, "-" + "9" * 400])
def test_a_zero_beyond_any_converter_is_refused(tmp_path, zero):
    (tmp_path / "a.hea").write_text(f"a 1 360 10\na.dat 16 200 12 {zero} 0 0 0 II\n")
    (tmp_path / "a.dat").write_bytes(bytes(20))
    with pytest.raises(FormatError, match="zero"):
        read_header(str(tmp_path / "a.hea"))
