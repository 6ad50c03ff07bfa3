# SPDX-License-Identifier: Apache-2.0
"""Scores: what a benchmark measured, with intervals, and what must be said beside them."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field

from precordia.core.errors import UnknownNameError
from precordia.core.source import Source
from precordia.core.value import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Score(Value):
    """One number of a benchmark.

    Attributes
    ----------
    task
        Task of the benchmark, such as ``"rpeaks"``.
    database
        Recordings that it was measured on.
    method
        What was measured.
    subject
        What the number is of: a matching window, a fiducial, a stage.
    metric
        Name of the number, such as ``"f1"``.
    value
        The number; NaN where nothing can be said.
    low, high
        Ends of its 95 % interval; NaN where there is none.
    unit
        Unit of all three; empty for a plain number.
    n_records, n_patients
        How many recordings and patients it rests on.
    note
        What has to be known to read it right.
    """

    task: str
    database: str
    method: str
    subject: str
    metric: str
    value: float
    low: float = math.nan
    high: float = math.nan
    unit: str = ""
    n_records: int = 0
    n_patients: int = 0
    note: str = ""

    def __str__(self) -> str:
        interval = ""
        if math.isfinite(self.low) and math.isfinite(self.high):
            interval = f" [{_number(self.low, self.unit)}, {_number(self.high, self.unit)}]"
        return f"{_number(self.value, self.unit)}{interval}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores(Value):
    """The result of a benchmark; iterates over its numbers and prints as tables.

    Attributes
    ----------
    task
        Task of the benchmark.
    scores
        The numbers.
    notes
        How they were measured, a sentence each.
    hardware
        Machine and Python that they were measured on.
    date
        Day, as ``YYYY-MM-DD``.
    seconds
        How long the benchmark took.
    source
        Version and arguments.

    Examples
    --------
    >>> row = Score(
    ...     task="rpeaks", database="mitdb", method="network", subject="150 ms", metric="se",
    ...     value=99.86, low=99.75, high=99.96, unit="%", n_records=22, n_patients=22)
    >>> print(Scores(task="rpeaks", scores=(row,)))
    rpeaks on mitdb: network (22 records, 22 patients)
            se %
    150 ms  99.86 [99.75, 99.96]
    """

    task: str
    scores: tuple[Score, ...] = ()
    notes: tuple[str, ...] = ()
    hardware: str = ""
    date: str = ""
    seconds: float = math.nan
    source: Source = field(default_factory=Source)

    def __iter__(self) -> Iterator[Score]:
        return iter(self.scores)

    def __len__(self) -> int:
        return len(self.scores)

    def find(self, metric: str, *, subject: str | None = None, method: str | None = None) -> Score:
        """Return the first score with this metric, subject and method.

        Raises
        ------
        UnknownNameError
            If there is none.
        """
        for score in self.scores:
            if (
                score.metric == metric
                and subject in (None, score.subject)
                and method in (None, score.method)
            ):
                return score
        raise UnknownNameError(
            f"no score '{metric}' of subject {subject!r} and method {method!r} was measured. "
            "Iterate over the scores to see what there is."
        )

    def __str__(self) -> str:
        blocks: dict[tuple[str, str, str], list[Score]] = {}
        for score in self.scores:
            blocks.setdefault((score.method, score.database, score.note), []).append(score)
        parts = [_block(rows) for rows in blocks.values()]
        foot = [line for note in self.notes for line in textwrap.wrap(note, 102)]
        if self.hardware or self.date:
            foot.append(", ".join(part for part in (self.hardware, self.date) if part))
        return "\n\n".join([*parts, "\n".join(foot)] if foot else parts)


def _block(rows: list[Score]) -> str:
    """Lay out the scores of one method: subjects down, metrics across."""
    first = rows[0]
    head = f"{first.task} on {first.database}: {first.method}"
    if first.n_records:
        head += f" ({first.n_records} records, {first.n_patients} patients)"
    lines = [head]
    lines += textwrap.wrap(first.note, 100, initial_indent="  ", subsequent_indent="  ")
    titles = dict.fromkeys(f"{row.metric} {row.unit}".strip() for row in rows)
    subjects = dict.fromkeys(row.subject for row in rows)
    table = [["", *titles]] + [[subject, *[""] * len(titles)] for subject in subjects]
    for row in rows:
        column = list(titles).index(f"{row.metric} {row.unit}".strip())
        table[1 + list(subjects).index(row.subject)][1 + column] = str(row)
    filled = [line for line in table[1:] if any(line[1:])]
    if len(titles) > 1 and all(sum(map(bool, line[1:])) == 1 for line in filled):
        # every subject has a number of its own kind: one line each reads better than a staircase
        width = max(len(line[0]) for line in filled)
        names = list(titles)
        for line in filled:
            k = next(i for i, cell in enumerate(line[1:]) if cell)
            lines.append(f"{line[0].ljust(width)}  {line[1 + k]}  {names[k]}".rstrip())
        return "\n".join(lines)
    widths = [max(len(line[k]) for line in table) for k in range(len(table[0]))]
    lines += [
        "    ".join(c.ljust(w) for c, w in zip(t, widths, strict=True)).rstrip() for t in table
    ]
    return "\n".join(lines)


def _number(value: float, unit: str) -> str:
    if not math.isfinite(value):
        return "–"
    if unit == "%":
        return f"{value:.2f}"
    size = abs(value)
    if unit == "count":
        return f"{value:.0f}"
    digits = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 and unit else 3
    if unit == "ms" and not value:
        digits = 0
    return f"{value:.{digits}f}"
