# SPDX-License-Identifier: Apache-2.0
"""Writing: by suffix, whole or not at all, never over what is there."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from precordia.core.errors import OptionError, OutputError, UnknownNameError
from precordia.core.record import Record
from precordia.io.read import read
from precordia.io.write import write

RECORD = Record(signal=np.random.default_rng(0).normal(size=(2, 500)), fs=500.0, leads=("I", "II"))
SUFFIXES = (".edf", ".hea", ".csv", ".tsv")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_suffix_decides_and_the_file_reads_back(tmp_path, suffix):
    path = write(RECORD, tmp_path / f"rec{suffix}")
    assert path == tmp_path / f"rec{suffix}"
    np.testing.assert_allclose(read(path).signal, RECORD.signal, atol=1e-3)


@pytest.mark.parametrize("name", ["a.bdf", "a.BDF"])
def test_the_sixteen_bits_of_edf_are_not_named_as_the_24_of_bdf(tmp_path, name):
    for format in (None, "edf"):
        with pytest.raises(OutputError, match=r"End the name in \.edf"):
            write(RECORD, tmp_path / name, format=format)
    assert not list(tmp_path.iterdir())


def test_a_format_can_be_named(tmp_path):
    assert read(write(RECORD, tmp_path / "odd.dat1", format="edf")).n_leads == 2
    with pytest.raises(UnknownNameError):
        write(RECORD, tmp_path / "a.edf", format="nothing")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_that_exists_is_kept(tmp_path, suffix):
    path = tmp_path / f"rec{suffix}"
    path.write_text("precious")
    with pytest.raises(OutputError, match="overwrite=True"):
        write(RECORD, path)
    assert path.read_text() == "precious"
    assert write(RECORD, path, overwrite=True) == path
    assert read(path).n_leads == 2


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch, suffix):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OutputError, match="No space left"):
        write(RECORD, tmp_path / f"rec{suffix}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("a.zip", r"\.edf"),
        ("a", "without an ending"),
        ("a.png", r"\.edf"),
        ("no/a.edf", "no folder"),
    ],
)
def test_impossible_targets_are_refused_with_a_choice(tmp_path, name, match):
    with pytest.raises(OutputError, match=match):
        write(RECORD, tmp_path / name)


def test_folders_options_and_strangers_are_refused(tmp_path):
    (tmp_path / "d.edf").mkdir()
    with pytest.raises(OutputError, match="folder"):
        write(RECORD, tmp_path / "d.edf")
    with pytest.raises(OptionError, match="no option 'colour'"):
        write(RECORD, tmp_path / "a.edf", colour=1)
    with pytest.raises((OptionError, TypeError), match=r"[Rr]ecord"):
        write(RECORD.signal, tmp_path / "a.edf")
    with pytest.raises((OptionError, TypeError), match="path"):
        write(RECORD, 5)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_empty_record_is_refused(tmp_path, suffix):
    empty = Record(signal=np.zeros((2, 0)), fs=500.0, leads=("I", "II"))
    with pytest.raises(OutputError):
        write(empty, tmp_path / f"rec{suffix}")
    assert not any(Path(tmp_path).iterdir())


def test_real_records_survive_every_format(shared_data, tmp_path):
    for name in ("ludb/data/1.hea", "mitdb/101.hea"):
        record = read(shared_data / name)
        short = Record(signal=record.signal[:, :5000], fs=record.fs, leads=record.leads,
                       patient=record.patient, start_time=record.start_time)  # fmt: skip
        for suffix in (".edf", ".csv", ".hea"):
            back = read(write(short, tmp_path / f"rec{suffix}", overwrite=True))
            assert (back.leads, back.fs, back.start_time) == (
                short.leads,
                short.fs,
                short.start_time,
            )
            assert repr(back.patient) == repr(short.patient)
            assert np.abs(back.signal - short.signal).max() < 1e-4
