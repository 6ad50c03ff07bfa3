# SPDX-License-Identifier: Apache-2.0
"""The beats that a file states, as the table that beats found in a signal have."""

from __future__ import annotations

import numpy as np

from precordia.core.carried_beats import (
    NORMAL_BEATS,
    PACED_BEATS,
    SUPRAVENTRICULAR_BEATS,
    VENTRICULAR_BEATS,
    carried_beats,
)
from precordia.core.measurements import BeatKind, BeatTable
from precordia.core.record import Record

#: beats to each side with which an interval is compared
_REACH = 5
_KINDS = {
    **dict.fromkeys(NORMAL_BEATS, BeatKind.NORMAL),
    **dict.fromkeys(SUPRAVENTRICULAR_BEATS, BeatKind.SUPRAVENTRICULAR),
    **dict.fromkeys(VENTRICULAR_BEATS, BeatKind.VENTRICULAR),
    **dict.fromkeys(PACED_BEATS, BeatKind.PACED),
}


def table_of_carried_beats(record: Record) -> BeatTable:
    """Return the beats that the file of a record states.

    Parameters
    ----------
    record
        Any record.

    Returns
    -------
    BeatTable
        Kinds as the file gives them; nothing that a signal would tell.

    Notes
    -----
    The kind of a beat is what its annotation code says and is not judged again from the time at
    which it comes. An interval across an artifact is unknown.

    Examples
    --------
    >>> from precordia.core.record import Annotations, Carried
    >>> marks = Annotations(sample=np.array([0, 800, 1300, 2400]), symbol=("N", "N", "V", "N"))
    >>> record = Record(signal=np.zeros((0, 2401)), fs=1000, leads=(),
    ...     carried=Carried(annotations=marks))
    >>> [kind.name for kind in table_of_carried_beats(record).kind]
    ['NORMAL', 'NORMAL', 'VENTRICULAR', 'NORMAL']
    """
    beats = carried_beats(record)
    n = len(beats)
    absent = np.full(n, np.nan)
    return BeatTable(
        r_peak=beats.sample.astype(float),
        rr_ms=beats.rr_ms,
        kind=tuple(_KINDS.get(symbol, BeatKind.UNCLASSIFIED) for symbol in beats.symbol),
        prematurity=_prematurity(beats.rr_ms),
        pr_ms=absent,
        qrs_ms=absent,
        qt_ms=absent,
        template_correlation=absent,
    )


def _prematurity(rr_ms: np.ndarray) -> np.ndarray:
    """Return each interval as a fraction of the median of those around it."""
    known = np.flatnonzero(np.isfinite(rr_ms))
    out = np.full(rr_ms.size, np.nan)
    if known.size < 2:
        return out
    rr = rr_ms[known]
    wide = np.pad(rr, _REACH, mode="reflect" if rr.size > _REACH else "edge")
    around = np.lib.stride_tricks.sliding_window_view(wide, 2 * _REACH + 1)
    out[known] = rr / np.median(around, axis=1)
    return out
