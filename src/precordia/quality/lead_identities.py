# SPDX-License-Identifier: Apache-2.0
"""Limb leads that contradict Einthoven and Goldberger so much that a name or sign must be wrong."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from jaxtyping import Float

from precordia.core.leads import LIMB, identity_residuals
from precordia.core.plausibility import lead_remarks
from precordia.core.record import Remark

_LIMIT = 0.6
_MENDED = 0.2


def contradicting_leads(
    signal: Float[np.ndarray, "lead sample"], leads: tuple[str, ...]
) -> tuple[Remark, ...]:
    """Report limb leads that cannot be what their names say.

    Parameters
    ----------
    signal
        Potential, mV; NaN where missing.
    leads
        Names of the rows.

    Returns
    -------
    Remarks: two names exchanged where that mends both leads (``"lead-names-exchanged"``), else
    what `precordia.core.plausibility.lead_remarks` says of each lead that is off by more than
    60 % of the larger limb leads.

    Notes
    -----
    Offsets are put aside. Leads that a device filtered or sampled one by one fail by less: in
    LUDB the identities are off by about half of lead III within the QRS. In CinC 2011 set-a the
    columns named aVL and aVF are exchanged in nearly every recording; this is how it was found.

    Examples
    --------
    >>> x = np.vstack([np.sin(np.arange(99.0)), 3 * np.cos(np.arange(99.0))])
    >>> x = np.vstack([x, x[1] - x[0] / 2, x[0] - x[1] / 2])
    >>> contradicting_leads(x, ("I", "II", "aVL", "aVF"))[0].leads
    ('aVL', 'aVF')
    """
    with np.errstate(invalid="ignore"):
        signal = signal - np.nanmean(signal, axis=1, keepdims=True)
    found = lead_remarks(signal, leads)
    if not found:
        return ()
    sizes = identity_residuals(signal, leads)
    rows = [row for row, name in enumerate(leads) if name in ("I", "II")]
    large = float(np.sqrt(np.nanmean(signal[rows] ** 2, axis=1)).max())
    wrong = [
        r
        for r in found
        if r.code == "lead-polarity" or sizes[r.leads[0]][0] > _LIMIT * max(large, 1e-9)
    ]
    names = [r.leads[0] for r in wrong if r.code != "lead-polarity"]
    for one, other in combinations([n for n in LIMB if n in names], 2):
        swapped = tuple({one: other, other: one}.get(n, n) for n in leads)
        mended = identity_residuals(signal, swapped)
        if max(mended[one][0], mended[other][0]) < _MENDED * large:
            text = f"The rows named {one} and {other} are exchanged: each fits the other's name."
            remark = Remark(code="lead-names-exchanged", text=text, leads=(one, other))
            return (remark, *(r for r in wrong if r.leads[0] not in (one, other)))
    return tuple(wrong)
