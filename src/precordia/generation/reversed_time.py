# SPDX-License-Identifier: Apache-2.0
"""A recording that runs backwards."""

from __future__ import annotations

from precordia.core.record import Record
from precordia.generation.counterfeit import make_counterfeit


def with_time_reversed(record: Record) -> Record:
    """Return a record whose samples run backwards in every lead.

    Parameters
    ----------
    record
        The recording; it is left as it is.

    Returns
    -------
    The counterfeit. Rate, spectrum, heights and the relations between leads stay; whatever comes
    before or after the QRS complex changes places.

    Examples
    --------
    >>> import numpy as np
    >>> record = Record(signal=np.arange(3.0)[None], fs=500, leads=("II",))
    >>> with_time_reversed(record).signal.tolist()
    [[2.0, 1.0, 0.0]]
    """
    return make_counterfeit(record, record.signal[:, ::-1].copy(), "time reversed")
