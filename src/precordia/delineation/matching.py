# SPDX-License-Identifier: Apache-2.0
"""Pair what was found with what is there, one to one and optimally."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int, Real

_EPS = 1e-9  # samples; windows in ms are rarely exact in binary


def match(
    reference: Real[np.ndarray, " fiducial"],
    found: Real[np.ndarray, " _"],
    reach: float | int,
) -> tuple[Int[np.ndarray, " _"], Int[np.ndarray, " _"]]:
    """Pair points on a line: as many pairs as can be, then the least total distance.

    Parameters
    ----------
    reference, found
        Positions, ascending and finite; repeats are points of their own.
    reach
        Largest distance of a pair, in the unit of the positions.

    Returns
    -------
    Indices into ``reference`` and into ``found`` of the pairs, both ascending.

    Notes
    -----
    *Method.* Where two neighbours among all points are further apart than ``reach``, no pair can
    bridge the gap, so the line falls into islands. An island of one reference and one found point
    is a pair; the others are solved by dynamic programming. Optimal pairs of points on a line
    need never cross, so prefixes are enough as states: with ``V(i, j)`` the best (number of pairs,
    minus total distance) of the first i and j points, ``V(i, j)`` is the best of ``V(i-1, j)``,
    ``V(i, j-1)`` and ``V(i-1, j-1)`` with the pair added where it is within reach. Row i is kept
    between the first and last j in reach of i only; to the right of that it is constant. Of
    equally good pairings the one that uses earlier points is returned.

    Examples
    --------
    >>> match(np.array([100.0, 112.0]), np.array([109.0, 121.0]), 10.0)
    (array([0, 1]), array([0, 1]))
    """
    reference = np.asarray(reference, float)
    found = np.asarray(found, float)
    n, m = reference.size, found.size
    if not n or not m:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    both = np.concatenate([reference, found])
    order = np.argsort(both, kind="stable")
    ends = np.flatnonzero(np.diff(both[order]) > reach + _EPS) + 1
    island = np.zeros(n + m, np.int64)
    island[ends] = 1
    island = np.cumsum(island)
    of_point = np.empty(n + m, np.int64)
    of_point[order] = island
    count = int(island[-1]) + 1
    n_reference = np.bincount(of_point[:n], minlength=count)
    n_found = np.bincount(of_point[n:], minlength=count)
    first_reference = np.concatenate([[0], np.cumsum(n_reference)])
    first_found = np.concatenate([[0], np.cumsum(n_found)])
    single = np.flatnonzero((n_reference == 1) & (n_found == 1))
    left, right = [first_reference[single]], [first_found[single]]
    crowded = (n_reference > 0) & (n_found > 0)
    crowded[single] = False
    for k in np.flatnonzero(crowded):
        a, b = first_reference[k], first_found[k]
        here = reference[a : first_reference[k + 1]].tolist()
        there = found[b : first_found[k + 1]].tolist()
        pairs = np.array(_solve(here, there, reach), np.int64).reshape(-1, 2)
        left.append(a + pairs[:, 0])
        right.append(b + pairs[:, 1])
    i, j = np.concatenate(left), np.concatenate(right)
    rank = np.argsort(i, kind="stable")
    return i[rank], j[rank]


def _solve(here: list[float], there: list[float], reach: float | int) -> list[tuple[int, int]]:
    """Solve one island; indices within it."""
    low = np.searchsorted(there, np.array(here) - reach - _EPS, "left").tolist()
    high = np.searchsorted(there, np.array(here) + reach + _EPS, "right").tolist()
    rows: list[list[tuple[int, float]]] = []
    for i, position in enumerate(here):
        row = [_value(rows, low, high, i - 1, low[i])]
        for j in range(low[i], high[i]):
            pairs, worth = _value(rows, low, high, i - 1, j)
            paired = (pairs + 1, worth - abs(position - there[j]))
            row.append(max(_value(rows, low, high, i - 1, j + 1), row[-1], paired))
        rows.append(row)
    pairs_found = []
    i, j = len(here) - 1, len(there)
    while i >= 0:
        j = min(j, high[i])
        if j <= low[i] or _value(rows, low, high, i, j) == _value(rows, low, high, i - 1, j):
            i -= 1
        elif _value(rows, low, high, i, j) == _value(rows, low, high, i, j - 1):
            j -= 1
        else:
            pairs_found.append((i, j - 1))
            i, j = i - 1, j - 1
    return pairs_found[::-1]


def _value(rows, low, high, i: int, j: int) -> tuple[int, float]:
    """Best of the first i + 1 and j points; j is never left of what row i holds."""
    return rows[i][min(j, high[i]) - low[i]] if i >= 0 else (0, 0.0)
