# SPDX-License-Identifier: Apache-2.0
"""Amplify all leads alike, and each electrode a little differently."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import torch

from precordia.core.leads import STANDARD_12
from precordia.signal.lead_algebra import ELECTRODES
from precordia.training.augment_options import check_probability, check_range
from precordia.training.draws import Draws
from precordia.training.window_batch import WindowBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """Amplify all leads alike, and each electrode a little differently.

    Attributes
    ----------
    decibels
        Largest gain or loss common to all leads; drawn evenly on the scale of decibels.
    electrode_percent
        Standard deviation of the gain of an electrode. The limb leads keep their identities, and
        chest leads change with the central terminal.
    probability
        Share of records to which this happens.

    Notes
    -----
    The potential of each electrode against the mean of the three limb electrodes follows from the
    twelve leads; each is multiplied and the leads are formed anew. A record that lacks one of the
    twelve leads, or whose leads have scales of their own, gets the common gain alone.

    Examples
    --------
    >>> Gain(decibels=1.0)
    Gain(decibels=1.0, electrode_percent=2.0, probability=1.0)
    """

    name: ClassVar[str] = "gain"
    needs: ClassVar[str] = ""
    decibels: float = 2.0
    electrode_percent: float = 2.0
    probability: float = 1.0

    def __post_init__(self) -> None:
        check_probability(self)
        check_range(self, "decibels", 0, 20)
        check_range(self, "electrode_percent", 0, 20)

    def __call__(self, batch: WindowBatch, draws: Draws) -> WindowBatch:
        """Return amplified windows."""
        common = 10 ** (draws.between("common", -self.decibels, self.decibels) / 20)
        windows = batch.windows * common[:, :, None]
        whole = batch.leads == STANDARD_12 and batch.one_scale and self.electrode_percent > 0
        if whole:
            gains = 1 + self.electrode_percent / 100 * draws.normal("electrodes", 9).clamp(-3, 3)
            to_leads = torch.tensor(ELECTRODES.coefficients, dtype=windows.dtype)
            to_electrodes = torch.linalg.pinv(to_leads)
            mixing = torch.einsum("le,be,em->blm", to_leads, gains, to_electrodes)
            complete = batch.present.all(dim=1)[:, None, None]
            windows = torch.where(complete, torch.matmul(mixing, windows), windows)
        return replace(batch, windows=windows)
