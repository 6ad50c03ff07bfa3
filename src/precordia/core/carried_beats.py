# SPDX-License-Identifier: Apache-2.0
"""The beats among the annotations that a file carries, and the intervals between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from precordia.core.record import Record
from precordia.core.value import Value

#: annotation codes of WFDB that stand for a beat
NORMAL_BEATS = frozenset("NLRBejn")
SUPRAVENTRICULAR_BEATS = frozenset("AaJS")
VENTRICULAR_BEATS = frozenset("VEr")
PACED_BEATS = frozenset("/f")
OTHER_BEATS = frozenset("FQ?")
BEATS = (
    NORMAL_BEATS | SUPRAVENTRICULAR_BEATS | VENTRICULAR_BEATS | PACED_BEATS | OTHER_BEATS
)  # fmt: skip
#: codes and words of what may hide beats: the interval across it is unknown
_HIDING = frozenset("|~")
_HIDING_WORDS = frozenset({"timeout", "artifact", "calibration"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedBeats(Value):
    """Beats that a file states.

    Attributes
    ----------
    sample
        Position of each beat, samples.
    symbol
        Annotation code of each.
    rr_ms
        Interval that precedes each beat; NaN for the first and where an artifact lies between.
    """

    sample: Int[np.ndarray, " beat"]
    symbol: tuple[str, ...]
    rr_ms: Float[np.ndarray, " beat"]

    def __len__(self) -> int:
        return len(self.symbol)


def carried_beats(record: Record) -> CarriedBeats:
    """Return the beats that the file of a record states.

    Parameters
    ----------
    record
        Any record.

    Returns
    -------
    Beats in the order of time; none where the file carries no annotations.

    Examples
    --------
    >>> from precordia.core.record import Annotations, Carried
    >>> marks = Annotations(sample=np.array([0, 400, 500, 820]), symbol=("N", "V", "+", "N"))
    >>> record = Record(signal=np.zeros((0, 900)), fs=500, leads=(),
    ...     carried=Carried(annotations=marks))
    >>> carried_beats(record).rr_ms
    array([ nan, 800., 840.])
    """
    marks = record.carried.annotations
    if marks is None or not len(marks):
        return CarriedBeats(sample=np.zeros(0, np.int64), symbol=(), rr_ms=np.zeros(0))
    order = np.argsort(marks.sample, kind="stable")
    symbols = np.array(marks.symbol, dtype=object)[order]
    words = np.array(marks.aux or ("",) * len(marks), dtype=object)[order]
    is_beat = np.array([symbol in BEATS for symbol in symbols], dtype=bool)
    hides = np.array(
        [
            symbol in _HIDING or word in _HIDING_WORDS
            for symbol, word in zip(symbols, words, strict=True)
        ],
        dtype=bool,
    )
    at = np.flatnonzero(is_beat)
    sample = marks.sample[order][at]
    rr_ms = np.full(at.size, np.nan)
    if at.size > 1:
        rr_ms[1:] = np.diff(sample) * (1000.0 / record.fs)
        n_hidden = np.cumsum(hides)[at]
        rr_ms[1:][(np.diff(n_hidden) > 0) | (rr_ms[1:] <= 0)] = np.nan
    return CarriedBeats(sample=sample, symbol=tuple(symbols[at]), rr_ms=rr_ms)
