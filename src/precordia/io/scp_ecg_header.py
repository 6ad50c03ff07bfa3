# SPDX-License-Identifier: Apache-2.0
"""Section 1 of SCP-ECG: patient, device, staff, time, filters, and notes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone

from precordia.core.record import Patient
from precordia.io.patient_age import age_of, age_on
from precordia.io.scp_ecg_sections import Section

#: codecs by the language support code of the device; UTF-16 ends at two zero bytes
_CODECS = {
    0x01: "latin-1", 0x03: "iso8859-2", 0x0B: "iso8859-4", 0x13: "iso8859-5", 0x1B: "iso8859-6",
    0x23: "iso8859-7", 0x2B: "iso8859-8", 0x33: "iso8859-11", 0x3B: "iso8859-15",
    0x07: "utf-16-le", 0x0F: "shift_jis", 0x17: "iso2022_jp", 0x1F: "iso2022_jp_1",
    0x27: "gb2312", 0x2F: "euc_kr", 0x37: "utf-8",
}  # fmt: skip
_WIDE = "utf-16-le"
_AGE_UNITS = {1: "y", 2: "m", 3: "w", 4: "d", 5: "h"}
_HEIGHTS, _WEIGHTS = {1: "cm", 2: "in", 3: "mm"}, {1: "kg", 2: "g", 3: "lb", 4: "oz"}
_MAKERS = {
    1: "Burdick", 2: "Cambridge", 3: "Compumed", 4: "Datamed", 5: "Fukuda", 6: "Hewlett-Packard",
    7: "Marquette Electronics", 8: "Mortara Instruments", 9: "Nihon Kohden", 10: "Okin",
    11: "Quinton", 12: "Siemens", 13: "Spacelabs", 14: "Telemed", 15: "Hellige", 16: "ESA-OTE",
    17: "Schiller", 18: "Picker-Schwarzer", 19: "et medical devices", 20: "Zwönitz",
}  # fmt: skip
_RACES = {1: "Caucasian", 2: "Black", 3: "Oriental"}
_ELECTRODES = {
    1: "standard", 2: "Mason-Likar, single electrodes", 3: "Mason-Likar, one pad",
    4: "all electrodes on one pad", 5: "derived from Frank XYZ", 6: "not standard",
}  # fmt: skip
_TEXTS = {
    16: "institution", 17: "analysing_institution", 18: "department", 19: "analysing_department",
    20: "referring_physician", 21: "confirmed_by", 22: "technician", 23: "room",
    31: "acquisition_id",
}  # fmt: skip
#: texts that may occur more than once
_LISTS = {13: "indication", 30: "comment", 35: "history"}
_LAST = 255
#: a cutoff of more hundredths of a hertz is counted in ten-thousandths
_HIGHEST = 200
_DEVICE_TEXTS = 36


@dataclass(slots=True)
class Header:
    """What section 1 says.

    Attributes
    ----------
    patient, start
        Who was recorded, and when.
    entries
        Other entries as text.
    codec
        How texts of the file are encoded; empty where it does not say.
    protocol
        Version of the standard, times ten; 0 where unknown.
    """

    patient: Patient = field(default_factory=Patient)
    start: datetime | None = None
    entries: dict[str, str] = field(default_factory=dict)
    codec: str = ""
    protocol: int = 0


def read_header(section: Section | None) -> Header:
    """Read section 1.

    Parameters
    ----------
    section
        The section; None where the file has none.

    Returns
    -------
    What it says; entries that make no sense are left out.

    Notes
    -----
    A tag has one byte, its length two. Texts end at a zero byte and are in the encoding that the
    language support code of the recording device (tag 14) names; where that says ASCII and a text
    is not, UTF-8 is tried and then ISO 8859-1. Some writers give that code with its bits
    reversed. A high-pass filter above 2 Hz is that of a writer which counts ten-thousandths of a
    hertz instead of hundredths. The age that the file states comes first, the one from the dates
    next.
    """
    header = Header()
    if section is None:
        return header
    header.protocol = section.protocol
    tags = list(_tags(section.body))
    for tag, value in tags:
        if tag == 14 and len(value) > 16:
            header.codec = _codec(value[16])
            header.protocol = value[14] or header.protocol
    _read_texts(tags, header)
    fixed = {tag: value for tag, value in reversed(tags) if value}
    _read_device(fixed.get(14, b""), header)
    day, offset = read_date(fixed.get(25, b"")), _offset(fixed.get(34, b""))
    clock = read_time(fixed.get(26, b""))
    if day is not None and clock is not None:
        header.start = datetime.combine(day, clock, offset)
    header.patient = _patient(fixed, header.codec, day)
    _read_body(fixed, header.entries)
    _read_filters(fixed, header.entries)
    return header


def decode_text(value: bytes, codec: str) -> str:
    r"""Return a text of the file, up to its first zero.

    Examples
    --------
    >>> decode_text(b"M\xfcller\0junk", ""), decode_text("Ж\0".encode("utf-16-le"), "utf-16-le")
    ('Müller', 'Ж')
    """
    if codec == _WIDE:
        if value.startswith((b"\xff\xfe", b"\xfe\xff")):
            text = value[: len(value) & ~1].decode("utf-16", "replace")
        else:
            text = value[: len(value) & ~1].decode(_WIDE, "replace")
        return _printable(text.partition("\0")[0])
    value = value.partition(b"\0")[0]
    for known in (codec or "utf-8", "latin-1"):
        try:
            return _printable(value.decode(known))
        except (UnicodeDecodeError, LookupError):
            continue
    return ""


def _printable(text: str) -> str:
    return "".join(c for c in text if c >= " " and c != "\x7f").strip()


def read_date(value: bytes) -> date | None:
    r"""Return a date of the file; None where there is none.

    Examples
    --------
    >>> read_date(b"\xd2\x07\x0b\x16")
    datetime.date(2002, 11, 22)
    """
    if len(value) < 4:
        return None
    try:
        return date(int.from_bytes(value[:2], "little"), value[2], value[3])
    except ValueError:
        return None


def read_time(value: bytes) -> time | None:
    """Return a time of day of the file; None where there is none.

    Examples
    --------
    >>> read_time(bytes((9, 10, 0)))
    datetime.time(9, 10)
    """
    if len(value) < 3:
        return None
    try:
        return time(value[0], value[1], value[2])
    except ValueError:
        return None


def _tags(body: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 3 <= len(body) and body[at] != _LAST:
        length = int.from_bytes(body[at + 1 : at + 3], "little")
        yield body[at], body[at + 3 : at + 3 + length]
        at += 3 + length


def _codec(code: int) -> str:
    if not code & 1 and code & 0x80:
        code = int(f"{code:08b}"[::-1], 2)
    if code & 3 == 1:
        return "latin-1"
    return _CODECS.get(code & 0x3F, "") if code & 1 else ""


def _read_texts(tags: list[tuple[int, bytes]], header: Header) -> None:
    lists: dict[str, list[str]] = {}
    for tag, value in tags:
        if tag in _TEXTS or tag in _LISTS:
            name = _TEXTS.get(tag) or _LISTS[tag]
            text = decode_text(value, header.codec)
        elif tag == 10 and len(value) >= 3:
            name, text = "medication", decode_text(value[3:], header.codec)
            if not text and any(value[1:3]):
                text = f"drug {value[0]}-{value[1]}-{value[2]}"
        elif tag == 32 and len(value) >= 2 and any(value[1:]):
            name = "history"
            text = f"codes of table {value[0]}: " + ", ".join(str(c) for c in value[1:] if c)
        else:
            continue
        if text:
            lists.setdefault(name, []).append(text)
    for name, texts in lists.items():
        header.entries[name] = "; ".join(dict.fromkeys(texts))


def _read_device(value: bytes, header: Header) -> None:
    """Read the description of the recording device."""
    if len(value) < 17:
        return
    entries = header.entries
    model = decode_text(value[8:14], header.codec)
    if model:
        entries["device_model"] = model
    maker = _MAKERS.get(value[7], "")
    for name, number in (("institution_number", 0), ("department_number", 2), ("device_id", 4)):
        told = int.from_bytes(value[number : number + 2], "little")
        if told:
            entries[name] = str(told)
    mains = {1: "50", 2: "60"}.get(value[18] if len(value) > 18 else 0)
    if mains:
        entries["mains_hz"] = mains
    if len(value) > _DEVICE_TEXTS:
        # The analysing program's revision has its length before it, and ends with a zero too.
        length = value[_DEVICE_TEXTS - 1]
        analysis = value[_DEVICE_TEXTS : _DEVICE_TEXTS + length]
        texts = [decode_text(analysis, header.codec)]
        rest = value[_DEVICE_TEXTS + length :]
        if header.codec == _WIDE:
            split = rest[: len(rest) & ~1].decode(_WIDE, "replace").split("\0")
            texts += [_printable(part) for part in split]
        else:
            texts += [decode_text(part, header.codec) for part in rest.split(b"\0")]
        names = ("analysis_version", "device_serial", "software_version", "scp_software", "maker")
        for name, text in zip(names, texts, strict=False):
            if text and name != "maker":
                entries[name] = text
            elif text:
                maker = text
    if maker:
        entries["manufacturer"] = maker


def _offset(value: bytes) -> timezone | None:
    """Return the offset from UTC, which the file gives in minutes."""
    if len(value) < 2:
        return None
    minutes = int.from_bytes(value[:2], "little", signed=True)
    return timezone(timedelta(minutes=minutes)) if -14 * 60 <= minutes <= 14 * 60 else None


def _patient(fixed: dict[int, bytes], codec: str, day: date | None) -> Patient:
    # First name, last name, second last name.
    names = [decode_text(fixed.get(tag, b""), codec) for tag in (1, 0, 3)]
    born = read_date(fixed.get(5, b""))
    age = float("nan")
    told = fixed.get(4, b"")
    number = int.from_bytes(told[:2], "little")
    if len(told) >= 3 and number and told[2] in (0, *_AGE_UNITS):
        age = age_of(number, _AGE_UNITS.get(told[2], "y"))
    if age != age:
        age = age_on(day, born)
    return Patient(
        patient_id=decode_text(fixed.get(2, b""), codec) or None,
        name=" ".join(name for name in names if name) or None,
        birth_date=born,
        age_years=age,
        sex={1: "male", 2: "female"}.get(fixed.get(8, b"\0")[0]),  # type: ignore[arg-type]
    )


def _read_body(fixed: dict[int, bytes], entries: dict[str, str]) -> None:
    for tag, name, units in ((6, "height", _HEIGHTS), (7, "weight", _WEIGHTS)):
        value = fixed.get(tag, b"")
        number = int.from_bytes(value[:2], "little")
        if len(value) >= 3 and number and value[2] in units:
            entries[f"{name}_{units[value[2]]}"] = str(number)
    for tag, name in ((11, "systolic_mmhg"), (12, "diastolic_mmhg")):
        number = int.from_bytes(fixed.get(tag, b"")[:2], "little")
        if number:
            entries[name] = str(number)
    race = _RACES.get(fixed.get(9, b"\0")[0])
    if race:
        entries["race"] = race
    placed = _ELECTRODES.get(fixed.get(33, b"\0")[0])
    if placed:
        entries["electrodes"] = placed
    if any(fixed.get(24, b"")):
        entries["priority"] = str(fixed[24][0])


def _read_filters(fixed: dict[int, bytes], entries: dict[str, str]) -> None:
    high = int.from_bytes(fixed.get(27, b"")[:2], "little")
    low = int.from_bytes(fixed.get(28, b"")[:2], "little")
    if high:
        entries["filter_highpass_hz"] = f"{high / (100 if high <= _HIGHEST else 10_000):g}"
    if low:
        entries["filter_lowpass_hz"] = str(low)
    bits = fixed.get(29, b"\0")[0]
    notches = [hertz for bit, hertz in ((2, "50"), (1, "60")) if bits & bit]
    if notches:
        entries["filter_notch_hz"] = ", ".join(notches)
    if bits & 4:
        entries["filter_artifact"] = "on"
