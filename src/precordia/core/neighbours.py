# SPDX-License-Identifier: Apache-2.0
"""Neighbours: recordings that an encoder takes for alike, and what was said of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from precordia.core.errors import OptionError
from precordia.core.source import Source
from precordia.core.value import Value

#: characters of a report that the printed form shows
_SNIPPET = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour(Value):
    """One recording that is alike. Of whom it is is not told.

    Attributes
    ----------
    name
        The recording, as the index calls it.
    similarity
        Cosine of the angle between the two vectors, -1 to 1.
    labels
        Its classes.
    report
        What was written of it: about another recording, and most often another patient. Empty
        where the index holds no texts.
    same_patient
        Whether it is of the same patient; None where one of the two is unknown.
    same_recording
        Whether its samples are the very same.

    Raises
    ------
    OptionError
        If the similarity is no cosine.
    """

    name: str
    similarity: float
    labels: tuple[str, ...] = ()
    report: str = ""
    same_patient: bool | None = None
    same_recording: bool = False

    def __post_init__(self) -> None:
        if not -1.0 <= self.similarity <= 1.0:
            raise OptionError(f"similarity is {self.similarity}; -1 to 1 is needed.")

    def __str__(self) -> str:
        text = " ".join(self.report.split())
        if len(text) > _SNIPPET:
            text = text[: _SNIPPET - 3] + "..."
        whose = " (the same recording)" if self.same_recording else ""
        whose = whose or (" (the same patient)" if self.same_patient else "")
        parts = [f"{self.similarity:.3f}  {self.name}{whose}", ", ".join(self.labels), text]
        return "  ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours(Value):
    """The recordings of an index that are most alike to one, the nearest first.

    Attributes
    ----------
    neighbours
        Iterating over the value gives them.
    model
        The encoder.
    n_searched
        Recordings that were compared.
    n_left_out
        Recordings that were not, as they are of the same patient or are the same recording.
    notes
        What should be known before anything is concluded.
    source
        Method and parameters.

    Examples
    --------
    >>> found = Neighbours(neighbours=(Neighbour(name="a", similarity=0.9, labels=("MI",)),),
    ...                    model="an-encoder", n_searched=7)
    >>> print(found)
    1 of 7 recordings, by an-encoder
    0.900  a  MI
    """

    neighbours: tuple[Neighbour, ...]
    model: str = ""
    n_searched: int = 0
    n_left_out: int = 0
    notes: tuple[str, ...] = ()
    source: Source = field(default_factory=Source)

    def __iter__(self) -> Iterator[Neighbour]:
        return iter(self.neighbours)

    def __len__(self) -> int:
        return len(self.neighbours)

    def __str__(self) -> str:
        by = f", by {self.model}" if self.model else ""
        left = f"; {self.n_left_out} left out" if self.n_left_out else ""
        first = f"{len(self)} of {self.n_searched} recordings{by}{left}"
        return "\n".join([first, *map(str, self), *(f"note: {note}" for note in self.notes)])
