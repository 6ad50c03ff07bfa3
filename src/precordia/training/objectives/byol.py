# SPDX-License-Identifier: Apache-2.0
"""BYOL: one view tells what a slow copy of the encoder says of the other, without negatives."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn
from torch.nn import functional

from precordia.models.encoder import Encoder
from precordia.training.full_precision import full_precision
from precordia.training.objective import Learned, Objective
from precordia.training.projector import projector
from precordia.training.schedule import ramp
from precordia.training.teacher import Teacher
from precordia.training.unlabelled_batch import UnlabelledBatch
from precordia.training.views import Change, check_crops, one_scale, views


@full_precision
def byol_loss(
    predicted: Float[Tensor, "view batch dim"], target: Float[Tensor, "view batch dim"]
) -> Float[Tensor, ""]:
    """Return the mean square distance of unit vectors between views: 0 alike, 4 opposite.

    Parameters
    ----------
    predicted, target
        Of two views; each prediction is compared with the target of the other view, which takes
        no gradient.

    Examples
    --------
    >>> one = torch.eye(3)[None].repeat(2, 1, 1)
    >>> float(byol_loss(one, 5 * one)), float(byol_loss(one, -one))
    (0.0, 4.0)
    """
    other = target.detach().flip(0)
    return 2 - 2 * functional.cosine_similarity(predicted, other, dim=-1).mean()


class Byol(Objective):
    """Self-distillation between two views.

    Parameters
    ----------
    encoder
        What is trained, and kept.
    projected, hidden
        Numbers in which views are compared, and of the layers before.
    decay_first, decay_last
        Share of the teacher that stays at each step, at the start and at the end.
    crop, gain_db, noise, masked_leads, masked_spans
        How views differ; see `precordia.training.views.Change`.

    Notes
    -----
    Each view goes through the networks by itself, as published, so that statistics of batch
    normalisation are those of one view. *Departures.* The loss is the mean of both directions,
    where theirs is the sum; the decay starts lower than their 0.996, as small runs have fewer
    steps.

    References
    ----------
    Grill JB, et al. Bootstrap your own latent. NeurIPS 2020. arXiv:2006.07733
    """

    def __init__(
        self,
        encoder: Encoder,
        *,
        projected: int = 128,
        hidden: int = 512,
        decay_first: float = 0.99,
        decay_last: float = 1.0,
        crop: float = 0.8,
        gain_db: float = 2.0,
        noise: float = 0.5,
        masked_leads: float = 0.2,
        masked_spans: int = 1,
    ) -> None:
        super().__init__(encoder)
        check_crops(encoder, crop)
        self.decay_first, self.decay_last = decay_first, decay_last
        self.change = Change(
            crop=crop,
            gain_db=gain_db,
            noise=noise,
            masked_leads=masked_leads,
            masked_spans=masked_spans,
        )
        self.projector = projector(encoder.dim, hidden, projected)
        self.predictor = projector(projected, hidden, projected)
        self.teacher = Teacher(nn.ModuleList([encoder, self.projector]))

    def forward(self, batch: UnlabelledBatch, progress: float, generator: Generator) -> Learned:
        """Return the loss of telling what the teacher sees in the other view."""
        seen = views(batch, self.change, generator, n=2, one_scale=one_scale(self.encoder))
        encoder, project = self.teacher.module
        predicted, target, embeddings = [], [], []
        for view in zip(seen.windows.chunk(2), seen.present.chunk(2), strict=True):
            embeddings.append(self.encoder.encode(*view))
            predicted.append(self.predictor(self.projector(embeddings[-1])))
            with torch.no_grad():
                target.append(project(encoder.encode(*view)))
        loss = byol_loss(torch.stack(predicted), torch.stack(target))
        return Learned(loss, embeddings[0].detach())

    def after_step(self, progress: float) -> None:
        """Move the teacher."""
        decay = ramp(progress, first=self.decay_first, last=self.decay_last, shape="cosine")
        self.teacher.update(nn.ModuleList([self.encoder, self.projector]), decay)
