# SPDX-License-Identifier: Apache-2.0
"""Durations between fiducials: P, PR, QRS, QT, JT and from T peak to T end."""

import numpy as np
from jaxtyping import Float, Int

from precordia.core.fiducials import Waves

INTERVALS = {
    "p_ms": ("p_onset", "p_offset"),
    "pr_ms": ("p_onset", "qrs_onset"),
    "qrs_ms": ("qrs_onset", "qrs_offset"),
    "qt_ms": ("qrs_onset", "t_offset"),
    "jt_ms": ("qrs_offset", "t_offset"),
    "t_peak_t_end_ms": ("t_peak", "t_offset"),
}


def interval_ms(
    waves: Waves, name: str, fs: float, rows: Int[np.ndarray, " beat"] | None = None
) -> Float[np.ndarray, " beat"]:
    """Measure one interval of every beat.

    Parameters
    ----------
    waves
        Fiducials, of all leads together or of one.
    name
        ``"p_ms"``, ``"pr_ms"``, ``"qrs_ms"``, ``"qt_ms"``, ``"jt_ms"`` or ``"t_peak_t_end_ms"``.
    fs
        Sampling rate of the positions, Hz.
    rows
        Rows to measure; all by default.

    Returns
    -------
    Float[np.ndarray, " beat"]
        Duration, ms; NaN where either end is absent.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from precordia.core.fiducials import empty_waves
    >>> seen = replace(empty_waves(1), qrs_onset=np.array([100.0]), qrs_offset=np.array([145.0]))
    >>> interval_ms(seen, "qrs_ms", 500.0)
    array([90.])
    """
    start, end = INTERVALS[name]
    apart = getattr(waves, end) - getattr(waves, start)
    if rows is not None:
        apart = apart[rows]
    return apart * (1000.0 / fs)
