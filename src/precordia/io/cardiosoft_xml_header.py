# SPDX-License-Identifier: Apache-2.0
"""Who, when, where and with what: the head of a GE CardioSoft XML file."""

from __future__ import annotations

import math
from datetime import datetime
from xml.etree.ElementTree import Element

from precordia.core.record import Patient
from precordia.io.patient_age import age_of, age_on
from precordia.io.xml_text import number_at, text_at

_VISIT = "PatientVisit/"
_PATHS = {
    "device_model": ("ClinicalInfo/DeviceInfo/Desc", "DeviceType", "Device-Type"),
    "software_version": ("ClinicalInfo/DeviceInfo/SoftwareVer",),
    "analysis_version": ("ClinicalInfo/DeviceInfo/AnalysisVer",),
    "study_uid": ("UID/DICOMStudyUID",),
    "institution": (_VISIT + "ServicingFacility/Name", _VISIT + "AssignedPatientLocation/Facility"),
    "location": (_VISIT + "AssignedPatientLocation/LocationNumberDesc",
                 _VISIT + "AssignedPatientLocation/LocationNumber"),
    "room": (_VISIT + "PatientRoom",),
    "order_number": (_VISIT + "OrderNumber",),
    "visit_number": (_VISIT + "VisitNumber",),
    "history": (_VISIT + "MedicalHistory", "ClinicalInfo/ReasonForStudy"),
    "comment": ("ClinicalInfo/ObservationComment",),
    "race": ("PatientInfo/Race",),
    "pacemaker": ("PatientInfo/PaceMaker",),
    "observation_type": ("ObservationType",),
}  # fmt: skip
_PEOPLE = {
    "technician": ("ClinicalInfo/Technician",),
    "physician": (_VISIT + "OrderingProvider",),
    "attending_physician": (_VISIT + "AttendingDoctor",),
    "referring_physician": (_VISIT + "ReferringDoctor",),
    "confirmed_by": ("Interpretation/Reviewer", "ClinicalInfo/Reviewer"),
}


def read_patient(root: Element, start: datetime | None) -> Patient:
    """Return who was recorded, with the age at the recording.

    Notes
    -----
    The age that the file states comes first, the one from the birth date next.
    """
    person = root.find("PatientInfo")
    if person is None:
        return Patient()
    moment = _moment(person.find("BirthDateTime"))
    born = None if moment is None else moment.date()
    stated = person.find("Age")
    unit = "" if stated is None else stated.get("units", "")
    age = age_of(number_at(stated), unit)
    if math.isnan(age) and start is not None:
        age = age_on(start.date(), born)
    sex = text_at(person, "Gender").lower() or text_at(person, "Sex").lower()
    return Patient(
        patient_id=text_at(person, "PID") or None,
        name=_person(person.find("Name")) or None,
        birth_date=born,
        age_years=age,
        sex={"m": "male", "f": "female"}.get(sex[:1]),  # type: ignore[arg-type]
    )


def start_time(root: Element) -> datetime | None:
    """Return when the recording began; None where the day or the time is unknown."""
    element = root.find("ObservationDateTime")
    return None if element is None or element.find("Hour") is None else _moment(element)


def read_header(root: Element) -> dict[str, str]:
    """Return the other entries of the head as text."""
    found = {"manufacturer": "GE"}
    for key, paths in _PATHS.items():
        found[key] = next((text for path in paths if (text := text_at(root, path))), "")
    for key, paths in _PEOPLE.items():
        found[key] = next((text for path in paths if (text := _person(root.find(path)))), "")
    drugs = [text_at(drug) for drug in root.iterfind(_VISIT + "Medication/Drug")]
    found["medication"] = "; ".join(drug for drug in drugs if drug)
    for key, path in (
        ("filter_highpass_hz", "FilterSetting/HighPass"),
        ("filter_lowpass_hz", "FilterSetting/LowPass"),
    ):
        value = number_at(root, path)
        found[key] = f"{value:g}" if value > 0 else ""
    mains = [
        hertz
        for hertz in ("50", "60")
        if text_at(root, f"FilterSetting/Filter{hertz}Hz").lower() in ("yes", "true", "on", "1")
    ]
    found["filter_notch_hz"] = mains[0] if len(mains) == 1 else ""
    return {key: text for key, text in found.items() if text}


def _person(element: Element | None) -> str:
    if element is None:
        return ""
    names = [text_at(element, part) for part in ("GivenName", "FamilyName")]
    return " ".join(filter(None, names)) or text_at(element)


def _moment(element: Element | None) -> datetime | None:
    """Return a moment of which each part is an element; None where one is missing or wrong."""
    if element is None:
        return None
    day = [number_at(element, part) for part in ("Year", "Month", "Day")]
    clock = [number_at(element, part) for part in ("Hour", "Minute", "Second")]
    parts = [*day, *(0.0 if math.isnan(part) else part for part in clock)]
    try:
        return datetime(*(int(part) for part in parts))  # type: ignore[arg-type]
    except (ValueError, OverflowError):
        return None
