# SPDX-License-Identifier: Apache-2.0
"""Six intervals of lead II, as the published answers of ECG-QA imply that they were measured."""

from __future__ import annotations

import math

import numpy as np

from precordia.core.fiducials import Fiducials


def lead_ii_intervals(fiducials: Fiducials, fs: float) -> dict[str, float]:
    """Return the six intervals of lead II, ms, medians over beats.

    Parameters
    ----------
    fiducials
        Waves with those of lead II.
    fs
        Sampling rate, Hz.

    Returns
    -------
    The intervals by name; NaN where a wave was not found.

    Notes
    -----
    The published answers follow definitions that are not those of a clinical measurement: QRS from
    the peak of Q to the peak of S, QT from the peak of Q to the end of T, all in lead II alone.
    This was found by comparing several definitions with the answers; it is in no publication.
    """
    waves = fiducials.leads.get("II")
    if waves is None:
        return {}

    def median(first: str, last: str) -> float:
        spans = np.asarray(getattr(waves, last)) - np.asarray(getattr(waves, first))
        spans = spans[np.isfinite(spans)]
        return float(np.median(spans)) * 1000.0 / fs if spans.size else math.nan

    peaks = np.asarray(fiducials.r_peak, float)
    steps = np.diff(peaks[np.isfinite(peaks)])
    rr = float(np.median(steps)) * 1000.0 / fs if steps.size else math.nan
    qt = median("q_peak", "t_offset")
    return {
        "rr interval": rr,
        "p duration": median("p_onset", "p_offset"),
        "pr interval": median("p_onset", "qrs_onset"),
        "qrs duration": median("q_peak", "s_peak"),
        "qt interval": qt,
        "qt corrected": qt / math.sqrt(rr / 1000.0) if rr > 0 else math.nan,
    }
