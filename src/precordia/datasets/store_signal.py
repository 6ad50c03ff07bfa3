# SPDX-License-Identifier: Apache-2.0
"""How a store holds a signal: whole numbers, and their differences in two planes of bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int16

from precordia.core.errors import FormatError

#: stands where nothing was recorded
MISSING = -32768
_MOST = 32767
#: steps of converters in use, mV, coarse before fine: the coarsest that fits packs best
_STEPS_MV = (0.01, 0.005, 0.004, 0.0025, 0.002, 0.00125, 0.001)
_FINE_MV = 0.001
#: what is not on a grid keeps at least so many steps between zero and its peak
_LEAST_STEPS = 500


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
    scales, worst, n_missing = [], 0.0, 0
    for row, lead in enumerate(signal):
        gaps = np.isnan(lead)
        n_gaps = int(gaps.sum())
        values = (np.where(gaps, 0.0, lead) if n_gaps else lead).astype(np.float64)
        step, error = _step_of(values)
        units[row] = np.rint(values / step)
        if n_gaps:
            units[row, gaps] = MISSING
        scales.append(step)
        worst, n_missing = max(worst, error), n_missing + n_gaps
    return Quantised(units, tuple(scales), worst, n_missing)


def _step_of(values: Float[np.ndarray, " sample"]) -> tuple[float, float]:
    """Find the step of a lead, and the largest error that it makes."""
    peak = float(np.abs(values).max(initial=0.0))
    if peak == 0:
        return _FINE_MV, 0.0
    precision = peak * 2.0**-22
    few = values[:: max(1, values.size // 100)]
    for step in (*_STEPS_MV, *_steps_between(few), *_steps_between(values)):
        if (
            step > 0
            and peak <= step * _MOST
            and _error(few, step) <= precision
            and _error(values, step) <= precision
        ):
            return step, 0.0
    step = _FINE_MV
    while peak < _LEAST_STEPS * step and step > 1e-9:
        step /= 10
    if peak > step * _MOST:
        step = peak / _MOST
    return step, _error(values, step)


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


def pack(units: Int16[np.ndarray, "lead sample"]) -> bytes:
    """Write whole numbers as bytes that compress well.

    Lead after lead in one row, each number less the one before (modulo 65536); of every difference
    first the low bytes, as numbers from -128 to 127, then what is left in units of 256. Small
    differences leave a second half of nothing but zeros.

    Examples
    --------
    >>> list(pack(np.array([[1, 3], [3, 300]], np.int16)))
    [1, 2, 0, 41, 0, 0, 0, 1]
    """
    flat = np.ascontiguousarray(units).reshape(-1)
    steps = flat.copy()
    np.subtract(flat[1:], flat[:-1], out=steps[1:])
    low = steps.astype(np.int8)
    steps -= low
    steps >>= 8
    return low.tobytes() + steps.astype(np.int8).tobytes()


def unpack(packed: bytes | memoryview, n_leads: int) -> Int16[np.ndarray, "lead sample"]:
    """Read what `pack` wrote.

    Raises
    ------
    FormatError
        If the bytes do not make up that many leads of one length.

    Examples
    --------
    >>> unpack(pack(np.array([[1, 3], [3, 300]], np.int16)), 2).tolist()
    [[1, 3], [3, 300]]
    """
    planes = np.frombuffer(packed, np.int8)
    if planes.size % (2 * n_leads or 1) or (planes.size and not n_leads):
        raise FormatError(
            f"{planes.size} bytes of signal arrived; a multiple of twice the {n_leads} leads was "
            "needed. The store is damaged: build it again."
        )
    half = planes.size // 2
    units = planes[half:].astype(np.int16)
    units <<= 8
    units += planes[:half]
    # Unsigned numbers are added four times as fast as signed ones, and wrap all the same.
    whole = units.view(np.uint16)
    np.add.accumulate(whole, out=whole)
    return units.reshape(n_leads, -1) if n_leads else units.reshape(0, 0)


def millivolts_of(
    units: Int16[np.ndarray, "lead sample"],
    scale_mv: Float[np.ndarray, " lead"],
    *,
    gaps: bool,
) -> Float[np.ndarray, "lead sample"]:
    """Turn whole numbers into millivolts.

    Parameters
    ----------
    units
        Samples in steps.
    scale_mv
        What one step of each lead is, mV.
    gaps
        Whether samples are missing; nobody looks for them otherwise.

    Returns
    -------
    Potential, float32; NaN where nothing was recorded.

    Examples
    --------
    >>> millivolts_of(np.array([[1, -32768]], np.int16), np.array([0.5], np.float32), gaps=True)
    array([[0.5, nan]], dtype=float32)
    """
    signal = units.astype(np.float32)
    signal *= scale_mv[:, np.newaxis]
    if gaps:
        signal[units == MISSING] = np.nan
    return signal
