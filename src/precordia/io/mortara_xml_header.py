# SPDX-License-Identifier: Apache-2.0
"""What a Mortara ELI XML file says beside the signal: patient, device, measurements, statements."""

from __future__ import annotations

import math
from datetime import date, datetime
from xml.etree.ElementTree import Element

from precordia.core.record import Patient
from precordia.core.statements import Statement
from precordia.io.patient_age import age_of, age_on

_ROOT_NAMES = {"VENT_RATE": "heart_rate_bpm", "AVERAGE_RR": "rr_ms"}
_CYCLE_NAMES = {
    "P_DURATION": "p_ms", "PR_DURATION": "pr_ms", "QRS_DURATION": "qrs_ms", "QT": "qt_ms",
    "QTC": "qtc_ms", "QTB": "qtc_bazett_ms", "QTF": "qtc_fridericia_ms", "P_AXIS": "p_axis_deg",
    "QRS_AXIS": "qrs_axis_deg", "T_AXIS": "t_axis_deg",
}  # fmt: skip
_HEADER = {
    "manufacturer": ("SOURCE", "MANUFACTURER"),
    "device_model": ("SOURCE", "MODEL"),
    "software_version": ("SOURCE", "ACQUIRING_DEVICE_SW_VERSION"),
    "analysis_version": ("SOURCE", "ACQUIRING_DEVICE_INTERPRETATION_SW_VERSION"),
    "device_serial": ("SOURCE", "ACQUIRING_DEVICE_SERIAL_NUMBER"),
    "institution": ("SOURCE", "ACQUIRING_DEVICE_SITE_NAME"),
    "room": (".", "ROOM"),
    "location": (".", "LOCATION"),
    "technician": (".", "TECHNICIAN"),
    "race": ("SUBJECT", "RACE"),
}
#: demographic fields of devices by their number
_FIELDS = {"1": "last", "7": "first", "2": "id", "3": "age", "4": "sex", "16": "born"}


def number_of(element: Element | None, key: str) -> float:
    """Return an attribute as a number; NaN where it is none.

    Examples
    --------
    >>> from xml.etree.ElementTree import fromstring
    >>> number_of(fromstring("<a B='5'/>"), "B"), number_of(fromstring("<a/>"), "B")
    (5.0, nan)
    """
    text = "" if element is None else element.get(key, "").strip()
    try:
        value = float(text) if text.isascii() and len(text) < 32 else math.nan
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def read_patient(root: Element) -> Patient:
    """Return who was recorded.

    Notes
    -----
    The age that the file states comes first, the one from the birth date and the acquisition next.
    """
    fields = {
        _FIELDS[key]: field.get("VALUE", "").strip()
        for field in root.iterfind("DEMOGRAPHIC_FIELDS/DEMOGRAPHIC_FIELD")
        if (key := field.get("ID", "").strip()) in _FIELDS
    }
    subject = root.find("SUBJECT")

    def told(field: str, *keys: str) -> str:
        texts = [] if subject is None else [subject.get(key, "").strip() for key in keys]
        return next(filter(None, texts), fields.get(field, ""))

    born = _day(told("born", "DOB", "DOB_XML"))
    age = age_of(number_of(root, "AGE"), root.get("AGE_UNITS", ""))
    if math.isnan(age):
        start = start_time(root)
        age = age_on(None if start is None else start.date(), born)
    return Patient(
        patient_id=told("id", "ID", "LOCAL_ID") or None,
        name=" ".join(filter(None, (told("first", "FIRST_NAME"), told("last", "LAST_NAME"))))
        or None,
        birth_date=born,
        age_years=age,
        sex={"M": "male", "F": "female"}.get(told("sex", "GENDER").upper()[:1]),  # type: ignore[arg-type]
    )


def start_time(root: Element) -> datetime | None:
    """Return when the ECG was acquired; None where that is unknown."""
    for key, form in (
        ("ACQUISITION_TIME", "%Y%m%d%H%M%S"),
        ("ACQUISITION_TIME_XML", "%Y-%m-%dT%H:%M:%S"),
    ):
        try:
            return datetime.strptime(root.get(key, "").strip()[:19], form)
        except ValueError:
            continue
    return None


def read_measurements(root: Element) -> dict[str, float]:
    """Return the measurements of the device under our names; 0 is none but for an axis."""
    found = {}
    for element, names in ((root, _ROOT_NAMES), (root.find("TYPICAL_CYCLE"), _CYCLE_NAMES)):
        for key, name in names.items():
            value = number_of(element, key)
            if -360 <= value <= 360 if name.endswith("_deg") else 0 < value < 1e5:
                found[name] = value
    return found


def read_statements(root: Element) -> tuple[Statement, ...]:
    """Return the statements of the device with their reasons."""
    lines = []
    for element in root.iterfind("AUTOMATIC_INTERPRETATION/STATEMENT"):
        told = (" ".join(element.get(key, "").split()) for key in ("TEXT", "REASON"))
        lines.append(": ".join(filter(None, told)))
    return tuple(Statement(code=line) for line in lines if line)


def read_header(root: Element) -> dict[str, str]:
    """Return the other entries of the head as text."""
    found = {}
    for key, (path, attribute) in _HEADER.items():
        element = root.find(path)
        found[key] = "" if element is None else element.get(attribute, "").strip()
    lowpass = number_of(root.find("SOURCE"), "LOW_PASS_FILTER")
    found["filter_lowpass_hz"] = f"{lowpass:g}" if lowpass > 0 else ""
    drugs = [drug.get("NAME", "").strip() for drug in root.iterfind("MEDICATION")]
    found["medication"] = "; ".join(drug for drug in drugs if drug)
    return {key: text for key, text in found.items() if text}


def _day(text: str) -> date | None:
    for form in ("%Y%m%d", "%Y-%m-%d"):
        try:
            return datetime.strptime(text[:10], form).date()
        except ValueError:
            continue
    return None
