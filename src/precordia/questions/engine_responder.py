# SPDX-License-Identifier: Apache-2.0
"""The engine as one of those who answer, beside classifiers and language models."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from precordia.core.record import Record
from precordia.core.study import Study
from precordia.questions.answer import answer
from precordia.questions.limits import Limits
from precordia.questions.response import Response, response_of

#: as many studies are kept; a record that comes back later is examined again
_KEPT = 256


class Studies:
    """Studies of records that come again and again, each examined once.

    Parameters
    ----------
    examine
        Makes a study of a record, such as `precordia.pipeline.examine`.

    Examples
    --------
    >>> from precordia.generation.simulate import simulate
    >>> from precordia.pipeline import examine
    >>> studies, record = Studies(examine), simulate(seed=1)
    >>> studies(record) is studies(record)
    True
    """

    def __init__(self, examine: Callable[[Record], Study]) -> None:
        self._examine = examine
        self._held: OrderedDict[int, tuple[Record, Study]] = OrderedDict()

    def __call__(self, record: Record) -> Study:
        """Return the study of a record."""
        held = self._held.get(id(record))
        if held is None or held[0] is not record:
            held = (record, self._examine(record))
            self._held[id(record)] = held
            if len(self._held) > _KEPT:
                self._held.popitem(last=False)
        self._held.move_to_end(id(record))
        return held[1]


class EngineResponder:
    """Answer by rules over findings, measurements and quality.

    Parameters
    ----------
    examine
        Makes a study of a record, such as `precordia.pipeline.examine`.
    limits
        Normal limits of the intervals; usual ones of adults where none are given.

    Examples
    --------
    >>> from precordia.generation.simulate import simulate
    >>> from precordia.pipeline import examine
    >>> responder = EngineResponder(examine)
    >>> print(responder(simulate(heart_rate_bpm=75, seed=1), "What is the heart rate?"))
    75 bpm
    """

    def __init__(self, examine: Callable[[Record], Study], limits: Limits | None = None) -> None:
        self.study_of = examine if isinstance(examine, Studies) else Studies(examine)
        self._limits = limits

    def __call__(self, record: Record, question: str, previous: Record | None = None) -> Response:
        """Examine what was not examined yet, and answer."""
        study = self.study_of(record)
        earlier = None if previous is None else self.study_of(previous)
        return response_of(answer(study, question, earlier, limits=self._limits), study)
