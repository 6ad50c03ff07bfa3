# SPDX-License-Identifier: Apache-2.0
"""Rows of results: one number each with all that is needed to repeat it, only ever appended."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from precordia.core.errors import FormatError, OutputError
from precordia.core.output import write_text_whole
from precordia.core.value import Value

ROWS_FILE = "rows.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRow(Value):
    """One number of one method on one task.

    Attributes
    ----------
    run
        Key of the run that it is of: a hash of everything that decides the result.
    piece
        Which of how many rows of the run, such as ``"3/40"``: a run that was cut off is seen.
    kind
        ``"measured"``, ``"mean of seeds"``, ``"difference"`` or ``"published, not run"``.
    task, database, database_version
        What was asked, of what.
    data_hash
        Of names, patients, classes and labels of all records.
    split, split_hash
        How records were divided, and a hash of the records in each part.
    model, mode
        What was measured: an encoder and how its embeddings were used, or a baseline.
    settings
        Options of the architecture and settings of the training that are not the usual ones.
    weights_hash
        Of the trained weights.
    weights_from
        Hash of the weights that the model began with; empty where these were random. It tells
        apart two models of one name, which seeds of one model are not.
    labels
        Share of the training patients whose labels were used, and what that was in records.
    n_labelled
        Training records whose labels were used.
    seed
        Of the run; empty for a mean of seeds.
    subject
        ``"all"``, a class, a subgroup, a set of leads, a level of noise.
    metric, value, low, high
        The number and its 95 % interval over patients; NaN where there is none.
    n_records, n_patients, n_positive
        What it rests on.
    contaminated
        Databases of the model's training that hold records of this one; empty where none is known.
    note
        What has to be known to read it right; for a NaN the reason.
    input
        Fingerprint of the prepared input.
    architecture
        Of the network; empty for a baseline.
    version, commit, hardware, minutes, date
        Of this package, the source tree, the machine; how long the run took, and when.
    """

    run: str
    metric: str
    value: float
    piece: str = "1/1"
    kind: str = "measured"
    task: str = ""
    database: str = ""
    database_version: str = ""
    data_hash: str = ""
    split: str = ""
    split_hash: str = ""
    model: str = ""
    mode: str = ""
    settings: str = ""
    weights_hash: str = ""
    labels: str = ""
    n_labelled: int = 0
    seed: str = ""
    subject: str = "all"
    low: float = math.nan
    high: float = math.nan
    n_records: int = 0
    n_patients: int = 0
    n_positive: int = 0
    contaminated: str = ""
    note: str = ""
    input: str = ""
    version: str = ""
    commit: str = ""
    hardware: str = ""
    minutes: float = math.nan
    date: str = ""
    weights_from: str = ""
    architecture: str = ""

    @property
    def method(self) -> tuple[str, ...]:
        """What rows of one method have in common, whatever the seed."""
        own = (self.model, self.mode, self.settings, self.labels, self.input)
        return (*own, self.weights_from)

    @property
    def division(self) -> tuple[str, ...]:
        """What rows that may be compared have in common; folds of a cross-validation are one."""
        return (self.database, self.task, self.split.partition(", fold ")[0], self.data_hash)

    def __str__(self) -> str:
        if not math.isfinite(self.value):
            return "–"
        ends = ""
        if math.isfinite(self.low) and math.isfinite(self.high):
            ends = f" [{self.low:.3f}, {self.high:.3f}]"
        return f"{self.value:.3f}{ends}"


def told_apart(rows: Iterable[ResultRow]) -> list[ResultRow]:
    """Return rows in which two models of one name have the hash of their weights behind it.

    Examples
    --------
    >>> one = ResultRow(run="a", metric="m", value=1, model="run", weights_from="0a1b2c3d4e5f")
    >>> other = dataclasses.replace(one, weights_from="ffff00000000")
    >>> [row.model for row in told_apart([one, other])], told_apart([one])[0].model
    (['run 0a1b2c', 'run ffff00'], 'run')
    """
    held = list(rows)
    weights: dict[str, set[str]] = {}
    for row in held:
        weights.setdefault(row.model, set()).add(row.weights_from)
    return [
        dataclasses.replace(row, model=f"{row.model} {row.weights_from[:6]}".rstrip())
        if len(weights[row.model]) > 1
        else row
        for row in held
    ]


def run_key(**decides: Any) -> str:
    """Return sixteen digits of a hash of all that decides a result.

    Examples
    --------
    >>> run_key(seed=1, model="a") == run_key(model="a", seed=1)
    True
    """
    text = json.dumps(decides, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def append_rows(rows: Sequence[ResultRow], folder: str | Path) -> Path:
    """Append the rows of one run to ``rows.jsonl`` of a folder, at one stroke.

    Parameters
    ----------
    rows
        All rows of the run; each is told how many there are.
    folder
        Made where it is not there.

    Returns
    -------
    The file.

    Raises
    ------
    OutputError
        If it cannot be written.

    Notes
    -----
    A run that is killed while it writes leaves fewer rows than they say; `read_rows` leaves those
    out, and the run is made again.
    """
    place = Path(folder) / ROWS_FILE
    n = len(rows)
    lines = [
        dataclasses.replace(row, piece=f"{k}/{n}").to_json() for k, row in enumerate(rows, start=1)
    ]
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(place, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            size = os.fstat(handle).st_size
            torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
            os.write(handle, (("\n" if torn else "") + "\n".join(lines) + "\n").encode())
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise OutputError(
            f"'{place}' cannot be written ({error.strerror}); results are appended there. Name "
            "another folder."
        ) from error
    return place


def read_rows(place: str | Path) -> list[ResultRow]:
    """Read rows of results; those of runs that were cut off are left out.

    Parameters
    ----------
    place
        ``rows.jsonl``, or the folder that holds it.

    Raises
    ------
    FormatError
        If there is no such file, or no line of it is a row.
    """
    path = Path(place)
    path = path / ROWS_FILE if path.is_dir() else path
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(
            f"'{path}' cannot be read ({error}); the rows of a benchmark are needed there. Give "
            "the folder that was named as --output."
        ) from None
    rows, torn = [], []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            rows.append(ResultRow.from_json(line))
        except FormatError as error:
            torn.append((number, str(error)))
    if torn and not rows:
        raise FormatError(
            f"line {torn[0][0]} of '{path}' is no row of results ({torn[0][1]}). Give rows.jsonl "
            "of a benchmark."
        )
    return _complete(rows)


def _complete(rows: list[ResultRow]) -> list[ResultRow]:
    """Return rows of whole runs; of a run that was made twice, the later rows."""
    pieces: dict[str, dict[str, ResultRow]] = {}
    for row in rows:
        of_run = pieces.setdefault(row.run, {})
        if row.piece.startswith("1/"):
            of_run.clear()
        of_run[row.piece] = row
    found = []
    for of_run in pieces.values():
        wanted = int(next(iter(of_run)).partition("/")[2])
        if len(of_run) == wanted:
            found += of_run.values()
    return found


def latest_rows(rows: Iterable[ResultRow]) -> list[ResultRow]:
    """Return rows without summaries that later ones replace, such as means of fewer seeds.

    Examples
    --------
    >>> old = ResultRow(run="a", metric="m", value=1, kind="mean of seeds", model="x")
    >>> new = dataclasses.replace(old, run="b", value=2)
    >>> [row.value for row in latest_rows([old, new])]
    [2]
    """
    held: dict[tuple, ResultRow] = {}
    for row in rows:
        whole = row.run if row.kind == "measured" else ""
        held[whole, row.kind, row.metric, row.subject, row.method, row.division] = row
    return list(held.values())


def write_rows_csv(rows: Iterable[ResultRow], path: str | Path, *, overwrite: bool = False) -> Path:
    """Write rows as CSV; NaN is empty.

    Raises
    ------
    OutputError
        If the file is there already, or cannot be written.
    """
    names = [f.name for f in dataclasses.fields(ResultRow)]
    text = io.StringIO()
    table = csv.DictWriter(text, names, lineterminator="\n")
    table.writeheader()
    for row in rows:
        cells = {name: getattr(row, name) for name in names}
        blank = {k: "" for k, v in cells.items() if isinstance(v, float) and not math.isfinite(v)}
        table.writerow(cells | blank)
    return write_text_whole(text.getvalue(), path, overwrite=overwrite)
