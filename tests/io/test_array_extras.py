# SPDX-License-Identifier: Apache-2.0
"""A library that is not installed is asked for by the name of its extra; others need none."""

from __future__ import annotations

import sys

import h5py
import numpy as np
import pandas as pd
import pytest
import zarr
from scipy.io import savemat

from precordia.core.errors import MissingExtraError
from precordia.core.record import Record
from precordia.io.read import read
from precordia.io.write import write

ECG = np.random.default_rng(0).normal(size=(2, 900))
SAID = {"fs": 250, "unit": "mV"}


@pytest.fixture
def without(monkeypatch):
    def forget(*names):
        for name in [*sys.modules]:
            if name.split(".")[0] in names:
                monkeypatch.delitem(sys.modules, name)
        for name in names:
            monkeypatch.setitem(sys.modules, name, None)

    return forget


def test_each_extra_is_named(tmp_path, without):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["ecg"] = ECG
    with h5py.File(tmp_path / "a.mat", "w", userblock_size=512) as file:
        file["ecg"] = ECG
    content = bytearray((tmp_path / "a.mat").read_bytes())
    content[:19] = b"MATLAB 7.3 MAT-file"
    (tmp_path / "a.mat").write_bytes(content)
    pd.DataFrame({"I": ECG[0]}).to_parquet(tmp_path / "a.parquet")
    zarr.create_array(tmp_path / "a.zarr", data=ECG)
    without("h5py", "pyarrow", "zarr")
    for name, extra in {
        "a.h5": "hdf5",
        "a.mat": "hdf5",
        "a.parquet": "parquet",
        "a.zarr": "zarr",
    }.items():
        with pytest.raises(MissingExtraError, match=rf"precordia\[{extra}\]"):
            read(tmp_path / name, **SAID)
    record = Record(signal=ECG, fs=250, leads=("I", "II"))
    with pytest.raises(MissingExtraError, match=r"precordia\[parquet\]"):
        write(record, tmp_path / "b.parquet")


def test_a_bare_install_reads_and_writes_the_rest(tmp_path, without):
    np.save(tmp_path / "a.npy", ECG)
    savemat(tmp_path / "a.mat", {"ecg": ECG})
    without("h5py", "pyarrow", "zarr")
    for name in ("a.npy", "a.mat"):
        record = read(tmp_path / name, **SAID)
        np.testing.assert_allclose(record.signal, ECG, rtol=1e-6)
    back = read(write(record, tmp_path / "a.npz"))
    assert np.array_equal(back.signal, record.signal)
