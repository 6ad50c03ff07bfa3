# SPDX-License-Identifier: Apache-2.0
"""Windows of many recordings, prepared once and kept on the disk for every later training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from precordia.core.errors import FormatError, PrecordiaError, SignalError
from precordia.core.input_spec import InputSpec
from precordia.core.record import Record
from precordia.embedding.prepare import prepare
from precordia.training.prepared_journal import fill_journal
from precordia.training.record_source import RecordSource

_WINDOWS = "windows.f32"


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
    if not len(source):
        raise SignalError(
            f"no recording of {source.title} is in a part that is used. Name the folds of train "
            "and validation, or use other data."
        )
    key = f"{spec.fingerprint}-{source.fingerprint}"
    folder = Path(cache) / key
    size = spec.n_leads * spec.n_samples * 4
    lines = fill_journal(
        folder,
        _WINDOWS,
        len(source),
        partial(_prepared, source.read, spec),
        partial(_n_bytes, size),
        nothing={"windows": 0, "present": ""},
        about={"spec": spec.to_table()},
        n_jobs=n_jobs,
        wait=wait,
        watch=watch,
    )
    return _opened(source, spec, folder, lines)


def _prepared(
    read: Callable[[int], Record], spec: InputSpec, number: int
) -> tuple[bytes, dict[str, Any]]:
    try:
        made = prepare(read(number), spec)
    except PrecordiaError as error:
        return b"", {"windows": 0, "present": "", "reason": str(error)}
    present = "".join(str(int(lead not in made.absent)) for lead in made.leads)
    windows = np.ascontiguousarray(made.windows, np.float32)
    return windows.tobytes(), {"windows": len(windows), "present": present, "reason": ""}


def _n_bytes(size: int, line: dict[str, Any]) -> int:
    return line["windows"] * size


def _opened(
    source: RecordSource, spec: InputSpec, folder: Path, lines: list[dict[str, Any]]
) -> PreparedWindows:
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
