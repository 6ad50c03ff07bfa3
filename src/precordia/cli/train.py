# SPDX-License-Identifier: Apache-2.0
"""``precordia train``: a model from a configuration, with its scores, in one folder."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from precordia.cli.options import Force, Json

HELP = """Train a model as a TOML file says, and save it with its scores.

The folder gets the model, metrics.json (scores on the validation set with 95 % intervals),
log.jsonl, the configuration as it was run and environment.json. Ctrl-C saves a checkpoint;
--resume goes on from it as if nothing had happened.

Example:  precordia train --example > training.toml; precordia train training.toml
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("train", help=HELP)(run)


def run(
    configuration: Annotated[
        Path | None, typer.Argument(metavar="CONFIG", help="The TOML file.", show_default=False)
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Where everything goes, instead of output.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a training that was interrupted.")
    ] = False,
    force: Force = False,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="KEY=VALUE, such as training.lr=0.01. May come again."),
    ] = None,
    example: Annotated[
        bool, typer.Option("--example", help="Print a configuration that runs as it is.")
    ] = False,
    json: Json = False,
) -> None:
    """Train, or print an example."""
    import json as json_text

    from precordia.training.example import example_configuration
    from precordia.training.train import train

    if example:
        text = example_configuration()
        typer.echo(json_text.dumps({"example": text}) if json else text, nl=json)
        return
    if configuration is None:
        raise typer.BadParameter("CONFIG is missing; 'precordia train --example' prints one.")
    take_all_processors()
    first = os.environ.get("RANK", "0") == "0"
    with bar() as watch:
        try:
            done = train(
                configuration,
                folder=folder,
                resume=resume,
                overwrite=force,
                changes=set_ or (),
                watch=watch,
            )
        except KeyboardInterrupt as stop:
            if first and str(stop):
                typer.echo(f"precordia: {stop}", err=True)
            raise
    if first:
        typer.echo(json_text.dumps(done.to_dict(), ensure_ascii=False) if json else str(done))


def take_all_processors() -> None:
    """Undo the one thread that suits every other command, unless somebody asked for a number."""
    from precordia.cli.main import THREADS_ARE_OURS
    from precordia.core.registry import load_object

    if THREADS_ARE_OURS:
        load_object("torch:set_num_threads", extra="train", purpose="training")(os.cpu_count() or 1)


@contextlib.contextmanager
def bar() -> Iterator[Callable[[int, int, str], None] | None]:
    """Give what draws a bar with the time left on stderr; None where nobody looks."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), "{task.completed:.0f} of {task.total:.0f}", TimeRemainingColumn())
    with Progress(
        *columns, "{task.description}", console=Console(stderr=True), transient=True
    ) as bar:
        task = bar.add_task("", total=None)

        def watch(done: int, total: int, words: str) -> None:
            if bar.tasks[0].total != total:  # from preparing to training
                bar.reset(task, total=total)
            bar.update(task, completed=done, description=words)

        yield watch
