# SPDX-License-Identifier: Apache-2.0
"""SimDINOv2: crops agree with a slow copy of the encoder, and a coding rate keeps them apart."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor, nn
from torch.nn import functional

from precordia.core.errors import OptionError
from precordia.models.encoder import Encoder
from precordia.training.full_precision import full_precision
from precordia.training.gathering import gathered
from precordia.training.masks import hide_spans
from precordia.training.objective import Learned, Objective
from precordia.training.projector import projector
from precordia.training.schedule import ramp
from precordia.training.spread import coding_rate
from precordia.training.teacher import Teacher
from precordia.training.unlabelled_batch import UnlabelledBatch
from precordia.training.views import Change, as_views, check_crops, one_scale, views


@full_precision
def agreement_loss(
    student: Float[Tensor, "view batch dim"], teacher: Float[Tensor, "whole batch dim"]
) -> Float[Tensor, ""]:
    """Return 1 minus the mean cosine of each view with what the teacher says of another one.

    Parameters
    ----------
    student
        Embeddings of all views, those that the teacher saw first.
    teacher
        Embeddings of some views by the teacher; no gradient goes there.

    Examples
    --------
    >>> one = torch.eye(3)
    >>> float(agreement_loss(one.repeat(4, 1, 1), one.repeat(2, 1, 1)))
    0.0
    """
    ours = functional.normalize(student, dim=-1)
    theirs = functional.normalize(teacher.detach(), dim=-1)
    cosine = torch.einsum("vbd,wbd->vw", ours, theirs) / ours.shape[1]
    n, n_whole = cosine.shape
    other = ~torch.eye(n, n_whole, dtype=torch.bool, device=cosine.device)
    return 1 - cosine[other].mean()


@full_precision
def expansion(
    student: Float[Tensor, "whole batch dim"], *, distortion: float = 0.05
) -> Float[Tensor, ""]:
    """Return the coding rate of unit vectors, on a scale that neither batch nor width changes.

    Parameters
    ----------
    student
        Embeddings of views, each judged by itself.
    distortion
        Mean square error that is allowed.

    Notes
    -----
    ``distortion sqrt(m / (p min(p, m))) R``, for m windows of p numbers, ``R`` being
    `precordia.training.spread.coding_rate`.
    """
    rows = functional.normalize(student, dim=-1)
    n, dim = len(gathered(rows[0].detach())), int(rows.shape[-1])
    scale = distortion * math.sqrt(n / (dim * min(dim, n)))
    return scale * coding_rate(rows, distortion=distortion).mean()


@full_precision
def agreement_of_tokens(
    filled: Float[Tensor, "token dim"], wanted: Float[Tensor, "token dim"]
) -> Float[Tensor, ""]:
    """Return 1 minus the mean cosine of hidden tokens with those of the teacher."""
    return 1 - functional.cosine_similarity(filled, wanted.detach(), dim=-1).mean()


class SimDino(Objective):
    """Self-distillation between crops, without prototypes, centring or temperatures.

    Parameters
    ----------
    encoder
        What is trained; its teacher is kept.
    projected, hidden
        Numbers in which views and tokens are compared, and of the layer before; with ``projected``
        0 they are compared as the encoder gives them.
    spread, distortion
        Weight of the coding rate, and the error it allows.
    token_weight
        Weight of the loss of hidden tokens; 0 for none.
    masked_share, masked_tokens
        Share of the tokens of large views that the student does not see, and how many stand
        together.
    n_local
        Small crops of each window, beside two large ones.
    global_crop, local_crop
        Shares of the window.
    decay_first, decay_last
        Share of the teacher that stays at each step, at the start and at the end.
    gain_db, noise, masked_leads
        How views differ besides; see `precordia.training.views.Change`.

    Notes
    -----
    *Method.* As for xECG: 1 minus the mean cosine between a view by the student and another, large
    one by the teacher; 1 minus that of hidden tokens; minus a tenth of the scaled coding rate.
    *Departures.* Hidden patches are zeros of the signal in all leads, so that the encoder may be
    any; a linear map of patches then gives each the same learned vector, its bias. Baseline wander
    of other recordings is not exchanged: noise is added instead.

    References
    ----------
    Wu Z, et al. Simplifying DINO via coding rate regularization. ICML 2025. arXiv:2502.10385
    Lunelli R, et al. BenchECG and xECG. 2025. arXiv:2509.10151
    """

    def __init__(
        self,
        encoder: Encoder,
        *,
        projected: int = 128,
        hidden: int = 512,
        spread: float = 0.1,
        distortion: float = 0.05,
        token_weight: float = 1.0,
        masked_share: float = 0.3,
        masked_tokens: int = 4,
        n_local: int = 4,
        global_crop: float = 0.8,
        local_crop: float = 0.4,
        decay_first: float = 0.99,
        decay_last: float = 1.0,
        gain_db: float = 2.0,
        noise: float = 0.5,
        masked_leads: float = 0.2,
    ) -> None:
        super().__init__(encoder)
        check_crops(encoder, global_crop, *([local_crop] if n_local else []))
        if token_weight > 0 and encoder.token_order == "other":
            raise OptionError(
                f"tokens of {encoder.name} do not stand in the order of time, so that none can be "
                "hidden in the signal. Set token_weight to 0, or choose a model such as vit1d."
            )
        if n_local < 0 or not 0 <= masked_share < 1 or masked_tokens < 1:
            raise OptionError(
                f"n_local is {n_local}, masked_share {masked_share} and masked_tokens "
                f"{masked_tokens}; 0 or more crops, a share below 1 and at least one token are "
                "needed."
            )
        self.spread, self.distortion, self.token_weight = spread, distortion, token_weight
        self.masked_share, self.masked_tokens, self.n_local = masked_share, masked_tokens, n_local
        self.decay_first, self.decay_last = decay_first, decay_last
        told = {"gain_db": gain_db, "noise": noise, "masked_leads": masked_leads}
        self.large = Change(crop=global_crop, **told)
        self.small = Change(crop=local_crop, **told)
        widths = encoder.dim, encoder.token_dim
        self.heads = nn.ModuleList(
            projector(width, hidden, projected) if projected else nn.Identity() for width in widths
        )
        self.teacher = Teacher(nn.ModuleList([encoder, self.heads]))

    def forward(self, batch: UnlabelledBatch, progress: float, generator: Generator) -> Learned:
        """Return the loss of agreeing with the teacher on views and hidden tokens."""
        scale = one_scale(self.encoder)
        large = views(batch, self.large, generator, n=2, one_scale=scale)
        teacher, heads = self.teacher.module
        with torch.no_grad():
            told, given = _both(teacher, large.windows, large.present)
            target = as_views(heads[0](given), 2)
        hides = self.token_weight > 0 and self.masked_share > 0
        windows = large.windows
        if hides:
            tokens, samples = self._hidden(large, int(told.shape[1]), generator, n_views=2)
            windows = windows.masked_fill(samples[:, None, :], 0.0)
        seen, embeddings = _both(self.encoder, windows, large.present)
        parts = [as_views(self.heads[0](embeddings), 2)]
        if self.n_local:
            small = views(batch, self.small, generator, n=self.n_local, one_scale=scale)
            compact = self.encoder.encode(small.windows, small.present)
            parts.append(as_views(self.heads[0](compact), self.n_local))
        agreement = agreement_loss(torch.cat(parts), target)
        apart = expansion(parts[0], distortion=self.distortion)
        loss = agreement - self.spread * apart
        logged = {"agreement": agreement.detach(), "coding_rate": apart.detach()}
        if hides:
            with torch.no_grad():
                wanted = heads[1](told[tokens])
            filled = self.heads[1](seen[tokens])
            token_loss = agreement_of_tokens(filled, wanted)
            loss = loss + self.token_weight * token_loss
            logged["tokens"] = token_loss.detach()
        return Learned(loss, given[: len(batch)], logged)

    def after_step(self, progress: float) -> None:
        """Move the teacher."""
        decay = ramp(progress, first=self.decay_first, last=self.decay_last)
        self.teacher.update(nn.ModuleList([self.encoder, self.heads]), decay)

    def exported(self) -> Encoder:
        """Return the teacher."""
        return self.teacher.module[0]

    def _hidden(
        self, batch: UnlabelledBatch, n_tokens: int, generator: Generator, *, n_views: int = 1
    ) -> tuple[Bool[Tensor, "batch token"], Bool[Tensor, "batch sample"]]:
        """Draw which tokens of views are hidden, and which samples these are."""
        by_lead = self.encoder.token_order == "leads"
        n_leads = self.encoder.shape.n_leads if by_lead else 1
        n_times, n_samples = n_tokens // n_leads, int(batch.windows.shape[2])
        span = min(self.masked_tokens, n_times - 1)
        places = hide_spans(
            len(batch), n_times, share=self.masked_share, span=span, generator=generator
        )
        times = torch.zeros(len(batch), n_times, dtype=torch.bool)
        times.scatter_(1, places.hidden.cpu(), True)
        # drawn for one window after the other, as processes have them; views come one by one
        times = times.unflatten(0, (-1, n_views)).transpose(0, 1).flatten(0, 1)
        times = times.to(batch.windows.device)
        where = torch.arange(n_samples, device=times.device) * n_times // n_samples
        tokens = times.repeat(1, n_leads)
        if by_lead:  # tokens of absent leads are zeros for both
            tokens = tokens & batch.present.repeat_interleave(n_times, dim=1)
        return tokens, times[:, where]


def _both(encoder: Encoder, windows: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
    """Return tokens and the embedding of windows, from one pass."""
    tokens = encoder.tokens(windows, present)
    return tokens, encoder.pool(tokens, present.to(windows.dtype))
