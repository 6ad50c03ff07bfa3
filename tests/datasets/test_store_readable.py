# SPDX-License-Identifier: Apache-2.0
"""Other tools open a store as it is, and decode it with the lines that the store itself shows."""

import re

import numpy as np
import pytest

from precordia.core.record import Record
from precordia.datasets.item import Item
from precordia.datasets.store import open_store
from precordia.datasets.store_build import build_store
from precordia.io.write import write


@pytest.fixture(params=["zstd", "lz4"])
def folder(request, tmp_path):
    items = []
    for k, leads in enumerate((("I", "II"), ("V1",), ("II", "V5", "V6"))):
        signal = np.random.default_rng(k).normal(size=(len(leads), 500 + 10 * k)).astype(np.float32)
        signal[0, 7:9] = np.nan
        path = write(Record(signal=signal, fs=200, leads=leads), tmp_path / f"{k}.npz")
        items.append(Item(name=str(k), path=path, labels=("AF",) * k))
    build_store(items[:2], tmp_path / "s", codec=request.param)
    build_store(items, tmp_path / "s")
    return tmp_path / "s"


def check(rows, folder):
    """Decode rows by the README of the store and compare with what the store says."""
    decoding = re.search(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)[1]
    store = open_store(folder)
    assert len(rows) == len(store) == 3
    for i, row in enumerate(rows):
        names = {"np": np, "row": row}
        exec(decoding, names)
        np.testing.assert_allclose(names["signal"], store.signal(i), rtol=1e-6)
        assert tuple(row["leads"]) == store.leads_of(i)
        assert row["fs"] == 200
    assert [list(row["labels"]) for row in rows] == [[], ["AF"], ["AF", "AF"]]


def test_pyarrow_reads_a_store(folder):
    import pyarrow.dataset as ds

    files = sorted(folder.glob("records-*.parquet"))
    check(ds.dataset(files).to_table().to_pylist(), folder)


def test_polars_reads_a_store(folder):
    pl = pytest.importorskip("polars")
    table = pl.read_parquet(folder / "records-*.parquet")
    check(list(table.iter_rows(named=True)), folder)
    lazy = pl.scan_parquet(folder / "records-*.parquet")
    assert lazy.filter(pl.col("labels").list.contains("AF")).select("name").collect().height == 2


def test_hugging_face_datasets_reads_a_store(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    datasets = pytest.importorskip("datasets")
    if not hasattr(datasets, "load_dataset"):
        pytest.skip("another package called datasets")
    held = datasets.load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "cache"))
    check(list(held), folder)
