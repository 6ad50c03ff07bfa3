# SPDX-License-Identifier: Apache-2.0
"""Take leads away and say that they are absent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import torch

from precordia.core.errors import OptionError
from precordia.training.augment_options import check_probability, check_range
from precordia.training.draws import Draws
from precordia.training.window_batch import WindowBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadMasking:
    """Take leads away and say that they are absent.

    Attributes
    ----------
    lead_probability
        Chance of each lead to go.
    least
        Leads that stay at least, where there are as many.
    probability
        Share of records to which this happens.

    Notes
    -----
    Random lead masking after Oh et al.: each lead goes with the same chance, so that a model learns
    to work with any set of leads. *Departures*: ``present`` tells the model which ones are absent
    (a lead of zeros alone could as well be a flat one), and some leads always stay: those that drew
    the highest numbers.

    References
    ----------
    Oh J et al. CHIL 2022. arXiv:2203.06889

    Examples
    --------
    >>> LeadMasking(least=2)
    LeadMasking(lead_probability=0.5, least=2, probability=1.0)
    """

    name: ClassVar[str] = "lead-masking"
    needs: ClassVar[str] = ""
    lead_probability: float = 0.5
    least: int = 1
    probability: float = 1.0

    def __post_init__(self) -> None:
        check_probability(self)
        check_range(self, "lead_probability", 0, 1)
        check_range(self, "least", 1, 1000)
        if self.least != int(self.least):
            raise OptionError(
                f"'least' of 'lead-masking' is {self.least}; a whole number is needed."
            )

    def __call__(self, batch: WindowBatch, draws: Draws) -> WindowBatch:
        """Return windows with fewer leads."""
        drawn = draws.uniform("leads", batch.windows.shape[1])
        drawn = torch.where(batch.present, drawn, -1.0)
        n_kept = min(int(self.least), batch.windows.shape[1])
        favoured = torch.zeros_like(batch.present)
        favoured.scatter_(1, drawn.topk(n_kept, dim=1).indices, True)
        stays = batch.present & ((drawn >= self.lead_probability) | favoured)
        return replace(batch, windows=batch.windows * stays[:, :, None], present=stays)
