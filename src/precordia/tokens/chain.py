# SPDX-License-Identifier: Apache-2.0
"""The adaptive polygonal chain: as few straight lines as a tolerance allows."""

from __future__ import annotations

import itertools

import numpy as np
from jaxtyping import Float, Int

_SLACK = 1e-12  # of the tolerance, for rounding


def chain(
    x: Float[np.ndarray, " sample"], *, tolerance: float, longest: int
) -> Int[np.ndarray, " _"]:
    """Lay straight lines from sample to sample, each as long as the tolerance allows.

    Parameters
    ----------
    x
        A signal.
    tolerance
        A line over ``m`` steps may have a squared error of ``(m - 1) * tolerance**2`` in total.
    longest
        No line is longer than this many steps.

    Returns
    -------
    Indices of the samples where lines meet, the first and the last sample among them.

    Notes
    -----
    *Method*: from each corner, the line is lengthened step by step until the error of the next
    length is above what is allowed. Errors of all lengths come from three running sums, so the
    work grows with the samples alone. They are summed in plain Python: lines of an ECG are a few
    samples long, too few to be worth arrays.
    Summed over all lines, the squared error is at most ``(n_samples - n_lines) * tolerance**2``.

    References
    ----------
    Elsworth S, Güttel S. ABBA: adaptive Brownian bridge-based symbolic aggregation of time series.
    Data Min Knowl Discov 2020;34:1175. doi:10.1007/s10618-020-00689-6

    Examples
    --------
    >>> chain(np.array([0.0, 1.0, 2.0, 1.0, 0.0]), tolerance=0.1, longest=10).tolist()
    [0, 2, 4]
    """
    x = np.asarray(x, float).tolist()
    n = len(x)
    squares = list(itertools.accumulate((float(k * k) for k in range(1, longest + 1)), initial=0.0))
    slack = _SLACK * tolerance**2
    allowed = [(k - 1) * tolerance**2 * (1 + _SLACK) + slack for k in range(longest + 1)]
    corners = [0]
    here = 0
    while here < n - 1:
        start = x[here]
        last = min(longest, n - 1 - here)
        squared = product = 0.0
        steps = 1
        while steps <= last:
            y = x[here + steps] - start
            squared += y * y
            product += steps * y
            slope = y / steps
            error = squared - 2 * slope * product + slope * slope * squares[steps]
            if error > allowed[steps] and steps > 1:
                break
            steps += 1
        here += steps - 1
        corners.append(here)
    return np.array(corners, np.int64)
