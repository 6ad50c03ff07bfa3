# SPDX-License-Identifier: Apache-2.0
"""AliveCor ATC recordings, built here block by block as the maker's text says."""

from __future__ import annotations

import struct
import zlib
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from precordia.core.errors import FormatError, LeadError, SamplingRateError, UnitError
from precordia.core.leads import LIMB
from precordia.io.read import read

RNG = np.random.default_rng(4)
WAVE = RNG.integers(-3000, 3000, (12, 9000))


def block(label: str, data: bytes, *, crc=False, damage=0) -> bytes:
    body = label.encode().ljust(4) + struct.pack("<I", len(data)) + data
    total = zlib.crc32(body) if crc else sum(body) & 0xFFFFFFFF
    return body + struct.pack("<I", (total + damage) & 0xFFFFFFFF)


def info(moment="2010-12-08T15:54:23.245+10:00") -> bytes:
    texts = ((moment, 32), ("58E0A7D7", 40), ("phone-7", 44), ("iPhone 4", 32),
             ("AliveECG 1.6.7", 32), ("kardia_mobile", 32), ("SN=AC6L,BAT=55", 52))  # fmt: skip
    return block("info", b"".join(text.encode().ljust(n, b"\0") for text, n in texts))


def fmt(fs=300, step=500, flags=46, kind=1) -> bytes:
    return block("fmt ", struct.pack("<BHHBH", kind, fs, step, flags, 0))


def leads(n: int, kind="ecg", length=9000) -> bytes:
    return b"".join(
        block(kind + letter, WAVE[k, :length].astype("<i2").tobytes())
        for k, letter in enumerate(" 23456789abc"[:n])
    )


def file(*blocks: bytes, version=4) -> bytes:
    return b"ALIVE\0\0\0" + struct.pack("<I", version) + b"".join(blocks)


def put(tmp_path, content, name="a.atc"):
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("n", [1, 6, 12])
def test_leads_arrive_in_millivolts(tmp_path, n):
    record = read(put(tmp_path, file(info(), fmt(), leads(n))))
    assert record.leads == (*LIMB, "V1", "V2", "V3", "V4", "V5", "V6")[:n]
    assert record.fs == 300
    np.testing.assert_allclose(record.signal, WAVE[:n] * 0.0005, atol=1e-7)
    assert "truncated" not in [r.code for r in record.remarks]


def test_info_and_filters_arrive_and_the_phone_stays_anonymous(tmp_path):
    record = read(put(tmp_path, file(info(), fmt(flags=46), leads(1))))
    zone = timezone(timedelta(hours=10))
    assert record.start_time == datetime(2010, 12, 8, 15, 54, 23, 245000, zone)
    assert record.carried.header == {
        "acquisition_id": "58E0A7D7",
        "phone": "iPhone 4",
        "software_version": "AliveECG 1.6.7",
        "device_model": "kardia_mobile",
        "device_data": "SN=AC6L,BAT=55",
        "manufacturer": "AliveCor",
        "mains_hz": "60",
        "filter_notch_hz": "60",
        "filter_lowpass": "on",
    }


def test_blocks_may_come_in_any_order(tmp_path):
    first = read(put(tmp_path, file(info(), fmt(), leads(2))))
    other = read(put(tmp_path, file(leads(2), fmt(), block("new ", b"12345"), info())))
    assert np.array_equal(first.signal, other.signal)
    assert first.start_time == other.start_time


def test_average_beats_are_the_median(tmp_path):
    record = read(put(tmp_path, file(fmt(), leads(2), leads(2, "avg", 450))))
    beat = record.carried.median
    assert beat.leads == ("I", "II")
    assert beat.fs == 300
    np.testing.assert_allclose(beat.signal, WAVE[:2, :450] * 0.0005, atol=1e-7)


def test_median_beats_come_before_average_beats(tmp_path):
    content = file(fmt(), leads(2), leads(2, "avg", 450), leads(1, "med", 300))
    assert read(put(tmp_path, content)).carried.median.signal.shape == (1, 300)


def test_beats_are_annotations_at_the_rate_of_the_record(tmp_path):
    ticks = ((100, 1), (400, 2), (800, 0), (900, 6), (1200, 3))
    data = struct.pack("<I", 600) + b"".join(struct.pack("<IH", *tick) for tick in ticks)
    marks = read(put(tmp_path, file(fmt(), leads(1), block("ann ", data)))).carried.annotations
    assert marks.sample.tolist() == [50, 200, 400, 450, 600]
    assert marks.symbol == ("N", "V", "Q", "/", "A")


def test_wrong_checksum_is_refused_unless_ignored(tmp_path):
    content = bytearray(file(info(), fmt(), leads(1)))
    content[400] ^= 4
    path = put(tmp_path, bytes(content))
    with pytest.raises(FormatError, match="ignore_checksum=True"):
        read(path)
    record = read(path, ignore_checksum=True)
    assert record.n_samples == 9000
    assert "checksum" in record.source.warnings[0]


def test_checksum_as_the_published_text_has_it_is_accepted(tmp_path):
    rows = block("ecg ", WAVE[0].astype("<i2").tobytes(), crc=True)
    assert read(put(tmp_path, file(fmt(), rows))).source.warnings == ()


def test_cut_file_keeps_what_is_there(tmp_path):
    content = file(info(), fmt(), leads(2))
    record = read(put(tmp_path, content[:-2000]))
    assert record.n_samples == 9000
    assert {r.code for r in record.remarks} == {"truncated", "leads-short"}
    held = np.isfinite(record.signal[1])
    assert held[:8000].all()
    assert not held[8002:].any()
    np.testing.assert_allclose(record.signal[1, held], WAVE[1, held] * 0.0005, atol=1e-7)


def test_acceleration_is_a_companion(tmp_path):
    data = struct.pack("<I", 1_000_000)
    data += b"".join(struct.pack("<Qfff", k * 20_000, 0.1, 0.2, 0.01 * k) for k in range(50))
    record = read(put(tmp_path, file(fmt(), leads(1), block("acc ", data))))
    assert [(c.name, c.fs, c.unit) for c in record.companions] == [
        ("acceleration x", 50, "g"), ("acceleration y", 50, "g"), ("acceleration z", 50, "g"),
    ]  # fmt: skip
    np.testing.assert_allclose(record.companions[2].signal, 0.01 * np.arange(50), atol=1e-6)


def test_what_cannot_be_read_is_refused_with_a_reason(tmp_path):
    cases = (
        (file(leads(1)), FormatError, "no format block"),
        (file(fmt()), LeadError, "no lead"),
        (file(fmt(fs=0), leads(1)), SamplingRateError, "0 Hz"),
        (file(fmt(step=0), leads(1)), UnitError, "500 nV"),
        (file(fmt(kind=2), leads(1)), FormatError, "form 2"),
        (file(fmt(), leads(1), version=9), FormatError, "version 9"),
        (b"ALIVE\0\0\0\1", FormatError, "header"),
    )
    for content, error, words in cases:
        with pytest.raises(error, match=words):
            read(put(tmp_path, content))


def test_declared_length_beyond_the_file_takes_no_memory(tmp_path):
    huge = b"ecg " + struct.pack("<I", 0xFFFFFFF0) + b"\1\0" * 10
    record = read(put(tmp_path, file(fmt(), huge)))
    assert record.n_samples == 10
