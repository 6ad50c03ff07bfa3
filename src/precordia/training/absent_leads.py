# SPDX-License-Identifier: Apache-2.0
"""Say how many recordings lack leads of the model, for which it is given zeros."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Int

from precordia.core.record import Remark


def remark_absent_leads(
    present: Bool[np.ndarray, "window lead"],
    record: Int[np.ndarray, " window"],
    leads: Sequence[str],
) -> list[Remark]:
    """Remark how many recordings lack which leads; nothing where none does.

    Parameters
    ----------
    present
        Leads that were recorded, or follow from those that were, for each window.
    record
        Number of the recording that each window is of.
    leads
        Names of the model's leads.

    Examples
    --------
    >>> present = np.array([[True, True], [True, False], [True, False]])
    >>> [remark.text for remark in remark_absent_leads(present, np.array([0, 1, 1]), ["I", "V1"])]
    ['1 of 2 recordings lacks leads, and zeros stand for them: V1 (1).']
    """
    _, first = np.unique(record, return_index=True)
    lacking = ~present[first]
    n, n_all = int(lacking.any(axis=1).sum()), len(lacking)
    if not n:
        return []
    counted = zip(leads, lacking.sum(axis=0), strict=True)
    which = ", ".join(f"{lead} ({count})" for lead, count in counted if count)
    text = (
        f"{n} of {n_all} recordings {'lacks' if n == 1 else 'lack'} leads, and zeros stand for "
        f"them: {which}."
    )
    return [Remark(code="leads-absent", text=text)]
