# SPDX-License-Identifier: Apache-2.0
"""Twelve leads from files that store eight."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from precordia.core.leads import LIMB_FROM_I_II, PRECORDIAL, STANDARD_12
from precordia.core.record import Remark

_STORED = ("I", "II", *PRECORDIAL)
_DERIVED = ("III", "aVR", "aVL", "aVF")


def complete_limb_leads(
    signal: Float[np.ndarray, "_ sample"], leads: tuple[str, ...], remarks: list[Remark]
) -> tuple[Float[np.ndarray, "lead sample"], tuple[str, ...]]:
    """Derive III, aVR, aVL and aVF where a file stores the eight leads that they follow from.

    Parameters
    ----------
    signal, leads
        As stored, millivolts.
    remarks
        Takes a remark that names what was derived.

    Returns
    -------
    Twelve leads in the standard order where I, II and V1 to V6 were given and nothing else; all
    other sets of leads as they are.

    Examples
    --------
    >>> eight = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
    >>> complete_limb_leads(np.arange(8.0)[:, None], eight, [])[0][:6, 0]
    array([ 0. ,  1. ,  1. , -0.5, -0.5,  1. ], dtype=float32)
    """
    if len(leads) != len(_STORED) or set(leads) != set(_STORED):
        return signal, leads
    place = {lead: row for row, lead in enumerate(leads)}
    whole = np.empty((len(STANDARD_12), signal.shape[1]), np.float32)
    for row, lead in enumerate(STANDARD_12):
        if lead in place:
            whole[row] = signal[place[lead]]
    # In double precision and rounded once.
    one_two = signal[[place["I"], place["II"]]].astype(np.float64)
    whole[2:6] = LIMB_FROM_I_II @ one_two
    remarks.append(
        Remark(
            code="leads-derived",
            text="The file stores eight leads; III, aVR, aVL and aVF were computed from I and II.",
            leads=_DERIVED,
        )
    )
    return whole, STANDARD_12
