# SPDX-License-Identifier: Apache-2.0
"""Write a record in any format that can hold one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from precordia.core.errors import OptionError, OutputError
from precordia.core.record import Record
from precordia.io.formats import FORMATS, Format, require_format
from precordia.io.reader_table import check_options, load_function


def write(
    record: Record,
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    overwrite: bool = False,
    **options: Any,
) -> Path:
    """Write a record; the ending of the file name decides the format.

    The file appears whole or not at all. What the format cannot hold is named in a warning.
    Names and identifiers of the patient are written only where the writer is told to.

    Parameters
    ----------
    record
        What to write.
    path
        The new file: ``.edf``, ``.hea`` (WFDB), ``.dcm``, ``.csv``, ``.npz``, ``.parquet``, ...
    format
        Name of a format, where the ending should not decide.
    overwrite
        Replace a file that is there.
    **options
        What the writer of the format takes.

    Returns
    -------
    The file that holds the record; for WFDB the header.

    Raises
    ------
    OutputError
        If no writer is known for the ending, a file exists already, the folder is missing, may
        not be written or is full, or the format cannot hold the record.
    OptionError
        If the writer of the format does not take an option.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> record = Record(signal=np.zeros((1, 500)), fs=500.0, leads=("II",))
    >>> write(record, Path(tempfile.mkdtemp(), "flat.csv")).name
    'flat.csv'
    """
    if not isinstance(record, Record):
        raise OptionError(
            f"a {type(record).__name__} arrived where a Record was needed. Read one with read(), "
            "or make it with Record(signal=..., fs=..., leads=...)."
        )
    try:
        place = Path(os.fsdecode(path))
    except TypeError:
        raise OptionError(
            f"a {type(path).__name__} arrived where the path of a file was needed. Give a string "
            "or a pathlib.Path."
        ) from None
    row = require_format(format) if format is not None else _by_suffix(place)
    if row.writer is None:
        raise OutputError(
            f"{row.title} files are not written. Choose one of {_endings()}, or name a format "
            "with format=."
        )
    if "\0" in str(place) or not place.name:
        raise OutputError(f"'{place}' is no name of a file. Give one that ends in {_endings()}.")
    if place.is_dir():
        raise OutputError(f"'{place}' is a folder. Give the name of a file in it.")
    if not place.parent.is_dir():
        raise OutputError(f"there is no folder '{place.parent}'. Make it first.")
    writer = load_function(row.writer)
    check_options("writing", row, writer, {"overwrite": overwrite, **options})
    try:
        return writer(record, place, overwrite=overwrite, **options)
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(
            f"'{place.name}' cannot be written ({error.strerror or error}). Check that the folder "
            "may be written and has room."
        ) from error


def _by_suffix(place: Path) -> Format:
    suffix = place.suffix.lower()
    for row in FORMATS:
        if suffix in row.suffixes and row.writer is not None:
            return row
    what = f"'{suffix}' files are" if suffix else "a file name without an ending is"
    raise OutputError(
        f"{what} not written. Choose one of {_endings()}, or name a format with format= (--to)."
    )


def _endings() -> str:
    return ", ".join(row.suffixes[0] for row in FORMATS if row.writer is not None and row.suffixes)
