# SPDX-License-Identifier: Apache-2.0
"""Parts of a cohort as methods see them, and the one that none sees before it has chosen."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from precordia.benchmarking.cohort import Cohort
from precordia.core.errors import OptionError, PrecordiaError
from precordia.core.input_spec import InputSpec
from precordia.core.record import Record
from precordia.embedding.prepare import prepare

#: windows of a part that are kept in memory; of a larger part they are made a piece at a time
HELD_BYTES = 2 * 2**30
#: records whose windows are made at a time
_PIECE = 512


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WindowSet:
    """Windows of the records of a part.

    Attributes
    ----------
    windows
        As the model takes them.
    owner
        Row of the part that each window is of, ascending.
    present
        Leads that were recorded, for each window.
    unusable
        Rows of the part that give no window, and why.
    """

    windows: Float[np.ndarray, "window lead sample"]
    owner: Int[np.ndarray, " window"]
    present: Bool[np.ndarray, "window lead"]
    unusable: dict[int, str] = field(default_factory=dict)


class Part:
    """Records that a method may use, with their windows made once for each way of preparing.

    Parameters
    ----------
    cohort
        The records.
    alter
        What is done to each record before it is prepared: leads taken away, noise added. It gets
        the record and its row. Leads that are missing then are given to models as zeros.
    """

    def __init__(
        self, cohort: Cohort, *, alter: Callable[[Record, int], Record] | None = None
    ) -> None:
        self.cohort = cohort
        self._alter = alter
        self._held: dict[str, WindowSet] = {}
        #: whatever a method keeps of these records, such as embeddings
        self.kept: dict[str, Any] = {}
        self._kept_altered: dict[str, dict[str, Any]] = {}

    def __len__(self) -> int:
        return len(self.cohort)

    @property
    def targets(self) -> Float[np.ndarray, "batch statement"]:
        """Truth of the records."""
        return self.cohort.targets

    def record(self, k: int) -> Record:
        """Read a record."""
        record = self.cohort.record(k)
        return record if self._alter is None else self._alter(record, k)

    def altered(self, alter: Callable[[Record, int], Record], name: str) -> Part:
        """Return the same records with something done to each.

        Under its name is kept what methods keep of them, for whoever asks for it again; windows,
        which are large, are not.
        """
        made = Part(self.cohort, alter=alter)
        made.kept = self._kept_altered.setdefault(name, made.kept)
        return made

    def of_each(self, what: str, find: Callable[[Record], Any]) -> list[Any]:
        """Return what is found of each record; of none is it found twice, whatever the part."""
        kept = self.cohort.kept if self._alter is None else self.kept
        known = kept.setdefault(what, {})
        for k, row in enumerate(self.cohort.rows):
            if row not in known:
                known[row] = find(self.record(k))
        return [known[row] for row in self.cohort.rows]

    def few(self, rows: Sequence[int] | np.ndarray) -> Part:
        """Return some of the records; windows that are made already are not made again."""
        some = Part(self.cohort.part(rows), alter=self._alter)
        place = {int(k): i for i, k in enumerate(rows)}
        for spec, held in self._held.items():
            keep = np.isin(held.owner, list(place))
            some._held[spec] = WindowSet(
                windows=held.windows[keep],
                owner=np.array([place[k] for k in held.owner[keep].tolist()], int),
                present=held.present[keep],
                unusable={place[k]: why for k, why in held.unusable.items() if k in place},
            )
        return some

    def present(
        self, spec: InputSpec, rows: Sequence[int] | np.ndarray | None = None
    ) -> Bool[np.ndarray, "_ lead"]:
        """Return which leads records had, or some of them, without those never prepared."""
        known = self.cohort.kept.get(f"present {spec.fingerprint}", {})
        chosen = range(len(self)) if rows is None else rows
        found = [known[row] for row in (self.cohort.rows[k] for k in chosen) if row in known]
        return np.array(found, bool).reshape(-1, spec.n_leads)

    def windows(self, spec: InputSpec) -> WindowSet:
        """Return the windows of all records, prepared for a model.

        A record that cannot be prepared gives none, and the reason stands in ``unusable``: training
        goes on without it, and in a test it is answered without having been seen.
        """
        if spec.fingerprint not in self._held:
            self._held[spec.fingerprint] = self._prepare(spec)
        return self._held[spec.fingerprint]

    def window_pieces(self, spec: InputSpec) -> Iterator[tuple[range, WindowSet]]:
        """Yield the windows of all records, in pieces where all would need too much memory.

        Yields
        ------
        Rows of a piece, ascending, and their windows; what a small part gives is kept, as by
        `windows`, and comes as one piece.
        """
        n = len(self)
        if spec.fingerprint not in self._held and n > _PIECE:
            first = self._prepare(spec, range(_PIECE), some=False)
            if first.windows.nbytes / _PIECE * n > HELD_BYTES:
                yield range(_PIECE), first
                for start in range(_PIECE, n, _PIECE):
                    rows = range(start, min(start + _PIECE, n))
                    yield rows, self._prepare(spec, rows, some=False)
                return
        yield range(n), self.windows(spec)

    def _prepare(
        self, spec: InputSpec, rows: range | None = None, *, some: bool = True
    ) -> WindowSet:
        if self._alter is not None and spec.missing_leads == "refuse":
            spec = dataclasses.replace(spec, missing_leads="zero")
        pieces, owner, present, unusable = [], [], [], {}
        for k in rows or range(len(self)):
            try:
                made = prepare(self.record(k), spec)
            except PrecordiaError as error:
                unusable[k] = f"{self.cohort.names[k]}: {error}"
                continue
            pieces.append(made.windows)
            owner += [k] * made.n_windows
            there = np.array([lead not in made.absent for lead in made.leads])
            if self._alter is None:
                known = self.cohort.kept.setdefault(f"present {spec.fingerprint}", {})
                known[self.cohort.rows[k]] = there
            present += [there] * made.n_windows
        if not pieces and not some:
            pieces = [np.zeros((0, spec.n_leads, spec.n_samples), np.float32)]
        if not pieces:
            why = next(iter(unusable.values()), "there is no record")
            raise OptionError(
                f"none of {len(self)} records could be prepared for the model ({why}) At least one "
                "is needed."
            )
        return WindowSet(
            windows=np.concatenate(pieces),
            owner=np.array(owner, int),
            present=np.array(present, bool).reshape(-1, spec.n_leads),
            unusable=unusable,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chosen:
    """A method that has been trained and has chosen all it had to choose, without the test records.

    Attributes
    ----------
    answer
        Gives logits or other scores ``(record, class)`` for a part.
    thresholds
        Score of each class from which a record is called positive, chosen on validation.
    probabilities
        Turns scores into probabilities; None where the method gives none.
    selection
        What was chosen on validation, in words.
    weights_hash
        First twelve digits of the SHA-256 of the trained weights; empty where there are none.
    spec
        Fingerprint of the prepared input; empty where windows are not used.
    notes
        What has to be said beside its scores.
    """

    answer: Callable[[Part], Float[np.ndarray, "batch statement"]]
    thresholds: Float[np.ndarray, " statement"]
    probabilities: Callable[[np.ndarray], np.ndarray] | None = None
    selection: str = ""
    weights_hash: str = ""
    spec: str = ""
    notes: tuple[str, ...] = ()


class Withheld:
    """The test records: they are opened for a method that has chosen, and for nothing else.

    Parameters
    ----------
    open_part
        Gives the test records; called when they are first revealed.

    Examples
    --------
    >>> Withheld(lambda: None).reveal("not chosen yet")
    Traceback (most recent call last):
    precordia.core.errors.OptionError: the test records were asked for before ...
    """

    def __init__(self, open_part: Callable[[], Part]) -> None:
        self._open = open_part
        self._part: Part | None = None

    def reveal(self, chosen: object) -> Part:
        """Return the test records.

        Raises
        ------
        OptionError
            If training and choosing have not ended.
        """
        if not isinstance(chosen, Chosen):
            raise OptionError(
                "the test records were asked for before training and choosing had ended; a Chosen "
                "is needed. Choose on the validation records."
            )
        if self._part is None:
            self._part = self._open()
        return self._part
