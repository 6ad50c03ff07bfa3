# SPDX-License-Identifier: Apache-2.0
"""SCP-ECG files: real ones against what is known of them, and built ones against closed form."""

from __future__ import annotations

import binascii
import re
import struct
from datetime import date, datetime

import numpy as np
import pytest

from precordia.core.errors import FormatError, LeadError, SamplingRateError
from precordia.core.leads import STANDARD_12
from precordia.io.scp_ecg import read_scp_ecg

EIGHT = (1, 2, 3, 4, 5, 6, 7, 8)


def crc(data: bytes) -> int:
    """CRC-CCITT bit by bit, as the standard describes it."""
    value = 0xFFFF
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = ((value << 1) ^ (0x1021 if value & 0x8000 else 0)) & 0xFFFF
    return value


def scp(bodies: dict[int, bytes], protocol: int = 13) -> bytes:
    """Build a file of sections."""
    numbers = list(range(max(12, max(bodies, default=0) + 1)))
    numbers = [n for n in numbers if n < 12 or n in bodies]
    size0 = 16 + 10 * len(numbers)
    at = 7 + size0
    pointers, blocks = struct.pack("<HII", 0, size0, 7), b""
    for number in numbers[1:]:
        body = bodies.get(number)
        if body is None:
            pointers += struct.pack("<HII", number, 0, 0)
            continue
        block = struct.pack("<HIBB", number, 16 + len(body), protocol, protocol) + bytes(6) + body
        block = struct.pack("<H", crc(block)) + block
        pointers += struct.pack("<HII", number, len(block), at + len(blocks))
        blocks += block
    first = struct.pack("<HIBB", 0, size0, protocol, protocol) + b"SCPECG" + pointers
    first = struct.pack("<H", crc(first)) + first
    rest = struct.pack("<I", 6 + len(first) + len(blocks)) + first + blocks
    return struct.pack("<H", crc(rest)) + rest


def layout(codes=(1,), n=4, flags=4, start=1):
    leads = b"".join(struct.pack("<IIB", start, start + n - 1, code) for code in codes)
    return bytes([len(codes), flags | len(codes) << 3]) + leads


def coded(rows, *, step=1000, interval=2000, order=0, bimodal=0):
    """Section 5 or 6 of rows of bytes."""
    lengths = b"".join(struct.pack("<H", len(row)) for row in rows)
    return struct.pack("<HHBB", step, interval, order, bimodal) + lengths + b"".join(rows)


def raw(values):
    return np.asarray(values, "<i2").tobytes()


def bits(text: str) -> bytes:
    """Bytes of a text of 0 and 1."""
    text = text.replace(" ", "")
    return int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(-(-len(text) // 8), "big")


@pytest.fixture
def put(tmp_path):
    def write(bodies, **options):
        path = tmp_path / "a.scp"
        path.write_bytes(bodies if isinstance(bodies, bytes) else scp(bodies, **options))
        return path

    return write


# Real recordings ---------------------------------------------------------------------------------


def test_scp_holds_the_same_integers_as_the_aecg_of_the_same_recording(shared_data):
    record = read_scp_ecg(shared_data / "formats/scp-scpinfo/example/example.scp")
    folder = shared_data / "formats/aecg-fda/src/aecg/data/hl7/2003-12 Schema/example"
    text = (folder / "Example aECG.xml").read_text(encoding="utf-8")
    rhythm = text[: text.index("<derivation")]
    sequences = re.findall(r'MDC_ECG_LEAD_(\w+)".*?<digits>([^<]*)</digits>', rhythm, re.DOTALL)
    assert len(sequences) == 12
    assert record.fs == 500
    for name, digits in sequences:
        row = record.signal[record.leads.index(name.replace("AV", "aV"))]
        counts = np.array(digits.split(), int)
        assert np.array_equal(row, (counts * 0.0025).astype(np.float32))


def test_scp_example_tells_who_when_and_how(shared_data):
    record = read_scp_ecg(shared_data / "formats/scp-scpinfo/example/example.scp")
    assert record.leads == (*STANDARD_12[:2], *STANDARD_12[6:], *STANDARD_12[2:6])
    patient = record.patient
    assert (patient.name, patient.patient_id) == ("Clark", "SBJ-123")
    assert (patient.birth_date, patient.age_years, patient.sex) == (date(1953, 5, 8), 49, "male")
    assert record.start_time == datetime(2002, 11, 22, 9, 10)
    assert record.carried.header["device_model"] == "ELI250"
    # As the aECG of the same recording says.
    assert record.carried.measurements == {
        "p_ms": 102, "pr_ms": 148, "qrs_ms": 120, "qt_ms": 420, "qtc_ms": 443,
        "p_axis_deg": 44, "qrs_axis_deg": -61, "t_axis_deg": 86,
    }  # fmt: skip
    assert record.carried.median.signal.shape == (12, 599)
    assert record.carried.median.qrs_onset == 217
    assert record.remarks == ()


def test_reference_beats_are_added_back_exactly(shared_data):
    folder = shared_data / "formats/wfdb-checkpkg/checkpkg"
    record = read_scp_ecg(folder / "input/test.scp")
    golden = np.fromfile(folder / "expected/test.dat", "<i2").reshape(5000, 12).T
    order = ("I", "II", "III", "aVR", "aVF", "aVL", *STANDARD_12[6:])
    assert (record.fs, record.leads) == (500, STANDARD_12)
    for lead in ("I", "II", *STANDARD_12[6:]):
        counts = record.signal[record.leads.index(lead)].astype(float) * 200
        np.testing.assert_allclose(counts, golden[order.index(lead)], atol=1e-4)
    # The golden file computes the others in whole numbers, which loses up to half of one.
    for lead in ("III", "aVR", "aVL", "aVF"):
        counts = record.signal[record.leads.index(lead)].astype(float) * 200
        np.testing.assert_allclose(counts, golden[order.index(lead)], atol=0.5001)


def test_what_a_device_measured_is_carried(shared_data):
    record = read_scp_ecg(shared_data / "formats/wfdb-checkpkg/checkpkg/input/test.scp")
    measured, median = record.carried.measurements, record.carried.median
    assert (record.patient.age_years, record.patient.sex) == (49, "male")
    assert record.start_time == datetime(2004, 1, 1, 2, 13, 18)
    assert [s.code for s in record.carried.statements] == [
        "Ectopic atrial rhythm", "- ventricular couplets", "Long QTc interval",
        "Left axis deviation", "Extensive infarction - age undetermined", "Abnormal ECG",
    ]  # fmt: skip
    wanted = {
        "rr_ms": 869, "p_ms": 148, "pr_ms": 170, "qrs_ms": 104, "qt_ms": 446,
        "p_axis_deg": -18, "qrs_axis_deg": -41, "t_axis_deg": 118,
        "i_p_ms": 134, "avf_q_ms": 44, "v3_q_mv": -2.299, "avl_r_mv": 1.306, "v2_s_ms": None,
        "v2_st_slope_mv_per_s": 0.036, "i_pr_ms": None, "v6_r_peak_time_ms": 51,
    }  # fmt: skip
    assert {name: measured.get(name) for name in wanted} == wanted
    # Marks in ms of the golden description, at 500 Hz.
    marks = (median.p_onset, median.p_offset, median.qrs_onset, median.qrs_offset, median.t_offset)
    assert marks == (20, 94, 105, 157, 328)
    assert (median.r_peak, median.signal.shape) == (145, (12, 349))
    assert len(record.carried.annotations) == 11
    header = record.carried.header
    assert (header["filter_highpass_hz"], header["filter_lowpass_hz"]) == ("0.05", "150")
    assert (header["filter_notch_hz"], header["department"]) == ("60", "xx")


def test_samples_without_compression_are_read_from_sample_0(shared_data):
    record = read_scp_ecg(shared_data / "formats/contec-scp/examples/demo.scp")
    counts = record.signal[0].astype(float) / 183e-6
    np.testing.assert_allclose(counts[:5], [254, 246, 251, 223, 251], atol=1e-3)
    assert np.rint(counts).sum() == 10957
    assert (np.rint(counts.min()), np.rint(counts.max())) == (-4696, 4089)
    assert (record.fs, record.n_samples, record.leads) == (1000, 10000, STANDARD_12)
    assert [remark.code for remark in record.remarks] == ["leads-derived"]
    assert record.carried.header["device_serial"] == "128"
    one, two, three = record.signal[:3].astype(float)
    np.testing.assert_allclose(three, two - one, atol=1e-6)


def test_a_file_that_lies_about_its_length_is_read_as_far_as_it_goes(shared_data):
    folder = shared_data / "formats/contec-scp/tools"
    record = read_scp_ecg(folder / "0000050.ECG.scp")
    assert (record.n_samples, record.fs) == (32767, 800)
    assert [remark.code for remark in record.remarks] == ["truncated"]
    with (folder / "0000050.ECG.csv").open() as file:
        rows = [line.split(",")[:6] for line in file if re.match(r"-?\d+,", line)]
    counts = np.array(rows[:32767], float).T
    assert counts[:, 0].tolist() == [-20, -25, -5, 23, -7, -15]
    np.testing.assert_allclose(record.signal[:6] / 0.005, counts, atol=1e-3)
    assert not record.signal[6:].any()


@pytest.mark.parametrize(
    ("file", "lowest", "highest", "flags"),
    [("62", (-80, -13, -25), (56, 114, 156), 69), ("63", (-83, -15, -24), (58, 112, 154), 79)],
)
def test_healforce_files_are_read(shared_data, file, lowest, highest, flags):
    record = read_scp_ecg(shared_data / f"formats/scp-healforce/demodata/ECG_0/{file}.SCP")
    counts = np.rint(record.signal / 0.009524)
    assert (record.signal.shape, record.fs) == ((3, 4500), 150)
    assert tuple(counts.min(axis=1)) == lowest
    assert tuple(counts.max(axis=1)) == highest
    assert len(record.carried.annotations) == flags
    assert record.start_time == datetime(2019, 8, 8, 0, 4, 10)
    assert record.leads == ("I", "II", "III")


def test_a_changed_byte_is_noticed_in_every_file(shared_data, tmp_path):
    folder = shared_data / "formats"
    for file in (
        "scp-scpinfo/example/example.scp",
        "wfdb-checkpkg/checkpkg/input/test.scp",
        "scp-healforce/demodata/ECG_0/62.SCP",
    ):
        content = bytearray((folder / file).read_bytes())
        content[5000] ^= 1
        path = tmp_path / "a.scp"
        path.write_bytes(content)
        with pytest.raises(FormatError, match="ignore_checksum=True"):
            read_scp_ecg(path)
        record = read_scp_ecg(path, ignore_checksum=True)
        assert record.source.warnings
        assert record.n_samples >= 4500


def test_a_cut_file_is_refused_and_read_when_told_to(shared_data, tmp_path):
    content = (shared_data / "formats/contec-scp/examples/demo.scp").read_bytes()
    path = tmp_path / "a.scp"
    path.write_bytes(content[:100_000])
    with pytest.raises(FormatError, match="has 100,000"):
        read_scp_ecg(path)
    record = read_scp_ecg(path, ignore_checksum=True)
    assert "truncated" in {remark.code for remark in record.remarks}
    assert np.isnan(record.signal[-1]).all()
    assert not np.isnan(record.signal[0]).any()


# Built files -------------------------------------------------------------------------------------


def test_the_checksum_is_that_of_the_standard():
    assert crc(b"123456789") == binascii.crc_hqx(b"123456789", 0xFFFF) == 0x29B1


def test_raw_samples_are_read(put):
    record = read_scp_ecg(put({3: layout(n=4), 6: coded([raw([1, -2, 300, -32768])])}))
    np.testing.assert_allclose(record.signal, [[0.001, -0.002, 0.3, -32.768]])


@pytest.mark.parametrize(("order", "values"), [(1, [5, 7, 4, 4]), (2, [5, 7, 4, 0])])
def test_differences_are_summed(put, order, values):
    differences = values if order == 0 else np.diff(values, prepend=0)
    if order == 2:
        differences = [5, 7, 4 - 14 + 5, 0 - 8 + 7]
    record = read_scp_ecg(put({3: layout(n=4), 6: coded([raw(differences)], order=order)}))
    np.testing.assert_allclose(record.signal[0] * 1000, values)


def test_sums_of_differences_wrap_around_like_numbers_of_16_bits(put):
    record = read_scp_ecg(put({3: layout(n=2), 6: coded([raw([32767, 1])], order=1)}))
    np.testing.assert_allclose(record.signal[0] * 1000, [32767, -32768])


def test_the_default_table_is_decoded(put):
    code = (
        "0 100 101 1100 1101 1111111100 1111111101 1111111110 10000000 1111111111 0111111111111111"
    )
    values = [0, 1, -1, 2, -2, 8, -8, -128, 32767]
    bodies = {2: struct.pack("<H", 19999), 3: layout(n=9), 6: coded([bits(code)])}
    np.testing.assert_allclose(read_scp_ecg(put(bodies)).signal[0] * 1000, values)


def table(*codes):
    """Section 2 table of (prefix text, value bits, value, switches)."""
    out = struct.pack("<H", len(codes))
    for prefix, extra, value, switches in codes:
        word = int(prefix[::-1], 2)
        out += struct.pack(
            "<BBBhI", len(prefix), len(prefix) + extra, int(not switches), value, word
        )
    return out


def test_a_table_of_the_files_own_is_decoded(put):
    tables = struct.pack("<H", 1) + table(("0", 0, 7, 0), ("10", 0, -3, 0), ("11", 4, 100, 0))
    code = "0 10 11 0101 11 1000 0"  # seven; minus three; 100 + 5; 100 - 8; seven
    bodies = {2: tables, 3: layout(n=5), 6: coded([bits(code)])}
    np.testing.assert_allclose(read_scp_ecg(put(bodies)).signal[0] * 1000, [7, -3, 105, 92, 7])


def test_tables_are_switched_and_every_lead_begins_with_the_first(put):
    tables = (
        struct.pack("<H", 2)
        + table(("0", 0, 1, 0), ("1", 0, 2, 1))
        + table(("0", 0, 50, 0), ("10", 0, 60, 0), ("11", 0, 1, 1))
    )
    code = "0 1 0 10 11 0"
    bodies = {2: tables, 3: layout((1, 2), n=4), 6: coded([bits(code), bits("0 0 0 0")])}
    record = read_scp_ecg(put(bodies))
    np.testing.assert_allclose(record.signal * 1000, [[1, 50, 60, 1], [1, 1, 1, 1]])


def test_a_prefix_of_20_bits_is_decoded(put):
    tables = struct.pack("<H", 1) + table(("1", 0, 3, 0), ("0" * 19 + "1", 8, 0, 0))
    bodies = {2: tables, 3: layout(n=3), 6: coded([bits("1" + "0" * 19 + "1 11111111 1")])}
    np.testing.assert_allclose(read_scp_ecg(put(bodies)).signal[0] * 1000, [3, -1, 3])


def test_overlapping_and_useless_tables_are_no_trap(put):
    many = struct.pack("<H", 1) + table(*[("1" * 16, 0, 1, 0)] * 2000, ("1", 0, 2, 0))
    bodies = {2: many, 3: layout(n=3), 6: coded([bits("111")])}
    np.testing.assert_allclose(read_scp_ecg(put(bodies)).signal[0] * 1000, [2, 2, 2])
    loop = struct.pack("<H", 1) + table(("0", 0, 1, 1), ("1", 0, 1, 1))
    with pytest.raises(FormatError, match="no sample"):
        read_scp_ecg(put({2: loop, 3: layout(n=3), 6: coded([bytes(5000)])}))


def test_leads_that_begin_later_are_nan_before(put):
    leads = b"\x02\x10" + struct.pack("<IIB", 1, 4, 1) + struct.pack("<IIB", 3, 4, 2)
    record = read_scp_ecg(put({3: leads, 6: coded([raw([1, 2, 3, 4]), raw([5, 6])])}))
    np.testing.assert_allclose(record.signal * 1000, [[1, 2, 3, 4], [np.nan, np.nan, 5, 6]])


def test_leads_that_claim_to_be_years_apart_are_put_together(put):
    leads = b"\x02\x10" + struct.pack("<IIB", 1, 4, 1) + struct.pack("<IIB", 4_000_000_000, 0, 2)
    record = read_scp_ecg(put({3: leads, 6: coded([raw([1, 2, 3, 4]), raw([5, 6])])}))
    assert record.signal.shape == (2, 4)
    assert "leads-apart" in {remark.code for remark in record.remarks}


def test_eight_leads_become_twelve(put):
    values = np.arange(8)[:, None] * [10, -20, 30]
    record = read_scp_ecg(put({3: layout(EIGHT, n=3), 6: coded([raw(row) for row in values])}))
    one, two = values[0], values[1]
    assert record.leads == STANDARD_12
    expected = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    np.testing.assert_allclose(record.signal[:6] * 1000, expected, atol=1e-6)
    np.testing.assert_allclose(record.signal[6:] * 1000, values[2:])


def with_reference(residual, beat, zones, *, fiducial=2, residual_step=1000, beat_step=1000, **how):
    """A file of one lead with a reference beat that was subtracted."""
    n = len(residual)
    qrs = b"".join(struct.pack("<HIII", *zone) for zone in zones)
    return {
        3: layout(n=n, flags=5),
        4: struct.pack("<HHH", 2 * len(beat), fiducial, len(zones)) + qrs,
        5: coded([raw(beat)], step=beat_step),
        6: coded([raw(residual)], step=residual_step, **how),
    }


def test_a_subtracted_beat_is_added_where_its_fiducial_point_says(put):
    # Sample 5 is the fiducial point, which is sample 2 of the beat: it begins at sample 4.
    bodies = with_reference([1] * 8, [10, 20, 30], [(0, 4, 5, 6), (3, 1, 1, 2)])
    record = read_scp_ecg(put(bodies))
    np.testing.assert_allclose(record.signal[0] * 1000, [1, 1, 1, 11, 21, 31, 1, 1])
    assert record.carried.annotations.sample.tolist() == [0, 4]
    assert record.carried.annotations.symbol == ("Q", "N")
    assert record.carried.median.r_peak == 1


def test_a_coarser_residual_is_smoothed_outside_the_beats(put):
    residual = [0, 3, 0, 0, 0, 0, 0, 0, -2, 0]
    bodies = with_reference(residual, [8], [(0, 5, 5, 5)], fiducial=1, residual_step=2000)
    record = read_scp_ecg(put(bodies))
    # Sums of 6 by three samples make 2, of -4 make -2 (away from zero).
    expected = [0, 2, 2, 0, 8, 0, 0, -2, -2, 0]
    np.testing.assert_allclose(record.signal[0] * 1000, expected)


def test_a_residual_without_its_beat_is_refused(put):
    bodies = with_reference([1] * 8, [10, 20, 30], [(0, 4, 5, 6)])
    del bodies[5]
    with pytest.raises(FormatError, match="reference beat"):
        read_scp_ecg(put(bodies))


def test_stretches_that_were_decimated_are_interpolated(put):
    # 32 samples at 500 Hz; 13 to 20 are protected, the others are means of four.
    ramp = np.arange(32.0)
    means = ramp.reshape(8, 4).mean(axis=1) + 0.5
    stored = np.concatenate([means[:3], ramp[12:20], means[5:]])
    zone = struct.pack("<HIII", 1, 0, 16, 0) + struct.pack("<II", 13, 20)
    bodies = {
        3: layout(n=32),
        4: struct.pack("<HHH", 2, 1, 1) + zone,
        5: coded([raw([0])]),
        6: coded([raw(stored)], interval=8000, bimodal=1),
    }
    record = read_scp_ecg(put(bodies))
    assert (record.fs, record.n_samples) == (500, 32)
    got = record.signal[0] * 1000
    np.testing.assert_allclose(got[12:20], ramp[12:20], atol=1e-4)
    np.testing.assert_allclose(got[3:10], ramp[3:10], atol=1.01)
    np.testing.assert_allclose(got[23:30], ramp[23:30], atol=1.01)


def section_7(*, blocks=1, spikes=b"", tail=b""):
    one = struct.pack("<5H3h", 40, 140, 200, 300, 600, 45, -60, 999)
    n_spikes = len(spikes) // 10
    return bytes([blocks, n_spikes]) + struct.pack("<HH", 850, 29999) + one * blocks + spikes + tail


def test_global_measurements_are_carried(put):
    spikes = struct.pack("<Hh", 6, -150) + struct.pack("<BBHH", 1, 0, 0, 500)
    tail = struct.pack("<HBHHHBH", 1, 0, 71, 0, 430, 1, 0)
    bodies = {3: layout(n=4), 6: coded([raw([0] * 4)]), 7: section_7(spikes=spikes, tail=tail)}
    carried = read_scp_ecg(put(bodies)).carried
    assert carried.measurements == {
        "rr_ms": 850, "p_ms": 100, "pr_ms": 160, "qrs_ms": 100, "qt_ms": 400, "p_axis_deg": 45,
        "qrs_axis_deg": -60, "heart_rate_bpm": 71, "qtc_bazett_ms": 430,
    }  # fmt: skip
    assert carried.annotations.symbol == ("^",)
    assert carried.annotations.sample.tolist() == [3]


def test_boundaries_of_every_beat_are_fiducials(put):
    beats = b"".join(struct.pack("<HIII", 0, 0, at, 0) for at in (100, 400))
    bodies = {
        3: layout(n=1000),
        4: struct.pack("<HHH", 0, 0, 2) + beats,
        6: coded([raw([0] * 1000)]),
        7: section_7(blocks=3),
    }
    fiducials = read_scp_ecg(put(bodies)).carried.fiducials
    assert fiducials.r_peak.tolist() == [99, 399]
    assert fiducials.qrs_onset.tolist() == [100, 100]


def statements(*texts):
    entries = b"".join(struct.pack("<BH", k, len(t)) + t for k, t in enumerate(texts, 1))
    return b"\1" + struct.pack("<HBB", 2020, 2, 29) + bytes([8, 30, 0, len(texts)]) + entries


def test_statements_in_words_and_codes_are_carried(put):
    bodies = {
        3: layout(n=4),
        6: coded([raw([0] * 4)]),
        8: statements(b"Sinus rhythm\0", b"\0", b"Abnormal\0"),
        11: statements(b"\1SR\0IMI_PR\0", b"\2Sinus rhythm\0"),
    }
    carried = read_scp_ecg(put(bodies)).carried
    told = [(s.scheme, s.code) for s in carried.statements]
    assert told == [
        ("text", "Sinus rhythm"), ("text", "Abnormal"), ("scp-ecg", "SR"), ("scp-ecg", "IMI_PR")
    ]  # fmt: skip
    assert carried.header["interpretation_status"] == "confirmed"
    assert carried.header["interpretation_date"] == "2020-02-29"


def tags(*entries):
    return b"".join(struct.pack("<BH", tag, len(value)) + value for tag, value in entries) + b"\xff"


def device(language=0, maker=17):
    return (
        struct.pack("<HHHBB", 3, 0, 9, 0, maker) + b"AT-10\0" + bytes([13, 0xD0, language, 0, 1])
        + bytes(16) + b"\4" + b"1.2\0" + b"SN 7\0" + b"3.4\0" + b"x\0" + b"\0"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("language", "codec", "name"),
    [
        (0, "latin-1", "Müller"), (0, "utf-8", "Müller"), (1, "latin-1", "Müller"),
        (3, "iso8859-2", "Dvořák"), (0xC0, "iso8859-2", "Dvořák"), (0x13, "iso8859-5", "Жуков"),
        (0x23, "iso8859-7", "Ωμέγα"), (7, "utf-16-le", "心電"), (0x27, "gb2312", "心电"),
    ],
)  # fmt: skip
def test_texts_are_decoded_as_the_device_says(put, language, codec, name):
    end = "\0".encode(codec)
    entries = [(0, name.encode(codec) + end), (14, device(language)), (8, b"\2")]
    bodies = {1: tags(*entries), 3: layout(n=2), 6: coded([raw([0, 1])])}
    record = read_scp_ecg(put(bodies))
    assert (record.patient.name, record.patient.sex) == (name, "female")


def test_header_entries_have_the_names_that_formats_share(put):
    entries = [
        (0, b"Doe\0"), (1, b"Jane\0"), (4, struct.pack("<HB", 18, 2)), (14, device()),
        (10, b"\0\1\2aspirin\0"), (10, b"\0\1\2digoxin\0"), (13, b"chest pain\0"),
        (16, b"City Hospital\0"), (18, b"ICU\0"), (20, b"Dr A\0"), (21, b"Dr B\0"), (22, b"T\0"),
        (23, b"12\0"), (25, struct.pack("<HBB", 2024, 2, 30)), (26, bytes([1, 2, 3])),
        (27, struct.pack("<H", 5)), (28, struct.pack("<H", 150)), (29, b"\2"), (30, b"note\0"),
        (31, b"A-1\0"), (6, struct.pack("<HB", 180, 1)), (35, b"infarct 2019\0"),
    ]  # fmt: skip
    record = read_scp_ecg(put({1: tags(*entries), 3: layout(n=2), 6: coded([raw([0, 1])])}))
    assert record.start_time is None  # there is no 30 February
    assert record.patient.name == "Jane Doe"
    assert record.patient.age_years == 1.5
    assert record.carried.header == {
        "medication": "aspirin; digoxin", "indication": "chest pain", "comment": "note",
        "institution": "City Hospital", "department": "ICU", "referring_physician": "Dr A",
        "confirmed_by": "Dr B", "technician": "T", "room": "12", "acquisition_id": "A-1",
        "device_model": "AT-10", "institution_number": "3", "device_id": "9", "mains_hz": "50",
        "analysis_version": "1.2", "device_serial": "SN 7", "software_version": "3.4",
        "scp_software": "x", "manufacturer": "Schiller", "height_cm": "180",
        "history": "infarct 2019", "filter_highpass_hz": "0.05", "filter_lowpass_hz": "150",
        "filter_notch_hz": "50",
    }  # fmt: skip


def test_a_time_zone_is_kept(put):
    entries = [
        (25, struct.pack("<HBB", 2024, 2, 29)),
        (26, bytes([1, 2, 3])),
        (34, b"\x3c\0\0\0\0"),
    ]
    record = read_scp_ecg(put({1: tags(*entries), 3: layout(n=2), 6: coded([raw([0, 1])])}))
    assert record.start_time.isoformat() == "2024-02-29T01:02:03+01:00"


@pytest.mark.parametrize(
    ("bodies", "error", "words"),
    [
        ({6: coded([raw([0])])}, FormatError, "section 3"),
        ({3: layout()}, FormatError, "section 6"),
        ({3: layout(), 12: bytes(40)}, FormatError, "section 12"),
        ({3: bytes(2), 6: coded([])}, LeadError, "no lead"),
        ({3: layout(), 6: coded([raw([0])], interval=0)}, SamplingRateError, "interval of 0"),
        ({3: layout(), 6: coded([raw([0])], step=0)}, FormatError, "0 nanovolts"),
        ({3: layout(), 6: coded([raw([0])], order=3)}, FormatError, "order 3"),
        ({3: layout((1, 2)), 6: coded([b""])[:7]}, FormatError, "too few"),
        ({3: layout(), 6: coded([b""])}, FormatError, "no sample"),
        (
            {2: b"\1\0\1\0\0\1\1\0\0\0\0\0\0", 3: layout(), 6: coded([b"\0"])},
            FormatError,
            "Huffman",
        ),
    ],
)
def test_files_that_lack_what_is_needed_are_refused(put, bodies, error, words):
    with pytest.raises(error, match=words):
        read_scp_ecg(put(bodies))


def test_pointers_that_count_from_0_are_followed(put):
    content = bytearray(scp({3: layout(n=2), 6: coded([raw([3, 4])])}))
    for at in range(32, 142, 10):
        position = int.from_bytes(content[at + 6 : at + 10], "little")
        content[at + 6 : at + 10] = max(0, position - 1).to_bytes(4, "little")
    content[6:8] = crc(content[8:142]).to_bytes(2, "little")
    content[:2] = crc(content[2:]).to_bytes(2, "little")
    np.testing.assert_allclose(read_scp_ecg(put(bytes(content))).signal * 1000, [[3, 4]])


def test_bytes_after_the_file_are_ignored(put):
    content = scp({3: layout(n=2), 6: coded([raw([3, 4])])})
    assert read_scp_ecg(put(content + b"padding")).n_samples == 2
