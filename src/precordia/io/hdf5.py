# SPDX-License-Identifier: Apache-2.0
"""Read the ECG of an HDF5 file."""

from __future__ import annotations

import contextlib
import functools
import math
import mmap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from precordia.core.errors import FormatError, PrecordiaError
from precordia.core.record import Record
from precordia.io.array_facts import fact_of_array
from precordia.io.array_growth import check_growth
from precordia.io.array_variables import Variable, Wanted, record_of_variables
from precordia.io.hdf5_texts import Hdf5Texts, texts_of_dataset

_MAX_DEPTH = 8
_MOST_ARRAYS = 5000
_FACT_BYTES = 1 << 20


def read_hdf5(
    path: Path,
    *,
    variable: str | None = None,
    fs: float | None = None,
    unit: str | None = None,
    leads: str | Sequence[str] | None = None,
    axes: str | Sequence[str] | None = None,
    index: int | None = None,
) -> Record:
    """Read the ECG of an HDF5 file.

    Parameters
    ----------
    path
        The file.
    variable
        Which dataset is the signal, such as ``"tracings"`` or ``"group/ecg"``.
    fs
        Sampling rate, Hz, where no attribute or dataset says it.
    unit
        Unit of the values, where no attribute or dataset says it: ``"mV"``, ``"uV"``.
    leads
        Names of the rows, where no attribute or dataset says them.
    axes
        What each dimension is, where lengths do not tell: ``"record sample lead"``.
    index
        Which record of a dataset of many, from 0.

    Returns
    -------
    The record.

    Raises
    ------
    FormatError
        If the file is damaged, or holds no dataset of real numbers.
    UnitError, SamplingRateError
        If nothing tells the unit or the sampling rate.
    OptionError, LeadError
        If it is open which dataset, dimension or record is meant, or an option does not fit.
    MissingExtraError
        If h5py is not installed.

    Notes
    -----
    Of a dataset of many records only the one that is wanted is read. Links to other files, and
    data that are stored in other files, are not followed.

    Examples
    --------
    >>> import tempfile
    >>> import h5py
    >>> path = Path(tempfile.mkdtemp(), "a.h5")
    >>> with h5py.File(path, "w") as file:
    ...     file["tracings"] = np.zeros((3, 4096, 2))
    ...     file["tracings"].attrs["fs"] = 400
    >>> read_hdf5(path, unit="mV", leads=["I", "II"], index=2)
    Record(2 leads (I, II), 10.24 s at 400 Hz, measured)
    """
    wanted = Wanted(variable=variable, fs=fs, unit=unit, leads=leads, axes=axes, index=index)
    return read_container(path, wanted, method="read:hdf5", as_matlab=False)


def read_container(path: Path, wanted: Wanted, *, method: str, as_matlab: bool) -> Record:
    """Read the ECG of an HDF5 container, which a MATLAB file of version 7.3 is too.

    Parameters
    ----------
    path
        The file.
    wanted
        What the user says.
    method
        Name of the reader.
    as_matlab
        Whether dimensions are in MATLAB's order and texts are arrays of numbers.
    """
    import h5py

    try:
        with contextlib.ExitStack() as opened:
            file = opened.enter_context(h5py.File(path, "r"))
            content = opened.enter_context(_bytes_of(path))
            walk = _Walk(path.name, content, file.userblock_size, as_matlab=as_matlab)
            walk.group(file, "", 0)
            return record_of_variables(
                walk.variables, walk.facts, wanted, name=path.name, method=method
            )
    except (PrecordiaError, MemoryError):
        raise
    except Exception as error:  # h5py passes on whatever the HDF5 library met
        raise FormatError(
            f"'{path.name}' cannot be read as HDF5 ({type(error).__name__}). The file is cut short "
            "or damaged: copy it again."
        ) from error


class _Walk:
    """Walk over the groups of a file, and list what is in them."""

    def __init__(self, name: str, content: Any, user_block: int, *, as_matlab: bool) -> None:
        self.name = name
        self.as_matlab = as_matlab
        self.size = len(content)
        self.user_block = user_block
        self.texts = Hdf5Texts(content, user_block)
        self.variables: list[Variable] = []
        self.facts: dict[str, Any] = {}
        self.seen: set[Any] = set()

    def group(self, group: Any, prefix: str, depth: int) -> None:
        import h5py

        if depth > _MAX_DEPTH:
            return
        self.facts.update(
            {prefix + key: value for key, value in self.attributes(group).items()
             if not key.startswith(("MATLAB", "H5"))}
        )  # fmt: skip
        for key in group:
            if key.startswith("#") or len(self.variables) + len(self.facts) > _MOST_ARRAYS:
                continue
            link = group.get(key, getlink=True)
            if not isinstance(link, h5py.HardLink):
                continue  # to another place or another file
            child = group[key]
            identity = h5py.h5o.get_info(child.id).addr
            if identity in self.seen:
                continue
            self.seen.add(identity)
            if isinstance(child, h5py.Group):
                self.group(child, f"{prefix}{key}/", depth + 1)
            elif isinstance(child, h5py.Dataset):
                self.dataset(child, prefix + key)

    def dataset(self, dataset: Any, key: str) -> None:
        if dataset.shape is None or dataset.external or dataset.is_virtual:
            return
        attributes = self.attributes(dataset)
        kind = dataset.dtype.kind
        n_bytes = math.prod(dataset.shape) * max(1, dataset.dtype.itemsize)
        if n_bytes <= _FACT_BYTES and self._is_small(dataset, kind, attributes):
            said = self.fact(dataset, attributes)
            if said is not None:
                self.facts[key] = said
        is_text = self.as_matlab and attributes.get("MATLAB_class") in ("char", "cell")
        if kind in "fiu" and len(dataset.shape) > 0 and not is_text:
            shape = dataset.shape[::-1] if self.as_matlab else dataset.shape
            if self.as_matlab and len(shape) == 2 and 1 in shape:
                shape = (math.prod(shape),)
            load = functools.partial(self.load, dataset, key, shape)
            self.variables.append(Variable(key, shape, kind, load, attributes))

    def _is_small(self, dataset: Any, kind: str, attributes: dict[str, Any]) -> bool:
        texts = kind in "SUO" or attributes.get("MATLAB_class") in ("char", "cell")
        return math.prod(dataset.shape) <= (4096 if texts else 64)

    def attributes(self, owner: Any) -> dict[str, Any]:
        """Return the attributes that are numbers or texts."""
        import h5py

        found: dict[str, Any] = {}
        for key in owner.attrs:
            kind = owner.attrs.get_id(key)
            count = math.prod(kind.shape)
            if count > 4096 or count * kind.dtype.itemsize > _FACT_BYTES:
                continue
            if kind.dtype.kind == "O":
                if h5py.check_string_dtype(kind.dtype) is None:
                    continue
                header = h5py.h5o.get_info(owner.id).addr
                said = self.texts.attribute(header, key, count)
                if said is not None:
                    found[key] = said[0] if kind.shape == () else said
            elif kind.dtype.kind in "fiubSU":
                found[key] = fact_of_array(np.asarray(owner.attrs[key]))
        return found

    def fact(self, dataset: Any, attributes: dict[str, Any]) -> Any:
        """Return a small dataset as numbers or texts."""
        import h5py

        kind = attributes.get("MATLAB_class") if self.as_matlab else None
        if kind == "char":
            return _characters(dataset[()])
        if kind == "cell" and h5py.check_ref_dtype(dataset.dtype) is h5py.Reference:
            found = []
            for reference in dataset[()].ravel(order="C"):
                entry = dataset.file[reference] if reference else None
                if not isinstance(entry, h5py.Dataset) or math.prod(entry.shape) > 4096:
                    return None
                if self.attributes(entry).get("MATLAB_class") != "char":
                    return None
                found.append(_characters(entry[()]))
            return found
        if dataset.dtype.kind == "O":
            if h5py.check_string_dtype(dataset.dtype) is None:
                return None
            said = texts_of_dataset(dataset, self.texts, user_block=self.user_block)
            return said[0] if said and dataset.shape == () else said
        return fact_of_array(np.asarray(dataset[()]))

    def load(self, dataset: Any, key: str, shape: tuple[int, ...], index: int | None) -> np.ndarray:
        """Read a dataset, or one entry of the first of its dimensions as they are shown."""
        part = index is not None and not self.as_matlab
        n_bytes = math.prod(dataset.shape[1:] if part else dataset.shape) * dataset.dtype.itemsize
        if dataset.chunks:
            n_bytes = max(n_bytes, math.prod(dataset.chunks) * dataset.dtype.itemsize)
        stored = dataset.id.get_storage_size()
        if stored == 0 and n_bytes:
            raise FormatError(
                f"'{self.name}' declares dataset '{key[:40]}' and holds none of its samples. Copy "
                "or write the file again."
            )
        check_growth(n_bytes, min(stored, self.size), name=self.name, what=f"'{key[:40]}'")
        if part:
            return np.asarray(dataset[index])
        whole = np.asarray(dataset[()])
        if self.as_matlab:
            whole = whole.T.reshape(shape)
        return whole if index is None else whole[index]


@contextlib.contextmanager
def _bytes_of(path: Path) -> Iterator[mmap.mmap]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        yield content


def _characters(codes: np.ndarray) -> str:
    """Return the text of an array of character codes."""
    if codes.dtype.kind not in "iu":
        return ""
    return "".join(chr(c) if 0 < c < 0xD800 else "?" for c in codes.ravel(order="C").tolist())
