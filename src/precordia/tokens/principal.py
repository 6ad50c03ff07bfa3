# SPDX-License-Identifier: Apache-2.0
"""Principal components of patches: the few shapes of which most patches are made."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int


def principal_components(
    patches: Float[np.ndarray, "token sample"],
) -> tuple[
    Float[np.ndarray, " sample"], Float[np.ndarray, "sample sample"], Float[np.ndarray, " sample"]
]:
    """Return mean, components (a row each, strongest first) and variance of each.

    Examples
    --------
    >>> mean, rows, variance = principal_components(np.array([[1.0, 1], [2, 2], [3, 3]]))
    >>> mean.tolist(), bool(variance[1] < 1e-12)
    ([2.0, 2.0], True)
    """
    mean = patches.mean(axis=0)
    variance, columns = np.linalg.eigh(np.cov(patches.T, bias=True).reshape(len(mean), -1))
    order = np.argsort(variance)[::-1]
    return mean, columns[:, order].T, np.maximum(variance[order], 0.0)


def share_bits(variance: Float[np.ndarray, " dim"], bits: int) -> Int[np.ndarray, " dim"]:
    """Give bits one by one to the component with the largest error left.

    Parameters
    ----------
    variance
        Of each component.
    bits
        To be shared.

    Notes
    -----
    A bit halves the step of a quantiser, so it quarters the error (reverse water-filling).

    Examples
    --------
    >>> share_bits(np.array([16.0, 4.0, 1.0]), 3).tolist()
    [2, 1, 0]
    """
    left = np.array(variance, float)
    given = np.zeros(len(left), np.int64)
    for _ in range(bits):
        k = int(left.argmax())
        given[k] += 1
        left[k] /= 4
    return given
