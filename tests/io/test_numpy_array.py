# SPDX-License-Identifier: Apache-2.0
"""NumPy arrays and archives: numpy itself writes them, and damaged or hostile ones are refused."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from precordia.core.errors import FormatError, OptionError, PrecordiaError
from precordia.io.numpy_array import read_numpy_array
from precordia.io.read import read

ECG = (np.random.default_rng(0).normal(size=(2, 900)) * 500).astype(np.int16)
SAID = {"fs": 250, "unit": "uV", "leads": ["I", "II"]}


def save(folder, array, name="a.npy"):
    np.save(folder / name, array)
    return folder / name


@pytest.mark.parametrize("dtype", ["<i2", ">i2", "u2", "i4", "f2", "<f4", ">f4", "f8", "i8"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_type_and_order_gives_the_values(tmp_path, dtype, order, version):
    array = np.asarray(np.abs(ECG // 8), dtype, order=order)
    with (tmp_path / "a.npy").open("wb") as file:
        np.lib.format.write_array(file, array, version)
    record = read(tmp_path / "a.npy", **SAID)
    np.testing.assert_allclose(record.signal, array.astype(float) / 1000, rtol=1e-6)
    assert (record.fs, record.leads) == (250, ("I", "II"))
    assert record.source.method == "read:numpy"


@pytest.mark.parametrize("order", ["C", "F"])
def test_one_record_of_many_is_read(tmp_path, order):
    many = np.asarray(np.random.default_rng(0).normal(size=(9, 500, 3)), order=order)
    path = save(tmp_path, many)
    record = read(path, fs=100, unit="mV", index=4)
    np.testing.assert_allclose(record.signal, many[4].T, rtol=1e-6)


def test_an_archive_says_what_its_arrays_mean(tmp_path):
    for writer in (np.savez, np.savez_compressed):
        writer(
            tmp_path / "a.npz", ecg=ECG.T, sampling_rate=250, units="uV",
            lead_names=np.array(["V1", "V2"]), age=61, sex="F", notes=np.array([1, 2, 3]),
        )  # fmt: skip
        record = read(tmp_path / "a.npz")
        np.testing.assert_allclose(record.signal, ECG / 1000, rtol=1e-6)
        assert (record.fs, record.leads) == (250, ("V1", "V2"))
        assert (record.patient.age_years, record.patient.sex) == (61, "female")


def test_an_array_of_an_archive_can_be_named(tmp_path):
    np.savez(tmp_path / "a.npz", before=ECG, after=ECG * 2, objects=np.array([{}], object))
    with pytest.raises(OptionError, match=r"'before' .*'after'"):
        read(tmp_path / "a.npz", **SAID)
    record = read(tmp_path / "a.npz", variable="after", **SAID)
    np.testing.assert_allclose(record.signal, ECG * 2 / 1000, rtol=1e-6)


def test_real_archive_of_many_records(shared_data):
    path = shared_data / "ptbxl_norm/ptbxl_norm_100hz_int16.npz"
    with pytest.raises(OptionError, match="1625 records"):
        read(path)
    held = np.load(path)
    array = max((held[k] for k in held.files), key=lambda a: a.size if a.ndim == 3 else 0)
    record = read(path, index=7, fs=100, unit="1 uV")
    np.testing.assert_allclose(record.signal, array[7].T / 1000, rtol=1e-6)


def test_objects_are_never_unpickled(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was executed",))

    np.save(tmp_path / "a.npy", np.array([Bomb()], object), allow_pickle=True)
    with pytest.raises(FormatError, match="Python objects"):
        read(tmp_path / "a.npy", **SAID)
    np.savez(tmp_path / "a.npz", ecg=np.array([Bomb()], object))
    with pytest.raises(FormatError, match="no array of numbers"):
        read(tmp_path / "a.npz", **SAID)


def test_fields_and_complex_numbers_are_refused(tmp_path):
    path = save(tmp_path, np.zeros(900, [("I", "f4"), ("II", "f4")]))
    with pytest.raises(FormatError, match="table of fields"):
        read(path, **SAID)
    with pytest.raises(PrecordiaError):
        read(save(tmp_path, np.zeros((2, 900), complex)), **SAID)


def test_a_length_that_is_not_there_is_refused_before_memory_is_taken(tmp_path):
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer, {"descr": "<f8", "fortran_order": False, "shape": (12, 1 << 40)}
    )
    (tmp_path / "a.npy").write_bytes(buffer.getvalue() + bytes(100))
    with pytest.raises(FormatError, match="declares"):
        read(tmp_path / "a.npy", **SAID)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("ecg.npy", buffer.getvalue() + bytes(100))
    with pytest.raises(FormatError, match="declares"):
        read(tmp_path / "a.npz", **SAID)


def test_an_archive_that_grows_beyond_any_recording_is_refused(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", ecg=np.zeros((2, 50_000_000), np.int8))
    assert (tmp_path / "a.npz").stat().st_size < 200_000
    with pytest.raises(FormatError, match="no recording does"):
        read(tmp_path / "a.npz", **SAID)


def test_a_wrong_checksum_of_a_member_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", ecg=ECG)
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[600] ^= 1
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(FormatError, match="cannot be unpacked"):
        read(tmp_path / "a.npz", **SAID)


def test_names_of_members_lead_nowhere(tmp_path):
    buffer = io.BytesIO()
    np.save(buffer, ECG)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("../../outside.npy", buffer.getvalue())
    assert read(tmp_path / "a.npz", **SAID).n_leads == 2
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]


@pytest.mark.parametrize("content", [b"\x93NUMPY", b"\x93NUMPY\x01\x00\xff\xff{", b"PK\x03\x04",
                                     b"\x93NUMPY\x09\x00" + bytes(200),
                                     b"\x93NUMPY\x01\x00" + bytes(200)])  # fmt: skip
def test_stumps_are_refused(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(FormatError):
        read_numpy_array(tmp_path / "a.npz", **SAID)
