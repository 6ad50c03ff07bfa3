# SPDX-License-Identifier: Apache-2.0
"""Values shifted, scaled and limited as models were trained on them."""

from __future__ import annotations

import warnings

import numpy as np
from jaxtyping import Float

from precordia.core.input_scaling import (
    Clip,
    MaxAbs,
    MinMax,
    RemoveMean,
    Robust,
    Scale,
    Standardise,
    ZScore,
)
from precordia.embedding.passage import Passage

_Signal = Float[np.ndarray, "..."]
_ROUNDING = 1e-12  # of the mean of equal numbers


def z_score(step: ZScore, passage: Passage) -> None:
    """Subtract the mean and divide by the standard deviation; missing samples do not count."""
    gaps = passage.has_gaps
    mean = _mean(passage.signal, step.over, gaps)
    centred = passage.signal - mean
    # The mean is gone, so the deviation is the root of the mean square.
    spread = np.sqrt(_mean(np.square(centred), step.over, gaps))
    spread[spread <= _ROUNDING * np.abs(mean)] = 0.0  # a flat lead
    if step.epsilon_use == "floor":
        divisor = np.maximum(spread, step.epsilon)
    else:
        divisor = spread + step.epsilon
    passage.signal = _divide(centred, divisor)
    passage.done.append(f"z-score {_scope(step.over)}")


def robust_score(step: Robust, passage: Passage) -> None:
    """Subtract the median and divide by the distance between the quartiles."""
    options = {"q": [25, 50, 75], "axis": _axes(step.over), "keepdims": True}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        percentile = np.nanpercentile if passage.has_gaps else np.percentile
        quartiles = percentile(passage.signal, **options)
    divisor = quartiles[2] - quartiles[0] + step.epsilon
    passage.signal = _divide(passage.signal - quartiles[1], divisor)
    passage.done.append(f"median and quartiles {_scope(step.over)}")


def divide_by_largest(step: MaxAbs, passage: Passage) -> None:
    """Divide by the largest absolute value."""
    largest = np.fmax.reduce(np.abs(passage.signal), axis=_axes(step.over), keepdims=True)
    passage.signal = _divide(passage.signal, largest + step.epsilon)
    passage.done.append(f"divided by the largest value {_scope(step.over)}")


def stretch_between(step: MinMax, passage: Passage) -> None:
    """Map the smallest value to one limit and the largest to the other."""
    axis = _axes(step.over)
    least = np.fmin.reduce(passage.signal, axis=axis, keepdims=True)
    most = np.fmax.reduce(passage.signal, axis=axis, keepdims=True)
    part = _divide(passage.signal - least, most - least + step.epsilon)
    passage.signal = part * (step.high - step.low) + step.low
    passage.done.append(f"stretched to {step.low:g} to {step.high:g} {_scope(step.over)}")


def standardise(step: Standardise, passage: Passage) -> None:
    """Subtract fixed means and divide by fixed standard deviations."""
    mean, sd = (_per_row(numbers, passage.rows) for numbers in (step.mean, step.sd))
    passage.signal = (passage.signal - mean) / sd
    passage.done.append("standardised with fixed means and standard deviations")


def remove_mean(step: RemoveMean, passage: Passage) -> None:
    """Subtract the mean."""
    passage.signal = passage.signal - _mean(passage.signal, step.over, passage.has_gaps)
    passage.done.append(f"mean removed {_scope(step.over)}")


def scale(step: Scale, passage: Passage) -> None:
    """Multiply, then add."""
    passage.signal = passage.signal * step.factor + step.offset
    passage.done.append(f"times {step.factor:g} plus {step.offset:g}")


def clip(step: Clip, passage: Passage) -> None:
    """Replace what lies beyond the limits by the limit."""
    passage.signal = np.clip(passage.signal, step.low, step.high)
    passage.done.append(f"clipped to {step.low:g} to {step.high:g}")


def _mean(values: _Signal, over: str, gaps: bool) -> _Signal:
    """Return the mean of what is there; zero where nothing is."""
    if not gaps:
        return np.mean(values, axis=_axes(over), keepdims=True)
    held = np.isfinite(values)
    total = np.where(held, values, 0.0).sum(axis=_axes(over), keepdims=True)
    return total / np.maximum(held.sum(axis=_axes(over), keepdims=True), 1)


def _axes(over: str) -> tuple[int, ...]:
    return (-1,) if over == "lead" else (-2, -1)


def _scope(over: str) -> str:
    return "of each lead" if over == "lead" else "of all leads together"


def _divide(values: _Signal, divisor: _Signal) -> _Signal:
    """Divide; zero where there is nothing to divide by, so that a flat lead stays flat."""
    if not np.all(divisor > 0):
        values = np.where((divisor > 0) | np.isnan(values), values, 0.0)
        divisor = np.where(divisor > 0, divisor, 1.0)
    return values / divisor


def _per_row(numbers: tuple[float, ...], rows: tuple[int, ...]) -> np.ndarray:
    array = np.array(numbers)
    return (array[list(rows)] if array.size > 1 else array)[:, np.newaxis]
