# SPDX-License-Identifier: Apache-2.0
"""Read the ECG of a table of text: CSV, TSV and their relatives."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from precordia.core.errors import (
    LeadError,
    OptionError,
    PrecordiaError,
    SamplingRateError,
    UnitError,
)
from precordia.core.leads import canonical_lead
from precordia.core.record import Carried, Companion, Patient, Record, Remark
from precordia.core.source import Source
from precordia.core.statements import Statement
from precordia.io.channel_roles import is_other_kind, lead_of_label
from precordia.io.csv_clock import rate_of_times, seconds_per_unit, stated_rate
from precordia.io.csv_layout import CsvLayout, find_layout
from precordia.io.csv_numbers import CsvNumbers
from precordia.io.lead_names import unique_leads
from precordia.io.units import millivolts, require_millivolts

_TIME = re.compile(r"(elapsed )?(time|timestamp|t|seconds|sec|date ?time)\b", re.IGNORECASE)
_INDEX = re.compile(r"(index|idx|samples?( ?(#|no|number|index))?|n|no|#|row|unnamed: 0)?\.?$",
                    re.IGNORECASE)  # fmt: skip
_LARGEST_MV = 1e12
_ECG = re.compile(r"(ecg|ekg)(?![a-z])", re.IGNORECASE)


def read_csv(
    path: Path,
    *,
    fs: float | None = None,
    unit: str | None = None,
    gain: float | None = None,
    leads: Sequence[str] | None = None,
    delimiter: str | None = None,
) -> Record:
    r"""Read the ECG of a table of text, a column per lead and a row per sample.

    Delimiter, decimal sign, header, time and index columns are found; a sampling rate and a unit
    are taken from the header, the time column or remarks above the table. Neither is guessed.

    Parameters
    ----------
    path
        The file.
    fs
        Sampling rate, Hz, where the file does not tell it.
    unit
        Unit of the values, where the header does not tell it: ``"mV"``, ``"uV"``, ``"5 uV"``.
    gain
        Steps of the converter per millivolt, for integer counts, instead of ``unit``.
    leads
        Names of the columns that are not time or index, where the header does not tell them.
    delimiter
        Between columns; an empty string where there is one number a line.

    Returns
    -------
    The record; empty cells are NaN. Columns that are no lead are companions.

    Raises
    ------
    FormatError
        If the file holds no table of numbers, or rows differ in length.
    UnitError
        If nothing tells the unit.
    SamplingRateError
        If nothing tells the sampling rate, or the time column is irregular.
    LeadError
        If no column is a lead.
    OptionError
        If an option makes no sense.

    Notes
    -----
    A time column without a unit is accepted where only one of s, ms and µs gives a rate between
    50 and 5000 Hz, with a remark. Rows absent from a regular time column are NaN.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp(), "a.csv")
    >>> _ = file.write_text("time (ms),I (uV),II (uV)\n0,100,200\n2,110,210\n4,,220\n")
    >>> read_csv(file).fs, read_csv(file).signal[0]
    (500.0, array([0.1 , 0.11,  nan], dtype=float32))
    """
    name = path.name
    _check(fs, unit, gain)
    layout = find_layout(path.read_bytes(), name=name, delimiter=delimiter)
    remarks: list[Remark] = []
    names = layout.names or [""] * layout.n_columns
    units = layout.units or [""] * layout.n_columns
    table = CsvNumbers(layout, name)
    time, index = _time_and_index(names, units, table, layout, headed=bool(layout.names))
    rest = [k for k in range(layout.n_columns) if k not in (time, index)]
    picked, spelled = _lead_columns(rest, names, units, leads, name, remarks)
    values = table.columns(picked)
    rate, places = _rate(fs, layout, table, time, units, name, remarks)
    factors = [_factor(units[k], layout, unit, gain, name) for k in picked]
    values = values * np.array(factors)[:, None]
    values[~np.isfinite(values)] = np.nan
    if not (np.nanmax(np.abs(values), initial=0.0) < _LARGEST_MV):
        raise UnitError(
            f"'{name}' holds a value of {np.nanmax(np.abs(values)):.3g} mV, which no electrode "
            "gives. Check the unit and the decimal sign."
        )
    signal = values.astype(np.float32)
    companions = _companions([k for k in rest if k not in picked], names, units, table, rate)
    if places is not None:
        signal = _spread(signal, places)
        companions = [
            Companion(name=c.name, signal=_spread(c.signal[None], places)[0], fs=rate, unit=c.unit)
            for c in companions
        ]
    meta = layout.meta
    return Record(
        signal=signal,
        fs=rate,
        leads=unique_leads([lead_of_label(s) for s in spelled], remarks),
        patient=_patient(meta),
        start_time=_moment(meta.get("start_time", "")),
        origin=meta["origin"] if meta.get("origin") in ("estimated", "synthetic") else "measured",
        carried=_carried(meta),
        companions=tuple(companions),
        remarks=tuple(remarks),
        source=Source(method="read:csv"),
    )


def _check(fs: float | None, unit: str | None, gain: float | None) -> None:
    if fs is not None and not (isinstance(fs, (int, float)) and 0 < fs < math.inf):
        raise OptionError(f"fs={fs!r} arrived; a sampling rate in Hz above 0 is needed.")
    if gain is not None and not (isinstance(gain, (int, float)) and 0 < abs(gain) < math.inf):
        raise OptionError(f"gain={gain!r} arrived; steps per millivolt are needed, not 0.")
    if unit is not None and gain is not None:
        raise OptionError(
            f"both unit={unit!r} and gain={gain:g} arrived; each alone gives the scale. Leave one "
            "out."
        )


def _time_and_index(
    names: list[str], units: list[str], table: CsvNumbers, layout: CsvLayout, *, headed: bool
) -> tuple[int | None, int | None]:
    """Return which column is time and which counts the samples."""
    if layout.first_is_clock:
        return 0, None
    time = index = None
    if headed:
        for k, label in enumerate(names):
            is_time = _TIME.match(label) or (k == 0 and seconds_per_unit(units[k]) is not None)
            if time is None and is_time and millivolts(units[k]) is None:
                time = k
            elif index is None and k < 2 and _INDEX.fullmatch(label.strip()) and len(names) > 1:
                index = k
        if index is not None and not _counts(table, index):
            index = None
        return time, index
    if layout.n_columns < 2:
        return None, None
    first = table.columns([0], max_rows=2000)[0]
    steps = np.diff(first)
    if first.size < 4 or not (np.isfinite(steps).all() and (steps > 0).all()):
        return None, None
    if np.abs(steps - steps.mean()).max() > 0.51 * steps.mean():
        return None, None
    return (None, 0) if (steps == 1).all() else (0, None)


def _counts(table: CsvNumbers, column: int) -> bool:
    """Tell whether a column counts evenly, or holds words instead of numbers."""
    try:
        steps = np.diff(table.columns([column], max_rows=200)[0])
    except PrecordiaError:
        return True
    return not steps.size or bool(np.allclose(steps, steps[0]))


def _lead_columns(
    rest: list[int],
    names: list[str],
    units: list[str],
    leads: Sequence[str] | None,
    name: str,
    remarks: list[Remark],
) -> tuple[list[int], list[str]]:
    """Return the columns that are leads and what they are called."""
    if leads is not None:
        given = [leads] if isinstance(leads, str) else list(leads)
        if given and all(lead in names for lead in given):
            return [names.index(lead) for lead in given], given
        if len(given) != len(rest):
            raise LeadError(
                f"'{name}' has {len(rest)} columns beside time and index; {len(given)} names came "
                "in leads=. Give one name per column."
            )
        return rest, given
    if not rest:
        raise LeadError(
            f"'{name}' has no column beside time and index; a column per lead was needed. Check "
            "the delimiter, and give it with delimiter=."
        )
    named = [k for k in rest if names[k]]
    sure = [
        k
        for k in named
        if canonical_lead(names[k])
        or _ECG.search(names[k])
        or (millivolts(units[k]) is not None and not is_other_kind(names[k]))
    ]
    if sure:
        return sure, [names[k] for k in sure]
    if named:
        raise LeadError(
            f"'{name}' has no column named as a lead; it has "
            f"{', '.join(repr(names[k])[:40] for k in named[:12])}. Name the leads with "
            "leads=[...]."
        )
    remarks.append(
        Remark(
            code="leads-unnamed",
            text="The table has no header; its columns were numbered. Name them with leads=.",
        )
    )
    return rest, [f"column {k + 1}" for k in rest]


def _rate(
    fs: float | None,
    layout: CsvLayout,
    table: CsvNumbers,
    time: int | None,
    units: list[str],
    name: str,
    remarks: list[Remark],
) -> tuple[float, np.ndarray | None]:
    """Return the sampling rate and the places of the rows where some are absent."""
    if fs is not None:
        return float(fs), None
    stated = stated_rate(layout.meta)
    if time is None:
        if stated is None:
            alone = layout.n_columns == 1
            raise SamplingRateError(
                f"'{name}' has no time column and states no sampling rate. Give it in hertz with "
                "fs=, such as fs=500."
                + (" If its numbers are RR intervals, say so with format='rr'." if alone else "")
            )
        return stated, None
    times = table.columns([time])[0]
    unit = "s" if layout.first_is_clock else units[time]
    if times.size < 2 and stated is not None:
        return stated, None
    rate, places = rate_of_times(times, unit, name=name, remarks=remarks)
    if stated is not None:
        if abs(stated - rate) > 0.01 * stated:
            raise SamplingRateError(
                f"'{name}' states {stated:g} Hz and has a time column of {rate:g} Hz. Say which "
                "holds with fs=."
            )
        rate = stated
    return rate, places


def _factor(
    spelled: str, layout: CsvLayout, unit: str | None, gain: float | None, name: str
) -> float:
    """Return the millivolts in one of a column's values."""
    if gain is not None:
        return 1.0 / gain
    if unit is not None:
        return require_millivolts(unit)
    for text in (spelled, layout.meta.get("unit", ""), layout.meta.get("units", "")):
        factor = millivolts(re.sub(r"\(.*\)", "", text)) if text else None
        if factor is not None:
            return factor
    raise UnitError(
        f"'{name}' does not say the unit of its values. Give it with unit='mV' or unit='uV' (or "
        "'V'); for counts of a converter give its step, such as unit='4.88 uV'."
    )


def _companions(
    rest: list[int], names: list[str], units: list[str], table: CsvNumbers, fs: float
) -> list[Companion]:
    """Return the other columns of numbers; text is left out."""
    found = []
    for k in rest:
        try:
            values = table.columns([k])[0]
        except PrecordiaError:
            continue
        values[~(np.abs(values) < 1e30)] = np.nan
        label = names[k] or f"column {k + 1}"
        found.append(Companion(name=label, signal=values.astype(np.float32), fs=fs, unit=units[k]))
    return found


def _spread(signal: np.ndarray, places: np.ndarray) -> np.ndarray:
    whole = np.full((signal.shape[0], int(places[-1]) + 1), np.nan, np.float32)
    whole[:, places] = signal
    return whole


def _patient(meta: dict[str, str]) -> Patient:
    try:
        age = float(meta.get("age_years", meta.get("age", "nan")))
    except ValueError:
        age = math.nan
    sex = meta.get("sex", "").lower()
    born = _moment(meta.get("patient_birth_date", ""))
    return Patient(
        age_years=age if 0 <= age < 130 else math.nan,
        sex={"f": "female", "m": "male"}.get(sex[:1]),
        patient_id=meta.get("patient_id") or None,
        name=meta.get("patient_name") or None,
        birth_date=born.date() if born else None,
    )


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def _carried(meta: dict[str, str]) -> Carried:
    """Return measurements and statements that the writer keeps above the table."""
    numbers: dict[str, float] = {}
    statements: list[Statement] = []
    for key, text in meta.items():
        kind, _, what = key.partition(" ")
        if kind == "measurement" and what:
            try:
                numbers[what] = float(text)
            except ValueError:
                continue
        elif kind == "statement":
            try:
                held = json.loads(text)
                statements.append(Statement.from_dict(held))
            except (ValueError, RecursionError):
                continue
    if not statements and meta.get("classification"):
        statements.append(Statement(code=meta["classification"]))
    return Carried(measurements=numbers, statements=tuple(statements))
