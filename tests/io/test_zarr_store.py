# SPDX-License-Identifier: Apache-2.0
"""Zarr stores of both versions: a folder that is a recording."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import zarr

from precordia.core.errors import FormatError, OptionError, UnitError
from precordia.io.find import find_recordings
from precordia.io.read import read

ECG = np.random.default_rng(0).normal(size=(2, 900)).astype(np.float32)


def build(folder, *, version=3, data=ECG, **attributes):
    path = folder / "a.zarr"
    group = zarr.create_group(path, zarr_format=version)
    group.create_array("ecg", data=data, chunks=(1, *data.shape[1:]))
    group.attrs.update(attributes)
    return path


@pytest.mark.parametrize("version", [2, 3])
def test_attributes_say_what_the_array_means(tmp_path, version):
    path = build(tmp_path, version=version, fs=360, unit="uV", leads=["V1", "V2"])
    record = read(path)
    np.testing.assert_allclose(record.signal, ECG / 1000, rtol=1e-6)
    assert (record.fs, record.leads) == (360, ("V1", "V2"))
    assert record.source.method == "read:zarr"
    assert record.signal.dtype == np.float32
    assert np.array_equal(read(path).signal, record.signal)


def test_an_array_without_a_group_is_read(tmp_path):
    array = zarr.create_array(tmp_path / "b.zarr", data=ECG.T)
    array.attrs["sampling_rate"] = 250
    record = read(tmp_path / "b.zarr", unit="mV", leads="I,II")
    assert (record.fs, record.leads) == (250, ("I", "II"))


def test_names_of_dimensions_are_believed(tmp_path):
    zarr.create_array(tmp_path / "b.zarr", data=ECG[:, :2], dimension_names=["sample", "lead"])
    record = read(tmp_path / "b.zarr", unit="mV", fs=100)
    assert np.array_equal(record.signal, ECG[:, :2].T)


def test_one_record_of_many_is_read(tmp_path):
    many = np.random.default_rng(1).normal(size=(6, 2, 400)).astype(np.float32)
    path = build(tmp_path, data=many, fs=100, unit="mV")
    assert np.array_equal(read(path, index=4).signal, many[4])
    with pytest.raises(OptionError, match="6 records"):
        read(path)


def test_missing_chunks_are_never_zeros(tmp_path):
    path = build(tmp_path, fs=100, unit="mV")
    shutil.rmtree(path / "ecg" / "c" / "1")
    with pytest.raises(FormatError, match="lacks 1 of 2 chunks"):
        read(path)
    array = zarr.create_array(tmp_path / "b.zarr", shape=(2, 900), chunks=(1, 900), dtype="f4",
                              fill_value=np.nan)  # fmt: skip
    array[0] = ECG[0]
    record = read(tmp_path / "b.zarr", fs=100, unit="mV")
    assert np.isnan(record.signal[1]).all()


def test_an_array_that_grows_beyond_any_recording_is_refused(tmp_path):
    zarr.create_array(tmp_path / "b.zarr", shape=(2, 1 << 40), chunks=(2, 1 << 30), dtype="f4")
    with pytest.raises(FormatError, match="no recording does"):
        read(tmp_path / "b.zarr", fs=100, unit="mV")


def test_what_the_store_leaves_out_is_asked_for(tmp_path):
    with pytest.raises(UnitError, match="'mV'"):
        read(build(tmp_path, fs=100))


def test_a_folder_that_is_no_store_is_refused(tmp_path):
    with pytest.raises(FormatError, match="is a folder"):
        read(tmp_path)
    with pytest.raises(FormatError, match="no Zarr store"):
        _read_directly(tmp_path)


def _read_directly(path):
    from precordia.io.zarr_store import read_zarr_store

    return read_zarr_store(path)


def test_a_store_that_is_too_large_is_refused(tmp_path):
    with pytest.raises(FormatError, match="at most 100 are read"):
        read(build(tmp_path, fs=100, unit="mV"), max_bytes=100)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"zarr_format": 9}', '{"node_type": "array"}'])
def test_a_damaged_description_is_refused(tmp_path, text):
    path = build(tmp_path, fs=100, unit="mV")
    (path / "ecg" / "zarr.json").write_text(text)
    with pytest.raises(FormatError):
        read(path)


def test_a_store_is_found_as_one_recording(tmp_path):
    path = build(tmp_path, fs=100, unit="mV")
    assert list(find_recordings(path)) == [path]
    assert list(find_recordings(tmp_path)) == [path]
