# SPDX-License-Identifier: Apache-2.0
"""Nothing recorded: the question alone is left; and a line that is flat in every lead."""

from __future__ import annotations

import numpy as np

from precordia.core.record import Record
from precordia.generation.counterfeit import make_counterfeit


def without_signal(record: Record) -> Record:
    """Return a record of the same leads in which nothing was recorded.

    Parameters
    ----------
    record
        The recording; it is left as it is.

    Returns
    -------
    The counterfeit: every sample is NaN.

    Examples
    --------
    >>> record = Record(signal=np.ones((1, 500)), fs=500, leads=("II",))
    >>> bool(np.isnan(without_signal(record).signal).all())
    True
    """
    return make_counterfeit(record, np.full_like(record.signal, np.nan), "absent")


def with_flat_line(record: Record) -> Record:
    """Return a record of the same leads, each constant.

    Parameters
    ----------
    record
        The recording; it is left as it is.

    Returns
    -------
    The counterfeit: every lead stays at the median of what it was; 0 where nothing was recorded.

    Examples
    --------
    >>> record = Record(signal=np.arange(3.0)[None], fs=500, leads=("II",))
    >>> with_flat_line(record).signal.tolist()
    [[1.0, 1.0, 1.0]]
    """
    held = np.isfinite(record.signal)
    levels = [float(np.median(row[ok])) if ok.any() else 0.0
              for row, ok in zip(record.signal, held, strict=True)]  # fmt: skip
    flat = np.broadcast_to(np.array(levels, np.float32)[:, None], record.signal.shape)
    return make_counterfeit(record, flat, "flat line")
