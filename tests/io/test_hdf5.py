# SPDX-License-Identifier: Apache-2.0
"""HDF5: h5py writes, real recordings are read, and nothing leads out of the file."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from precordia.core.errors import FormatError, OptionError, SamplingRateError, UnitError
from precordia.core.leads import STANDARD_12
from precordia.io.hdf5_texts import Hdf5Texts
from precordia.io.read import read

ECG = np.random.default_rng(0).normal(size=(2, 900)).astype(np.float32)


def build(folder, fill, **options):
    with h5py.File(folder / "a.h5", "w", **options) as file:
        fill(file)
    return folder / "a.h5"


@pytest.mark.parametrize("libver", ["earliest", "latest"])
@pytest.mark.parametrize("user_block", [0, 512])
@pytest.mark.parametrize("stored", [{}, {"chunks": (1, 300), "compression": "gzip"}])
def test_attributes_say_what_the_array_means(tmp_path, libver, user_block, stored):
    def fill(file):
        file.create_dataset("ecg", data=ECG, **stored)
        file["ecg"].attrs.update({"fs": 360, "leads": ["V1", "V2"]})
        file.attrs["unit"] = "uV"
        file.attrs["comment"] = "größer" * 20

    record = read(build(tmp_path, fill, libver=libver, userblock_size=user_block))
    np.testing.assert_allclose(record.signal, ECG / 1000, rtol=1e-6)
    assert (record.fs, record.leads) == (360, ("V1", "V2"))
    assert record.source.method == "read:hdf5"


@pytest.mark.parametrize(
    "texts",
    [np.array([b"V1", b"V2"]), ["V1", "V2"], np.array(["V1", "V2"], object)],
    ids=["fixed", "list", "objects"],
)
@pytest.mark.parametrize("chunks", [None, (2,), (5,)])
def test_texts_and_numbers_in_datasets_say_it_too(tmp_path, texts, chunks):
    def fill(file):
        file["group/ecg"] = ECG.T
        file["group/sampling_rate"] = 250
        dtype = (
            None
            if isinstance(texts, np.ndarray) and texts.dtype.kind == "S"
            else h5py.string_dtype()
        )
        more = {} if chunks is None else {"chunks": chunks, "maxshape": (None,)}
        file.create_dataset("group/leads", data=texts, dtype=dtype, **more)
        file["unit"] = "mV"

    record = read(build(tmp_path, fill))
    assert (record.fs, record.leads) == (250, ("V1", "V2"))
    assert np.array_equal(record.signal, ECG)


def test_many_attributes_are_found(tmp_path):
    def fill(file):
        file["ecg"] = ECG
        for k in range(60):
            file["ecg"].attrs[f"note {k}"] = "text " * k
        file["ecg"].attrs.update({"fs": 360, "unit": "uV", "leads": ["V1", "V2"]})

    assert read(build(tmp_path, fill)).leads == ("V1", "V2")


def test_one_record_of_many_is_read(tmp_path):
    many = np.random.default_rng(1).normal(size=(20, 800, 3))

    def fill(file):
        file["tracings"] = many
        file["exam_id"] = np.arange(20)

    path = build(tmp_path, fill)
    record = read(path, fs=400, unit="mV", index=11)
    np.testing.assert_allclose(record.signal, many[11].T, rtol=1e-6)
    with pytest.raises(OptionError, match="20 records"):
        read(path, fs=400, unit="mV")


@pytest.mark.parametrize("name", [f"SPH{k:05d}" for k in range(1, 11)])
def test_real_recordings(shared_data, name):
    path = shared_data / f"cinc2021/a/SPH/{name}.h5"
    with pytest.raises(SamplingRateError):
        read(path)
    with pytest.raises(UnitError, match="'mV'"):
        read(path, fs=500)
    record = read(path, fs=500, unit="mV")
    with h5py.File(path) as file:
        assert np.array_equal(record.signal, file["ecg"][()].astype(np.float32))
    assert record.leads == STANDARD_12
    assert [r.code for r in record.remarks] == ["leads-assumed"]


def test_links_to_other_files_are_not_followed(tmp_path):
    build(tmp_path, lambda file: file.create_dataset("ecg", data=ECG)).rename(tmp_path / "b.h5")

    def fill(file):
        file["ecg"] = h5py.ExternalLink("b.h5", "ecg")
        file["soft"] = h5py.SoftLink("/ecg")

    with pytest.raises(FormatError, match="no array of numbers"):
        read(build(tmp_path, fill), fs=500, unit="mV")


def test_data_in_other_files_are_not_read(tmp_path):
    secret = tmp_path / "secret.bin"
    secret.write_bytes(bytes(8 * 900))
    layout = h5py.VirtualLayout((2, 900), "f4")
    layout[:] = h5py.VirtualSource(str(tmp_path / "b.h5"), "ecg", shape=(2, 900))

    def fill(file):
        file.create_dataset("ecg", (2, 900), "f4", external=[(str(secret), 0, 8 * 900)])
        file.create_virtual_dataset("signal", layout)

    with pytest.raises(FormatError, match="no array of numbers"):
        read(build(tmp_path, fill), fs=500, unit="mV")


def test_an_array_that_was_never_written_is_no_flat_line(tmp_path):
    path = build(tmp_path, lambda file: file.create_dataset("ecg", (2, 900), "f4"))
    with pytest.raises(FormatError, match="none of its samples"):
        read(path, fs=500, unit="mV")


def test_an_array_that_grows_beyond_any_recording_is_refused(tmp_path):
    def fill(file):
        file.create_dataset("ecg", (2, 40_000_000), "i2", compression="gzip", chunks=(2, 1_000_000))
        file["ecg"][:, :5] = 1

    with pytest.raises(FormatError, match="no recording does"):
        read(build(tmp_path, fill), fs=500, unit="uV")


def test_groups_that_hold_themselves_end(tmp_path):
    def fill(file):
        file["ecg"] = ECG
        file["a/b"] = file["/"]
        file["again"] = file["ecg"]

    assert read(build(tmp_path, fill), fs=500, unit="mV").n_samples == 900


def test_a_text_that_declares_more_than_there_is_costs_nothing(tmp_path):
    def fill(file):
        file["ecg"] = ECG
        file.attrs["unit"] = "millivolts"

    path = build(tmp_path, fill)
    content = bytearray(path.read_bytes())
    at = content.index(b"GCOL")
    place = content.index((10).to_bytes(4, "little") + at.to_bytes(8, "little"))
    content[place : place + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    with pytest.raises(UnitError):
        read(path, fs=500)
    assert Hdf5Texts(bytes(content)).elements(place, 1) is None


@pytest.mark.parametrize("part", [0.01, 0.3, 0.7, 0.99])
def test_a_file_that_is_cut_short_is_refused(tmp_path, part):
    path = build(tmp_path, lambda file: file.create_dataset("ecg", data=ECG))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(FormatError):
        read(path, fs=500, unit="mV")
