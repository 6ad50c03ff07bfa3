# SPDX-License-Identifier: Apache-2.0
"""Read the ECG of a Zarr store, which is a folder."""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from precordia.core.errors import FormatError, PrecordiaError
from precordia.core.record import Record
from precordia.io.array_facts import fact_of_array
from precordia.io.array_growth import check_growth
from precordia.io.array_variables import Variable, Wanted, record_of_variables

#: files that mark a folder as a store
MARKS = ("zarr.json", ".zarray", ".zgroup")
_MOST_ARRAYS = 1000


def read_zarr_store(
    path: Path,
    *,
    variable: str | None = None,
    fs: float | None = None,
    unit: str | None = None,
    leads: str | Sequence[str] | None = None,
    axes: str | Sequence[str] | None = None,
    index: int | None = None,
) -> Record:
    """Read the ECG of a Zarr store of version 2 or 3.

    Parameters
    ----------
    path
        The folder.
    variable
        Which array is the signal, such as ``"ecg"`` or ``"group/ecg"``.
    fs
        Sampling rate, Hz, where no attribute or array says it.
    unit
        Unit of the values, where no attribute or array says it: ``"mV"``, ``"uV"``.
    leads
        Names of the rows, where no attribute or array says them.
    axes
        What each dimension is, where neither names of dimensions nor lengths tell.
    index
        Which record of an array of many, from 0.

    Returns
    -------
    The record.

    Raises
    ------
    FormatError
        If the folder is no store or damaged, or holds no array of real numbers.
    UnitError, SamplingRateError
        If nothing tells the unit or the sampling rate.
    OptionError, LeadError
        If it is open which array, dimension or record is meant, or an option does not fit.
    MissingExtraError
        If zarr is not installed.

    Notes
    -----
    Of an array of many records only the one that is wanted is read. A chunk that is absent stands
    for the fill value of its array; where that is a number, an absent chunk cannot be told from a
    lost one, and the array is refused unless it has all its chunks or its fill value is NaN.

    Examples
    --------
    >>> import tempfile
    >>> import zarr
    >>> path = Path(tempfile.mkdtemp(), "a.zarr")
    >>> array = zarr.create_array(path, shape=(2, 5000), dtype="f4", fill_value=float("nan"))
    >>> array.attrs.update({"fs": 500, "unit": "mV", "leads": ["I", "II"]})
    >>> read_zarr_store(path)
    Record(2 leads (I, II), 10 s at 500 Hz, measured)
    """
    import zarr

    name = path.name
    wanted = Wanted(variable=variable, fs=fs, unit=unit, leads=leads, axes=axes, index=index)
    if not is_store(path):
        raise FormatError(
            f"'{name}' is no Zarr store: it lacks {', '.join(MARKS)}. Name the folder that has one."
        )
    variables: list[Variable] = []
    facts: dict[str, Any] = {}
    try:
        root = zarr.open(str(path), mode="r")
        if isinstance(root, zarr.Array):
            arrays = [("array", root, path)]
            wanted.variable = None if variable == "array" else variable
        else:
            facts.update(_plain(root.attrs))
            arrays = []
            for key, member in root.members(max_depth=4):
                if isinstance(member, zarr.Array):
                    arrays.append((key, member, path / key))
                if len(arrays) > _MOST_ARRAYS:
                    raise FormatError(f"'{name}' holds more than {_MOST_ARRAYS} arrays.")
        for key, array, folder in arrays:
            _add(key, array, folder, name, variables, facts)
        return record_of_variables(variables, facts, wanted, name=name, method="read:zarr")
    except (PrecordiaError, MemoryError):
        raise
    except Exception as error:  # codecs and stores raise errors of many kinds
        raise FormatError(
            f"'{name}' cannot be read as Zarr ({type(error).__name__}). The store is incomplete or "
            "damaged: copy it again."
        ) from error


def is_store(path: str | os.PathLike[str]) -> bool:
    """Tell whether a folder is a Zarr store.

    Examples
    --------
    >>> is_store(".")
    False
    """
    return any(os.path.isfile(os.path.join(path, mark)) for mark in MARKS)  # noqa: PTH113, PTH118


def _add(
    key: str, array: Any, folder: Path, name: str, variables: list[Variable], facts: dict[str, Any]
) -> None:
    dtype = np.dtype(array.dtype) if isinstance(array.dtype, np.dtype) else None
    shape = tuple(array.shape)
    load = functools.partial(_load, array, folder, name, key)
    attributes = _plain(array.attrs)
    dimensions = getattr(array.metadata, "dimension_names", None) or attributes.pop(
        "_ARRAY_DIMENSIONS", None
    )
    if dimensions and all(isinstance(d, str) for d in dimensions):
        attributes.setdefault("axes", " ".join(dimensions))
    is_text = dtype is None or dtype.kind in "USOT"
    if math.prod(shape) <= (4096 if is_text else 64):
        facts[key] = _fact(load(None))
    if dtype is not None and dtype.kind in "fiu" and shape:
        variables.append(Variable(key, shape, dtype.kind, load, attributes))


def _fact(array: np.ndarray) -> Any:
    if array.dtype.kind in "OT":
        texts = [str(v) for v in array.ravel().tolist()]
        return texts[0] if array.ndim == 0 and texts else texts
    return fact_of_array(array)


def _load(array: Any, folder: Path, name: str, key: str, index: int | None) -> np.ndarray:
    """Read an array, or one entry of its first dimension."""
    shape = array.shape if index is None else array.shape[1:]
    itemsize = getattr(array.dtype, "itemsize", 0) or 8
    needed = max(math.prod(shape), math.prod(array.chunks)) * itemsize
    stored = _stored(folder)
    check_growth(needed, stored, name=name, what=f"array '{key[:40]}'")
    fill = array.fill_value
    if array.nchunks_initialized < array.nchunks and not (
        isinstance(fill, (float, np.floating)) and fill != fill
    ):
        raise FormatError(
            f"'{name}' lacks {array.nchunks - array.nchunks_initialized} of {array.nchunks} chunks "
            f"of array '{key[:40]}', for which the value {fill!r} would stand. Copy the store "
            "again, or write it with NaN as its fill value."
        )
    return np.asarray(array[...] if index is None else array[index])


def _stored(folder: Path) -> int:
    total = 0
    for where, _, files in os.walk(folder):
        total += sum(os.path.getsize(os.path.join(where, f)) for f in files)  # noqa: PTH118, PTH202
    return total


def _plain(attributes: Any) -> dict[str, Any]:
    return {
        key: value for key, value in dict(attributes).items()
        if isinstance(value, (str, int, float, list))
    }  # fmt: skip
