# SPDX-License-Identifier: Apache-2.0
"""A map of embeddings: each record a point, near to what is alike, in the colour of its class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Float

from precordia.benchmarking.embedding_geometry import trustworthiness
from precordia.core.errors import OptionError
from precordia.core.output import whole_file
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
    views: Mapping[str, Float[np.ndarray, "batch dim"]],
    groups: Sequence[str],
    *,
    method: Method = "umap",
    seed: int = 0,
) -> Figure:
    """Draw a map for each encoder.

    Parameters
    ----------
    views
        Embeddings of the same records by each encoder, one row a record.
    groups
        Class, site or device of each record; the seven largest have a colour of their own.
    method
        See `project`.
    seed
        Of UMAP.

    Returns
    -------
    A figure of matplotlib; below each map stands how trustworthy it is.
    """
    from matplotlib.figure import Figure

    if not views or any(len(view) != len(groups) for view in views.values()):
        raise OptionError(f"{len(groups)} groups arrived; one for each row of every map is needed.")
    names, counts = np.unique(np.asarray(groups, dtype=str), return_counts=True)
    shown = names[np.argsort(-counts, kind="stable")][:7].tolist()
    colour = np.array([COLOURS[shown.index(g)] if g in shown else COLOURS[7] for g in groups])
    order = np.random.default_rng(seed).permutation(len(groups))  # or the last class hides others
    across = min(len(views), 3)
    down = -(-len(views) // across)
    figure = Figure(figsize=(3.8 * across, 3.6 * down + 0.6), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for axes, (name, view) in zip(panels, views.items(), strict=False):
        flat = project(view, method=method, seed=seed)
        near = max(1, min(10, (len(flat) - 1) // 2))
        trust = trustworthiness(view, flat, n_neighbours=near)
        axes.scatter(*flat[order].T, c=colour[order], s=7, alpha=0.75, linewidths=0)
        axes.set_title(name, loc="left", fontsize=10)
        axes.set_xlabel(f"trustworthiness {trust:.2f}", fontsize=8, color="#555555")
    for axes in panels:
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
    for axes in panels[len(views) :]:
        axes.set_visible(False)
    labels = [f"{name} ({int((np.asarray(groups) == name).sum())})" for name in shown]
    for k, label in enumerate([*labels, "others"] if len(names) > 7 else labels):
        panels[0].scatter([], [], c=COLOURS[k], s=24, label=label)
    handles = panels[0].get_legend_handles_labels()
    figure.legend(
        *handles, frameon=False, ncols=min(4, 2 * across), loc="outside lower center", fontsize=8
    )
    figure.suptitle(f"{method.upper()} of {len(groups)} records", fontsize=10, x=0.01, ha="left")
    return figure


def save_maps(
    views: Mapping[str, Float[np.ndarray, "batch dim"]],
    groups: Sequence[str],
    path: Path,
    *,
    method: Method = "umap",
    seed: int = 0,
    overwrite: bool = False,
) -> Path:
    """Draw the maps into one file: ``.png``, ``.svg`` or ``.pdf``."""
    if path.suffix not in (".png", ".svg", ".pdf"):
        raise OptionError(
            f"'{path.name}' arrived; a name that ends in .png, .svg or .pdf is needed."
        )
    with whole_file(path, overwrite=overwrite) as part:
        picture_embeddings(views, groups, method=method, seed=seed).savefig(part, dpi=150)
    return path
