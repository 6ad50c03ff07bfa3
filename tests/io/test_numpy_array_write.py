# SPDX-License-Identifier: Apache-2.0
"""A record comes back from an archive bit for bit, and numpy opens it without pickles."""

from __future__ import annotations

import dataclasses
import json
import warnings

import numpy as np
import pytest

from precordia.core.errors import FormatError, OutputError
from precordia.core.leads import STANDARD_12
from precordia.core.measurements import MedianBeat
from precordia.core.record import Annotations, Carried, Companion, Patient, Record
from precordia.core.statements import Statement
from precordia.io.numpy_array_write import write_numpy_array
from precordia.io.read import read


def some(n=500, leads=STANDARD_12) -> Record:
    x = np.random.default_rng(3).normal(size=(len(leads), n)).astype(np.float32)
    if n > 9:
        x[0, 3:9] = np.nan
    return Record(
        signal=x, fs=257.0, leads=leads, patient=Patient(name="Doe Jane", age_years=50),
        carried=Carried(
            measurements={"qrs_ms": 90.0, "anything_else": 1.5},
            statements=(Statement(code="NORM", scheme="scp-ecg", likelihood=80.0),),
            annotations=Annotations(sample=np.array([3, 9]), symbol=("N", "V"), aux=("", "(AFIB")),
            median=MedianBeat(signal=np.ones((12, 40)), fs=500.0, leads=STANDARD_12, r_peak=20),
        ),
        companions=(Companion(name="PLETH", signal=np.arange(50, dtype=np.float32), fs=25.7,
                              unit="NU"),),
    )  # fmt: skip


@pytest.mark.parametrize("compress", [True, False])
def test_everything_comes_back_bit_for_bit(tmp_path, compress):
    record = some()
    file = write_numpy_array(record, tmp_path / "a.npz", identifiers=True, compress=compress)
    back = read(file)
    assert back.signal.tobytes() == record.signal.tobytes()
    ours, theirs = record.to_dict(), back.to_dict()
    for key in ("fs", "leads", "patient", "origin", "carried", "companions"):
        assert theirs[key] == ours[key], key


@pytest.mark.parametrize(("n", "leads"), [(1, ("II",)), (1, STANDARD_12), (2, ("I", "II"))])
def test_the_smallest_records_come_back(tmp_path, n, leads):
    record = dataclasses.replace(some(n, leads), companions=())
    assert np.array_equal(read(write_numpy_array(record, tmp_path / "a.npz")).signal, record.signal)


def test_numpy_opens_it_as_it_is(tmp_path):
    held = np.load(write_numpy_array(some(), tmp_path / "a.npz"), allow_pickle=False)
    assert held["signal"].shape == (12, 500)
    assert held["signal"].dtype == np.float32
    assert float(held["fs"]) == 257.0
    assert held["leads"].tolist() == list(STANDARD_12)
    assert str(held["unit"]) == "mV"
    assert json.loads(held["precordia"].item())["carried"]["measurements"]["qrs_ms"] == 90.0


def test_identifiers_are_written_only_when_asked(tmp_path):
    for compress in (True, False):
        write_numpy_array(some(), tmp_path / "a.npz", compress=compress, overwrite=True)
        assert read(tmp_path / "a.npz").patient.name is None
    assert b"Doe" not in (tmp_path / "a.npz").read_bytes()


def test_header_entries_that_are_left_out_are_named(tmp_path):
    record = dataclasses.replace(some(), carried=Carried(header={"operator": "Somebody"}))
    with pytest.warns(UserWarning, match="operator"):
        write_numpy_array(record, tmp_path / "a.npz")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_numpy_array(record, tmp_path / "b.npz", identifiers=True)
    assert read(tmp_path / "b.npz").carried.header == {"operator": "Somebody"}


def test_what_the_user_says_replaces_what_the_archive_says(tmp_path):
    file = write_numpy_array(some(), tmp_path / "a.npz")
    back = read(file, fs=500, unit="uV", leads=[f"E{k}" for k in range(12)])
    assert (back.fs, back.leads[0]) == (500, "E0")
    np.testing.assert_allclose(back.signal, some().signal / 1000, rtol=1e-6)


def test_an_archive_that_lost_an_array_is_refused(tmp_path):
    held = dict(np.load(write_numpy_array(some(), tmp_path / "a.npz")))
    for key in ("signal", "companion_1"):
        np.savez(tmp_path / "b.npz", **{k: v for k, v in held.items() if k != key})
        with pytest.raises(FormatError, match=r"Write it again|write the file again"):
            read(tmp_path / "b.npz")


def test_a_bare_array_and_an_empty_record_are_refused(tmp_path):
    with pytest.raises(OutputError, match=r"End the name in \.npz"):
        write_numpy_array(some(), tmp_path / "a.npy")
    with pytest.raises(OutputError, match="no samples"):
        write_numpy_array(Record(signal=np.zeros((1, 0)), fs=1, leads=("I",)), tmp_path / "a.npz")
