# SPDX-License-Identifier: Apache-2.0
"""The waves of one lead, before they are joined over leads."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

ONSET, PEAK, OFFSET, CONFIDENCE = range(4)
"""Columns of the arrays of `LeadWaves`."""

WAVE_KINDS = ("p", "qrs", "t")
"""The three kinds of wave, in the order of a beat."""


def no_waves() -> Float[np.ndarray, "0 4"]:
    """Return the array of a lead that holds no wave of a kind.

    Returns
    -------
    Array of shape (0, 4).

    Examples
    --------
    >>> no_waves().shape
    (0, 4)
    """
    return np.empty((0, 4))


@dataclass
class LeadWaves:
    """P, QRS and T waves of one lead, each kind a table of its own.

    This is what a method that looks at each lead by itself hands over; `assemble` joins the leads
    to beats. A row is one wave: onset, peak, offset (sample positions at the record's sampling
    rate, fractions allowed, NaN where unknown) and confidence 0..1. Rows are sorted by peak.

    Attributes
    ----------
    p, qrs, t
        One row a wave: onset, peak, offset, confidence.

    Examples
    --------
    >>> lead = LeadWaves(qrs=np.array([[95.0, 100.0, 120.0, 0.9]]))
    >>> len(lead.p), lead.qrs[0, PEAK]
    (0, np.float64(100.0))
    """

    p: Float[np.ndarray, "_ 4"] = field(default_factory=no_waves)
    qrs: Float[np.ndarray, "_ 4"] = field(default_factory=no_waves)
    t: Float[np.ndarray, "_ 4"] = field(default_factory=no_waves)
