# SPDX-License-Identifier: Apache-2.0
"""Short recordings whose beats nobody could mistake, told without a network."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from precordia.delineation.rpeaks_features import PAD, Candidates

LONGEST_S = 20.0
_SMALL = 0.3
_LARGE = 0.6
_LARGEST = 1.5
_EDGE_S = 0.15
_EDGE = 0.15
_BUSY = 0.2
_SHORTEST_RR_S = 0.36
_UNEVEN = 1.3
_FEWEST = 5


def plain_beats(found: Candidates) -> Int[np.ndarray, " _"] | None:
    """Give the candidates that are beats where that is plain to see, None where it is not.

    Plain means: the candidates fall in two groups by height with nothing between, the upper one
    is alike in height and evenly spaced at no more than 166 beats per minute from end to end, and
    the trace is quiet in between.

    Parameters
    ----------
    found
        The candidates of a whole recording of at most `LONGEST_S` seconds.

    Returns
    -------
    Indices among the candidates.
    """
    n = found.traces.shape[1] - 2 * PAD
    height: Float[np.ndarray, " beat"] = found.height
    if len(height) < _FEWEST:
        return None
    order = np.sort(height)
    usual = order[-4]
    split = order.searchsorted(_SMALL * usual)
    if order[-1] > _LARGEST * usual or order[split] < _LARGE * usual:
        return None
    if len(order) - split < _FEWEST:
        return None
    beats = (height > _SMALL * usual).nonzero()[0]
    at = found.at
    where = at[beats]
    gap = where[1:] - where[:-1]
    least, most = gap.min(), _UNEVEN * gap.min()
    if least < _SHORTEST_RR_S * found.rate or gap.max() > most:
        return None
    if where[0] > most or n - where[-1] > most:
        return None
    edge = _EDGE_S * found.rate
    for k, first, distance in ((0, beats[0], at[0]), (-1, beats[-1] - len(at) + 1, n - at[-1])):
        if first and distance < edge and height[k] > _EDGE * usual:  # a beat cut in two?
            return None
    if np.add.reduce(found.traces[0, PAD : PAD + n]) > _BUSY * n * usual:
        return None
    return beats
