# SPDX-License-Identifier: Apache-2.0
"""From the arrays of a file to a record: which one is the signal, and what its numbers mean."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from precordia.core.errors import (
    FormatError,
    LeadError,
    OptionError,
    SamplingRateError,
    UnitError,
)
from precordia.core.leads import canonical_lead
from precordia.core.record import Companion, Record, Remark
from precordia.core.source import Source
from precordia.io.array_facts import Facts, is_fact, is_time
from precordia.io.array_layout import (
    guess_axes,
    parse_axes,
    require_index,
    row_names,
    split_names,
    to_millivolts,
    unit_missing,
)
from precordia.io.array_metadata import RecordMetadata
from precordia.io.channel_roles import is_other_kind, lead_of_label
from precordia.io.csv_clock import rate_of_times
from precordia.io.lead_names import unique_leads
from precordia.io.units import millivolts, require_millivolts

_SIGNAL = ("signal", "signals", "ecg", "ecgs", "val", "data", "tracings", "tracing", "psignal",
           "sig", "waveform", "waveforms", "ecgdata", "ecgsignal", "ecgsignals", "x")  # fmt: skip
_ECG = re.compile(r"(ecg|ekg)(?![a-z])", re.IGNORECASE)


@dataclass(slots=True)
class Variable:
    """An array of a file that has not been read yet.

    Attributes
    ----------
    name
        As the file names it.
    shape, kind
        Its lengths, and the kind letter of its NumPy type.
    load
        Reads it: one entry of the first dimension, or with None all of it.
    attributes
        What the file says of it.
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    load: Callable[[int | None], np.ndarray]
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Wanted:
    """What the user says of a file of arrays; None where the file should say it.

    Attributes
    ----------
    variable
        Which array is the signal.
    fs, unit, leads
        Sampling rate, Hz, unit of the values, and names of the rows.
    axes
        What each dimension is: words of ``record``, ``lead``, ``sample``.
    index
        Which record, from 0.
    """

    variable: str | None = None
    fs: float | None = None
    unit: str | None = None
    leads: str | Sequence[str] | None = None
    axes: str | Sequence[str] | None = None
    index: int | None = None

    def check(self) -> None:
        """Refuse options that make no sense."""
        fs = self.fs
        if fs is not None and not (isinstance(fs, (int, float, np.number)) and 0 < fs < math.inf):
            raise OptionError(f"fs={fs!r} arrived; a sampling rate in Hz above 0 is needed.")
        if self.unit is not None:
            require_millivolts(self.unit)


def record_of_variables(
    variables: Sequence[Variable],
    facts: Mapping[str, Any],
    wanted: Wanted,
    *,
    name: str,
    method: str,
    metadata: RecordMetadata | None = None,
) -> Record:
    """Make a record of the arrays of a file.

    Parameters
    ----------
    variables
        The arrays of numbers that the file holds.
    facts
        What else it says: texts and single numbers by name.
    wanted
        What the user says.
    name, method
        Name of the file, and of the reader.
    metadata
        What this package wrote beside the signal, where it did.

    Returns
    -------
    The record.

    Raises
    ------
    OptionError
        If the file leaves open which array, dimension or record is meant.
    UnitError, SamplingRateError
        If nothing tells the unit or the rate.
    LeadError, FormatError
        If the rows are no leads, or the file holds no array of numbers.
    """
    wanted.check()
    remarks: list[Remark] = []
    if metadata is not None:
        facts = {"fs": metadata.hollow.fs, "unit": "mV", "leads": list(metadata.hollow.leads),
                 "axes": "lead sample"}  # fmt: skip
        chosen = next((v for v in variables if v.name == (wanted.variable or "signal")), None)
        if chosen is None:
            raise FormatError(f"'{name}' describes a record and lacks its samples. Write it again.")
    else:
        chosen = choose_variable(variables, wanted.variable, name=name)
    said = Facts([chosen.attributes, facts], name)
    rows, names = _rows(chosen, wanted, said, name)
    others = () if metadata is not None else variables
    fs = _rate(wanted, said, others, rows.shape[1], name, remarks)
    units = list(chosen.attributes.get("row_units") or [""] * len(names))
    if wanted.leads or metadata:
        held, beside = list(range(rows.shape[0])), []
    else:
        held, beside = _roles(names, units) if names else (list(range(rows.shape[0])), [])
    if not held:
        raise LeadError(
            f"'{name}' has rows {', '.join(repr(n)[:30] for n in names[:12])}, and none says that "
            "it is a lead. Name all rows with leads=[...]."
        )
    own = [units[k] for k in held] if any(units) and names else []
    factor = _factor(wanted.unit, own, said.unit(), rows, name)
    companions = tuple(
        Companion(name=names[k], signal=_finite(rows[k]), fs=fs, unit=units[k]) for k in beside
    )
    signal = to_millivolts(rows[held] if beside else rows, factor, name=name, remarks=remarks)
    if metadata is None:
        if names:
            spelled = [lead_of_label(names[k]) for k in held]
            leads = unique_leads(spelled, remarks)
        else:
            leads = row_names(signal, chosen.name, remarks)
        return Record(
            signal=signal, fs=fs, leads=leads, patient=said.patient(), companions=companions,
            remarks=tuple(remarks), source=Source(method=method),
        )  # fmt: skip
    hollow = metadata.hollow
    leads = tuple(names) if wanted.leads else hollow.leads
    return dataclasses.replace(
        hollow, signal=signal, fs=fs, leads=leads, remarks=hollow.remarks + tuple(remarks),
        companions=_own_companions(metadata, variables, name), source=Source(method=method),
    )  # fmt: skip


def choose_variable(variables: Sequence[Variable], wanted: str | None, *, name: str) -> Variable:
    """Return the array that is the signal.

    Raises
    ------
    OptionError
        If several may be, or there is none of the name that was given.
    FormatError
        If the file holds no array of numbers.
    """
    if wanted is not None:
        same = [v for v in variables if v.name == wanted]
        same = same or [v for v in variables if re.split(r"[./]", v.name)[-1] == wanted]
        if len(same) == 1:
            return same[0]
        raise OptionError(
            f"'{name}' has no array '{wanted}'. It has {_listed(variables)}; name one of these "
            "with variable=."
        )
    able = [
        v for v in variables
        if v.kind in "fiu" and 1 <= len(v.shape) <= 3 and math.prod(v.shape) > 1
        and not _describes(v)
    ]  # fmt: skip
    if not able:
        raise FormatError(
            f"'{name}' holds no array of numbers with one to three dimensions, so no recording. It "
            f"has {_listed(variables)}."
        )
    if len(able) == 1:
        return able[0]
    for known in _SIGNAL:
        named = [v for v in able if _short(v) == known]
        if len(named) == 1:
            return named[0]
    deep = [v for v in able if len(v.shape) > 1]
    if len(deep) == 1:
        return deep[0]
    raise OptionError(
        f"'{name}' holds several arrays: {_listed(able)}. Say which is the signal with variable=."
    )


def _describes(variable: Variable) -> bool:
    """Tell whether an array describes the signal; what has the name and is large does not."""
    small = math.prod(variable.shape) <= 64 or len(variable.shape) == 1
    return is_time(variable.name) or (small and is_fact(variable.name))


def _short(variable: Variable) -> str:
    return re.sub(r"[^a-z0-9]", "", re.split(r"[./]", variable.name)[-1].lower())


def _listed(variables: Sequence[Variable]) -> str:
    shown = [f"'{v.name[:40]}' ({' x '.join(map(str, v.shape))})" for v in variables[:12]]
    return (", ".join(shown) + (", ..." if len(variables) > 12 else "")) if shown else "none"


def _rows(chosen: Variable, wanted: Wanted, said: Facts, name: str) -> tuple[np.ndarray, list[str]]:
    """Return the signal as (lead, sample), and the names of its rows where there are any."""
    if chosen.kind not in "fiu":
        raise FormatError(
            f"'{name}' holds no real numbers in '{chosen.name[:40]}'. Name another array with "
            f"variable=."
        )
    names = split_names(wanted.leads) if wanted.leads is not None else said.leads()
    shape = chosen.shape
    stated = said.axes()
    if wanted.axes is not None:
        axes = parse_axes(wanted.axes, len(shape))
    elif stated is not None and len(stated.split()) == len(shape):
        axes = parse_axes(stated, len(shape))
    else:
        axes = guess_axes(
            shape, n_named=len(names) or None, with_index=wanted.index is not None, name=name
        )
    if "record" in axes:
        at = axes.index("record")
        index = require_index(wanted.index, shape[at], name=name)
        array = chosen.load(index) if at == 0 else chosen.load(None).take(index, axis=at)
        axes = tuple(word for word in axes if word != "record")
    else:
        if wanted.index not in (None, 0, -1):
            raise OptionError(
                f"index={wanted.index} arrived and '{name}' holds one record. Leave it out, or say "
                "with axes= which dimension is 'record'."
            )
        array = chosen.load(None)
    if array.ndim == 1:
        rows = array[np.newaxis]
    else:
        rows = array.T if axes == ("sample", "lead") else array
    if not rows.size:
        raise FormatError(f"'{name}' holds an array without samples. Export the recording again.")
    if names and len(names) != rows.shape[0]:
        if wanted.leads is not None:
            raise LeadError(
                f"'{name}' has {rows.shape[0]} rows; {len(names)} names came in leads=. Give one "
                "name per row, or say with axes= which dimension is 'lead'."
            )
        names = []
    return rows, names


def _rate(
    wanted: Wanted, said: Facts, variables: Sequence[Variable], n_samples: int, name: str,
    remarks: list[Remark],
) -> float:  # fmt: skip
    if wanted.fs is not None:
        return float(wanted.fs)
    rate = said.rate()
    if rate is not None:
        return rate
    for variable in variables:
        if is_time(variable.name) and variable.kind in "fiu":
            times = variable.load(None).ravel().astype(np.float64)
            if times.size == n_samples > 1:
                unit = str(variable.attributes.get("unit") or "")
                rate, places = rate_of_times(times, unit, name=name, remarks=remarks)
                if places is None:
                    return rate
    raise SamplingRateError(
        f"'{name}' does not say its sampling rate. Give it in hertz with fs=, such as fs=500."
    )


def _factor(
    wanted: str | None, own: Sequence[str], shared: str | None, rows: np.ndarray, name: str
) -> float | list[float]:
    """Return the millivolts in one of the values, of all rows or of each."""
    if wanted is not None:
        return require_millivolts(wanted)
    if own:
        each = [millivolts(unit or shared or "") for unit in own]
        if None not in each:
            return each  # type: ignore[return-value]
    factor = millivolts(shared) if shared else None
    if factor is not None:
        return factor
    if shared:
        raise UnitError(
            f"'{name}' says that its values are in {shared[:20]!r}, which is no voltage. Give the "
            "unit with unit=, such as unit='mV'."
        )
    raise unit_missing(rows, name=name)


def _roles(names: Sequence[str], units: Sequence[str]) -> tuple[list[int], list[int]]:
    """Return which named rows are leads and which are other signals."""
    able = [k for k, unit in enumerate(units) if not unit or millivolts(unit) is not None]
    sure = [k for k in able if canonical_lead(names[k]) is not None or _ECG.search(names[k])]
    held = sure or [k for k in able if not is_other_kind(names[k])]
    return held, [k for k in range(len(names)) if k not in held] if held else []


def _finite(row: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore", invalid="ignore"):
        values = row.astype(np.float32)
    values[~np.isfinite(values)] = np.nan
    return values


def _own_companions(
    metadata: RecordMetadata, variables: Sequence[Variable], name: str
) -> tuple[Companion, ...]:
    arrays = {v.name: v for v in variables}
    found = []
    for place, said in enumerate(metadata.companions):
        array = arrays.get(said["array"])
        if array is None or array.kind not in "fiu" or len(array.shape) != 1:
            raise FormatError(
                f"'{name}' lacks the samples of companion {place + 1}, which it describes. Copy "
                "or write the file again."
            )
        found.append(metadata.companion(place, _finite(array.load(None))))
    return tuple(found)
