# SPDX-License-Identifier: Apache-2.0
"""A network that reads the mean beat of every lead, and what the distances of beats say."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from precordia.core.errors import LeadError
from precordia.core.leads import STANDARD_12
from precordia.models.encoder import Encoder, TokenOrder
from precordia.models.options import check_odd, check_share
from precordia.models.signal_shape import SignalShape
from precordia.nn.beat_alignment import BeatAlignment, limb_proportions
from precordia.nn.convolution import convolution
from precordia.nn.residual import ResidualBlock

_N_RHYTHM = 8
_CHANNELS = 36  # mean beats, mean beats in proportion, spreads


class BeatView(NamedTuple):
    """What the network sees of a window: `AlignedBeatsNet.look` makes it, nothing in it is learned.

    Attributes
    ----------
    mean, spread
        The mean beat of each lead and the deviation around it.
    numbers
        Eight numbers of the rhythm.
    proportions
        Factor of each lead that restores the mutual size of the limb leads.
    """

    mean: Float[Tensor, "batch lead sample"]
    spread: Float[Tensor, "batch lead sample"]
    numbers: Float[Tensor, "batch number"]
    proportions: Float[Tensor, "batch lead"]


class AlignedBeatsNet(Encoder):
    """Residual convolutions over the mean beat of twelve leads, read by position.

    Parameters
    ----------
    shape, n_outputs
        As in `Encoder`; the leads are the standard twelve.
    width
        Channels of the first convolution; the two blocks have 4/3 and 2 times as many.
    kernel
        Samples of all kernels; odd.
    n_marks
        Channels that are read at every position of the beat.
    n_read
        Numbers that are read from them.
    dropout
        Share of the embedding that is hidden before the head while training.

    Notes
    -----
    *Method.* Beats are found, aligned and averaged within the network (`BeatAlignment`), so windows
    come in and few numbers go through its convolutions: with about two thousand recordings to learn
    from that ranks better than networks over all of the window (see the benchmark
    ``benchmarks/classifier``). What a beat's form cannot tell, such as fibrillation, comes from
    eight numbers of the rhythm. Windows are z-scores of each lead, at 100 Hz or near it; the mutual
    size of the limb leads, which z-scores hide, is restored from their identities.

    Examples
    --------
    >>> shape = SignalShape(n_leads=12, n_samples=1000, fs=100, leads=STANDARD_12)
    >>> model = AlignedBeatsNet(shape, 5).eval()
    >>> model(torch.zeros(2, 12, 1000)).shape
    torch.Size([2, 5])
    """

    token_order: ClassVar[TokenOrder] = "other"

    def __init__(
        self,
        shape: SignalShape,
        n_outputs: int,
        *,
        width: int = 48,
        kernel: int = 5,
        n_marks: int = 16,
        n_read: int = 128,
        dropout: float = 0.3,
    ) -> None:
        check_odd("kernel", kernel)
        check_share("dropout", dropout)
        if shape.n_leads != 12 or shape.leads not in (None, (), STANDARD_12):
            raise LeadError(
                f"{shape.n_leads} leads arrived; aligned-beats takes the twelve standard ones in "
                "their order. Say which of them are there with 'present'."
            )
        wide = 2 * width
        super().__init__(shape, n_outputs, dim=n_read + 3 * wide, token_dim=wide)
        self.align = BeatAlignment(shape.fs)
        self.stem = nn.Sequential(
            convolution(_CHANNELS, width, kernel), nn.BatchNorm1d(width), nn.ReLU()
        )
        middle = 4 * width // 3
        self.blocks = nn.Sequential(
            ResidualBlock(width, middle, kernels=(kernel, kernel), stride=2),
            ResidualBlock(middle, wide, kernels=(kernel, kernel), stride=2),
        )
        self.numbers = nn.Sequential(nn.Linear(_N_RHYTHM + 24, wide), nn.ReLU())
        positions = (self.align.n_samples + 3) // 4
        self.marks = nn.Conv1d(wide, n_marks, 1)
        self.reading = nn.Sequential(nn.Linear(n_marks * positions, n_read), nn.ReLU())
        self.neck = nn.Dropout(dropout)

    def look(
        self,
        x: Float[Tensor, "batch lead sample"],
        present: Float[Tensor, "batch lead"],
        keep: Float[Tensor, "batch beat"] | None = None,
    ) -> BeatView:
        """Return what the network sees of windows."""
        mean, spread, numbers = self.align(x, present, keep)
        return BeatView(mean, spread, numbers, limb_proportions(x, present))

    def tokens_of(
        self, view: BeatView, present: Float[Tensor, "batch lead"]
    ) -> Float[Tensor, "batch token dim"]:
        """Return one token of the numbers, then one for every four samples of the beat."""
        scaled = view.mean * view.proportions[:, :, None]
        beat = self.blocks(self.stem(torch.cat([view.mean, scaled, view.spread], 1)))
        numbers = torch.cat([view.numbers, view.proportions.clamp(min=1e-3).log(), present], 1)
        return torch.cat([self.numbers(numbers)[:, None], beat.transpose(1, 2)], 1)

    def features(
        self, x: Float[Tensor, "batch lead sample"], present: Float[Tensor, "batch lead"] | None
    ) -> Float[Tensor, "batch token dim"]:
        """Return the tokens of windows."""
        if present is None:
            present = torch.ones_like(x[:, :, 0])
        return self.tokens_of(self.look(x, present), present)

    def pool(
        self, tokens: Float[Tensor, "batch token dim"], present: Float[Tensor, "batch lead"] | None
    ) -> Float[Tensor, "batch _"]:
        """Return what is read by position, mean and maximum of the beat, and the numbers."""
        beat = tokens[:, 1:]
        read = self.reading(self.marks(beat.transpose(1, 2)).flatten(1))
        return torch.cat([read, beat.mean(1), beat.amax(1), tokens[:, 0]], 1)

    def stages(self) -> list[nn.Module]:
        """Return stem, blocks, and what reads them."""
        return [self.stem, *self.blocks, nn.ModuleList([self.marks, self.reading, self.numbers])]
