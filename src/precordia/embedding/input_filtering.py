# SPDX-License-Identifier: Apache-2.0
"""Filters as published models apply them to their input."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator

import numpy as np

from precordia.core.errors import SamplingRateError, SignalError
from precordia.core.input_filters import Butterworth, Fir, Notch, RunningMedian, check_corner
from precordia.embedding.passage import Passage, model_name, refuse_gaps, refuse_short
from precordia.signal import filters
from precordia.signal.zero_phase import butterworth_polynomials, filter_both_ways

_LONGEST_MEDIAN = 20_001
#: what is larger than this came from a filter that is unstable, not from a heart
_NO_SIGNAL_MV = 1e150
#: filters of higher order, or with corners lower than this share of the rate, are left to SciPy
_TAME_ORDER, _TAME_CORNER = 4, 0.004


def filter_butterworth(step: Butterworth, passage: Passage) -> None:
    """Filter with a Butterworth filter, as ``scipy.signal`` designs and applies it.

    Raises
    ------
    SamplingRateError
        If a corner does not lie below half the rate.
    SignalError
        If samples are missing, or the signal is too short for the filter.
    """
    _check(step, passage)
    corners = _corners(step)
    if step.form == "spectral":
        function = getattr(filters, step.kind)
        passage.signal = function(passage.signal, passage.fs, *corners, order=step.order)
    elif step.form == "ba" and step.phase == "zero" and _tame(step, passage.fs):
        b, a = butterworth_polynomials(step.kind, step.order, corners, passage.fs)
        refuse_short(passage, 3 * len(a))
        passage.signal = filter_both_ways(b, a, passage.signal)
    elif step.form == "ba":
        _apply_polynomials(_butterworth(step, passage.fs), step.phase, passage)
    else:
        from scipy import signal as scipy_signal

        sections = _butterworth(step, passage.fs)
        extension = 3 * (2 * len(sections) + 1)  # never less than what sosfiltfilt extends by
        if step.phase == "causal":
            passage.signal = scipy_signal.sosfilt(sections, passage.signal, axis=-1)
        else:
            refuse_short(passage, extension)
            with _steady(passage):
                passage.signal = scipy_signal.sosfiltfilt(sections, passage.signal, axis=-1)
    _check_stable(passage)
    passage.done.append(
        f"Butterworth {step.kind} {_band(corners)}, order {step.order}, {step.phase} phase"
    )


def filter_fir(step: Fir, passage: Passage) -> None:
    """Filter with a windowed finite impulse response.

    Raises
    ------
    SamplingRateError, SignalError
        As `filter_butterworth`.
    """
    _check(step, passage)
    if step.taps_s * passage.fs < 3:
        raise SamplingRateError(
            f"a filter of {step.taps_s:g} s meets a signal at {passage.fs:g} Hz, which is fewer "
            f"than 3 samples; {3 / step.taps_s:.3g} Hz or more are needed. Take a recording at a "
            "higher rate."
        )
    _apply_polynomials(_fir(step, passage.fs), step.phase, passage)
    passage.done.append(f"FIR {step.kind} {_band(_corners(step))}, {step.phase} phase")


def filter_notch(step: Notch, passage: Passage) -> None:
    """Remove one frequency.

    Raises
    ------
    SamplingRateError, SignalError
        As `filter_butterworth`.
    """
    _check(step, passage)
    _apply_polynomials(_notch(step, passage.fs), step.phase, passage)
    passage.done.append(f"notch at {step.hz:g} Hz")


def subtract_running_median(step: RunningMedian, passage: Passage) -> None:
    """Subtract a running median as the baseline.

    Raises
    ------
    SignalError
        If samples are missing, or fewer than a median takes.
    """
    from scipy.ndimage import median_filter

    refuse_gaps(passage, "to remove the baseline")
    baseline = passage.signal
    mode = "constant" if step.edges == "zero" else "nearest"
    for seconds in step.seconds:
        width = int(seconds * passage.fs) + 1
        width += width % 2 == 0
        refuse_short(passage, width - 1)
        if width > _LONGEST_MEDIAN:
            raise SignalError(
                f"a running median of {width} samples arrived; up to {_LONGEST_MEDIAN} are "
                "possible. Put a 'resample' step before it."
            )
        # SciPy is fifty times faster with one dimension.
        rows = baseline.reshape(-1, baseline.shape[-1])
        medians = [median_filter(row, size=width, mode=mode, cval=0.0) for row in rows]
        baseline = np.reshape(medians, baseline.shape)
    passage.signal = passage.signal - baseline
    lengths = " and ".join(f"{seconds:g} s" for seconds in step.seconds)
    passage.done.append(f"running median of {lengths} subtracted")


def _check(step: Butterworth | Fir | Notch, passage: Passage) -> None:
    check_corner(step, passage.fs)
    refuse_gaps(passage, "to filter")


@contextlib.contextmanager
def _steady(passage: Passage) -> Iterator[None]:
    """Turn a filter that has no steady state to start from into a sentence."""
    try:
        yield
    except np.linalg.LinAlgError as error:
        raise _unstable(passage) from error


def _check_stable(passage: Passage) -> None:
    signal = passage.signal
    if signal.size and not max(-signal.min(), signal.max()) < _NO_SIGNAL_MV:
        raise _unstable(passage)


def _unstable(passage: Passage) -> SignalError:
    return SignalError(
        f"a filter of {model_name(passage.spec)} is unstable at {passage.fs:g} Hz. Use form = "
        "'sos', a lower order, or corners that are not as far below the rate."
    )


def _apply_polynomials(design: tuple, phase: str, passage: Passage) -> None:
    from scipy.signal import filtfilt, lfilter

    b, a = design
    if phase == "causal":
        passage.signal = lfilter(b, a, passage.signal, axis=-1)
        return
    refuse_short(passage, 3 * max(len(a), len(b)))
    with _steady(passage):
        passage.signal = filtfilt(b, a, passage.signal, axis=-1)


def _corners(step: Butterworth | Fir) -> tuple[float, ...]:
    return tuple(corner for corner in (step.low_hz, step.high_hz) if corner is not None)


def _band(corners: tuple[float, ...]) -> str:
    return " to ".join(f"{corner:g}" for corner in corners) + " Hz"


def _tame(step: Butterworth, fs: float) -> bool:
    """Tell whether our own filter will do, which spares the import of scipy.signal (0.4 s)."""
    return step.order <= _TAME_ORDER and min(_corners(step)) >= _TAME_CORNER * fs


@functools.lru_cache(maxsize=64)
def _butterworth(step: Butterworth, fs: float) -> np.ndarray | tuple:
    from scipy.signal import butter

    corners = _corners(step)
    at = corners[0] if len(corners) == 1 else corners
    return butter(step.order, at, btype=step.kind, fs=fs, output=step.form)


@functools.lru_cache(maxsize=64)
def _fir(step: Fir, fs: float) -> tuple:
    from scipy.signal import firwin

    n_taps = int(step.taps_s * fs)
    n_taps += n_taps % 2 == 0
    passes_zero = step.kind in ("lowpass", "bandstop")
    taps = firwin(n_taps, _corners(step), pass_zero=passes_zero, window=step.window, fs=fs)
    return taps, np.ones(1)


@functools.lru_cache(maxsize=64)
def _notch(step: Notch, fs: float) -> tuple:
    from scipy.signal import iirnotch

    return iirnotch(step.hz, step.quality, fs=fs)
