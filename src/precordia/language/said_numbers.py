# SPDX-License-Identifier: Apache-2.0
"""Numbers as a text says them: digits or words, with unit, and how exactly they are said."""

from __future__ import annotations

import re
from dataclasses import dataclass

from precordia.language.spelled_numbers import spelled_number

#: unit as written: unit of the measurements, and the factor to it
_UNITS = {
    "ms": ("ms", 1.0), "msec": ("ms", 1.0), "msecs": ("ms", 1.0), "millisecond": ("ms", 1.0),
    "milliseconds": ("ms", 1.0), "millisekunde": ("ms", 1.0), "millisekunden": ("ms", 1.0),
    "s": ("ms", 1000.0), "sec": ("ms", 1000.0), "secs": ("ms", 1000.0), "second": ("ms", 1000.0),
    "seconds": ("ms", 1000.0), "sekunde": ("ms", 1000.0), "sekunden": ("ms", 1000.0),
    "mv": ("mV", 1.0), "millivolt": ("mV", 1.0), "millivolts": ("mV", 1.0),
    "\u03bcv": ("mV", 0.001), "uv": ("mV", 0.001), "microvolt": ("mV", 0.001),
    "microvolts": ("mV", 0.001), "mikrovolt": ("mV", 0.001),
    "bpm": ("bpm", 1.0), "/min": ("bpm", 1.0), "/ min": ("bpm", 1.0), "/minute": ("bpm", 1.0),
    "per minute": ("bpm", 1.0), "per min": ("bpm", 1.0), "beats per minute": ("bpm", 1.0),
    "beats/min": ("bpm", 1.0), "beats/minute": ("bpm", 1.0), "beats a minute": ("bpm", 1.0),
    "pro minute": ("bpm", 1.0), "pro min": ("bpm", 1.0), "schläge pro minute": ("bpm", 1.0),
    "schläge/min": ("bpm", 1.0), "1/min": ("bpm", 1.0), "min-1": ("bpm", 1.0),
    "°": ("°", 1.0), "deg": ("°", 1.0), "degree": ("°", 1.0), "degrees": ("°", 1.0),
    "grad": ("°", 1.0), "%": ("%", 1.0), "percent": ("%", 1.0), "per cent": ("%", 1.0),
    "prozent": ("%", 1.0), "hz": ("Hz", 1.0), "hertz": ("Hz", 1.0),
    "years old": ("years", 1.0), "year-old": ("years", 1.0), "years": ("years", 1.0),
    "year old": ("years", 1.0), "jahre": ("years", 1.0), "jahre alt": ("years", 1.0),
    "jahren": ("years", 1.0), "jährige": ("years", 1.0), "jähriger": ("years", 1.0),
    "years of age": ("years", 1.0), "days": ("days", 1.0), "day": ("days", 1.0),
    "tage": ("days", 1.0), "tagen": ("days", 1.0),
    "leads": ("leads", 1.0), "lead": ("leads", 1.0), "ableitungen": ("leads", 1.0),
    "kanal-": ("leads", 1.0),
}  # fmt: skip
_UNIT = re.compile(
    r"[\s\u2009-]*("
    + "|".join(
        re.escape(unit) + (r"(?!\w)" if unit[-1].isalnum() else "")
        for unit in sorted(_UNITS, key=len, reverse=True)
    )
    + ")"
)
_DIGITS = re.compile(r"[-+\u00b1]?\s?\d+(?:[.,]\d+)*")
_SIGNED = re.compile(r"[-+\u00b1]")
_TO = re.compile(r"\s*(?:-|to|bis|and|und)\s*")
#: as much of a value may be lost by saying it coarsely
_COARSEST = 0.05


@dataclass(frozen=True, slots=True)
class SaidNumber:
    """One number of a text.

    Attributes
    ----------
    value
        In the unit.
    unit
        ``"ms"``, ``"mV"``, ``"bpm"``, ``"°"``, ``"%"``, ``"Hz"``, ``"years"``, ``"days"``,
        ``"leads"``; empty where none is said.
    step
        Size of its last digit, in the unit.
    signed
        Whether a sign is written.
    factor
        Of the unit as it is written.
    """

    value: float
    unit: str
    step: float
    signed: bool = False
    factor: float = 1.0


def number_at(text: str, start: int, language: str = "en") -> tuple[SaidNumber, int] | None:
    """Read a number with its unit at a place of a text.

    Parameters
    ----------
    text
        In lower case, one form for each sign.
    start
        Where it should begin.
    language
        ``"en"`` or ``"de"``; it decides what a comma is where that could be two things.

    Returns
    -------
    The number and where it ends; None where none begins there.

    Notes
    -----
    A comma is a decimal comma in German and, where not just three digits follow it, in English too;
    else it parts thousands. A unit may stand after a hyphen ("10-second").

    Examples
    --------
    >>> number_at("0,21 mv in v2", 0)
    (SaidNumber(value=0.21, unit='mV', step=0.01, signed=False, factor=1.0), 7)
    >>> number_at("eighty beats per minute", 0)[0].value
    80.0
    """
    if start and text[start - 1].isalnum():
        return None
    match = _DIGITS.match(text, start)
    if match is not None and (
        not text[match.end() : match.end() + 1].isalpha() or _UNIT.match(text, match.end())
    ):
        read = _digits(match[0], language)
        if read is None:
            return None
        (value, step), end, signed = read, match.end(), bool(_SIGNED.match(match[0]))
    else:
        spelled = spelled_number(text, start, language)
        if spelled is None:
            return None
        value, decimals, end = spelled
        step, signed = 10.0**-decimals, value < 0
    unit = _UNIT.match(text, end)
    if unit is None:
        return SaidNumber(value, "", step, signed), end
    name, factor = _UNITS[unit[1]]
    return SaidNumber(value * factor, name, step * factor, signed, factor), unit.end()


def joins_range(text: str, end: int) -> int | None:
    """Return where the second number of a range would begin after the first; None for no range."""
    match = _TO.match(text, end)
    return match.end() if match is not None and match.end() > end else None


def _digits(said: str, language: str) -> tuple[float, float] | None:
    plain = said.replace(" ", "").lstrip("+\u00b1")
    commas, points = plain.count(","), plain.count(".")
    if commas and points:
        decimal = "," if plain.rfind(",") > plain.rfind(".") else "."
        if plain.count(decimal) > 1:
            return None
    elif commas or points:
        sign = "," if commas else "."
        thousands = len(plain.rsplit(sign, 1)[1]) == 3 and not plain.lstrip("-").startswith("0")
        of_language = "," if language == "de" else "."
        if commas + points > 1:
            decimal = ""
        else:
            decimal = "" if thousands and sign != of_language else sign
    else:
        decimal = ""
    whole = plain.replace("." if decimal == "," else ",", "")
    if not decimal:
        whole = whole.replace(".", "")
    try:
        value = float(whole.replace(",", "."))
    except ValueError:
        return None
    decimals = len(plain.rsplit(decimal, 1)[1]) if decimal else 0
    return value, 10.0**-decimals


def with_unit_of(number: SaidNumber, other: SaidNumber) -> SaidNumber:
    """Return a number that shares the unit of another, as in "0.12 to 0.20 s".

    Examples
    --------
    >>> with_unit_of(SaidNumber(0.12, "", 0.01), SaidNumber(200.0, "ms", 10.0, factor=1000.0))
    SaidNumber(value=120.0, unit='ms', step=10.0, signed=False, factor=1000.0)
    """
    if number.unit or not other.unit:
        return number
    by = other.factor
    return SaidNumber(number.value * by, other.unit, number.step * by, number.signed, by)


def agrees(said: SaidNumber, measured: float) -> bool:
    """Tell whether a number is the measured one, said as exactly as its digits show.

    Parameters
    ----------
    said
        The number of a text.
    measured
        The number of the study, in the same unit.

    Returns
    -------
    Whether the measured number, rounded to the last digit that is said, is the one that is said,
    and no more than 5 % is lost by that.

    Examples
    --------
    >>> agrees(SaidNumber(170.0, "ms", 10.0), 166.2), agrees(SaidNumber(0.0, "ms", 1000.0), 89.0)
    (True, False)
    """
    apart = abs(said.value - measured)
    if apart > said.step / 2 * (1 + 1e-9):
        return False
    whole = said.step == 1.0 and said.unit in ("ms", "bpm", "\u00b0")
    fine = 0.5 if abs(measured) >= 10 or whole else 0.005
    return apart <= max(fine, _COARSEST * abs(measured))
