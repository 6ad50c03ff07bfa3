# SPDX-License-Identifier: Apache-2.0
"""What an objective sees of some recordings: windows, whose they are, and nothing to predict."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnlabelledBatch:
    """Windows of one step of pretraining.

    Attributes
    ----------
    windows
        Prepared windows; absent leads are zero.
    present
        Which leads were recorded.
    patients, records
        Number of the patient and of the recording of each window; windows of one patient have
        the same number wherever they come from.
    starts
        First sample of each window in its recording, at `fs`.
    fs
        Sampling rate of the windows, Hz.
    leads
        Name of each row.
    ages
        Years; NaN where unknown.
    males
        1 for male, 0 for female, NaN where unknown.
    rpeaks
        Samples of the R-peaks within each window; None unless the objective needs them.
    """

    windows: Float[Tensor, "batch lead sample"]
    present: Bool[Tensor, "batch lead"]
    patients: Int[Tensor, " batch"]
    records: Int[Tensor, " batch"]
    starts: Int[Tensor, " batch"]
    fs: float
    leads: tuple[str, ...]
    ages: Float[Tensor, " batch"]
    males: Float[Tensor, " batch"]
    rpeaks: tuple[Int[Tensor, " _"], ...] | None = None

    def __len__(self) -> int:
        return len(self.windows)

    def to(self, device: torch.device) -> UnlabelledBatch:
        """Return the batch with its arrays on a device."""
        arrays = ("windows", "present", "patients", "records", "starts", "ages", "males")
        moved = {name: getattr(self, name).to(device) for name in arrays}
        peaks = None if self.rpeaks is None else tuple(p.to(device) for p in self.rpeaks)
        return replace(self, **moved, rpeaks=peaks)
