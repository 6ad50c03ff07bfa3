# SPDX-License-Identifier: Apache-2.0
"""Numbers are learned in standard deviations and given in their units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from precordia.core.errors import OptionError

if TYPE_CHECKING:
    from precordia.models.encoder import Encoder

#: a spread below this share of the mean is that of rounding
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TargetScale:
    """Mean and standard deviation of each number over the records for training.

    Attributes
    ----------
    names
        Of the numbers.
    mean, sd
        In their units.

    Examples
    --------
    >>> scale = scale_of(np.array([[50.0], [70.0], [np.nan]]), ["age_years"])
    >>> scale.standardise(np.array([[80.0]])), scale.in_units(np.array([[2.0]]))
    (array([[2.]]), array([[80.]]))
    """

    names: tuple[str, ...]
    mean: Float[np.ndarray, " output"]
    sd: Float[np.ndarray, " output"]

    def standardise(self, values: Float[np.ndarray, "batch output"]) -> np.ndarray:
        """Return numbers as distances from the mean in standard deviations."""
        return (values - self.mean) / self.sd

    def in_units(self, outputs: Float[np.ndarray, "batch output"]) -> np.ndarray:
        """Return what a model gives in the units of the numbers."""
        return outputs * self.sd + self.mean

    def write_into_head(self, model: Encoder) -> None:
        """Make a model that gives standard deviations give units: mean and sd go into its head."""
        import torch

        weight, bias = model.head.weight, model.head.bias
        sd, mean = (torch.as_tensor(held).to(weight) for held in (self.sd, self.mean))
        with torch.no_grad():
            weight.mul_(sd[:, None])
            bias.mul_(sd).add_(mean)

    def to_dict(self) -> dict[str, dict[str, float]]:
        """Return mean and standard deviation by name."""
        return {
            name: {"mean": float(mean), "sd": float(sd)}
            for name, mean, sd in zip(self.names, self.mean, self.sd, strict=True)
        }


def scale_of(values: Float[np.ndarray, "batch output"], names: Sequence[str]) -> TargetScale:
    """Return mean and standard deviation of numbers.

    Parameters
    ----------
    values
        Of the records for training; NaN is unknown.
    names
        Of the columns.

    Raises
    ------
    OptionError
        If a number is unknown everywhere, or the same everywhere.
    """
    refuse_unknown(values, names, part="training")
    mean, sd = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
    for k, name in enumerate(names):
        if sd[k] <= _ROUNDING * abs(mean[k]):
            n = int((~np.isnan(values[:, k])).sum())
            raise OptionError(
                f"{name} is {mean[k]:g} in every one of {n} records for training that have it; "
                "there is nothing to learn. Leave it out of data.targets, or add records."
            )
    return TargetScale(names=tuple(names), mean=mean, sd=sd)


def refuse_unknown(
    values: Float[np.ndarray, "batch output"], names: Sequence[str], *, part: str
) -> None:
    """Refuse numbers that no record of a part has.

    Raises
    ------
    OptionError
        If there is one.
    """
    for name, unknown in zip(names, np.isnan(values).all(axis=0), strict=True):
        if unknown:
            raise OptionError(
                f"{name} is unknown in every one of {len(values)} records for {part}; leave it "
                "out of data.targets, or choose recordings that have it."
            )
