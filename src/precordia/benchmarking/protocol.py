# SPDX-License-Identifier: Apache-2.0
"""What the protocols of all tasks share: what is asked, and how records are worked through."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from precordia.benchmarking.bootstrap import DRAWS, SEED
from precordia.benchmarking.tasks import IN_SIGHT, RESUBSTITUTION
from precordia.core.errors import OptionError
from precordia.core.scores import Score

#: note of scores on recordings that no training has seen
UNSEEN = "recordings not trained on"
_T = TypeVar("_T")
#: gives the items of a sequence one by one, showing how far it is; with a few words
Watch = Callable[[Sequence[Any], str], Iterable[Any]]


def unwatched(items: Sequence[_T], words: str) -> Iterable[_T]:
    """Give the items and show nothing."""
    return items


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One method on one task.

    Attributes
    ----------
    task, database, method
        Names in tables.
    function
        Takes a record, gives what the task scores.
    note
        What has to be said beside its scores.
    data
        Folder of recordings; None takes the one of the environment.
    limit
        How many recordings, evenly spread; None for all.
    draws, seed
        Of the bootstrap.
    watch
        Shows progress.
    """

    task: str = ""
    database: str = ""
    method: str
    function: Callable[[Any], Any] | None
    note: str = ""
    data: Path | None = None
    limit: int | None = None
    draws: int = DRAWS
    seed: int = SEED
    watch: Watch = unwatched

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise OptionError(
                f"a limit of {self.limit} recordings arrived; at least 1 is needed. "
                "Leave it out to use all."
            )

    def score(
        self,
        subject: str,
        metric: str,
        value: Any,
        ends: tuple[float, float] = (math.nan, math.nan),
        unit: str = "",
        *,
        n_records: int = 0,
        n_patients: int = 0,
    ) -> Score:
        """Return a score of this run; shares given in the unit ``"%"`` become percent.

        Examples
        --------
        >>> print(Run(method="", function=None).score("150 ms", "se", 0.9986, unit="%"))
        99.86
        """
        scale = 100.0 if unit == "%" else 1.0
        return Score(
            task=self.task,
            database=self.database,
            method=self.method,
            subject=subject,
            metric=metric,
            value=scale * float(value),
            low=scale * float(ends[0]),
            high=scale * float(ends[1]),
            unit=unit,
            n_records=n_records,
            n_patients=n_patients,
            note=self.note,
        )

    def apart(self, items: Sequence[_T], seen: Callable[[_T], bool]) -> list[tuple[Run, list[_T]]]:
        """Return items that the method's training has seen and others apart, each with its run.

        One group where the method was neither trained nor tuned on recordings of the task, or
        where all items belong to one.

        Examples
        --------
        >>> run = Run(method="", function=None, note=RESUBSTITUTION)
        >>> [(group.note, items) for group, items in run.apart([1, 2, 3], lambda k: k < 3)]
        [('training recordings: resubstitution', [1, 2]), ('recordings not trained on', [3])]
        """
        if not self.note.startswith((RESUBSTITUTION, IN_SIGHT)):
            return [(self, list(items))]
        old, new = [k for k in items if seen(k)], [k for k in items if not seen(k)]
        groups = [(self, old), (replace(self, note=UNSEEN), new)]
        return [(run, group) for run, group in groups if group]

    def chosen(self, items: Sequence[_T]) -> list[_T]:
        """Return ``limit`` of the items, evenly spread, or all.

        Examples
        --------
        >>> Run(method="", function=None, limit=3).chosen("abcdefghi")
        ['a', 'e', 'i']
        """
        n = len(items)
        if self.limit is None or self.limit >= n:
            return list(items)
        if self.limit == 1:
            return [items[0]]
        return [items[round(k * (n - 1) / (self.limit - 1))] for k in range(self.limit)]
