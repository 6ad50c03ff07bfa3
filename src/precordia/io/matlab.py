# SPDX-License-Identifier: Apache-2.0
"""Read the ECG of a MATLAB file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from precordia.core.record import Record
from precordia.io.array_facts import fact_of_array
from precordia.io.array_variables import Variable, Wanted, record_of_variables
from precordia.io.matlab_elements import parse_matlab

_HDF5 = b"\x89HDF\r\n\x1a\n"


def read_matlab(
    path: Path,
    *,
    variable: str | None = None,
    fs: float | None = None,
    unit: str | None = None,
    leads: str | Sequence[str] | None = None,
    axes: str | Sequence[str] | None = None,
    index: int | None = None,
) -> Record:
    """Read the ECG of a MATLAB file of any version.

    Parameters
    ----------
    path
        The file. A WFDB header beside it, as in the challenges of PhysioNet, is read by
        `read` instead.
    variable
        Which array is the signal, such as ``"ECG.data"`` for a field of a structure.
    fs
        Sampling rate, Hz, where no variable says it (``Fs``, ``sampling_rate``, ``time``, ...).
    unit
        Unit of the values, where no variable says it: ``"mV"``, ``"uV"``, ``"4.88 uV"``.
    leads
        Names of the rows, where no variable says them.
    axes
        What each dimension is, where lengths do not tell: ``"sample lead"``.
    index
        Which record of an array of many, from 0.

    Returns
    -------
    The record.

    Raises
    ------
    FormatError
        If the file is damaged or holds no array of real numbers.
    UnitError, SamplingRateError
        If nothing tells the unit or the sampling rate.
    OptionError, LeadError
        If it is open which array, dimension or record is meant, or an option does not fit.
    MissingExtraError
        If the file is of version 7.3, which is HDF5, and h5py is not installed.

    Notes
    -----
    Versions 4 to 7 are parsed here; nothing in them is executed or called. Dimensions are in the
    order that MATLAB shows, in version 7.3 too.

    Examples
    --------
    >>> import tempfile
    >>> from scipy.io import savemat
    >>> file = Path(tempfile.mkdtemp(), "a.mat")
    >>> savemat(file, {"val": np.zeros((2, 5000)), "Fs": 500, "units": "mV"})
    >>> read_matlab(file, leads=["I", "II"])
    Record(2 leads (I, II), 10 s at 500 Hz, measured)
    """
    wanted = Wanted(variable=variable, fs=fs, unit=unit, leads=leads, axes=axes, index=index)
    with path.open("rb") as file:
        head = file.read(520)
    if head[512:520] == _HDF5 or head[:8] == _HDF5:
        from precordia.io.hdf5 import read_container

        return read_container(path, wanted, method="read:matlab", as_matlab=True)
    held = parse_matlab(path.read_bytes(), name=path.name)
    facts = dict(held.facts)
    variables = []
    for key, array in held.arrays.items():
        variables.append(Variable(key, _without_ones(array).shape, array.dtype.kind, _part(array)))
        if array.size <= 64:
            facts.setdefault(key, fact_of_array(array))
    return record_of_variables(variables, facts, wanted, name=path.name, method="read:matlab")


def _without_ones(array: np.ndarray) -> np.ndarray:
    """Return a vector as one: MATLAB has no arrays of one dimension."""
    return array.ravel() if array.ndim == 2 and 1 in array.shape else array


def _part(array: np.ndarray) -> Callable[[int | None], np.ndarray]:
    plain = _without_ones(array)
    return lambda index: plain if index is None else plain[index]
