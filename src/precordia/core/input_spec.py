# SPDX-License-Identifier: Apache-2.0
"""What a model takes: leads, rate, length, unit, and every step in its order."""

from __future__ import annotations

import hashlib
import json
import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from precordia.core.errors import LeadError, OptionError, SamplingRateError
from precordia.core.input_filters import check_corner
from precordia.core.input_scaling import Clip, Relative, Scale, Standardise
from precordia.core.input_step import Step
from precordia.core.input_steps import Decimate, Resample, Window, check_keys, read_step
from precordia.core.leads import PRECORDIAL, STANDARD_12, canonical_lead
from precordia.core.value import Value

ModelUnit = Literal["mV", "uV", "V"]
#: what one millivolt is in each unit
OF_ONE_MILLIVOLT = {"mV": 1.0, "uV": 1000.0, "V": 0.001}
#: sets of leads that a table may call by name
LEAD_SETS = {"standard-12": STANDARD_12, "independent-8": ("I", "II", *PRECORDIAL)}
#: in place of lead names: one lead, whichever the user has
ANY_LEAD = "any"
#: a larger epsilon, mV, makes the result of a normalisation depend on the unit
_LARGEST_NEUTRAL_EPSILON = 1e-3
_KEYS = {"leads", "fs", "seconds", "unit", "missing_leads", "steps"}


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSpec(Value):
    """What a model takes, and how a recording becomes it.

    The steps are done in their order, first to last, on the leads in their order. The spec stands
    in the model's card as the table ``[input]`` and checks itself.

    Attributes
    ----------
    leads
        Lead names in the order of the model's rows, or ``("any",)`` for one lead of any name.
    fs
        Rate of the finished windows, Hz.
    seconds
        Length of the finished windows, s.
    steps
        What is done, in order. Exactly one is a `Window`. Without a `Resample` a recording must
        have the rate already; without a `FillGaps` it must have no gaps.
    unit
        Unit in which the first step gets the signal.
    missing_leads
        What happens to leads that the recording lacks and that do not follow from the others by
        Einthoven's and Goldberger's equations: ``"refuse"``; ``"zero"``, where the finished rows
        are zero and no step sees them; or ``"zero-first"``, where they enter the first step as 0.
    model
        Name for error messages; not part of the table, and two specs that differ in it are equal.

    Raises
    ------
    OptionError, LeadError, SamplingRateError, UnknownNameError
        If something is impossible or contradicts something else.

    Examples
    --------
    >>> spec = InputSpec(leads=("II",), fs=250, seconds=10, steps=(Resample(), Window()))
    >>> spec.n_samples, spec == InputSpec.from_toml(spec.to_toml())
    (2500, True)
    """

    leads: tuple[str, ...]
    fs: float
    seconds: float
    steps: tuple[Step, ...]
    unit: ModelUnit = "mV"
    missing_leads: Literal["refuse", "zero", "zero-first"] = "refuse"
    model: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "leads", _checked_leads(self.leads))
        object.__setattr__(self, "fs", _positive("fs", self.fs, "a rate in Hz"))
        object.__setattr__(self, "seconds", _positive("seconds", self.seconds, "a length in s"))
        object.__setattr__(self, "steps", tuple(self.steps))
        if not isinstance(self.unit, str) or self.unit not in OF_ONE_MILLIVOLT:
            raise OptionError(f"unit is {self.unit!r}; one of mV, uV, V is needed.")
        if self.missing_leads not in ("refuse", "zero", "zero-first"):
            raise OptionError(
                f"missing_leads is {self.missing_leads!r}; one of refuse, zero, zero-first is "
                "needed."
            )
        if abs(self.fs * self.seconds - round(self.fs * self.seconds)) > 1e-6 or not self.n_samples:
            raise OptionError(
                f"{self.seconds:g} s at {self.fs:g} Hz arrived, {self.fs * self.seconds:g} samples;"
                " a whole number of samples is needed."
            )
        _check_steps(self)

    @property
    def n_leads(self) -> int:
        """Number of rows of a window."""
        return len(self.leads)

    @property
    def n_samples(self) -> int:
        """Number of samples of a window."""
        return round(self.fs * self.seconds)

    @property
    def window(self) -> Window:
        """The step that cuts windows."""
        return next(step for step in self.steps if isinstance(step, Window))

    @property
    def scale_needed(self) -> Literal["none", "relative", "absolute"]:
        """How much of the unit the result depends on.

        ``"none"``: each lead is normalised by itself, so any scale will do. ``"relative"``: all
        leads are normalised together, so they must have kept their relative size. ``"absolute"``:
        millivolts are needed.
        """
        for step in self.steps:
            if isinstance(step, Relative):
                if step.epsilon / OF_ONE_MILLIVOLT[self.unit] > _LARGEST_NEUTRAL_EPSILON:
                    return "absolute"
                return "none" if step.over == "lead" or self.n_leads == 1 else "relative"
            if isinstance(step, (Clip, Standardise)) or (isinstance(step, Scale) and step.offset):
                return "absolute"
        return "absolute"

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change with whatever changes the result."""
        text = json.dumps(self.to_table(), sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def to_table(self) -> dict[str, Any]:
        """Return the table ``[input]`` of a card."""
        named = next((name for name, leads in LEAD_SETS.items() if leads == self.leads), None)
        table: dict[str, Any] = {
            "leads": named or list(self.leads),
            "fs": self.fs,
            "seconds": self.seconds,
            "unit": self.unit,
        }
        if self.missing_leads != "refuse":
            table["missing_leads"] = self.missing_leads
        return table | {"steps": [step.to_table() for step in self.steps]}

    @classmethod
    def from_table(cls, table: Mapping[str, Any], *, model: str = "") -> InputSpec:
        """Make a spec from the table ``[input]`` of a card.

        Parameters
        ----------
        table
            The table, as ``tomllib`` reads it.
        model
            Name of the model, for error messages.

        Raises
        ------
        OptionError, LeadError, SamplingRateError, UnknownNameError
            If an entry is unknown, missing or impossible.

        Examples
        --------
        >>> steps = [{"step": "window"}, {"step": "z-score"}]
        >>> table = {"leads": "standard-12", "fs": 500, "seconds": 10, "steps": steps}
        >>> InputSpec.from_table(table).n_samples
        5000
        """
        if not isinstance(table, Mapping):
            raise OptionError(f"an [input] table is needed; {type(table).__name__} arrived.")
        check_keys("the [input] table", table, _KEYS)
        for key in ("leads", "fs", "seconds", "steps"):
            if key not in table:
                raise OptionError(f"the [input] table has no {key}; {key} is needed.")
        leads, steps = table["leads"], table["steps"]
        known = LEAD_SETS.get(leads) if isinstance(leads, str) else leads
        if not isinstance(known, (list, tuple)):
            raise LeadError(
                f"leads are {leads!r}; a list of names, or one of {', '.join(LEAD_SETS)}, is "
                "needed."
            )
        if not isinstance(steps, (list, tuple)):
            raise OptionError(f"steps is {steps!r}; a list of tables is needed.")
        rest = {key: table[key] for key in ("unit", "missing_leads") if key in table}
        return cls(
            leads=tuple(known),
            fs=table["fs"],
            seconds=table["seconds"],
            steps=tuple(read_step(step) for step in steps),
            model=model,
            **rest,
        )

    def to_toml(self) -> str:
        """Return the table ``[input]`` as text."""
        table = self.to_table()
        steps = table.pop("steps")
        lines = ["[input]", *(f"{key} = {_toml(value)}" for key, value in table.items())]
        return "\n".join([*lines, "steps = [", *(f"  {_toml(s)}," for s in steps), "]", ""])

    @classmethod
    def from_toml(cls, text: str, *, model: str = "") -> InputSpec:
        """Make a spec from TOML: a whole card, or its ``[input]`` alone.

        Raises
        ------
        OptionError, LeadError, SamplingRateError, UnknownNameError
            If the text is no TOML, has no ``[input]``, or as `from_table`.
        """
        try:
            card = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise OptionError(f"the text is not TOML ({error}); an [input] table is.") from error
        if "input" not in card:
            raise OptionError("the text has no table [input]; a model's card has one.")
        return cls.from_table(card["input"], model=model)

    def to_dict(self) -> dict[str, Any]:
        """Return the table ``[input]``: a spec has no other plain form."""
        return self.to_table()

    @classmethod
    def from_dict(cls, data: Any) -> InputSpec:
        """Make a spec from what ``to_dict`` returned."""
        return cls.from_table(data)


def _checked_leads(given: Any) -> tuple[str, ...]:
    if isinstance(given, str) or not isinstance(given, (list, tuple)) or not given:
        raise LeadError(f"leads are {given!r}; a list of at least one lead name is needed.")
    leads = tuple(given)
    for name in leads:
        standard = canonical_lead(name) if isinstance(name, str) else None
        if standard != name and name != ANY_LEAD:
            hint = f" Did you mean '{standard}'?" if standard else ""
            raise LeadError(f"{name!r} is no lead name in the standard spelling.{hint}")
    if len(set(leads)) != len(leads):
        raise LeadError(f"leads are {', '.join(leads)}; each may be named once.")
    if ANY_LEAD in leads and len(leads) > 1:
        raise LeadError(f"leads are {', '.join(leads)}; 'any' stands for one lead, alone.")
    return leads


def _positive(name: str, given: Any, what: str) -> float:
    real = isinstance(given, (int, float)) and not isinstance(given, bool)
    if not real or not 0 < given < math.inf:
        kind = SamplingRateError if name == "fs" else OptionError
        raise kind(f"{name} is {given!r}; {what} above 0 is needed.")
    return float(given)


def _check_steps(spec: InputSpec) -> None:
    for step in spec.steps:
        if not isinstance(step, Step):
            raise OptionError(f"a step is {step!r}; one of the steps of core.input_steps is.")
        if isinstance(step, Standardise):
            for numbers in (step.mean, step.sd):
                if len(numbers) not in (1, spec.n_leads):
                    raise OptionError(
                        f"a 'standardise' step has {len(numbers)} numbers for {spec.n_leads} "
                        "leads; one, or one for each lead, is needed."
                    )
        if isinstance(step, Decimate) and step.across_leads and spec.missing_leads == "zero":
            raise OptionError(
                "a 'decimate' step across leads needs every lead; missing_leads='zero' hides "
                "some. Use missing_leads='zero-first' or 'refuse'."
            )
    windows = sum(isinstance(step, Window) for step in spec.steps)
    if windows != 1:
        raise OptionError(
            f"{windows} 'window' steps arrived; exactly one is needed, where windows are cut."
        )
    last = None
    for step, rate in rates_after(spec):
        last = rate
        if isinstance(step, Window):
            width = None if rate is None else rate * spec.seconds
            if width is not None and abs(width - round(width)) > 1e-6:
                raise OptionError(
                    f"windows of {spec.seconds:g} s are cut at {rate:g} Hz, {width:g} samples; a "
                    "whole number is needed."
                )
        if rate is not None:
            check_corner(step, rate)
    if last is not None and not math.isclose(last, spec.fs, rel_tol=1e-9):
        raise SamplingRateError(
            f"the steps end at {last:g} Hz and fs is {spec.fs:g} Hz; they must agree. Change fs, "
            "or the rate of the 'resample' step."
        )


def rates_after(spec: InputSpec) -> Iterator[tuple[Step, float | None]]:
    """Go through the steps with the sampling rate after each; None where the recording decides.

    Raises
    ------
    SamplingRateError
        If a rate is divided that nothing before has set.

    Examples
    --------
    >>> spec = InputSpec(leads=("II",), fs=250, seconds=10, steps=(Resample(), Window()))
    >>> [rate for _, rate in rates_after(spec)]
    [250.0, 250.0]
    """
    changes = any(isinstance(step, (Resample, Decimate)) for step in spec.steps)
    rate = None if changes else spec.fs
    for step in spec.steps:
        if isinstance(step, Resample):
            rate = step.fs or spec.fs
        elif isinstance(step, Decimate):
            if rate is None:
                raise SamplingRateError(
                    "a 'decimate' step divides a rate that no step before it has set; put a "
                    "'resample' step with fs before it."
                )
            rate = rate / step.factor
        yield step, rate


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    return json.dumps(value)
