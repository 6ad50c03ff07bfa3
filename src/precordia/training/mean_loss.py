# SPDX-License-Identifier: Apache-2.0
"""The mean of losses over what is known."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def mean_loss(
    each: Float[Tensor, "batch ..."],
    labels: Float[Tensor, "batch ..."],
    weights: Float[Tensor, " batch"] | None = None,
) -> Float[Tensor, ""]:
    """Average losses over the known labels, each as much as its record counts.

    Parameters
    ----------
    each
        From a loss.
    labels
        The labels; NaN is unknown.
    weights
        How much each record counts.

    Returns
    -------
    The mean; zero where no label is known.

    Examples
    --------
    >>> labels = torch.tensor([[1.0, float("nan")], [0.0, 1.0]])
    >>> float(mean_loss(torch.tensor([[3.0, 0.0], [2.0, 1.0]]), labels))
    2.0
    """
    known = (~torch.isnan(labels)).to(each.dtype)
    if weights is not None:
        known = known * weights.reshape(-1, *(1,) * (known.ndim - 1))
    return (each * known).sum() / known.sum().clamp(min=torch.finfo(each.dtype).tiny)
