# SPDX-License-Identifier: Apache-2.0
"""Read the tables and headers that databases publish their labels in."""

from __future__ import annotations

import csv
import gzip
import os
import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from precordia.core.errors import FormatError
from precordia.core.record import Sex
from precordia.io.wfdb_comments import Remarked, parse_comments

#: a larger table is not one of these databases'
_MOST_BYTES = 2 << 30
_MOST_HEADER_BYTES = 1 << 20


def read_table(
    path: Path,
    columns: Sequence[str] = (),
    *,
    names: Sequence[str] | None = None,
    only: Sequence[str] | None = None,
    own: bool = False,
) -> list[dict[str, str]]:
    """Read a CSV table.

    Parameters
    ----------
    path
        The table.
    columns
        Columns that must be there.
    names
        Names of the columns, where the table has no line of names.
    only
        Columns that are kept, where a table is long; all by default.
    own
        Whether the table is the user's, and not that of a published database. Then rows of nothing
        but empty cells are passed over, and a row with more cells than names is refused.

    Returns
    -------
    One dict a row; cells are text without blanks around it, missing ones are empty.

    Raises
    ------
    FormatError
        If the table is missing, no text, lacks a column or, where it is the user's, has one twice
        or a row that is too long.
    """
    return list(walk_table(path, columns, names=names, only=only, own=own))


def walk_table(
    path: Path,
    columns: Sequence[str] = (),
    *,
    names: Sequence[str] | None = None,
    only: Sequence[str] | None = None,
    own: bool = False,
    most_bytes: int = _MOST_BYTES,
) -> Iterator[dict[str, str]]:
    """Give the rows of a CSV table one by one, as `read_table` does all at once.

    Tables whose name ends in ``.gz`` are unpacked on the way. A larger file than ``most_bytes`` is
    refused.
    """
    try:
        if path.stat().st_size > most_bytes:
            raise FormatError(f"'{path.name}' is larger than any table of labels. Check the file.")
        unpack = gzip.open if path.suffix == ".gz" else open
        with unpack(path, "rt", encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, fieldnames=names, strict=True)
            held = [name or "" for name in reader.fieldnames or ()]
            _check_columns(path, columns, held, own=own)
            wanted = frozenset(held if only is None else only)
            for row in reader:
                if own:
                    _check_length(path, row, reader.line_num)
                    if not any(cell and cell.strip() for cell in row.values()):
                        continue
                yield {k: (v or "").strip() for k, v in row.items() if k in wanted}
    except FileNotFoundError:
        advice = "Copy it from where the database is published."
        if own:
            advice = f"Write one, in CSV, with the columns {', '.join(columns)}."
        raise FormatError(
            f"there is no table '{path}'; the labels are needed there. {advice}"
        ) from None
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        advice = "Save it as CSV in UTF-8." if own else "Copy it again from where it is published."
        raise FormatError(f"'{path.name}' is no CSV table ({error}). {advice}") from error


def _check_columns(
    path: Path, columns: Sequence[str], held: Sequence[str], *, own: bool = False
) -> None:
    lacking = [name for name in columns if name not in held]
    if not lacking:
        twice = [name for name in dict.fromkeys(held) if name and held.count(name) > 1]
        if own and twice:
            raise FormatError(
                f"'{path.name}' has the column {', '.join(twice)} more than once. Which is meant? "
                "Give each column a name of its own."
            )
        return
    between = next((sign for sign in (";", "\t") if len(held) == 1 and sign in held[0]), "")
    if between:
        advice = "Its cells stand between semicolons or tabs: save it with commas."
    elif own:
        advice = (
            "Name the columns so, or say which they are with the options of the loader, such as "
            "path_column=FILE."
        )
    else:
        advice = "Compare it with the published table."
    raise FormatError(
        f"'{path.name}' lacks the column{'s' if len(lacking) > 1 else ''} "
        f"{', '.join(lacking)}; it has {', '.join(held[:12]) or 'none'}. {advice}"
    )


def _check_length(path: Path, row: dict[Any, Any], line: int) -> None:
    """Refuse a row with cells beyond the names: what stands in which column is not known then."""
    beyond = row.get(None)
    if beyond and any(cell.strip() for cell in beyond):
        n_named = len(row) - 1
        raise FormatError(
            f"line {line} of '{path.name}' has {n_named + len(beyond)} cells and the first line "
            f"{n_named}. Put a cell that holds a comma between quotation marks."
        )


def find_files(folder: Path, pattern: str) -> list[Path]:
    """Return the files below a folder whose whole name matches, in the order of their names.

    Links to folders are not followed.
    """
    wanted = re.compile(pattern)
    found = []
    for place, _, names in os.walk(folder):
        found += [Path(place, name) for name in names if wanted.fullmatch(name)]
    return sorted(found, key=lambda p: (_natural(p.name), str(p)))


def _natural(name: str) -> tuple[tuple[int, int | str], ...]:
    pieces = re.findall(r"\d+|\D+", name)
    return tuple((0, int(p)) if p.isdigit() else (1, p) for p in pieces)


def read_header_comments(path: Path) -> Remarked:
    """Take patient and statements from the comment lines of a WFDB header, not the signal.

    Raises
    ------
    FormatError
        If the header cannot be read.
    """
    return parse_comments([line.lstrip("# \t") for line in header_comments(path)])


def header_comments(path: Path) -> list[str]:
    """Return the comment lines of a WFDB header."""
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_HEADER_BYTES).decode("utf-8", errors="replace")
    except OSError as error:
        raise FormatError(f"'{path.name}' cannot be read ({error.strerror}).") from error
    return [line.strip() for line in text.splitlines() if line.lstrip().startswith("#")]


def age_of(text: str) -> float:
    """Return an age in years, NaN where the cell is empty or no number of a human age.

    Examples
    --------
    >>> age_of("56.0"), age_of("")
    (56.0, nan)
    """
    try:
        age = float(text)
    except ValueError:
        return float("nan")
    return age if 0 <= age <= 130 else float("nan")


def sex_of(text: str) -> Sex | None:
    """Return the sex that a cell says.

    Examples
    --------
    >>> sex_of("F"), sex_of("Male"), sex_of("Unknown")
    ('female', 'male', None)
    """
    first = text.strip().lower()
    if first in ("f", "female"):
        return "female"
    return "male" if first in ("m", "male") else None


def below(folder: Path, name: str) -> Path:
    """Return the path below a folder that a table names.

    Raises
    ------
    FormatError
        If it is empty, absolute, or leads out of the folder.

    Examples
    --------
    >>> below(Path("ptbxl"), "records100/00000/00001_lr.hea").name
    '00001_lr.hea'
    """
    parts = PurePosixPath(name).parts
    if not parts or not name.isprintable() or any(part in ("..", "/") for part in parts):
        raise FormatError(
            f"a table of labels names the file '{name[:80]}'; a path below the folder is needed. "
            "Correct the table."
        )
    return folder.joinpath(*parts)
