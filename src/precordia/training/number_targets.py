# SPDX-License-Identifier: Apache-2.0
"""Numbers that a model learns to give: the age that a database states, and what is measured."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float

import precordia
from precordia.core.errors import OptionError, OutputError, PrecordiaError, unknown_name
from precordia.core.measurements import Measurements
from precordia.core.record import Record
from precordia.datasets.store_lock import writing
from precordia.measurement.measure import measure
from precordia.training.record_source import RecordSource
from precordia.workers import over_all

AGE = "age_years"
#: degrees go round, so that their mean and their difference mean little
MEASURED = tuple(
    f.name for f in fields(Measurements) if f.type == "float" and not f.name.endswith("_deg")
)
NUMBERS = (AGE, *MEASURED)
_FILE = "numbers.jsonl"
#: recordings that travel to a process together
_TOGETHER = 16


def check_numbers(names: Sequence[str]) -> None:
    """Refuse names of numbers that nobody knows.

    Raises
    ------
    UnknownNameError, OptionError
        If a name is unknown (the nearest is told), or stands twice.

    Examples
    --------
    >>> check_numbers(["age_years", "qrs_ms"])
    """
    for name in names:
        if name not in NUMBERS:
            raise unknown_name("number to learn", str(name), NUMBERS, listing=", ".join(NUMBERS))
    if len(set(names)) != len(names):
        raise OptionError("a number to learn is named twice; each may stand once.")


def numbers_of(
    source: RecordSource,
    names: Sequence[str],
    cache: str | Path,
    *,
    n_jobs: int = 1,
    wait: bool = False,
    watch: Callable[[int, int, str], None] | None = None,
) -> Float[np.ndarray, "batch output"]:
    """Return numbers of each recording, NaN where unknown.

    Parameters
    ----------
    source
        The recordings.
    names
        ``"age_years"`` as the database states it, and numbers of
        `precordia.core.measurements.Measurements`, measured on the whole recording.
    cache
        Folder; what was measured before is read from there.
    n_jobs
        Processes that measure.
    wait
        Wait for another process that measures.
    watch
        Is told how many are done, of how many, and a few words.

    Raises
    ------
    OutputError
        If another process is at it, or the disk refuses. What is done stays and is gone on from.

    Examples
    --------
    >>> import tempfile
    >>> from precordia.training.record_source import simulated_source
    >>> source = simulated_source(2, ["sinus", "left-bundle-block"])
    >>> qrs_ms = numbers_of(source, ["qrs_ms"], tempfile.mkdtemp())[:, 0]
    >>> bool(qrs_ms[1] > 120 > qrs_ms[0])
    True
    """
    check_numbers(names)
    known = {AGE: source.ages}
    if any(name in MEASURED for name in names):
        folder = Path(cache) / f"numbers-{precordia.__version__}-{source.fingerprint}"
        try:
            known |= _measured(source, folder, n_jobs, wait, watch)
        except OSError as error:
            if isinstance(error, PrecordiaError):
                raise
            raise OutputError(
                f"'{folder}' could not be written ({error.strerror or error}). Free space; what "
                "is measured stays and is gone on from."
            ) from error
    return np.stack([known[name] for name in names], axis=1)


def _measured(
    source: RecordSource,
    folder: Path,
    n_jobs: int,
    wait: bool,
    watch: Callable[[int, int, str], None] | None,
) -> dict[str, Float[np.ndarray, " batch"]]:
    path = folder / _FILE
    while wait and len(_rows(path)) < len(source):
        time.sleep(0.2)
    if len(_rows(path)) < len(source):
        folder.mkdir(parents=True, exist_ok=True)
        with writing(folder):
            _measure_rest(source, path, n_jobs, watch)
    table = np.array(_rows(path), float)  # null becomes NaN
    return dict(zip(MEASURED, table.T, strict=True))


def _measure_rest(
    source: RecordSource,
    path: Path,
    n_jobs: int,
    watch: Callable[[int, int, str], None] | None,
) -> None:
    done = _rows(path)
    with path.open("ab") as file:
        file.truncate(sum(len(_line(row)) for row in done))
        rest = range(len(done), len(source))
        work = partial(_measured_one, source.read)
        for number, row in over_all(work, rest, n_jobs=n_jobs, batch=_TOGETHER):
            file.write(_line(row or [None] * len(MEASURED)))
            file.flush()
            if watch is not None:
                watch(number + 1, len(source), "measuring")


def _measured_one(read: Callable[[int], Record], number: int) -> list[float | None]:
    try:
        held = measure(read(number))
    except PrecordiaError:  # whether it can be trained on is for the windows to say
        return [None] * len(MEASURED)
    values = [float(getattr(held, name)) for name in MEASURED]
    return [value if math.isfinite(value) else None for value in values]


def _line(row: list[float | None]) -> bytes:
    return json.dumps(row).encode() + b"\n"


def _rows(path: Path) -> list[list[float | None]]:
    """Return whole lines; one that was cut off when a process was killed ends them."""
    rows = []
    for line in path.read_bytes().splitlines(keepends=True) if path.exists() else ():
        try:
            row = json.loads(line)
        except ValueError:
            break
        if not line.endswith(b"\n") or not isinstance(row, list) or len(row) != len(MEASURED):
            break
        rows.append(row)
    return rows
