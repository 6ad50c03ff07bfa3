# SPDX-License-Identifier: Apache-2.0
"""Which leads, how many samples, at which rate: inferred from one another and cross-checked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from precordia.core.errors import LeadError, OptionError, SamplingRateError
from precordia.core.input_spec import ANY_LEAD, LEAD_SETS
from precordia.core.leads import canonical_lead
from precordia.core.value import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalShape(Value):
    """What stands on the rows and columns of a model's input.

    Attributes
    ----------
    n_leads
        Number of rows.
    n_samples
        Number of columns.
    fs
        Sampling rate, Hz.
    leads
        Lead names in the order of the rows; empty where only their number is known.
    """

    n_leads: int
    n_samples: int
    fs: float
    leads: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Length of the input, s."""
        return self.n_samples / self.fs


def resolve_shape(
    *,
    n_leads: int | None = None,
    leads: Sequence[str] | str | None = None,
    n_samples: int | None = None,
    seconds: float | None = None,
    fs: float | None = None,
    usual: SignalShape,
) -> SignalShape:
    """Complete the five arguments of a signal from those that are given.

    Parameters
    ----------
    n_leads, leads
        Number or names of the leads (or the name of a set: ``"standard-12"``). Twelve are the
        standard leads, eight the independent ones, one is any lead; another number stays unnamed.
    n_samples, seconds, fs
        Two of them give the third. Where only one is given, the rate (or, if that is the one, the
        length in seconds) is the usual one.
    usual
        What holds where nothing is given.

    Returns
    -------
    The whole shape.

    Raises
    ------
    LeadError, SamplingRateError, OptionError
        If an argument is impossible or contradicts another.

    Examples
    --------
    >>> usual = SignalShape(n_leads=12, n_samples=1000, fs=100)
    >>> resolve_shape(leads=("I",), seconds=10, fs=250, usual=usual).n_samples
    2500
    >>> resolve_shape(n_samples=1000, seconds=10, fs=250, usual=usual)
    Traceback (most recent call last):
    precordia.core.errors.OptionError: n_samples is 1000, and 10 s at 250 Hz are 2500 samples; ...
    """
    names, count = _leads(n_leads, leads, usual)
    rate = None if fs is None else _positive("fs", fs, "a rate in Hz", SamplingRateError)
    length = None if seconds is None else _positive("seconds", seconds, "a length in s")
    samples = None if n_samples is None else _count("n_samples", n_samples)
    if samples is None:
        rate = usual.fs if rate is None else rate
        length = usual.seconds if length is None else length
        samples = round(rate * length)
        if not samples or abs(samples - rate * length) > 1e-6:
            raise OptionError(
                f"{length:g} s at {rate:g} Hz are {rate * length:g} samples; a whole number is "
                "needed. Change seconds or fs."
            )
    elif rate is None:
        rate = usual.fs if length is None else samples / length
    elif length is not None and abs(samples - rate * length) > 1e-6:
        raise OptionError(
            f"n_samples is {samples}, and {length:g} s at {rate:g} Hz are {rate * length:g} "
            "samples; they must agree. Leave one of the three away."
        )
    return SignalShape(n_leads=count, n_samples=samples, fs=rate, leads=names)


def _leads(n_leads: Any, leads: Any, usual: SignalShape) -> tuple[tuple[str, ...], int]:
    count = None if n_leads is None else _count("n_leads", n_leads)
    if leads is None:
        if count is None or count == usual.n_leads:
            return usual.leads, usual.n_leads
        named = {len(names): names for names in LEAD_SETS.values()} | {1: (ANY_LEAD,)}
        return named.get(count, ()), count
    if isinstance(leads, str):
        if leads not in LEAD_SETS:
            raise LeadError(
                f"leads is '{leads}'; a list of names such as ['I', 'II'], or one of "
                f"{', '.join(LEAD_SETS)}, is needed."
            )
        leads = LEAD_SETS[leads]
    if not isinstance(leads, Sequence) or not leads:
        raise LeadError(f"leads is {leads!r}; a list of at least one lead name is needed.")
    names = tuple(leads)
    for name in names:
        standard = canonical_lead(name) if isinstance(name, str) else None
        if standard != name and name != ANY_LEAD:
            hint = f" Did you mean '{standard}'?" if standard else ""
            raise LeadError(f"{name!r} is no lead name in the standard spelling.{hint}")
    if len(set(names)) != len(names):
        raise LeadError(f"leads are {', '.join(names)}; each may be named once.")
    if count is not None and count != len(names):
        raise LeadError(
            f"n_leads is {count}, and leads names {len(names)} ({', '.join(names)}); they must "
            "agree. Leave n_leads away."
        )
    return names, len(names)


def _count(name: str, given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or given < 1:
        raise OptionError(f"{name} is {given!r}; a whole number of at least 1 is needed.")
    return given


def _positive(name: str, given: Any, what: str, kind: type = OptionError) -> float:
    real = isinstance(given, (int, float)) and not isinstance(given, bool)
    if not real or not 0 < given < math.inf:
        raise kind(f"{name} is {given!r}; {what} above 0 is needed.")
    return float(given)
