# SPDX-License-Identifier: Apache-2.0
"""How much a record counts: the more, the rarer what it shows."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from precordia.core.errors import OptionError


def record_weights(
    labels: Float[np.ndarray, "record statement"], *, power: float = 0.5
) -> Float[np.ndarray, " record"]:
    """Weigh each record by the rarest statement that it has.

    Parameters
    ----------
    labels
        0 or 1; NaN where unknown.
    power
        0: all weigh the same. 1: every statement's records weigh the same in sum, if each record
        has one statement. 0.5 is between.

    Returns
    -------
    Weights with a mean of 1. A record without any statement weighs as one of the commonest.

    Raises
    ------
    OptionError
        If ``power`` is negative.

    Examples
    --------
    >>> record_weights(np.array([[1.0, 0], [1, 0], [1, 0], [0, 1]]), power=1.0).round(2)
    array([0.67, 0.67, 0.67, 2.  ])
    """
    if power < 0:
        raise OptionError(f"power is {power}; 0 or more is needed.")
    positive = np.asarray(labels) == 1
    count = positive.sum(axis=0)
    commonest = max(int(count.max(initial=0)), 1)
    rarest = np.where(positive, count, commonest).min(axis=1, initial=commonest)
    weights = rarest.astype(float) ** -power
    return weights / weights.mean()
