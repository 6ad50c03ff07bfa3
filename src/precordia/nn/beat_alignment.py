# SPDX-License-Identifier: Apache-2.0
"""Beats found, laid over one another and averaged, as layers of a network."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

#: heart beats that a window may have
N_BEATS = 24
_BEFORE_S, _AFTER_S = 0.36, 0.60
_TINY = 1e-8


class AlignedBeats(NamedTuple):
    """What `BeatAlignment` gives.

    Attributes
    ----------
    mean, spread
        The mean beat of each lead and the standard deviation around it.
    rhythm
        Eight numbers: beats, mean, deviation, successive difference, shortest and longest distance
        of beats, share of beats of another shape, and how alike all are.
    """

    mean: Float[Tensor, "batch lead sample"]
    spread: Float[Tensor, "batch lead sample"]
    rhythm: Float[Tensor, "batch number"]


class BeatAlignment(nn.Module):
    """Find the beats of a window, and average those of the usual shape. Nothing is learned.

    Parameters
    ----------
    fs
        Sampling rate, Hz.
    n_beats
        Heart beats that a window may have.

    Notes
    -----
    *Method.* The slope over all leads that are there (root of the mean square, each limited, over
    70 ms) is largest near the middle of a QRS complex. A beat stands where it is the largest within
    0.3 s to either side and above 0.4 of its usual height. Beats are cut from 0.36 s before to
    0.60 s after; each weighs by its correlation with the mean of all, twice; ectopic and disturbed
    beats thus hardly count. Only elementary operations are used, so that it is part of a graph.

    Examples
    --------
    >>> spikes = torch.zeros(1, 12, 1000)
    >>> spikes[..., 50::80] = 1.0
    >>> align, present = BeatAlignment(100), torch.ones(1, 12)
    >>> align(spikes, present).mean.shape, int(align.find(spikes, present)[1].sum())
    (torch.Size([1, 12, 96]), 12)
    """

    def __init__(self, fs: float, *, n_beats: int = N_BEATS) -> None:
        super().__init__()
        self.fs, self.n_beats = float(fs), n_beats
        self.before, self.after = round(_BEFORE_S * fs), round(_AFTER_S * fs)

    @property
    def n_samples(self) -> int:
        """Samples of a beat."""
        return self.before + self.after

    def forward(
        self,
        x: Float[Tensor, "batch lead sample"],
        present: Float[Tensor, "batch lead"],
        keep: Float[Tensor, "batch beat"] | None = None,
    ) -> AlignedBeats:
        """Return the mean beat, its spread, and what the distances of beats say.

        Parameters
        ----------
        x
            Windows whose leads each have a variance near 1; absent leads are zero.
        present
            1 for leads that are there.
        keep
            1 for beats that may count; to average over some beats while training.
        """
        places, found = self.find(x, present)
        within = (places >= self._samples(0.2)) & (places < x.shape[-1] - self._samples(0.45))
        inside = _unless_empty(within.to(x.dtype) * found, found)
        weight = inside if keep is None else _unless_empty(inside * keep, inside)
        beats = self._cut(x, places)
        mean = _weighted(beats, weight)
        mean = _weighted(beats, weight * self._likeness(beats, mean).clamp(min=0.02) ** 4)
        alike = self._likeness(beats, mean)
        weight = weight * torch.sigmoid((alike - 0.8) * 20).clamp(min=1e-3)
        mean = _weighted(beats, weight)
        spread = _weighted((beats - mean[:, None]) ** 2, weight).clamp(min=1e-6).sqrt()
        spread = spread * present[:, :, None]
        return AlignedBeats(mean, spread, self._rhythm(places, found, alike, inside))

    def find(
        self, x: Float[Tensor, "batch lead sample"], present: Float[Tensor, "batch lead"]
    ) -> tuple[Int[Tensor, "batch beat"], Float[Tensor, "batch beat"]]:
        """Return where beats are, in order, and 1 for each that is one."""
        n = x.shape[-1]
        slope = F.pad(x[..., 2:] - x[..., :-2], (1, 1))
        power = (slope**2).clamp(max=9.0).sum(1, keepdim=True)
        power = power / present.sum(1).clamp(min=1.0)[:, None, None]
        power = F.avg_pool1d((power + _TINY).sqrt(), *self._centred(0.07), count_include_pad=False)
        power = power * (1 + 1e-6 * torch.arange(n, device=x.device))  # of equal tops, the last
        usual = F.max_pool1d(power, *self._centred(2.01))
        usual = 0.5 * usual.amin(-1, keepdim=True) + 0.5 * usual.mean(-1, keepdim=True)
        top = (power >= F.max_pool1d(power, *self._centred(0.61))) & (power > 0.4 * usual)
        height, places = (power * top.to(x.dtype))[:, 0].topk(self.n_beats, -1)
        places = torch.where(height > 0, places, torch.full_like(places, 2 * n))
        places = places.sort(-1).values
        return places.clamp(max=n - 1), (places < n).to(x.dtype)

    def _samples(self, seconds: float) -> int:
        return round(seconds * self.fs)

    def _centred(self, seconds: float) -> tuple[int, int, int]:
        """Return kernel, stride and padding of a running maximum or mean."""
        half = int(seconds * self.fs / 2)
        return 2 * half + 1, 1, half

    def _cut(
        self, x: Float[Tensor, "batch lead sample"], places: Int[Tensor, "batch beat"]
    ) -> Float[Tensor, "batch beat lead _"]:
        n_leads, n_beats = x.shape[1], places.shape[1]
        padded = F.pad(x, (self.before, self.after))
        span = torch.arange(self.n_samples, device=x.device)
        index = (places[:, :, None] + span).reshape(-1, 1, n_beats * self.n_samples)
        cut = torch.gather(padded, 2, index.expand(-1, n_leads, -1))
        return cut.reshape(-1, n_leads, n_beats, self.n_samples).transpose(1, 2)

    def _likeness(
        self,
        beats: Float[Tensor, "batch beat lead sample"],
        mean: Float[Tensor, "batch lead sample"],
    ) -> Float[Tensor, "batch beat"]:
        """Return the correlation of each beat with the mean, over QRS complex and T wave."""
        span = slice(self.before - self._samples(0.15), self.before + self._samples(0.40))
        a, b = beats[..., span], mean[:, None, :, span]
        a, b = a - a.mean(-1, keepdim=True), b - b.mean(-1, keepdim=True)
        size = (a**2).sum((2, 3)) * (b**2).sum((2, 3))
        return (a * b).sum((2, 3)) / size.clamp(min=1e-6).sqrt()

    def _rhythm(
        self,
        places: Int[Tensor, "batch beat"],
        found: Float[Tensor, "batch beat"],
        alike: Float[Tensor, "batch beat"],
        inside: Float[Tensor, "batch beat"],
    ) -> Float[Tensor, "batch number"]:
        apart = (places[:, 1:] - places[:, :-1]).to(found.dtype) / self.fs
        both = found[:, 1:] * found[:, :-1]
        n = both.sum(1).clamp(min=1)
        mean = (apart * both).sum(1) / n
        deviation = (((apart - mean[:, None]) ** 2 * both).sum(1) / n + _TINY).sqrt()
        change, three = apart[:, 1:] - apart[:, :-1], both[:, 1:] * both[:, :-1]
        successive = ((change**2 * three).sum(1) / three.sum(1).clamp(min=1) + _TINY).sqrt()
        shortest = torch.where(both > 0, apart, torch.full_like(apart, 2.0)).amin(1).clamp(max=2)
        longest = (apart * both).amax(1)
        counted = inside.sum(1).clamp(min=1)
        odd = ((alike < 0.8).to(found.dtype) * inside).sum(1) / counted
        likeness = (alike * inside).sum(1) / counted
        numbers = [found.sum(1) / 10 - 1.2, mean - 0.85, deviation * 5, successive * 5]
        numbers += [(shortest - mean) * 3, (longest - mean) * 3, odd * 3, (likeness - 0.95) * 5]
        return torch.stack(numbers, 1)


def limb_proportions(
    x: Float[Tensor, "batch lead sample"], present: Float[Tensor, "batch lead"]
) -> Float[Tensor, "batch lead"]:
    """Return the factor of each of twelve leads that restores the mutual size of the limb leads.

    Parameters
    ----------
    x
        Windows of the twelve leads in standard order, each with a variance near 1.
    present
        1 for leads that are there; without all six limb leads every factor is 1.

    Notes
    -----
    *Method.* II = I + III makes the deviations of the three sides of a triangle whose angles are
    given by the correlations of the leads, so they follow from these by the law of sines; the
    augmented leads follow by Goldberger's equations. The six factors have a mean square of 1.
    """
    one, two, three = x[:, 0], x[:, 1], x[:, 2]
    s1, s2, s3 = _residual(two, three), _residual(one, three), _residual(one, two)
    right, left = (s1 * one + s2 * two) / 2, (s1 * one - s3 * three) / 2
    size = torch.cat([s1, s2, s3, _rms(right), _rms(left), _rms((s2 * two + s3 * three) / 2)], 1)
    size = size / (size**2).mean(1, keepdim=True).sqrt()
    whole = present[:, :6].amin(1, keepdim=True)
    return torch.cat([size * whole + (1 - whole), torch.ones_like(size)], 1)


def _residual(a: Tensor, b: Tensor) -> Float[Tensor, "batch one"]:
    """Return the size of what remains of one lead when the other is taken out of it."""
    return _rms(b - (a * b).mean(-1, keepdim=True) * a)


def _rms(x: Tensor) -> Tensor:
    return ((x**2).mean(-1, keepdim=True) + _TINY).sqrt()


def _weighted(
    beats: Float[Tensor, "batch beat lead sample"], weight: Float[Tensor, "batch beat"]
) -> Float[Tensor, "batch lead sample"]:
    total = weight.sum(1).clamp(min=1e-3)[:, None, None]
    return (beats * weight[:, :, None, None]).sum(1) / total


def _unless_empty(weight: Tensor, otherwise: Tensor) -> Tensor:
    return torch.where(weight.sum(1, keepdim=True) > 0, weight, otherwise)
