# SPDX-License-Identifier: Apache-2.0
"""Blank short spans in all leads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import torch

from precordia.core.errors import OptionError
from precordia.training.augment_options import check_probability, check_range
from precordia.training.draws import Draws
from precordia.training.window_batch import WindowBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeMasking:
    """Blank short spans in all leads.

    Attributes
    ----------
    seconds
        Longest span.
    n_spans
        Number of spans.
    probability
        Share of records to which this happens.

    Notes
    -----
    Cutout in time: a span of a length drawn evenly up to the longest becomes zero in all leads
    alike, so that the limb leads keep their identities. R-peaks within it are forgotten.

    References
    ----------
    DeVries T, Taylor GW. arXiv:1708.04552 (cutout, for images)

    Examples
    --------
    >>> TimeMasking(seconds=0.5)
    TimeMasking(seconds=0.5, n_spans=1, probability=1.0)
    """

    name: ClassVar[str] = "time-masking"
    needs: ClassVar[str] = ""
    seconds: float = 1.0
    n_spans: int = 1
    probability: float = 1.0

    def __post_init__(self) -> None:
        check_probability(self)
        check_range(self, "seconds", 0, 1000)
        check_range(self, "n_spans", 1, 100)
        if self.n_spans != int(self.n_spans):
            raise OptionError(
                f"'n_spans' of 'time-masking' is {self.n_spans}; a whole number is needed."
            )

    def __call__(self, batch: WindowBatch, draws: Draws) -> WindowBatch:
        """Return windows with blank spans."""
        longest = min(round(self.seconds * batch.fs), batch.n_samples)
        length = (draws.uniform("length", self.n_spans) * (longest + 1)).long().clamp(max=longest)
        first = (draws.uniform("first", self.n_spans) * (batch.n_samples - length + 1)).long()
        first = torch.minimum(first, batch.n_samples - length)
        time = torch.arange(batch.n_samples)
        blank = (time >= first[:, :, None]) & (time < (first + length)[:, :, None])
        kept = ~blank.any(dim=1)
        windows = batch.windows * kept[:, None, :]
        return replace(batch, windows=windows, rpeaks=_outside(batch.rpeaks, kept))


def _outside(rpeaks, kept):
    if rpeaks is None or not rpeaks.shape[1]:
        return rpeaks
    there = (rpeaks >= 0) & torch.gather(kept, 1, rpeaks.clamp(min=0))
    return compact_rpeaks(rpeaks, there)


def compact_rpeaks(rpeaks: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
    """Keep some R-peaks of each record, ascending, with -1 after the last.

    Examples
    --------
    >>> held = torch.tensor([[5, 9, 20]])
    >>> compact_rpeaks(held, torch.tensor([[True, False, True]])).tolist()
    [[5, 20, -1]]
    """
    order = torch.argsort((~there).to(torch.int8), dim=1, stable=True)
    return torch.gather(torch.where(there, rpeaks, -1), 1, order)
