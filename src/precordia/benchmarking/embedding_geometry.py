# SPDX-License-Identifier: Apache-2.0
"""What a set of embeddings looks like from inside: rank, neighbours, clusters, likeness."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from precordia.core.errors import OptionError


def linear_cka(
    one: Float[np.ndarray, "batch dim"], other: Float[np.ndarray, "batch other"]
) -> float:
    """Return how alike two models see the same records: 1 alike up to rotation, about 0 unlike.

    Parameters
    ----------
    one, other
        Embeddings of the same records, in the same order, of any two dimensions.

    Returns
    -------
    Linear centred kernel alignment without bias; may be a little below 0. NaN for fewer than four
    records or embeddings that are all alike.

    Notes
    -----
    *Method.* The unbiased estimator of HSIC (Song et al. 2012, eq. 4) in the ratio of Kornblith et
    al., as Nguyen et al. use it: the plain ratio grows towards 1 with the number of dimensions,
    even for random embeddings.

    References
    ----------
    Kornblith S et al. ICML 2019. arXiv:1905.00414
    Nguyen T, Raghu M, Kornblith S. ICLR 2021. arXiv:2010.15327
    Song L et al. JMLR 2012;13:1393-1434.

    Examples
    --------
    >>> points = np.random.default_rng(0).standard_normal((50, 5))
    >>> round(linear_cka(points, 3 * points[:, ::-1] + 1), 6)
    1.0
    """
    _check(one)
    _check(other)
    if len(one) != len(other):
        raise OptionError(
            f"{len(one)} and {len(other)} embeddings arrived; the same records in the same order "
            "are needed."
        )
    if len(one) < 4:
        return float("nan")
    a, b = _gram(one), _gram(other)
    scale = _unbiased_hsic(a, a) * _unbiased_hsic(b, b)
    return float(_unbiased_hsic(a, b) / np.sqrt(scale)) if scale > 0 else float("nan")


def neighbour_shares(
    near: Int[np.ndarray, "batch neighbour"], labels: Bool[np.ndarray, "batch statement"]
) -> Float[np.ndarray, "batch statement"]:
    """Return which share of the neighbours of each record has each class.

    The mean over the records that have a class themselves is the purity of its neighbourhoods; in
    embeddings without any order it is the prevalence of the class.

    Parameters
    ----------
    near
        Rows of the neighbours, from `nearest`.
    labels
        Which record has which class.

    Examples
    --------
    >>> neighbour_shares(np.array([[1], [0], [1]]), np.array([[True], [True], [False]])).ravel()
    array([1., 1., 1.])
    """
    if len(labels) != len(near):
        raise OptionError(f"{len(labels)} labels arrived for {len(near)} embeddings.")
    return labels[near].mean(axis=1)


def nearest(
    embeddings: Float[np.ndarray, "batch dim"],
    patients: Sequence[str] | None = None,
    *,
    n_neighbours: int,
) -> Int[np.ndarray, "batch neighbour"]:
    """Return the rows of the nearest records by cosine, none of the same patient.

    Raises
    ------
    OptionError
        If a patient leaves too few others.
    """
    length = np.linalg.norm(embeddings, axis=1, keepdims=True)
    unit = embeddings / np.where(length > 0, length, 1.0)
    who = _numbered(patients, len(embeddings))
    others = len(who) - np.bincount(who)[who]
    if (others < n_neighbours).any():
        raise OptionError(
            f"{n_neighbours} neighbours are wanted and one patient leaves only {others.min()} "
            "records of others. Ask for fewer."
        )
    near = np.empty((len(unit), n_neighbours), np.int64)
    for start in range(0, len(unit), 512):  # slices, so that memory stays small
        rows = slice(start, start + 512)
        likeness = unit[rows] @ unit.T
        likeness[who[rows, None] == who] = -np.inf
        near[rows] = np.argpartition(-likeness, n_neighbours - 1, axis=1)[:, :n_neighbours]
    return near


def silhouettes(
    embeddings: Float[np.ndarray, "batch dim"], has: Bool[np.ndarray, " batch"]
) -> Float[np.ndarray, " batch"]:
    """Return how far each record lies from the other side, against its distance from its own.

    Parameters
    ----------
    embeddings
        One row a record.
    has
        Which record has the class.

    Returns
    -------
    Silhouette of each record, -1 to 1, about 0 without separation; NaN where fewer than two
    records are on one side.

    References
    ----------
    Rousseeuw PJ. J Comput Appl Math 1987;20:53-65. doi:10.1016/0377-0427(87)90125-7
    """
    _check(embeddings)
    if min(has.sum(), (~has).sum()) < 2:
        return np.full(len(has), np.nan)
    square = (embeddings**2).sum(axis=1)
    sums = np.empty((len(embeddings), 2))
    for start in range(0, len(embeddings), 512):
        rows = slice(start, start + 512)
        product = embeddings[rows] @ embeddings.T
        distance = np.sqrt(np.maximum(square[rows, None] + square - 2 * product, 0))
        distance[np.arange(len(distance)), np.arange(start, start + len(distance))] = 0
        sums[rows] = np.column_stack([distance[:, ~has].sum(axis=1), distance[:, has].sum(axis=1)])
    size = np.array([(~has).sum(), has.sum()])
    own, rows = has.astype(int), np.arange(len(has))
    inside = sums[rows, own] / (size[own] - 1)
    outside = sums[rows, 1 - own] / size[1 - own]
    larger = np.maximum(inside, outside)
    return np.where(larger > 0, (outside - inside) / np.where(larger > 0, larger, 1.0), 0.0)


def trustworthiness(
    embeddings: Float[np.ndarray, "batch dim"],
    picture: Float[np.ndarray, "batch 2"],
    *,
    n_neighbours: int = 10,
) -> float:
    """Return how far neighbours in a picture are neighbours in the embedding, 0 to 1.

    References
    ----------
    Venna J, Kaski S. ICANN 2001, 485-491. doi:10.1007/3-540-44668-0_68
    """
    n = len(embeddings)
    if not 0 < n_neighbours < n / 2:
        raise OptionError(f"{n_neighbours} neighbours of {n} records; fewer than half is needed.")
    penalty = 0.0
    for row in range(n):
        true = np.argsort(_distances(embeddings, row), kind="stable")
        rank = np.empty(n, np.int64)
        rank[true] = np.arange(n)
        shown = np.argsort(_distances(picture, row), kind="stable")[1 : n_neighbours + 1]
        penalty += np.maximum(rank[shown] - n_neighbours, 0).sum()
    return float(1 - 2 * penalty / (n * n_neighbours * (2 * n - 3 * n_neighbours - 1)))


def _distances(points: np.ndarray, row: int) -> np.ndarray:
    distance = ((points - points[row]) ** 2).sum(axis=1)
    distance[row] = -1  # oneself comes first, even before a twin
    return distance


def _check(embeddings: np.ndarray) -> None:
    if not np.isfinite(embeddings).all():
        raise OptionError(
            f"{int((~np.isfinite(embeddings)).any(axis=1).sum())} of {len(embeddings)} embeddings "
            "are not finite; leave these records out."
        )


def _numbered(patients: Sequence[str] | None, n: int) -> np.ndarray:
    if patients is None:
        return np.arange(n)
    if len(patients) != n:
        raise OptionError(f"{len(patients)} patients arrived for {n} embeddings.")
    return np.unique(np.asarray(patients, dtype=str), return_inverse=True)[1]


def _gram(embeddings: np.ndarray) -> np.ndarray:
    centred = embeddings - embeddings.mean(axis=0)
    gram = centred @ centred.T
    np.fill_diagonal(gram, 0)
    return gram


def _unbiased_hsic(a: np.ndarray, b: np.ndarray) -> float:
    n = len(a)
    both = (a * b).sum()
    apart = a.sum() * b.sum() / ((n - 1) * (n - 2))
    rows = 2 * (a.sum(axis=0) @ b.sum(axis=0)) / (n - 2)
    return float((both + apart - rows) / (n * (n - 3)))
