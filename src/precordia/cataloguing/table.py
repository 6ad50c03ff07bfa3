# SPDX-License-Identifier: Apache-2.0
"""A catalogue as a table: Parquet for programs, CSV for everything else; row by row."""

from __future__ import annotations

import csv
import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from precordia.cataloguing.row import CatalogueRow
from precordia.core.errors import MissingExtraError, OptionError
from precordia.core.output import whole_file

#: rows of a group of a Parquet file, which is all that is in memory at a time
_GROUP = 5000
_COLUMNS = {f.name: f.type for f in dataclasses.fields(CatalogueRow)}


def table_writer(path: Path) -> Callable[[Iterable[CatalogueRow], Path, bool], None]:
    """Return what writes the table that a suffix asks for, before any work is done.

    Raises
    ------
    OptionError
        If the suffix is neither ``.parquet`` nor ``.csv``.
    MissingExtraError
        If Parquet is asked for and pyarrow is not installed.
    """
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return write_csv_table
    if suffix != ".parquet":
        raise OptionError(
            f"a catalogue is written as .parquet or .csv; '{path.name}' ends otherwise. Choose "
            "one of these endings."
        )
    try:
        import pyarrow  # noqa: F401 - asked for now, so that it is not missed after an hour
    except ImportError:
        raise MissingExtraError(
            'writing Parquet needs pyarrow. Install it with: pip install "precordia[parquet]", '
            "or write a .csv."
        ) from None
    return write_parquet_table


def write_parquet_table(rows: Iterable[CatalogueRow], path: Path, overwrite: bool) -> None:
    """Write rows as Parquet, in groups; absent numbers are null, lists are lists."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {"str": pa.string(), "int": pa.int64(), "float": pa.float64()}
    types |= {"bool | None": pa.bool_(), "tuple[str, ...]": pa.list_(pa.string())}
    schema = pa.schema([(name, types[str(kind)]) for name, kind in _COLUMNS.items()])
    with (
        whole_file(path, overwrite=overwrite) as part,
        pq.ParquetWriter(part, schema, compression="zstd") as writer,
    ):
        for group in _groups(rows):
            columns = {name: [_cell(row, name) for row in group] for name in _COLUMNS}
            writer.write_table(pa.Table.from_pydict(columns, schema))


def write_csv_table(rows: Iterable[CatalogueRow], path: Path, overwrite: bool) -> None:
    """Write rows as CSV; absent numbers are empty, lists are joined by semicolons."""
    with (
        whole_file(path, overwrite=overwrite) as part,
        part.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for row in rows:
            writer.writerow(_plain(_cell(row, name)) for name in _COLUMNS)


def _groups(rows: Iterable[CatalogueRow]) -> Iterator[list[CatalogueRow]]:
    rest = iter(rows)
    while group := list(islice(rest, _GROUP)):
        yield group


def _cell(row: CatalogueRow, name: str) -> Any:
    value = getattr(row, name)
    return None if isinstance(value, float) and math.isnan(value) else value


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return ";".join(text.replace(";", ",") for text in value)
    return "" if value is None else value


def list_columns() -> tuple[str, ...]:
    """List the columns of a catalogue.

    Examples
    --------
    >>> list_columns()[:3]
    ('file', 'format', 'n_bytes')
    """
    return tuple(_COLUMNS)
