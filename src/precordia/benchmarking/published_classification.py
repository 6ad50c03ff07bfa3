# SPDX-License-Identifier: Apache-2.0
"""Published figures of classifiers, as rows marked ``published, not run``."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Collection
from functools import cache
from importlib.resources import files

from precordia.benchmarking.result_rows import ResultRow, run_key


def best_published(
    database: str, task: str, modes: Collection[str], *, most: int = 3
) -> list[ResultRow]:
    """Return the highest published figures of some modes, best first.

    Parameters
    ----------
    database, task
        As in rows.
    modes
        Modes of the measured rows beside which they stand; training from scratch is always among
        them.
    most
        Of each mode and source.

    Examples
    --------
    >>> [row.model for row in best_published("ptbxl", "superdiagnostic", ["linear"], most=1)]
    ['S4', 'resnet1d_wang', 'ECGFounder']
    """
    found: dict[tuple[str, str], list[ResultRow]] = {}
    for row in published_rows(database, task):
        if row.mode in modes or row.mode == "scratch":
            found.setdefault((row.mode, row.note), []).append(row)
    best = [row for rows in found.values() for row in rows[:most]]
    return sorted(best, key=lambda row: -row.value)


@cache
def published_rows(database: str, task: str) -> tuple[ResultRow, ...]:
    """Return what papers report for a task of a database; empty where nothing is at hand.

    Parameters
    ----------
    database, task
        As in rows.

    Notes
    -----
    Such rows are for orientation: test records, lists of classes and ways of choosing differ, and
    no difference to them is ever computed.

    Examples
    --------
    >>> published_rows("ptbxl", "superdiagnostic")[0].model
    'ECGFounder'
    """
    path = files("precordia.benchmarking") / "protocols" / "published.toml"
    sources = tomllib.loads(path.read_text(encoding="utf-8"))["source"]
    found = []
    for source in sources:
        values = source["values"].get(f"{database}/{task}", {})
        for model, pair in values.items():
            value, half = pair
            found.append(
                ResultRow(
                    run=run_key(published=source["name"], database=database, task=task, of=model),
                    kind="published, not run",
                    database=database,
                    task=task,
                    model=model,
                    mode=source["mode"],
                    labels="100%",
                    metric="macro_auroc_all",
                    value=value,
                    low=value - half if half else math.nan,
                    high=value + half if half else math.nan,
                    note=source["note"],
                )
            )
    return tuple(sorted(found, key=lambda row: -row.value))
