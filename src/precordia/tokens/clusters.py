# SPDX-License-Identifier: Apache-2.0
"""Codebooks: points that stand for their neighbours, by k-means or by greedy aggregation."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

_CHUNK = 4096


def nearest(
    points: Float[np.ndarray, "token dim"], centres: Float[np.ndarray, "_ dim"]
) -> Int[np.ndarray, " token"]:
    """Return the index of the nearest centre of each point; of equally near ones the first.

    Examples
    --------
    >>> nearest(np.array([[0.1], [0.9]]), np.array([[0.0], [1.0]])).tolist()
    [0, 1]
    """
    half = 0.5 * np.einsum("kd,kd->k", centres, centres)
    chosen = np.empty(len(points), np.int64)
    for start in range(0, len(points), _CHUNK):
        part = points[start : start + _CHUNK]
        chosen[start : start + _CHUNK] = np.argmin(half - part @ centres.T, axis=1)
    return chosen


def kmeans(
    points: Float[np.ndarray, "token dim"],
    k: int,
    *,
    seed: int,
    rounds: int = 25,
) -> Float[np.ndarray, "_ dim"]:
    """Find ``k`` centres by Lloyd's algorithm, begun as k-means++.

    Parameters
    ----------
    points
        To be represented.
    k
        How many centres. Where there are fewer distinct points, centres repeat.
    seed
        Of the generator.
    rounds
        At most so many.

    Notes
    -----
    A centre that loses all its points moves to the point that is represented worst.

    References
    ----------
    Arthur D, Vassilvitskii S. SODA 2007:1027-1035.

    Examples
    --------
    >>> np.sort(kmeans(np.array([[0.0], [0.2], [5.0]]), 2, seed=0).ravel()).tolist()
    [0.1, 5.0]
    """
    rng = np.random.default_rng(seed)
    points = np.asarray(points, float)
    dim = points.shape[1]
    centres = _spread_out(points, k, rng)
    before: np.ndarray | None = None
    for _ in range(rounds):
        label = nearest(points, centres)
        if before is not None and np.array_equal(label, before):
            break
        before = label
        count = np.bincount(label, minlength=k)
        cell = label[:, None] * dim + np.arange(dim)
        sums = np.bincount(cell.ravel(), points.ravel(), k * dim).reshape(k, dim)
        held = count > 0
        centres[held] = sums[held] / count[held, None]
        if not held.all():
            error = ((points - centres[label]) ** 2).sum(axis=1)
            worst = np.argsort(error)[::-1][: int((~held).sum())]
            empty = np.flatnonzero(~held)[: len(worst)]
            centres[empty] = points[worst]
    return centres


def _spread_out(points: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    centres = np.empty((k, points.shape[1]))
    centres[0] = points[rng.integers(len(points))]
    apart = ((points - centres[0]) ** 2).sum(axis=1)
    for n in range(1, k):
        total = apart.sum()
        pick = (
            int(np.searchsorted(np.cumsum(apart), rng.random() * total))
            if total > 0
            else int(rng.integers(len(points)))
        )
        centres[n] = points[min(pick, len(points) - 1)]
        np.minimum(apart, ((points - centres[n]) ** 2).sum(axis=1), out=apart)
    return centres


def aggregate(points: Float[np.ndarray, "token dim"], radius: float) -> Int[np.ndarray, " _"]:
    """Choose points such that every point is within ``radius`` of a chosen one.

    Parameters
    ----------
    points
        To be represented.
    radius
        Largest Euclidean distance of a point from the one that stands for it.

    Returns
    -------
    Indices of the chosen points, by ascending norm.

    Notes
    -----
    *Method*: points are sorted by norm; the first that has no group begins one and takes all later
    points within the radius. Norms of two points differ by no more than their distance, so the
    search ends where the norm has grown by the radius.

    References
    ----------
    Chen X, Güttel S. An efficient aggregation method for the symbolic representation of temporal
    data. ACM Trans Knowl Discov Data 2023;17:5. doi:10.1145/3532622

    Examples
    --------
    >>> aggregate(np.array([[0.0], [0.5], [2.0]]), 1.0).tolist()
    [0, 2]
    """
    points = np.asarray(points, float)
    norm = np.sqrt((points**2).sum(axis=1))
    order = np.argsort(norm, kind="stable")
    ranked, rising = points[order], norm[order]
    last = np.searchsorted(rising, rising + radius, side="right")
    free = np.ones(len(points), bool)
    chosen = []
    for i in range(len(points)):
        if not free[i]:
            continue
        chosen.append(int(order[i]))
        near = ((ranked[i : last[i]] - ranked[i]) ** 2).sum(axis=1) <= radius**2
        free[i : last[i]] &= ~near
        free[i] = False
    return np.array(chosen, np.int64)
