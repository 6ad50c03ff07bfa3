# SPDX-License-Identifier: Apache-2.0
"""SCP-ECG files that we write, taken apart by a decoder of this file's own."""

from __future__ import annotations

import binascii
import struct
import warnings
from datetime import date, datetime, timedelta, timezone

import numpy as np
import pytest

from precordia.core.errors import OutputError
from precordia.core.leads import STANDARD_12
from precordia.core.measurements import MedianBeat
from precordia.core.record import Annotations, Carried, Companion, Patient, Record
from precordia.core.statements import Statement
from precordia.io.read import read
from precordia.io.scp_ecg_write import write_scp_ecg

IDS = {1: "I", 2: "II", 61: "III", 62: "aVR", 63: "aVL", 64: "aVF"} | {
    k + 2: f"V{k}" for k in range(1, 7)
}


def sections(content: bytes) -> dict[int, bytes]:
    """Take a file apart, checking every length and checksum on the way."""
    crc, size = struct.unpack_from("<HI", content)
    assert size == len(content)
    assert crc == binascii.crc_hqx(content[2:], 0xFFFF)
    (length,) = struct.unpack_from("<I", content, 10)
    assert content[16:22] == b"SCPECG"
    found = {}
    for at in range(22, 6 + length, 10):
        number, held, index = struct.unpack_from("<HII", content, at)
        if held == 0:
            assert index == 0
            continue
        block = content[index - 1 : index - 1 + held]
        own, repeated, told = struct.unpack_from("<HHI", block)
        assert (repeated, told) == (number, held)
        assert own == binascii.crc_hqx(block[2:], 0xFFFF)
        assert held % 2 == 0
        found[number] = block[16:]
    return found


def unpack(row: bytes, n: int) -> list[int]:
    """Decode the default table bit by bit."""
    text = "".join(f"{byte:08b}" for byte in row)
    values, at = [], 0
    while len(values) < n:
        ones = 0
        while ones < 10 and text[at + ones] == "1":
            ones += 1
        at += ones
        if ones >= 9:  # 1111111110 and 1111111111: a number of 8 or 16 bits
            at += ones == 9
            width = 8 if ones == 9 else 16
            number = int(text[at : at + width], 2)
            values.append(number - (1 << width) if number >> (width - 1) else number)
            at += width
        elif ones == 0:
            values.append(0)
            at += 1
        else:
            values.append(-ones if text[at + 1] == "1" else ones)
            at += 2
    return values


def decode(content: bytes) -> tuple[dict[str, np.ndarray], float]:
    """Return leads in millivolts and the sampling rate, as software of others finds them."""
    found = sections(content)
    layout, body = found[3], found[6]
    n_leads = layout[0]
    step, interval, order, bimodal = struct.unpack_from("<HHBB", body)
    assert bimodal == 0
    lengths = struct.unpack_from(f"<{n_leads}H", body, 6)
    at = 6 + 2 * n_leads
    leads = {}
    for k in range(n_leads):
        start, end, code = struct.unpack_from("<IIB", layout, 2 + 9 * k)
        assert start == 1
        row = body[at : at + lengths[k]]
        at += lengths[k]
        if 2 in found:
            assert struct.unpack_from("<H", found[2]) == (19999,)
            values = unpack(row, end)
        else:
            values = list(struct.unpack(f"<{end}h", row))
        if order == 2:
            for i in range(2, len(values)):
                values[i] += 2 * values[i - 1] - values[i - 2]
        assert max(map(abs, values)) <= 32768
        leads[IDS.get(code, f"#{code}-{k}")] = np.array(values) * step / 1e6
    return leads, 1e6 / interval


def walk(n=900, leads=STANDARD_12, fs=500.0, scale=0.02, **more) -> Record:
    rng = np.random.default_rng(8)
    x = rng.normal(size=(len(leads), n)).cumsum(axis=1) * scale
    return Record(signal=x, fs=fs, leads=tuple(leads), **more)


def put(record: Record, folder, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return write_scp_ecg(record, folder / "a.scp", overwrite=True, **options)


@pytest.fixture(params=[False, True], ids=["raw", "compressed"])
def compressed(request):
    return request.param


def test_others_find_the_signal_within_half_a_step(tmp_path, compressed):
    record = walk()
    content = put(record, tmp_path, compressed=compressed).read_bytes()
    leads, fs = decode(content)
    (step,) = struct.unpack_from("<H", sections(content)[6])
    assert fs == 500
    assert list(leads) == list(STANDARD_12)
    # The finest step of which the largest amplitude takes 32767, or 8191 with differences.
    finest = np.abs(record.signal).max() * 1e6 / (8191 if compressed else 32767)
    assert finest - 1 <= step <= finest + 1
    for lead, row in zip(record.leads, record.signal, strict=True):
        assert np.abs(leads[lead] - row).max() <= step / 2e6 + 1e-7


def test_we_find_what_others_find(tmp_path, compressed):
    path = put(walk(), tmp_path, compressed=compressed)
    leads, _ = decode(path.read_bytes())
    back = read(path)
    np.testing.assert_allclose(back.signal, list(leads.values()), atol=1e-6)


@pytest.mark.parametrize("step_uv", [2.5, 5.0, 4.88, 1.25, 0.183, 1.0])
def test_a_signal_of_whole_steps_comes_back_as_it_was(tmp_path, compressed, step_uv):
    counts = np.random.default_rng(1).integers(-900, 900, size=(3, 400))
    signal = (counts * step_uv / 1000).astype(np.float32)
    record = Record(signal=signal, fs=500.0, leads=("I", "V1", "V6"))
    back = read(put(record, tmp_path, compressed=compressed))
    np.testing.assert_array_equal(back.signal, signal)


def test_compressed_files_are_smaller(tmp_path):
    t = np.arange(5000) / 500
    signal = np.round(np.sin(2 * np.pi * t)[None] * np.arange(1, 13)[:, None] * 40) * 0.0025
    record = Record(signal=signal, fs=500.0, leads=STANDARD_12)
    raw = put(record, tmp_path).stat().st_size
    assert put(record, tmp_path, compressed=True).stat().st_size < raw / 3


def test_extreme_jumps_fit_16_bits(tmp_path):
    signal = np.tile([[8.0, -8.0, -8.0, 8.0, 8.0]], 40) * 0.999
    path = put(Record(signal=signal, fs=500.0, leads=("II",)), tmp_path, compressed=True)
    leads, _ = decode(path.read_bytes())
    np.testing.assert_allclose(leads["II"], signal[0], atol=1e-3)


def test_large_amplitudes_take_coarser_steps_until_there_is_none(tmp_path):
    signal = np.array([[900.0, -2000.0, 0.3]])
    back = read(put(Record(signal=signal, fs=500.0, leads=("II",)), tmp_path))
    np.testing.assert_allclose(back.signal, signal, atol=0.04)
    with pytest.raises(OutputError, match="SCP-ECG holds up to 2147 mV"):
        put(Record(signal=signal * 2, fs=500.0, leads=("II",)), tmp_path)


def test_missing_samples_are_ours_alone_and_that_is_said(tmp_path, compressed):
    signal = np.array(walk(leads=("I", "II")).signal)
    signal[0, 30:50] = np.nan
    signal[1] = np.nan
    record = Record(signal=signal, fs=500.0, leads=("I", "II"))
    with pytest.warns(UserWarning, match="missing samples"):
        path = write_scp_ecg(record, tmp_path / "a.scp", compressed=compressed)
    back = read(path).signal
    np.testing.assert_array_equal(np.isnan(back), np.isnan(signal))
    leads, _ = decode(path.read_bytes())
    lowest = np.nanmin(signal)
    assert (leads["II"] < lowest).all()
    assert (leads["I"][30:50] < lowest).all()


def test_a_record_of_missing_samples_alone_is_kept(tmp_path):
    record = Record(signal=np.full((1, 10), np.nan), fs=500.0, leads=("II",))
    assert np.isnan(read(put(record, tmp_path)).signal).all()


@pytest.mark.parametrize("fs", [128.0, 257.0, 360.0])
def test_a_rate_without_a_whole_interval_is_kept_and_named(tmp_path, fs):
    with pytest.warns(UserWarning, match="exact sampling rate"):
        path = write_scp_ecg(walk(fs=fs), tmp_path / "a.scp")
    assert read(path).fs == fs
    assert decode(path.read_bytes())[1] == pytest.approx(fs, rel=1e-3)


def test_leads_that_scp_does_not_know_are_kept_and_named(tmp_path):
    with pytest.warns(UserWarning, match="names of Fetal"):
        path = write_scp_ecg(walk(leads=("I", "Fetal", "V3R")), tmp_path / "a.scp")
    assert read(path).leads == ("I", "Fetal", "V3R")


def test_eight_leads_stay_eight(tmp_path):
    eight = ("I", "II", *STANDARD_12[6:])
    assert read(put(walk(leads=eight), tmp_path)).leads == eight


def test_a_record_that_scp_holds_whole_is_written_without_a_word(tmp_path, compressed):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_scp_ecg(walk(), tmp_path / "a.scp", compressed=compressed)


def test_too_many_samples_are_refused_with_advice(tmp_path):
    record = Record(signal=np.full((1, 40_000), 0.001), fs=500.0, leads=("II",))
    with pytest.raises(OutputError, match="compressed=True"):
        put(record, tmp_path)
    assert read(put(record, tmp_path, compressed=True)).n_samples == 40_000
    assert read(put(walk(n=32_767, leads=("II",)), tmp_path)).n_samples == 32_767


@pytest.mark.parametrize("fs", [2e6, 10.0])
def test_rates_that_scp_cannot_say_are_refused(tmp_path, fs):
    with pytest.raises(OutputError, match="microseconds"):
        put(walk(fs=fs), tmp_path)


def test_nothing_is_overwritten_unasked(tmp_path):
    put(walk(), tmp_path)
    with pytest.raises(OutputError, match="exists"):
        write_scp_ecg(walk(), tmp_path / "a.scp")


JANE = Patient(
    patient_id="ID-77", name="Jane Maria Doe", birth_date=date(1950, 2, 3), age_years=71.0,
    sex="female",
)  # fmt: skip


def test_names_are_written_only_when_told_to(tmp_path):
    start = datetime(2021, 5, 6, 7, 8, 9)
    record = walk(patient=JANE, start_time=start)
    path = put(record, tmp_path)
    content = path.read_bytes()
    assert not any(text in content for text in (b"Doe", b"Jane", b"ID-77", b"\x9e\x07\x02\x03"))
    assert read(path).patient == Patient(age_years=71.0, sex="female")
    assert read(path).start_time == start
    assert read(put(record, tmp_path, identifiers=True)).patient == JANE


@pytest.mark.parametrize("age", [71.0, 1.5, 3 / 365.2425, 0.5])
def test_ages_are_kept(tmp_path, age):
    record = walk(patient=Patient(age_years=age))
    assert read(put(record, tmp_path)).patient.age_years == pytest.approx(age, abs=1e-6)


def test_fractions_of_seconds_and_time_zones_are_kept(tmp_path):
    zone = timezone(timedelta(hours=-3, minutes=-30))
    start = datetime(2021, 5, 6, 7, 8, 9, 123456, tzinfo=zone)
    assert read(put(walk(start_time=start), tmp_path)).start_time == start


@pytest.mark.parametrize("name", ["Ana Müller", "Иван Жуков", "心電 図"])
def test_names_of_any_script_are_kept(tmp_path, name):
    record = walk(patient=Patient(name=name))
    assert read(put(record, tmp_path, identifiers=True)).patient.name == name


def test_statements_are_kept_in_order_and_scheme(tmp_path):
    told = (
        Statement(code="Sinus rhythm"),
        Statement(code="164889003", scheme="snomed-ct", name="atrial fibrillation"),
        Statement(code="IMI", scheme="scp-ecg", name="inferior infarction"),
        Statement(code="LVH", scheme="scp-ecg"),
    )
    path = put(walk(carried=Carried(statements=told)), tmp_path)
    assert read(path).carried.statements == told
    found = sections(path.read_bytes())
    assert found[8][8] == 4
    assert b"Sinus rhythm\0" in found[8]
    assert b"\1IMI\0" in found[11]


def test_measurements_are_kept_and_others_find_them(tmp_path):
    measured = {
        "heart_rate_bpm": 71.0, "rr_ms": 845.0, "p_ms": 104.0, "pr_ms": 162.0, "qrs_ms": 92.0,
        "qt_ms": 398.0, "qtc_bazett_ms": 433.0, "qtc_fridericia_ms": 421.25, "qrs_axis_deg": -30.0,
        "p_axis_deg": 0.0, "v1_r_mv": 0.25,
    }  # fmt: skip
    path = put(walk(carried=Carried(measurements=measured)), tmp_path)
    assert read(path).carried.measurements == measured
    body = sections(path.read_bytes())[7]
    assert body[:2] == b"\1\0"
    assert struct.unpack_from("<HH", body, 2) == (845, 29999)
    p_on, p_off, qrs_on, qrs_off, t_off, *axes = struct.unpack_from("<5H3h", body, 6)
    assert (p_off - p_on, qrs_on - p_on, qrs_off - qrs_on, t_off - qrs_on) == (104, 162, 92, 398)
    assert axes == [0, -30, 999]
    assert struct.unpack_from("<HHHHB", body, 22) == (0, 71, 29999, 433, 1)


def test_the_median_beat_is_kept_with_its_marks(tmp_path, compressed):
    rng = np.random.default_rng(3)
    beat = rng.integers(-300, 300, size=(12, 600)) * 0.005
    median = MedianBeat(
        signal=beat, fs=500.0, leads=STANDARD_12[::-1], p_onset=50, p_offset=101, qrs_onset=130,
        r_peak=152, qrs_offset=181, t_offset=350,
    )  # fmt: skip
    record = walk(carried=Carried(median=median))
    back = read(put(record, tmp_path, compressed=compressed)).carried.median
    assert back.leads == STANDARD_12
    np.testing.assert_allclose(back.signal, beat[::-1], atol=1e-6)
    for mark in ("p_onset", "p_offset", "qrs_onset", "r_peak", "qrs_offset", "t_offset"):
        assert getattr(back, mark) == getattr(median, mark)


def test_what_has_no_place_is_named(tmp_path):
    carried = Carried(
        annotations=Annotations(sample=np.array([4]), symbol=("N",)),
        median=MedianBeat(signal=np.zeros((1, 9)), fs=500.0, leads=("II",)),
        statements=(Statement(code="NORM", scheme="scp-ecg", likelihood=80.0),),
    )
    pressure = Companion(name="ABP", signal=np.zeros(10), fs=100.0)
    record = walk(carried=carried, companions=(pressure,), origin="synthetic")
    with pytest.warns(UserWarning, match=r"median beat.*synthetic.*'ABP'.*annotations.*likeli"):
        path = write_scp_ecg(record, tmp_path / "a.scp")
    assert read(path).origin == "synthetic"


def test_device_and_filters_are_kept(tmp_path):
    header = {
        "manufacturer": "Acme", "device_model": "AT10", "software_version": "3.4",
        "filter_highpass_hz": "0.05", "filter_lowpass_hz": "150", "filter_notch_hz": "50",
        "technician": "somebody",
    }  # fmt: skip
    path = put(walk(carried=Carried(header=header)), tmp_path)
    back = read(path).carried.header
    assert {name: back[name] for name in header if name != "technician"} == {
        name: text for name, text in header.items() if name != "technician"
    }
    assert b"somebody" not in path.read_bytes()


def test_a_file_of_others_that_is_written_again_says_the_same(shared_data, tmp_path, compressed):
    first = read(shared_data / "formats/scp-scpinfo/example/example.scp")
    back = read(put(first, tmp_path, compressed=compressed, identifiers=True))
    np.testing.assert_array_equal(back.signal, first.signal)
    assert (back.leads, back.start_time, back.patient) == (
        first.leads, first.start_time, first.patient,
    )  # fmt: skip
    assert back.carried.measurements == first.carried.measurements
    np.testing.assert_array_equal(back.carried.median.signal, first.carried.median.signal)


def test_ecgdatakit_reads_what_we_write(tmp_path, compressed):
    peer = pytest.importorskip("ecgdatakit")
    said = Carried(statements=(Statement(code="Sinus rhythm"),), measurements={"rr_ms": 800.0})
    record = walk(carried=said, patient=JANE, start_time=datetime(2021, 5, 6, 7, 8, 9))
    path = put(record, tmp_path, compressed=compressed, identifiers=True)
    theirs = peer.FileParser.parse(path)
    ours = read(path)
    assert [lead.label for lead in theirs.leads] == list(STANDARD_12)
    for lead, row in zip(theirs.leads, ours.signal, strict=True):
        assert lead.units == "mV"
        np.testing.assert_allclose(lead.samples, row, atol=1e-6)
    assert theirs.patient.last_name == "Doe"
    assert theirs.measurements.rr_interval == 800
