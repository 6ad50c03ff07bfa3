# SPDX-License-Identifier: Apache-2.0
"""Beats laid over one another, and the patient's usual, late and early ones among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from precordia.classification.beat_cuts import LAG, WIDTH, in_one_scale
from precordia.classification.beat_families import Families, find_families

_FEW = 400
_TINY = 1e-6
_LIKE_USUAL = 0.75


@dataclass(frozen=True, slots=True)
class Aligned:
    """Beats of one patient in one scale, moved so that their QRS complexes lie on one another.

    Attributes
    ----------
    moved
        The beats.
    families
        Of their QRS complexes.
    usual
        Which are like the patient's usual family.
    template
        The median usual beat.
    late, early
        The median of the usual beats after the longest two fifths of the intervals around them,
        which are of the sinus if any is, and after the earliest tenth.
    """

    moved: Float[np.ndarray, "beat lead sample"]
    families: Families
    usual: Bool[np.ndarray, " beat"]
    template: Float[np.ndarray, "lead sample"]
    late: Float[np.ndarray, "lead sample"]
    early: Float[np.ndarray, "lead sample"]


def align_beats(
    cuts: Float[np.ndarray, "beat lead sample"], timing: Float[np.ndarray, "beat dim"]
) -> Aligned | None:
    """Lay beats over one another and find the usual ones.

    Parameters
    ----------
    cuts
        From `precordia.classification.beat_cuts.cut_beats`; some hundred to some thousand beats of
        one patient, fewer where there are fewer.
    timing
        Of the same beats, from `precordia.classification.beat_timing.timing_features`.

    Returns
    -------
    The beats, or None where no lead shows any.

    Examples
    --------
    >>> align_beats(np.zeros((5, 2, 134), np.float32), np.zeros((5, 19))) is None
    True
    """
    x = in_one_scale(cuts)
    if not x.shape[1] or not len(cuts):
        return None
    families = find_families(x, np.exp(timing[:, 6]))
    at = LAG + families.lag[:, None, None] + np.arange(WIDTH)
    moved = np.take_along_axis(x, np.broadcast_to(at, (*x.shape[:2], WIDTH)), axis=2)
    usual = families.member == families.usual
    usual &= families.fit[:, families.usual] >= _LIKE_USUAL
    if not usual.any():
        usual = families.member == families.usual
    late, early = timing[:, 5], timing[:, 6]
    late = usual & (late >= np.quantile(late[usual], 0.6))
    early = usual & (early <= np.quantile(early[usual], 0.1))
    return Aligned(
        moved, families, usual, middle(moved[usual]), middle(moved[late]), middle(moved[early])
    )


def middle(x: Float[np.ndarray, "beat lead sample"]) -> Float[np.ndarray, "lead sample"]:
    """Return the median of some hundred of the beats."""
    return np.median(x[:: max(1, len(x) // _FEW)], axis=0)


def centred(x: Float[np.ndarray, ...]) -> Float[np.ndarray, ...]:
    """Take the mean over time away."""
    return x - x.mean(axis=-1, keepdims=True)


def levelled(x: Float[np.ndarray, ...]) -> Float[np.ndarray, ...]:
    """Take away the straight line that fits best, as baseline and T waves lend one."""
    line = np.linspace(-1.0, 1.0, x.shape[-1]).astype(x.dtype)
    x = x - x.mean(axis=-1, keepdims=True)
    return x - (x @ line / (line @ line))[..., None] * line


def dot(
    x: Float[np.ndarray, "*batch lead sample"], y: Float[np.ndarray, ...]
) -> Float[np.ndarray, ...]:
    """Return inner products over leads and time."""
    return np.asarray((x * y).sum(axis=(-2, -1)))


def size(x: Float[np.ndarray, "*batch lead sample"]) -> Float[np.ndarray, ...]:
    """Return the root of the inner product with itself."""
    return np.asarray(np.sqrt(dot(x, x)))


def fit(
    x: Float[np.ndarray, "*batch lead sample"], y: Float[np.ndarray, ...]
) -> Float[np.ndarray, ...]:
    """Return correlations over leads and time, of what is centred already."""
    return np.asarray(dot(x, y) / (size(x) * size(y) + _TINY))
