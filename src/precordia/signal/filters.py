# SPDX-License-Identifier: Apache-2.0
"""Butterworth filters without delay or phase distortion."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from precordia.core.errors import OptionError, SamplingRateError
from precordia.signal.gaps import bridge_gaps, check_fs, restore_gaps
from precordia.signal.resample import extend_by_point_reflection

_SETTLING_PERIODS = 4.0  # periods of the lowest corner frequency that the ends are extended by


def lowpass(
    signal: Float[np.ndarray, "... sample"], fs: float, cutoff_hz: float, *, order: int = 4
) -> Float[np.ndarray, "... sample"]:
    """Keep what is slower than a corner frequency.

    Parameters
    ----------
    signal
        Potential in millivolts; NaN where nothing was recorded, and it stays NaN.
    fs
        Sampling rate, Hz.
    cutoff_hz
        Corner frequency, Hz. The gain there is one half: the filter works forwards and backwards.
    order
        Order of the Butterworth filter in one direction.

    Returns
    -------
    The filtered signal, same shape and float type.

    Raises
    ------
    SamplingRateError
        If the corner does not lie between 0 and half the sampling rate.
    SignalError
        If the signal holds infinite values.

    Notes
    -----
    *Method.* The squared magnitude of the digital Butterworth filter (bilinear transform,
    prewarped), applied in the frequency domain: the response of forward-backward filtering
    ("filtfilt") in closed form, so nothing is designed and nothing can become unstable.
    *Departures.* The ends are extended by point reflection over four periods of the lowest corner
    (filtfilt extends by a few taps and starts from a steady state), and gaps are bridged by a
    straight line.

    References
    ----------
    Oppenheim AV, Schafer RW. Discrete-Time Signal Processing, 3rd ed., section 7.3.

    Examples
    --------
    >>> lowpass(np.ones(500), 500, 40).round(6)[:3]
    array([1., 1., 1.])
    """
    corner = _warp(cutoff_hz, fs)
    return _apply(signal, fs, lambda warped: _low(warped / corner, order), cutoff_hz)


def highpass(
    signal: Float[np.ndarray, "... sample"], fs: float, cutoff_hz: float, *, order: int = 2
) -> Float[np.ndarray, "... sample"]:
    """Keep what is faster than a corner frequency.

    Parameters
    ----------
    signal
        Potential in millivolts; NaN where nothing was recorded, and it stays NaN.
    fs
        Sampling rate, Hz.
    cutoff_hz
        Corner frequency, Hz; the gain there is one half.
    order
        Order of the Butterworth filter in one direction.

    Returns
    -------
    The filtered signal, same shape and float type.

    Raises
    ------
    SamplingRateError
        If the corner does not lie between 0 and half the sampling rate.
    SignalError
        If the signal holds infinite values.

    Notes
    -----
    *Method* and departures as in `lowpass`. Without phase distortion a corner up to 0.67 Hz leaves
    the ST segment within the tolerance of the AHA recommendation; with one-directional filters
    0.05 Hz is the limit.

    References
    ----------
    Kligfield P et al. Circulation 2007;115:1306-1324. doi:10.1161/CIRCULATIONAHA.106.180200

    Examples
    --------
    >>> np.abs(highpass(np.ones(5000), 500, 0.5)).max() < 1e-9
    np.True_
    """
    corner = _warp(cutoff_hz, fs)
    return _apply(signal, fs, lambda warped: 1.0 - _low(warped / corner, order), cutoff_hz)


def bandpass(
    signal: Float[np.ndarray, "... sample"],
    fs: float,
    low_hz: float,
    high_hz: float,
    *,
    order: int = 2,
) -> Float[np.ndarray, "... sample"]:
    """Keep what lies between two corner frequencies.

    Parameters
    ----------
    signal
        Potential in millivolts; NaN where nothing was recorded, and it stays NaN.
    fs
        Sampling rate, Hz.
    low_hz, high_hz
        Corner frequencies, Hz; the gain at both is one half.
    order
        Order of the Butterworth prototype; the band filter has twice as many poles.

    Returns
    -------
    The filtered signal, same shape and float type.

    Raises
    ------
    SamplingRateError
        If the corners do not rise and lie between 0 and half the sampling rate.
    SignalError
        If the signal holds infinite values.

    Notes
    -----
    *Method* and departures as in `lowpass`.

    Examples
    --------
    >>> t = np.arange(2000) / 500
    >>> inside = np.sin(2 * np.pi * 10 * t)
    >>> bool(np.abs(bandpass(inside, 500, 0.5, 40) - inside)[500:1500].max() < 0.02)
    True
    """
    return _apply(signal, fs, _band(fs, low_hz, high_hz, order), low_hz)


def bandstop(
    signal: Float[np.ndarray, "... sample"],
    fs: float,
    low_hz: float,
    high_hz: float,
    *,
    order: int = 2,
) -> Float[np.ndarray, "... sample"]:
    """Remove what lies between two corner frequencies.

    Parameters
    ----------
    signal
        Potential in millivolts; NaN where nothing was recorded, and it stays NaN.
    fs
        Sampling rate, Hz.
    low_hz, high_hz
        Corner frequencies, Hz; the gain at both is one half.
    order
        Order of the Butterworth prototype.

    Returns
    -------
    The filtered signal, same shape and float type.

    Raises
    ------
    SamplingRateError
        If the corners do not rise and lie between 0 and half the sampling rate.
    SignalError
        If the signal holds infinite values.

    Notes
    -----
    *Method* and departures as in `lowpass`. A narrow band rings: for power line interference
    `precordia.signal.mains.remove_mains` keeps the QRS complex better.

    Examples
    --------
    >>> hum = np.sin(2 * np.pi * 50 * np.arange(5000) / 500)
    >>> bool(np.abs(bandstop(hum, 500, 48, 52))[1000:4000].max() < 0.01)
    True
    """
    band = _band(fs, low_hz, high_hz, order)
    return _apply(signal, fs, lambda warped: 1.0 - band(warped), high_hz - low_hz)


def _low(ratio: np.ndarray, order: int) -> np.ndarray:
    if order < 1:
        raise OptionError(f"order = {order} arrived; a filter order of 1 or more was needed.")
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + ratio ** (2 * order))


def _band(
    fs: float, low_hz: float, high_hz: float, order: int
) -> Callable[[np.ndarray], np.ndarray]:
    low, high = _warp(low_hz, fs), _warp(high_hz, fs)
    if not low < high:
        raise SamplingRateError(
            f"a band from {low_hz:g} to {high_hz:g} Hz arrived; its lower corner must be below its "
            "upper one. Swap the two."
        )

    def gain(warped: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            ratio = (warped**2 - low * high) / ((high - low) * warped)
        return _low(ratio, order)

    return gain


def _warp(cutoff_hz: float, fs: float) -> float:
    rate = check_fs(fs)
    if not 0 < cutoff_hz < rate / 2:
        raise SamplingRateError(
            f"a corner frequency of {cutoff_hz:g} Hz arrived for a signal at {rate:g} Hz; a value "
            f"between 0 and {rate / 2:g} Hz was needed. Lower the corner, or resample to a higher "
            "rate."
        )
    return float(np.tan(np.pi * cutoff_hz / rate))


def _apply(
    signal: np.ndarray, fs: float, gain: Callable[[np.ndarray], np.ndarray], slowest_hz: float
) -> np.ndarray:
    """Multiply the spectrum of the extended signal by a real, even gain."""
    filled, missing = bridge_gaps(signal)
    n_samples = filled.shape[-1]
    if filled.size == 0:
        return restore_gaps(filled, missing, signal)
    rows = filled.reshape(-1, n_samples)
    pad = min(int(np.ceil(_SETTLING_PERIODS * fs / slowest_hz)), max(n_samples - 1, 8))
    n_fft = _next_smooth(n_samples + 3 * pad)
    frequencies = np.arange(n_fft // 2 + 1) / n_fft
    warped = np.tan(np.pi * np.minimum(frequencies, 0.5 - 1e-9))
    response = gain(warped)
    bridge = 0.5 - 0.5 * np.cos(
        np.pi * np.arange(1, n_fft - n_samples - 2 * pad + 1) / (n_fft - n_samples - 2 * pad + 1)
    )
    result = np.empty_like(rows)
    group = max(1, (1 << 20) // n_fft)  # a few leads at a time keep long recordings in memory
    for first in range(0, rows.shape[0], group):
        part = extend_by_point_reflection(rows[first : first + group], pad, pad)
        join = part[:, -1:] + (part[:, :1] - part[:, -1:]) * bridge
        spectrum = np.fft.rfft(np.concatenate([part, join], axis=1), axis=1)
        filtered = np.fft.irfft(spectrum * response, n=n_fft, axis=1)
        result[first : first + group] = filtered[:, pad : pad + n_samples]
    return restore_gaps(result.reshape(filled.shape), missing, signal)


def _next_smooth(length: int) -> int:
    """Return the next length that the Fourier transform handles quickly."""
    power = 1 << max(length - 1, 15).bit_length()
    return min(size for part in (9, 10, 12, 15, 16) if (size := power * part // 16) >= length)
