# SPDX-License-Identifier: Apache-2.0
"""One's own recordings in a folder, with a table of labels and patients."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from precordia.core.errors import OptionError
from precordia.core.record import Patient
from precordia.core.statements import Statement
from precordia.datasets.found import Found, counted, such_as
from precordia.datasets.item import Item
from precordia.datasets.label_table import age_of, below, read_table, sex_of

#: what tables of numbers write for nothing, folded
_NAN = "nan"
#: the names of folds, as the card has them
_FOLDS = ("train", "validation", "test")


def find_folder(
    folder: Path,
    *,
    task: str,
    table: Path | str = "labels.csv",
    path_column: str = "path",
    label_column: str = "label",
    patient_column: str = "patient_id",
    separator: str = ";",
    scheme: str = "text",
    reading: Mapping[str, Any] | str | int | None = None,
) -> Found:
    """Find one's own recordings.

    Parameters
    ----------
    folder
        Holds the recordings, in any format that `precordia.read` reads.
    task
        labels.
    table
        A CSV table, of a path below the folder.
    path_column, label_column, patient_column
        Its columns. Columns ``age``, ``sex``, ``fold`` and ``report`` are used where they are
        there; folds are train, validation and test. Without the column of patients each record
        counts as a patient of its own, which is said. A path may leave out ``.hea`` of a WFDB
        header.
    separator
        What stands between several labels in a cell.
    scheme
        Coding scheme of the labels, such as ``"scp-ecg"`` or ``"snomed-ct"``.
    reading
        Options for `precordia.read`, such as ``{"unit": "uV"}``; anything else is refused.

    Returns
    -------
    What was found. Recordings that no row names are counted in the remarks. An empty cell of
    labels means none of the classes; a row whose label is nan is left out and counted.

    Raises
    ------
    FormatError
        If the table is missing or lacks a column, or a path leads out of the folder.
    OptionError
        If what reading takes is no table.
    """
    from precordia.io.find import find_recordings

    if reading is not None and not isinstance(reading, Mapping):
        raise OptionError(
            f"reading is {reading!r}; a table of options for reading is needed, such as "
            '{unit = "uV"}.'
        )
    own = Path(table) if Path(table).is_absolute() else folder / table
    found = Found(items=[], keep_empty=True)
    unknown = []
    ageless = 0
    for row in read_table(own, (path_column, label_column), own=True):
        name = _name_of(folder, row[path_column])
        if row[label_column].lower() == _NAN:
            unknown.append(name)
            continue
        age = age_of(row.get("age", ""))
        ageless += math.isnan(age) and row.get("age", "").lower() not in ("", _NAN)
        labels = [x.strip() for x in row[label_column].split(separator)]
        labels = [x for x in dict.fromkeys(labels) if x]
        found.items.append(
            Item(
                name=name,
                path=below(folder, name),
                patient=Patient(
                    patient_id=row.get(patient_column) or None,
                    age_years=age,
                    sex=sex_of(row.get("sex", "")),
                ),
                labels=tuple(labels),
                statements=tuple(Statement(code=x, scheme=scheme) for x in labels),
                fold=row.get("fold", ""),
                report=row.get("report", ""),
                reading=dict(reading or {}),
            )
        )
    _remark_folds(found)
    if ageless:
        found.remark(
            "age-unknown",
            f"{counted(ageless, 'age')} that {'is' if ageless == 1 else 'are'} no "
            "number of years from 0 to 130; taken as unknown.",
        )
    if unknown:
        found.remark(
            "label-unknown",
            f"{counted(len(unknown), 'row')} whose label is {_NAN} ({such_as(unknown)}), which "
            "says nothing; left out. An empty cell means: none of the classes.",
        )
    named = {item.path for item in found.items} | {below(folder, name) for name in unknown}
    stems = {path.with_suffix("") for path in named}
    found.unlabelled = [
        str(path.relative_to(folder))
        for path in map(Path, find_recordings(folder))
        if path not in named and path.with_suffix("") not in stems and path != own
    ]
    return found


def _name_of(folder: Path, written: str) -> str:
    """Return the one name of a recording that a table may write in several ways.

    So that ``./a.hea``, ``a.dat`` and ``a`` are one record and not three of them.
    """
    path = below(folder, written)
    header = path.with_name(path.name + ".hea")
    if path.suffix == ".dat":
        header = path.with_suffix(".hea")
    if (path.suffix == ".dat" or not path.exists()) and header.is_file():
        path = header
    return path.relative_to(folder).as_posix()


def _remark_folds(found: Found) -> None:
    """Tell of folds that no part of a split is made of, such as a misspelt one."""
    strange = [item.fold for item in found.items if item.fold and item.fold not in _FOLDS]
    if strange:
        names = such_as(list(dict.fromkeys(strange)))
        found.remark(
            "fold-unknown",
            f"{counted(len(strange), 'record')} in folds of another name than "
            f"{', '.join(_FOLDS)} ({names}); the published split leaves them out.",
        )
