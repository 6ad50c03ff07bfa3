# SPDX-License-Identifier: Apache-2.0
"""The record: one ECG acquisition, and what its file said beside the signal."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from precordia.core.errors import LeadError, OptionError, SamplingRateError, SignalError
from precordia.core.fiducials import Fiducials
from precordia.core.finite import all_finite
from precordia.core.measurements import MedianBeat
from precordia.core.source import Source
from precordia.core.statements import Statement
from precordia.core.value import Value, frozen_array

Origin = Literal["measured", "estimated", "synthetic"]
Sex = Literal["female", "male"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient(Value):
    """Who was recorded. Identifiers never appear in the printed form.

    Attributes
    ----------
    patient_id, name, birth_date
        Identifiers; None where unknown.
    age_years
        Age at the recording, years; NaN where unknown.
    sex
        ``"female"``, ``"male"`` or None where unknown.

    Examples
    --------
    >>> Patient(patient_id="4711", age_years=63, sex="female")
    Patient(63 years, female)
    """

    patient_id: str | None = None
    name: str | None = None
    birth_date: date | None = None
    age_years: float = math.nan
    sex: Sex | None = None

    def __post_init__(self) -> None:
        if self.sex not in (None, "female", "male"):
            raise OptionError(f"sex is '{self.sex}'; 'female', 'male' or None is needed.")

    def __repr__(self) -> str:
        age = f"{self.age_years:g} years" if self.age_years == self.age_years else "age unknown"
        return f"Patient({age}, {self.sex or 'sex unknown'})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark(Value):
    """Something noticed about a recording that its user should know.

    Attributes
    ----------
    code
        Short machine-readable name, such as ``"unit-doubtful"``.
    text
        A sentence.
    leads
        Leads concerned; empty for the whole record.
    """

    code: str
    text: str
    leads: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotations(Value):
    """Annotations that a file carries: places in the signal with a symbol.

    Attributes
    ----------
    sample
        Sample index of each annotation at the record's sampling rate.
    symbol
        Annotation code of each, such as ``"N"`` or ``"V"``.
    aux
        Free text of each; empty strings where there is none.
    subtype, channel, number
        The three small integers of the WFDB annotation format.
    """

    sample: Int[np.ndarray, " beat"]
    symbol: tuple[str, ...]
    aux: tuple[str, ...] = ()
    subtype: tuple[int, ...] = ()
    channel: tuple[int, ...] = ()
    number: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        sample = np.asarray(self.sample, np.int64)
        if sample.ndim != 1 or sample.size != len(self.symbol):
            raise SignalError(
                f"{sample.size} positions and {len(self.symbol)} symbols arrived; "
                "an annotation needs one of each."
            )
        object.__setattr__(self, "sample", sample)

    def __len__(self) -> int:
        return len(self.symbol)

    def __repr__(self) -> str:
        return f"Annotations({len(self)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried(Value):
    """What the file itself says about the recording; never mixed with what we measure.

    Attributes
    ----------
    measurements
        The file's own numbers under our names and units (``"pr_ms"``).
    statements
        The file's own interpretation.
    annotations
        Marks at samples.
    fiducials
        Wave boundaries that the file holds (or, for a simulated record, the truth).
    median
        Representative beat that the file holds.
    header
        Other header entries and comments, as text.
    """

    measurements: dict[str, float] = field(default_factory=dict)
    statements: tuple[Statement, ...] = ()
    annotations: Annotations | None = None
    fiducials: Fiducials | None = None
    median: MedianBeat | None = None
    header: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        held = [f"{len(self.measurements)} measurements", f"{len(self.statements)} statements"]
        held += [n for n in ("annotations", "fiducials", "median") if getattr(self, n) is not None]
        return f"Carried({', '.join(held)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Companion(Value):
    """A signal other than the ECG on the same clock: pressure, respiration, pulse.

    Attributes
    ----------
    name, unit
        As the file gives them.
    signal
        Samples in ``unit``; NaN where missing.
    fs
        Its own sampling rate, Hz.
    """

    name: str
    signal: Float[np.ndarray, " sample"]
    fs: float
    unit: str = ""

    _packed = frozenset({"signal"})

    def __repr__(self) -> str:
        return f"Companion({self.name}, {self.signal.size} samples at {self.fs:g} Hz, {self.unit})"


NOBODY = Patient()
NOTHING_CARRIED = Carried()
GIVEN = Source()


@dataclass(frozen=True, slots=True, kw_only=True)
class Record(Value):
    """One ECG acquisition: some leads, one clock, one patient.

    Attributes
    ----------
    signal
        Potential in millivolts, float32; NaN where nothing was recorded.
    fs
        Sampling rate in hertz.
    leads
        Lead names in row order, spelled as in ``core.leads.STANDARD_12``.
    patient
        Who was recorded.
    start_time
        When the first sample was taken; None where unknown.
    origin
        ``"measured"``, ``"estimated"`` (reconstructed) or ``"synthetic"`` (generated).
    carried
        What the file itself says.
    companions
        Other signals on the same clock.
    remarks
        What was noticed while reading.
    source
        Reader, version and options.

    Raises
    ------
    SignalError
        If the signal is not a real (lead, sample) array, or holds infinities.
    LeadError
        If names and rows differ in number, or a name is repeated.
    SamplingRateError
        If ``fs`` is not a positive finite number.

    Examples
    --------
    >>> Record(signal=np.zeros((2, 1000)), fs=500, leads=("I", "II"))
    Record(2 leads (I, II), 2 s at 500 Hz, measured)
    """

    signal: Float[np.ndarray, "lead sample"]
    fs: float
    leads: tuple[str, ...]
    patient: Patient = NOBODY
    start_time: datetime | None = None
    origin: Origin = "measured"
    carried: Carried = NOTHING_CARRIED
    companions: tuple[Companion, ...] = ()
    remarks: tuple[Remark, ...] = ()
    source: Source = GIVEN

    _packed = frozenset({"signal"})

    def __post_init__(self) -> None:
        signal = _checked_signal(self.signal)
        leads = tuple(self.leads)
        if len(leads) != signal.shape[0]:
            raise LeadError(
                f"{len(leads)} lead names arrived for {signal.shape[0]} rows of signal; "
                "one name per row is needed, the signal as (lead, sample)."
            )
        if len(set(leads)) != len(leads):
            twice = sorted({name for name in leads if leads.count(name) > 1})
            raise LeadError(
                f"lead {', '.join(twice)} is named more than once; names must differ. "
                "Rename or drop the repeated row."
            )
        fs = float(self.fs)
        if not 0 < fs < math.inf:
            raise SamplingRateError(f"fs is {self.fs}; a positive sampling rate in Hz is needed.")
        if self.origin not in ("measured", "estimated", "synthetic"):
            raise OptionError(
                f"origin is '{self.origin}'; 'measured', 'estimated' or 'synthetic' is needed."
            )
        object.__setattr__(self, "signal", frozen_array(signal))
        object.__setattr__(self, "leads", leads)
        object.__setattr__(self, "fs", fs)

    @property
    def n_leads(self) -> int:
        """Number of leads."""
        return self.signal.shape[0]

    @property
    def n_samples(self) -> int:
        """Number of samples in every lead."""
        return self.signal.shape[1]

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.signal.shape[1] / self.fs

    def __repr__(self) -> str:
        names = ", ".join(self.leads) if self.leads else "none"
        return (
            f"Record({self.n_leads} leads ({names}), "
            f"{self.duration_s:g} s at {self.fs:g} Hz, {self.origin})"
        )


def _checked_signal(given: object) -> np.ndarray:
    signal = np.asarray(given)
    if signal.dtype.kind not in "fiu":
        raise SignalError(
            f"the signal is of type {signal.dtype}; real numbers in millivolts are needed."
        )
    if signal.ndim != 2:
        raise SignalError(
            f"the signal has shape {signal.shape}; (lead, sample) is needed, "
            "a single lead as signal[np.newaxis, :]."
        )
    signal = signal.astype(np.float32, copy=False)
    if not all_finite(signal) and np.isinf(signal).any():
        raise SignalError(
            "the signal holds infinite values; finite millivolts are needed, NaN where missing."
        )
    return signal
