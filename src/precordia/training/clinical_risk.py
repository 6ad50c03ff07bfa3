# SPDX-License-Identifier: Apache-2.0
"""Cardiovascular risk from what a recording says of its patient: age and sex."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

#: of SCORE2 for women and men: slope for five years, ten-year survival at 60, and the two numbers
#: that fit the result to regions of low risk
_WOMEN = (0.4648, 0.9776, -0.7380, 0.7019)
_MEN = (0.3742, 0.9605, -0.5699, 0.7476)


def score2(
    ages: Float[Tensor, " batch"], males: Float[Tensor, " batch"]
) -> Float[Tensor, " batch"]:
    """Return the risk of a first cardiovascular event within ten years, by SCORE2.

    Parameters
    ----------
    ages
        Years; NaN where unknown.
    males
        1 for male, 0 for female, NaN where unknown.

    Returns
    -------
    0 to 1. Where only the sex is unknown, the mean of both; NaN where the age is.

    Notes
    -----
    *Method.* The published model for regions of low risk with its reference values in place of what
    an electrocardiogram does not come with: no smoker, systolic pressure 120 mmHg, cholesterol
    6 mmol/l, of which HDL 1.3. *Departure.* Ages outside 40 to 69 are extrapolated: the number here
    orders and spaces patients, and is no advice for one.

    References
    ----------
    SCORE2 working group. Eur Heart J 2021;42:2439-2454. doi:10.1093/eurheartj/ehab309

    Examples
    --------
    >>> [round(float(r), 3) for r in score2(torch.tensor([60.0, 60.0]), torch.tensor([1.0, 0.0]))]
    [0.05, 0.033]
    """
    women, men = (_of_sex(ages, *numbers) for numbers in (_WOMEN, _MEN))
    share = males.nan_to_num(nan=0.5).clamp(0, 1)
    return share * men + (1 - share) * women


def share_missing(
    ages: Float[Tensor, " batch"], males: Float[Tensor, " batch"]
) -> Float[Tensor, " batch"]:
    """Return which share of what the risk is made of is unknown.

    Examples
    --------
    >>> unknown = float("nan")
    >>> share_missing(torch.tensor([50.0, unknown]), torch.tensor([unknown, unknown])).tolist()
    [0.5, 1.0]
    """
    return (ages.isnan().to(ages.dtype) + males.isnan().to(ages.dtype)) / 2


def _of_sex(ages: Tensor, slope: float, survival: float, first: float, second: float) -> Tensor:
    hazard = -math.log(survival) * torch.exp(slope * (ages - 60) / 5)
    return 1 - torch.exp(-torch.exp(first + second * hazard.log()))
