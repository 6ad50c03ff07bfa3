# SPDX-License-Identifier: Apache-2.0
"""Wearable foundation models: recordings of one participant find each other."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor, nn

from precordia.models.encoder import Encoder
from precordia.training.contrast import info_nce, of_same
from precordia.training.full_precision import full_precision
from precordia.training.gathering import gathered
from precordia.training.objective import Learned, Objective
from precordia.training.projector import projector
from precordia.training.schedule import ramp
from precordia.training.spread import koleo
from precordia.training.teacher import Teacher
from precordia.training.unlabelled_batch import UnlabelledBatch
from precordia.training.views import Change, check_crops, one_scale, views


@full_precision
def participant_loss(
    ours: Float[Tensor, "batch dim"],
    keys: Float[Tensor, "batch dim"],
    patients: Int[Tensor, " batch"],
    *,
    temperature: float = 0.04,
) -> Float[Tensor, ""]:
    """Return how badly windows find the other windows of their patient among a teacher's keys.

    Parameters
    ----------
    ours, keys
        Of the trained network and of the teacher, of this process.
    patients
        Whose each window is.
    temperature
        Likenesses are divided by it.

    Notes
    -----
    The key of a window itself is neither wanted nor counted. Windows whose patient has no other
    in the batch do not count.
    """
    who = gathered(patients)
    itself = torch.eye(len(who), dtype=torch.bool, device=who.device)
    return info_nce(
        gathered(ours),
        gathered(keys.detach()),
        of_same(who) & ~itself,
        temperature=temperature,
        counted=~itself,
    )


class MocoKoleo(Objective):
    """Momentum contrast between participants, with embeddings kept apart.

    Parameters
    ----------
    encoder
        What is trained, and kept.
    projected, hidden
        Numbers in which windows are compared, and of the layer before.
    temperature
        Likenesses are divided by it.
    spread
        Weight of the loss that keeps embeddings apart; see `precordia.training.spread.koleo`.
    decay
        Share of the teacher that stays at each step.
    crop, gain_db, noise, masked_leads, masked_spans
        How windows are changed; see `precordia.training.views.Change`.

    Notes
    -----
    ``InfoNCE + spread * KoLeo``, positives being other windows of the same person, of other
    recordings where there are several. Negatives are those of the batch: there is no queue.
    *Departures.* Their cascade of augmentations also permutes channels and warps time; ours does
    not. The network that is trained serves both ends of a pair, since every window is an anchor
    once.

    References
    ----------
    Abbaspourazad S, et al. Large-scale training of foundation models for wearable biosignals.
    ICLR 2024. arXiv:2312.05409
    He K, et al. Momentum contrast. CVPR 2020. arXiv:1911.05722
    """

    grouping = "patients"

    def __init__(
        self,
        encoder: Encoder,
        *,
        projected: int = 128,
        hidden: int = 512,
        temperature: float = 0.04,
        spread: float = 0.1,
        decay: float = 0.99,
        crop: float = 1.0,
        gain_db: float = 2.0,
        noise: float = 0.5,
        masked_leads: float = 0.2,
        masked_spans: int = 1,
    ) -> None:
        super().__init__(encoder)
        check_crops(encoder, crop)
        self.temperature, self.spread, self.decay = temperature, spread, decay
        self.change = Change(
            crop=crop,
            gain_db=gain_db,
            noise=noise,
            masked_leads=masked_leads,
            masked_spans=masked_spans,
        )
        self.projector = projector(encoder.dim, hidden, projected)
        self.teacher = Teacher(nn.ModuleList([encoder, self.projector]))

    def forward(self, batch: UnlabelledBatch, progress: float, generator: Generator) -> Learned:
        """Return the loss of finding windows of the same patient, and of keeping apart."""
        seen = views(batch, self.change, generator, n=2, one_scale=one_scale(self.encoder))
        ours, theirs = slice(0, len(batch)), slice(len(batch), None)
        embeddings = self.encoder.encode(seen.windows[ours], seen.present[ours])
        compared = self.projector(embeddings)
        encoder, project = self.teacher.module
        with torch.no_grad():
            keys = project(encoder.encode(seen.windows[theirs], seen.present[theirs]))
        contrast = participant_loss(compared, keys, batch.patients, temperature=self.temperature)
        apart = koleo(compared)
        return Learned(
            contrast + self.spread * apart,
            embeddings.detach(),
            {"contrast": contrast.detach(), "koleo": apart.detach()},
        )

    def after_step(self, progress: float) -> None:
        """Move the teacher."""
        decay = ramp(progress, first=self.decay, last=self.decay)
        self.teacher.update(nn.ModuleList([self.encoder, self.projector]), decay)
