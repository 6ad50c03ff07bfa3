# SPDX-License-Identifier: Apache-2.0
"""COMET: contrast of observations, samples, trials and patients, each of which can be left out."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor, nn
from torch.nn import functional

from precordia.core.errors import OptionError
from precordia.models.encoder import Encoder
from precordia.training.contrast import info_nce, of_same
from precordia.training.full_precision import full_precision
from precordia.training.gathering import gathered
from precordia.training.objective import Grouping, Learned, Objective
from precordia.training.unlabelled_batch import UnlabelledBatch
from precordia.training.views import Change, as_views, check_crops, one_scale, views


@full_precision
def observation_loss(
    views_of: Float[Tensor, "two batch token dim"], *, temperature: float = 1.0
) -> Float[Tensor, ""]:
    """Return how badly a moment of one view finds itself in the other, within each sample."""
    return _pairs(views_of.permute(1, 0, 2, 3).contiguous(), temperature)


@full_precision
def sample_loss(
    views_of: Float[Tensor, "two batch token dim"], *, temperature: float = 1.0
) -> Float[Tensor, ""]:
    """Return how badly a sample of one view finds itself in the other, at each moment."""
    rows = gathered(views_of.transpose(0, 1).contiguous())
    return _pairs(rows.permute(2, 1, 0, 3).contiguous(), temperature)


@full_precision
def over_scales(
    views_of: Float[Tensor, "two batch token dim"],
    *,
    observation: bool,
    sample: bool,
    temperature: float = 1.0,
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Return the losses of observations and samples, as means over scales of time.

    Parameters
    ----------
    views_of
        Tokens of two views, in the order of time. The largest of each two neighbours make the next
        scale, until one is left.
    observation, sample
        Which losses are wanted; 0 for the other.
    temperature
        Products are divided by it.
    """
    zero = views_of.sum() * 0
    told = [zero, zero]
    n_scales = 0
    while views_of.shape[2] > 1:
        if observation:
            told[0] = told[0] + observation_loss(views_of, temperature=temperature)
        if sample:
            told[1] = told[1] + sample_loss(views_of, temperature=temperature)
        n_scales += 1
        flat = views_of.flatten(0, 1).transpose(1, 2)
        halved = functional.max_pool1d(flat, 2).transpose(1, 2)
        views_of = halved.unflatten(0, (2, -1))
    return told[0] / max(n_scales, 1), told[1] / max(n_scales, 1)


@full_precision
def same_id_loss(
    embeddings: Float[Tensor, "batch dim"],
    who: Int[Tensor, " batch"],
    *,
    temperature: float = 0.1,
) -> Float[Tensor, ""]:
    """Return how badly samples find the others of the same trial or patient.

    Parameters
    ----------
    embeddings
        Of samples of this process.
    who
        Number of the trial, or of the patient.
    temperature
        Cosines are divided by it.
    """
    rows, ids = gathered(embeddings), gathered(who)
    itself = torch.eye(len(ids), dtype=torch.bool, device=ids.device)
    return info_nce(rows, rows, of_same(ids) & ~itself, temperature=temperature, counted=~itself)


class Comet(Objective):
    """Contrast at four levels of how recordings come about.

    Parameters
    ----------
    encoder
        What is trained; its tokens stand in the order of time.
    observation, sample, trial, patient
        Weight of each level; 0 leaves it out.
    n_pieces
        Samples that each window is cut into. A window is a trial.
    projected
        Numbers of a token in which observations and samples are compared.
    temperature
        Of trials and patients.
    masked_spans, masked_share
        Spans that are blank in the views of observations and samples, and the share of a sample
        that one is on average.

    Notes
    -----
    *Method.* Observations: each moment of a masked view finds itself in the other, among the
    moments of both. Samples: at each moment, each sample finds its other view among all. Both are
    means over scales of time. Trials and patients: each sample finds the others of its trial, of
    its patient. The usual weights are those for PTB.

    *Departures.* Every level has its weight; in the authors' code those of trial and patient are
    switches. Two masked views serve observations and samples, one plain view serves trials and
    patients, where eight passes are made there; a sample is neither positive nor negative to
    itself. Trials and patients are compared by embeddings: what their samples, heart beats at one
    place, have in common at each moment, windows do not. Tokens pass a linear map, and products are
    divided by the root of its length. Spans are blank in the signal, of lengths drawn evenly.

    References
    ----------
    Wang Y, et al. Contrast everything. NeurIPS 2023. arXiv:2310.14017
    Yue Z, et al. TS2Vec. AAAI 2022. arXiv:2106.10466 (scales of time)
    """

    grouping: ClassVar[Grouping] = "patients"

    def __init__(
        self,
        encoder: Encoder,
        *,
        observation: float = 0.1,
        sample: float = 0.1,
        trial: float = 0.7,
        patient: float = 0.1,
        n_pieces: int = 2,
        projected: int = 64,
        temperature: float = 0.1,
        masked_spans: int = 5,
        masked_share: float = 0.1,
    ) -> None:
        super().__init__(encoder)
        self.weights = {
            "observation": observation,
            "sample": sample,
            "trial": trial,
            "patient": patient,
        }
        if min(self.weights.values()) < 0 or max(self.weights.values()) <= 0:
            told = ", ".join(f"{name} {weight:g}" for name, weight in self.weights.items())
            raise OptionError(f"{told} arrived; no weight below 0 and one above it are needed.")
        if n_pieces < 1 or (trial > 0 and n_pieces < 2):
            raise OptionError(
                f"n_pieces is {n_pieces}; 2 or more are needed, or 1 with trial = 0: otherwise no "
                "trial has two samples."
            )
        if not 0 <= masked_share <= 0.5:
            raise OptionError(f"masked_share is {masked_share}; 0 to 0.5 is needed.")
        if encoder.token_order != "time":
            raise OptionError(
                f"tokens of {encoder.name} do not stand in the order of time, which is needed. "
                "Choose a model such as resnet1d or vit1d."
            )
        check_crops(encoder, 1 / n_pieces)
        self.n_pieces, self.temperature = n_pieces, temperature
        piece_seconds = encoder.shape.n_samples / encoder.shape.fs / n_pieces
        self.change = Change(
            gain_db=0.0,
            noise=0.0,
            masked_spans=masked_spans,
            masked_seconds=2 * masked_share * piece_seconds,
        )
        self.compared = nn.Linear(encoder.token_dim, projected, bias=False)

    def forward(self, batch: UnlabelledBatch, progress: float, generator: Generator) -> Learned:
        """Return the weighted sum over the levels."""
        pieces = cut(batch, self.n_pieces)
        told: dict[str, Tensor] = {}
        embeddings = None
        if self.weights["observation"] > 0 or self.weights["sample"] > 0:
            seen = views(pieces, self.change, generator, n=2, one_scale=one_scale(self.encoder))
            tokens = self.encoder.tokens(seen.windows, seen.present)
            embeddings = self.encoder.pool(tokens, seen.present.to(tokens.dtype))[: len(pieces)]
            told["observation"], told["sample"] = over_scales(
                as_views(self.compared(tokens), 2),
                observation=self.weights["observation"] > 0,
                sample=self.weights["sample"] > 0,
                temperature=self.compared.out_features**0.5,
            )
        if self.weights["trial"] > 0 or self.weights["patient"] > 0:
            embeddings = self.encoder.encode(pieces.windows, pieces.present)
        for level, who in (("trial", pieces.records), ("patient", pieces.patients)):
            if self.weights[level] > 0:
                told[level] = same_id_loss(embeddings, who, temperature=self.temperature)
        kept = {name: part for name, part in told.items() if self.weights[name] > 0}
        loss = torch.stack([self.weights[name] * part for name, part in kept.items()]).sum()
        logged = {name: part.detach() for name, part in kept.items()}
        return Learned(loss, embeddings.detach(), logged)


def cut(batch: UnlabelledBatch, n_pieces: int) -> UnlabelledBatch:
    """Return pieces of equal length, without R-peaks: those of the first window, and so on.

    Examples
    --------
    >>> rows = torch.arange(3)
    >>> batch = UnlabelledBatch(
    ...     windows=torch.arange(12.0).reshape(3, 1, 4), present=torch.ones(3, 1).bool(),
    ...     patients=rows, records=rows, starts=0 * rows, fs=100.0, leads=("II",),
    ...     ages=torch.ones(3), males=torch.ones(3),
    ... )
    >>> pieces = cut(batch, 2)
    >>> pieces.windows[1].tolist(), pieces.starts.tolist()
    ([[2.0, 3.0]], [0, 2, 0, 2, 0, 2])
    """
    n = int(batch.windows.shape[2]) // n_pieces
    rows = torch.arange(len(batch), device=batch.windows.device).repeat_interleave(n_pieces)
    parts = [batch.windows[:, :, k * n : (k + 1) * n] for k in range(n_pieces)]
    later = torch.arange(n_pieces, device=rows.device).repeat(len(batch)) * n
    return replace(
        batch,
        windows=torch.stack(parts, dim=1).flatten(0, 1),
        present=batch.present[rows],
        patients=batch.patients[rows],
        records=batch.records[rows],
        starts=batch.starts[rows] + later,
        ages=batch.ages[rows],
        males=batch.males[rows],
        rpeaks=None,
    )


def _pairs(levels: Float[Tensor, "level two row dim"], temperature: float) -> Tensor:
    """Return the loss of finding the same row in the other of two views, level by level."""
    flat = levels.flatten(1, 2)
    n = int(flat.shape[1])
    itself = torch.eye(n, dtype=torch.bool, device=flat.device)
    row = torch.arange(n // 2, device=flat.device).repeat(2)
    return info_nce(
        flat,
        flat,
        of_same(row) & ~itself,
        temperature=temperature,
        counted=~itself,
        cosine=False,
    )
