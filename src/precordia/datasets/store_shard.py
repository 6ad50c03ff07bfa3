# SPDX-License-Identifier: Apache-2.0
"""One shard of a store: a Parquet file that any tool reads, and the places of its pages beside."""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64

from precordia.core.errors import FormatError, PrecordiaError
from precordia.core.value import Value
from precordia.datasets.store_columns import COLUMNS, SCHEMA, WORDS, arrow_schema, require_pyarrow
from precordia.datasets.store_pages import find_pages
from precordia.datasets.store_settings import CODECS
from precordia.io.array_growth import check_growth

_LARGEST_PAGE = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard(Value):
    """What the manifest says of a shard.

    Attributes
    ----------
    file, pages
        Names of the Parquet file and of the places of its pages.
    n_records
        Rows.
    n_bytes, pages_bytes
        Sizes of the files.
    blake2b, pages_blake2b
        Their checksums.
    """

    file: str
    pages: str
    n_records: int
    n_bytes: int
    pages_bytes: int
    blake2b: str
    pages_blake2b: str


def write_shard(folder: Path, number: int, rows: Sequence[dict[str, Any]], *, codec: str) -> Shard:
    """Write rows as a shard, on the disk when this returns.

    Parameters
    ----------
    folder
        The store.
    number
        Place of the shard in it.
    rows
        One dict a record with every column.
    codec
        A name of `CODECS`.

    Returns
    -------
    What the manifest needs. The files are part of the store only once it is in the manifest.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    pa = require_pyarrow()
    file, pages = f"records-{number:05d}.parquet", f"records-{number:05d}.pages.npy"
    compression, level = CODECS[codec]
    schema = arrow_schema().with_metadata({"precordia_store_schema": str(SCHEMA)})
    table = pa.table({name: [row[name] for row in rows] for name in COLUMNS}, schema=schema)
    # A page ends as soon as it is full and, of the signal, each record fills one.
    smallest = min(len(row["signal"]) for row in rows) + 4
    with (folder / file).open("wb") as out:
        pa.parquet.write_table(
            table,
            out,
            row_group_size=len(rows),
            compression=compression,
            compression_level=level,
            use_dictionary=list(WORDS),
            write_statistics=False,
            data_page_size=max(1, min(smallest, _LARGEST_PAGE)),
            write_batch_size=1,
            write_page_checksum=True,
        )
        _settle(out)
    with (folder / pages).open("wb") as out:
        np.save(out, pages_of(folder / file), allow_pickle=False)
        _settle(out)
    return Shard(
        file=file,
        pages=pages,
        n_records=len(rows),
        n_bytes=(folder / file).stat().st_size,
        pages_bytes=(folder / pages).stat().st_size,
        blake2b=checksum(folder / file),
        pages_blake2b=checksum(folder / pages),
    )


def _settle(out: Any) -> None:
    out.flush()
    os.fsync(out.fileno())


def pages_of(path: Path) -> Int64[np.ndarray, "batch 4"]:
    """Find the page of each record in a shard.

    Raises
    ------
    FormatError
        If it is no shard of a store.
    """
    pa = require_pyarrow()
    try:
        with pa.parquet.ParquetFile(path) as file:
            groups = [file.metadata.row_group(k) for k in range(file.metadata.num_row_groups)]
            column = file.schema_arrow.get_field_index("signal")
            places = file.metadata.schema.names.index("signal") if column >= 0 else -1
        with path.open("rb") as opened:
            whole = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
        tables = []
        with whole, memoryview(whole) as content:
            for group in groups:
                chunk = group.column(places)
                first = chunk.data_page_offset
                end = first + chunk.total_compressed_size
                if not 0 < first <= end <= len(content):
                    raise FormatError("a column lies outside of the file")
                tables.append(find_pages(content, first, end, group.num_rows))
        return np.concatenate(tables) if tables else np.empty((0, 4), np.int64)
    except PrecordiaError as error:
        raise FormatError(
            f"'{path.name}' is no shard of a store: {error}. Build it again."
        ) from error
    except (OSError, ValueError, IndexError) as error:
        raise FormatError(
            f"'{path.name}' cannot be read as Parquet ({type(error).__name__}); it is cut short or "
            "damaged. Restore it from a copy, or build the store again."
        ) from error


def read_columns(path: Path, columns: Sequence[str]) -> Any:
    """Read columns of a shard as an Arrow table.

    Raises
    ------
    FormatError
        If the file is damaged, or its columns would fill the memory out of proportion.
    """
    pa = require_pyarrow()
    try:
        with pa.parquet.ParquetFile(path) as file:
            metadata = file.metadata
            unpacked = sum(
                metadata.row_group(k).column(c).total_uncompressed_size
                for k in range(metadata.num_row_groups)
                for c in range(metadata.num_columns)
                if metadata.row_group(k).column(c).path_in_schema.partition(".")[0] in columns
            )
            check_growth(unpacked, path.stat().st_size, name=path.name, what="its columns")
            return file.read(columns=list(columns), use_threads=False)
    except (PrecordiaError, MemoryError):
        raise
    except Exception as error:  # pyarrow raises errors of many kinds for damaged files
        raise FormatError(
            f"'{path.name}' cannot be read as a shard of a store ({type(error).__name__}). It is "
            "missing, cut short or damaged: restore it from a copy, or build the store again."
        ) from error


def checksum(path: Path) -> str:
    """Return the BLAKE2b sum of a file, 16 bytes in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
