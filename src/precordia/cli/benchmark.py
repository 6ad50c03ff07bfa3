# SPDX-License-Identifier: Apache-2.0
"""``precordia benchmark``: how good the methods are, on recordings with expert annotations."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from precordia.cli.options import Json, show

HELP = """Score a task on annotated recordings, with 95 % intervals over patients.

TASK is rpeaks, delineation, quality or speed. The folder is laid out as the data notes of the
documentation say (mitdb/, ludb/data/, cinc2011/, ptbxl/).

Example:  precordia benchmark rpeaks --data ../shared/data
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("benchmark", help=HELP)(run)


def run(
    task: Annotated[
        str, typer.Argument(metavar="TASK", help="rpeaks, delineation, quality, speed.")
    ],
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder of recordings ($PRECORDIA_DATA).")
    ] = None,
    method: Annotated[
        str | None, typer.Option(help="One method of the task, such as network or rules.")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Use only so many recordings.")] = None,
    json: Json = False,
) -> None:
    """Run one benchmark and print its table."""
    from precordia.benchmarking.benchmark import benchmark

    scores = benchmark(task, data=data, method=method, limit=limit, watch=_watch)
    show(scores, as_json=json)


def _watch(items: Sequence[Any], words: str) -> Iterable[Any]:
    """Give the items and draw a bar on stderr, where somebody looks."""
    if not sys.stderr.isatty():
        return items
    from rich.console import Console
    from rich.progress import track

    return track(items, words, console=Console(stderr=True), transient=True)
