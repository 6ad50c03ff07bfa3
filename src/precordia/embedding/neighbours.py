# SPDX-License-Identifier: Apache-2.0
"""The nearest of many vectors, exactly: block by block, so that they may stay on the disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Real

from precordia.core.errors import OptionError, SignalError, unknown_name

METRICS = ("cosine", "l2")
#: no row: fewer neighbours are left than were asked for
NOBODY = -1
#: bytes of vectors that are looked at together, and queries that look at them together
_BLOCK_BYTES, _QUERIES = 8_000_000, 128
#: candidates beyond k that are ordered again with numbers of 64 bits
_SPARE = 16

Groups = tuple[Int[np.ndarray, " record"], Int[np.ndarray, " query"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The nearest vectors of each query, the nearest first.

    Attributes
    ----------
    rows
        Which vectors; -1 where fewer than k are left.
    scores
        Cosine similarity, -1 to 1, or Euclidean distance; NaN where there is no row.
    """

    rows: Int[np.ndarray, "query k"]
    scores: Float[np.ndarray, "query k"]


def find_neighbours(
    vectors: Real[np.ndarray, "record dim"] | Sequence[np.ndarray],
    queries: Real[np.ndarray, "query dim"],
    k: int = 5,
    *,
    metric: str = "cosine",
    apart: Sequence[Groups] = (),
) -> Found:
    """Find the vectors nearest to each query, all of them compared.

    Parameters
    ----------
    vectors
        One array, or several that follow one another; memory-mapped ones are read once, in blocks.
    queries
        What is looked for.
    k
        Neighbours of each.
    metric
        ``"cosine"`` or ``"l2"``.
    apart
        Pairs of group numbers, of each vector and of each query: vectors of the query's own group
        are left out. A negative number belongs to no group. This is how recordings of the same
        patient are kept from being each other's neighbours.

    Returns
    -------
    Rows and their scores. Equals stand in the order of their rows.

    Raises
    ------
    SignalError
        If shapes do not fit, or a query is not finite.
    OptionError
        If ``k`` is below 1.
    UnknownNameError
        If there is no such metric.

    Notes
    -----
    Exact search, as the flat index of FAISS. Blocks are compared in 32 bits; the best ``k + 16`` of
    each query are then compared once more in 64 bits, which gives the scores. Similarity to a
    vector without length is 0.

    References
    ----------
    Johnson J, Douze M, Jegou H. Billion-scale similarity search with GPUs. IEEE Trans Big Data
    2021;7:535-547. doi:10.1109/TBDATA.2019.2921572

    Examples
    --------
    >>> vectors = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> find_neighbours(vectors, np.array([[1.0, 0.1]]), k=2).rows
    array([[0, 2]])
    >>> find_neighbours(vectors, np.array([[1.0, 0.1]]), k=2, metric="l2").scores.round(1)
    array([[0.1, 0.9]])
    """
    parts = [vectors] if isinstance(vectors, np.ndarray) else list(vectors)
    queries = _checked(parts, queries, k, metric)
    n_records = sum(len(part) for part in parts)
    for of_vectors, of_queries in apart:
        if np.shape(of_vectors) != (n_records,) or np.shape(of_queries) != (len(queries),):
            raise SignalError(
                f"groups of shape {np.shape(of_vectors)} and {np.shape(of_queries)} arrived; one "
                f"number for each of {n_records} vectors and {len(queries)} queries is needed."
            )
    rows = np.full((len(queries), k), NOBODY, np.int64)
    scores = np.full((len(queries), k), np.nan)
    for first in range(0, len(queries), _QUERIES):
        some = slice(first, min(first + _QUERIES, len(queries)))
        groups = [(of_vectors, of_queries[some]) for of_vectors, of_queries in apart]
        candidates = _candidates(parts, queries[some], k + _SPARE, metric, groups)
        for q, held in enumerate(candidates, start=first):
            near, score = _ordered(parts, queries[q], held, metric)
            rows[q, : len(near[:k])], scores[q, : len(near[:k])] = near[:k], score[:k]
    return Found(rows=rows, scores=scores)


def _checked(
    parts: list[np.ndarray], queries: np.ndarray, k: int, metric: str
) -> Float[np.ndarray, "query dim"]:
    if metric not in METRICS:
        raise unknown_name("metric", metric, METRICS, listing=", ".join(METRICS))
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
        raise OptionError(f"k is {k!r}; a whole number of neighbours, at least 1, is needed.")
    queries = np.asarray(queries, float)
    shapes = {np.shape(part)[1:] for part in parts} | {queries.shape[1:]}
    if queries.ndim != 2 or len(shapes) != 1:
        raise SignalError(
            f"vectors of shape {[np.shape(p) for p in parts]} and queries of shape "
            f"{queries.shape} arrived; (record, dim) and (query, dim) of one dim are needed."
        )
    if not np.isfinite(queries).all():
        raise SignalError("a query holds NaN or infinity; finite numbers are needed.")
    return queries


def _blocks(parts: list[np.ndarray]) -> Iterator[tuple[int, Float[np.ndarray, "block dim"]]]:
    """Yield each block of vectors with the number of its first row."""
    before = 0
    for part in parts:
        size = max(1, _BLOCK_BYTES // (4 * max(1, part.shape[1])))
        for start in range(0, len(part), size):
            yield before + start, np.asarray(part[start : start + size], np.float32)
        before += len(part)


def _candidates(
    parts: list[np.ndarray],
    queries: Float[np.ndarray, "query dim"],
    n: int,
    metric: str,
    apart: list[Groups],
) -> list[Int[np.ndarray, " candidate"]]:
    """Return the n best rows of each query, in no order."""
    exact = queries.astype(np.float32)
    rows = np.empty((len(queries), 0), np.int64)
    nearness = np.empty((len(queries), 0), np.float32)
    for start, block in _blocks(parts):
        near = exact @ block.T
        squared = np.einsum("rd,rd->r", block, block)
        if metric == "cosine":
            near /= np.sqrt(np.where(squared > 0, squared, 1.0), dtype=np.float32)
        else:
            near = 2 * near - squared
        stop = start + len(block)
        for of_vectors, of_queries in apart:
            near[_same(of_vectors[start:stop], of_queries)] = -np.inf
        numbers = np.broadcast_to(np.arange(start, stop), near.shape)
        if near.shape[1] > n:
            best = np.argpartition(-near, n - 1, axis=1)[:, :n]
            near, numbers = (np.take_along_axis(a, best, axis=1) for a in (near, numbers))
        rows = np.concatenate([rows, numbers], axis=1)
        nearness = np.concatenate([nearness, near], axis=1)
        if rows.shape[1] > n:
            best = np.argpartition(-nearness, n - 1, axis=1)[:, :n]
            rows, nearness = (np.take_along_axis(a, best, axis=1) for a in (rows, nearness))
    return [row[np.isfinite(near)] for row, near in zip(rows, nearness, strict=True)]


def _same(
    of_vectors: Int[np.ndarray, " block"], of_queries: Int[np.ndarray, " query"]
) -> Bool[np.ndarray, "query block"]:
    ours = np.asarray(of_queries)[:, None]
    return (ours >= 0) & (ours == np.asarray(of_vectors)[None, :])


def _ordered(
    parts: list[np.ndarray],
    query: Float[np.ndarray, " dim"],
    rows: Int[np.ndarray, " candidate"],
    metric: str,
) -> tuple[Int[np.ndarray, " candidate"], Float[np.ndarray, " candidate"]]:
    """Return rows and their scores in 64 bits, the nearest first."""
    rows = np.sort(rows)
    starts = np.cumsum([0, *(len(part) for part in parts)])
    place = np.searchsorted(starts, rows, side="right") - 1
    held = np.array([parts[p][row - starts[p]] for p, row in zip(place, rows, strict=True)], float)
    held = held.reshape(len(rows), len(query))
    if metric == "cosine":
        lengths = np.sqrt((held**2).sum(axis=1)) * np.sqrt((query**2).sum())
        scores = np.clip(held @ query / np.where(lengths > 0, lengths, 1.0), -1.0, 1.0)
        order = np.argsort(-scores, kind="stable")
    else:
        scores = np.sqrt(((held - query) ** 2).sum(axis=1))
        order = np.argsort(scores, kind="stable")
    return rows[order], scores[order]
