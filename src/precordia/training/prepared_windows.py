# SPDX-License-Identifier: Apache-2.0
"""Windows of many recordings, prepared once and kept on the disk for every later training."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from precordia.core.errors import FormatError, OutputError, PrecordiaError, SignalError
from precordia.core.input_spec import InputSpec
from precordia.core.output import write_text_whole
from precordia.core.record import Record
from precordia.datasets.store_lock import writing
from precordia.embedding.prepare import prepare
from precordia.training.record_source import RecordSource
from precordia.workers import LOST, over_all

_WINDOWS, _JOURNAL, _DONE = "windows.f32", "records.jsonl", "done.json"
#: recordings that travel to a process together
_TOGETHER = 16


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedWindows:
    """Windows on the disk.

    Attributes
    ----------
    windows
        Read in place.
    record
        Number of the record that each window is of.
    present
        Which leads were recorded.
    left_out
        Reason for each record that gave no window, by its name.
    folder
        Where they are.
    """

    windows: Float[np.ndarray, "window lead sample"]
    record: Int[np.ndarray, " window"]
    present: Bool[np.ndarray, "window lead"]
    left_out: dict[str, str]
    folder: Path


def prepare_windows(
    source: RecordSource,
    spec: InputSpec,
    cache: str | Path,
    *,
    n_jobs: int = 1,
    wait: bool = False,
    watch: Callable[[int, int, str], None] | None = None,
) -> PreparedWindows:
    """Prepare every record, or find that this was done before.

    Parameters
    ----------
    source
        The recordings.
    spec
        What the model takes.
    cache
        Folder of folders; each is named after spec and recordings.
    n_jobs
        Processes.
    wait
        Wait for another process that prepares them.
    watch
        Is told how many are done, of how many, and a few words.

    Raises
    ------
    SignalError
        If no record can be prepared; the first reason is told.
    OutputError
        If another process is at it, or the disk refuses. What is done stays and is gone on from.

    Notes
    -----
    Files of a database are known by name, size and time of change, stores by their checksums.
    """
    key = f"{spec.fingerprint}-{source.fingerprint}"
    folder = Path(cache) / key
    if wait:
        while not (folder / _DONE).exists():
            time.sleep(0.2)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / _DONE).exists():
            with writing(folder):
                _prepare_rest(source, spec, folder, n_jobs, watch)
    except OSError as error:
        if isinstance(error, PrecordiaError):
            raise
        raise OutputError(
            f"'{folder}' could not be written ({error.strerror or error}). Free space; what is "
            "prepared stays and is gone on from."
        ) from error
    return _opened(source, spec, folder)


def _prepare_rest(
    source: RecordSource,
    spec: InputSpec,
    folder: Path,
    n_jobs: int,
    watch: Callable[[int, int, str], None] | None,
) -> None:
    size = spec.n_leads * spec.n_samples * 4
    done = _whole_lines(folder, size)
    n_windows = sum(line["windows"] for line in done)
    with (folder / _WINDOWS).open("ab") as windows, (folder / _JOURNAL).open("ab") as journal:
        windows.truncate(n_windows * size)
        journal.truncate(sum(len(_line(line)) for line in done))
        work = partial(_prepared, source.read, spec)
        rest = range(len(done), len(source))
        for number, result in over_all(work, rest, n_jobs=n_jobs, batch=_TOGETHER):
            held, present, reason = result or (None, None, LOST)
            if held is not None:
                windows.write(held.tobytes())
                windows.flush()
            journal.write(
                _line(
                    {
                        "windows": 0 if held is None else len(held),
                        "present": "" if present is None else "".join(map(str, present)),
                        "reason": reason,
                    }
                )
            )
            journal.flush()
            if watch is not None:
                watch(number + 1, len(source), "preparing windows")
    write_text_whole(json.dumps({"spec": spec.to_table()}), folder / _DONE, overwrite=True)


def _prepared(
    read: Callable[[int], Record], spec: InputSpec, number: int
) -> tuple[np.ndarray | None, list[int] | None, str]:
    try:
        made = prepare(read(number), spec)
    except PrecordiaError as error:
        return None, None, str(error)
    present = [int(lead not in made.absent) for lead in made.leads]
    return np.ascontiguousarray(made.windows, np.float32), present, ""


def _line(line: dict[str, Any]) -> bytes:
    return json.dumps(line).encode() + b"\n"


def _lines(folder: Path) -> Iterator[dict[str, Any]]:
    path = folder / _JOURNAL
    for line in path.read_bytes().splitlines(keepends=True) if path.exists() else ():
        if not line.endswith(b"\n"):  # cut off when the process was killed
            return
        try:
            yield json.loads(line)
        except ValueError:
            return


def _whole_lines(folder: Path, size: int) -> list[dict[str, Any]]:
    """Return the records whose windows are on the disk too."""
    path = folder / _WINDOWS
    left = path.stat().st_size if path.exists() else 0
    done = []
    for line in _lines(folder):
        left -= line["windows"] * size
        if left < 0:
            break
        done.append(line)
    return done


def _opened(source: RecordSource, spec: InputSpec, folder: Path) -> PreparedWindows:
    lines = list(_lines(folder))
    counts = [line["windows"] for line in lines]
    left_out = {
        source.names[k]: line["reason"] for k, line in enumerate(lines) if not line["windows"]
    }
    n = sum(counts)
    size = (folder / _WINDOWS).stat().st_size
    if len(lines) != len(source) or size != n * spec.n_leads * spec.n_samples * 4:
        raise FormatError(
            f"'{folder}' is damaged: it holds {size} bytes for {n} windows. Remove the folder; it "
            "is made again."
        )
    if not n:
        name, reason = next(iter(left_out.items()))
        raise SignalError(
            f"none of {len(source)} records can be prepared. The first, '{name}': {reason}"
        )
    shape = (n, spec.n_leads, spec.n_samples)
    present = [[int(k) for k in line["present"]] for line in lines if line["windows"]]
    kept = np.array([k for k, count in enumerate(counts) if count])
    return PreparedWindows(
        windows=np.memmap(folder / _WINDOWS, np.float32, "r", shape=shape),
        record=np.repeat(kept, [counts[k] for k in kept]),
        present=np.repeat(np.array(present, bool), [counts[k] for k in kept], axis=0),
        left_out=left_out,
        folder=folder,
    )
