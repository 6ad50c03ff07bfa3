# SPDX-License-Identifier: Apache-2.0
"""Steps between a recording and what a model takes: gaps, rate and windows, and the list of all."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from precordia.core.errors import OptionError, unknown_name
from precordia.core.input_filters import Butterworth, Fir, Notch, RunningMedian
from precordia.core.input_scaling import (
    Clip,
    MaxAbs,
    MinMax,
    RemoveMean,
    Robust,
    Scale,
    Standardise,
    ZScore,
)
from precordia.core.input_step import Step, choice, number


@dataclass(frozen=True, slots=True, kw_only=True)
class FillGaps(Step):
    """Fill samples that were never recorded.

    Attributes
    ----------
    method
        ``"interpolate"`` (a straight line, the ends held), ``"zero"`` or ``"mean"`` (of what the
        lead, or the lead within its window, does hold).
    longest_s
        A longer gap is refused, s.
    """

    name: ClassVar[str] = "fill-gaps"
    method: str = choice("interpolate", "zero", "mean")
    longest_s: float = number(math.inf, above=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resample(Step):
    """Change the sampling rate; nothing happens to a recording that has it already.

    Attributes
    ----------
    method
        ``"sinc"`` (the filter of `precordia.signal.resample`), ``"fourier"``
        (``scipy.signal.resample``), ``"polyphase"`` (``scipy.signal.resample_poly``), ``"linear"``
        (between neighbours, sample k of the new rate at k / fs), ``"linear-ends"`` (the first and
        last sample stay the first and last) or ``"pick"`` (every k-th sample, no filter).
    fs
        The new rate, Hz; that of the input where it is not given.
    lowest_fs
        A recording at a lower rate is refused, Hz.
    """

    name: ClassVar[str] = "resample"
    method: str = choice("sinc", "fourier", "polyphase", "linear", "linear-ends", "pick")
    fs: float | None = number(None, above=0)
    lowest_fs: float = number(0.0, least=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decimate(Step):
    """Divide the rate by a whole number with ``scipy.signal.decimate`` (Chebyshev, zero phase).

    Attributes
    ----------
    factor
        The divisor.
    across_leads
        Whether the leads are first put end to end, so that neighbours leak into each other at
        their borders; a published model does so.
    """

    name: ClassVar[str] = "decimate"
    factor: int = number(least=2)
    across_leads: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Window(Step):
    """Cut windows of the model's length from the recording.

    Attributes
    ----------
    take
        ``"first"``, ``"centre"``, ``"last"``, ``"all"`` (one after the other) or ``"sliding"``.
    step_s
        Distance between sliding windows, s.
    tail
        What ``"all"`` and ``"sliding"`` do with the rest at the end: ``"shift"`` a last window so
        that it ends with the recording, ``"drop"`` it, or ``"pad"`` it as ``short`` says.
    short
        How a recording that is too short is lengthened: ``"zero"``, ``"nan"`` (for a later
        fill-gaps step), ``"edge"``, ``"repeat"``, ``"reflect"``, or ``"refuse"``.
    side
        Where: at its ``"end"``, its ``"start"`` or on ``"both"`` sides.
    """

    name: ClassVar[str] = "window"
    take: str = choice("first", "centre", "last", "all", "sliding")
    step_s: float | None = number(None, above=0)
    tail: str = choice("shift", "drop", "pad")
    short: str = choice("zero", "nan", "edge", "repeat", "reflect", "refuse")
    side: str = choice("end", "start", "both")

    def _check(self) -> None:
        if (self.take == "sliding") != (self.step_s is not None):
            raise OptionError(
                f"a 'window' step with take='{self.take}' and step_s={self.step_s} arrived; "
                "sliding windows need step_s, others have none."
            )
        if self.tail == "pad" and self.short == "refuse":
            raise OptionError(
                "a 'window' step with tail='pad' and short='refuse' arrived; the tail needs a way "
                "to be lengthened. Give short, or tail='shift'."
            )


STEPS: dict[str, type[Step]] = {
    kind.name: kind
    for kind in (
        *(FillGaps, Resample, Decimate, Butterworth, Fir, Notch, RunningMedian, RemoveMean),
        *(Scale, Clip, ZScore, Robust, MaxAbs, MinMax, Standardise, Window),
    )
}


def read_step(table: Mapping[str, Any]) -> Step:
    """Make a step from its table.

    Raises
    ------
    OptionError
        If the table has no ``step``, or an entry is unknown, missing or impossible.
    UnknownNameError
        If there is no such step.

    Examples
    --------
    >>> read_step({"step": "clip", "low": -5, "high": 5})
    Clip(low=-5.0, high=5.0)
    """
    if not isinstance(table, Mapping) or not isinstance(table.get("step"), str):
        raise OptionError(
            f"a step is a table such as {{ step = 'clip', low = -5, high = 5 }}; {table!r} arrived."
        )
    if table["step"] not in STEPS:
        raise unknown_name("step", table["step"], STEPS, listing=", ".join(STEPS))
    kind = STEPS[table["step"]]
    given = {key: value for key, value in table.items() if key != "step"}
    known = {entry.name: entry for entry in dataclasses.fields(kind)}
    check_keys(f"step '{kind.name}'", given, known)
    for key, entry in known.items():
        if entry.default is dataclasses.MISSING and key not in given:
            raise OptionError(f"a '{kind.name}' step without {key} arrived; {key} is needed.")
        if key in given and str(entry.type).startswith("tuple"):
            several = isinstance(given[key], (list, tuple))
            given[key] = tuple(given[key]) if several else (given[key],)
    return kind(**given)


def check_keys(what: str, given: Mapping[str, Any], known: Mapping[str, Any] | set[str]) -> None:
    """Refuse entries that a table does not have.

    Raises
    ------
    OptionError
        If an entry is unknown.
    """
    for key in given:
        if key not in known:
            raise OptionError(
                f"{what} has an entry '{key}'; it may have {', '.join(sorted(known)) or 'none'}."
            )
