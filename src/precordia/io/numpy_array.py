# SPDX-License-Identifier: Apache-2.0
"""Read the ECG of a NumPy array file (.npy) or archive (.npz)."""

from __future__ import annotations

import functools
import math
import re
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from precordia.core.errors import FormatError
from precordia.core.record import Record
from precordia.io.array_facts import fact_of_array
from precordia.io.array_growth import check_growth
from precordia.io.array_metadata import KEY, parse_metadata
from precordia.io.array_variables import Variable, Wanted, record_of_variables

_MAGIC = b"\x93NUMPY"
_DESCRIPTION = re.compile(
    r"\{\s*'descr':\s*'([<>|=][a-zA-Z]\d{1,9})',\s*'fortran_order':\s*(True|False),"
    r"\s*'shape':\s*\(([\dL, ]*)\),?\s*\}\s*$"
)
_LONGEST_HEADER = 4096
_MOST_ARRAYS = 1000
_UNPACKING = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError,
              OSError, ValueError, OverflowError, ImportError)  # fmt: skip


class _Header(NamedTuple):
    dtype: np.dtype
    fortran: bool
    shape: tuple[int, ...]
    start: int

    @property
    def n_bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def read_numpy_array(
    path: Path,
    *,
    variable: str | None = None,
    fs: float | None = None,
    unit: str | None = None,
    leads: str | Sequence[str] | None = None,
    axes: str | Sequence[str] | None = None,
    index: int | None = None,
) -> Record:
    """Read the ECG of a NumPy array file or archive.

    Parameters
    ----------
    path
        The file, ``.npy`` or ``.npz``.
    variable
        Which array of an archive is the signal.
    fs
        Sampling rate, Hz, where the archive does not say it (as ``fs``, ``sampling_rate``, ...).
    unit
        Unit of the values, where the archive does not say it: ``"mV"``, ``"uV"``, ``"4.88 uV"``.
    leads
        Names of the rows, where the archive does not say them.
    axes
        What each dimension is, where lengths do not tell: ``"sample lead"``.
    index
        Which record of an array of many, from 0.

    Returns
    -------
    The record; of an archive of ours with all that it carries.

    Raises
    ------
    FormatError
        If the file is damaged, holds Python objects, or no array of real numbers.
    UnitError, SamplingRateError
        If nothing tells the unit or the sampling rate.
    OptionError, LeadError
        If it is open which array, dimension or record is meant, or an option does not fit.

    Notes
    -----
    Nothing is unpickled. Lengths are compared with the bytes that are there before memory is
    taken, and an archive that grows beyond any recording is refused. Of an array of many records
    only the one that is wanted is read, where it is not compressed.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp(), "a.npy")
    >>> np.save(file, np.zeros((5000, 2)))
    >>> read_numpy_array(file, fs=500, unit="mV", leads=["I", "II"])
    Record(2 leads (I, II), 10 s at 500 Hz, measured)
    """
    wanted = Wanted(variable=variable, fs=fs, unit=unit, leads=leads, axes=axes, index=index)
    with path.open("rb") as file:
        alone = file.read(6) == _MAGIC
    if alone:
        size = path.stat().st_size
        with path.open("rb") as file:
            header = _header(file, size, path.name, "its array")
        if header.n_bytes > size - header.start:
            raise FormatError(
                f"'{path.name}' declares {header.n_bytes:,} bytes and holds {size - header.start:,}"
                "; all are needed. The file is cut short: copy it again."
            )
        load = functools.partial(_load_part, path, header)
        only = Variable("array", header.shape, header.dtype.kind, load)
        wanted.variable = None if variable == "array" else variable
        return record_of_variables([only], {}, wanted, name=path.name, method="read:numpy")
    return _read_archive(path, wanted)


def _read_archive(path: Path, wanted: Wanted) -> Record:
    name = path.name
    variables: list[Variable] = []
    facts: dict[str, Any] = {}
    try:
        archive = zipfile.ZipFile(path)
    except _UNPACKING as error:
        raise _damaged(name, error) from None
    with archive:
        entries = [entry for entry in archive.infolist() if entry.filename.endswith(".npy")]
        if len(entries) > _MOST_ARRAYS:
            raise FormatError(
                f"'{name}' holds {len(entries)} arrays; at most {_MOST_ARRAYS} are read. Write the "
                "signal to a file of its own."
            )
        for entry in entries:
            key = entry.filename[:-4]
            load = functools.partial(_load_entry, archive, entry, name)
            try:
                with archive.open(entry) as file:
                    header = _header(file, entry.file_size, name, f"array '{key[:40]}'")
            except FormatError:
                continue  # an array of objects or fields: others may be the signal
            except _UNPACKING as error:
                raise _damaged(name, error) from None
            if header.dtype.kind in "US" or len(header.shape) == 0 or max(header.shape) <= 1:
                if header.n_bytes <= 1 << 26 or key == KEY:
                    facts[key] = fact_of_array(load(None))
            else:
                variables.append(Variable(key, header.shape, header.dtype.kind, load))
        own = facts.pop(KEY, None)
        metadata = parse_metadata(own, name=name) if isinstance(own, str) else None
        if metadata is not None:
            # What a record of one sample or one lead is made of looks like single numbers.
            seen = {v.name for v in variables}
            for key in ["signal", *(c["array"] for c in metadata.companions)]:
                entry = next((e for e in entries if e.filename == key + ".npy"), None)
                if entry is not None and key not in seen:
                    array = _load_entry(archive, entry, name, None)
                    variables.append(Variable(key, array.shape, array.dtype.kind, _constant(array)))
        return record_of_variables(
            variables, facts, wanted, name=name, method="read:numpy", metadata=metadata
        )


def _constant(array: np.ndarray) -> Callable[[int | None], np.ndarray]:
    return lambda index: array if index is None else array[index]


def _header(file: BinaryIO | Any, size: int, name: str, what: str) -> _Header:
    """Return what the first bytes of an array say."""
    head = file.read(12)
    if head[:6] != _MAGIC or len(head) < 12 or head[6] not in (1, 2, 3):
        raise FormatError(f"'{name}' holds no NumPy array where {what} should be. Write it again.")
    wide = head[6] > 1
    length = int.from_bytes(head[8 : 12 if wide else 10], "little")
    start = (12 if wide else 10) + length
    if not 8 <= length <= _LONGEST_HEADER or start > size:
        raise FormatError(f"'{name}' is cut short or damaged in the header of {what}.")
    text = (head[12 if wide else 10 :] + file.read(start - 12)).decode("latin-1")
    found = _DESCRIPTION.match(text)
    if found is None:
        raise FormatError(
            f"'{name}' holds Python objects or a table of fields in {what}; an array of numbers is "
            "needed. Save the signal as one."
        )
    lengths = [int(n) for n in re.findall(r"\d+", found[3])]
    try:
        dtype = np.dtype(found[1])
    except (TypeError, ValueError):
        dtype = np.dtype(object)
    if dtype.kind not in "fiubcUS" or len(lengths) > 8 or any(n > 1 << 48 for n in lengths):
        raise FormatError(
            f"'{name}' holds values of type {found[1]!r} in {what}; numbers are needed. Save the "
            "signal as float32."
        )
    return _Header(dtype, found[2] == "True", tuple(lengths), start)


def _load_part(path: Path, header: _Header, index: int | None) -> np.ndarray:
    """Read an array file, or one entry of its first dimension."""
    shape, start, count = header.shape, header.start, math.prod(header.shape)
    if index is not None and not header.fortran:
        shape = shape[1:]
        count = math.prod(shape)
        start += index * count * header.dtype.itemsize
    with path.open("rb") as file:
        file.seek(start)
        content = file.read(count * header.dtype.itemsize)
    array = _shaped(content, header, shape)
    return array[index] if index is not None and header.fortran else array


def _load_entry(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, index: int | None
) -> np.ndarray:
    """Read an array of an archive, after comparing its lengths with what is stored."""
    key = entry.filename[:-4][:40]
    try:
        with archive.open(entry) as file:
            header = _header(file, entry.file_size, name, f"array '{key}'")
            if header.n_bytes > entry.file_size - header.start:
                raise FormatError(
                    f"'{name}' declares {header.n_bytes:,} bytes for array '{key}' and holds "
                    f"{entry.file_size - header.start:,}. The file is damaged: write it again."
                )
            check_growth(header.n_bytes, entry.compress_size, name=name, what=f"array '{key}'")
            content = file.read(header.n_bytes)
            file.read(1)  # at the end of an entry its checksum is compared
        array = _shaped(content, header, header.shape)
    except FormatError:
        raise
    except _UNPACKING as error:
        raise _damaged(name, error) from None
    return array if index is None else array[index]


def _shaped(content: bytes, header: _Header, shape: tuple[int, ...]) -> np.ndarray:
    flat = np.frombuffer(content, header.dtype, math.prod(shape))
    return flat.reshape(shape, order="F" if header.fortran else "C")


def _damaged(name: str, error: Exception) -> FormatError:
    return FormatError(
        f"'{name}' cannot be unpacked ({type(error).__name__}). The archive is cut short or "
        "damaged: copy or write it again."
    )
