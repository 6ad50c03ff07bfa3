# SPDX-License-Identifier: Apache-2.0
"""A batch of windows with what augmentations need to know of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WindowBatch:
    """Windows of some records.

    Attributes
    ----------
    windows
        What a model would get.
    present
        Which leads were recorded; the others are zero.
    fs
        Sampling rate, Hz.
    leads
        Name of each row.
    labels
        Targets; NaN where unknown.
    rpeaks
        Sample of each R-peak, ascending, with -1 after the last.
    one_scale
        Whether all leads are in millivolts or in one multiple of it. Where each lead was scaled by
        itself (such as to unit variance), what happens at electrodes cannot be imitated.
    """

    windows: Float[Tensor, "batch lead sample"]
    present: Bool[Tensor, "batch lead"]
    fs: float
    leads: tuple[str, ...]
    labels: Float[Tensor, "batch ..."] | None = None
    rpeaks: Int[Tensor, "batch beat"] | None = None
    one_scale: bool = True

    def __len__(self) -> int:
        return len(self.windows)

    @property
    def n_samples(self) -> int:
        """Samples of a window."""
        return self.windows.shape[2]

    def of(self, rows: Int[Tensor, " some"]) -> WindowBatch:
        """Return some of the records."""
        return replace(
            self,
            windows=self.windows[rows],
            present=self.present[rows],
            labels=None if self.labels is None else self.labels[rows],
            rpeaks=None if self.rpeaks is None else self.rpeaks[rows],
        )

    def with_rows(self, rows: Int[Tensor, " some"], other: WindowBatch) -> WindowBatch:
        """Return this batch with some records replaced."""
        if len(rows) == len(self):
            return other
        pairs = {"windows": self.windows.clone(), "present": self.present.clone()}
        for name in ("labels", "rpeaks"):
            held = getattr(self, name)
            pairs[name] = None if held is None else held.clone()
        for name, held in pairs.items():
            if held is not None:
                held[rows] = getattr(other, name)
        return replace(self, **pairs)


def pad_rpeaks(rpeaks: Sequence[Int[np.ndarray, " _"]]) -> Int[Tensor, "batch beat"]:
    """Put R-peaks of several windows into one table, with -1 after the last of each.

    Examples
    --------
    >>> pad_rpeaks([np.array([10, 90]), np.array([40])]).tolist()
    [[10, 90], [40, -1]]
    """
    longest = max((len(beats) for beats in rpeaks), default=0)
    table = torch.full((len(rpeaks), longest), -1, dtype=torch.int64)
    for row, beats in zip(table, rpeaks, strict=True):
        row[: len(beats)] = torch.from_numpy(np.sort(np.asarray(beats, np.int64)))
    return table
