# SPDX-License-Identifier: Apache-2.0
"""The header of an EDF, EDF+ or BDF file."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date, datetime

from precordia.core.errors import FormatError, SamplingRateError
from precordia.core.record import Patient

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_LARGEST_SIGNALS = 4096


@dataclass(frozen=True, slots=True)
class EdfSignal:
    """One signal of the header: label, unit, the two ranges that scale it, samples per record."""

    label: str
    unit: str
    gain: float
    offset: float
    digital_min: int
    per_record: int
    prefilter: str
    is_annotation: bool


@dataclass(frozen=True, slots=True)
class EdfHeader:
    """The header: what is stored where, on which clock, of whom.

    ``n_records`` is -1 where the recorder was interrupted; ``duration_s`` is that of one record;
    ``extra`` holds the additional fields of the recording identification that precordia writes.
    """

    n_bytes: int
    sample_bytes: int
    n_records: int
    duration_s: float
    signals: tuple[EdfSignal, ...]
    kind: str
    patient: Patient
    start_time: datetime | None
    recording: str
    extra: dict[str, str]

    @property
    def record_samples(self) -> int:
        """Samples of all signals in one record."""
        return sum(signal.per_record for signal in self.signals)


def parse_edf_header(buffer: bytes, *, name: str) -> EdfHeader:
    """Parse the header of an EDF, EDF+ or BDF file.

    Parameters
    ----------
    buffer
        The beginning of the file, header included.
    name
        Name of the file, for messages.

    Returns
    -------
    The header. Dates that cannot be are None; ranges that scale nothing are refused.

    Raises
    ------
    FormatError
        If a field that is needed holds no number, or the header is cut.
    SamplingRateError
        If a data record lasts no time although it holds samples.

    References
    ----------
    Kemp B et al. Electroencephalogr Clin Neurophysiol 1992;82:391-393.
    doi:10.1016/0013-4694(92)90009-7
    Kemp B, Olivan J. Clin Neurophysiol 2003;114:1755-1761. doi:10.1016/S1388-2457(03)00123-8
    """
    if len(buffer) < 256:
        raise FormatError(
            f"'{name}' has {len(buffer)} bytes; an EDF header has at least 256. The file is cut: "
            "copy or export it again."
        )
    is_bdf = buffer[:1] == b"\xff"
    n_signals = _integer(buffer[252:256], "number of signals", name)
    if not 0 < n_signals <= _LARGEST_SIGNALS:
        raise FormatError(
            f"'{name}' declares {n_signals} signals; between 1 and {_LARGEST_SIGNALS} were needed. "
            "The header is damaged: copy or export the file again."
        )
    n_bytes = 256 * (n_signals + 1)
    if len(buffer) < n_bytes:
        raise FormatError(
            f"'{name}' ends within its header of {n_bytes} bytes. The file is cut: copy or export "
            "it again."
        )
    duration = _number(buffer[244:252], "duration of a data record", name)
    reserved = _text(buffer[192:236])
    signals = _signals(buffer, n_signals, name)
    held = any(not s.is_annotation and s.per_record for s in signals)
    if not 0 <= duration < math.inf or (held and duration == 0):
        raise SamplingRateError(
            f"'{name}' says that a data record lasts {duration:g} s, which gives no sampling rate. "
            "The header is damaged: export the file again."
        )
    patient_text, recording = _text(buffer[8:88]), _text(buffer[88:168])
    extra = dict(re.findall(r"(?:^|\s)(age|fs|samples|missing):(\S+)", recording))
    return EdfHeader(
        n_bytes=n_bytes,
        sample_bytes=3 if is_bdf else 2,
        n_records=_integer(buffer[236:244], "number of data records", name),
        duration_s=duration,
        signals=signals,
        kind=reserved[:5] if reserved[:5] in ("EDF+C", "EDF+D", "BDF+C", "BDF+D") else "",
        patient=_patient(patient_text, extra),
        start_time=_start(_text(buffer[168:176]), _text(buffer[176:184]), recording),
        recording=recording,
        extra=extra,
    )


def _signals(buffer: bytes, n: int, name: str) -> tuple[EdfSignal, ...]:
    columns, at = [], 256
    for width in (16, 80, 8, 8, 8, 8, 8, 80, 8):
        columns.append([buffer[at + k * width : at + (k + 1) * width] for k in range(n)])
        at += width * n
    labels, _, units, p_min, p_max, d_min, d_max, filters, counts = columns
    found = []
    for k in range(n):
        label = _text(labels[k])
        per_record = _integer(counts[k], f"samples per record of signal {k + 1}", name)
        if per_record < 0 or per_record > 1 << 28:
            raise FormatError(
                f"'{name}' declares {per_record} samples per record for '{label}'. The header is "
                "damaged: copy or export the file again."
            )
        if label in ("EDF Annotations", "BDF Annotations"):
            found.append(EdfSignal(label, "", 1.0, 0.0, 0, per_record, "", True))
            continue
        low = _number(p_min[k], f"physical minimum of '{label}'", name)
        high = _number(p_max[k], f"physical maximum of '{label}'", name)
        first = _integer(d_min[k], f"digital minimum of '{label}'", name)
        last = _integer(d_max[k], f"digital maximum of '{label}'", name)
        if last == first or high == low:
            raise FormatError(
                f"'{name}' gives '{label}' a range of nothing (physical {low:g} to {high:g}, "
                f"digital {first} to {last}), so that its samples have no scale. The header is "
                "damaged: export the file again."
            )
        gain = (high - low) / (last - first)
        if not abs(gain) < 1e20:
            raise FormatError(
                f"'{name}' scales '{label}' by {gain:g}, which no recording needs. The header is "
                "damaged: export the file again."
            )
        unit, filter_text = _text(units[k]), _text(filters[k])
        offset = low - first * gain
        found.append(EdfSignal(label, unit, gain, offset, first, per_record, filter_text, False))
    return tuple(found)


def _text(field: bytes) -> str:
    try:
        return field.decode("utf-8").strip(" \0")
    except UnicodeDecodeError:
        return field.decode("latin-1").strip(" \0")


def _number(field: bytes, what: str, name: str) -> float:
    text = _text(field).replace(",", ".")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or "_" in text:
        raise FormatError(
            f"'{name}' gives the {what} as {text!r}; a number was needed. The header is damaged: "
            "copy or export the file again."
        )
    return value


def _integer(field: bytes, what: str, name: str) -> int:
    value = _number(field, what, name)
    if value != int(value):
        raise FormatError(
            f"'{name}' gives the {what} as {value:g}; a whole number was needed. The header is "
            "damaged: copy or export the file again."
        )
    return int(value)


def _patient(text: str, extra: dict[str, str]) -> Patient:
    """Return the patient of an EDF+ identification: code, sex, birth date, name; X is unknown."""
    try:
        age = float(extra.get("age", "nan"))
    except ValueError:
        age = math.nan
    age = age if 0 <= age < 130 else math.nan
    fields = text.split()
    if len(fields) < 4 or fields[1] not in ("F", "M", "X"):
        # EDF before EDF+ has free text here, which may be anything.
        return Patient(patient_id=text or None, age_years=age)
    known = [None if field == "X" else field.replace("_", " ") for field in fields]
    return Patient(
        patient_id=known[0],
        sex={"F": "female", "M": "male"}.get(fields[1]),
        birth_date=_day(fields[2]),
        name=known[3],
        age_years=age,
    )


def _day(text: str) -> date | None:
    """Return a date such as 02-MAY-1951; None where it is none."""
    found = re.fullmatch(r"(\d{1,2})-([A-Za-z]{3})-(\d{4})", text)
    if found is None or found.group(2).upper() not in _MONTHS:
        return None
    try:
        return date(
            int(found.group(3)), _MONTHS.index(found.group(2).upper()) + 1, int(found.group(1))
        )
    except ValueError:
        return None


def _start(day: str, clock: str, recording: str) -> datetime | None:
    """Return the start; None where it is impossible or the first of 1985, which means unknown."""
    time = re.fullmatch(r"(\d\d).(\d\d).(\d\d)", clock)
    if time is None:
        return None
    hour, minute, second = (int(part) for part in time.groups())
    whole = re.match(r"Startdate (\S+)", recording)
    when = _day(whole.group(1)) if whole else None
    if when is None:
        short = re.fullmatch(r"(\d\d).(\d\d).(\d\d)", day)
        if short is None:
            return None
        d, m, y = (int(part) for part in short.groups())
        try:
            when = date(y + (1900 if y >= 85 else 2000), m, d)
        except ValueError:
            return None
        # Where the full date is withheld, the short one is a placeholder too.
        if (d, m, y) == (1, 1, 85) or (whole is not None and whole.group(1) == "X"):
            return None
    try:
        return datetime(when.year, when.month, when.day, hour, minute, second)
    except ValueError:
        return None
