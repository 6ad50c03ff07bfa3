# SPDX-License-Identifier: Apache-2.0
"""MFER recordings, built by an encoder that was written from the description alone."""

from __future__ import annotations

import struct
from datetime import date, datetime

import numpy as np
import pytest

from precordia.core.errors import FormatError, LeadError, SamplingRateError, UnitError
from precordia.core.leads import STANDARD_12
from precordia.io.formats import sniff
from precordia.io.read import read

RNG = np.random.default_rng(7)
EIGHT = RNG.integers(-2000, 2000, (8, 1000))

TYPES = {0: "i2", 1: "u2", 2: "i4", 3: "u1", 4: "u2", 5: "i1", 6: "u4", 7: "f4", 8: "f8"}


def tlv(tag: int, value: bytes) -> bytes:
    """Tag, length (short or long form) and value."""
    n = len(value)
    if n < 128:
        return bytes([tag, n]) + value
    length = n.to_bytes(4, "big")
    return bytes([tag, 0x84]) + length + value


class Mfer:
    """Definitions in one byte order; each method returns bytes."""

    def __init__(self, big: bool = False) -> None:
        self.order = ">" if big else "<"
        self.start = b"" if big else tlv(0x01, b"\1")

    def number(self, tag: int, value: int, width: int = 2) -> bytes:
        kind = {1: "B", 2: "H", 4: "I"}[width]
        return tlv(tag, struct.pack(self.order + kind, value))

    def interval(self, unit: int, exponent: int, mantissa: int) -> bytes:
        return tlv(0x0B, struct.pack(self.order + "Bbh", unit, exponent, mantissa))

    def resolution(self, unit: int, exponent: int, mantissa: int) -> bytes:
        return tlv(0x0C, struct.pack(self.order + "Bbh", unit, exponent, mantissa))

    def lead(self, code: int, text: bytes = b"") -> bytes:
        return tlv(0x09, struct.pack(self.order + "H", code) + text)

    def channel(self, number: int, *parts: bytes) -> bytes:
        body = b"".join(parts)
        return bytes([0x3F, number, len(body)]) + body

    def samples(self, values, kind: int = 0) -> bytes:
        return np.asarray(values).astype(self.order + TYPES[kind]).tobytes()

    def event(self, code: int, start: int, text: bytes = b"", duration: int = 0) -> bytes:
        return tlv(0x41, struct.pack(self.order + "HII", code, start, duration) + text)

    def time(self, year, month, day, hour, minute, second, ms=0, us=0) -> bytes:
        packed = struct.pack(
            self.order + "HBBBBBHH", year, month, day, hour, minute, second, ms, us
        )
        return tlv(0x85, packed)

    def age(self, years, days, year, month, day) -> bytes:
        return tlv(0x83, struct.pack(self.order + "BHHBB", years, days, year, month, day))


def preamble(text: bytes = b"MFR Standard 12 leads ECG") -> bytes:
    return tlv(0x40, text)


def wave(*blocks: bytes) -> bytes:
    return tlv(0x1E, b"".join(blocks))


END = bytes([0x80, 0])


def put(tmp_path, *parts: bytes, name="a.mwf"):
    path = tmp_path / name
    path.write_bytes(b"".join(parts))
    return path


def rest_ecg(m: Mfer, *, frame=None, extra=b"", codes=range(1, 9), seq=1) -> bytes:
    """Eight leads at 500 Hz in steps of 1.25 µV, a block of 1000 samples each."""
    head = preamble() + m.start + m.number(0x08, 1) + m.interval(1, -3, 2)
    head += m.resolution(0, -8, 125) + m.number(0x04, 1000, 4) + m.number(0x05, 8, 1)
    head += m.number(0x06, seq, 2) + extra
    head += b"".join(m.channel(k, m.lead(code)) for k, code in enumerate(codes))
    return head + wave(m.samples(EIGHT) if frame is None else frame)


@pytest.mark.parametrize("big", [False, True], ids=["little", "big"])
def test_eight_leads_become_twelve_in_millivolts(tmp_path, big):
    record = read(put(tmp_path, rest_ecg(Mfer(big)), END))
    assert record.leads == STANDARD_12
    assert record.fs == 500
    stored = record.signal[[0, 1, 6, 7, 8, 9, 10, 11]]
    np.testing.assert_allclose(stored, EIGHT * 0.00125, atol=1e-6)
    one, two = EIGHT[:2] * 0.00125
    derived = [two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    np.testing.assert_allclose(record.signal[2:6], derived, atol=1e-6)
    assert "leads-derived" in [r.code for r in record.remarks]


@pytest.mark.parametrize("kind", [0, 1, 2, 3, 5, 6, 7, 8])
@pytest.mark.parametrize("big", [False, True], ids=["little", "big"])
def test_every_data_type_is_read(tmp_path, kind, big):
    m = Mfer(big)
    low, high = {3: (0, 255), 5: (-128, 127), 1: (0, 60000), 6: (0, 3_000_000)}.get(
        kind, (-30000, 30000)
    )
    values = RNG.integers(low, high, 400)
    record = read(put(
        tmp_path, preamble(), m.start, m.number(0x08, 2), m.interval(0, 0, 250),
        m.resolution(0, -6, 1), m.number(0x04, 400, 2), m.number(0x05, 1, 1),
        tlv(0x0A, bytes([kind])), m.channel(0, m.lead(2)), wave(m.samples(values, kind)),
    ))  # fmt: skip
    assert (record.leads, record.fs) == (("II",), 250)
    np.testing.assert_allclose(record.signal[0], values * 0.001, rtol=1e-6)


@pytest.mark.parametrize(
    ("unit", "exponent", "mantissa", "fs"),
    [(1, -3, 2, 500), (1, -6, 1250, 800), (1, -5, 125, 800), (0, 0, 240, 240), (0, 2, 10, 1000),
     (0, -1, 1280, 128)],
)  # fmt: skip
def test_sampling_rate_follows_from_mantissa_and_exponent(tmp_path, unit, exponent, mantissa, fs):
    m = Mfer()
    record = read(put(
        tmp_path, preamble(), m.start, m.interval(unit, exponent, mantissa),
        m.resolution(0, -6, 5), m.number(0x04, 100), m.number(0x05, 1, 1),
        m.channel(0, m.lead(1)), wave(m.samples(range(100))),
    ))  # fmt: skip
    assert record.fs == fs
    assert record.signal[0, 2] == pytest.approx(0.01)


def monitor(m: Mfer, n_seq=6, *, own_interval=True) -> bytes:
    """A second per sequence: II at 250 Hz, a pressure at 125 Hz, respiration and SpO2 slower."""
    slow = m.interval(0, 0, 125) if own_interval else b""
    head = preamble(b"MFR Monitor") + m.start + m.number(0x08, 20) + m.interval(1, -3, 4)
    head += m.resolution(0, -6, 5) + m.number(0x04, 250) + m.number(0x05, 4, 1)
    head += m.number(0x06, n_seq) + tlv(0x12, struct.pack(m.order + "h", -32768))
    head += m.channel(0, m.lead(2))
    head += m.channel(1, m.lead(0xC00A, b"ART"), m.number(0x04, 125), slow,
                      m.resolution(1, -1, 1))  # fmt: skip
    head += m.channel(2, m.lead(0xA0), m.number(0x04, 50), m.interval(0, 0, 50),
                      m.resolution(11, -3, 2))  # fmt: skip
    head += m.channel(3, m.lead(0xAF), m.number(0x04, 1), m.interval(0, 0, 1),
                      tlv(0x0A, b"\3"), m.resolution(7, 0, 1))  # fmt: skip
    rng = np.random.default_rng(1)
    blocks = []
    for _ in range(n_seq):
        ecg = rng.integers(-300, 300, 250)
        ecg[7] = -32768
        blocks += [m.samples(ecg), m.samples(rng.integers(500, 1300, 125)),
                   m.samples(rng.integers(-90, 90, 50)), m.samples([97], 3)]  # fmt: skip
    return head + wave(*blocks) + END


def monitored(n_seq=6):
    rng = np.random.default_rng(1)
    parts = [(rng.integers(-300, 300, 250), rng.integers(500, 1300, 125),
              rng.integers(-90, 90, 50)) for _ in range(n_seq)]  # fmt: skip
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


@pytest.mark.parametrize("big", [False, True], ids=["little", "big"])
def test_rates_of_many_channels_stand_side_by_side(tmp_path, big):
    record = read(put(tmp_path, monitor(Mfer(big))))
    ecg, pressure, breath = monitored()
    assert (record.leads, record.fs, record.n_samples) == (("II",), 250, 1500)
    missing = np.arange(1500) % 250 == 7
    assert np.array_equal(np.isnan(record.signal[0]), missing)
    np.testing.assert_allclose(
        record.signal[0, ~missing], ecg[~missing] * 0.005, atol=1e-6
    )  # fmt: skip
    found = {c.name: c for c in record.companions}
    assert {(c.name, c.fs, c.unit) for c in record.companions} == {
        ("ART", 125, "mmHg"), ("impedance respiration", 50, "Ohm"), ("SpO2", 1, "%"),
    }  # fmt: skip
    np.testing.assert_allclose(found["ART"].signal, pressure * 0.1, rtol=1e-5)
    np.testing.assert_allclose(found["impedance respiration"].signal, breath * 0.002, atol=1e-6)
    assert found["SpO2"].signal.tolist() == [97] * 6


def test_rate_of_a_channel_without_interval_follows_from_its_block(tmp_path):
    record = read(put(tmp_path, monitor(Mfer(), own_interval=False)))
    assert record.companions[0].fs == 125
    assert "rate-from-block" in [r.code for r in record.remarks]


def test_pressure_without_a_name_is_named_by_its_code(tmp_path):
    m = Mfer()
    content = monitor(m).replace(m.lead(0xC00A, b"ART"), m.lead(0xC00A, b"\0\0\0"))
    assert read(put(tmp_path, content)).companions[0].name == "pressure 0xa"


def test_frames_follow_one_another(tmp_path):
    m = Mfer()
    second = wave(m.samples(EIGHT[:, ::-1]))
    record = read(put(tmp_path, rest_ecg(m), second, END))
    assert record.n_samples == 2000
    np.testing.assert_allclose(record.signal[0, 1000:], EIGHT[0, ::-1] * 0.00125, atol=1e-6)
    assert record.remarks[-1].code != "gaps"


def test_pointer_that_lies_further_on_leaves_a_gap(tmp_path):
    m = Mfer()
    second = m.number(0x07, 1300, 4) + wave(m.samples(EIGHT))
    record = read(put(tmp_path, rest_ecg(m), second, END))
    assert record.n_samples == 2300
    assert np.isnan(record.signal[:, 1000:1300]).all()
    np.testing.assert_allclose(record.signal[0, 1300:], EIGHT[0] * 0.00125, atol=1e-6)
    assert "gaps" in [r.code for r in record.remarks]


@pytest.mark.parametrize("pointer", [500, 4_000_000_000])
def test_pointer_that_makes_no_sense_is_remarked_on(tmp_path, pointer):
    m = Mfer()
    second = m.number(0x07, pointer, 4) + wave(m.samples(EIGHT))
    record = read(put(tmp_path, rest_ecg(m), second, END))
    assert record.n_samples == 2000
    assert "pointers-doubtful" in [r.code for r in record.remarks]


def test_text_may_change_its_character_set_midway(tmp_path):
    m = Mfer()
    texts = (
        tlv(0x82, b"ID-1"), tlv(0x03, b"UTF-16LE"),
        tlv(0x81, "山田^ヤマダ^花子^ハナコ".encode("utf-16-le")),
        tlv(0x16, "rest µV".encode("utf-16-le")), tlv(0x03, b"ISO 8859-1"),
        tlv(0x17, "Hersteller^Gerät 7^1.02".encode("latin-1")),
    )  # fmt: skip
    record = read(put(tmp_path, rest_ecg(m, extra=b"".join(texts)), END))
    assert record.patient.name == "山田 花子"
    assert record.patient.patient_id == "ID-1"
    header = record.carried.header
    assert header["comment"] == "rest µV"
    assert (header["manufacturer"], header["device_model"]) == ("Hersteller", "Gerät 7")
    assert header["software_version"] == "1.02"


@pytest.mark.parametrize("name", [b"UTF-8", b"JIS X 0208", b"Shift_JIS", b"EUC-JP"])
def test_japanese_character_sets_are_read(tmp_path, name):
    codec = {b"JIS X 0208": "iso2022_jp"}.get(name, name.decode().lower())
    extra = tlv(0x03, name) + tlv(0x81, "山田".encode(codec))
    assert read(put(tmp_path, rest_ecg(Mfer(), extra=extra))).patient.name == "山田"


@pytest.mark.parametrize("big", [False, True], ids=["little", "big"])
def test_patient_time_and_filters_arrive(tmp_path, big):
    m = Mfer(big)
    extra = m.time(2019, 12, 31, 23, 59, 58, 250, 125) + m.age(61, 100, 1958, 9, 22)
    extra += tlv(0x84, b"\2") + tlv(0x11, b"HPF=0.05") + tlv(0x11, b"LPF=150Hz^Bessel")
    extra += m.number(0x42, 77).replace(b"\x42\2", b"\x42\x0e") + struct.pack(m.order + "I", 0)
    extra += b"72^/min "
    record = read(put(tmp_path, rest_ecg(m, extra=extra)))
    assert record.start_time == datetime(2019, 12, 31, 23, 59, 58, 250125)
    who = record.patient
    assert (who.sex, who.age_years, who.birth_date) == ("female", 61, date(1958, 9, 22))
    header = record.carried.header
    assert header["filter_highpass_hz"] == "0.05"
    assert header["filter_lowpass_hz"] == "150"
    assert header["value_77"] == "72 /min"
    assert header["waveform_type"] == "standard 12-lead ECG"


def test_events_are_notes_at_their_sample(tmp_path):
    m = Mfer()
    events = m.event(0x4101, 250, b"NIBP 120/80") + m.event(7, 100) + m.event(8, 5000)
    record = read(put(tmp_path, rest_ecg(m, extra=events)))
    marks = record.carried.annotations
    assert marks.sample.tolist() == [100, 250]
    assert marks.aux == ("event 7", "NIBP 120/80")
    assert "annotations-beyond" in [r.code for r in record.remarks]


def test_dominant_beat_is_the_median(tmp_path):
    m = Mfer()
    beat = m.number(0x08, 9) + m.number(0x04, 400, 4) + wave(m.samples(EIGHT[:, :400]))
    record = read(put(tmp_path, rest_ecg(m), beat, END))
    assert record.n_samples == 1000
    median = record.carried.median
    assert (median.leads, median.fs) == (STANDARD_12, 500)
    np.testing.assert_allclose(median.signal[6], EIGHT[2, :400] * 0.00125, atol=1e-6)


def test_lengths_of_any_form_are_understood(tmp_path):
    m = Mfer()
    group = bytes([0x67, 0x80]) + tlv(0x81, b"Ada") + bytes(2)
    channel = bytes([0x3F, 0x80 | 1, 0x03, 4]) + m.lead(2)  # channel 131, which there is not
    long = bytes([0x16, 0x82, 0, 3]) + b"yes"
    record = read(put(tmp_path, rest_ecg(m, extra=group + channel + long + bytes(3))))
    assert record.patient.name == "Ada"
    assert record.carried.header["comment"] == "yes"


def test_channel_of_unstated_length_is_understood(tmp_path):
    m = Mfer()
    content = rest_ecg(m)
    first = m.channel(0, m.lead(1))
    content = content.replace(first, bytes([0x3F, 0, 0x80]) + m.lead(1) + bytes(2))
    assert read(put(tmp_path, content)).leads == STANDARD_12


def test_cut_file_keeps_what_is_there(tmp_path):
    m = Mfer()
    whole = monitor(m)
    record = read(put(tmp_path, whole[: int(len(whole) * 0.6)]))
    ecg, pressure, _ = monitored()
    assert "truncated" in [r.code for r in record.remarks]
    n = record.n_samples
    assert 500 <= n <= 1500
    held = np.isfinite(record.signal[0])
    np.testing.assert_allclose(record.signal[0, held], ecg[:n][held] * 0.005, atol=1e-6)
    found = record.companions[0].signal
    kept = np.isfinite(found)
    np.testing.assert_allclose(found[kept], pressure[: found.size][kept] * 0.1, rtol=1e-5)


def test_short_frame_of_blocks_is_filled_with_nan(tmp_path):
    m = Mfer()
    record = read(put(tmp_path, rest_ecg(m, frame=m.samples(EIGHT).ljust(1)[:5000]), END))
    assert "truncated" in [r.code for r in record.remarks]
    np.testing.assert_allclose(record.signal[0], EIGHT[0] * 0.00125, atol=1e-6)
    assert np.isnan(record.signal[8:]).all()


def test_offset_is_added_and_named(tmp_path):
    m = Mfer()
    record = read(put(tmp_path, rest_ecg(m, extra=tlv(0x0D, struct.pack("<h", 100)))))
    np.testing.assert_allclose(record.signal[0], (EIGHT[0] + 100) * 0.00125, atol=1e-6)
    assert "offset-applied" in [r.code for r in record.remarks]


def test_absent_interval_is_the_default_of_the_standard(tmp_path):
    m = Mfer()
    content = rest_ecg(m).replace(m.interval(1, -3, 2), b"")
    record = read(put(tmp_path, content))
    assert record.fs == 1000
    assert "rate-default" in [r.code for r in record.remarks]


def test_absent_resolution_asks_for_the_unit(tmp_path):
    m = Mfer()
    path = put(tmp_path, rest_ecg(m).replace(m.resolution(0, -8, 125), b""))
    with pytest.raises(UnitError, match="unit="):
        read(path)
    np.testing.assert_allclose(read(path, unit="1.25 uV").signal[0], EIGHT[0] * 0.00125, atol=1e-6)


def test_status_word_is_a_companion_of_its_own(tmp_path):
    m = Mfer()
    record = read(put(
        tmp_path, preamble(), m.start, m.number(0x08, 2), m.interval(0, 0, 250),
        m.resolution(0, -6, 1), m.number(0x04, 50), m.number(0x05, 2, 1), m.channel(0, m.lead(2)),
        m.channel(1, m.lead(0x1040), tlv(0x0A, b"\4")),
        wave(m.samples([5] * 50), m.samples([9] * 50)),
    ))  # fmt: skip
    assert [(c.name, c.unit, c.signal[0]) for c in record.companions] == [("status", "", 9.0)]


def test_leads_without_names_are_numbered(tmp_path):
    m = Mfer()
    record = read(put(
        tmp_path, preamble(), m.start, m.interval(0, 0, 250), m.resolution(0, -6, 1),
        m.number(0x04, 50), m.number(0x05, 2, 1), wave(m.samples(range(100))),
    ))  # fmt: skip
    assert record.leads == ("lead 1", "lead 2")
    assert "leads-unnamed" in [r.code for r in record.remarks]


def test_file_without_a_preamble_is_recognised(tmp_path):
    m = Mfer()
    content = rest_ecg(m).removeprefix(preamble())
    assert sniff(content).name == "mfer"
    assert read(put(tmp_path, content, name="x.bin")).leads == STANDARD_12


def bad(m: Mfer):
    ok = (m.interval(0, 0, 250), m.resolution(0, -6, 1), m.number(0x04, 50), m.number(0x05, 1, 1),
          m.channel(0, m.lead(2)), wave(m.samples(range(50))))  # fmt: skip

    def without(k, *instead):
        return b"".join(part for part in (*ok[:k], *instead, *ok[k + 1 :]))

    return [
        (without(5), FormatError, "no waveform"),
        (without(2, m.number(0x04, 0)), FormatError, "block length"),
        (without(3, m.number(0x05, 0)), FormatError, "0 channels"),
        (without(3, m.number(0x05, 1 << 30, 4)), FormatError, "channels"),
        (without(0, m.interval(2, 0, 5)), SamplingRateError, "unit 2"),
        (without(0, m.interval(0, 0, 0)), SamplingRateError, "0 Hz"),
        (without(1, m.resolution(0, -6, 0)), UnitError, "resolution of 0"),
        (without(1, m.resolution(0, 100, 1)), UnitError, "no electrode"),
        (without(1, m.resolution(1, 0, 1)), LeadError, "no ECG lead"),
        (without(1, tlv(0x0C, b"\0")), FormatError, "resolution"),
        (without(4, tlv(0x0A, b"\x09")), FormatError, "data type 9"),
        (without(4, m.number(0x0E, 1)), FormatError, "compress"),
        (without(4, m.number(0x08, 40)), LeadError, "EEG"),
        (without(4, m.channel(0, bytes([0x3F, 1, 0]))), FormatError, "within a channel"),
        (without(4, b"\x16\x8f" + bytes(15)), FormatError, "length of 15"),
        (without(4, bytes([0x67, 0x80]) * 40), FormatError, "without end"),
        (without(4, m.channel(0, m.number(0x06, 3))), FormatError, "sequences"),
    ]  # fmt: skip


@pytest.mark.parametrize("k", range(17))
def test_what_makes_no_sense_is_refused_with_a_reason(tmp_path, k):
    m = Mfer()
    content, error, words = bad(m)[k]
    with pytest.raises(error, match=words):
        read(put(tmp_path, preamble() + m.start + content))


def test_declared_lengths_beyond_the_file_take_no_memory(tmp_path):
    m = Mfer()
    content = preamble() + m.start + m.interval(0, 0, 250) + m.resolution(0, -6, 1)
    content += m.number(0x04, 0xFFFFFFFF, 4) + m.number(0x05, 2, 1) + m.number(0x06, 0xFFFFFFFF, 4)
    content += m.channel(0, m.lead(2)) + b"\x1e\x84\xff\xff\xff\xff" + m.samples(range(60))
    record = read(put(tmp_path, content))
    assert record.n_samples == 60


def test_many_short_frames_are_joined_at_once(tmp_path):
    m = Mfer()
    content = preamble() + m.start + m.number(0x08, 2) + m.interval(0, 0, 250)
    content += m.resolution(0, -6, 5) + m.number(0x04, 250) + m.number(0x05, 1, 1)
    content += m.channel(0, m.lead(2))
    one = m.samples(RNG.integers(-300, 300, 250))
    record = read(put(tmp_path, content + wave(one) * 5000))
    assert record.n_samples == 1_250_000
