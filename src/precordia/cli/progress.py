# SPDX-License-Identifier: Apache-2.0
"""A progress bar on stderr; silent where nobody watches."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any


def watched(items: Sequence[Any], words: str) -> Iterable[Any]:
    """Give the items and draw a bar on stderr, where somebody looks."""
    if not sys.stderr.isatty():
        return items
    from rich.console import Console
    from rich.progress import track

    return track(items, words, console=Console(stderr=True), transient=True)


class progress:
    """Show how far a long job is, and how many items failed.

    Parameters
    ----------
    doing
        What is being done: ``"examining"``.
    total
        Number of items; None where nobody knows.
    quiet
        Show nothing.
    """

    def __init__(self, doing: str, total: int | None, *, quiet: bool = False) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

        self._bar = Progress(
            doing,
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            "{task.description}",
            console=Console(stderr=True),
            disable=quiet or not sys.stderr.isatty(),
            transient=True,
        )
        self._task = self._bar.add_task("", total=total)
        self._failed = 0

    def __enter__(self) -> progress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, *, failed: bool = False, note: str = "") -> None:
        """Advance by one item."""
        self._failed += failed
        shown = f"{self._failed} failed" if self._failed else ""
        self._bar.update(self._task, advance=1, description=" ".join(filter(None, (shown, note))))
