# SPDX-License-Identifier: Apache-2.0
"""Recordings and texts learn to find each other: MERL's two contrasts."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Generator, Tensor, nn
from torch.nn import functional

from precordia.core.errors import OptionError, unknown_name
from precordia.models.encoder import Encoder
from precordia.nn.class_token_pool import ClassTokenPool
from precordia.nn.piece_bag import PieceBag
from precordia.training.contrast import info_nce
from precordia.training.objective import Learned, Objective
from precordia.training.record_texts import RecordTexts
from precordia.training.unlabelled_batch import UnlabelledBatch

POOLS = ("attention", "encoder")


def cross_modal_alignment(
    recordings: Float[Tensor, "batch dim"],
    texts: Float[Tensor, "other dim"],
    positive: Shaped[Tensor, "batch other"],
    *,
    temperature: float = 0.07,
) -> Float[Tensor, ""]:
    """Return how badly recordings and texts find each other.

    Parameters
    ----------
    recordings, texts
        Projected vectors; their lengths are of no effect.
    positive
        1, or a number above 0, where a text is true of a recording.
    temperature
        Cosines are divided by it.

    Returns
    -------
    The sum of both directions, each the mean over those that have a positive.

    Notes
    -----
    *Method.* CMA of MERL, equations 1 to 3, whose two directions its code adds. *Departure.* A text
    may be true of several recordings of a batch, the more so where many are normal; the target then
    is shared among them (Khosla et al., equation 2) rather than one of them taken and the others
    pushed away. With one positive each, both are the same.

    References
    ----------
    Liu C, et al. Zero-shot ECG classification with multimodal learning and test-time clinical
    knowledge enhancement. ICML 2024. arXiv:2403.06659
    Khosla P, et al. Supervised contrastive learning. NeurIPS 2020. arXiv:2004.11362

    Examples
    --------
    >>> points = torch.eye(3)
    >>> round(float(cross_modal_alignment(points, points, torch.eye(3), temperature=1.0)), 4)
    1.1029
    """
    return 2 * info_nce(recordings, texts, positive, temperature=temperature, symmetric=True)


def uni_modal_alignment(
    one: Float[Tensor, "batch dim"],
    other: Float[Tensor, "batch dim"],
    *,
    temperature: float = 0.07,
) -> Float[Tensor, ""]:
    """Return how badly two looks at the same recordings, through other dropouts, find each other.

    Notes
    -----
    UMA of MERL, equations 4 to 6; the sum of both directions.

    References
    ----------
    Liu C, et al. MERL. ICML 2024. arXiv:2403.06659

    Examples
    --------
    >>> points = torch.eye(3)
    >>> round(float(uni_modal_alignment(points, points, temperature=1.0)), 4)
    1.1029
    """
    itself = torch.eye(len(one), device=one.device)
    return cross_modal_alignment(one, other, itself, temperature=temperature)


class TextContrast(Objective):
    """Contrast between recordings and texts, and between two looks at each recording.

    Parameters
    ----------
    encoder
        Of recordings.
    texts
        Of the recordings, by the numbers that batches give them.
    text_encoder
        Of texts.
    dim
        Length of the vectors that are compared.
    pool
        ``"attention"``: a learned token looks at those of the encoder, as published.
        ``"encoder"``: the encoder's own pooling.
    n_tokens
        Tokens of the encoder, for the attention.
    heads
        Of the attention.
    temperature
        Of both contrasts.
    looks_weight
        Weight of the contrast between two looks.
    dropout
        Share of the pooled numbers that each look hides.

    Notes
    -----
    *Method.* Total loss CMA + UMA with equal weights, temperature 0.07, dropout 0.1. For CMA tokens
    are pooled by attention and projected by one linear layer; for UMA they are averaged, and two
    linear layers without bias, each behind a dropout of its own, make two looks.

    *Departures.* The text encoder learns (see `PieceBag`); several recordings may be positives of a
    text (see `cross_modal_alignment`); with ``pool="encoder"`` both use the encoder's pooling. The
    contrast is within one process.

    References
    ----------
    Liu C, et al. MERL. ICML 2024. arXiv:2403.06659
    """

    def __init__(
        self,
        encoder: Encoder,
        *,
        texts: RecordTexts,
        text_encoder: PieceBag,
        dim: int = 128,
        pool: Literal["attention", "encoder"] = "attention",
        n_tokens: int = 0,
        heads: int = 4,
        temperature: float = 0.07,
        looks_weight: float = 1.0,
        dropout: float = 0.1,
    ) -> None:
        super().__init__(encoder)
        if pool not in POOLS:
            raise unknown_name("pool", pool, POOLS, listing=", ".join(POOLS))
        if pool == "attention" and n_tokens < 1:
            raise OptionError(f"n_tokens is {n_tokens}; attention needs the number of tokens.")
        if looks_weight < 0:
            raise OptionError(f"looks_weight is {looks_weight}; 0 or more is needed.")
        self.texts, self.text_encoder = texts, text_encoder
        self.temperature, self.looks_weight = temperature, looks_weight
        wide = encoder.token_dim if pool == "attention" else encoder.dim
        self.pool: ClassTokenPool | None = None
        if pool == "attention":
            self.pool = ClassTokenPool(wide, heads=heads, n_tokens=n_tokens)
        self.project = nn.Linear(wide, dim)
        self.hide = nn.Dropout(dropout)
        self.looks = nn.ModuleList(nn.Linear(wide, dim, bias=False) for _ in range(2))

    def forward(self, batch: UnlabelledBatch, progress: float, generator: Generator) -> Learned:
        """Return the loss of a batch."""
        vector, mean = self._pooled(batch.windows, batch.present)
        pieces, positive = self.texts.draw(batch.records.cpu(), generator)
        device = vector.device
        texts = self.text_encoder(pieces.to(device))
        across = cross_modal_alignment(
            self.project(vector), texts, positive.to(device), temperature=self.temperature
        )
        logged = {"cma": across.detach()}
        loss = across
        if self.looks_weight:
            one, other = (look(self.hide(mean)) for look in self.looks)
            within = uni_modal_alignment(one, other, temperature=self.temperature)
            loss = loss + self.looks_weight * within
            logged["uma"] = within.detach()
        return Learned(loss, vector.detach(), logged)

    def recording_vectors(
        self, windows: Float[Tensor, "batch lead sample"], present: Bool[Tensor, "batch lead"]
    ) -> Float[Tensor, "batch dim"]:
        """Return the vectors of length 1 that texts are compared with."""
        return functional.normalize(self.project(self._pooled(windows, present)[0]), dim=-1)

    def text_vectors(self, pieces: Int[Tensor, "batch piece"]) -> Float[Tensor, "batch dim"]:
        """Return vectors of length 1 of texts."""
        return functional.normalize(self.text_encoder(pieces), dim=-1)

    def _pooled(self, windows: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Return what is compared with texts, and what two looks are made of."""
        if self.pool is None:
            vector = self.encoder.encode(windows, present)
            return vector, vector
        tokens = self.encoder.tokens(windows, present)
        return self.pool(tokens)[0], tokens.mean(dim=1)
