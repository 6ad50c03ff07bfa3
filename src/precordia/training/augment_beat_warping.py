# SPDX-License-Identifier: Apache-2.0
"""Move and scale what lies between two R-peaks, smoothly."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from precordia.core.errors import OptionError
from precordia.training.augment_options import check_probability, check_range
from precordia.training.draws import Draws
from precordia.training.window_batch import WindowBatch

#: numbers are drawn for this many beats, so that they do not depend on the batch
_DRAWN_BEATS = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatWarping:
    """Move and scale what lies between two R-peaks, smoothly.

    Attributes
    ----------
    warp
        Largest strength of the warp, below 1. With 0.3 what lies midway between two beats moves by
        a tenth of the interval.
    amplitude
        Largest change of amplitude midway between two beats, as a share.
    probability
        Share of records to which this happens.

    Notes
    -----
    After STAR (sinusoidal time-amplitude resampling): each interval between R-peaks is warped and
    scaled by itself, all leads alike; R-peaks, the order of waves, the rhythm, and what comes
    before the first and after the last R-peak stay. The paper's law was not at hand; ours, with u
    from 0 to 1 between two R-peaks, reads the signal at ``u + warp / pi * sin(pi u) ** 2`` and
    multiplies it by ``1 + amplitude * sin(pi u) ** 2``. Both leave value and slope at the R-peaks
    as they were, so that the QRS complex hardly changes, and the warp can be undone. Between
    samples a cubic (Catmull-Rom) is followed.

    PR and QT intervals and the height of P and T change: leave it out where these are what a model
    should measure, or for statements that rest on them alone.

    References
    ----------
    Nemati N. Comparative analysis of data augmentation for clinical ECG classification with STAR.
    arXiv:2510.24740

    Examples
    --------
    >>> BeatWarping(warp=0.2)
    BeatWarping(warp=0.2, amplitude=0.15, probability=1.0)
    """

    name: ClassVar[str] = "beat-warping"
    needs: ClassVar[str] = "rpeaks"
    warp: float = 0.25
    amplitude: float = 0.15
    probability: float = 1.0

    def __post_init__(self) -> None:
        check_probability(self)
        check_range(self, "warp", 0, 0.95)
        check_range(self, "amplitude", 0, 0.9)

    def __call__(self, batch: WindowBatch, draws: Draws) -> WindowBatch:
        """Return windows with beats that are warped."""
        if batch.rpeaks is None:
            raise OptionError(
                "the augmentation 'beat-warping' needs the R-peaks of each window, and none came. "
                "Find them once with detect_window_rpeaks(windows, fs) and hand them over."
            )
        if batch.rpeaks.shape[1] < 2:
            return batch
        n = batch.n_samples
        beats = torch.where(batch.rpeaks < 0, n, batch.rpeaks)
        time = torch.arange(n).expand(len(batch), n).contiguous()
        after = torch.searchsorted(beats.contiguous(), time, right=True)
        last = (batch.rpeaks >= 0).sum(dim=1, keepdim=True)
        inside = (after > 0) & (after < last)
        before = (after - 1).clamp(min=0)
        left = torch.gather(beats, 1, before)
        right = torch.gather(beats, 1, after.clamp(max=beats.shape[1] - 1))
        interval = torch.where(inside, right - left, 1).float()
        u = torch.where(inside, (time - left).float() / interval, torch.zeros(()))
        drawn = 2 * draws.uniform("beats", 2 * _DRAWN_BEATS) - 1
        place = before % _DRAWN_BEATS
        warp = self.warp * torch.gather(drawn[:, :_DRAWN_BEATS], 1, place)
        scale = self.amplitude * torch.gather(drawn[:, _DRAWN_BEATS:], 1, place)
        bump = torch.sin(math.pi * u) ** 2
        moved = warp / math.pi * bump * interval
        warped = _read_between(batch.windows, time, moved)
        return replace(batch, windows=warped * (1 + scale * bump)[:, None, :])


def _read_between(
    windows: Float[Tensor, "batch lead sample"],
    time: Int[Tensor, "batch sample"],
    moved: Float[Tensor, "batch sample"],
) -> Float[Tensor, "batch lead sample"]:
    """Read all leads at other times: each sample is a mean of four, with the cubic's weights."""
    whole = torch.floor(moved)
    f = (moved - whole)[:, None, :].to(windows.dtype)
    first = time + whole.long()
    weights = (
        f * (-0.5 + f * (1 - 0.5 * f)),
        1 + f * f * (1.5 * f - 2.5),
        f * (0.5 + f * (2 - 1.5 * f)),
        f * f * (0.5 * f - 0.5),
    )
    result = torch.zeros_like(windows)
    for offset, weight in zip((-1, 0, 1, 2), weights, strict=True):
        source = (first + offset).clamp(0, windows.shape[2] - 1)[:, None, :].expand_as(windows)
        result.addcmul_(weight, torch.gather(windows, 2, source))
    return result
