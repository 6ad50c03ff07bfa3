# SPDX-License-Identifier: Apache-2.0
"""Names that stay and signals that move: every lead shows another one."""

from __future__ import annotations

import numpy as np

from precordia.core.errors import LeadError
from precordia.core.record import Record
from precordia.generation.counterfeit import make_counterfeit


def with_permuted_leads(record: Record) -> Record:
    """Return a record in which no lead shows its own signal.

    Parameters
    ----------
    record
        The recording, of two leads at least; it is left as it is.

    Returns
    -------
    The counterfeit: each name stands at the signal of the lead half the list further on (of
    twelve: V1 to V6 where I to aVF should be, and the reverse). Its source says which lead shows
    which.

    Raises
    ------
    LeadError
        If there are fewer than two leads.

    Examples
    --------
    >>> record = Record(signal=np.array([[1.0], [2.0]]), fs=500, leads=("I", "II"))
    >>> made = with_permuted_leads(record)
    >>> made.signal.tolist(), made.source.parameters["shows"]
    ([[2.0], [1.0]], {'I': 'II', 'II': 'I'})
    """
    n = record.n_leads
    if n < 2:
        raise LeadError(
            f"the recording has {n} lead{'' if n == 1 else 's'}, and two at least are needed to "
            "exchange their signals."
        )
    shown = np.roll(np.arange(n), -(n // 2))
    return make_counterfeit(
        record,
        record.signal[shown],
        "leads permuted",
        shows={name: record.leads[k] for name, k in zip(record.leads, shown, strict=True)},
    )
