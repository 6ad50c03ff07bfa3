# SPDX-License-Identifier: Apache-2.0
"""Vectors of many recordings as one file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from precordia.core.embedding import Embedding
from precordia.core.errors import MissingExtraError, OptionError
from precordia.core.output import whole_file

Rows = Sequence[tuple[str, Embedding]]


def vector_writer(path: Path) -> Callable[[Rows, Path, bool], None]:
    """Return what writes the file that a suffix asks for, before any work is done.

    Raises
    ------
    OptionError
        If the suffix is neither ``.npz`` nor ``.parquet``.
    MissingExtraError
        If Parquet is asked for and pyarrow is not installed.
    """
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return write_npz
    if suffix != ".parquet":
        raise OptionError(
            f"vectors are written as .npz or .parquet; '{path.name}' ends otherwise. Choose one of "
            "these endings."
        )
    try:
        import pyarrow  # noqa: F401 - asked for now, so that it is not missed after an hour
    except ImportError:
        raise MissingExtraError(
            'writing Parquet needs pyarrow. Install it with: pip install "precordia[parquet]", '
            "or write a .npz."
        ) from None
    return write_parquet


def write_npz(rows: Rows, path: Path, overwrite: bool) -> None:
    """Write vectors as NumPy arrays.

    ``vector`` (record, dim); ``path`` and ``caution`` (record,), the latter empty where nothing is
    doubtful; ``model`` and ``version``, the same for all.
    """
    dim = rows[0][1].dim if rows else 0
    vectors = np.array([e.vector for _, e in rows], np.float32).reshape(len(rows), dim)
    with whole_file(path, overwrite=overwrite) as part, part.open("wb") as file:
        np.savez(
            file,
            vector=vectors,
            path=np.array([name for name, _ in rows], str),
            caution=np.array([" ".join(_cautions(e)) for _, e in rows], str),
            model=np.array(rows[0][1].model if rows else ""),
            version=np.array(rows[0][1].source.version if rows else ""),
        )


def write_parquet(rows: Rows, path: Path, overwrite: bool) -> None:
    """Write vectors as Parquet.

    Columns ``path``, ``model``, ``version`` of its weights, ``caution`` (a list of sentences) and
    ``vector`` (a list of numbers).
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    dim = rows[0][1].dim if rows else 1
    flat = np.array([e.vector for _, e in rows], np.float32).ravel()
    columns = {
        "path": pa.array([name for name, _ in rows], pa.string()),
        "model": pa.array([e.model for _, e in rows], pa.string()),
        "version": pa.array([e.source.version for _, e in rows], pa.string()),
        "caution": pa.array([_cautions(e) for _, e in rows], pa.list_(pa.string())),
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(flat), dim),
    }
    with whole_file(path, overwrite=overwrite) as part:
        pq.write_table(pa.table(columns), part, compression="zstd")


def _cautions(embedding: Embedding) -> list[str]:
    """Return what makes a vector doubtful, as sentences."""
    said = [text[:1].upper() + text[1:] for text in embedding.source.warnings]
    return [text if text.endswith(".") else f"{text}." for text in said]
