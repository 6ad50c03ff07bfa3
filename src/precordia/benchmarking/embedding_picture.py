# SPDX-License-Identifier: Apache-2.0
"""A map of embeddings: each record a point, near to what is alike, in the colour of its class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Float

from precordia.benchmarking.embedding_geometry import trustworthiness
from precordia.core.errors import OptionError
from precordia.core.registry import load_object

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Method = Literal["umap", "pca"]
#: colours that remain apart for those who see red and green alike (Okabe and Ito)
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D1F", "#555555")


def project(
    embeddings: Float[np.ndarray, "batch dim"], *, method: Method = "umap", seed: int = 0
) -> Float[np.ndarray, "batch 2"]:
    """Lay embeddings out in two dimensions.

    Parameters
    ----------
    embeddings
        One row a record.
    method
        ``"umap"``, which keeps neighbours together and needs the package umap-learn, or
        ``"pca"``, the two directions of largest spread.
    seed
        Of UMAP.

    Raises
    ------
    MissingExtraError
        If umap-learn is not there.
    OptionError
        If there is no such method, or too few records.

    Notes
    -----
    Distances between groups in a UMAP picture mean little; `trustworthiness` says how many
    neighbours of the picture are neighbours in truth.

    References
    ----------
    McInnes L, Healy J, Melville J. arXiv:1802.03426

    Examples
    --------
    >>> project(np.diag([3.0, 2.0, 1.0, 0.0]), method="pca").shape
    (4, 2)
    """
    if len(embeddings) < 3:
        raise OptionError(f"{len(embeddings)} embeddings arrived; a map needs at least 3.")
    centred = embeddings - embeddings.mean(axis=0)
    if method == "pca":
        left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
        flat = left[:, :2] * sizes[:2]
        return np.pad(flat, ((0, 0), (0, 2 - flat.shape[1])))
    if method != "umap":
        raise OptionError(f"method is '{method}'; 'umap' or 'pca' is needed.")
    reducer = load_object("umap:UMAP", extra="map", purpose="a UMAP map")
    spread = np.maximum(centred.std(axis=0), 1e-12)
    near = min(15, len(embeddings) - 1)
    # one thread, or the same seed would not give the same map
    model = reducer(n_neighbors=near, random_state=seed, n_jobs=1)
    return np.asarray(model.fit_transform(centred / spread), np.float64)


def picture_embeddings(
    embeddings: Float[np.ndarray, "batch dim"],
    groups: Sequence[str],
    *,
    method: Method = "umap",
    title: str = "",
    seed: int = 0,
) -> Figure:
    """Draw a map of embeddings.

    Parameters
    ----------
    embeddings
        One row a record.
    groups
        Class, site or device of each record; the seven largest have a colour of their own.
    method
        See `project`.
    title
        Above the map.
    seed
        Of UMAP.

    Returns
    -------
    A figure of matplotlib; its footer tells the method and how trustworthy the map is.
    """
    from matplotlib.figure import Figure

    if len(groups) != len(embeddings):
        raise OptionError(f"{len(groups)} groups arrived for {len(embeddings)} embeddings.")
    flat = project(embeddings, method=method, seed=seed)
    near = min(10, (len(flat) - 1) // 2)
    trust = trustworthiness(embeddings, flat, n_neighbours=max(near, 1))
    names, counts = np.unique(np.asarray(groups, dtype=str), return_counts=True)
    shown = names[np.argsort(-counts, kind="stable")][:7].tolist()
    figure = Figure(figsize=(7, 5.4), layout="constrained")
    axes = figure.add_subplot()
    order = np.random.default_rng(seed).permutation(len(flat))  # or the last class hides the rest
    colour = [COLOURS[shown.index(g)] if g in shown else COLOURS[7] for g in groups]
    axes.scatter(*flat[order].T, c=[colour[k] for k in order], s=9, alpha=0.75, linewidths=0)
    for k, name in enumerate([*shown, "others"] if len(names) > 7 else shown):
        count = int((np.asarray(groups) == name).sum()) if name in shown else ""
        axes.scatter([], [], c=COLOURS[k], s=24, label=f"{name} {count}".rstrip())
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(False)
    axes.set_title(title, loc="left")
    axes.set_xlabel(
        f"{method.upper()} of {len(flat)} records; trustworthiness {trust:.2f} at {max(near, 1)} "
        "neighbours",
        fontsize=8,
        color="#555555",
    )
    return figure
