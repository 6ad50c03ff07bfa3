# SPDX-License-Identifier: Apache-2.0
"""MATLAB files: scipy writes and reads them independently; the challenge's files are real."""

from __future__ import annotations

import struct
import zlib

import h5py
import numpy as np
import pytest
from scipy.io import loadmat, savemat

from precordia.core.errors import FormatError, OptionError, SamplingRateError, UnitError
from precordia.io.matlab_elements import parse_matlab
from precordia.io.read import read

ECG = (np.random.default_rng(0).normal(size=(2, 900)) * 500).astype(np.int16)


def save(folder, values, **options):
    savemat(folder / "a.mat", values, **options)
    return folder / "a.mat"


WAYS = [{"format": "4"}, {"format": "5"}, {"format": "5", "do_compression": True}]


@pytest.mark.parametrize("way", WAYS, ids=["4", "5", "compressed"])
@pytest.mark.parametrize("dtype", ["f8", "f4", "i2", "u2", "i4", "u1"])
def test_every_version_and_type_gives_the_values(tmp_path, way, dtype):
    array = np.abs(ECG // 16).astype(dtype)
    path = save(tmp_path, {"val": array, "Fs": 360, "unit": "uV"}, **way)
    record = read(path)
    np.testing.assert_allclose(record.signal, array.astype(float) / 1000, rtol=1e-6)
    assert (record.fs, record.source.method) == (360, "read:matlab")


@pytest.mark.parametrize("way", WAYS[1:], ids=["5", "compressed"])
def test_structures_cells_and_texts_are_understood(tmp_path, way):
    said = {
        "ECG": {"data": ECG.T.astype(float), "age": 61, "sex": "Male", "fs": 500},
        "labels": np.array(["V1", "V2"], object), "units": "uV", "note": "µ ä",
    }  # fmt: skip
    record = read(save(tmp_path, said, **way))
    np.testing.assert_allclose(record.signal, ECG / 1000, rtol=1e-6)
    assert (record.fs, record.leads) == (500, ("V1", "V2"))
    assert (record.patient.age_years, record.patient.sex) == (61, "male")
    held = parse_matlab((tmp_path / "a.mat").read_bytes(), name="a")
    assert held.facts["note"] == "µ ä"
    assert held.facts["labels"] == ["V1", "V2"]
    assert np.array_equal(held.arrays["ECG.data"], ECG.T)


def test_arrays_of_structures_are_numbered_as_in_matlab(tmp_path):
    both = np.array([({"x": ECG},), ({"x": ECG * 2},)], [("data", object)])
    path = save(tmp_path, {"leads": both})
    held = parse_matlab(path.read_bytes(), name="a")
    assert np.array_equal(held.arrays["leads(2).data.x"], ECG * 2)


@pytest.mark.parametrize("way", WAYS, ids=["4", "5", "compressed"])
def test_arrays_of_every_shape_are_those_that_scipy_reads(tmp_path, way):
    rng = np.random.default_rng(4)
    values = {
        "a": rng.normal(size=(3, 7)),
        "b": rng.normal(size=(1, 5)),
        "c": np.arange(4.0)[:, None],
    }
    if way["format"] == "5":
        values |= {"d": rng.normal(size=(2, 3, 4)), "e": rng.integers(0, 9, (3, 3)) > 4}
    path = save(tmp_path, values, **way)
    held = parse_matlab(path.read_bytes(), name="a").arrays
    for key, theirs in loadmat(path).items():
        if not key.startswith("__"):
            assert np.array_equal(held[key], theirs), key


def test_what_is_no_real_number_is_left_out(tmp_path):
    path = save(tmp_path, {"z": np.array([[1j, 2]]), "x": np.ones((2, 300))})
    assert set(parse_matlab(path.read_bytes(), name="a").arrays) == {"x"}


def test_a_vector_of_times_gives_the_rate(shared_data):
    path = shared_data / "multimodal/pcst-icu/Demos/TestData/TestAFdata.mat"
    theirs = loadmat(path)
    record = read(path, unit="mV")
    np.testing.assert_allclose(record.signal, theirs["signal"].T, rtol=1e-6)
    assert record.fs == float(theirs["Fs"][0, 0])
    path = path.with_name("TestICUdata.mat")
    leads = ["ECG", "a", "ABP", "b", "PPG", "RESP"]
    assert read(path, unit="mV", leads=leads).fs == 125


def test_a_file_of_the_challenge_without_its_header_asks_for_what_the_header_says(
    shared_data, tmp_path
):
    source = shared_data / "cinc2017/A00001.mat"
    (tmp_path / "A00001.mat").write_bytes(source.read_bytes())
    with pytest.raises(SamplingRateError):
        read(tmp_path / "A00001.mat")
    with pytest.raises(UnitError):
        read(tmp_path / "A00001.mat", fs=300)
    alone = read(tmp_path / "A00001.mat", fs=300, unit="1 uV")
    assert np.array_equal(alone.signal, read(source).signal)
    assert read(source).source.method == "read:wfdb"


def test_version_7_3_is_read_as_matlab_shows_it(tmp_path):
    with h5py.File(tmp_path / "a.mat", "w", userblock_size=512) as file:
        for key, array in {"ecg": ECG, "Fs": np.array([[500.0]])}.items():
            file[key] = array.T
            file[key].attrs["MATLAB_class"] = np.bytes_(
                array.dtype.name.replace("float64", "double")
            )
        file["unit"] = np.array([[ord(c)] for c in "uV"], np.uint16)
        file["unit"].attrs["MATLAB_class"] = np.bytes_("char")
        file.create_group("#refs#")
        references = []
        for k, name in enumerate(("V1", "V2")):
            file[f"#refs#/{k}"] = np.array([[ord(c)] for c in name], np.uint16)
            file[f"#refs#/{k}"].attrs["MATLAB_class"] = np.bytes_("char")
            references.append([file[f"#refs#/{k}"].ref])
        file.create_dataset("labels", data=references, dtype=h5py.ref_dtype)
        file["labels"].attrs["MATLAB_class"] = np.bytes_("cell")
    content = bytearray((tmp_path / "a.mat").read_bytes())
    content[:128] = b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM"
    (tmp_path / "a.mat").write_bytes(content)
    record = read(tmp_path / "a.mat", axes="lead sample")
    np.testing.assert_allclose(record.signal, ECG / 1000, rtol=1e-6)
    assert (record.fs, record.leads) == (500, ("V1", "V2"))
    assert record.source.method == "read:matlab"


def test_one_record_of_many_is_read(tmp_path):
    many = np.random.default_rng(2).normal(size=(4, 2, 500))
    record = read(save(tmp_path, {"x": many}), fs=100, unit="mV", index=2)
    np.testing.assert_allclose(record.signal, many[2], rtol=1e-6)
    with pytest.raises(OptionError, match="4 records"):
        read(tmp_path / "a.mat", fs=100, unit="mV")


def level5(*elements: bytes) -> bytes:
    return b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM" + b"".join(elements)


def test_an_array_that_grows_beyond_any_recording_is_refused(tmp_path):
    body = struct.pack("<II", 14, 400 << 20) + bytes(64)
    stream = zlib.compressobj()
    packed = stream.compress(body) + b"".join(stream.compress(bytes(1 << 20)) for _ in range(400))
    packed += stream.flush()
    content = level5(struct.pack("<II", 15, len(packed)) + packed)
    assert len(content) < 1 << 20
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(FormatError, match="no recording does"):
        read(tmp_path / "a.mat")


@pytest.mark.parametrize(
    "content",
    [
        level5(),
        level5(struct.pack("<II", 14, 1 << 30)),
        level5(struct.pack("<II", 15, 4) + b"abcd"),
        level5(struct.pack("<II", 14, 16) + bytes(16)),
        struct.pack("<5I", 30, 9, 9, 0, 4),
        struct.pack("<5I", 30, 1 << 30, 1 << 30, 0, 4) + b"val\0",
    ],
)  # fmt: skip
def test_stumps_are_refused(tmp_path, content):
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(FormatError):
        read(tmp_path / "a.mat", format="matlab")


@pytest.mark.parametrize("part", [0.2, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("way", WAYS, ids=["4", "5", "compressed"])
def test_a_file_that_is_cut_short_is_refused(tmp_path, way, part):
    path = save(tmp_path, {"val": ECG}, **way)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(FormatError):
        read(path, fs=300, unit="uV", format="matlab")
