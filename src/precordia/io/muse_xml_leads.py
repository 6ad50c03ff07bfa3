# SPDX-License-Identifier: Apache-2.0
"""Limb leads that MUSE leaves out of a file because leads I and II say them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from precordia.core.leads import LIMB, LIMB_FROM_I_II, STANDARD_12
from precordia.core.record import Remark


def with_derived_leads(
    rows: Float[np.ndarray, "_ sample"], leads: Sequence[str], remarks: list[Remark]
) -> tuple[Float[np.ndarray, "lead sample"], tuple[str, ...]]:
    """Add those of III, aVR, aVL and aVF that are not stored, and put leads in standard order.

    Parameters
    ----------
    rows
        Potential, mV, in double precision: what is computed is rounded once.
    leads
        Name of each row, each once. Chest leads may be missing, and others may be there too.
    remarks
        Takes a sentence about the leads that were computed.

    Returns
    -------
    Potential, mV, in single precision, and the name of each row: the standard leads in their order,
    then others in theirs. Without leads I and II nothing is computed.

    References
    ----------
    Einthoven W. Pfluegers Arch 1912;150:275-315. Goldberger E. Am Heart J 1942;23:483-492.

    Examples
    --------
    >>> rows, leads = with_derived_leads(np.array([[1.0], [3.0]]), ("I", "II"), [])
    >>> leads
    ('I', 'II', 'III', 'aVR', 'aVL', 'aVF')
    >>> rows[:, 0]
    array([ 1. ,  3. ,  2. , -2. , -0.5,  2.5], dtype=float32)
    """
    place = {lead: row for row, lead in enumerate(leads)}
    missing = tuple(lead for lead in LIMB[2:] if lead not in place)
    if "I" not in place or "II" not in place:
        missing = ()
    order = [lead for lead in STANDARD_12 if lead in place or lead in missing]
    order += [lead for lead in leads if lead not in STANDARD_12]
    signal = np.empty((len(order), rows.shape[1]), np.float32)
    for k, lead in enumerate(order):
        if lead in place:
            signal[k] = rows[place[lead]]
        else:
            one, two = LIMB_FROM_I_II[LIMB.index(lead) - 2]
            signal[k] = one * rows[place["I"]] + two * rows[place["II"]]
    if missing:
        remarks.append(
            Remark(
                code="leads-derived",
                text="The file does not store " + ", ".join(missing) + "; computed from leads I "
                "and II.",
                leads=missing,
            )
        )
    return signal, tuple(order)
