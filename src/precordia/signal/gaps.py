# SPDX-License-Identifier: Apache-2.0
"""Carry an operation that needs every sample across the samples that are missing."""

import numpy as np
from jaxtyping import Bool, Float

from precordia.core.errors import SamplingRateError, SignalError


def bridge_gaps(
    signal: Float[np.ndarray, "... sample"],
) -> tuple[Float[np.ndarray, "... sample"], Bool[np.ndarray, "... sample"]]:
    """Fill missing samples with a straight line so that a filter can pass over them.

    The filled samples are a means, never a result: whoever calls this writes NaN back where the
    returned mask is true.

    Parameters
    ----------
    signal
        Potential in millivolts; NaN where nothing was recorded.

    Returns
    -------
    The signal as float64 with gaps bridged (ends held constant, a lead without any sample is
    zero), and the mask of the samples that were missing.

    Raises
    ------
    SignalError
        If a value is infinite, or the array has no sample axis.

    Examples
    --------
    >>> filled, missing = bridge_gaps(np.array([1.0, np.nan, 3.0]))
    >>> filled.tolist(), missing.tolist()
    ([1.0, 2.0, 3.0], [False, True, False])
    """
    array = np.asarray(signal)
    if array.ndim == 0:
        raise SignalError(
            "a single number arrived; a signal of shape (sample,) or (lead, sample) was needed. "
            "Pass record.signal or one row of it."
        )
    if array.dtype.kind not in "fiub":
        raise SignalError(
            f"values of type {array.dtype} arrived; real numbers in millivolts were needed. "
            "Convert them with .astype(float)."
        )
    filled = array.astype(np.float64)
    finite = np.isfinite(filled)
    if finite.all():
        return filled, ~finite
    missing = np.isnan(filled)
    if not (finite | missing).all():
        raise SignalError(
            "infinite values arrived; finite millivolts, or NaN where nothing was recorded, were "
            "needed. Replace them: signal[np.isinf(signal)] = np.nan."
        )
    rows = filled.reshape(-1, filled.shape[-1])
    holes = missing.reshape(rows.shape)
    grid = np.arange(rows.shape[1])
    for row, hole in zip(rows, holes, strict=True):
        if hole.all():
            row[:] = 0.0
        elif hole.any():
            row[hole] = np.interp(grid[hole], grid[~hole], row[~hole])
    return filled, missing


def check_fs(fs: float, *, name: str = "fs") -> float:
    """Return a sampling rate as a float, refusing what cannot be one.

    Parameters
    ----------
    fs
        Sampling rate, Hz.
    name
        How the caller names the argument, for the message.

    Returns
    -------
    The rate, Hz.

    Raises
    ------
    SamplingRateError
        If the rate is not a positive finite number.

    Examples
    --------
    >>> check_fs(500)
    500.0
    """
    try:
        rate = float(fs)
    except (TypeError, ValueError):
        rate = float("nan")
    if not (np.isfinite(rate) and rate > 0):
        raise SamplingRateError(
            f"{name} = {fs!r} arrived; a positive number of samples per second was needed. "
            "Pass the rate of the recording, for example 500."
        )
    return rate


def restore_gaps(
    values: Float[np.ndarray, "... sample"],
    missing: Bool[np.ndarray, "... sample"],
    like: np.ndarray,
) -> Float[np.ndarray, "... sample"]:
    """Write NaN back where samples were missing and return the caller's own float type.

    Parameters
    ----------
    values
        What the operation made of the bridged signal.
    missing
        The mask from `bridge_gaps`.
    like
        The caller's array; its float type is kept, other types become float64.

    Returns
    -------
    The values with their gaps back.

    Examples
    --------
    >>> restore_gaps(np.array([1.0, 2.0]), np.array([False, True]), np.zeros(2))
    array([ 1., nan])
    """
    dtype = np.asarray(like).dtype
    result = values.astype(dtype if dtype.kind == "f" else np.float64, copy=False)
    if missing.any():
        result[missing] = np.nan
    return result
