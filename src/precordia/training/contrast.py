# SPDX-License-Identifier: Apache-2.0
"""Losses that draw together what belongs together and push the rest apart."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor
from torch.nn import functional

from precordia.core.errors import OptionError
from precordia.training.full_precision import full_precision
from precordia.training.gathering import gathered

#: what several positives of one anchor count as; see `info_nce`
Form = Literal["out", "in", "alone"]


@full_precision
def info_nce(
    anchors: Float[Tensor, "*level anchor dim"],
    others: Float[Tensor, "*level other dim"],
    positive: Shaped[Tensor, "anchor other"],
    *,
    temperature: float = 0.1,
    form: Form = "out",
    counted: Bool[Tensor, "anchor other"] | None = None,
    weights: Float[Tensor, "anchor other"] | None = None,
    anchor_weights: Float[Tensor, " anchor"] | None = None,
    symmetric: bool = False,
    cosine: bool = True,
) -> Float[Tensor, ""]:
    """Return how badly anchors tell what belongs to them from what does not.

    Parameters
    ----------
    anchors, others
        Embeddings. Axes before the last two are taken one by one, with the same positives.
    positive
        True, or a number above 0, for each pair that belongs together. Numbers are the shares that
        positives of one anchor have, whatever their sum.
    temperature
        Likenesses are divided by it.
    form
        ``"out"``: mean over positives of the loss of each, among all that is counted. ``"in"``:
        loss of the positives together, by the mean of their exponentials. ``"alone"``: as
        ``"out"``, without the other positives among what is counted.
    counted
        Which others an anchor is compared with, beside its positives; all, if not given. Leave out
        the anchor itself, and what may be of the same patient without being a positive.
    weights
        How much each other counts among those that an anchor is compared with; 1 for positives,
        whatever is given.
    anchor_weights
        Share of each anchor in the mean.
    symmetric
        Whether the others are anchors too, and the mean of both directions is taken.
    cosine
        Whether likeness is the cosine, or the product of the vectors as they are.

    Returns
    -------
    Mean over all anchors that have a positive; 0 if none has.

    Notes
    -----
    *Method.* ``-log(exp(s_ip / t) / sum_j w_ij exp(s_ij / t))``. For several positives: Khosla et
    al., equations 2 ("out") and 3 ("in", whose mean over positives stands within the logarithm).
    All likenesses are one product of matrices.

    References
    ----------
    van den Oord A, Li Y, Vinyals O. arXiv:1807.03748
    Khosla P, et al. Supervised contrastive learning. NeurIPS 2020. arXiv:2004.11362

    Examples
    --------
    >>> points = torch.eye(3)
    >>> round(float(info_nce(points, points, torch.eye(3), temperature=1.0)), 4)
    0.5514
    """
    if temperature <= 0:
        raise OptionError(f"temperature is {temperature}; a number above 0 is needed.")
    if form not in ("out", "in", "alone"):
        raise OptionError(f"form is {form!r}; one of out, in, alone is needed.")
    if cosine:
        anchors, others = (functional.normalize(x, dim=-1) for x in (anchors, others))
    likeness = anchors @ others.transpose(-1, -2) / temperature
    share = positive.to(likeness.dtype)
    loss = _one_way(likeness, share, form, counted, weights, anchor_weights)
    if not symmetric:
        return loss
    back = _one_way(
        likeness.transpose(-1, -2),
        share.T,
        form,
        None if counted is None else counted.T,
        None if weights is None else weights.T,
        anchor_weights if share.shape[0] == share.shape[1] else None,
    )
    return (loss + back) / 2


@full_precision
def nt_xent(
    views: Float[Tensor, "view batch dim"],
    patients: Int[Tensor, " batch"] | None = None,
    *,
    temperature: float = 0.1,
) -> Float[Tensor, ""]:
    """Return the loss of SimCLR: views of one window find each other among all other windows.

    Parameters
    ----------
    views
        Embeddings of two or more views of the same windows, of this process.
    patients
        Whose each window is. Other windows of the same patient then are no negatives.
    temperature
        Likenesses are divided by it.

    Notes
    -----
    With more than two views, each of the others is a positive, and the mean over them is taken.

    References
    ----------
    Chen T, et al. A simple framework for contrastive learning. ICML 2020. arXiv:2002.05709

    Examples
    --------
    >>> apart = torch.eye(4)[None].repeat(2, 1, 1)
    >>> bool(nt_xent(apart) < nt_xent(torch.ones(2, 4, 4)))
    True
    """
    n_views = int(views.shape[0])
    rows = gathered(views.transpose(0, 1).contiguous())
    n = int(rows.shape[0])
    flat = rows.flatten(0, 1)  # window by window, its views together
    window = torch.arange(n, device=flat.device).repeat_interleave(n_views)
    same = window[:, None] == window
    itself = torch.eye(n * n_views, dtype=torch.bool, device=flat.device)
    counted = ~itself
    if patients is not None:
        counted = counted & ~of_same(gathered(patients).repeat_interleave(n_views))
    return info_nce(flat, flat, same & ~itself, temperature=temperature, counted=counted)


def of_same(who: Int[Tensor, " batch"]) -> Bool[Tensor, "batch batch"]:
    """Return which windows belong to the same patient, or recording.

    Examples
    --------
    >>> of_same(torch.tensor([3, 3, 8])).int().tolist()
    [[1, 1, 0], [1, 1, 0], [0, 0, 1]]
    """
    return who[:, None] == who


def _one_way(
    likeness: Float[Tensor, "*level anchor other"],
    share: Float[Tensor, "anchor other"],
    form: Form,
    counted: Bool[Tensor, "anchor other"] | None,
    weights: Float[Tensor, "anchor other"] | None,
    anchor_weights: Float[Tensor, " anchor"] | None,
) -> Float[Tensor, ""]:
    wanted = share > 0
    total = share.sum(dim=1, keepdim=True)
    share = share / torch.where(total > 0, total, 1.0)
    strength = likeness
    if weights is not None:
        strength = strength + torch.where(wanted, 1.0, weights.to(share.dtype)).log()
    if counted is not None:
        strength = strength.masked_fill(~(counted | wanted), -torch.inf)
    if form == "alone":
        apart = strength.masked_fill(wanted, -torch.inf).logsumexp(dim=-1, keepdim=True)
        each = torch.logaddexp(likeness, apart) - likeness
        loss = (share * torch.where(wanted, each, 0.0)).sum(dim=-1)
    else:
        whole = _logsumexp(strength)
        if form == "out":
            loss = whole * (total[:, 0] > 0) - (share * likeness).sum(dim=-1)
        else:
            loss = whole - _logsumexp(likeness + share.log())
    counts = (total[:, 0] > 0).to(loss.dtype)
    if anchor_weights is not None:
        counts = counts * anchor_weights.to(loss.dtype)
    loss = torch.where(counts > 0, loss, 0.0)
    return (loss * counts).sum() / (counts.sum() * (loss.numel() // len(counts))).clamp(min=1e-12)


def _logsumexp(strength: Float[Tensor, "*level anchor other"]) -> Float[Tensor, "*level anchor"]:
    """Return the logarithm of the sum of exponentials; 0 where nothing is summed."""
    none = torch.isneginf(strength).all(dim=-1, keepdim=True)
    return torch.logsumexp(strength.masked_fill(none, 0.0), dim=-1) * ~none[..., 0]
