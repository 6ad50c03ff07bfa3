# SPDX-License-Identifier: Apache-2.0
"""Add recorded noise, or modelled where no recording is at hand, at the electrodes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from precordia.core.errors import OptionError, unknown_name
from precordia.core.leads import STANDARD_12
from precordia.signal.lead_algebra import ELECTRODES
from precordia.training.augment_options import check_probability, check_range
from precordia.training.draws import Draws
from precordia.training.noise_bank import KINDS, load_noise
from precordia.training.window_batch import WindowBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Add recorded noise, or modelled where no recording is at hand, at the electrodes.

    Attributes
    ----------
    folder
        Where ``bw``, ``em`` and ``ma`` of the MIT-BIH Noise Stress Test Database are; modelled
        noise without it.
    kinds
        What is added; one of them for each record.
    lowest_db, highest_db
        Range of the signal-to-noise ratio, drawn evenly. It is the ratio of variances of the
        median lead.
    probability
        Share of records to which this happens.

    Notes
    -----
    Each of nine electrodes gets its own excerpt of the noise, and the leads are formed of these
    (Einthoven, Goldberger, Wilson), so that the limb leads keep their identities and share noise as
    real leads do. Leads other than the standard twelve get an excerpt each. Where each lead has a
    scale of its own, so does its noise, and the identities, which did not hold before, do not
    after. Absent leads stay absent.

    References
    ----------
    Moody GB, Muldrow WE, Mark RG. Comput Cardiol 1984;11:381-384. doi:10.13026/C2HS3T

    Examples
    --------
    >>> Noise(kinds=("muscle artifact",), lowest_db=10).lowest_db
    10
    """

    name: ClassVar[str] = "noise"
    needs: ClassVar[str] = ""
    folder: str | None = None
    kinds: tuple[str, ...] = ("baseline wander", "electrode motion", "muscle artifact")
    lowest_db: float = 6.0
    highest_db: float = 24.0
    probability: float = 0.5

    def __post_init__(self) -> None:
        check_probability(self)
        check_range(self, "lowest_db", -30, 100)
        check_range(self, "highest_db", -30, 100)
        object.__setattr__(self, "kinds", tuple(self.kinds))
        if self.folder is not None:
            object.__setattr__(self, "folder", str(self.folder))
        if not self.kinds or self.lowest_db > self.highest_db:
            raise OptionError(
                "the augmentation 'noise' needs at least one kind, and lowest_db not above "
                f"highest_db; {len(self.kinds)} kinds, {self.lowest_db:g} and "
                f"{self.highest_db:g} dB came."
            )
        for kind in self.kinds:
            if kind not in KINDS:
                raise unknown_name("kind of noise", kind, KINDS, listing=", ".join(KINDS))

    def check(self, *, fs: float, leads: tuple[str, ...], one_scale: bool) -> None:
        """Load the recordings, so that a wrong folder is known before the training starts."""
        for kind in self.kinds:
            load_noise(kind, float(fs), self.folder)

    def __call__(self, batch: WindowBatch, draws: Draws) -> WindowBatch:
        """Return noisy windows."""
        noise = self._at_leads(batch, draws)
        power, noise_power = _variance(batch.windows), _variance(noise)
        usable = batch.present & (power > 0) & (noise_power > 0)
        decibels = draws.between("ratio", self.lowest_db, self.highest_db)
        ratio = torch.where(usable, power / noise_power.clamp(min=1e-12), torch.nan)
        if batch.one_scale:
            ratio = ratio.nanmedian(dim=1, keepdim=True).values
        factor = torch.sqrt(ratio.nan_to_num(0.0) / 10 ** (decibels / 10)) * batch.present
        return replace(batch, windows=torch.addcmul(batch.windows, noise, factor[:, :, None]))

    def _at_leads(self, batch: WindowBatch, draws: Draws) -> Float[Tensor, "batch lead sample"]:
        known = [lead in STANDARD_12 for lead in batch.leads]
        n_sources = 9 + known.count(False)
        sources = self._excerpts(batch, draws, n_sources)
        mixing = torch.zeros(len(batch.leads), n_sources)
        further = iter(range(9, n_sources))
        for row, lead in enumerate(batch.leads):
            if known[row]:
                coefficients = ELECTRODES.coefficients[STANDARD_12.index(lead)]
                mixing[row, :9] = torch.tensor(coefficients, dtype=mixing.dtype)
            else:
                mixing[row, next(further)] = 1.0
        return torch.matmul(mixing, sources).to(batch.windows.dtype)

    def _excerpts(
        self, batch: WindowBatch, draws: Draws, n_sources: int
    ) -> Float[Tensor, "batch source sample"]:
        """Cut an excerpt for each record and source, from a random row and place of its kind."""
        kind = (draws.uniform("kind", 1)[:, 0] * len(self.kinds)).long()
        where = draws.uniform("places", 2 * n_sources).double()
        result = torch.empty(len(batch), n_sources, batch.n_samples)
        for number, name in enumerate(self.kinds):
            rows = torch.nonzero(kind.clamp(max=len(self.kinds) - 1) == number)[:, 0]
            if not len(rows):
                continue
            held = load_noise(name, float(batch.fs), self.folder).rows
            if held.shape[1] < batch.n_samples:
                times = -(-batch.n_samples // held.shape[1]) + 1
                held = torch.cat([held, held.flip(1)], dim=1).repeat(1, times)
            places = held.shape[1] - batch.n_samples + 1
            first = (where[rows, :n_sources] * places).long().clamp(max=places - 1)
            row = (where[rows, n_sources:] * len(held)).long().clamp(max=len(held) - 1)
            pieces = held.unfold(1, batch.n_samples, 1)
            result[rows] = pieces[row, first]
        return result


def _variance(windows: Float[Tensor, "batch lead sample"]) -> Float[Tensor, "batch lead"]:
    """Compute the variance over time; a third of the time of `torch.var`, and exact enough."""
    return ((windows * windows).mean(dim=2) - windows.mean(dim=2) ** 2).clamp(min=0)
