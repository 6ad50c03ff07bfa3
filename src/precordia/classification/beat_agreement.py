# SPDX-License-Identifier: Apache-2.0
"""Beats of one shape are of one origin: let them agree on whether they are ventricular."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from precordia.classification.beat_families import Families
from precordia.core.beats import JUDGED

#: how much of its own opinion a beat gives up, how like its family it is at least, and how many
#: such beats a family needs
YIELDS, ALIKE, FEWEST = 0.6, 0.8, 4
_V = JUDGED.index("V")


def agree_in_families(
    probability: Float[np.ndarray, "beat 4"], families: Families
) -> Float[np.ndarray, "beat 4"]:
    """Draw the probability of V of each beat towards the mean of its family.

    Parameters
    ----------
    probability
        Of N, S, V and F.
    families
        Of the same beats.

    Returns
    -------
    The new probabilities; N, S and F share what is left as they did before.

    Notes
    -----
    Early beats from above the ventricles look like the patient's usual ones, so S is left to each
    beat's own timing. The share that is given up was chosen among 0.3, 0.5, 0.7 and 1 on
    cross-validated probabilities; from 0.5 on all do alike.

    Examples
    --------
    >>> shares = np.array([[0.1, 0, 0.9, 0]] * 5 + [[0.7, 0, 0.3, 0]])
    >>> one = Families(member=np.zeros(6, int), fit=np.ones((6, 1)), lag=np.zeros(6, int),
    ...                usual=0, templates=np.zeros((1, 2, 34)))
    >>> agree_in_families(shares, one)[-1].round(2).tolist()
    [0.4, 0.0, 0.6, 0.0]
    """
    out = probability.copy()
    alike = families.fit.max(axis=1) >= ALIKE
    for family in np.unique(families.member):
        rows = np.flatnonzero((families.member == family) & alike)
        if rows.size < FEWEST:
            continue
        own = probability[rows, _V]
        new = (1 - YIELDS) * own + YIELDS * own.mean()
        out[rows] *= ((1 - new) / np.maximum(1 - own, 1e-9))[:, None]
        out[rows, _V] = new
    return out
