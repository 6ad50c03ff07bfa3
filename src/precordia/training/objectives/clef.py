# SPDX-License-Identifier: Apache-2.0
"""CLEF: the less alike the clinical risks of two patients, the further their recordings part."""

from __future__ import annotations

from typing import ClassVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor, nn
from torch.nn import functional

from precordia.core.errors import OptionError
from precordia.models.encoder import Encoder
from precordia.training.clinical_risk import score2, share_missing
from precordia.training.contrast import info_nce, nt_xent, of_same
from precordia.training.full_precision import full_precision
from precordia.training.gathering import gathered
from precordia.training.objective import Grouping, Learned, Objective
from precordia.training.projector import projector
from precordia.training.unlabelled_batch import UnlabelledBatch
from precordia.training.views import Change, as_views, one_scale, views


@full_precision
def dissimilarity(
    risks: Float[Tensor, " batch"],
    missing: Float[Tensor, " batch"] | None = None,
    *,
    least: float = 0.2,
) -> Float[Tensor, "batch batch"]:
    """Return how unlike patients are by their risk, from 0 to 1.

    Parameters
    ----------
    risks
        Of each window; NaN where unknown.
    missing
        Share of what the risk is made of that is unknown. Pairs of whom both lack much count as
        less unlike.
    least
        That of different windows of the same risk.

    Returns
    -------
    ``(1 - least) (r_i - r_j)^2 / largest + least``, times ``exp(-m_i m_j)``; 0 for a window and
    itself. A pair with an unknown risk has the mean of the known pairs, so that it neither draws
    nor pushes more than the others.

    Examples
    --------
    >>> [round(d, 4) for d in dissimilarity(torch.tensor([0.0, 0.1, 0.2]))[0].tolist()]
    [0.0, 0.4, 1.0]
    """
    square = (risks[:, None] - risks).square()
    itself = torch.eye(len(risks), dtype=torch.bool, device=risks.device)
    known = square.isfinite()
    apart = square.where(known, 0.0)
    scaled = least + (1 - least) * apart / apart.max().clamp(min=1e-12)
    pairs = known & ~itself
    usual = (scaled * pairs).sum() / pairs.sum() if bool(pairs.any()) else scaled.new_tensor(1.0)
    scaled = scaled.where(known, usual)
    if missing is not None:
        scaled = scaled * torch.exp(-missing[:, None] * missing)
    return scaled.masked_fill(itself, 0.0)


@full_precision
def risk_contrast(
    compared: Float[Tensor, "two batch dim"],
    unlike: Float[Tensor, "batch batch"],
    patients: Int[Tensor, " batch"] | None = None,
    *,
    temperature: float = 0.07,
) -> Float[Tensor, ""]:
    """Return the contrastive loss in which unlike patients count more as negatives.

    Parameters
    ----------
    compared
        Embeddings of two views of all windows.
    unlike
        From `dissimilarity`; its softmax over all views is the weight of a negative.
    patients
        Other windows of the same patient are no negatives.
    temperature
        Likenesses are divided by it.

    Notes
    -----
    The weights of a row sum to 1, as published, so that negatives count by their mean, not by
    their number.
    """
    flat = compared.flatten(0, 1)
    weights = unlike.repeat(2, 2).softmax(dim=1)
    n = compared.shape[1]
    window = torch.arange(n, device=flat.device).repeat(2)
    itself = torch.eye(2 * n, dtype=torch.bool, device=flat.device)
    counted = ~itself
    if patients is not None:
        counted = counted & ~of_same(patients.repeat(2))
    return info_nce(
        flat,
        flat,
        of_same(window) & ~itself,
        temperature=temperature,
        counted=counted,
        weights=weights,
    )


@full_precision
def alignment(
    compared: Float[Tensor, "two batch dim"],
    unlike: Float[Tensor, "batch batch"],
    known: Bool[Tensor, " batch"] | None = None,
) -> Float[Tensor, ""]:
    """Return the mean square of what cosines, stretched to 0 to 1, miss of ``1 - unlike``.

    Parameters
    ----------
    compared
        Embeddings of two views of all windows.
    unlike
        From `dissimilarity`.
    known
        Windows whose risk is known; pairs of others do not count, but a window and itself do.
    """
    unit = functional.normalize(compared.flatten(0, 1), dim=-1)
    cosine = unit @ unit.T
    low, high = cosine.min(), cosine.max()
    missed = ((cosine - low) / (high - low + 1e-6) - (1 - unlike.repeat(2, 2))).square()
    if known is None:
        return missed.mean()
    pairs = (known[:, None] & known) | torch.eye(len(known), dtype=torch.bool, device=known.device)
    counts = pairs.repeat(2, 2)
    return (missed * counts).sum() / counts.sum()


class Clef(Objective):
    """Contrast that is weighted by a clinical risk score.

    Parameters
    ----------
    encoder
        What is trained.
    weighted
        Whether the risk is made use of; without it this is ordinary contrast, the control.
    handle_missing
        Whether pairs of whom both lack age or sex count as less unlike.
    least
        Dissimilarity of different windows of the same risk.
    temperature
        Likenesses are divided by it.
    one_lead, same_lead
        Whether a view shows one lead alone, and in which share of the windows both views show the
        same.
    projected, hidden
        Numbers in which views are compared, and of the layer before; with ``projected`` 0 they are
        compared by the embedding itself, as published.
    gain_db, noise, masked_leads, masked_spans
        How views differ; see `precordia.training.views.Change`.

    Notes
    -----
    *Method.* Half the sum of the weighted contrast and of the alignment of cosines with
    likeness by risk; the risk is SCORE2. *Departures.* Of what SCORE2 is made of, age and sex are
    used (`precordia.training.clinical_risk`). Missing metadata is handled: an unknown risk is
    neutral, the term for missing values acts. In the training step that the authors released this
    term is switched off and an unknown risk counts as none. A view shows all leads unless
    ``one_lead`` says otherwise.

    References
    ----------
    Shu Y, et al. CLEF: clinically-guided contrastive learning for electrocardiogram foundation
    models. 2025. arXiv:2512.02180
    """

    needs: ClassVar[frozenset[str]] = frozenset({"ages", "males"})
    grouping: ClassVar[Grouping] = "records"

    def __init__(
        self,
        encoder: Encoder,
        *,
        weighted: bool = True,
        handle_missing: bool = True,
        least: float = 0.2,
        temperature: float = 0.07,
        one_lead: bool = False,
        same_lead: float = 0.8,
        projected: int = 0,
        hidden: int = 512,
        gain_db: float = 0.0,
        noise: float = 0.8,
        masked_leads: float = 0.2,
        masked_spans: int = 1,
    ) -> None:
        super().__init__(encoder)
        for name, share in (("least", least), ("same_lead", same_lead)):
            if not 0 <= share <= 1:
                raise OptionError(f"{name} is {share}; a number from 0 to 1 is needed.")
        self.weighted, self.handle_missing, self.least = weighted, handle_missing, least
        self.temperature, self.one_lead, self.same_lead = temperature, one_lead, same_lead
        self.change = Change(
            gain_db=gain_db,
            noise=noise,
            masked_leads=0.0 if one_lead else masked_leads,
            masked_spans=masked_spans,
        )
        self.projector = projector(encoder.dim, hidden, projected) if projected else nn.Identity()

    def forward(self, batch: UnlabelledBatch, progress: float, generator: Generator) -> Learned:
        """Return the loss of finding the other view, weighted by unlikeness of risks."""
        seen = views(batch, self.change, generator, n=2, one_scale=one_scale(self.encoder))
        windows, present = seen.windows, seen.present
        if self.one_lead:
            present = _one_lead(present, self.same_lead, generator)
            windows = windows * present[:, :, None]
        embeddings = self.encoder.encode(windows, present)
        compared = as_views(self.projector(embeddings), 2)
        if not self.weighted:
            loss = nt_xent(compared, batch.patients, temperature=self.temperature)
            return Learned(loss, embeddings[: len(batch)].detach())
        compared = gathered(compared.transpose(0, 1).contiguous()).transpose(0, 1)
        ages, males = gathered(batch.ages), gathered(batch.males)
        risks = score2(ages, males)
        missing = share_missing(ages, males) if self.handle_missing else None
        unlike = dissimilarity(risks, missing, least=self.least)
        patients = gathered(batch.patients)
        contrast = risk_contrast(compared, unlike, patients, temperature=self.temperature)
        aligned = alignment(compared, unlike, risks.isfinite())
        return Learned(
            (contrast + aligned) / 2,
            embeddings[: len(batch)].detach(),
            {"contrast": contrast.detach(), "alignment": aligned.detach()},
        )


def _one_lead(
    present: Bool[Tensor, "twice lead"], same: float, generator: Generator
) -> Bool[Tensor, "twice lead"]:
    """Choose one of the leads that are there for each window in two views."""
    first, second = as_views(present, 2).cpu()
    drawn = torch.rand(3, *first.shape, generator=generator, device=generator.device).cpu()
    one = (drawn[0] * first).argmax(dim=1)
    other = (drawn[1] * second).argmax(dim=1)
    other = torch.where(drawn[2, :, 0] < same, one, other)
    chosen = torch.zeros_like(first).scatter(1, one[:, None], True)
    chosen_too = torch.zeros_like(second).scatter(1, other[:, None], True)
    return torch.cat([chosen & first, chosen_too & second]).to(present.device)
