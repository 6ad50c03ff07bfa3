# SPDX-License-Identifier: Apache-2.0
"""Read an ECG that Apple Health exported as CSV, in whatever language."""

from __future__ import annotations

import csv
import math
import re
from datetime import date, datetime
from pathlib import Path

import numpy as np

from precordia.core.errors import FormatError, OptionError, SamplingRateError, UnitError
from precordia.core.leads import canonical_lead
from precordia.core.record import Carried, Patient, Record, Remark
from precordia.core.source import Source
from precordia.core.statements import Statement
from precordia.io.recognise import HERTZ, text_of
from precordia.io.units import millivolts, require_millivolts

_NUMBER = re.compile(r"[-+\u2212]?\d+(?:[.,]\d+)?")
_RATE = re.compile(rf"(\d+(?:[.,]\d+)?)[\s\u00a0\u202f]*(?:{HERTZ})\.?", re.IGNORECASE)
_BEATS = re.compile(
    r"(\d+(?:[.,]\d+)?)[\s\u00a0\u202f]*(?:bpm|spm|lpm|lat/min|/min)", re.IGNORECASE
)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d ?(?:[+-]\d\d:?\d\d|Z)")
_VERSION = re.compile(r"\d+(?:\.\d+)+")
_HEADER_LINES = 60
_LARGEST_MV = 1e4
#: keys that are known; what has another key is found by its place and form
_KEYS = {
    "name": "name", "nombre": "name", "nom": "name", "nome": "name",
    "date of birth": "born", "geburtstag": "born", "geburtsdatum": "born",
    "recorded date": "moment", "aufzeichnungsdatum": "moment",
    "classification": "classification", "klassifizierung": "classification",
    "symptoms": "symptoms", "symptome": "symptoms",
    "software version": "software", "softwareversion": "software",
    "device": "device", "ger\u00e4t": "device",
    "sample rate": "rate", "messrate": "rate",
    "lead": "lead", "ableitung": "lead", "unit": "unit", "einheit": "unit",
    "average heart rate": "heart_rate",
}  # fmt: skip
_BIRTH_FORMS = ("%Y-%m-%d", "%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y", "%d.%m.%Y")


def read_apple_health_csv(
    path: Path, *, unit: str | None = None, fs: float | None = None
) -> Record:
    """Read an electrocardiogram that Apple Health exported.

    Parameters
    ----------
    path
        The file.
    unit
        Unit of the values, instead of what the file says: ``"uV"``.
    fs
        Sampling rate, Hz, instead of what the file says.

    Returns
    -------
    The record of one lead. The watch's classification is a statement of ``carried``.

    Raises
    ------
    FormatError
        If there are no numbers, or a line among them is none.
    UnitError
        If the unit is missing.
    SamplingRateError
        If the sampling rate is missing.

    Notes
    -----
    The header, keys included, is written in the language of the telephone. Entries whose key is
    not known (English and German are) are told by their form: the rate is what ends in hertz, the
    date what has a time zone, the unit what is a voltage; or by their place: the classification
    follows the date, the device stands before the rate, the lead beside the unit. A comma among
    the numbers is a decimal sign. Numbers with both point and comma are refused.

    References
    ----------
    Apple. Take an ECG with the ECG app on Apple Watch. https://support.apple.com/en-us/120278
    """
    name = path.name
    if fs is not None and not (isinstance(fs, (int, float)) and 0 < fs < math.inf):
        raise OptionError(f"fs={fs!r} arrived; a sampling rate in Hz above 0 is needed.")
    lines = text_of(path.read_bytes()).splitlines()
    first = _first_number(lines, name)
    entries = _entries(lines[:first])
    told = _understood(entries)
    if fs is None:
        fs = _rate(told.get("rate", ""), name)
    factor = _factor(told.get("unit", ""), unit, name)
    values = _numbers(lines[first:], first, name) * factor
    largest = float(np.abs(values).max())
    if not largest < _LARGEST_MV:
        raise UnitError(
            f"'{name}' holds a value of {largest:.3g} mV, which no electrode gives. Check the unit "
            "and the decimal sign, and give the unit with unit=."
        )
    remarks: list[Remark] = []
    start_time = _moment(told.get("moment", ""))
    measurements = {}
    beats = _BEATS.fullmatch(told.get("heart_rate", ""))
    if beats:
        measurements["heart_rate_bpm"] = float(beats.group(1).replace(",", "."))
    statement = told.get("classification", "")
    return Record(
        signal=values.astype(np.float32)[None],
        fs=float(fs),
        leads=(_lead(told.get("lead", ""), remarks),),
        patient=_patient(told, start_time),
        start_time=start_time,
        carried=Carried(
            measurements=measurements,
            statements=(Statement(code=statement),) if statement else (),
            header=_texts(told),
        ),
        remarks=tuple(remarks),
        source=Source(method="read:apple-health-csv"),
    )


def _first_number(lines: list[str], name: str) -> int:
    """Return the line at which the numbers begin."""
    for k, line in enumerate(lines[:_HEADER_LINES]):
        if _NUMBER.fullmatch(line.strip().strip('"')):
            return k
    raise FormatError(
        f"'{name}' holds no number in its first {min(len(lines), _HEADER_LINES)} lines; one value "
        "a line was needed below the header. Export it from Apple Health again."
    )


def _entries(lines: list[str]) -> list[tuple[str, str]]:
    """Return the key and value of each line of the header."""
    found = []
    for line in lines:
        plain = line.strip().lstrip("\ufeff")
        if not plain:
            continue
        sign = ";" if ";" in plain and "," not in plain.split(";")[0] else ","
        try:
            cells = next(csv.reader([plain], delimiter=sign), [])
        except csv.Error:
            cells = plain.split(sign)
        key = cells[0].strip() if cells else ""
        found.append((key[:60], ", ".join(cell.strip() for cell in cells[1:] if cell.strip())))
    return found


def _understood(entries: list[tuple[str, str]]) -> dict[str, str]:
    """Tell what each entry is: by its key, by its form, and by its place among the others."""
    kinds: list[str] = []
    for key, value in entries:
        known = _KEYS.get(key.lower(), "")
        if not known and _MOMENT.fullmatch(value):
            known = "moment"
        elif not known and _rate_of(value) is not None:
            known = "rate"
        elif not known and _BEATS.fullmatch(value):
            known = "heart_rate"
        elif not known and _voltage(value) is not None:
            known = "unit"
        elif not known and _VERSION.fullmatch(value):
            known = "software"
        kinds.append(known)
    for kind, step, neighbour in (
        ("moment", 1, "classification"), ("rate", -1, "device"), ("unit", -1, "lead"),
        ("classification", 1, "symptoms"),
    ):  # fmt: skip
        if kind in kinds and neighbour not in kinds:
            at = kinds.index(kind) + step
            if 0 <= at < len(kinds) and not kinds[at]:
                kinds[at] = neighbour
    # The name stands first and the day of birth before the date of the recording.
    before = kinds.index("moment") if "moment" in kinds else 0
    for at, kind in zip(range(min(before, 2)), ("name", "born"), strict=False):
        if not kinds[at] and kind not in kinds:
            kinds[at] = kind
    told: dict[str, str] = {}
    for kind, (_, value) in zip(kinds, entries, strict=True):
        if kind:
            told.setdefault(kind, value)
    return told


def _voltage(value: str) -> float | None:
    return millivolts(re.sub(r"\(.*\)", "", value)) if value else None


def _rate_of(value: str) -> float | None:
    found = _RATE.fullmatch(value.replace(", ", ",").strip())
    return float(found.group(1).replace(",", ".")) if found else None


def _rate(value: str, name: str) -> float:
    fs = _rate_of(value)
    if fs is None or not fs > 0:
        raise SamplingRateError(
            f"'{name}' does not say its sampling rate. Give it in hertz with fs=; watches record "
            "at 512 Hz."
        )
    return fs


def _factor(value: str, unit: str | None, name: str) -> float:
    if unit is not None:
        return require_millivolts(unit)
    factor = _voltage(value)
    if factor is None:
        raise UnitError(
            f"'{name}' does not say the unit of its values. Apple writes microvolts: if so, say it "
            "with unit='uV'; otherwise with unit='mV'."
        )
    return factor


def _numbers(lines: list[str], first: int, name: str) -> np.ndarray:
    places = [k for k, line in enumerate(lines) if line.strip()]
    plain = [lines[k].strip().strip('"').replace("\u2212", "-") for k in places]
    joined = "\n".join(plain)
    if "," in joined:
        both = next((k for k, line in enumerate(plain) if "," in line and "." in line), None)
        if both is not None:
            raise _no_number(name, first + places[both])
        counted = [line.partition(",")[0] for line in plain[:20]]
        if any(counted == [str(begin + k) for k in range(20)] for begin in (0, 1)):
            raise FormatError(
                f"'{name}' counts its lines before the comma: it is a table of two columns, not "
                "one number a line. Read it with format='csv'."
            )
        plain = joined.replace(",", ".").split("\n")
    try:
        values = np.array(plain, np.float64)
    except ValueError:
        values = None
    if values is None or not np.isfinite(values).all():
        wrong = next((k for k, line in enumerate(plain) if not _NUMBER.fullmatch(line)), 0)
        raise _no_number(name, first + places[wrong])
    return values


def _no_number(name: str, at: int) -> FormatError:
    return FormatError(
        f"'{name}' has near line {at + 1} something else than one number; one value a line was "
        "needed. Export it from Apple Health again."
    )


def _lead(value: str, remarks: list[Remark]) -> str:
    # The word for lead stands before its name in every language.
    for spelled in (value, value.split()[-1] if value.split() else ""):
        lead = canonical_lead(spelled) if spelled else None
        if lead is not None:
            return lead
    remarks.append(
        Remark(
            code="leads-unnamed",
            text="The file does not name its lead. A watch at the wrist records lead I.",
        )
    )
    return "ECG"


def _moment(text: str) -> datetime | None:
    zoned = re.sub(r"[ ]?([+-]\d\d):?(\d\d)$", r"\1:\2", text.strip()).replace("Z", "+00:00")
    try:
        return datetime.fromisoformat(zoned.replace(" +", "+")) if zoned else None
    except ValueError:
        return None


def _patient(told: dict[str, str], start_time: datetime | None) -> Patient:
    born: date | None = None
    for form in _BIRTH_FORMS:
        try:
            born = datetime.strptime(told.get("born", "").strip(), form).date()
            break
        except ValueError:
            continue
    age = math.nan
    if born is not None and start_time is not None:
        years = math.floor((start_time.date() - born).days / 365.2425)
        age = float(years) if 0 <= years < 130 else math.nan
    return Patient(name=told.get("name") or None, birth_date=born, age_years=age)


def _texts(told: dict[str, str]) -> dict[str, str]:
    device = told.get("device", "").replace(", ", ",")
    found = {
        "manufacturer": "Apple" if device.startswith("Watch") or "Apple" in device else "",
        "device_model": device,
        "software_version": told.get("software", ""),
        "history": told.get("symptoms", ""),
    }
    return {key: text for key, text in found.items() if text}
