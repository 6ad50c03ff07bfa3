# SPDX-License-Identifier: Apache-2.0
"""How far a record lies from those that a model learned from."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from precordia.core.cards import Card
from precordia.core.errors import WeightsError
from precordia.models.shipped import model_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Familiar:
    """The embeddings of records that a model learned from, as one Gaussian.

    Attributes
    ----------
    mean
        Their mean.
    precision
        Inverse of their covariance.
    limit
        Mahalanobis distance that 99 of 100 of them do not exceed.
    """

    mean: Float[np.ndarray, " dim"]
    precision: Float[np.ndarray, "dim dim"]
    limit: float


def distance_from(familiar: Familiar, vector: Float[np.ndarray, " dim"]) -> float:
    """Return how far a vector lies out, 1 at the limit.

    Notes
    -----
    The Mahalanobis distance (Lee 2018) of the pooled embedding, divided by its 99th percentile over
    records. Departures: one Gaussian for all classes, as the statements exclude one another not.

    References
    ----------
    Lee K et al. A simple unified framework for detecting out-of-distribution samples and
    adversarial attacks. NeurIPS 2018. arXiv:1807.03888

    Examples
    --------
    >>> two = Familiar(mean=np.zeros(2), precision=np.eye(2), limit=2.0)
    >>> distance_from(two, np.array([0.0, 3.0]))
    1.5
    """
    apart = np.asarray(vector, np.float64) - familiar.mean
    return float(np.sqrt(max(apart @ familiar.precision @ apart, 0.0)) / familiar.limit)


def read_familiar(name: str, card: Card) -> Familiar | None:
    """Read what the card's table ``[familiar]`` names; None where it has no such table.

    Raises
    ------
    WeightsError
        If the statistics are absent or damaged.
    """
    table = card.details.get("familiar")
    if not table:
        return None
    try:
        with np.load(io.BytesIO(model_bytes(name, ".npz")), allow_pickle=False) as held:
            mean, precision = (held[key].astype(np.float64) for key in ("mean", "precision"))
        limit = float(table["limit"])
        if precision.shape != (mean.size, mean.size) or not limit > 0:
            raise ValueError("shapes disagree")
    except (KeyError, ValueError, TypeError, OSError, zipfile.BadZipFile) as error:
        if isinstance(error, WeightsError):
            raise
        raise WeightsError(
            f"the statistics beside the card of {name} cannot be read ({error}). Install precordia "
            "anew."
        ) from error
    return Familiar(mean=mean, precision=precision, limit=limit)
