# SPDX-License-Identifier: Apache-2.0
"""Which windows a step of pretraining sees: a pure function of seed, epoch and number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

#: what the random numbers are for; each purpose has a stream of its own
_ORDER, _CHOOSING, _PLACES = 10, 11, 12


@dataclass(frozen=True, slots=True)
class Choice:
    """What a batch is made of.

    Attributes
    ----------
    stretches
        One for each group of windows that are neighbours, else one for each window.
    places
        Where in its stretch each begins, as a share of what is possible.
    """

    stretches: Int[np.ndarray, " choice"]
    places: Float[np.ndarray, " choice"]


class GroupOrder:
    """Batches of windows that belong together as an objective wants.

    Parameters
    ----------
    grouping
        ``"records"``: each window of another stretch. ``"neighbours"``: two windows of each
        stretch, one after the other. ``"patients"``: two windows of each patient, of different
        recordings where there are several, else of different stretches where there are several.
    batch_size
        Windows of a batch.
    patients, records
        Number of the patient and of the recording of each stretch.
    seed
        Of everything that is drawn.

    Notes
    -----
    In an epoch each stretch, or each patient, comes at most once; what does not fill a batch is
    left for another epoch, whose order is another one. No patient comes twice in a batch of
    patients. Windows of a group follow one another.

    Examples
    --------
    >>> order = GroupOrder("patients", 4, patients=[0, 0, 1, 2], records=[0, 1, 2, 3], seed=0)
    >>> order.n_groups, order.n_batches
    (3, 1)
    """

    def __init__(
        self,
        grouping: str,
        batch_size: int,
        *,
        patients: Int[np.ndarray, " stretch"] | list[int],
        records: Int[np.ndarray, " stretch"] | list[int],
        seed: int,
    ) -> None:
        self.grouping, self.batch_size, self.seed = grouping, batch_size, seed
        self.records = np.asarray(records)
        whose = np.asarray(patients)
        self._by_patient = np.argsort(whose, kind="stable")
        self._first = np.flatnonzero(np.diff(whose[self._by_patient], prepend=-1))
        self._last = np.append(self._first[1:], len(whose))
        self._remembered: tuple[int, np.ndarray] = (-1, np.empty(0, np.int64))
        self.n_groups = len(self._first) if grouping == "patients" else len(whose)

    @property
    def together(self) -> int:
        """Windows of a group."""
        return 1 if self.grouping == "records" else 2

    @property
    def n_batches(self) -> int:
        """Batches of an epoch."""
        return self.n_groups // (self.batch_size // self.together)

    @property
    def n_left_out(self) -> int:
        """Windows that an epoch leaves to the others, since they do not fill a batch."""
        return self.n_groups * self.together - self.n_batches * self.batch_size

    def batch(self, epoch: int, number: int) -> Choice:
        """Return a batch of an epoch."""
        n = self.batch_size // self.together
        groups = self._order(epoch)[number * n : (number + 1) * n]
        if self.grouping == "patients":
            drawn = np.random.default_rng([_CHOOSING, self.seed, epoch, number]).random((n, 2))
            groups = np.concatenate(
                [self._two_of(g, *u) for g, u in zip(groups.tolist(), drawn.tolist(), strict=True)]
            )
        places = np.random.default_rng([_PLACES, self.seed, epoch, number]).random(len(groups))
        return Choice(groups, places)

    def _order(self, epoch: int) -> Int[np.ndarray, " group"]:
        """Return the order of an epoch; the last one is remembered."""
        if self._remembered[0] != epoch:
            rng = np.random.default_rng([_ORDER, self.seed, epoch])
            self._remembered = (epoch, rng.permutation(self.n_groups))
        return self._remembered[1]

    def _two_of(self, patient: int, first: float, second: float) -> Int[np.ndarray, " two"]:
        """Return two stretches of a patient, as far apart in kind as there are."""
        mine = self._by_patient[self._first[patient] : self._last[patient]]
        one = mine[int(first * len(mine))]
        others = mine[self.records[mine] != self.records[one]]
        if not len(others):
            others = mine[mine != one]
        return np.array([one, others[int(second * len(others))] if len(others) else one])
