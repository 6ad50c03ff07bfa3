# SPDX-License-Identifier: Apache-2.0
"""Read the ECG of a Parquet table: a column per lead, or a row per record."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from precordia.core.errors import FormatError, PrecordiaError
from precordia.core.record import Record
from precordia.io.array_facts import folded, is_fact, is_time
from precordia.io.array_growth import check_growth
from precordia.io.array_layout import require_index
from precordia.io.array_metadata import KEY, RecordMetadata, parse_metadata
from precordia.io.array_variables import Variable, Wanted, record_of_variables

#: entries of the schema that hold samples of companions
COMPANION_KEY = "precordia_companion_"
_LABEL = re.compile(r"^(.*?)\s*[(\[]([^()\[\]]*)[)\]]$")
_MOST_COLUMNS = 4096


def read_parquet(
    path: Path,
    *,
    variable: str | None = None,
    fs: float | None = None,
    unit: str | None = None,
    leads: str | Sequence[str] | None = None,
    index: int | None = None,
) -> Record:
    """Read the ECG of a Parquet table.

    Parameters
    ----------
    path
        The file.
    variable
        One column, where only that is the signal.
    fs
        Sampling rate, Hz, where neither the schema nor a time column says it.
    unit
        Unit of the values, where neither the schema nor the names of columns (``"I (uV)"``) say it.
    leads
        Names of the columns of numbers that are not time or index.
    index
        Which row, of a table with a record in each row and a list in each cell.

    Returns
    -------
    The record; empty cells are NaN. Columns that are no lead are companions.

    Raises
    ------
    FormatError
        If the file is damaged, or holds no column of numbers.
    UnitError, SamplingRateError
        If nothing tells the unit or the sampling rate.
    LeadError, OptionError
        If no column is a lead, or an option does not fit.
    MissingExtraError
        If pyarrow is not installed.

    Examples
    --------
    >>> import tempfile
    >>> import pyarrow, pyarrow.parquet
    >>> file = Path(tempfile.mkdtemp(), "a.parquet")
    >>> table = pyarrow.table({"time (s)": [0.0, 0.002, 0.004], "II (uV)": [100, 150, None]})
    >>> pyarrow.parquet.write_table(table, file)
    >>> read_parquet(file).signal
    array([[0.1 , 0.15,  nan]], dtype=float32)
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    name = path.name
    wanted = Wanted(fs=fs, unit=unit, leads=leads)
    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            columns = _columns(schema, variable, name)
            n_rows = file.metadata.num_rows
            size = path.stat().st_size
            check_growth(8 * n_rows * len(columns), size, name=name, what="its columns")
            unpacked = sum(
                file.metadata.row_group(k).total_byte_size
                for k in range(file.metadata.num_row_groups)
            )
            check_growth(unpacked, size, name=name, what="its columns")
            facts = _facts(schema.metadata or {})
            own = facts.pop(KEY, None)
            metadata = parse_metadata(own, name=name) if isinstance(own, str) else None
            table = file.read(columns=columns, use_threads=False)
        lists = [c for c in columns if pa.types.is_list(schema.field(c).type)
                 or pa.types.is_large_list(schema.field(c).type)
                 or pa.types.is_fixed_size_list(schema.field(c).type)]  # fmt: skip
        if lists and metadata is None:
            index = require_index(index, n_rows, name=name)
            cells = {c: table.column(c)[index].values for c in lists}
            if any(cell is None for cell in cells.values()):
                raise FormatError(f"'{name}' has no samples in row {index}. Choose another row.")
            arrays = {c: cell.to_numpy(zero_copy_only=False) for c, cell in cells.items()}
        else:
            arrays = {c: _numbers(table.column(c), schema.field(c).type) for c in columns}
    except (PrecordiaError, MemoryError):
        raise
    except Exception as error:  # pyarrow raises errors of many kinds for damaged files
        raise FormatError(
            f"'{name}' cannot be read as Parquet ({type(error).__name__}). The file is cut short "
            "or damaged: copy it again."
        ) from error
    if not arrays or not any(a.size for a in arrays.values()):
        raise FormatError(f"'{name}' is a table without rows of numbers. Export it again.")
    if metadata is not None:
        variables = _own_variables(metadata, arrays, schema.metadata, name)
    else:
        variables = _variables(arrays, facts, schema, wanted, name, only=variable)
        if variable is not None:
            wanted.variable = "table"
    return record_of_variables(
        variables, facts, wanted, name=name, method="read:parquet", metadata=metadata
    )


def _columns(schema: Any, variable: str | None, name: str) -> list[str]:
    """Return the columns of numbers, times and lists of numbers."""
    import pyarrow.types as kinds

    if len(schema.names) > _MOST_COLUMNS:
        raise FormatError(
            f"'{name}' has {len(schema.names)} columns; at most {_MOST_COLUMNS} are read."
        )
    if len(set(schema.names)) != len(schema.names):
        raise FormatError(f"'{name}' has columns of one name. Rename them.")

    def is_number(kind: Any) -> bool:
        if kinds.is_list(kind) or kinds.is_large_list(kind) or kinds.is_fixed_size_list(kind):
            kind = kind.value_type
        return kinds.is_integer(kind) or kinds.is_floating(kind)

    able = [
        f.name for f in schema
        if is_number(f.type) or kinds.is_timestamp(f.type) or kinds.is_duration(f.type)
    ]  # fmt: skip
    if variable is None:
        return able
    if variable not in able:
        shown = ", ".join(repr(c)[:40] for c in able[:12]) or "none"
        raise FormatError(f"'{name}' has no column of numbers '{variable[:40]}'; it has {shown}.")
    return [c for c in able if c == variable or is_time(_label(c)[0])]


def _label(column: str) -> tuple[str, str]:
    """Return name and unit of a column such as ``"II (uV)"``."""
    found = _LABEL.match(column)
    return (found[1], found[2]) if found else (column, "")


def _facts(metadata: dict[bytes, bytes]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for key, value in metadata.items():
        spelled = key.decode("utf-8", "replace")
        if spelled == "PANDAS_ATTRS":
            try:
                held = json.loads(value)
            except (ValueError, RecursionError):
                continue
            facts |= held if isinstance(held, dict) else {}
        elif spelled not in ("pandas", "ARROW:schema") and not spelled.startswith(COMPANION_KEY):
            facts[spelled] = value.decode("utf-8", "replace")
    return facts


def _numbers(column: Any, kind: Any) -> np.ndarray:
    """Return a column as numbers, seconds where it holds times."""
    import pyarrow.types as kinds

    values = column.to_numpy()
    if kinds.is_timestamp(kind) or kinds.is_duration(kind):
        values = values.astype(f"{values.dtype.kind}8[ns]")
        whole = values.astype(np.int64)
        return np.where(np.isnat(values), np.nan, (whole - (whole[0] if whole.size else 0)) / 1e9)
    return values


def _own_variables(
    metadata: RecordMetadata, arrays: dict[str, np.ndarray], held: dict[bytes, bytes], name: str
) -> list[Variable]:
    missing = [lead for lead in metadata.hollow.leads if lead not in arrays]
    if missing:
        raise FormatError(f"'{name}' lacks the column of lead {missing[0][:20]!r}. Write it again.")
    rows = np.stack([arrays[lead] for lead in metadata.hollow.leads])
    found = [_variable("signal", rows, {})]
    for said in metadata.companions:
        key = said["array"]
        raw = held.get((COMPANION_KEY + key).encode())
        if raw is not None:
            values = np.frombuffer(raw, "<f4", len(raw) // 4)
        elif key in arrays:
            values = arrays[key]
        else:
            continue
        found.append(_variable(key, values, {}))
    return found


def _variables(
    arrays: dict[str, np.ndarray], facts: dict[str, Any], schema: Any, wanted: Wanted, name: str,
    *, only: str | None,
) -> list[Variable]:  # fmt: skip
    """Return the columns that may be leads as one array, and the column of times."""
    found, rows, labels, units = [], [], [], []
    for column, values in arrays.items():
        label, unit = _label(column)
        own = {k.decode("latin-1"): v for k, v in (schema.field(column).metadata or {}).items()}
        unit = unit or own.get("unit", b"").decode("utf-8", "replace")
        if column != only and is_time(label):
            is_clock = str(schema.field(column).type).startswith(("timestamp", "duration"))
            found.append(_variable("time", values, {"unit": "s" if is_clock else unit}))
        elif column == only or not (
            is_fact(label) or folded(label) in ("", "sample", "indexlevel0")
        ):
            rows.append(values)
            labels.append(label)
            units.append(unit)
    lengths = {len(row) for row in rows}
    if not rows or len(lengths) != 1 or 0 in lengths:
        raise FormatError(
            f"'{name}' has no columns of numbers of one length. Name one with variable=."
        )
    said = facts.pop("leads", None)
    if isinstance(said, list) and len(said) == len(labels):
        labels = [str(text) for text in said]
    attributes = {"leads": labels, "axes": "lead sample", "row_units": units}
    found.append(_variable("table", np.stack(rows), attributes))
    return found


def _variable(key: str, values: np.ndarray, attributes: dict[str, Any]) -> Variable:
    return Variable(
        key, values.shape, values.dtype.kind,
        lambda index: values if index is None else values[index], attributes,
    )  # fmt: skip
