# SPDX-License-Identifier: Apache-2.0
"""Rows of an array in an .npz file, read one by one: the array may be larger than memory."""

from __future__ import annotations

import os
import zipfile
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from precordia.core.errors import FormatError


class NpzRows:
    """An array in an ``.npz`` file, of which rows are read.

    Parameters
    ----------
    path
        The file.
    name
        Of the array.

    Raises
    ------
    FormatError
        If there is no such array, or it holds Python objects, which are never unpickled.

    Notes
    -----
    Rows in ascending order cost what they hold. In a compressed file, a step back begins the array
    again, and a step ahead unpacks what lies between.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.npz"
    >>> np.savez_compressed(path, signal=np.arange(12.0).reshape(4, 3))
    >>> rows = NpzRows(path, "signal")
    >>> rows.shape, rows.row(2).tolist(), rows.row(0).tolist()
    ((4, 3), [6.0, 7.0, 8.0], [0.0, 1.0, 2.0])
    """

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name
        try:
            self._zip = zipfile.ZipFile(path)
            self._file = self._zip.open(f"{name}.npy")
            self.shape, fortran, self.dtype = _head(self._file)
            self._start = self._file.tell()
        except (OSError, KeyError, ValueError, zipfile.BadZipFile, zlib.error) as error:
            raise _refusal(path, name, error) from error
        if self.dtype.hasobject or fortran or not self.shape:
            raise _refusal(path, name, "it holds objects, or its rows are not in one piece")
        self._bytes = self.dtype.itemsize * int(np.prod(self.shape[1:], dtype=np.int64))

    def __len__(self) -> int:
        return self.shape[0]

    def row(self, k: int) -> np.ndarray:
        """Return a row.

        Raises
        ------
        FormatError
            If the file ends before it, or is damaged.
        """
        try:
            self._file.seek(self._start + k * self._bytes)
            held = self._file.read(self._bytes)
            if len(held) != self._bytes:
                raise ValueError(f"it ends before row {k} of {len(self)}")
        except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
            raise _refusal(self.path, self.name, error) from error
        return np.frombuffer(held, self.dtype).reshape(self.shape[1:])


def npz_rows(path: Path, name: str) -> NpzRows:
    """Return the rows of an array, of which the files that were opened last stay open."""
    return _opened(path, name, os.getpid())


@lru_cache(maxsize=4)
def _opened(path: Path, name: str, process: int) -> NpzRows:
    """Open an array once a process: places in a file are not to be shared."""
    return NpzRows(path, name)


def _head(file: Any) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(file)
    return np.lib.format.read_array_header_2_0(file)


def _refusal(path: Path, name: str, why: object) -> FormatError:
    return FormatError(
        f"'{path.name}' has no array '{name}' that can be read ({why}). Copy the file again from "
        "where it is published."
    )
