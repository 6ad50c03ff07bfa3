# SPDX-License-Identifier: Apache-2.0
"""Write a record as a NumPy archive that describes itself."""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path

import numpy as np

from precordia.core.errors import OutputError
from precordia.core.output import write_whole
from precordia.core.record import Record
from precordia.io.array_metadata import KEY, metadata_of


def write_numpy_array(
    record: Record,
    path: str | os.PathLike[str],
    *,
    identifiers: bool = False,
    compress: bool = True,
    overwrite: bool = False,
) -> Path:
    """Write a record as a NumPy archive (.npz).

    The archive holds ``signal`` (lead, sample) in float32 millivolts, ``fs``, ``leads`` and
    ``unit``, the samples of companions, and under ``precordia`` a JSON text (UTF-8) of all else.
    None of it is pickled: ``numpy.load`` opens it as it is.

    Parameters
    ----------
    record
        What to write.
    path
        The file, which ends in ``.npz``.
    identifiers
        Write the patient's identifier, name and date of birth too, and header entries that may
        name people or places.
    compress
        Compress the arrays.
    overwrite
        Replace a file that is there.

    Returns
    -------
    The file.

    Raises
    ------
    OutputError
        If the file exists or cannot be written, or the record is empty.

    Warns
    -----
    UserWarning
        Where header entries that may name people or places were left out.

    Notes
    -----
    Samples come back bit for bit, NaN among them; so do companions, annotations, statements,
    fiducials and the median beat.

    Examples
    --------
    >>> import tempfile
    >>> record = Record(signal=np.array([[0.1, np.nan]]), fs=500.0, leads=("II",))
    >>> file = write_numpy_array(record, Path(tempfile.mkdtemp(), "a.npz"))
    >>> held = np.load(file)
    >>> held["signal"], float(held["fs"]), held["leads"].tolist(), str(held["unit"])
    (array([[0.1, nan]], dtype=float32), 500.0, ['II'], 'mV')
    """
    place = Path(path)
    if record.n_leads == 0 or record.n_samples == 0:
        raise OutputError("the record has no samples; an archive needs at least one of them.")
    if place.suffix.lower() != ".npz":
        raise OutputError(
            f"'{place.name}' is no archive of arrays; a bare array would lose rate, unit and "
            "leads. End the name in .npz."
        )
    lost: list[str] = []
    names = [f"companion_{k + 1}" for k in range(len(record.companions))]
    text = metadata_of(record, identifiers=identifiers, companion_arrays=names, lost=lost)
    arrays = {
        "signal": np.ascontiguousarray(record.signal, "<f4"),
        "fs": np.float64(record.fs),
        "leads": np.array(record.leads, str),
        "unit": np.array("mV"),
        **{
            name: np.asarray(other.signal, "<f4")
            for name, other in zip(names, record.companions, strict=True)
        },
        KEY: np.array(text.encode()),
    }
    buffer = io.BytesIO()
    (np.savez_compressed if compress else np.savez)(buffer, **arrays)
    write_whole({str(place): buffer.getvalue()}, overwrite=overwrite)
    if lost:
        warnings.warn(f"left out: {'; '.join(lost)}. '{place.name}' was written without.",
                      stacklevel=3)  # fmt: skip
    return place
