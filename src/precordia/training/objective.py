# SPDX-License-Identifier: Apache-2.0
"""What every objective of pretraining is: an encoder, its companions, and a loss over a batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from torch import Generator, Tensor, nn

from precordia.models.encoder import Encoder
from precordia.training.unlabelled_batch import UnlabelledBatch

#: how the windows of a batch are chosen: each of another recording; two neighbouring halves of
#: each recording; two windows of each patient, of different recordings where there are several
Grouping = Literal["records", "neighbours", "patients"]


@dataclass(frozen=True, slots=True)
class Learned:
    """The loss of a batch, and what is worth a line in the log.

    Attributes
    ----------
    loss
        Mean over what the batch holds of all processes; a scalar with a gradient.
    embeddings
        What a collapse would show in: embeddings of the batch, without gradient.
    logged
        Parts of the loss and the like, scalars without gradient.
    """

    loss: Tensor
    embeddings: Tensor
    logged: dict[str, Tensor] = field(default_factory=dict)


class Objective(nn.Module):
    """One way to train an encoder without labels.

    A new objective is a subclass: it makes its companions (projector, predictor, teacher, decoder)
    in ``__init__``, whose keyword arguments are its options, and gives a loss in ``forward``.

    Parameters
    ----------
    encoder
        What is trained; without a head.
    """

    #: what a batch must bring beside windows: of "rpeaks", "ages", "males"
    needs: ClassVar[frozenset[str]] = frozenset()
    #: how the windows of a batch belong together
    grouping: ClassVar[Grouping] = "records"
    #: architectures it can train; empty for every one
    architectures: ClassVar[tuple[str, ...]] = ()

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, batch: UnlabelledBatch, progress: float, generator: Generator) -> Learned:
        """Return the loss of a batch.

        Parameters
        ----------
        batch
            Windows of this process. Losses that compare windows with each other take those of the
            other processes by `precordia.training.gathering.gathered`.
        progress
            Share of the training that is done, 0 to 1, for schedules.
        generator
            Of everything that is drawn.
        """
        raise NotImplementedError

    def after_step(self, progress: float) -> None:
        """Do what follows a step of the optimiser, such as moving a teacher."""

    def exported(self) -> Encoder:
        """Return the encoder that is kept: the trained one, or its teacher."""
        return self.encoder
