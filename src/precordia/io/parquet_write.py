# SPDX-License-Identifier: Apache-2.0
"""Write a record as a Parquet table."""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path

import numpy as np

from precordia.core.errors import MissingExtraError, OutputError
from precordia.core.output import write_whole
from precordia.core.record import Record
from precordia.io.array_metadata import KEY, metadata_of
from precordia.io.parquet import COMPANION_KEY

#: companions at another rate are kept in the schema up to this size
_MOST_COMPANION_BYTES = 16 << 20


def write_parquet(
    record: Record,
    path: str | os.PathLike[str],
    *,
    identifiers: bool = False,
    overwrite: bool = False,
) -> Path:
    """Write a record as a Parquet table, a column per lead and a row per sample.

    Columns are float32 millivolts. The schema holds ``fs``, ``unit`` and, under ``precordia``, a
    JSON text of all else, so that the table is the bare signal to pandas, polars and others.

    Parameters
    ----------
    record
        What to write.
    path
        The file.
    identifiers
        Write the patient's identifier, name and date of birth too, and header entries that may
        name people or places.
    overwrite
        Replace a file that is there.

    Returns
    -------
    The file.

    Raises
    ------
    OutputError
        If the file exists or cannot be written, or the record is empty.
    MissingExtraError
        If pyarrow is not installed.

    Warns
    -----
    UserWarning
        Once, naming what was left out.

    Notes
    -----
    Samples come back bit for bit; a missing sample is NaN, not null. Companions at the rate and of
    the length of the leads are columns of their own, others stand in the schema.

    Examples
    --------
    >>> import tempfile
    >>> from precordia.io.parquet import read_parquet
    >>> record = Record(signal=np.array([[0.1, np.nan]]), fs=500.0, leads=("II",))
    >>> read_parquet(write_parquet(record, Path(tempfile.mkdtemp(), "a.parquet"))).signal
    array([[0.1, nan]], dtype=float32)
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingExtraError(
            "writing Parquet tables needs pyarrow. Install it with: "
            'pip install "precordia[parquet]"'
        ) from error

    place = Path(path)
    if record.n_leads == 0 or record.n_samples == 0:
        raise OutputError("the record has no samples; a table needs at least one lead and one row.")
    lost: list[str] = []
    columns = dict(zip(record.leads, record.signal, strict=True))
    units = dict.fromkeys(record.leads, "mV")
    schema: dict[str, str | bytes] = {"fs": repr(record.fs), "unit": "mV"}
    kept, names = [], []
    for number, other in enumerate(record.companions, 1):
        values = np.asarray(other.signal, "<f4")
        key = f"companion_{number}"
        if other.fs == record.fs and values.size == record.n_samples:
            key = other.name if other.name and other.name not in columns else key
            if key in columns:
                key = f"{key} #{number}"
            columns[key], units[key] = values, other.unit
        elif values.nbytes <= _MOST_COMPANION_BYTES:
            schema[COMPANION_KEY + key] = values.tobytes()
        else:
            lost.append(f"companion '{other.name}' (another rate, and long)")
            continue
        kept.append(other)
        names.append(key)
    if len(kept) < len(record.companions):
        import dataclasses

        record = dataclasses.replace(record, companions=tuple(kept))
    schema[KEY] = metadata_of(record, identifiers=identifiers, companion_arrays=names, lost=lost)
    fields = [
        pa.field(key, pa.float32(), metadata={"unit": unit} if unit else None)
        for key, unit in units.items()
    ]
    table = pa.Table.from_arrays(
        [pa.array(np.ascontiguousarray(row, np.float32)) for row in columns.values()],
        schema=pa.schema(fields, metadata=schema),
    )
    buffer = io.BytesIO()
    pq.write_table(table, buffer, use_dictionary=False)
    write_whole({str(place): buffer.getvalue()}, overwrite=overwrite)
    if lost:
        warnings.warn(
            f"left out: {'; '.join(lost)}. '{place.name}' was written without.", stacklevel=3
        )
    return place
