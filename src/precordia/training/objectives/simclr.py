# SPDX-License-Identifier: Apache-2.0
"""SimCLR: two views of one window find each other among all others."""

from __future__ import annotations

from torch import Generator

from precordia.models.encoder import Encoder
from precordia.training.contrast import nt_xent
from precordia.training.objective import Learned, Objective
from precordia.training.projector import projector
from precordia.training.unlabelled_batch import UnlabelledBatch
from precordia.training.views import Change, as_views, check_crops, one_scale, views


class SimClr(Objective):
    """Contrast between views of windows.

    Parameters
    ----------
    encoder
        What is trained.
    projected, hidden
        Numbers in which views are compared, and of the layer before.
    temperature
        Likenesses are divided by it.
    n_views
        Views of each window.
    crop, gain_db, noise, masked_leads, masked_spans
        How views differ; see `precordia.training.views.Change`.

    Notes
    -----
    *Departures.* Views are made by what happens to electrocardiograms: other electrodes, gains,
    noise, leads and stretches of time, never colours or mirrors. Windows of the same patient are no
    negatives of each other.

    References
    ----------
    Chen T, et al. A simple framework for contrastive learning. ICML 2020. arXiv:2002.05709
    """

    def __init__(
        self,
        encoder: Encoder,
        *,
        projected: int = 128,
        hidden: int = 512,
        temperature: float = 0.1,
        n_views: int = 2,
        crop: float = 0.8,
        gain_db: float = 2.0,
        noise: float = 0.5,
        masked_leads: float = 0.2,
        masked_spans: int = 1,
    ) -> None:
        super().__init__(encoder)
        check_crops(encoder, crop)
        self.temperature, self.n_views = temperature, n_views
        self.change = Change(
            crop=crop,
            gain_db=gain_db,
            noise=noise,
            masked_leads=masked_leads,
            masked_spans=masked_spans,
        )
        self.projector = projector(encoder.dim, hidden, projected)

    def forward(self, batch: UnlabelledBatch, progress: float, generator: Generator) -> Learned:
        """Return the loss of finding the other views of each window."""
        seen = views(
            batch, self.change, generator, n=self.n_views, one_scale=one_scale(self.encoder)
        )
        embeddings = self.encoder.encode(seen.windows, seen.present)
        compared = as_views(self.projector(embeddings), self.n_views)
        loss = nt_xent(compared, batch.patients, temperature=self.temperature)
        return Learned(loss, embeddings[: len(batch)].detach())
