# SPDX-License-Identifier: Apache-2.0
"""Cut a shorter window out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import torch

from precordia.core.errors import OptionError
from precordia.training.augment_options import check_range
from precordia.training.augment_time_masking import compact_rpeaks
from precordia.training.draws import Draws
from precordia.training.window_batch import WindowBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Crop:
    """Cut a shorter window out at a random place.

    Attributes
    ----------
    seconds
        Length of what is left; 2.5 s is customary on PTB-XL.

    Notes
    -----
    It happens to every record, since windows of a batch are of one length. A model trained on crops
    is asked about crops of a record and its answers are put together: see
    `precordia.training.windows_vote`.

    Examples
    --------
    >>> Crop(seconds=2.5).probability
    1.0
    """

    name: ClassVar[str] = "crop"
    needs: ClassVar[str] = ""
    probability: ClassVar[float] = 1.0
    seconds: float = 2.5

    def __post_init__(self) -> None:
        check_range(self, "seconds", 0, 100_000)

    def __call__(self, batch: WindowBatch, draws: Draws) -> WindowBatch:
        """Return shorter windows."""
        n = round(self.seconds * batch.fs)
        if not 0 < n <= batch.n_samples:
            raise OptionError(
                f"a crop of {self.seconds:g} s was asked for; windows have "
                f"{batch.n_samples / batch.fs:g} s. Choose a shorter crop."
            )
        places = batch.n_samples - n + 1
        first = (draws.uniform("first", 1) * places).long().clamp(max=places - 1)
        source = (first + torch.arange(n))[:, None, :].expand(-1, batch.windows.shape[1], -1)
        rpeaks = batch.rpeaks
        if rpeaks is not None:
            there = (rpeaks >= first) & (rpeaks < first + n)
            rpeaks = compact_rpeaks(rpeaks - first, there)
        return replace(batch, windows=torch.gather(batch.windows, 2, source), rpeaks=rpeaks)
