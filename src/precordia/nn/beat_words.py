# SPDX-License-Identifier: Apache-2.0
"""A window as a sentence: every beat of every lead is a word, lead after lead."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor


class BeatSentence(NamedTuple):
    """Words of a batch of windows; those behind the last are zeros.

    Attributes
    ----------
    words
        Samples of each word.
    leads
        Which lead a word is of, from 1; 0 behind the last.
    times
        In which second a word is, from 1; 0 behind the last.
    """

    words: Float[Tensor, "batch token sample"]
    leads: Int[Tensor, "batch token"]
    times: Int[Tensor, "batch token"]


def cut_sentence(
    x: Float[Tensor, "batch lead sample"],
    places: Int[Tensor, "batch beat"],
    found: Float[Tensor, "batch beat"],
    leads: Int[Tensor, " lead"],
    present: Float[Tensor, "batch lead"] | None = None,
    *,
    word: int = 96,
    n_words: int = 256,
    second: int = 100,
) -> BeatSentence:
    """Cut windows into words.

    Parameters
    ----------
    x
        Windows.
    places
        Sample of each R-peak, ascending.
    found
        1 for each place that is one, 0 for those that only fill the row; these come last.
    leads
        Number of the lead on each row, from 1; words come in the order of these numbers.
    present
        1 for leads that are there; the others have no words. All are there by default.
    word
        Samples of a word.
    n_words
        Words of a sentence: further words are left out, missing ones are zeros.
    second
        Samples of a second.

    Notes
    -----
    *Method*, as published: a word reaches from the middle between its beat and the one before to
    the middle between its beat and the next; the first and last beat reach half a word outwards.
    What is longer than a word is cut to a word around the R-peak. The R-peak stands in the middle
    of the word, unless more than half a word lies before it, which then comes first.

    References
    ----------
    Jin J, et al. Reading your heart. ICLR 2025. arXiv:2502.10707

    Examples
    --------
    >>> x, found = torch.ones(1, 2, 300), torch.ones(1, 3)
    >>> leads = torch.tensor([1, 2])
    >>> said = cut_sentence(x, torch.tensor([[50, 140, 250]]), found, leads, n_words=8)
    >>> said.words.shape, said.leads.tolist(), said.times.tolist()
    (torch.Size([1, 8, 96]), [[1, 1, 1, 2, 2, 2, 0, 0]], [[1, 2, 3, 1, 2, 3, 0, 0]])
    """
    start, length, offset = _spans(places, found, int(x.shape[2]), word)
    n_beats = found.sum(1, keepdim=True).to(torch.int64)
    if present is None:
        present = torch.ones_like(x[:, :, 0])
    absent = (present <= 0).to(torch.int64)
    order = (leads + absent * (leads.max() + 1)).argsort(dim=1)  # those that are there come first
    token = torch.arange(n_words, device=x.device).expand(x.shape[0], -1)
    there = token < n_beats * (present > 0).sum(1, keepdim=True)
    each = n_beats.clamp(min=1)
    rank = torch.div(token, each, rounding_mode="floor").clamp(max=int(x.shape[1]) - 1)
    row, beat = order.gather(1, rank), torch.remainder(token, each)
    within = torch.arange(word, device=x.device) - offset.gather(1, beat)[:, :, None]
    inside = (within >= 0) & (within < length.gather(1, beat)[:, :, None]) & there[:, :, None]
    sample = (within + start.gather(1, beat)[:, :, None]).clamp(min=0, max=int(x.shape[2]) - 1)
    flat = (row[:, :, None] * int(x.shape[2]) + sample).flatten(1)
    words = x.flatten(1).gather(1, flat).reshape(-1, n_words, word) * inside.to(x.dtype)
    time = torch.div(places, second, rounding_mode="floor").gather(1, beat) + 1
    said = there.to(torch.int64)
    return BeatSentence(words, leads[row] * said, time * said)


def _spans(
    places: Int[Tensor, "batch beat"],
    found: Float[Tensor, "batch beat"],
    n_samples: int,
    word: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return first sample, length, and the place within the word, of every beat."""
    half = word // 2
    index = torch.arange(places.shape[1], device=places.device)
    first, last = index == 0, index == found.sum(1, keepdim=True) - 1
    before = torch.div(places + places.roll(1, 1), 2, rounding_mode="floor")
    after = torch.div(places + places.roll(-1, 1), 2, rounding_mode="floor")
    ahead = (places - half).clamp(min=0)
    start = torch.where(first, ahead, before)
    end = torch.where(last, torch.where(first, start + word, places + half), after)
    end = end.clamp(max=n_samples)
    long = end - start > word
    start = torch.where(long, ahead, start)
    end = torch.where(long, (start + word).clamp(max=n_samples), end)
    offset = (half - (places - start)).clamp(min=0)
    return start, torch.minimum(end - start, word - offset), offset
