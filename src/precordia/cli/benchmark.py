# SPDX-License-Identifier: Apache-2.0
"""``precordia benchmark``: how good methods and models are, on recordings that experts labelled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from precordia.cli import (
    benchmark_ecg_qa,
    benchmark_few_shot,
    benchmark_mirage,
    benchmark_models,
    benchmark_representation,
)
from precordia.cli.options import Json, show
from precordia.cli.progress import watched

HELP = """Score methods and models on annotated recordings, with 95 % intervals over patients.

rpeaks, beats, delineation, quality and speed take a folder that is laid out as the data notes of
the documentation say (mitdb/, ludb/data/, cinc2011/). classification and protocol take databases.

Example:  precordia benchmark rpeaks --data ../shared/data
"""
_ABOUT = {
    "rpeaks": "Score R-peak detectors on the MIT-BIH arrhythmia database.",
    "beats": "Score classes of beats on the MIT-BIH arrhythmia database.",
    "delineation": "Score wave boundaries on the Lobachevsky University database.",
    "quality": "Score quality verdicts on the CinC 2011 challenge.",
    "speed": "Measure how fast this machine reads, finds and measures.",
}


def add_to(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help=HELP, no_args_is_help=True, rich_markup_mode=None)
    for task, about in _ABOUT.items():
        text = f"{about}\n\nExample:  precordia benchmark {task} --data DATA"
        group.command(task, help=text)(_command(task))
    benchmark_models.add_to(group)
    benchmark_representation.add_to(group)
    benchmark_ecg_qa.add_to(group)
    benchmark_few_shot.add_to(group)
    benchmark_mirage.add_to(group)
    app.add_typer(group, name="benchmark")


def _command(task: str) -> Callable[..., None]:
    """Return the command of a task on recordings."""

    def run(
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

        scores = benchmark(task, data=data, method=method, limit=limit, watch=watched)
        show(scores, as_json=json)

    return run
