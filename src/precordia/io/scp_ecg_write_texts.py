# SPDX-License-Identifier: Apache-2.0
"""What is not signal in an SCP-ECG file that we write: patient, measurements, statements."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from datetime import datetime

from precordia.core.errors import OutputError
from precordia.core.measurements import MedianBeat
from precordia.core.record import Carried, Patient, Record
from precordia.io.carried_texts import texts_of

#: language support codes, the narrowest first
_CODECS = ((0x00, "ascii"), (0x01, "latin-1"), (0x37, "utf-8"))
_NONE, _NO_AXIS = 29999, 999
_MOST_TEXTS, _LONGEST_TEXT = 255, 0xFFFF
_FORMULAS = (("qtc_bazett_ms", 1), ("qtc_hodges_ms", 2), ("qtc_ms", 0))
_AXES = ("p_axis_deg", "qrs_axis_deg", "t_axis_deg")
_INTERVALS = ("p_ms", "pr_ms", "qrs_ms", "qt_ms")
_BLOCK = ("p_onset", "p_offset", "qrs_onset", "qrs_offset", "t_offset")


@dataclass(frozen=True, slots=True)
class Codec:
    """How the texts of a file are encoded, and the code that says so."""

    code: int
    name: str

    def encode(self, text: str) -> bytes:
        """Return a text with the zero that ends it."""
        plain = " ".join(text.replace("\0", " ").split())
        return plain.encode(self.name, "replace")[: _LONGEST_TEXT - 8] + b"\0"


def codec_for(texts: list[str]) -> Codec:
    """Return the narrowest encoding that holds all texts.

    Examples
    --------
    >>> codec_for(["Müller"]).name
    'latin-1'
    """
    for code, name in _CODECS:
        try:
            "".join(texts).encode(name)
        except UnicodeEncodeError:
            continue
        return Codec(code, name)
    return Codec(*_CODECS[-1])


def patient_section(record: Record, codec: Codec, notes: list[str], identifiers: bool) -> bytes:
    """Return section 1: patient, device, time, filters, and notes.

    Parameters
    ----------
    record
        What is written.
    codec
        Encoding of texts.
    notes
        Lines of free text.
    identifiers
        Write name, identifier and date of birth.
    """
    patient, header = record.patient, record.carried.header
    tags: list[tuple[int, bytes]] = []
    if identifiers:
        first, _, last = (patient.name or "").rpartition(" ")
        if last:
            tags.append((0, codec.encode(last)))
        if first:
            tags.append((1, codec.encode(first)))
    tags.append((2, codec.encode((patient.patient_id or "") if identifiers else "")))
    if identifiers and patient.birth_date is not None:
        tags.append((5, _date(patient.birth_date)))
    age = _age(patient)
    if age is not None:
        tags.append((4, struct.pack("<HB", *age)))
    tags.append((8, bytes([{"male": 1, "female": 2}.get(patient.sex or "", 0)])))
    tags.append((14, _device(header, codec)))
    start = record.start_time
    if start is not None:
        tags.append((25, _date(start)))
        tags.append((26, bytes([start.hour, start.minute, start.second])))
        offset = start.utcoffset()
        if offset is not None:
            tags.append((34, struct.pack("<hH", round(offset.total_seconds() / 60), 0) + b"\0"))
    tags += _filters(header)
    tags += [(30, codec.encode(note)) for note in notes]
    return b"".join(struct.pack("<BH", t, len(v)) + v for t, v in tags) + b"\xff\0\0"


def _date(day: object) -> bytes:
    return struct.pack("<HBB", day.year, day.month, day.day)  # type: ignore[attr-defined]


def _age(patient: Patient) -> tuple[int, int] | None:
    """Return the age as number and unit: years, months or days."""
    years = patient.age_years
    if math.isnan(years) or years < 0 or years > 1000:
        return None
    for unit, per_year in ((1, 1.0), (2, 12.0), (3, 365.2425 / 7), (4, 365.2425)):
        number = years * per_year
        if abs(number - round(number)) < 1e-4 and 0 < round(number) <= 0xFFFF:
            return round(number), unit
    days = min(round(years * 365.2425), 0xFFFF)
    return (days, 4) if days else None


def _device(header: dict[str, str], codec: Codec) -> bytes:
    model = codec.encode(header.get("device_model", ""))[:5].rstrip(b"\0")
    texts = ("", "", header.get("software_version", ""), "precordia",
             header.get("manufacturer", ""))  # fmt: skip
    analysis, *others = (codec.encode(text) for text in texts)
    return b"".join((
        struct.pack("<HHHBB", 0, 0, 0, 1, 255),
        model.ljust(6, b"\0"),
        bytes([20, 0xD0, codec.code, 0, 0]),
        bytes(16),
        bytes([len(analysis)]),
        analysis,
        *others,
    ))  # fmt: skip


def _filters(header: dict[str, str]) -> list[tuple[int, bytes]]:
    tags = []
    for key, tag, factor in (("filter_highpass_hz", 27, 100), ("filter_lowpass_hz", 28, 1)):
        number = _number(header.get(key, "")) * factor
        if 1 <= round(number if number == number else 0) <= (200 if tag == 27 else 0xFFFF):
            tags.append((tag, struct.pack("<H", round(number))))
    notch = {50.0: 2, 60.0: 1}.get(_number(header.get("filter_notch_hz", "")))
    if notch:
        tags.append((29, bytes([notch])))
    return tags


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def measurement_section(carried: Carried, median: MedianBeat | None) -> tuple[bytes, list[str]]:
    """Return section 7, and lines of text for what it does not hold exactly.

    Notes
    -----
    Wave boundaries are milliseconds from the beginning of the median beat. Without one they count
    from the first of them.
    """
    told = {name: value for name, value in carried.measurements.items() if math.isfinite(value)}
    points = _points(told, median)
    axes = [_whole(told.get(name), -360, 360, _NO_AXIS) for name in _AXES]
    has_block = any(p != _NONE for p in points) or any(a != _NO_AXIS for a in axes)
    formula, qtc = next(
        ((code, told[name]) for name, code in _FORMULAS if name in told), (0, math.nan)
    )
    fields = [_whole(told.get(name), 1, 19998, _NONE) for name in ("rr_ms", "pp_ms")]
    rates = [
        _whole(value, 1, 19998, _NONE)
        for value in (told.get("heart_rate_bpm"), told.get("atrial_rate_bpm"), qtc)
    ]
    held = has_block or any(value != _NONE for value in (*fields, *rates))
    body = b""
    if held:
        body = struct.pack("<BBHH", int(has_block), 0, *fields)
        if has_block:
            body += struct.pack("<5H3h", *points, *axes)
        body += struct.pack("<HHHHBH", 0, *rates, formula, 0)
    exact = _exact(told, points, axes, fields, rates)
    rest = {name: value for name, value in told.items() if exact.get(name) != value}
    return body, texts_of(Carried(measurements=rest))


def _points(told: dict[str, float], median: MedianBeat | None) -> list[int]:
    """Return the five wave boundaries in ms."""
    if median is not None:
        marks = [getattr(median, name) * 1000 / median.fs for name in _BLOCK]
        return [_whole(at, 0, 19998, _NONE) for at in marks]
    p, pr, qrs, qt = (told.get(name, math.nan) for name in _INTERVALS)
    onset = 0.0 if math.isnan(pr) else pr
    begin = math.nan if math.isnan(pr) else 0.0
    if math.isnan(qrs) and math.isnan(qt) and math.isnan(pr):
        onset = math.nan
    return [
        _whole(at, 0, 19998, _NONE) for at in (begin, begin + p, onset, onset + qrs, onset + qt)
    ]


def _exact(
    told: dict[str, float], points: list[int], axes: list[int], fields: list[int], rates: list[int]
) -> dict[str, float]:
    """Return what a reader of section 7 finds."""
    found = dict(zip(_AXES, map(float, axes), strict=True))
    found |= {"rr_ms": float(fields[0]), "pp_ms": float(fields[1])}
    found |= {"heart_rate_bpm": float(rates[0]), "atrial_rate_bpm": float(rates[1])}
    formula = next((name for name, _ in _FORMULAS if name in told), "qtc_ms")
    found[formula] = float(rates[2])
    pairs = ((0, 1), (0, 2), (2, 3), (2, 4))
    for name, (a, b) in zip(_INTERVALS, pairs, strict=True):
        if _NONE not in (points[a], points[b]):
            found[name] = float(points[b] - points[a])
    return found


def _whole(value: float | None, low: int, high: int, none: int) -> int:
    """Return a number as an integer; ``none`` where it is absent or out of range."""
    if value is None or math.isnan(value) or not low <= round(value) <= high:
        return none
    return round(value)


def statement_sections(carried: Carried, codec: Codec, start: datetime | None) -> dict[int, bytes]:
    """Return sections 8 and 11, the statements in words and in codes.

    Raises
    ------
    OutputError
        If there are more than 255.
    """
    statements = carried.statements
    if not statements:
        return {}
    if len(statements) > _MOST_TEXTS:
        raise OutputError(
            f"the record carries {len(statements)} statements and SCP-ECG holds {_MOST_TEXTS}. "
            "Leave some of them out."
        )
    lines = [
        s.code if s.scheme == "text" else texts_of(Carried(statements=(s,)))[0] for s in statements
    ]
    coded = [s.code for s in statements if s.scheme == "scp-ecg"]
    sections = {8: _numbered([codec.encode(line) for line in lines], start)}
    if coded:
        sections[11] = _numbered([b"\1" + codec.encode(code) for code in coded], start)
    return sections


def _numbered(texts: list[bytes], start: datetime | None) -> bytes:
    """Return a date, a time and numbered entries."""
    when = bytes(7)
    if start is not None:
        when = _date(start) + bytes([start.hour, start.minute, start.second])
    entries = [struct.pack("<BH", k, len(text)) + text for k, text in enumerate(texts, 1)]
    return b"\0" + when + bytes([len(texts)]) + b"".join(entries)
