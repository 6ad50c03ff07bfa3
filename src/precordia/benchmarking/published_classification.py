# SPDX-License-Identifier: Apache-2.0
"""Published figures of classifiers, as rows marked ``published, not run``."""

from __future__ import annotations

import math
import tomllib
from functools import cache
from importlib.resources import files

from precordia.benchmarking.result_rows import ResultRow, run_key


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
    'resnet1d_wang'
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
