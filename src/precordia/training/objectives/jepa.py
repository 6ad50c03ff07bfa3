# SPDX-License-Identifier: Apache-2.0
"""Joint-embedding prediction: tell the embeddings of hidden stretches from what can be seen."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Generator, Tensor
from torch.nn import functional

from precordia.core.errors import OptionError
from precordia.models.encoder import Encoder
from precordia.models.vit1d import ViT1d
from precordia.nn.token_filling import TokenFilling
from precordia.training.gathering import gathered
from precordia.training.masks import Places, hide_blocks, taken
from precordia.training.objective import Learned, Objective
from precordia.training.schedule import ramp
from precordia.training.teacher import Teacher
from precordia.training.unlabelled_batch import UnlabelledBatch


class Jepa(Objective):
    """Predict the tokens that a slow copy of the encoder gives for hidden blocks of time.

    Parameters
    ----------
    encoder
        A `vit1d`.
    kept_least, kept_most
        The share of tokens that stays is drawn between these for each batch.
    shortest_ms
        Shortest block that is hidden, ms.
    predictor_width, predictor_depth, predictor_heads
        Of the network that predicts; a width of 0 is half the encoder's, a depth of 0 the
        encoder's.
    decay_first, decay_last
        Share of the teacher that stays in a step, at the beginning and at the end of the training.
    standardise
        Whether tokens of the teacher are standardised over the batch, for each place in time.

    Notes
    -----
    *Method.* Weimann and Conrad: the encoder sees 15 to 25 % of the tokens of all leads, blocks of
    at least 500 ms are hidden; the predictor is half as wide as the encoder, and as deep there. The
    loss is the mean absolute distance of predicted tokens from those of the teacher, which has seen
    all, after its last normalisation. The teacher is what is kept.
    *Departures.* Blocks are placed as in `hide_blocks`; no register token; linear maps have biases;
    the teacher moves behind the step of the optimiser, not before the loss, and faster (0.998 at
    first, there). Targets are standardised for each place in time, unless told otherwise: much of a
    token is its place, and in short trainings that alone is soon all that is told.

    Only tokens that stay go through the encoder, so that a step costs less than half of one over
    all tokens with masked attention, and gives the same loss.

    References
    ----------
    Weimann K, Conrad TOF. Self-supervised pre-training with joint-embedding predictive
    architecture boosts ECG classification performance. 2024. arXiv:2410.13867.
    Assran M, et al. I-JEPA. CVPR 2023. arXiv:2301.08243
    """

    architectures: ClassVar[tuple[str, ...]] = ("vit1d",)

    def __init__(
        self,
        encoder: Encoder,
        *,
        kept_least: float = 0.15,
        kept_most: float = 0.25,
        shortest_ms: float = 500.0,
        predictor_width: int = 0,
        predictor_depth: int = 2,
        predictor_heads: int = 2,
        decay_first: float = 0.99,
        decay_last: float = 0.9995,
        standardise: bool = True,
    ) -> None:
        super().__init__(encoder)
        vit = patched(encoder, "jepa")
        if not 0 < kept_least <= kept_most < 1:
            raise OptionError(
                f"kept_least is {kept_least} and kept_most {kept_most}; shares between 0 and 1 are "
                "needed, the first not above the second."
            )
        self.kept = (kept_least, kept_most)
        self.decay, self.standardise = (decay_first, decay_last), standardise
        patch_ms = 1000 * patch_of(vit) / encoder.shape.fs
        self.shortest = max(round(shortest_ms / patch_ms), 1)
        self.teacher = Teacher(encoder)
        self.predictor = TokenFilling(
            encoder.dim,
            encoder.shape.n_samples // patch_of(vit),
            encoder.dim,
            width=predictor_width or encoder.dim // 2,
            depth=predictor_depth or len(vit.blocks),
            heads=predictor_heads,
        )

    @property
    def vit(self) -> ViT1d:
        """The encoder, by its kind."""
        return patched(self.encoder, "jepa")

    def forward(self, batch: UnlabelledBatch, progress: float, generator: Generator) -> Learned:
        """Return the mean absolute distance of predicted from given tokens of hidden places."""
        n_tokens = batch.windows.shape[2] // patch_of(self.vit)
        least, most = self.kept
        share = least + (most - least) * float(
            torch.rand((), generator=generator, device=generator.device)
        )
        places = hide_blocks(
            len(batch),
            n_tokens,
            n_kept=math.ceil(share * n_tokens),
            shortest=self.shortest,
            generator=generator,
        ).to(batch.windows.device)
        with torch.no_grad():
            given = self.teacher.module.tokens(batch.windows, batch.present)
            wanted = standardised(given) if self.standardise else given
        loss = self.loss_of(batch.windows, wanted, places)
        return Learned(loss=loss, embeddings=given.mean(dim=1), logged={"spread": spread_of(given)})

    def loss_of(
        self,
        windows: Float[Tensor, "batch lead sample"],
        wanted: Float[Tensor, "batch token dim"],
        places: Places,
    ) -> Float[Tensor, ""]:
        """Return the loss of windows for known masks and targets.

        Parameters
        ----------
        windows
            Prepared windows.
        wanted
            Tokens of the teacher, standardised or not.
        places
            What the encoder may see, and what it must tell.
        """
        seen = self.vit.context(taken(self.vit.frames(windows), places.kept))
        told = self.predictor(seen, places.kept, places.hidden)
        return functional.l1_loss(told, taken(wanted, places.hidden))

    def after_step(self, progress: float) -> None:
        """Move the teacher towards the encoder."""
        first, last = self.decay
        self.teacher.update(self.encoder, ramp(progress, first=first, last=last))

    def exported(self) -> Encoder:
        """Return the teacher."""
        return self.teacher.module  # type: ignore[return-value]


def standardised(tokens: Float[Tensor, "batch token dim"]) -> Float[Tensor, "batch token dim"]:
    """Return tokens with a mean of 0 and a variance of 1 over all windows, for each place in time.

    What a token has of its place alone is thus no part of it.

    Examples
    --------
    >>> standardised(torch.tensor([[[1.0]], [[3.0]]])).flatten().round(decimals=3)
    tensor([-1.,  1.])
    """
    apart = tokens - gathered(tokens.mean(dim=0)[None]).mean(dim=0)
    variance = gathered(apart.square().mean(dim=0)[None]).mean(dim=0)
    return apart / (variance + 1e-6).sqrt()


def patched(encoder: Encoder, objective: str) -> ViT1d:
    """Return the encoder if it is one whose patches can be left out.

    Raises
    ------
    OptionError
        If it is another.
    """
    if not isinstance(encoder, ViT1d):
        raise OptionError(
            f"{objective} hides patches of a vit1d; {encoder.name or type(encoder).__name__} "
            "arrived. Use the model vit1d, or another objective."
        )
    return encoder


def patch_of(encoder: ViT1d) -> int:
    """Return the samples of a patch."""
    return encoder.patches.project.kernel_size[0]


def spread_of(tokens: Float[Tensor, "batch token dim"]) -> Float[Tensor, ""]:
    """Return the standard deviation over windows, mean over numbers: 0 where all are the same."""
    return tokens.mean(dim=1).std(dim=0, correction=0).mean()
