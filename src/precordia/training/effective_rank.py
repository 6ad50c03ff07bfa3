# SPDX-License-Identifier: Apache-2.0
"""How many directions a set of embeddings makes use of: the sign of a collapse."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from precordia.core.errors import OptionError


def effective_rank(embeddings: Float[np.ndarray, "batch dim"]) -> float:
    """Return how many directions embeddings make use of.

    Parameters
    ----------
    embeddings
        One row a record.

    Returns
    -------
    Between 1 (all on a line, or all alike) and ``min(batch - 1, dim)``; NaN for fewer than two
    records.

    Notes
    -----
    *Method.* Exponential of the entropy of the singular values of the centred matrix, divided by
    their sum. *Departure.* RankMe takes the matrix as it is; without the mean, a common offset of
    all embeddings does not count as a direction.

    References
    ----------
    Roy O, Vetterli M. EUSIPCO 2007, 606-610.
    Garrido Q et al. RankMe. ICML 2023. arXiv:2210.02885

    Examples
    --------
    >>> round(effective_rank(np.vstack([np.eye(4), -np.eye(4)])), 6)
    4.0
    """
    if not np.isfinite(embeddings).all():
        raise OptionError(
            f"{int((~np.isfinite(embeddings)).any(axis=1).sum())} of {len(embeddings)} embeddings "
            "are not finite; leave these records out."
        )
    if len(embeddings) < 2:
        return float("nan")
    values = np.linalg.svd(embeddings - embeddings.mean(axis=0), compute_uv=False)
    total = values.sum()
    if total <= np.finfo(float).eps * np.abs(embeddings).max(initial=0.0) * embeddings.size:
        return 1.0
    share = values / total
    share = share[share > 0]
    return float(np.exp(-(share * np.log(share)).sum()))
