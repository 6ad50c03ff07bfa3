# SPDX-License-Identifier: Apache-2.0
"""Writing WFDB records: what comes back, in precordia and in wfdb, and what is refused."""

from __future__ import annotations

import os
from datetime import datetime

import numpy as np
import pytest
import wfdb

from precordia.core.errors import OptionError, OutputError
from precordia.core.record import Annotations, Carried, Companion, Patient, Record
from precordia.core.statements import Statement
from precordia.io.read import read
from precordia.io.wfdb import read_wfdb
from precordia.io.wfdb_samples import FORMATS
from precordia.io.wfdb_write import write_wfdb
from precordia.io.write import write


def _record(n_leads=3, n_samples=500, *, missing=True, seed=0):
    rng = np.random.default_rng(seed)
    signal = np.cumsum(rng.normal(size=(n_leads, n_samples)) * 0.05, axis=1)
    if missing:
        signal[0, n_samples // 2] = np.nan
    return Record(signal=signal, fs=360.5, leads=tuple(f"L{k}" for k in range(n_leads)))


def _gains(file):
    lines = [x for x in file.read_text().splitlines()[1:] if not x.startswith("#")]
    return np.array([float(line.split()[2].split("(")[0]) for line in lines])


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("n_samples", [1, 2, 5, 499])
@pytest.mark.parametrize("n_leads", [1, 3, 10])
def test_values_come_back_within_half_a_step(tmp_path, fmt, n_samples, n_leads):
    record = _record(n_leads, n_samples, missing=fmt != 8 and n_samples > 2)
    file = write_wfdb(record, tmp_path / "a.hea", fmt=str(fmt))
    found = read_wfdb(file)
    steps = _gains(file)[:, None]
    rounding = np.abs(record.signal) * 2.0**-23  # both signals are float32
    error = np.abs(found.signal.astype(float) - record.signal)
    np.testing.assert_array_equal(np.isnan(found.signal), np.isnan(record.signal))
    assert np.nanmax((error - rounding) * steps, initial=0) <= 0.5 + 1e-9
    other = wfdb.rdrecord(str(file)[:-4])
    np.testing.assert_allclose(other.p_signal.T, found.signal, rtol=3e-7, atol=1e-9)
    assert other.fs == 360.5


@pytest.mark.parametrize("fmt", [f for f in FORMATS if f != 8])
def test_checksums_and_first_values_are_those_of_wfdb(tmp_path, fmt):
    file = write_wfdb(_record(2, 50, missing=False), tmp_path / "a.hea", fmt=fmt)
    other = wfdb.rdrecord(str(file)[:-4], physical=False)
    stored = [value % 65536 for value in other.checksum]
    assert [value % 65536 for value in other.calc_checksum()] == stored
    assert other.init_value == other.d_signal[0].tolist()


def test_a_public_record_comes_back_without_any_loss(tmp_path, shared_data):
    for file in (
        shared_data / "ptbxl" / "records500" / "00000" / "00001_hr.hea",
        shared_data / "formats" / "wfdb-checkpkg" / "data" / "100s.hea",
    ):
        record = read_wfdb(file)
        for fmt in ("16", "24", "32", "61", "160", "516", "524"):
            copy = write_wfdb(record, tmp_path / f"copy{fmt}.hea", fmt=fmt, overwrite=True)
            np.testing.assert_array_equal(read_wfdb(copy).signal, record.signal)


def test_everything_else_comes_back_too(tmp_path):
    record = Record(
        signal=np.arange(8.0).reshape(2, 4), fs=500, leads=("I", "V2"),
        patient=Patient(age_years=63.0, sex="female", patient_id="4711", name="Jane Doe"),
        start_time=datetime(2020, 6, 4, 15, 11, 55, 250_000), origin="synthetic",
        carried=Carried(
            statements=(Statement(code="426783006", scheme="snomed-ct"), Statement(code="LVH")),
            annotations=Annotations(sample=np.array([1, 3]), symbol=("N", "V")),
        ),
        companions=(Companion(name="ABP", signal=np.array([80.0, np.nan]), fs=250, unit="mmHg"),
                    Companion(name="PLETH", signal=np.arange(8.0), fs=1000)),
    )  # fmt: skip
    file = write_wfdb(record, tmp_path / "a", annotations="atr")
    found = read_wfdb(file, annotations="atr")
    np.testing.assert_array_equal(found.signal, record.signal)
    assert (found.fs, found.leads, found.origin) == (500, ("I", "V2"), "synthetic")
    assert (found.patient.age_years, found.patient.sex) == (63, "female")
    assert found.start_time == record.start_time
    assert [s.code for s in found.carried.statements] == ["426783006", "LVH"]
    assert found.carried.annotations.sample.tolist() == [1, 3]
    assert [(c.name, c.fs) for c in found.companions] == [("ABP", 250), ("PLETH", 1000)]
    for old, new in zip(record.companions, found.companions, strict=True):
        np.testing.assert_allclose(new.signal, old.signal, atol=1e-3)
    assert b"4711" not in file.read_bytes()
    assert b"Jane" not in file.read_bytes()


def test_a_companion_without_a_common_frame_is_refused_and_can_be_left_out(tmp_path):
    record = Record(
        signal=np.zeros((1, 5)), fs=500, leads=("I",),
        companions=(Companion(name="ABP", signal=np.zeros(3), fs=333.3, unit="mmHg"),),
    )  # fmt: skip
    with pytest.raises(OutputError, match="companions=False"):
        write_wfdb(record, tmp_path / "a")
    assert list(tmp_path.iterdir()) == []
    assert read_wfdb(write_wfdb(record, tmp_path / "a", companions=False)).companions == ()


def test_nothing_is_overwritten_unasked_and_nothing_is_left_behind(tmp_path, monkeypatch):
    write_wfdb(_record(), tmp_path / "a.hea")
    before = {f.name: f.read_bytes() for f in tmp_path.iterdir()}
    assert sorted(before) == ["a.dat", "a.hea"]
    with pytest.raises(OutputError, match="overwrite=True"):
        write_wfdb(_record(seed=1), tmp_path / "a.hea")
    assert {f.name: f.read_bytes() for f in tmp_path.iterdir()} == before
    write_wfdb(_record(seed=1), tmp_path / "a.hea", overwrite=True)
    assert {f.name for f in tmp_path.iterdir()} == set(before)

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OutputError, match="No space left"):
        write_wfdb(_record(), tmp_path / "b.hea")
    assert {f.name for f in tmp_path.iterdir()} == set(before)


def test_what_cannot_be_written_is_refused_with_a_sentence(tmp_path):
    good = _record(missing=False)
    with pytest.raises(OptionError, match="choose one of 8, 16"):
        write_wfdb(good, tmp_path / "a", fmt="17")
    with pytest.raises(OptionError, match="gain"):
        write_wfdb(good, tmp_path / "a", gain=0.0)
    with pytest.raises(OutputError, match="does not fit"):
        write_wfdb(good, tmp_path / "a", gain=1e6, fmt=212)
    with pytest.raises(OutputError, match="no name of a WFDB record"):
        write_wfdb(good, tmp_path / "a b.hea")
    with pytest.raises(OutputError, match="missing samples and format 8"):
        write_wfdb(_record(), tmp_path / "a", fmt=8)
    with pytest.raises(OutputError, match="folder"):
        write_wfdb(good, tmp_path / "none" / "a.hea")
    with pytest.raises(OutputError, match="no samples"):
        write_wfdb(Record(signal=np.zeros((1, 0)), fs=1, leads=("I",)), tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [0.0, 0.3, -25.0, 1e6])
@pytest.mark.parametrize("fmt", ["16", "80", "212", "8", "524"])
def test_constants_come_back(tmp_path, value, fmt):
    record = Record(signal=np.full((1, 20), value), fs=100, leads=("I",))
    file = write_wfdb(record, tmp_path / "a", fmt=fmt)
    assert np.abs(read_wfdb(file).signal - value).max() <= 0.5 / _gains(file)[0] + 1e-6 * abs(value)


def test_a_signal_of_nothing_but_gaps_comes_back(tmp_path):
    record = Record(signal=np.full((2, 9), np.nan), fs=100, leads=("I", "II"))
    assert np.isnan(read_wfdb(write_wfdb(record, tmp_path / "a", fmt="212")).signal).all()


@pytest.mark.parametrize("suffix", [".hea", ".edf"])
def test_statements_come_back_in_order_with_scheme_and_name(tmp_path, suffix):
    said = (
        Statement(code="SB", scheme="philips", name="SINUS BRADYCARDIA: V-rate<60"),
        Statement(code="MDC_ECG_RHY_SINUS_RHY", scheme="mdc", name="Sinus Rhythm"),
        Statement(code="otherwise normal"),
        Statement(code="ABNORMAL ECG"),
    )
    record = Record(
        signal=np.ones((1, 500)), fs=500, leads=("II",), carried=Carried(statements=said)
    )
    back = read(write(record, tmp_path / f"a{suffix}")).carried.statements
    if suffix == ".hea":  # texts and codes stand in lines of their own there
        back = sorted(back, key=lambda s: s.scheme == "text")
    assert tuple(back) == said
