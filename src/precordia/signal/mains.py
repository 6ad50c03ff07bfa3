# SPDX-License-Identifier: Apache-2.0
"""Find and subtract power line interference."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from precordia.core.errors import OptionError, SamplingRateError
from precordia.signal.filters import bandstop, highpass
from precordia.signal.gaps import bridge_gaps, check_fs, restore_gaps

_CANDIDATES_HZ = (50.0, 60.0)
_WINDOW_S = 0.4  # standard deviation of the window over which the hum is taken as steady
_PROMINENCE = 6.0  # power of the line against its neighbourhood


@dataclass(frozen=True, slots=True, kw_only=True)
class Mains:
    """Power line interference of a recording.

    Attributes
    ----------
    frequency_hz
        50 or 60; NaN where no line stands out in any lead.
    amplitude_mv
        Amplitude (half of peak to peak) of the hum in each lead, mV.
    """

    frequency_hz: float
    amplitude_mv: Float[np.ndarray, " lead"]


def detect_mains(signal: Float[np.ndarray, "... sample"], fs: float) -> Mains:
    """Tell whether 50 or 60 Hz interference is present, and how much in each lead.

    Parameters
    ----------
    signal
        Potential in millivolts; NaN where nothing was recorded.
    fs
        Sampling rate, Hz.

    Returns
    -------
    Frequency and amplitude per lead (leads in row order, flattened).

    Raises
    ------
    SignalError
        If the signal holds infinite values.

    Notes
    -----
    *Method.* Hann periodogram over the whole recording; a line counts when the power within
    0.5 Hz of 50 or 60 Hz exceeds six times that of the median bin 1.5 to 6 Hz away, in the sum
    over leads. The amplitude is what the excess over that median amounts to.

    Examples
    --------
    >>> hum = 0.1 * np.sin(2 * np.pi * 60 * np.arange(5000) / 500)
    >>> found = detect_mains(hum + np.zeros((2, 1)), 500)
    >>> found.frequency_hz, found.amplitude_mv.round(2).tolist()
    (60.0, [0.1, 0.1])
    """
    rate = check_fs(fs)
    filled, _ = bridge_gaps(signal)
    rows = filled.reshape(-1, filled.shape[-1])
    n_samples = rows.shape[1]
    none = Mains(frequency_hz=float("nan"), amplitude_mv=np.zeros(rows.shape[0]))
    if n_samples < rate:
        return none
    window = np.hanning(n_samples + 2)[1:-1]
    spectrum = np.abs(np.fft.rfft((rows - rows.mean(axis=1, keepdims=True)) * window)) ** 2
    frequencies = np.fft.rfftfreq(n_samples, 1 / rate)
    scale = 4 / (window**2).sum() / n_samples  # power in a band to squared amplitude
    best, best_contrast = none, _PROMINENCE
    for candidate in _CANDIDATES_HZ:
        if candidate + 2 >= rate / 2:
            continue
        distance = np.abs(frequencies - candidate)
        line, around = distance <= 0.5, (distance >= 1.5) & (distance <= 6)
        floor = np.median(spectrum[:, around], axis=1) / np.log(2)  # a mean, from a median
        excess = spectrum[:, line].sum(axis=1) - floor * line.sum()
        contrast = excess.sum() / max(floor.sum() * line.sum(), 1e-30) + 1
        if contrast > best_contrast and excess.sum() * scale > 1e-10:
            amplitude = np.sqrt(np.clip(excess, 0, None) * scale)
            best, best_contrast = Mains(frequency_hz=candidate, amplitude_mv=amplitude), contrast
    return best


def remove_mains(
    signal: Float[np.ndarray, "... sample"],
    fs: float,
    *,
    frequency_hz: float | None = None,
    harmonics: int = 3,
    method: Literal["subtract", "notch"] = "subtract",
) -> Float[np.ndarray, "... sample"]:
    """Remove power line interference and keep the QRS complex as it is.

    Parameters
    ----------
    signal
        Potential in millivolts; NaN where nothing was recorded.
    fs
        Sampling rate, Hz.
    frequency_hz
        Mains frequency, Hz. None detects it, and does nothing where there is none.
    harmonics
        Multiples of the mains frequency that are treated, as far as the sampling rate allows.
    method
        ``"subtract"``: subtract a sine whose amplitude and phase follow the hum between the QRS
        complexes. ``"notch"``: zero-phase band-stop filter 2 Hz wide; it rings after each QRS.

    Returns
    -------
    The signal without the hum, same shape and float type.

    Raises
    ------
    SamplingRateError
        If a frequency is given that does not lie below half the sampling rate.
    OptionError
        If the method is unknown.

    Notes
    -----
    *Method.* The high-passed signal is shifted to zero frequency, and its complex amplitude
    averaged under a Gaussian window (standard deviation 0.4 s) with weight zero wherever the
    high-passed signal is larger than the hum can be, as it is within QRS complexes. This is the
    idea of Levkov's subtraction procedure (linear segments yield the interference, which is then
    carried over the QRS). *Departure*: the hum is estimated by demodulation in weighted windows in
    place of averaging filters, so the sampling rate need not be a multiple of the mains frequency;
    a frequency error up to about 0.3 Hz is followed by the phase of the amplitude.

    References
    ----------
    Levkov C et al. BioMedical Engineering OnLine 2005;4:50. doi:10.1186/1475-925X-4-50

    Examples
    --------
    >>> hum = 0.1 * np.sin(2 * np.pi * 50 * np.arange(5000) / 500)
    >>> bool(np.abs(remove_mains(hum, 500, frequency_hz=50)).max() < 0.005)
    True
    """
    rate = check_fs(fs)
    if method not in ("subtract", "notch"):
        raise OptionError(f"method = {method!r} arrived; 'subtract' or 'notch' was needed.")
    filled, missing = bridge_gaps(signal)
    if frequency_hz is None:
        frequency_hz = detect_mains(signal, rate).frequency_hz
        if np.isnan(frequency_hz):
            return restore_gaps(filled, missing, signal)
    if not 0 < frequency_hz < rate / 2:
        raise SamplingRateError(
            f"a mains frequency of {frequency_hz:g} Hz arrived for a signal at {rate:g} Hz; it must"
            f" lie below {rate / 2:g} Hz. Leave frequency_hz out to detect it."
        )
    rows = filled.reshape(-1, filled.shape[-1])
    for multiple in range(1, harmonics + 1):
        line = multiple * frequency_hz
        if line + 2 >= rate / 2:
            break
        if method == "notch":
            rows = bandstop(rows, rate, line - 1, line + 1)
        else:
            rows = rows - _hum(rows, rate, line)
    return restore_gaps(rows.reshape(filled.shape), missing, signal)


def _hum(
    rows: Float[np.ndarray, "lead sample"], fs: float, line_hz: float
) -> Float[np.ndarray, "lead sample"]:
    """Estimate the sine at one frequency, weighting QRS complexes out."""
    n_samples = rows.shape[1]
    corner = 0.7 * line_hz
    ratio = np.tan(np.pi * corner / fs) / np.tan(np.pi * line_hz / fs)
    fast = highpass(rows, fs, corner, order=4) * (1 + ratio**8)
    carrier = np.exp(-2j * np.pi * line_hz / fs * np.arange(n_samples))
    size = np.abs(fast)
    width = max(round(0.04 * fs), 1)
    envelope = _smooth(size, width)
    limit = 1.6 * np.median(envelope, axis=1, keepdims=True) + 1e-9
    weight = (envelope < limit).astype(float)
    weight = (_smooth(weight, width) > 0.999).astype(float) + 1e-4
    # whole cycles in the inner average keep the image at twice the frequency out
    reach = round(_WINDOW_S * fs)
    total = _gaussian(weight, reach)
    amplitude = _gaussian(weight * fast * carrier, reach) / total
    return 2 * (amplitude * np.conj(carrier)).real


def _smooth(values: np.ndarray, width: int) -> np.ndarray:
    """Average over ``2 * width + 1`` samples, shorter at the ends."""
    total = np.cumsum(np.pad(values, ((0, 0), (1, 0))), axis=1)
    n_samples = values.shape[1]
    first = np.clip(np.arange(n_samples) - width, 0, None)
    last = np.clip(np.arange(n_samples) + width + 1, None, n_samples)
    return (total[:, last] - total[:, first]) / (last - first)


def _gaussian(values: np.ndarray, sigma: int) -> np.ndarray:
    """Convolve with a Gaussian; beyond the ends there is nothing."""
    n_samples = values.shape[1]
    n_fft = 1 << (n_samples + 4 * sigma).bit_length()
    frequencies = np.fft.fftfreq(n_fft)
    gain = np.exp(-2 * (np.pi * sigma * frequencies) ** 2)
    smoothed = np.fft.ifft(np.fft.fft(values, n_fft, axis=1) * gain, axis=1)[:, :n_samples]
    return smoothed if np.iscomplexobj(values) else smoothed.real
