# SPDX-License-Identifier: Apache-2.0
"""Divide the sampling rate by a whole number, quickly."""

import functools

import numpy as np
from jaxtyping import Complex, Float

from precordia.core.errors import OptionError
from precordia.signal.gaps import bridge_gaps
from precordia.signal.resample import extend_by_point_reflection, resample

_LARGEST = 64  # beyond it little is gained
_TOGETHER = 12_000  # samples: what fits here is kept by the allocator, not fetched anew


def decimate(signal: Float[np.ndarray, "... sample"], factor: int) -> Float[np.ndarray, "..."]:
    """Keep every ``factor``-th sample behind the anti-aliasing filter of `resample`.

    Parameters
    ----------
    signal
        Potential in millivolts; NaN where nothing was recorded.
    factor
        A whole number of at least one.

    Returns
    -------
    What ``resample(signal, factor, 1)`` gives, to rounding (of float64 arithmetic).

    Raises
    ------
    OptionError
        If the factor is not a whole number of at least one.
    SignalError
        If the signal holds infinite values.

    Notes
    -----
    *Method.* All outputs share one set of taps when the factor is whole, so the filter is one
    multiplication of the spectrum; for twelve leads of ten seconds that takes a fifth of the time.
    A signal with gaps goes through `resample` itself, which gives them back.

    Examples
    --------
    >>> decimate(np.ones((2, 1000)), 5).shape
    (2, 200)
    """
    if factor != int(factor) or factor < 1:
        raise OptionError(f"factor = {factor} arrived; a whole number of at least one was needed.")
    factor = int(factor)
    array = np.asarray(signal)
    filled, missing = bridge_gaps(array)
    n_samples = filled.shape[-1]
    if factor == 1 or n_samples < 2 or missing.any() or factor > _LARGEST:
        return resample(array, factor, 1)
    half = _reach(factor)
    n_fft = fast_length(n_samples + 2 * half)
    flat = filled.reshape(-1, n_samples)
    response = _response(factor, n_fft)
    dtype = array.dtype if array.dtype.kind == "f" else np.dtype(np.float64)
    result = np.empty((flat.shape[0], -(-n_samples // factor)), dtype)
    group = max(1, _TOGETHER // n_fft)
    for first in range(0, flat.shape[0], group):
        part = flat[first : first + group]
        rows = extend_by_point_reflection(part, half, n_fft - half - n_samples)
        spectrum = np.fft.rfft(rows, axis=1)
        spectrum *= response
        slow = np.fft.irfft(spectrum, n=n_fft, axis=1)
        result[first : first + group] = slow[:, 2 * half : 2 * half + n_samples : factor]
    return result.reshape(*array.shape[:-1], -1)


@functools.lru_cache(maxsize=16)
def fast_length(n_samples: int) -> int:
    """Return the smallest product of 2, 3 and 5 that is not below a number of samples.

    Parameters
    ----------
    n_samples
        At least one.

    Returns
    -------
    A length that the Fourier transform handles quickly.

    Notes
    -----
    ``scipy.fft.next_fast_len`` gives the same; importing ``scipy.fft`` for it takes longer than
    examining a record does.

    Examples
    --------
    >>> fast_length(5340), fast_length(7)
    (5400, 8)
    """
    n_powers = n_samples.bit_length()
    odd = {3**i * 5**j for i in range(n_powers) for j in range(n_powers)}
    return min(part << (-(-n_samples // part) - 1).bit_length() for part in odd)


def _reach(factor: int) -> int:
    return 34 * factor  # the filter of `resample` reaches 32 samples of the lower rate


@functools.lru_cache(maxsize=16)
def _response(factor: int, n_fft: int) -> Complex[np.ndarray, " sample"]:
    """Return the spectrum of the taps, read off what `resample` makes of single impulses."""
    around = 40  # outputs on each side of the impulses, so that no end is felt
    impulses = np.eye(factor, 2 * around * factor + 1, k=around * factor)
    taps = resample(impulses, factor, 1)[:, ::-1].T.ravel()  # from -around * factor on
    middle, half = around * factor, _reach(factor)
    return np.fft.rfft(taps[middle + half : middle - half - 1 : -1], n=n_fft)
