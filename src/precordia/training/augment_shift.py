# SPDX-License-Identifier: Apache-2.0
"""Move the window in time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import torch

from precordia.training.augment_options import check_probability, check_range
from precordia.training.augment_time_masking import compact_rpeaks
from precordia.training.draws import Draws
from precordia.training.window_batch import WindowBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """Move the window in time.

    Attributes
    ----------
    seconds
        Furthest move, forwards or backwards, by whole samples.
    probability
        Share of records to which this happens.

    Notes
    -----
    All leads move alike. What comes in at the end is the first or last sample, held: nothing is
    known of it, and a signal that was rolled around would have a beat that never was at the seam.

    Examples
    --------
    >>> Shift(seconds=0.2)
    Shift(seconds=0.2, probability=1.0)
    """

    name: ClassVar[str] = "shift"
    needs: ClassVar[str] = ""
    seconds: float = 0.5
    probability: float = 1.0

    def __post_init__(self) -> None:
        check_probability(self)
        check_range(self, "seconds", 0, 1000)

    def __call__(self, batch: WindowBatch, draws: Draws) -> WindowBatch:
        """Return moved windows."""
        furthest = min(round(self.seconds * batch.fs), batch.n_samples - 1)
        moved = (draws.uniform("move", 1) * (2 * furthest + 1)).long() - furthest
        moved = moved.clamp(-furthest, furthest)
        source = (torch.arange(batch.n_samples) - moved).clamp(0, batch.n_samples - 1)
        windows = torch.gather(batch.windows, 2, source[:, None, :].expand_as(batch.windows))
        rpeaks = batch.rpeaks
        if rpeaks is not None:
            there = (rpeaks >= 0) & (rpeaks + moved >= 0) & (rpeaks + moved < batch.n_samples)
            rpeaks = compact_rpeaks(rpeaks + moved, there)
        return replace(batch, windows=windows, rpeaks=rpeaks)
