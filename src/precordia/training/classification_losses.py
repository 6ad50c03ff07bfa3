# SPDX-License-Identifier: Apache-2.0
"""Losses of statements: cross-entropy, plain, focal and asymmetric."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from precordia.core.errors import OptionError


def binary_cross_entropy(
    logits: Float[Tensor, "batch ..."],
    labels: Float[Tensor, "batch ..."],
    positive_weight: Float[Tensor, " statement"] | None = None,
    statement_weight: Float[Tensor, " statement"] | None = None,
    smoothing: float = 0.0,
) -> Float[Tensor, "batch ..."]:
    """Compute the cross-entropy of each statement by itself.

    Parameters
    ----------
    logits
        What the model says.
    labels
        From 0 to 1; NaN where unknown.
    positive_weight
        How much a positive counts compared with a negative.
    statement_weight
        How much a statement counts.
    smoothing
        Labels become ``smoothing / 2`` and ``1 - smoothing / 2``.

    Returns
    -------
    A loss for each label, zero where it is unknown.

    Raises
    ------
    OptionError
        If ``smoothing`` is not from 0 to 1.

    Examples
    --------
    >>> binary_cross_entropy(torch.zeros(1, 2), torch.tensor([[1.0, float("nan")]]))
    tensor([[0.6931, 0.0000]])
    """
    known, target = _known(labels)
    _check("smoothing", smoothing, 0, 1)
    if smoothing:
        target = target * (1 - smoothing) + smoothing / 2
    yes, no = F.logsigmoid(logits), F.logsigmoid(-logits)
    if positive_weight is not None:
        yes = yes * positive_weight.to(logits)
    return _weighted(-(target * yes + (1 - target) * no), statement_weight) * known


def focal(
    logits: Float[Tensor, "batch statement"],
    labels: Float[Tensor, "batch statement"],
    gamma: float = 2.0,
    alpha: float | None = None,
    statement_weight: Float[Tensor, " statement"] | None = None,
) -> Float[Tensor, "batch statement"]:
    """Compute the focal loss, which looks away from what is already right.

    Parameters
    ----------
    logits, labels, statement_weight
        As for `binary_cross_entropy`.
    gamma
        How much; 0 is the cross-entropy.
    alpha
        Weight of positives, ``1 - alpha`` of negatives; both 1 by default.

    Returns
    -------
    A loss for each label, zero where it is unknown.

    Raises
    ------
    OptionError
        If ``gamma`` is negative or ``alpha`` not between 0 and 1.

    Notes
    -----
    ``-alpha_t (1 - p_t)^gamma log(p_t)``, equation 5 of the paper. *Departure*: a label between 0
    and 1 has its share of both terms.

    References
    ----------
    Lin TY et al. ICCV 2017. arXiv:1708.02002

    Examples
    --------
    >>> focal(torch.zeros(1, 1), torch.ones(1, 1))  # a quarter of log 2
    tensor([[0.1733]])
    """
    known, target = _known(labels)
    _check("gamma", gamma, 0, 100)
    yes, no = F.logsigmoid(logits), F.logsigmoid(-logits)
    of_positive = -torch.exp(gamma * no) * yes
    of_negative = -torch.exp(gamma * yes) * no
    if alpha is not None:
        _check("alpha", alpha, 0, 1)
        of_positive, of_negative = alpha * of_positive, (1 - alpha) * of_negative
    each = target * of_positive + (1 - target) * of_negative
    return _weighted(each, statement_weight) * known


def asymmetric(
    logits: Float[Tensor, "batch statement"],
    labels: Float[Tensor, "batch statement"],
    gamma_positive: float = 0.0,
    gamma_negative: float = 4.0,
    margin: float = 0.05,
    statement_weight: Float[Tensor, " statement"] | None = None,
) -> Float[Tensor, "batch statement"]:
    """Compute the asymmetric loss, which looks away from easy negatives.

    Parameters
    ----------
    logits, labels, statement_weight
        As for `binary_cross_entropy`.
    gamma_positive, gamma_negative
        Focusing of positives and of negatives.
    margin
        Probability below which a negative costs nothing.

    Returns
    -------
    A loss for each label, zero where it is unknown.

    Raises
    ------
    OptionError
        If a gamma is negative or the margin not between 0 and 1.

    Notes
    -----
    Equations 4 to 7 of the paper, with the gradient of all factors (the authors' code can hold the
    focusing factors fixed). *Departure*: a label between 0 and 1 has its share of both terms.

    References
    ----------
    Ridnik T et al. ICCV 2021. arXiv:2009.14119

    Examples
    --------
    >>> asymmetric(torch.full((1, 1), -4.0), torch.zeros(1, 1))  # below the margin
    tensor([[0.]])
    """
    known, target = _known(labels)
    for name, value in (("gamma_positive", gamma_positive), ("gamma_negative", gamma_negative)):
        _check(name, value, 0, 100)
    _check("margin", margin, 0, 0.99)
    yes, no = F.logsigmoid(logits), F.logsigmoid(-logits)
    of_positive = -torch.exp(gamma_positive * no) * yes
    if margin:
        probability = torch.sigmoid(logits)
        shifted = (probability - margin).clamp(min=0.0)
        no = torch.log1p(-shifted)
        # Where nothing is left the loss is zero, and so must be its gradient.
        factor = shifted.clamp(min=1e-12) ** gamma_negative
    else:
        factor = torch.exp(gamma_negative * yes)
    each = target * of_positive - (1 - target) * factor * no
    return _weighted(each, statement_weight) * known


def cross_entropy(
    logits: Float[Tensor, "batch statement ..."],
    labels: Float[Tensor, "batch ..."],
    statement_weight: Float[Tensor, " statement"] | None = None,
    smoothing: float = 0.0,
    gamma: float = 0.0,
) -> Float[Tensor, "batch ..."]:
    """Compute the cross-entropy of statements of which exactly one is true.

    Parameters
    ----------
    logits
        What the model says, statements along the second axis.
    labels
        Number of the true statement; NaN where unknown.
    statement_weight
        How much a record of each statement counts.
    smoothing
        Share of the label that is spread over all statements.
    gamma
        How much the loss looks away from what is already right, as the focal loss does; 0 is the
        cross-entropy.

    Returns
    -------
    A loss for each label, zero where it is unknown.

    Raises
    ------
    OptionError
        If ``smoothing`` is not from 0 to 1, or ``gamma`` negative.

    Notes
    -----
    The focal loss of exclusive statements is (1 - p)^gamma times the cross-entropy, with p the
    probability of the true one (Lin et al., arXiv:1708.02002, there for two statements).

    Examples
    --------
    >>> cross_entropy(torch.zeros(2, 4), torch.tensor([3.0, float("nan")]))
    tensor([1.3863, 0.0000])
    """
    known, target = _known(labels)
    _check("smoothing", smoothing, 0, 1)
    _check("gamma", gamma, 0, float("inf"))
    weight = None if statement_weight is None else statement_weight.to(logits)
    each = F.cross_entropy(
        logits, target.long(), weight=weight, reduction="none", label_smoothing=smoothing
    )
    if gamma:
        true = logits.log_softmax(dim=1).gather(1, target.long().unsqueeze(1)).squeeze(1)
        # a floor: the slope of a power is infinite at 0 for gamma below 1
        each = each * (1 - true.exp()).clamp(min=1e-6) ** gamma
    return each * known


def _known(labels: Tensor) -> tuple[Tensor, Tensor]:
    known = ~torch.isnan(labels)
    return known, torch.where(known, labels, torch.zeros_like(labels))


def _weighted(each: Tensor, weight: Tensor | None) -> Tensor:
    return each if weight is None else each * weight.to(each)


def _check(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise OptionError(f"{name} of the loss is {value}; from {low} to {high} is needed.")
