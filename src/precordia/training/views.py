# SPDX-License-Identifier: Apache-2.0
"""Several views of each window: what may change while the heart stays the same."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Generator, Tensor

from precordia.core.errors import OptionError
from precordia.models.encoder import Encoder
from precordia.training.augment_crop import Crop
from precordia.training.augment_gain import Gain
from precordia.training.augment_lead_masking import LeadMasking
from precordia.training.augment_noise import Noise
from precordia.training.augment_time_masking import TimeMasking
from precordia.training.augmenter import augment
from precordia.training.draws import Draws
from precordia.training.gathering import drawn_for_rows
from precordia.training.unlabelled_batch import UnlabelledBatch
from precordia.training.window_batch import WindowBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How a view may differ from its window. Nothing turns time around or exchanges leads.

    Attributes
    ----------
    crop
        Share of the window that is left, at a random place.
    gain_db
        Largest common gain or loss; electrodes differ by 2 % besides. 0 for none.
    noise
        Share of windows to which recorded or modelled noise is added.
    masked_leads
        Chance of each lead to go; one always stays.
    masked_spans, masked_seconds
        How many spans are blank, and the longest; 0 for none.

    Raises
    ------
    OptionError
        If a number is impossible.

    Examples
    --------
    >>> [type(step).__name__ for step in Change(crop=0.5, masked_leads=0.3).steps(10.0)]
    ['Crop', 'Gain', 'Noise', 'LeadMasking']
    """

    crop: float = 1.0
    gain_db: float = 2.0
    noise: float = 0.5
    masked_leads: float = 0.0
    masked_spans: int = 0
    masked_seconds: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.crop <= 1:
            raise OptionError(f"crop is {self.crop}; a share above 0 and up to 1 is needed.")
        if not 0 <= self.masked_leads < 1:
            raise OptionError(
                f"masked_leads is {self.masked_leads}; a share from 0 to below 1 is needed."
            )
        self.steps(10.0)

    def steps(self, seconds: float) -> tuple:
        """Return the augmentations for windows of some length."""
        made: list = []
        if self.crop < 1:
            made.append(Crop(seconds=self.crop * seconds))
        if self.gain_db > 0:
            made.append(Gain(decibels=self.gain_db))
        if self.noise > 0:
            made.append(Noise(probability=self.noise))
        if self.masked_leads > 0:
            made.append(LeadMasking(lead_probability=self.masked_leads))
        if self.masked_spans > 0:
            made.append(TimeMasking(seconds=self.masked_seconds, n_spans=self.masked_spans))
        return tuple(made)


def views(
    batch: UnlabelledBatch,
    change: Change,
    generator: Generator,
    *,
    n: int = 1,
    one_scale: bool = True,
) -> UnlabelledBatch:
    """Return views of all windows, as one larger batch.

    Parameters
    ----------
    batch
        Windows.
    change
        How views may differ.
    generator
        Of all that is drawn.
    n
        Views of each window.
    one_scale
        Whether all leads are in millivolts or in one multiple of it; see
        `precordia.training.window_batch.WindowBatch`.

    Returns
    -------
    ``n`` times as many windows: the first view of all, then the second, and so on. Without
    R-peaks.

    Examples
    --------
    >>> from precordia.training.views import Change, views
    >>> rows = torch.arange(3)
    >>> batch = UnlabelledBatch(
    ...     windows=torch.ones(3, 1, 50), present=torch.ones(3, 1).bool(), patients=rows,
    ...     records=rows, starts=0 * rows, fs=100.0, leads=("II",), ages=torch.ones(3),
    ...     males=torch.ones(3),
    ... )
    >>> made = views(batch, Change(crop=0.5), torch.Generator().manual_seed(0), n=2)
    >>> made.windows.shape, made.records.tolist()
    (torch.Size([6, 1, 25]), [0, 1, 2, 0, 1, 2])
    """
    if n < 1:
        raise OptionError(f"{n} views were asked for; at least one is needed.")
    rows = torch.arange(len(batch), device=batch.windows.device).repeat(n)
    chosen = {
        name: getattr(batch, name)[rows]
        for name in ("patients", "records", "starts", "ages", "males")
    }
    where = generator.device
    keys = drawn_for_rows(
        lambda rows: torch.randint(2**62, (n, rows), generator=generator, device=where),
        len(batch),
        dim=1,
    ).flatten()
    # Augmentations draw on the processor, whatever the windows are on.
    here = WindowBatch(
        windows=batch.windows[rows].cpu(),
        present=batch.present[rows].cpu(),
        fs=batch.fs,
        leads=batch.leads,
        one_scale=one_scale,
    )
    seconds = int(batch.windows.shape[2]) / batch.fs
    changed = augment(here, change.steps(seconds), Draws(keys.cpu().numpy().astype(np.uint64)))
    return replace(
        batch,
        windows=changed.windows.to(batch.windows),
        present=changed.present.to(batch.present.device),
        rpeaks=None,
        **chosen,
    )


def one_scale(encoder: Encoder) -> bool:
    """Return whether an encoder gets all leads in millivolts or in one multiple of it."""
    spec = encoder.input_spec
    return spec is None or spec.scale_needed != "none"


def check_crops(encoder: Encoder, *crops: float) -> None:
    """Refuse crops for an encoder that takes windows of one length alone.

    Raises
    ------
    OptionError
        If a crop would be too short or of a length that the encoder does not take.
    """
    named = encoder.name or type(encoder).__name__
    for crop in crops:
        n = round(crop * encoder.shape.n_samples)
        if crop < 1 and not encoder.flexible_length:
            raise OptionError(
                f"{named} takes windows of {encoder.shape.n_samples} samples alone; a crop of "
                f"{crop:g} was asked for. Set it to 1, or choose another model."
            )
        if n < encoder.smallest:
            raise OptionError(
                f"{named} needs at least {encoder.smallest} samples; a crop of {crop:g} leaves "
                f"{n}. Ask for longer crops."
            )


def as_views(rows: Tensor, n: int) -> Tensor:
    """Return rows of several views one after the other as (view, batch, ...).

    Examples
    --------
    >>> as_views(torch.zeros(6, 4), 2).shape
    torch.Size([2, 3, 4])
    """
    return rows.unflatten(0, (n, -1))
