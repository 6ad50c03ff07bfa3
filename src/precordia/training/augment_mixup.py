# SPDX-License-Identifier: Apache-2.0
"""Mix two recordings and their labels."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Int

from precordia.core.errors import OptionError
from precordia.training.augment_options import check_probability, check_range
from precordia.training.draws import Draws, draws_of
from precordia.training.window_batch import WindowBatch

_QUANTILES = 1025


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixup:
    """Mix two recordings and their labels.

    Attributes
    ----------
    alpha
        Of the beta distribution of the share; the record itself has the larger share.
    probability
        Share of records to which this happens.
    partner
        The other windows, in the same order; the augmenter sets them.

    Notes
    -----
    *Method*: windows and labels become the same weighted mean. *Departures*: the partner is drawn
    from the whole training set by seed, epoch and record, so that it does not depend on the batch;
    each record has a share of its own; a label that is unknown in either is unknown in the mixture;
    a lead is present where both have it. No heart beats like a mixture of two: this is a
    regulariser, not a recording.

    References
    ----------
    Zhang H et al. mixup: beyond empirical risk minimization. arXiv:1710.09412

    Examples
    --------
    >>> Mixup(alpha=0.2).partners(np.array([3, 4]), 100, seed=0, epoch=0).shape
    (2,)
    """

    name: ClassVar[str] = "mixup"
    needs: ClassVar[str] = "partner"
    alpha: float = 0.2
    probability: float = 1.0
    partner: WindowBatch | None = None

    def __post_init__(self) -> None:
        check_probability(self)
        check_range(self, "alpha", 1e-3, 1000)

    def partners(
        self, records: Int[np.ndarray, " batch"], n_records: int, *, seed: int, epoch: int
    ) -> Int[np.ndarray, " batch"]:
        """Return the record that each one is mixed with."""
        drawn = draws_of(seed=seed, epoch=epoch, records=records).uniform("partner", 1)
        return (drawn[:, 0].double() * n_records).long().clamp(max=n_records - 1).numpy()

    def with_partner(self, partner: WindowBatch) -> Any:
        """Return the augmentation with windows to mix in."""
        return replace(self, partner=partner)

    def __call__(self, batch: WindowBatch, draws: Draws) -> WindowBatch:
        """Return mixtures."""
        other = self.partner
        if other is None or len(other) != len(batch):
            raise OptionError(
                "mixup needs a partner for each of "
                f"{len(batch)} records; {0 if other is None else len(other)} came. "
                "Let an Augmenter with fetch and n_records look them up."
            )
        share = self._share(draws)
        present = batch.present & other.present
        windows = torch.lerp(other.windows, batch.windows, share[:, None, None])
        labels = batch.labels
        if labels is not None and other.labels is not None:
            shape = share.reshape(-1, *(1,) * (labels.ndim - 1))
            labels = shape * labels + (1 - shape) * other.labels
        return replace(
            batch,
            windows=windows * present[:, :, None],
            present=present,
            labels=labels,
            rpeaks=None,
        )

    def _share(self, draws: Draws) -> torch.Tensor:
        """Draw from the beta distribution, folded to the top."""
        drawn = draws.uniform("share", 1)[:, 0].double().numpy()
        table = _larger_share(float(self.alpha))
        return torch.from_numpy(np.interp(drawn, np.linspace(0, 1, len(table)), table)).float()


@functools.lru_cache(maxsize=8)
def _larger_share(alpha: float) -> np.ndarray:
    """Tabulate quantiles of the larger of x and 1 - x for x of the symmetric beta distribution."""
    from scipy.special import betaincinv

    return betaincinv(alpha, alpha, np.linspace(0.5, 1.0, _QUANTILES))
