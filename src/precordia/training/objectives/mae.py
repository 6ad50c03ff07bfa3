# SPDX-License-Identifier: Apache-2.0
"""Masked auto-encoding: draw the hidden patches of the signal."""

from __future__ import annotations

from typing import ClassVar

from jaxtyping import Bool, Float
from torch import Generator, Tensor

from precordia.core.errors import OptionError
from precordia.models.encoder import Encoder
from precordia.models.vit1d import ViT1d
from precordia.nn.token_filling import TokenFilling
from precordia.training.gathering import gathered
from precordia.training.masks import Places, hide_random, taken
from precordia.training.objective import Learned, Objective
from precordia.training.objectives.jepa import patch_of, patched
from precordia.training.unlabelled_batch import UnlabelledBatch


class Mae(Objective):
    """Reconstruct hidden patches from the few that can be seen.

    Parameters
    ----------
    encoder
        A `vit1d`.
    hidden
        Share of the patches that is hidden.
    decoder_width, decoder_depth, decoder_heads
        Of the network that draws.
    normalise
        Whether each patch is drawn with a mean of 0 and a variance of 1.

    Notes
    -----
    *Method.* He et al.: the encoder sees a quarter of the patches, drawn one by one; a narrow
    decoder draws the others; the loss is the mean square over hidden patches, each normalised.
    *Departures.* A patch holds all leads and is normalised over those that were recorded; no class
    token. Patches in which nothing changes are left as zeros.

    References
    ----------
    He K, et al. Masked autoencoders are scalable vision learners. CVPR 2022. arXiv:2111.06377.
    Na Y, et al. ST-MEM. ICLR 2024. arXiv:2402.09450 (for the electrocardiogram, lead by lead)
    """

    architectures: ClassVar[tuple[str, ...]] = ("vit1d",)

    def __init__(
        self,
        encoder: Encoder,
        *,
        hidden: float = 0.75,
        decoder_width: int = 64,
        decoder_depth: int = 2,
        decoder_heads: int = 4,
        normalise: bool = True,
    ) -> None:
        super().__init__(encoder)
        vit = patched(encoder, "mae")
        if not 0 < hidden < 1:
            raise OptionError(f"hidden is {hidden}; a share between 0 and 1 is needed.")
        self.hidden, self.normalise = hidden, normalise
        self.patch = patch_of(vit)
        self.decoder = TokenFilling(
            encoder.dim,
            encoder.shape.n_samples // self.patch,
            encoder.shape.n_leads * self.patch,
            width=decoder_width,
            depth=decoder_depth,
            heads=decoder_heads,
        )

    @property
    def vit(self) -> ViT1d:
        """The encoder, by its kind."""
        return patched(self.encoder, "mae")

    def forward(self, batch: UnlabelledBatch, progress: float, generator: Generator) -> Learned:
        """Return the mean square error of the hidden patches."""
        n_tokens = batch.windows.shape[2] // self.patch
        places = hide_random(len(batch), n_tokens, share=self.hidden, generator=generator)
        loss, seen = self.loss_of(batch.windows, batch.present, places.to(batch.windows.device))
        return Learned(loss=loss, embeddings=seen.detach().mean(dim=1))

    def loss_of(
        self,
        windows: Float[Tensor, "batch lead sample"],
        present: Bool[Tensor, "batch lead"],
        places: Places,
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "batch kept dim"]]:
        """Return the loss of windows for known masks, and the tokens that were seen."""
        seen = self.vit.context(taken(self.vit.frames(windows), places.kept))
        drawn = self.decoder(seen, places.kept, places.hidden)
        target = patches_of(windows, present, self.patch, normalise=self.normalise)
        counts = present.to(windows.dtype).repeat_interleave(self.patch, dim=1)[:, None, :]
        square = (drawn - taken(target, places.hidden)).square() * counts
        n_counted = gathered(counts.sum()[None]).mean() * places.hidden.shape[1]
        return square.sum() / n_counted.clamp(min=1), seen


def patches_of(
    windows: Float[Tensor, "batch lead sample"],
    present: Bool[Tensor, "batch lead"],
    patch: int,
    *,
    normalise: bool,
) -> Float[Tensor, "batch token number"]:
    """Return the samples of each patch, lead by lead.

    Parameters
    ----------
    windows, present
        Windows, and which leads were recorded; the others count nothing.
    patch
        Samples of a patch.
    normalise
        Whether mean and deviation of each patch are taken out.

    Examples
    --------
    >>> import torch
    >>> patches_of(torch.arange(8.0)[None, None], torch.ones(1, 1).bool(), 4, normalise=False)
    tensor([[[0., 1., 2., 3.],
             [4., 5., 6., 7.]]])
    """
    n_rows, n_leads, n_samples = windows.shape
    n_tokens = n_samples // patch
    cut = windows[..., : n_tokens * patch].reshape(n_rows, n_leads, n_tokens, patch)
    if normalise:
        there = present.to(windows.dtype)[:, :, None, None]
        count = (there.sum(dim=1, keepdim=True) * patch).clamp(min=1)
        mean = (cut * there).sum(dim=(1, 3), keepdim=True) / count
        apart = (cut - mean) * there
        variance = apart.square().sum(dim=(1, 3), keepdim=True) / count
        cut = apart / (variance + _TINY).sqrt()
    return cut.transpose(1, 2).reshape(n_rows, n_tokens, n_leads * patch)


#: mV², far below the noise of any recording
_TINY = 1e-8
