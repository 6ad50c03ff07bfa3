# SPDX-License-Identifier: Apache-2.0
"""What was made of each recording, one after the other on the disk; killed, it goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from precordia.core.errors import OutputError, PrecordiaError
from precordia.core.output import write_text_whole
from precordia.datasets.store_lock import writing
from precordia.workers import LOST, over_all

JOURNAL, DONE = "records.jsonl", "done.json"
#: recordings that travel to a process together
_TOGETHER = 16


def fill_journal(
    folder: Path,
    file: str,
    n: int,
    work: Callable[[int], tuple[bytes, dict[str, Any]]],
    n_bytes: Callable[[dict[str, Any]], int],
    *,
    nothing: dict[str, Any],
    about: dict[str, Any],
    n_jobs: int = 1,
    wait: bool = False,
    watch: Callable[[int, int, str], None] | None = None,
) -> list[dict[str, Any]]:
    """Make what is lacking, and return a line for each recording.

    Parameters
    ----------
    folder, file
        Where the bytes go; the lines are beside them.
    n
        Number of recordings.
    work
        Gives bytes and a line for a recording by its number; is sent to other processes.
    n_bytes
        How many bytes belong to a line.
    nothing
        Line for a recording that broke the process that worked on it; its reason is added.
    about
        What is written when all is done.
    n_jobs
        Processes.
    wait
        Wait for another process that does it.
    watch
        Is told how many are done, of how many, and a few words.

    Raises
    ------
    OutputError
        If another process is at it, or the disk refuses. What is done stays and is gone on from.
    """
    if wait:
        while not (folder / DONE).exists():
            time.sleep(0.2)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / DONE).exists():
            with writing(folder):
                _fill(folder, file, n, work, n_bytes, nothing, n_jobs, watch)
                write_text_whole(json.dumps(about), folder / DONE, overwrite=True)
    except OSError as error:
        if isinstance(error, PrecordiaError):
            raise
        raise OutputError(
            f"'{folder}' could not be written ({error.strerror or error}). Free space; what is "
            "prepared stays and is gone on from."
        ) from error
    return list(_lines(folder))


def _fill(
    folder: Path,
    file: str,
    n: int,
    work: Callable[[int], tuple[bytes, dict[str, Any]]],
    n_bytes: Callable[[dict[str, Any]], int],
    nothing: dict[str, Any],
    n_jobs: int,
    watch: Callable[[int, int, str], None] | None,
) -> None:
    done = _whole_lines(folder, file, n_bytes)
    with (folder / file).open("ab") as held, (folder / JOURNAL).open("ab") as journal:
        held.truncate(sum(n_bytes(line) for line in done))
        journal.truncate(sum(len(_written(line)) for line in done))
        rest = range(len(done), n)
        for number, result in over_all(work, rest, n_jobs=n_jobs, batch=_TOGETHER):
            made, line = result or (b"", nothing | {"reason": LOST})
            held.write(made)
            held.flush()
            journal.write(_written(line))
            journal.flush()
            if watch is not None:
                watch(number + 1, n, "preparing windows")


def _written(line: dict[str, Any]) -> bytes:
    return json.dumps(line).encode() + b"\n"


def _lines(folder: Path) -> Iterator[dict[str, Any]]:
    path = folder / JOURNAL
    for line in path.read_bytes().splitlines(keepends=True) if path.exists() else ():
        if not line.endswith(b"\n"):  # cut off when the process was killed
            return
        try:
            yield json.loads(line)
        except ValueError:
            return


def _whole_lines(
    folder: Path, file: str, n_bytes: Callable[[dict[str, Any]], int]
) -> list[dict[str, Any]]:
    """Return the lines whose bytes are on the disk too."""
    path = folder / file
    left = path.stat().st_size if path.exists() else 0
    done = []
    for line in _lines(folder):
        left -= n_bytes(line)
        if left < 0:
            break
        done.append(line)
    return done
