# SPDX-License-Identifier: Apache-2.0
"""CLOCS: neighbouring stretches of one recording find each other (CMSC)."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from precordia.core.errors import OptionError
from precordia.models.encoder import Encoder
from precordia.training.contrast import info_nce
from precordia.training.full_precision import full_precision
from precordia.training.gathering import gathered
from precordia.training.objective import Learned, Objective
from precordia.training.projector import projector
from precordia.training.unlabelled_batch import UnlabelledBatch
from precordia.training.views import Change, one_scale, views


@full_precision
def cmsc_loss(
    earlier: Float[Tensor, "batch dim"],
    later: Float[Tensor, "batch dim"],
    patients: Int[Tensor, " batch"],
    *,
    temperature: float = 0.1,
) -> Float[Tensor, ""]:
    """Return how badly earlier stretches find later ones of the same patient, and the reverse.

    Parameters
    ----------
    earlier, later
        Embeddings of neighbouring stretches, of this process.
    patients
        Whose each pair is. All pairs of one patient are positives of each other.
    temperature
        Likenesses are divided by it.

    References
    ----------
    Kiyasseh D, Zhu T, Clifton DA. CLOCS. ICML 2021. arXiv:2005.13249, section 4
    """
    who = gathered(patients)
    return info_nce(
        gathered(earlier),
        gathered(later),
        who[:, None] == who,
        temperature=temperature,
        symmetric=True,
    )


def neighbours(
    records: Int[Tensor, " batch"], starts: Int[Tensor, " batch"]
) -> tuple[Int[Tensor, " pair"], Int[Tensor, " pair"]]:
    """Return the rows of earlier windows and of the later ones of the same recordings.

    Raises
    ------
    OptionError
        If a recording has other than two windows, or two at the same place.

    Examples
    --------
    >>> earlier, later = neighbours(torch.tensor([4, 2, 4, 2]), torch.tensor([500, 0, 0, 500]))
    >>> earlier.tolist(), later.tolist()
    ([1, 2], [3, 0])
    """
    by_start = torch.argsort(starts, stable=True)
    order = by_start[torch.argsort(records[by_start], stable=True)]
    earlier, later = order[0::2], order[1::2]
    paired = len(order) % 2 == 0 and bool((records[earlier] == records[later]).all())
    if not paired or not bool((starts[earlier] < starts[later]).all()):
        raise OptionError(
            f"{len(records)} windows of {len(records.unique())} recordings arrived; two windows of "
            "each recording, one after the other, are needed: batches of grouping 'neighbours'."
        )
    return earlier, later


class Cmsc(Objective):
    """Contrast between neighbouring stretches of recordings.

    Parameters
    ----------
    encoder
        What is trained.
    projected, hidden
        Numbers in which stretches are compared, and of the layer before; with ``projected`` 0 they
        are compared by the embedding itself, as published.
    temperature
        Likenesses are divided by it.
    gain_db, noise, masked_leads
        How windows are changed; see `precordia.training.views.Change`. Published: leads alone.

    Notes
    -----
    Contrastive multi-segment coding, with random lead masking as Oh et al. combine them.
    *Departures.* A lead that is masked is said to be absent. The mean over positives is taken for
    each window before that over windows, so that patients with many recordings do not weigh more
    for each.

    References
    ----------
    Kiyasseh D, Zhu T, Clifton DA. CLOCS. ICML 2021. arXiv:2005.13249
    Oh J, et al. Lead-agnostic self-supervised learning. CHIL 2022. arXiv:2203.06889
    """

    grouping = "neighbours"

    def __init__(
        self,
        encoder: Encoder,
        *,
        projected: int = 128,
        hidden: int = 512,
        temperature: float = 0.1,
        gain_db: float = 0.0,
        noise: float = 0.0,
        masked_leads: float = 0.5,
    ) -> None:
        super().__init__(encoder)
        self.temperature = temperature
        self.change = Change(gain_db=gain_db, noise=noise, masked_leads=masked_leads)
        self.projector = (
            projector(encoder.dim, hidden, projected) if projected else torch.nn.Identity()
        )

    def forward(self, batch: UnlabelledBatch, progress: float, generator: Generator) -> Learned:
        """Return the loss of finding the neighbour of each stretch."""
        earlier, later = neighbours(batch.records, batch.starts)
        seen = views(batch, self.change, generator, one_scale=one_scale(self.encoder))
        embeddings = self.encoder.encode(seen.windows, seen.present)
        compared = self.projector(embeddings)
        loss = cmsc_loss(
            compared[earlier],
            compared[later],
            batch.patients[earlier],
            temperature=self.temperature,
        )
        return Learned(loss, embeddings.detach())
