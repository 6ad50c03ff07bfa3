# SPDX-License-Identifier: Apache-2.0
"""Amplitudes as whole steps, for formats that spell samples out as integers."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

#: steps of converters in use, µV; a signal of whole steps of one is stored without any loss
_USUAL_STEPS_UV = (5.0, 2.5, 1.25, 1.0, 4.88, 0.5, 0.25, 0.1)
#: otherwise the largest amplitude is at least so many steps
_FINEST = 1 << 19


class WholeSteps(NamedTuple):
    """A signal as whole steps.

    Attributes
    ----------
    step_uv
        What one step is, µV.
    counts
        Steps of every sample; 0 where it is missing.
    """

    step_uv: float
    counts: Int[np.ndarray, " sample"]


def whole_steps(row_mv: Float[np.ndarray, " sample"]) -> WholeSteps:
    """Return amplitudes as whole steps, without loss where a usual step allows it.

    Parameters
    ----------
    row_mv
        Potential in millivolts; NaN where missing.

    Returns
    -------
    The step, and the counts of it; every sample is within half a step.

    Notes
    -----
    The step is that of a usual converter where the whole signal consists of it; otherwise it is
    1, 2 or 5 times a power of ten, at most 1/524288 of the largest amplitude.

    Examples
    --------
    >>> whole_steps(np.array([0.0025, -0.005, np.nan])).counts
    array([ 1, -2,  0])
    """
    values = np.asarray(row_mv, np.float64) * 1e3
    held = np.isfinite(values)
    if not held.all():
        values = np.where(held, values, 0.0)
    peak = float(np.abs(values).max(initial=0.0))
    for step in _USUAL_STEPS_UV:
        if peak > step * (1 << 30):
            continue
        counts = values / step
        whole = np.rint(counts)
        # float32 millivolts are off by up to 6e-8 of themselves
        if (np.abs(counts - whole) <= 1e-9 + 1.2e-7 * np.abs(whole)).all():
            return WholeSteps(step, whole.astype(np.int64))
    step = _round_down(peak / _FINEST)
    return WholeSteps(step, np.rint(values / step).astype(np.int64))


def _round_down(value: float) -> float:
    """Return the largest of 1, 2 and 5 times a power of ten that is not above a value."""
    power = math.floor(math.log10(value))
    first = value / 10.0**power
    digit = 5 if first >= 5 else 2 if first >= 2 else 1
    return float(f"{digit}e{power}")


def spell(number: float) -> str:
    """Return a number in as few digits as give it back.

    Examples
    --------
    >>> spell(2.5), spell(100.0), spell(0.1 + 0.2)
    ('2.5', '100', '0.30000000000000004')
    """
    return str(int(number)) if number == int(number) and abs(number) < 1e15 else repr(number)
