# SPDX-License-Identifier: Apache-2.0
"""The counterfeits of one recording, each made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, cached_property

from precordia.core.record import Record
from precordia.generation.borrowed_signal import unnamed, with_signal_of
from precordia.generation.empty_signal import with_flat_line, without_signal
from precordia.generation.permuted_leads import with_permuted_leads
from precordia.generation.phase_surrogate import with_random_phases
from precordia.generation.reversed_time import with_time_reversed
from precordia.generation.without_leads import with_leads_flat, with_leads_removed

ABSENT, FLAT, NOISE = "no recording", "flat line", "noise of the same spectrum"
ANOTHER, PERMUTED, REVERSED = "another patient's signal", "leads permuted", "time reversed"
REMOVED, ZEROED = "named leads removed", "named leads at zero"
#: of these nothing can be said about a heart
NULLS = (ABSENT, FLAT, NOISE)
#: all of them, in the order in which they are told
COUNTERFEITS = (*NULLS, ANOTHER, PERMUTED, REVERSED, REMOVED, ZEROED)

_NULL: dict[str, Callable[[Record], Record]] = {ABSENT: without_signal, FLAT: with_flat_line}
_TAKEN = {REMOVED: with_leads_removed, ZEROED: with_leads_flat}


class Counterfeits:
    """Counterfeits of one recording; asked for twice, the same record comes back.

    Parameters
    ----------
    record
        The recording; it is left as it is.
    others
        Recordings of other patients.
    seed
        Of the noise.

    Examples
    --------
    >>> from precordia.generation.simulate import simulate
    >>> made = Counterfeits(simulate(seed=1))
    >>> made.null(FLAT) is made.null(FLAT), made.null(FLAT).origin
    (True, 'synthetic')
    """

    def __init__(self, record: Record, others: Sequence[Record] = (), *, seed: int = 0) -> None:
        self.record = record
        self._others, self._seed = tuple(others), seed
        self.null = cache(self._null)
        self.without = cache(self._without)

    def _null(self, name: str) -> Record:
        """Return nothing recorded, flat lines, or noise."""
        if name == NOISE:
            return with_random_phases(self.record, seed=self._seed)
        return _NULL[name](self.record)

    @cached_property
    def borrowed(self) -> tuple[tuple[Record, Record], ...]:
        """The others' signals under this name, each beside the same signal without a name."""
        mine = self.record
        return tuple((with_signal_of(mine, other), unnamed(mine, other)) for other in self._others)

    @cached_property
    def permuted(self) -> Record | None:
        """The leads permuted; None of a single lead."""
        return with_permuted_leads(self.record) if self.record.n_leads > 1 else None

    @cached_property
    def reversed(self) -> Record:
        """The recording backwards."""
        return with_time_reversed(self.record)

    def _without(self, name: str, leads: tuple[str, ...]) -> Record:
        """Return the recording without some leads, or with them at zero."""
        return _TAKEN[name](self.record, leads)

    def control_of(self, leads: Sequence[str]) -> tuple[str, ...]:
        """Return as many other leads, or as many as there are: those that follow in the list.

        Examples
        --------
        >>> from precordia.generation.simulate import simulate
        >>> Counterfeits(simulate(seed=1)).control_of(["V5", "V6"])
        ('I', 'II')
        """
        names = self.record.leads
        first = max((names.index(n) for n in leads), default=-1) + 1
        turned = [*names[first:], *names[:first]]
        return tuple([n for n in turned if n not in leads][: len(leads)])
