# SPDX-License-Identifier: Apache-2.0
"""R-peaks of windows, found once before training."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from jaxtyping import Float, Int

from precordia.delineation.rpeaks import rpeaks_of_signal


def detect_window_rpeaks(
    windows: Iterable[Float[np.ndarray, "lead sample"]],
    fs: float,
    *,
    watch: Callable[[int], None] | None = None,
) -> list[Int[np.ndarray, " beat"]]:
    """Find the R-peaks of each window.

    Parameters
    ----------
    windows
        One at a time; scaled leads will do, as the detector does not look at millivolts.
    fs
        Their rate, Hz.
    watch
        Is told how many are done.

    Returns
    -------
    Samples of the R-peaks of each window, ascending.

    Examples
    --------
    >>> [len(beats) for beats in detect_window_rpeaks(np.zeros((2, 1, 500)), 100.0)]
    [0, 0]
    """
    found = []
    for window in windows:
        found.append(rpeaks_of_signal(np.asarray(window), fs))
        if watch is not None:
            watch(len(found))
    return found
