# SPDX-License-Identifier: Apache-2.0
"""The fixed list of leads for which models that tell leads apart have a vector each."""

from __future__ import annotations

from precordia.core.errors import LeadError
from precordia.core.input_spec import ANY_LEAD
from precordia.core.leads import FURTHER, STANDARD_12
from precordia.models.signal_shape import SignalShape

#: weights are stored in this order; new leads may only be added at its end
KNOWN_LEADS = (*STANDARD_12, *FURTHER, ANY_LEAD)


def rows_of(shape: SignalShape, model: str) -> tuple[int, ...]:
    """Return where each lead of an input stands in the list.

    Raises
    ------
    LeadError
        If the leads have no names, or one is not on the list.

    Examples
    --------
    >>> rows_of(SignalShape(n_leads=2, n_samples=1000, fs=100, leads=("I", "V1")), "any")
    (0, 6)
    """
    if not shape.leads:
        raise LeadError(
            f"{model} tells leads apart and {shape.n_leads} leads without names arrived. Name them "
            "with leads=['I', 'II']."
        )
    unknown = [name for name in shape.leads if name not in KNOWN_LEADS]
    if unknown:
        raise LeadError(
            f"{model} has no place for {', '.join(unknown)}; it knows {', '.join(KNOWN_LEADS)}. "
            "Leave these leads away."
        )
    return tuple(KNOWN_LEADS.index(name) for name in shape.leads)
