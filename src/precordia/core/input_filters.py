# SPDX-License-Identifier: Apache-2.0
"""The filters that a model's input may pass through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from precordia.core.errors import OptionError, SamplingRateError
from precordia.core.input_step import Step, choice, number

_KINDS = ("bandpass", "bandstop", "highpass", "lowpass")


@dataclass(frozen=True, slots=True, kw_only=True)
class Butterworth(Step):
    """Filter with a Butterworth filter.

    Attributes
    ----------
    kind
        ``"bandpass"``, ``"bandstop"``, ``"highpass"`` or ``"lowpass"``.
    low_hz, high_hz
        Corner frequencies, Hz; a high-pass has the first, a low-pass the second.
    order
        Order in one direction.
    phase
        ``"zero"`` (forwards and backwards) or ``"causal"`` (forwards, from rest).
    form
        ``"sos"`` (second-order sections), ``"ba"`` (one pair of polynomials, as
        ``scipy.signal.filtfilt`` takes them; the ends differ a little) or ``"spectral"`` (zero
        phase in closed form, `precordia.signal.filters`).
    """

    name: ClassVar[str] = "butterworth"
    kind: str = choice(*_KINDS)
    low_hz: float | None = number(None, above=0)
    high_hz: float | None = number(None, above=0)
    order: int = number(4, least=1)
    phase: str = choice("zero", "causal")
    form: str = choice("sos", "ba", "spectral")

    def _check(self) -> None:
        _check_corners(self)
        if self.form == "spectral" and self.phase == "causal":
            raise OptionError(
                "a causal 'butterworth' step of form 'spectral' arrived; that form has no phase. "
                "Use form='sos'."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fir(Step):
    """Filter with a finite impulse response, designed by the window method.

    Attributes
    ----------
    kind, low_hz, high_hz
        As for a Butterworth filter.
    taps_s
        Length of the response, s; rounded down to samples, made odd by one more.
    window
        Window of the design, a name that ``scipy.signal.firwin`` knows.
    phase
        ``"zero"`` (forwards and backwards) or ``"causal"``.
    """

    name: ClassVar[str] = "fir"
    kind: str = choice(*_KINDS)
    low_hz: float | None = number(None, above=0)
    high_hz: float | None = number(None, above=0)
    taps_s: float = number(0.3, above=0)
    window: str = choice("hamming", "hann", "blackman", "boxcar")
    phase: str = choice("zero", "causal")

    def _check(self) -> None:
        _check_corners(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notch(Step):
    """Remove one frequency with a second-order notch (``scipy.signal.iirnotch``).

    Attributes
    ----------
    hz
        The frequency, Hz.
    quality
        The frequency over the width that is lost.
    phase
        ``"zero"`` or ``"causal"``.
    """

    name: ClassVar[str] = "notch"
    hz: float = number(above=0)
    quality: float = number(30.0, above=0)
    phase: str = choice("zero", "causal")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningMedian(Step):
    """Subtract a running median, or several in cascade, as the baseline.

    Attributes
    ----------
    seconds
        Length of each median, s: ``int(seconds * fs) + 1`` samples, one more where that is even.
    edges
        What lies beyond the ends: ``"hold"`` the outermost sample or ``"zero"`` (as
        ``scipy.signal.medfilt`` has it).
    """

    name: ClassVar[str] = "running-median"
    seconds: tuple[float, ...] = number(above=0)
    edges: str = choice("hold", "zero")


def check_corner(step: Step, fs: float) -> None:
    """Refuse a filter whose corners a sampling rate cannot hold.

    Raises
    ------
    SamplingRateError
        If a corner is not below half the rate.
    """
    corners: tuple[float | None, ...] = ()
    if isinstance(step, (Butterworth, Fir)):
        corners = (step.low_hz, step.high_hz)
    elif isinstance(step, Notch):
        corners = (step.hz,)
    for corner in corners:
        if corner is not None and corner >= fs / 2:
            raise SamplingRateError(
                f"a '{step.name}' step at {corner:g} Hz meets a signal at {fs:g} Hz; a rate above "
                f"{2 * corner:g} Hz is needed. Take a recording at a higher rate, or put a "
                "'resample' step before the filter."
            )


def _check_corners(step: Butterworth | Fir) -> None:
    needs = {"highpass": (True, False), "lowpass": (False, True)}.get(step.kind, (True, True))
    if (step.low_hz is not None, step.high_hz is not None) != needs:
        names = " and ".join(
            n for n, need in zip(("low_hz", "high_hz"), needs, strict=True) if need
        )
        raise OptionError(
            f"a '{step.name}' {step.kind} with low_hz={step.low_hz} and high_hz={step.high_hz} "
            f"arrived; it needs {names} and nothing else."
        )
    if step.low_hz is not None and step.high_hz is not None and step.low_hz >= step.high_hz:
        raise OptionError(
            f"a '{step.name}' step from {step.low_hz:g} to {step.high_hz:g} Hz arrived; the "
            "corners must rise."
        )
