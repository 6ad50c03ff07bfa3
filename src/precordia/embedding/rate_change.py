# SPDX-License-Identifier: Apache-2.0
"""Sampling rates changed as published models change them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
from jaxtyping import Float

from precordia.core.errors import SamplingRateError, SignalError
from precordia.core.input_steps import Decimate, Resample
from precordia.embedding.passage import (
    MOST_NUMBERS,
    Passage,
    model_name,
    refuse_gaps,
    refuse_short,
)
from precordia.signal.decimation import decimate
from precordia.signal.resample import resample

_Signal = Float[np.ndarray, "... sample"]
_Changed = Float[np.ndarray, "..."]
_LARGEST_RATIO = 10_000
_CHEBYSHEV_EXTENSION = 27  # samples, of the eighth-order filter that SciPy decimates with


def change_rate(step: Resample, passage: Passage) -> None:
    """Resample to the rate of the step, or of the input.

    Raises
    ------
    SamplingRateError
        If the recording's rate is lower than the step allows, or does not suit the method.
    SignalError
        If samples are missing, or would be too many.

    Notes
    -----
    Missing samples are refused for every method: only ``"sinc"`` could keep gaps apart, and no
    published model was trained on its way to do so.
    """
    fs, new_fs = passage.fs, step.fs or passage.spec.fs
    if passage.record_fs < step.lowest_fs:
        raise SamplingRateError(
            f"{model_name(passage.spec)} needs recordings at {step.lowest_fs:g} Hz or more; this "
            f"one has {passage.record_fs:g} Hz, and what lies above {passage.record_fs / 2:g} Hz "
            "cannot be brought back. Take the recording at its original rate."
        )
    if abs(fs - new_fs) <= 1e-9 * new_fs:
        passage.fs = new_fs
        return
    refuse_gaps(passage, "to resample")
    _check_size(passage, new_fs)
    passage.signal = _METHODS[step.method](passage.signal, fs, new_fs)
    passage.fs = new_fs
    lost = f"; it holds nothing above {fs / 2:g} Hz" if new_fs > fs else ""
    passage.done.append(f"resampled from {fs:g} to {new_fs:g} Hz ({step.method}){lost}")


def divide_rate(step: Decimate, passage: Passage) -> None:
    """Divide the rate by a whole number, if need be across the borders of the leads.

    Raises
    ------
    SamplingRateError
        If leads that are put end to end do not have a whole number of samples afterwards.
    SignalError
        If samples are missing, or too few.
    """
    from scipy.signal import decimate as chebyshev

    refuse_gaps(passage, "to decimate")
    refuse_short(passage, _CHEBYSHEV_EXTENSION)
    signal, factor = passage.signal, step.factor
    if step.across_leads:
        if signal.shape[-1] % factor:
            raise SamplingRateError(
                f"leads of {signal.shape[-1]} samples, put end to end, cannot be divided by "
                f"{factor}; a multiple of {factor} is needed. Put the 'decimate' step after the "
                "'window' step."
            )
        flat = signal.reshape(*signal.shape[:-2], -1)
        slow = chebyshev(flat, factor, axis=-1)
        passage.signal = slow.reshape(*signal.shape[:-1], -1)
    else:
        passage.signal = chebyshev(signal, factor, axis=-1)
    passage.fs /= factor
    where = ", leads end to end" if step.across_leads else ""
    passage.done.append(f"decimated by {factor} to {passage.fs:g} Hz{where}")


def _check_size(passage: Passage, new_fs: float) -> None:
    ratio = new_fs / passage.fs
    if not 1 / _LARGEST_RATIO <= ratio <= _LARGEST_RATIO:
        raise SamplingRateError(
            f"a change from {passage.fs:g} Hz to {new_fs:g} Hz arrived; a factor between "
            f"1/{_LARGEST_RATIO} and {_LARGEST_RATIO} was needed. Check that both rates are in Hz."
        )
    if passage.signal.size * ratio > MOST_NUMBERS:
        raise SignalError(
            f"{passage.signal.size * ratio:.2g} numbers would result at {new_fs:g} Hz; up to "
            f"{MOST_NUMBERS:.2g} fit into one call. Prepare the recording part by part."
        )


def _sinc(signal: _Signal, fs: float, new_fs: float) -> _Changed:
    factor = fs / new_fs
    if factor > 1 and abs(factor - round(factor)) < 1e-9:
        return decimate(signal, round(factor))
    return resample(signal, fs, new_fs)


def _fourier(signal: _Signal, fs: float, new_fs: float) -> _Changed:
    from scipy.signal import resample as fourier

    return fourier(signal, _length(signal, fs, new_fs), axis=-1)


def _polyphase(signal: _Signal, fs: float, new_fs: float) -> _Changed:
    from scipy.signal import resample_poly

    ratio = Fraction(new_fs / fs).limit_denominator(10_000)
    return resample_poly(signal, ratio.numerator, ratio.denominator, axis=-1)


def _linear(signal: _Signal, fs: float, new_fs: float) -> _Changed:
    n_new = -(-signal.shape[-1] * Fraction(new_fs / fs).limit_denominator(10_000) // 1)
    return _between(signal, np.arange(int(n_new)) * (fs / new_fs))


def _linear_ends(signal: _Signal, fs: float, new_fs: float) -> _Changed:
    n_new = max(1, int(signal.shape[-1] * new_fs / fs + 1e-9))
    return _between(signal, np.linspace(0, signal.shape[-1] - 1, n_new))


def _pick(signal: _Signal, fs: float, new_fs: float) -> _Changed:
    factor = fs / new_fs
    if abs(factor - round(factor)) > 1e-9 or factor < 1:
        raise SamplingRateError(
            f"every k-th sample is to be picked to come from {fs:g} to {new_fs:g} Hz; the rate of "
            f"the recording must be a multiple of {new_fs:g} Hz. Use "
            f"resample_record(record, fs={new_fs:g}) first."
        )
    return signal[..., :: round(factor)]


def _between(signal: _Signal, places: np.ndarray) -> _Changed:
    """Read a signal between its samples; the last one is held."""
    last = signal.shape[-1] - 1
    places = np.minimum(places, last)
    left = np.minimum(places.astype(int), max(last - 1, 0))
    part = places - left
    return signal[..., left] * (1 - part) + signal[..., np.minimum(left + 1, last)] * part


def _length(signal: _Signal, fs: float, new_fs: float) -> int:
    return max(1, round(signal.shape[-1] * new_fs / fs))


_METHODS: dict[str, Callable[[_Signal, float, float], _Changed]] = {
    "sinc": _sinc,
    "fourier": _fourier,
    "polyphase": _polyphase,
    "linear": _linear,
    "linear-ends": _linear_ends,
    "pick": _pick,
}
