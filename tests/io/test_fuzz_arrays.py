# SPDX-License-Identifier: Apache-2.0
"""Thousands of damaged files of arrays: a record or a sentence, in time and in bounds."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import zarr
from scipy.io import savemat

from precordia.core.errors import PrecordiaError
from precordia.io.read import read

DAMAGE = Path(__file__).with_name("damage.py")
N_FILES, N_STORES = 4000, 600
ECG = np.random.default_rng(0).normal(size=(3, 400)).cumsum(axis=1) * 0.02
SAID = {"fs": 250.0, "unit": "mV", "leads": ["I", "II", "V1"]}


def build(folder: Path) -> list[Path]:
    """Write files of every kind of array that say all that a reader must know."""
    np.savez_compressed(folder / "packed.npz", ecg=ECG, **SAID)
    np.savez(folder / "plain.npz", ecg=ECG.T, **SAID)
    texts = {**SAID, "leads": np.array(SAID["leads"], object), "info": {"age": 50, "sex": "M"}}
    savemat(folder / "five.mat", {"ecg": ECG, **texts})
    savemat(folder / "seven.mat", {"ecg": ECG, **texts}, do_compression=True)
    savemat(folder / "four.mat", {"ecg": ECG, "fs": 250.0, "unit": "mV"}, format="4")
    for name, stored in {"a.h5": {}, "b.h5": {"chunks": (3, 100), "compression": "gzip"}}.items():
        with h5py.File(folder / name, "w") as file:
            file.create_dataset("ecg", data=ECG, **stored)
            file["group/leads"] = SAID["leads"]
            file.attrs.update({"fs": 250.0, "unit": "mV"})
    table = {"time": np.arange(400) / 250, "I (mV)": ECG[0], "II (mV)": ECG[1]}
    pd.DataFrame(table).to_parquet(folder / "a.parquet")
    return sorted(folder.iterdir())


def test_damaged_files_of_arrays_raise_only_sentences(tmp_path):
    for path in build(tmp_path):
        assert read(path).n_samples == 400, path.name
    done = subprocess.run(
        [sys.executable, str(DAMAGE), str(N_FILES), "21", str(tmp_path)],
        env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    assert told["escaped"] == {}
    assert told["slowest_s"] < 1.0, told["slowest"]
    assert told["peak_mb"] < 500
    assert {".npz", ".mat", ".h5", ".parquet"} <= set(told["refused"])
    assert {".mat", ".h5", ".parquet"} <= set(told["read_anyway"])


def test_damaged_stores_raise_only_sentences(tmp_path):
    spec = importlib.util.spec_from_file_location("damage", DAMAGE)
    damage = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(damage)
    group = zarr.create_group(tmp_path / "a.zarr")
    group.create_array("ecg", data=ECG, chunks=(3, 100))
    group.attrs.update(SAID)
    files = [p for p in (tmp_path / "a.zarr").rglob("*") if p.is_file()]
    held = {p: p.read_bytes() for p in files}
    rng = random.Random(8)
    refused = []
    slowest = 0.0
    for _ in range(N_STORES):
        file = rng.choice(files)
        file.write_bytes(damage.damaged(held[file], rng))
        start = time.perf_counter()
        try:
            read(tmp_path / "a.zarr")
        except PrecordiaError as error:
            refused.append(str(error))
        slowest = max(slowest, time.perf_counter() - start)
        file.write_bytes(held[file])
    assert N_STORES / 10 < len(refused) < N_STORES
    assert all(20 <= len(said) < 700 and said.isprintable() for said in refused)
    assert slowest < 1.0
