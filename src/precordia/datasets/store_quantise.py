# SPDX-License-Identifier: Apache-2.0
"""Millivolts as 16-bit whole numbers, without loss where a converter made them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int16

#: stands where nothing was recorded
MISSING = -32768
_MOST = 32767
#: steps of converters in use, mV, coarse before fine: the coarsest that fits packs best
_STEPS_MV = np.array([0.01, 0.005, 0.004, 0.0025, 0.002, 0.00125, 0.001])
_FINE_MV = 0.001
#: what is not on a grid keeps at least so many steps between zero and its peak
_LEAST_STEPS = 500
#: part of the peak that 32-bit floats cannot tell
_PRECISION = 2.0**-22
#: a guess is made on so many samples of each lead; so many are worked on at once
_FEW, _AT_ONCE = 100, 10_000


@dataclass(frozen=True, slots=True)
class Quantised:
    """A signal as whole numbers.

    Attributes
    ----------
    units
        Samples in steps of the scale; `MISSING` where nothing was recorded.
    scale_mv
        What one step of each lead is, mV.
    error_mv
        Largest difference from what was given, mV; 0 where it is that of 32-bit floats alone.
    n_missing
        Samples that were not recorded.
    """

    units: Int16[np.ndarray, "lead sample"]
    scale_mv: tuple[float, ...]
    error_mv: float
    n_missing: int


def quantise(signal: Float[np.ndarray, "lead sample"]) -> Quantised:
    """Turn millivolts into 16-bit whole numbers, without loss where they came from such.

    Parameters
    ----------
    signal
        Potential, mV; NaN where nothing was recorded.

    Returns
    -------
    Whole numbers and the scale of each lead.

    Notes
    -----
    The step of the converter is looked for in each lead: first the steps in common use, then the
    smallest difference between two samples. It is taken where every sample is a whole number of
    steps within the precision of 32-bit floats. A lead without such a step (it was resampled or
    filtered) is rounded to 1 µV; finer where its peak is below half a millivolt, coarser where it
    is above 32 mV.

    Examples
    --------
    >>> held = quantise(np.array([[0.0, 0.005, np.nan, -0.01]], np.float32))
    >>> held.units.tolist(), held.scale_mv, held.error_mv, held.n_missing
    ([[0, 1, -32768, -2]], (0.005,), 0.0, 1)
    """
    units = np.empty(signal.shape, np.int16)
    steps, errors = np.empty(len(signal)), np.empty(len(signal))
    n_missing = 0
    n_rows = max(1, _AT_ONCE // max(1, signal.shape[1]))
    for first in range(0, len(signal), n_rows):
        rows = slice(first, first + n_rows)
        gaps = np.isnan(signal[rows])
        n_gaps = int(gaps.sum())
        values = np.where(gaps, 0.0, signal[rows]) if n_gaps else signal[rows]
        steps[rows], errors[rows], units[rows] = _counted(values.astype(np.float64))
        if n_gaps:
            units[rows][gaps] = MISSING
        n_missing += n_gaps
    return Quantised(units, tuple(steps.tolist()), float(errors.max(initial=0.0)), n_missing)


def _counted(
    values: Float[np.ndarray, "lead sample"],
) -> tuple[np.ndarray, np.ndarray, Int16[np.ndarray, "lead sample"]]:
    """Count the steps of some leads: the step of each, its largest error, and the counts."""
    peaks = np.abs(values).max(axis=1, initial=0.0)
    steps = _common_steps(values[:, :: max(1, values.shape[1] // _FEW)], peaks)
    counts = values / steps[:, np.newaxis]
    np.rint(counts, out=counts)
    errors = np.abs(counts * steps[:, np.newaxis] - values).max(axis=1, initial=0.0)
    for row in np.flatnonzero((errors > peaks * _PRECISION) | (peaks > steps * _MOST)):
        steps[row] = _own_step(values[row], float(peaks[row]))
        errors[row] = _error(values[row], steps[row])
        counts[row] = np.rint(values[row] / steps[row])
    return steps, np.where(errors <= peaks * _PRECISION, 0.0, errors), counts.astype(np.int16)


def _common_steps(
    few: Float[np.ndarray, "lead sample"], peaks: Float[np.ndarray, " lead"]
) -> Float[np.ndarray, " lead"]:
    """Guess the step of each lead from a few samples: the coarsest in use that fits."""
    steps = _STEPS_MV[:, np.newaxis, np.newaxis]
    errors = np.abs(np.rint(few / steps) * steps - few).max(axis=2, initial=0.0)
    return _STEPS_MV[np.argmax(errors <= peaks * _PRECISION, axis=0)]


def _own_step(values: Float[np.ndarray, " sample"], peak: float) -> float:
    """Find the step of a lead that has none of those in use, or choose one to round to."""
    few = values[:: max(1, values.size // _FEW)]
    for candidates in (_STEPS_MV, _steps_between(few), _steps_between(values)):
        for step in candidates:
            if (
                peak <= step * _MOST
                and _error(few, step) <= peak * _PRECISION
                and _error(values, step) <= peak * _PRECISION
            ):
                return float(step)
    step = _FINE_MV
    while peak < _LEAST_STEPS * step and step > 1e-9:
        step /= 10
    return max(step, peak / _MOST)


def _error(values: Float[np.ndarray, " sample"], step: float) -> float:
    return float(np.abs(np.rint(values / step) * step - values).max())


def _steps_between(values: Float[np.ndarray, " sample"]) -> Iterator[float]:
    """Give the smallest difference of two values, sharpened on all of them, and parts of it."""
    apart = np.diff(np.unique(values))
    apart = apart[apart > np.abs(values).max() * 2.0**-16]
    if not apart.size:
        return
    for part in (1, 2, 3):  # differences of 2 and 3 steps may be all there are
        step = float(apart.min()) / part
        for reach in (64, np.inf, np.inf):  # first where the count of steps is surely right
            near = values[np.abs(values) < reach * step]
            count = np.rint(near / step)
            if square := float(count @ count):
                step = float(count @ near) / square
        yield step
