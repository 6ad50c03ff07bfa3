# SPDX-License-Identifier: Apache-2.0
"""Native files of the Contec ECG90A, against its own export to CSV."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest

from precordia.core.errors import FormatError
from precordia.core.leads import STANDARD_12
from precordia.io.formats import sniff
from precordia.io.read import read
from precordia.io.recognise import is_contec

REAL = "formats/contec-scp/tools/0000050.ECG"
OTHER = "formats/contec-scp/examples/0000037.ECG"


def build(samples, *, case=b"0000007", day=b"2021-02-03 04:05:06", name=b"Ada", sex=0, age=36,
          weight=61, footer=bytes(37)) -> bytes:  # fmt: skip
    header = case.ljust(10, b"\0") + day.ljust(22, b"\0") + name.ljust(8, b"\0")
    header += bytes([sex, age, weight])
    return header + np.asarray(samples, "<u2").tobytes() + footer


def put(tmp_path, content, name="a.ecg"):
    path = tmp_path / name
    path.write_bytes(content)
    return path


def test_stored_leads_equal_the_export_exactly(shared_data):
    record = read(shared_data / REAL)
    table = np.genfromtxt(shared_data / (REAL + ".csv"), delimiter=",").T
    assert record.leads == STANDARD_12
    assert (record.fs, record.n_samples) == (800, 37855)
    counts = record.signal.astype(float) / 0.005
    assert (np.rint(counts[:3]) == table[:3]).all()
    # The export cuts halves off.
    assert np.abs(counts[3:6] - table[3:6]).max() < 0.501
    assert np.isnan(record.signal[6:]).all()
    assert record.start_time == datetime(2020, 11, 16, 21, 44, 39)


def test_derived_leads_obey_the_identities(shared_data):
    one, two, three, right, left, foot = read(shared_data / REAL).signal[:6].astype(float)
    for residual in (two - one - three, right + (one + two) / 2, left - one + two / 2,
                     foot - two + one / 2):  # fmt: skip
        assert np.abs(residual).max() < 1e-6


def test_remarks_name_what_was_derived_and_what_is_missing(shared_data):
    remarks = {r.code: r.leads for r in read(shared_data / REAL).remarks}
    assert remarks["electrodes-missing"] == ("V1", "V2", "V3", "V4", "V5", "V6")
    assert remarks["leads-derived"] == ("I", "aVR", "aVL", "aVF")


def test_patient_of_another_file_is_read(shared_data):
    record = read(shared_data / OTHER)
    assert record.n_samples == 8375
    assert (record.patient.sex, record.patient.age_years) == ("male", 54)
    assert "Nicc" not in repr(record)


def test_missing_sample_is_nan_in_the_leads_that_rest_on_it(tmp_path):
    samples = np.full((300, 8), 2048)
    samples[10, 1] = 0x6800
    samples[20, 4] = 0x6800
    record = read(put(tmp_path, build(samples)))
    assert np.isnan(record.signal[:, 10]).nonzero()[0].tolist() == [0, 2, 3, 4, 5]
    assert np.isnan(record.signal[:, 20]).nonzero()[0].tolist() == [8]
    assert not np.isnan(np.delete(record.signal, [10, 20], axis=1)).any()
    assert (record.patient.name, record.patient.sex) == ("Ada", "female")


def test_blank_patient_is_unknown(tmp_path):
    who = read(put(tmp_path, build(np.full((9, 8), 2048), name=b"", sex=255, age=0))).patient
    assert (who.name, who.sex) == (None, None)
    assert who.age_years != who.age_years


@pytest.mark.parametrize("lost", [1, 5, 21, 36, 37, 38, 53, 60])
def test_cut_file_keeps_its_whole_samples(tmp_path, lost):
    rng = np.random.default_rng(2)
    samples = rng.integers(1000, 3000, (300, 8))
    content = build(samples, footer=bytes(27) + b"\x16" + bytes(9))
    record = read(put(tmp_path, content[:-lost]))
    stored = (record.signal[[1, 2, *range(6, 12)]].T.astype(float)) / 0.005 + 2048
    n = record.n_samples
    assert 297 <= n <= 300
    np.testing.assert_allclose(stored, samples[:n], atol=1e-3)
    assert "truncated" in [r.code for r in record.remarks]


def test_unit_may_be_given(tmp_path):
    path = put(tmp_path, build(np.full((9, 8), 2148)))
    assert read(path, unit="10 uV").signal[6, 0] == pytest.approx(1.0)


def test_other_files_are_not_taken_for_this_one(shared_data):
    known = {shared_data / REAL, shared_data / OTHER}
    for path in (shared_data / "formats").rglob("*"):
        if path.is_file() and path not in known and "FORMATS" not in path.name:
            with path.open("rb") as file:
                head = file.read(4096)
            found = sniff(head)
            assert found is None or found.name != "contec", path


@pytest.mark.parametrize(
    "change",
    [
        {"case": b""},
        {"case": b"0000000000"},
        {"day": b"03.02.2021 04:05:06"},
        {"day": b""},
    ],
)
def test_file_with_another_header_is_not_taken_for_one(change):
    assert not is_contec(build(np.full((300, 8), 2048), **change))


def test_samples_of_sixteen_bits_are_not_taken_for_this_format():
    samples = np.random.default_rng(0).integers(0, 1 << 16, (300, 8))
    assert not is_contec(build(samples))


def test_impossible_samples_further_on_are_refused(tmp_path):
    samples = np.full((3000, 8), 2048)
    samples[2500:] = 40000
    with pytest.raises(FormatError, match="cannot give"):
        read(put(tmp_path, build(samples)))


def test_forced_format_refuses_what_it_is_not(tmp_path):
    with pytest.raises(FormatError, match="Contec"):
        read(put(tmp_path, b"nothing of the kind" * 100), format="contec")
