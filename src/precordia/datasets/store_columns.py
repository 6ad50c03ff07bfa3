# SPDX-License-Identifier: Apache-2.0
"""The columns of a store: what each holds, and its type in Parquet."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from precordia.core.errors import MissingExtraError

#: version of the layout; a reader refuses what is newer than itself
SCHEMA = 1

#: name of each column, its Arrow type and what it holds
COLUMNS: dict[str, tuple[str, str]] = {
    "dataset": ("word", "name of the database"),
    "name": ("string", "name of the record in its database"),
    "start_s": ("float64", "where the row begins in its recording, s; 0 unless it was cut"),
    "fs": ("float64", "sampling rate, Hz"),
    "n_samples": ("int64", "samples in each lead"),
    "leads": ("words", "leads in the order of the signal"),
    "absent": ("words", "leads of the recording that hold no sample, left out of the signal"),
    "scale_mv": ("numbers", "what one unit of each lead is, mV"),
    "n_missing": ("int64", "samples that were not recorded; -32768 in the signal"),
    "error_mv": ("float32", "largest difference between stored and given signal, mV; 0: none"),
    "labels": ("words", "classes of the task that the record has"),
    "statements": ("statements", "what the database states: code, scheme, name, likelihood in %"),
    "report": ("string", "free text of the reader"),
    "patient_id": ("string", "key of the patient, for splits; null where nobody knows"),
    "fold": ("word", "published fold; empty where there is none"),
    "age_years": ("float32", "age at the recording; NaN where unknown"),
    "sex": ("word", "female or male; null where unknown"),
    "device": ("word", "device that recorded; empty where unknown"),
    "origin": ("word", "measured, estimated or synthetic"),
    "quality_score": ("float32", "0 (noise) to 1 (clean); NaN where it was not assessed"),
    "acceptable": ("bool", "whether a reader would accept it; null where it was not assessed"),
    "quality_reasons": ("words", "what is wrong with the record as a whole, worst first"),
    "source_file": ("string", "file that it was read from, below the folder of the database"),
    "source_bytes": ("int64", "size of that file"),
    "dataset_version": ("word", "version of the database"),
    "licence": ("word", "licence of the recording"),
    "signal": ("signal", "samples; see `precordia.datasets.store_signal.pack`"),
}
#: columns that hold few different words
WORDS = tuple(name for name, (kind, _) in COLUMNS.items() if kind in ("word", "words"))


def require_pyarrow() -> ModuleType:
    """Import pyarrow with its Parquet part.

    Raises
    ------
    MissingExtraError
        If it is not installed.

    Examples
    --------
    >>> require_pyarrow().__name__
    'pyarrow'
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "a store of recordings is made of Parquet files, which need pyarrow. Install it with: "
            'pip install "precordia[parquet]"'
        ) from error
    return pyarrow


def arrow_schema() -> Any:
    """Return the Arrow schema of a shard.

    Examples
    --------
    >>> arrow_schema().field("signal").nullable
    False
    """
    pa = require_pyarrow()
    statement = pa.struct(
        {"code": pa.string(), "scheme": pa.string(), "name": pa.string(),
         "likelihood": pa.float32()}
    )  # fmt: skip
    kinds = {
        "word": pa.string(),
        "string": pa.string(),
        "words": pa.list_(pa.string()),
        "numbers": pa.list_(pa.float64()),
        "statements": pa.list_(statement),
        "float64": pa.float64(),
        "float32": pa.float32(),
        "int64": pa.int64(),
        "bool": pa.bool_(),
        "signal": pa.binary(),
    }
    # A column that cannot be null has no levels in front of its values: a page of the signal is
    # four bytes of length and the bytes themselves.
    return pa.schema(
        [pa.field(name, kinds[kind], nullable=name != "signal")
         for name, (kind, _) in COLUMNS.items()]
    )  # fmt: skip
