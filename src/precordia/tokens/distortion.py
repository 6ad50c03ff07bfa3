# SPDX-License-Identifier: Apache-2.0
"""How unlike a decoded recording is: in percent, in millivolts, and at the R-peaks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from precordia.core.errors import SignalError
from precordia.core.record import Record
from precordia.core.value import Value
from precordia.delineation.matching import match
from precordia.delineation.rpeaks import LOWEST_HZ, detect_rpeaks

#: an R-peak that moved further than this is lost
REACH_MS = 150.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Distortion(Value):
    """What got lost.

    Attributes
    ----------
    prd_percent
        Root of the squared error over that of the recording about the mean of each lead; NaN for
        a flat recording.
    rmse_mv
        Root of the mean squared error, mV.
    rpeak_ms
        Mean distance of R-peaks found in both, ms; NaN where there is none.
    n_rpeaks, n_lost, n_extra
        R-peaks of the recording, those not found within 150 ms in the decoded one, and those found
        there only.
    """

    prd_percent: float
    rmse_mv: float
    rpeak_ms: float
    n_rpeaks: int
    n_lost: int
    n_extra: int


def compare(record: Record, decoded: Record) -> Distortion:
    """Compare a recording with what came back from its symbols.

    Parameters
    ----------
    record, decoded
        Of the same leads, rate and length.

    Returns
    -------
    The distortion, over samples that both have. The R-peaks are those that `detect_rpeaks` finds
    in each, so its own errors count where the two differ.

    Raises
    ------
    SignalError
        If the two differ in leads, rate or length.

    Examples
    --------
    >>> beat = np.exp(-0.5 * ((np.arange(1000) % 100 - 50) / 2.0) ** 2)[None]
    >>> record = Record(signal=beat, fs=100, leads=("II",))
    >>> half = Record(signal=beat / 2, fs=100, leads=("II",))
    >>> compare(record, record).prd_percent, round(compare(record, half).rmse_mv, 3)
    (0.0, 0.094)
    """
    if record.leads != decoded.leads or record.signal.shape != decoded.signal.shape:
        raise SignalError(
            f"{record!r} and {decoded!r} arrived; two recordings of the same leads and length are "
            "needed."
        )
    x, y = record.signal.astype(float), decoded.signal.astype(float)
    both = np.isfinite(x) & np.isfinite(y)
    count = both.sum(axis=1)
    mean = np.where(both, x, 0.0).sum(axis=1) / np.maximum(count, 1)
    error = np.where(both, x - y, 0.0)
    about = np.where(both, x - mean[:, None], 0.0)
    squared, power = float((error**2).sum()), float((about**2).sum())
    n = int(count.sum())
    return Distortion(
        prd_percent=100 * float(np.sqrt(squared / power)) if power > 0 else float("nan"),
        rmse_mv=float(np.sqrt(squared / n)) if n else float("nan"),
        **_beats(record, decoded),
    )


def _beats(record: Record, decoded: Record) -> dict[str, Any]:
    if record.fs < LOWEST_HZ:
        return {"rpeak_ms": float("nan"), "n_rpeaks": 0, "n_lost": 0, "n_extra": 0}
    there, found = detect_rpeaks(record), detect_rpeaks(decoded)
    i, j = match(there, found, REACH_MS * record.fs / 1000)
    apart = np.abs(there[i] - found[j]) * 1000 / record.fs
    return {
        "rpeak_ms": float(apart.mean()) if apart.size else float("nan"),
        "n_rpeaks": len(there),
        "n_lost": len(there) - len(i),
        "n_extra": len(found) - len(j),
    }
