# SPDX-License-Identifier: Apache-2.0
"""Cut a signal into windows of a fixed length."""

import numpy as np
from jaxtyping import Float, Int

from precordia.core.errors import OptionError
from precordia.signal.gaps import check_fs


def fit_length(signal: Float[np.ndarray, "... sample"], n_samples: int) -> Float[np.ndarray, "..."]:
    """Crop a signal at its end, or extend it with NaN, to a given length.

    Parameters
    ----------
    signal
        Potential in millivolts.
    n_samples
        Wanted length.

    Returns
    -------
    An array of the wanted length; what was never recorded is NaN.

    Raises
    ------
    OptionError
        If the length is negative.

    Examples
    --------
    >>> fit_length(np.ones(2), 3)
    array([ 1.,  1., nan])
    """
    if n_samples < 0:
        raise OptionError(f"n_samples = {n_samples} arrived; zero or more was needed.")
    array = np.asarray(signal)
    array = array if array.dtype.kind == "f" else array.astype(float)
    missing = n_samples - array.shape[-1]
    if missing <= 0:
        return array[..., :n_samples].copy()
    padding = [(0, 0)] * (array.ndim - 1) + [(0, missing)]
    return np.pad(array, padding, constant_values=np.nan)


def window_starts(n_samples: int, width: int, step: int) -> Int[np.ndarray, " window"]:
    """Return where windows begin so that every sample is covered.

    Parameters
    ----------
    n_samples
        Length of the signal.
    width, step
        Length of a window and distance between two, samples.

    Returns
    -------
    First sample of each window, rising. The last window ends with the signal, even where that
    makes it overlap more; one window at 0 where the signal is shorter than a window.

    Raises
    ------
    OptionError
        If width or step is not positive.

    Examples
    --------
    >>> window_starts(25, 10, 10).tolist()
    [0, 10, 15]
    """
    if width < 1 or step < 1:
        raise OptionError(
            f"width = {width} and step = {step} arrived; both must be at least one sample."
        )
    starts = np.arange(0, max(n_samples - width, 0) + 1, step)
    if starts[-1] + width < n_samples:
        starts = np.append(starts, n_samples - width)
    return starts


def cut_windows(
    signal: Float[np.ndarray, "lead sample"],
    fs: float,
    *,
    seconds: float,
    step_s: float | None = None,
) -> Float[np.ndarray, "..."]:
    """Cut a signal into windows of equal length that together cover all of it.

    Parameters
    ----------
    signal
        Potential in millivolts.
    fs
        Sampling rate, Hz.
    seconds
        Length of a window, s.
    step_s
        Distance between windows, s; their length by default, so that they do not overlap.

    Returns
    -------
    Windows in time order; a signal shorter than one window is extended with NaN.

    Raises
    ------
    OptionError
        If a length is not positive.

    Examples
    --------
    >>> cut_windows(np.zeros((2, 1200)), 100, seconds=5).shape
    (3, 2, 500)
    """
    rate = check_fs(fs)
    width = round(seconds * rate)
    step = width if step_s is None else round(step_s * rate)
    array = fit_length(signal, max(np.shape(signal)[-1], width))
    starts = window_starts(array.shape[-1], width, step)
    return np.stack([array[..., start : start + width] for start in starts])
