# SPDX-License-Identifier: Apache-2.0
"""Damaged, cut and hostile stores end in a sentence, and never in wrong numbers."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from precordia.core.errors import FormatError, MissingFileError
from precordia.core.record import Record
from precordia.datasets.item import Item
from precordia.datasets.store import open_store
from precordia.datasets.store_build import build_store
from precordia.datasets.store_columns import COLUMNS
from precordia.datasets.store_pages import find_pages, read_struct
from precordia.datasets.store_shard import pages_of
from precordia.datasets.store_verify import verify_store
from precordia.io.write import write

N = 2000


@pytest.fixture
def folder(tmp_path):
    items = []
    for k in range(3):
        signal = np.random.default_rng(k).integers(-400, 400, (2, N)) * np.float32(0.005)
        made = Record(signal=signal.astype(np.float32), fs=200, leads=("I", "II"))
        items.append(Item(name=f"r{k}", path=write(made, tmp_path / f"r{k}.npz")))
    build_store(items[:2], tmp_path / "s")
    build_store(items, tmp_path / "s")
    return tmp_path / "s"


def amend(folder, change):
    """Change the manifest as the function says."""
    path = folder / "store.json"
    held = json.loads(path.read_text())
    change(held)
    path.write_text(json.dumps(held))


def sign(folder, number=0):
    """Make sizes and checksums of a forged shard right."""

    def change(held):
        shard = held["shards"][number]
        for file, size, sum_ in (
            ("file", "n_bytes", "blake2b"),
            ("pages", "pages_bytes", "pages_blake2b"),
        ):
            content = (folder / shard[file]).read_bytes()
            shard[size] = len(content)
            shard[sum_] = hashlib.blake2b(content, digest_size=16).hexdigest()

    amend(folder, change)


def test_a_whole_store_is_right(folder):
    said = verify_store(folder)
    assert (said.ok, said.n_shards, said.n_right, said.n_records) == (True, 2, 2, 3)


@pytest.mark.parametrize("place", [0.1, 0.3, 0.5, 0.7, 0.95])
def test_one_wrong_bit_anywhere_is_found(folder, place):
    path = folder / "records-00000.parquet"
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1
    path.write_bytes(content)
    said = verify_store(folder)
    assert (said.ok, said.n_right) == (False, 1)
    assert "records-00000.parquet" in said.damaged[0]


def test_a_wrong_bit_of_a_signal_is_refused_when_it_is_read(folder):
    path = folder / "records-00000.parquet"
    offset, length, *_ = pages_of(path)[1]
    content = bytearray(path.read_bytes())
    content[offset + length // 2] ^= 8
    path.write_bytes(content)
    store = open_store(folder)
    store.signal(0)
    with pytest.raises(FormatError, match="the checksum of row 1 is wrong"):
        store.signal(1)


def test_a_shard_that_is_cut_or_missing_is_refused_at_once(folder):
    path = folder / "records-00001.parquet"
    content = path.read_bytes()
    path.write_bytes(content[:-100])
    with pytest.raises(FormatError, match=f"bytes instead of {len(content)}"):
        open_store(folder)
    assert not verify_store(folder).ok
    path.unlink()
    with pytest.raises(FormatError, match="is missing"):
        open_store(folder)
    assert not verify_store(folder).ok


def test_a_store_of_a_newer_layout_is_refused(folder):
    amend(folder, lambda held: held.update(schema=2))
    with pytest.raises(FormatError, match=r"schema 2.*Update precordia"):
        open_store(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda held: held.update(format="zip"),
        lambda held: held.update(schema="1"),
        lambda held: held.pop("schema"),
        lambda held: held["shards"][0].update(file="../../etc/passwd"),
        lambda held: held["shards"][0].update(n_records=0),
        lambda held: held["shards"][0].update(n_records=10**9),
        lambda held: held["shards"][0].pop("file"),
        lambda held: held["settings"].update(codec="rar"),
        lambda held: held.update(shards={"a": 1}),
        lambda held: held.update(parts=3),
    ],
)
def test_a_forged_manifest_is_refused(folder, change):
    amend(folder, change)
    with pytest.raises(FormatError):
        open_store(folder).signal(0)


def forge(folder, **columns):
    """Write the first shard anew with other columns, its places and sums right."""
    path = folder / "records-00000.parquet"
    table = pq.read_table(path)
    for name, values in columns.items():
        field = table.schema.field(name)
        values = pa.array(values, field.type)
        table = table.set_column(table.schema.get_field_index(name), field, values)
    pq.write_table(
        table, path, compression="zstd", use_dictionary=False, write_statistics=False,
        data_page_size=1, write_batch_size=1, write_page_checksum=True,
    )  # fmt: skip
    np.save(folder / "records-00000.pages.npy", pages_of(path))
    sign(folder)


@pytest.mark.parametrize(
    "columns",
    [
        {"n_samples": [1 << 40, N]},
        {"n_samples": [-N, N]},
        {"n_samples": [None, N]},
        {"leads": [None, ["I", "II"]]},
        {"leads": [["I"] * 100_000, ["I", "II"]]},
        {"scale_mv": [[0.005], [0.005, 0.005]]},
        {"scale_mv": [[float("nan")] * 2, [0.005, 0.005]]},
        {"signal": [b"", b"1"]},
        {"signal": [bytes(3), bytes(2 * 2 * N)]},
    ],
)
def test_forged_columns_are_refused(folder, columns):
    forge(folder, **columns)
    with pytest.raises(FormatError):
        open_store(folder).signal(0)
    assert not verify_store(folder).ok


@pytest.mark.parametrize(("column", "value"), [(0, -5), (0, 1 << 62), (1, -1), (2, 1 << 40)])
def test_forged_places_are_refused(folder, column, value):
    path = folder / "records-00000.pages.npy"
    pages = np.load(path)
    pages[0, column] = value
    np.save(path, pages)
    sign(folder)
    with pytest.raises(FormatError, match="lies where it cannot"):
        open_store(folder).signal(0)
    assert not verify_store(folder).ok


def test_a_bomb_is_refused_before_it_is_unpacked(folder):
    n = 200_000_000
    packed = pa.Codec("zstd").compress(bytes(1 << 20), asbytes=True)
    forge(folder, n_samples=[n, N])
    path = folder / "records-00000.pages.npy"
    pages = np.load(path)
    pages[0, 2] = 2 * 2 * n + 4  # what the page is said to be, unpacked
    np.save(path, pages)
    sign(folder)
    assert len(packed) < 1000
    with pytest.raises(FormatError, match="declares 800,000,004 bytes"):
        open_store(folder).signal(0)


def test_a_file_that_is_no_parquet_or_no_array_is_refused(folder):
    (folder / "records-00000.parquet").write_bytes(b"PAR1 nothing PAR1")
    sign(folder)
    with pytest.raises(FormatError, match="cannot be read as a shard"):
        open_store(folder).signal(0)
    (folder / "records-00001.pages.npy").write_bytes(b"\x93NUMPY nothing")
    sign(folder, 1)
    with pytest.raises(FormatError):
        open_store(folder).signal(2)


def test_a_parquet_file_of_another_kind_is_no_shard(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"x": [1, 2, 3]}), path)
    with pytest.raises(FormatError):
        pages_of(path)
    signal = pa.array([b"1234", b"5678"])
    pq.write_table(pa.table({"signal": signal}), path)  # both in one page
    with pytest.raises(FormatError, match="no shard"):
        pages_of(path)


def test_places_are_those_that_parquet_itself_finds(folder):
    path = folder / "records-00000.parquet"
    values = pq.read_table(path, columns=["signal"])["signal"].to_pylist()
    content = path.read_bytes()
    for (offset, length, raw, _), value in zip(pages_of(path), values, strict=True):
        page = pa.decompress(content[offset : offset + length], int(raw), "zstd", asbytes=True)
        assert page == len(value).to_bytes(4, "little") + value


def test_headers_of_pages_are_read_by_the_rules_of_thrift():
    # field 1: i32 300; field 3 (step 2): binary "ab"; field 20 (long form): true; field 21: struct
    content = bytes([0x15, 0xD8, 0x04, 0x28, 0x02, 0x61, 0x62, 0x01, 0x28, 0x1C, 0x15, 0x01, 0, 0])
    fields, length = read_struct(memoryview(content))
    assert fields == {1: 300, 3: b"ab", 20: True, 21: {1: -1}}
    assert length == len(content)


@pytest.mark.parametrize(
    "content",
    [b"", b"\x15", b"\x15" + b"\xff" * 11, b"\x1f\x00", b"\xff" * 40, b"\x1c" * 3000],
)
def test_bytes_that_are_no_header_are_refused(content):
    with pytest.raises(FormatError):
        find_pages(memoryview(content), 0, len(content), 1)


def test_no_store_to_verify_is_told(tmp_path):
    with pytest.raises(MissingFileError):
        verify_store(tmp_path)


def test_columns_are_documented_and_of_the_types_that_they_have(folder):
    table = open_store(folder).table([*COLUMNS])
    assert table.column_names == list(COLUMNS)
    assert all(words for _, words in COLUMNS.values())
    assert replace(open_store(folder).manifest, shards=()).n_records == 0
