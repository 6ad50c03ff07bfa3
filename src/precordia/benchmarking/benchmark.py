# SPDX-License-Identifier: Apache-2.0
"""Score a task on annotated recordings."""

from __future__ import annotations

import contextlib
import importlib
import os
import platform
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import precordia
from precordia.benchmarking.bootstrap import DRAWS, SEED
from precordia.benchmarking.protocol import Run, Watch, unwatched
from precordia.benchmarking.published import scores_of_card
from precordia.benchmarking.tasks import RESUBSTITUTION, Method, find_method, find_task
from precordia.core.registry import load_object
from precordia.core.scores import Score, Scores
from precordia.core.source import Source


def benchmark(
    task: str,
    *,
    data: Path | str | None = None,
    method: str | Callable[[Any], Any] | None = None,
    limit: int | None = None,
    draws: int = DRAWS,
    seed: int = SEED,
    watch: Watch = unwatched,
) -> Scores:
    """Score methods on a task.

    Parameters
    ----------
    task
        ``"rpeaks"``, ``"delineation"``, ``"quality"`` or ``"speed"``.
    data
        Folder that holds ``mitdb/``, ``ludb/data/``, ``cinc2011/``; ``$PRECORDIA_DATA`` if None.
        ``"speed"`` simulates recordings where there is none.
    method
        Name of one of our methods, or a function of yours that takes a record and gives R-peaks
        (samples), `Fiducials` or `Quality`. Each of ours if None, but for
        ``"auto"`` of delineation, which is the network with the rules behind it.
    limit
        Use only so many recordings, evenly spread.
    draws, seed
        Of the bootstrap that gives the intervals.
    watch
        Wraps the recordings while they are worked through, to show progress.

    Returns
    -------
    The scores. Where weights were trained on the recordings at hand, the table says so and shows
    the cross-validated figures of their card beside.

    Raises
    ------
    UnknownNameError
        If there is no such task or method.
    OptionError
        If no folder was given, or the limit makes no sense.
    FormatError
        If the recordings are not there.

    Examples
    --------
    >>> benchmark("rpeak", data=".")
    Traceback (most recent call last):
    precordia.core.errors.UnknownNameError: no benchmark 'rpeak'. Did you mean 'rpeaks'? ...
    """
    wanted = find_task(task)
    start = time.perf_counter()
    if callable(method):
        name = getattr(method, "__name__", type(method).__name__)
        methods = [(Method(name=name, function=""), method)]
    else:
        rows = [m for m in wanted.methods if not m.asked] if method is None else []
        rows += [] if method is None else [find_method(wanted, method)]
        methods = [(row, load_object(row.function) if row.function else None) for row in rows]
    module = importlib.import_module(wanted.protocol.split(":")[0])
    score = load_object(wanted.protocol)
    scores, cards = [], {}
    for row, function in methods:
        if row.card not in cards:
            cards[row.card] = scores_of_card(wanted, row)
        run = Run(
            task=task,
            database=wanted.database,
            method=row.name,
            function=function,
            note=_note(row, cards[row.card]),
            data=None if data is None else Path(data),
            limit=limit,
            draws=draws,
            seed=seed,
            watch=watch,
        )
        scores += score(run)
    for figures in cards.values():
        scores += figures
    return Scores(
        task=task,
        scores=tuple(scores),
        notes=module.NOTES,
        hardware=describe_machine(),
        date=datetime.now(UTC).date().isoformat(),
        seconds=round(time.perf_counter() - start, 2),
        source=Source(
            method=f"benchmark:{task}",
            version=precordia.__version__,
            parameters={
                "limit": limit,
                "draws": draws,
                "seed": seed,
                "weights": {row.name: row.weights_hash() for row, _ in methods if row.weights},
            },
        ),
    )


def _note(method: Method, figures: list[Score]) -> str:
    if not method.note.startswith(RESUBSTITUTION):
        return method.note
    where = "are given below" if figures else "are not in its card yet"
    return f"{method.note}; cross-validated figures {where}"


def describe_machine() -> str:
    """Return processor, cores, system and Python in a few words.

    Examples
    --------
    >>> "Python" in describe_machine()
    True
    """
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
        named = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
        model = next(named, model)
    version = ".".join(map(str, sys.version_info[:3]))
    threads = os.environ.get("OMP_NUM_THREADS")
    bound = f", OMP_NUM_THREADS={threads}" if threads else ""
    return f"{model}, {os.cpu_count()} cores{bound}, {platform.system()}, Python {version}"
