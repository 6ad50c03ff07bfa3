# SPDX-License-Identifier: Apache-2.0
"""One channel of an MFER file: stored integers to values in a unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from precordia.core.errors import UnitError
from precordia.core.leads import canonical_lead
from precordia.core.record import Remark
from precordia.io.mfer_codes import (
    LEADS,
    OTHERS,
    PRIVATE,
    STATUS_CODE,
    STATUS_TYPE,
    UNITS,
    VOLT,
    Tag,
)
from precordia.io.mfer_definitions import Definition
from precordia.io.units import require_millivolts


@dataclass(slots=True)
class MferChannel:
    """One channel in its unit.

    Attributes
    ----------
    code, name
        What was recorded; the code is None where the file gives none.
    is_lead
        Whether the code stands for an ECG lead.
    unit, fs
        ``"mV"`` for voltages; Hz.
    values
        NaN where missing.
    """

    code: int | None
    name: str
    is_lead: bool
    unit: str
    fs: float
    values: np.ndarray


def data_type(held: dict[int, Definition]) -> int:
    """Return the code of a channel's data type."""
    given = held.get(Tag.DATA_TYPE)
    return given.value[0] if given is not None else 0


def scaled_channel(
    k: int,
    held: dict[int, Definition],
    stored: np.ndarray,
    dtype: np.dtype,
    fs: float,
    unit: str | None,
    name: str,
    remarks: list[Remark],
) -> MferChannel:
    """Scale the stored samples of channel k and name it."""
    given = held.get(Tag.LEAD)
    code = given.unsigned(0, 2) if given is not None else None
    text = given.text(2) if given is not None else ""
    with np.errstate(invalid="ignore"):
        values = stored.astype(np.float64)
    null = held.get(Tag.NULL)
    missing = null.sample(dtype) if null is not None else None
    if missing is not None:
        values[stored == missing] = np.nan
    offset = held.get(Tag.OFFSET)
    zero = offset.sample(dtype) if offset is not None else None
    if zero and np.isfinite(zero):
        values += zero
        if not any(r.code == "offset-applied" for r in remarks):
            remarks.append(
                Remark(
                    code="offset-applied",
                    text="The file gives its samples an offset, which was added to them; few files "
                    "have one, so look at the level of the signal.",
                )
            )
    if data_type(held) == STATUS_TYPE or code == STATUS_CODE:
        return MferChannel(code, text or "status", False, "", fs, values)
    factor, symbol = _scale(held.get(Tag.RESOLUTION), k, unit, name)
    with np.errstate(over="ignore", invalid="ignore"):
        values *= factor
    values[~np.isfinite(values)] = np.nan
    lead = LEADS.get(code or 0)
    if lead is None and text:
        lead = canonical_lead(text)
    label = lead or text or OTHERS.get(code or 0, "") or _other_name(k, code, symbol)
    return MferChannel(code, label, lead is not None and symbol == "mV", symbol, fs, values)


def _scale(given: Definition | None, k: int, unit: str | None, name: str) -> tuple[float, str]:
    """Return what one step is and its unit; volts become millivolts."""
    if given is None:
        if unit is None:
            raise UnitError(
                f"'{name}' does not say what one step of channel {k + 1} is. If you know it, give "
                "it with unit=, such as unit='1 uV' or unit='1.25 uV'."
            )
        return require_millivolts(unit), "mV"
    code, value, _ = given.scaled()
    if value == 0 or not np.isfinite(value):
        raise UnitError(
            f"'{name}' gives channel {k + 1} a resolution of {value:g}; something else than 0 was "
            "needed. The file is damaged: copy or export it again."
        )
    if code == VOLT:
        return (value * 1000.0 if unit is None else require_millivolts(unit)), "mV"
    return value, UNITS.get(code, "")


def _other_name(k: int, code: int | None, unit: str) -> str:
    if unit == "mmHg" and code is not None and code >= PRIVATE:
        return f"pressure {code - PRIVATE:#x}"
    return f"lead {k + 1}" if unit == "mV" else f"channel {k + 1}"
