# SPDX-License-Identifier: Apache-2.0
"""What commands that learn share: processors, a bar, Ctrl-C, and what is told at the end."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import typer

from precordia.cli.threads import take_all_processors


class Told(Protocol):
    """What has a text for people and a dictionary for programs."""

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain numbers and texts."""
        ...


@contextlib.contextmanager
def learning() -> Iterator[Callable[[int, int, str], None] | None]:
    """Learn with all processors; give what draws a bar, and say what an interruption left."""
    take_all_processors()
    with _bar() as watch:
        try:
            yield watch
        except KeyboardInterrupt as stop:
            if _is_first() and str(stop):
                typer.echo(f"precordia: {stop}", err=True)
            raise


def tell(done: Told, *, as_json: bool) -> None:
    """Tell what was learned; of several processes the first one does."""
    if _is_first():
        typer.echo(json.dumps(done.to_dict(), ensure_ascii=False) if as_json else str(done))


def _is_first() -> bool:
    return os.environ.get("RANK", "0") == "0"


@contextlib.contextmanager
def _bar() -> Iterator[Callable[[int, int, str], None] | None]:
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
