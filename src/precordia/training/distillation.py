# SPDX-License-Identifier: Apache-2.0
"""Learn from what another model says."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from precordia.core.errors import OptionError


def binary_distillation(
    logits: Float[Tensor, "batch statement"],
    teacher: Float[Tensor, "batch statement"],
    temperature: float = 1.0,
) -> Float[Tensor, "batch statement"]:
    """Compute how far each statement is from what a teacher says of it.

    Parameters
    ----------
    logits
        Of the model that learns.
    teacher
        Logits of the teacher; NaN where it says nothing.
    temperature
        Both are divided by it; above 1 the teacher's doubts count more.

    Returns
    -------
    The Kullback-Leibler divergence of each statement, times the squared temperature so that the
    gradient keeps its size; zero where the teacher is unknown.

    Raises
    ------
    OptionError
        If the temperature is not positive.

    References
    ----------
    Hinton G, Vinyals O, Dean J. arXiv:1503.02531

    Examples
    --------
    >>> float(binary_distillation(torch.ones(1, 1), torch.ones(1, 1)))
    0.0
    """
    known, taught = _known(teacher, temperature)
    own, taught = logits / temperature, taught / temperature
    share = torch.sigmoid(taught)
    yes = F.logsigmoid(taught) - F.logsigmoid(own)
    no = F.logsigmoid(-taught) - F.logsigmoid(-own)
    return (share * yes + (1 - share) * no) * temperature**2 * known


def softmax_distillation(
    logits: Float[Tensor, "batch statement"],
    teacher: Float[Tensor, "batch statement"],
    temperature: float = 1.0,
) -> Float[Tensor, "batch statement"]:
    """Compute how far a choice among statements is from a teacher's.

    Parameters
    ----------
    logits, teacher, temperature
        As for `binary_distillation`; a record of which the teacher leaves one statement open is
        unknown.

    Returns
    -------
    Terms of the Kullback-Leibler divergence, times the squared temperature; their sum over
    statements is the divergence of the record.

    Raises
    ------
    OptionError
        If the temperature is not positive.

    References
    ----------
    Hinton G, Vinyals O, Dean J. arXiv:1503.02531

    Examples
    --------
    >>> float(softmax_distillation(torch.ones(1, 3), torch.ones(1, 3)).sum())
    0.0
    """
    known, taught = _known(teacher, temperature)
    own = F.log_softmax(logits / temperature, dim=1)
    theirs = F.log_softmax(taught / temperature, dim=1)
    return theirs.exp() * (theirs - own) * temperature**2 * known.all(dim=1, keepdim=True)


def _known(teacher: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    if not temperature > 0:
        raise OptionError(f"temperature is {temperature}; a positive number is needed.")
    known = ~torch.isnan(teacher)
    return known, torch.where(known, teacher, torch.zeros_like(teacher))
