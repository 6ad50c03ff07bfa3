# SPDX-License-Identifier: Apache-2.0
"""Some leads taken out of a recording, or flat in it."""

from __future__ import annotations

from collections.abc import Iterable

from precordia.core.errors import LeadError
from precordia.core.record import Record
from precordia.generation.counterfeit import make_counterfeit


def with_leads_removed(record: Record, leads: Iterable[str]) -> Record:
    """Return a record without some of its leads.

    Parameters
    ----------
    record
        The recording; it is left as it is.
    leads
        Leads to take out.

    Returns
    -------
    The counterfeit, of the leads that are left.

    Raises
    ------
    LeadError
        If the recording has no such lead.

    Examples
    --------
    >>> import numpy as np
    >>> record = Record(signal=np.array([[1.0], [2.0]]), fs=500, leads=("I", "II"))
    >>> with_leads_removed(record, ["I"]).leads
    ('II',)
    """
    taken = _checked(record, leads)
    kept = [k for k, name in enumerate(record.leads) if name not in taken]
    return make_counterfeit(
        record,
        record.signal[kept],
        "leads removed",
        leads=tuple(record.leads[k] for k in kept),
        removed=list(taken),
    )


def with_leads_flat(record: Record, leads: Iterable[str]) -> Record:
    """Return a record in which some leads are zero throughout, under their names.

    Parameters
    ----------
    record
        The recording; it is left as it is.
    leads
        Leads to set to zero.

    Returns
    -------
    The counterfeit, of the same leads.

    Raises
    ------
    LeadError
        If the recording has no such lead.

    Examples
    --------
    >>> import numpy as np
    >>> record = Record(signal=np.array([[1.0], [2.0]]), fs=500, leads=("I", "II"))
    >>> with_leads_flat(record, ["I"]).signal.tolist()
    [[0.0], [2.0]]
    """
    taken = _checked(record, leads)
    signal = record.signal.copy()
    signal[[record.leads.index(name) for name in taken]] = 0.0
    return make_counterfeit(record, signal, "leads flat", flat=list(taken))


def _checked(record: Record, leads: Iterable[str]) -> tuple[str, ...]:
    taken = tuple(dict.fromkeys(leads))
    strangers = [name for name in taken if name not in record.leads]
    if strangers:
        raise LeadError(
            f"lead {', '.join(strangers)} cannot be taken out of a recording that has "
            f"{', '.join(record.leads) or 'no leads'}; name leads that it has."
        )
    return taken
