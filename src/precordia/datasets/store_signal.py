# SPDX-License-Identifier: Apache-2.0
"""How a store packs a signal of whole numbers: their differences, in two planes of bytes."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int16

from precordia.core.errors import FormatError
from precordia.datasets.store_quantise import MISSING


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
    out: Float[np.ndarray, "lead sample"] | None = None,
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
    out
        Where to write them.

    Returns
    -------
    Potential, float32; NaN where nothing was recorded.

    Examples
    --------
    >>> millivolts_of(np.array([[1, -32768]], np.int16), np.array([0.5], np.float32), gaps=True)
    array([[0.5, nan]], dtype=float32)
    """
    if out is None:
        signal = units.astype(np.float32)
    else:
        signal = out
        signal[...] = units
    signal *= scale_mv[:, np.newaxis]
    if gaps:
        signal[units == MISSING] = np.nan
    return signal
