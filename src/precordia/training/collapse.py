# SPDX-License-Identifier: Apache-2.0
"""Whether embeddings still tell windows apart while an encoder learns without labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from precordia.core.record import Remark
from precordia.training.effective_rank import effective_rank

#: below these, embeddings of a batch are all but one point or one line
LEAST_RANK, LEAST_SPREAD = 1.5, 0.01


@dataclass(frozen=True, slots=True)
class Spread:
    """How far the embeddings of a batch lie apart.

    Attributes
    ----------
    rank
        Effective rank of the embeddings without their mean, as RankMe measures it.
    cosine
        Mean cosine between embeddings of different windows.
    deviation
        Standard deviation of a dimension of embeddings of unit length, times the root of the number
        of dimensions: 1 where they point everywhere, 0 where they are all alike.
    """

    rank: float
    cosine: float
    deviation: float

    @property
    def has_collapsed(self) -> bool:
        """Whether the windows can hardly be told apart."""
        return self.rank < LEAST_RANK or self.deviation < LEAST_SPREAD


def spread_of_batch(embeddings: Float[Tensor, "batch dim"]) -> Spread:
    """Measure the embeddings of a batch; NaN for fewer than two windows.

    References
    ----------
    Garrido Q et al. RankMe. ICML 2023. arXiv:2210.02885
    Chen X, He K. Exploring simple Siamese representation learning. CVPR 2021. arXiv:2011.10566

    Examples
    --------
    >>> spread = spread_of_batch(torch.ones(8, 4))
    >>> spread.rank, round(spread.cosine, 6), spread.has_collapsed
    (1.0, 1.0, True)
    """
    held = embeddings.detach().float().cpu().double()
    n, dim = held.shape
    if n < 2:
        return Spread(float("nan"), float("nan"), float("nan"))
    unit = torch.nn.functional.normalize(held, dim=1)
    cosine = (unit.sum(dim=0).square().sum() - unit.square().sum()) / (n * (n - 1))
    deviation = unit.std(dim=0, correction=0).mean() * dim**0.5
    finite = np.nan_to_num(held.numpy())
    return Spread(effective_rank(finite), float(cosine), float(deviation))


def collapse_remark(spread: Spread, step: int) -> Remark:
    """Say that embeddings collapsed, and what helps."""
    return Remark(
        code="embeddings-collapsed",
        text=(
            f"embeddings of different windows were all but the same in step {step}: effective rank "
            f"{spread.rank:.2f}, mean cosine {spread.cosine:.3f}. Such an encoder is of little "
            "use; try a lower lr, a larger batch, or other options of the objective."
        ),
    )
