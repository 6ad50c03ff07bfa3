# SPDX-License-Identifier: Apache-2.0
"""Write a record as EDF+."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from precordia.core.errors import OutputError
from precordia.core.output import write_whole
from precordia.core.record import Record

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
#: EDF recommends data records of no more bytes
_RECORD_BYTES = 61440
#: steps of converters in use, µV; a signal of whole steps of one is stored without any loss
_USUAL_STEPS_UV = (1.0, 5.0, 2.5, 1.25, 0.5, 4.88, 0.25, 0.1)
_MISSING = -32768


class _Channel(NamedTuple):
    label: str
    unit: str
    low: str
    high: str
    per_record: int
    digital: np.ndarray
    has_gaps: bool


def write_edf(
    record: Record,
    path: str | os.PathLike[str],
    *,
    identifiers: bool = False,
    overwrite: bool = False,
) -> Path:
    """Write a record as EDF+.

    Parameters
    ----------
    record
        What to write.
    path
        The file.
    identifiers
        Write the patient's identifier, name and date of birth too.
    overwrite
        Replace a file that is there.

    Returns
    -------
    The file.

    Raises
    ------
    OutputError
        If the file exists or cannot be written, or EDF cannot hold the record.

    Warns
    -----
    UserWarning
        Once, naming what the record carries and EDF+ has no place for.

    Notes
    -----
    Signals are stored in microvolts (millivolts beyond 9 V) with 16 bits. Where a lead consists
    of whole steps of a usual converter that step is kept, and the lead comes back as it was;
    otherwise the range is that of the lead, and it comes back within half a step, which is 1/131068
    of its range. EDF has no value for a missing sample: it is written as -32768, below the digital
    minimum of -32767, and the prefilter field says so; other software sees a value just below the
    physical minimum.

    A data record lasts as near to one second as divides the signal evenly. Where nothing does, the
    last record is filled with missing samples and the recording identification tells the length;
    it also keeps an exact sampling rate that the eight digits of a record's duration round, and
    the age.

    Examples
    --------
    >>> import tempfile
    >>> from precordia.io.edf import read_edf
    >>> record = Record(signal=np.array([[0.0, 0.5, np.nan]]), fs=500.0, leads=("II",))
    >>> read_edf(write_edf(record, Path(tempfile.mkdtemp(), "a.edf"))).signal
    array([[0. , 0.5, nan]], dtype=float32)
    """
    place = Path(path)
    if record.n_leads == 0 or record.n_samples == 0:
        raise OutputError("the record has no samples; EDF needs at least one lead and one sample.")
    per_record, duration, exact = _divide(record.n_samples, record.fs, record.n_leads)
    n_records = -(-record.n_samples // per_record)
    padded = n_records * per_record
    channels = []
    for lead, row in zip(record.leads, record.signal, strict=True):
        label = lead if len(lead) > 12 else f"ECG {lead}"
        # Eight characters state ranges up to 9 V in microvolts; counts taken for mV exceed that.
        unit, scale = ("uV", 1e3) if np.nanmax(np.abs(row), initial=0) < 9e3 else ("mV", 1.0)
        channels.append(_quantise(label, unit, scale, row, per_record, padded))
    lost = []
    for other in record.companions:
        each = other.fs * float(duration)
        whole = round(each)
        uneven = whole < 1 or abs(each - whole) > 1e-6 * whole
        if uneven or -(-other.signal.size // whole) > n_records:
            lost.append(f"companion '{other.name}' (its rate does not fit the data records)")
            continue
        channels.append(
            _quantise(other.name, other.unit, 1.0, other.signal, whole, n_records * whole)
        )
    if len(channels) > 4000:
        raise OutputError(f"the record has {len(channels)} signals; EDF holds fewer than 4000.")
    extra = []
    if padded != record.n_samples:
        extra.append(f"samples:{record.n_samples}")
    if not exact:
        extra.append(f"fs:{record.fs!r}")
    if math.isfinite(record.patient.age_years):
        extra.append(f"age:{record.patient.age_years:g}")
    notes = _stamps(record, n_records, float(duration))
    content = _content(record, channels, notes, n_records, duration, extra, identifiers)
    write_whole({str(place): content}, overwrite=overwrite)
    lost += _not_held(record)
    if lost:
        warnings.warn(
            f"EDF+ has no place for: {'; '.join(lost)}. '{place.name}' was written without.",
            stacklevel=3,
        )
    return place


def _divide(n_samples: int, fs: float, n_leads: int) -> tuple[int, str, bool]:
    """Return samples per record, a record's duration as text, and whether both give fs exactly."""
    limit = max(1, _RECORD_BYTES // (2 * n_leads + 2))

    def exact(count: int) -> str | None:
        text = _eight(count / fs)
        return text if text is not None and float(text) > 0 and count / float(text) == fs else None

    fitting = [d for d in _divisors(n_samples) if d <= limit]
    for count in sorted(fitting, key=lambda d: abs(math.log(d / fs))):
        # A record of a few samples would be mostly annotation: rather fill the last one.
        if count * 20 >= min(fs, n_samples) and (text := exact(count)):
            return count, text, True
    near = min(limit, max(1, round(fs)), n_samples)
    below, above = range(near, max(0, near - 2000), -1), range(near, min(limit, near + 2000))
    for count in (*below, *above):
        if text := exact(count):
            return count, text, True
    text = _eight(near / fs)
    if text is None or float(text) <= 0:
        raise OutputError(
            f"a sampling rate of {fs:g} Hz cannot be written as EDF, which gives the duration of a "
            "data record in eight characters. Resample the record, or write WFDB."
        )
    return near, text, False


def _divisors(n: int) -> Iterator[int]:
    for small in range(1, math.isqrt(n) + 1):
        if n % small == 0:
            yield small
            if small != n // small:
                yield n // small


def _eight(value: float) -> str | None:
    """Return a number in at most eight characters, as precise as they allow."""
    for digits in range(9, 0, -1):
        text = f"{value:.{digits}g}"
        if "e" in text:
            text = f"{value:.{max(0, min(6, digits))}f}".rstrip("0").rstrip(".")
        if len(text) <= 8:
            return text
    return None


def _quantise(
    label: str, unit: str, scale: float, row: Float[np.ndarray, " sample"], per_record: int, n: int
) -> _Channel:
    """Return a signal as 16 bit integers and the range that they stand for."""
    values = row.astype(np.float64) * scale
    held = np.isfinite(values)
    whole = bool(held.all())
    seen = values if whole else values[held]
    digital = np.full(n, _MISSING, np.int16)
    low, high = _range(seen, unit)
    gain = (float(high) - float(low)) / 65534
    steps = (
        np.rint((values - float(low)) / gain) - 32767
        if whole
        else np.rint((np.where(held, values, float(low)) - float(low)) / gain) - 32767
    )
    steps = np.clip(steps, -32767, 32767)
    if not whole:
        steps[~held] = _MISSING
    digital[: values.size] = steps.astype(np.int16)
    return _Channel(
        label=_ascii(label, 16),
        unit=_ascii(unit, 8),
        low=low,
        high=high,
        per_record=per_record,
        digital=digital,
        has_gaps=not whole or n != values.size,
    )


def _range(seen: np.ndarray, unit: str) -> tuple[str, str]:
    """Return physical minimum and maximum as the header writes them."""
    if seen.size == 0:
        return "-1", "1"
    low, high = float(seen.min()), float(seen.max())
    if unit == "uV":
        for step in _USUAL_STEPS_UV:
            top = f"{32767 * step:g}" if step >= 1 else f"{32767 * step:.2f}"
            if len(top) > 7 or max(-low, high) > 32767 * step or float(top) != 32767 * step:
                continue
            counts = seen / step
            whole = np.rint(counts)
            # float32 millivolts are off by up to 6e-8 of themselves.
            if (np.abs(counts - whole) <= 1e-9 + 1.2e-7 * np.abs(whole)).all():
                return "-" + top, top
    if high == low:
        low, high = low - max(1.0, abs(low) * 1e-3), high + max(1.0, abs(high) * 1e-3)
    return _outward(low, -1), _outward(high, 1)


def _outward(value: float, direction: int) -> str:
    """Return the nearest number of eight characters that is not inside ``value``."""
    for digits in range(7, -1, -1):
        unit = 10.0**-digits
        rounded = (math.floor if direction < 0 else math.ceil)(value / unit) * unit
        text = f"{rounded:.{digits}f}"
        if len(text) <= 8:
            return text
    raise OutputError(
        f"an amplitude of {value:.3g} has more digits than EDF can state as a range. Check the "
        "unit of the record."
    )


def _ascii(text: str, width: int) -> str:
    plain = text.replace("µ", "u").replace("\u03bc", "u")
    return plain.encode("ascii", "replace").decode()[:width]


def _stamps(record: Record, n_records: int, duration: float) -> list[bytes]:
    """Return the annotation bytes of each data record."""
    fraction = record.start_time.microsecond / 1e6 if record.start_time else 0.0
    lines = [bytearray(_stamp(r * duration + fraction, "") + b"\0") for r in range(n_records)]
    marks = record.carried.annotations
    if marks is not None:
        texts = marks.aux or ("",) * len(marks)
        for at, symbol, text in zip(marks.sample, marks.symbol, texts, strict=False):
            words = " ".join(part for part in (symbol.replace('"', ""), text.strip("\0 ")) if part)
            seconds = float(at) / record.fs
            where = min(n_records - 1, max(0, int(seconds / duration)))
            lines[where] += _stamp(seconds + fraction, words or "note") + b"\0"
    return [bytes(line) for line in lines]


def _stamp(seconds: float, text: str) -> bytes:
    plain = "".join(c for c in text if c >= " ")
    onset = f"{seconds:+.9f}".rstrip("0").rstrip(".")
    return f"{onset}\x14{plain}\x14".encode()


def _content(
    record: Record,
    channels: list[_Channel],
    notes: list[bytes],
    n_records: int,
    duration: str,
    extra: list[str],
    identifiers: bool,
) -> bytes:
    note_samples = (max(map(len, notes)) + 1) // 2
    rows = [
        (
            c.label,
            "",
            c.unit,
            c.low,
            c.high,
            "-32767",
            "32767",
            f"missing:{_MISSING}" if c.has_gaps else "",
            str(c.per_record),
        )
        for c in channels
    ]
    rows.append(("EDF Annotations", "", "", "-1", "1", "-32768", "32767", "", str(note_samples)))
    fields = [_field("0", 8), _field(_patient(record, identifiers), 80)]
    fields.append(_field(" ".join([f"Startdate {_day(record.start_time)} X X X", *extra]), 80))
    start = record.start_time or datetime(1985, 1, 1)
    fields.append(_field(f"{start:%d.%m.%y}", 8) + _field(f"{start:%H.%M.%S}", 8))
    fields.append(_field(str(256 * (len(rows) + 1)), 8) + _field("EDF+C", 44))
    fields.append(_field(str(n_records), 8) + _field(duration, 8) + _field(str(len(rows)), 4))
    for column, width in enumerate((16, 80, 8, 8, 8, 8, 8, 80, 8)):
        fields += [_field(row[column], width) for row in rows]
    fields.append(" " * 32 * len(rows))
    stamped = b"".join(note.ljust(2 * note_samples, b"\0") for note in notes)
    parts = [c.digital.astype("<i2", copy=False).reshape(n_records, c.per_record) for c in channels]
    parts.append(np.frombuffer(stamped, "<i2").reshape(n_records, note_samples))
    return "".join(fields).encode("ascii") + np.concatenate(parts, axis=1).tobytes()


def _field(text: str, width: int) -> str:
    if len(text) > width:
        text = text[:width]
    return _ascii(text, width).ljust(width)


def _day(moment: datetime | None) -> str:
    if moment is None:
        return "X"
    return f"{moment.day:02d}-{_MONTHS[moment.month - 1]}-{moment.year:04d}"


def _patient(record: Record, identifiers: bool) -> str:
    patient = record.patient
    sex = {"female": "F", "male": "M"}.get(patient.sex or "", "X")
    code, born, name = "X", "X", "X"
    if identifiers:
        code = (patient.patient_id or "X").replace(" ", "_")
        name = (patient.name or "X").replace(" ", "_")
        if patient.birth_date:
            day = patient.birth_date
            born = f"{day.day:02d}-{_MONTHS[day.month - 1]}-{day.year:04d}"
    return f"{code} {sex} {born} {name}"


def _not_held(record: Record) -> list[str]:
    """Name what the record carries and EDF+ has no place for."""
    carried = record.carried
    lost = []
    if carried.measurements:
        lost.append("the file's own measurements")
    if carried.statements:
        lost.append("statements")
    if carried.fiducials is not None:
        lost.append("fiducials")
    if carried.median is not None:
        lost.append("the median beat")
    if record.origin != "measured":
        lost.append(f"that the record is {record.origin}")
    return lost
