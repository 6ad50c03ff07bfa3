# SPDX-License-Identifier: Apache-2.0
"""What many rows have in common: counts, distributions and the worst, in bounded memory."""

from __future__ import annotations

import heapq
import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from precordia.cataloguing.row import CatalogueRow

#: how many of the worst are kept of each kind
N_WORST = 20
#: different texts that are counted; later ones join "others"
_MOST_KINDS = 2000
OTHERS = "others"


@dataclass(frozen=True, slots=True)
class Scale:
    """The classes of a distribution.

    Attributes
    ----------
    title, unit
        For people.
    edges
        Lower edges of the classes; the last class is open.
    """

    title: str
    unit: str
    edges: tuple[float, ...]

    def labels(self) -> tuple[str, ...]:
        """Return what each class is called."""
        ends = [f"{a:g} to {b:g}" for a, b in zip(self.edges, self.edges[1:], strict=False)]
        return (f"below {self.edges[0]:g}", *ends, f"{self.edges[-1]:g} and more")

    def place(self, value: float) -> int:
        """Return the class of a value."""
        return sum(value >= edge for edge in self.edges)


SCALES = {
    "heart_rate_bpm": Scale("Heart rate", "/min", (30, 40, 50, 60, 70, 80, 90, 100, 120, 150, 200)),
    "quality_score": Scale("Quality score", "", (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)),
    "duration_s": Scale("Duration", "s", (2, 5, 8, 10.5, 15, 30, 60, 300, 3600, 43_200)),
    "age_years": Scale("Age", "years", (1, 10, 20, 30, 40, 50, 60, 70, 80, 90)),
    "missing_percent": Scale("Samples missing", "%", (0.001, 1, 5, 20, 50)),
}
COUNTED = {
    "format": "Format",
    "fs": "Sampling rate, Hz",
    "n_leads": "Number of leads",
    "sex": "Sex",
    "year": "Year of recording",
    "quality_reasons": "Reasons against quality",
    "unusable_leads": "Leads that cannot be used",
    "remarks": "Remarks",
    "statements": "Statements in the files",
    "companions": "Other signals",
}


@dataclass(slots=True)
class Summary:
    """Counts over rows; its size does not grow with their number.

    Attributes
    ----------
    n_files, n_failed, n_acceptable, n_assessed
        Rows, files that could not be read, recordings that can be read by people, and all that
        were assessed.
    n_patients
        Different pseudonyms, as far as they were counted.
    hours
        Length of all recordings together.
    classes
        Counts by the classes of `SCALES`.
    counts
        Counts by text, of `COUNTED`.
    problems
        Counts of problems, with what differs from file to file left out.
    failed, lowest_quality, slowest, fastest, shortest
        The first or most extreme files of each kind: pairs of number and file.
    """

    n_files: int = 0
    n_failed: int = 0
    n_acceptable: int = 0
    n_assessed: int = 0
    hours: float = 0.0
    n_beats: int = 0
    classes: dict[str, list[int]] = field(
        default_factory=lambda: {k: [0] * (len(s.edges) + 1) for k, s in SCALES.items()}
    )
    counts: dict[str, Counter[str]] = field(default_factory=lambda: {k: Counter() for k in COUNTED})
    problems: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[str, str]] = field(default_factory=list)
    lowest_quality: list[tuple[float, str]] = field(default_factory=list)
    slowest: list[tuple[float, str]] = field(default_factory=list)
    fastest: list[tuple[float, str]] = field(default_factory=list)
    shortest: list[tuple[float, str]] = field(default_factory=list)

    def add(self, row: CatalogueRow) -> None:
        """Count a row."""
        self.n_files += 1
        if row.problem:
            self.n_failed += 1
            _count(self.problems, _kind_of(row.problem))
            if len(self.failed) < N_WORST:
                self.failed.append((row.file, row.problem))
            return
        self.hours += row.duration_s / 3600
        self.n_beats += row.n_beats
        self.n_assessed += row.acceptable is not None
        self.n_acceptable += bool(row.acceptable)
        for name, scale in SCALES.items():
            value = getattr(row, name)
            if not math.isnan(value):
                self.classes[name][scale.place(value)] += 1
        for name, counter in self.counts.items():
            for text in _texts(row, name):
                _count(counter, text)
        _keep_least(self.lowest_quality, row.quality_score, row.file)
        _keep_least(self.slowest, row.heart_rate_bpm, row.file)
        _keep_least(self.fastest, -row.heart_rate_bpm, row.file)
        _keep_least(self.shortest, row.duration_s, row.file)

    def least(self, kind: str) -> list[tuple[float, str]]:
        """Return the most extreme files of a kind, the most extreme first."""
        held = sorted((-value, file) for value, file in getattr(self, kind))
        return [(-value if kind == "fastest" else value, file) for value, file in held]


def summarise(rows: Iterable[CatalogueRow]) -> Summary:
    """Count rows.

    Examples
    --------
    >>> summarise([CatalogueRow(file="a", problem="no file")]).n_failed
    1
    """
    summary = Summary()
    for row in rows:
        summary.add(row)
    return summary


def _texts(row: CatalogueRow, name: str) -> Iterable[str]:
    if name == "year":
        return (row.start_time[:4],) if row.start_time else ()
    value = getattr(row, name)
    if isinstance(value, tuple):
        return dict.fromkeys(value)
    return () if value in ("", 0) else (f"{value:g}" if isinstance(value, (int, float)) else value,)


def _count(counter: Counter[str], text: str) -> None:
    counter[text if text in counter or len(counter) < _MOST_KINDS else OTHERS] += 1


def _kind_of(problem: str) -> str:
    """Return a problem without names and numbers, so that alike ones are counted together."""
    first = problem.split(". ")[0]
    return re.sub(r"\d[\d,.]*", "N", re.sub(r"'[^']*'", "'…'", first))[:160]


def _keep_least(heap: list[tuple[float, str]], value: float, file: str) -> None:
    """Keep the smallest values; the heap has the largest of these on top."""
    if math.isnan(value):
        return
    if len(heap) < N_WORST:
        heapq.heappush(heap, (-value, file))
    elif -value > heap[0][0]:
        heapq.heapreplace(heap, (-value, file))
