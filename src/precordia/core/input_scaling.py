# SPDX-License-Identifier: Apache-2.0
"""How the values of a model's input are shifted, scaled and limited."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from precordia.core.errors import OptionError
from precordia.core.input_step import Step, choice, number


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveMean(Step):
    """Subtract the mean.

    Attributes
    ----------
    over
        ``"lead"`` (each lead apart) or ``"all"`` (all leads together).
    """

    name: ClassVar[str] = "remove-mean"
    over: str = choice("lead", "all")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale(Step):
    """Multiply, then add.

    Attributes
    ----------
    factor, offset
        The two numbers.
    """

    name: ClassVar[str] = "scale"
    factor: float = number()
    offset: float = number(0.0)

    def _check(self) -> None:
        if self.factor == 0:
            raise OptionError("a 'scale' step by 0 arrived; another factor is needed.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip(Step):
    """Replace what lies beyond two limits by the limit.

    Attributes
    ----------
    low, high
        The limits, in the unit of the step before.
    """

    name: ClassVar[str] = "clip"
    low: float = number()
    high: float = number()

    def _check(self) -> None:
        _check_rising(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relative(Step):
    """What the normalisations by the signal's own values share: see `ZScore`."""

    over: str = choice("lead", "all")
    epsilon: float = number(0.0, least=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ZScore(Relative):
    """Subtract the mean, divide by the standard deviation (of the population).

    Attributes
    ----------
    over
        ``"lead"`` (each lead apart) or ``"all"`` (all leads together); of the whole recording
        before the window step, of every window after it.
    epsilon
        A small number against division by zero. Where the divisor is zero nevertheless (a flat
        lead) the result is zero.
    epsilon_use
        ``"add"`` to the standard deviation, or use as its ``"floor"``.
    """

    name: ClassVar[str] = "z-score"
    epsilon_use: str = choice("add", "floor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Robust(Relative):
    """Subtract the median, divide by the distance between the quartiles.

    Attributes
    ----------
    over, epsilon
        As for a z-score.
    """

    name: ClassVar[str] = "robust"


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxAbs(Relative):
    """Divide by the largest absolute value.

    Attributes
    ----------
    over, epsilon
        As for a z-score.
    """

    name: ClassVar[str] = "max-abs"


@dataclass(frozen=True, slots=True, kw_only=True)
class MinMax(Relative):
    """Map the smallest value to one limit and the largest to the other.

    Attributes
    ----------
    over, epsilon
        As for a z-score; epsilon is added to the range.
    low, high
        The limits.
    """

    name: ClassVar[str] = "min-max"
    low: float = number(0.0)
    high: float = number(1.0)

    def _check(self) -> None:
        _check_rising(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standardise(Step):
    """Subtract a fixed mean and divide by a fixed standard deviation (of a training set).

    Attributes
    ----------
    mean, sd
        One number, or one for each lead, in the unit of the step before.
    """

    name: ClassVar[str] = "standardise"
    mean: tuple[float, ...] = number()
    sd: tuple[float, ...] = number(above=0)


def _check_rising(step: Clip | MinMax) -> None:
    if step.low >= step.high:
        raise OptionError(
            f"a '{step.name}' step from {step.low:g} to {step.high:g} arrived; low must be below "
            "high."
        )
