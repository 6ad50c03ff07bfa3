# SPDX-License-Identifier: Apache-2.0
"""LeJEPA: views meet at the mean of the large ones, and embeddings are kept normal (SIGReg)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from precordia.core.errors import OptionError
from precordia.models.encoder import Encoder
from precordia.training.full_precision import full_precision
from precordia.training.objective import Learned, Objective
from precordia.training.projector import projector
from precordia.training.spread import sigreg
from precordia.training.unlabelled_batch import UnlabelledBatch
from precordia.training.views import Change, as_views, check_crops, one_scale, views


@full_precision
def meeting_loss(compared: Float[Tensor, "view batch dim"], *, n_large: int) -> Float[Tensor, ""]:
    """Return the mean square distance of all views from the mean of the large ones.

    Parameters
    ----------
    compared
        Embeddings of all views, the large ones first. Gradients flow everywhere: there is no
        teacher.
    n_large
        How many views are large.

    Examples
    --------
    >>> float(meeting_loss(torch.tensor([[[0.0]], [[2.0]], [[4.0]]]), n_large=2))
    3.6666667461395264
    """
    centre = compared[:n_large].mean(dim=0)
    return (compared - centre).square().mean()


class LeJepa(Objective):
    """Joint embedding without teacher, stopped gradients or negatives.

    Parameters
    ----------
    encoder
        What is trained, and kept.
    projected, hidden
        Numbers in which views are compared, and of the two layers before.
    regularisation
        Weight of SIGReg, the rest being that of the distance between views.
    n_directions
        In how many directions embeddings are compared with a normal distribution.
    n_local
        Small crops of each window, beside two large ones.
    global_crop, local_crop
        Shares of the window.
    gain_db, noise, masked_leads, masked_spans
        How views differ besides; see `precordia.training.views.Change`. Every view has leads of its
        own, so that an encoder for any leads, such as `lead-queries`, learns to do with any.

    Notes
    -----
    ``(1 - regularisation) mean |z_v - mean of large z|^2 + regularisation mean_v SIGReg(z_v)``.
    *Departure.* Directions are fewer than 1024, as batches are small.

    References
    ----------
    Balestriero R, LeCun Y. LeJEPA. 2025. arXiv:2511.08544
    Broustail D, et al. LuMamba. 2026. arXiv:2603.19100 (electroencephalograms of any montage)
    """

    def __init__(
        self,
        encoder: Encoder,
        *,
        projected: int = 32,
        hidden: int = 512,
        regularisation: float = 0.05,
        n_directions: int = 256,
        n_local: int = 4,
        global_crop: float = 0.8,
        local_crop: float = 0.4,
        gain_db: float = 2.0,
        noise: float = 0.5,
        masked_leads: float = 0.5,
        masked_spans: int = 1,
    ) -> None:
        super().__init__(encoder)
        if not 0 < regularisation < 1 or n_local < 0:
            raise OptionError(
                f"regularisation is {regularisation} and n_local {n_local}; a number between 0 and "
                "1, and 0 or more crops, are needed."
            )
        check_crops(encoder, global_crop, *([local_crop] if n_local else []))
        self.regularisation, self.n_directions = regularisation, n_directions
        self.n_local = n_local
        told = {
            "gain_db": gain_db,
            "noise": noise,
            "masked_leads": masked_leads,
            "masked_spans": masked_spans,
        }
        self.large = Change(crop=global_crop, **told)
        self.small = Change(crop=local_crop, **told)
        self.projector = projector(encoder.dim, hidden, projected, n_layers=3)

    def forward(self, batch: UnlabelledBatch, progress: float, generator: Generator) -> Learned:
        """Return the loss of views that should meet, and of embeddings that should be normal."""
        scale = one_scale(self.encoder)
        large = views(batch, self.large, generator, n=2, one_scale=scale)
        embeddings = self.encoder.encode(large.windows, large.present)
        parts = [embeddings]
        if self.n_local:
            small = views(batch, self.small, generator, n=self.n_local, one_scale=scale)
            parts.append(self.encoder.encode(small.windows, small.present))
        compared = as_views(self.projector(torch.cat(parts)), 2 + self.n_local)
        meeting = meeting_loss(compared, n_large=2)
        normal = sigreg(compared, generator, n_directions=self.n_directions)
        loss = (1 - self.regularisation) * meeting + self.regularisation * normal
        return Learned(
            loss,
            embeddings[: len(batch)].detach(),
            {"meeting": meeting.detach(), "sigreg": normal.detach()},
        )
