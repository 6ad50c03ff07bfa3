# SPDX-License-Identifier: Apache-2.0
"""Who, when, where and with what: the head of a GE MUSE XML file."""

from __future__ import annotations

from datetime import date, datetime
from xml.etree.ElementTree import Element

from precordia.core.record import Patient
from precordia.io.patient_age import age_of, age_on
from precordia.io.xml_text import number_at, text_at

_TEST = "TestDemographics/"
_PATHS = {
    "device_model": (_TEST + "AcquisitionDevice",),
    "software_version": (_TEST + "AcquisitionSoftwareVersion", "MuseInfo/MuseVersion"),
    "analysis_version": (_TEST + "AnalysisSoftwareVersion",),
    "acquisition_id": ("PharmaData/PharmaUniqueECGID", _TEST + "SecondaryID"),
    "device_serial": (_TEST + "CartNumber", "PharmaData/PharmaCartID"),
    "institution": (_TEST + "SiteName", _TEST + "Site"),
    "location": (_TEST + "LocationName", _TEST + "Location"),
    "room": (_TEST + "RoomID",),
    "order_number": (
        "Order/RequisitionNumber",
        "Order/OrderNumber",
        _TEST + "XMLSourceVersion/OrderNumber",
    ),
    "visit_number": ("Order/AdmitID", _TEST + "VisitNumber"),
    "history": (_TEST + "TestReason", "Order/ReasonForTest"),
    "status": (_TEST + "Status",),
    "priority": (_TEST + "Priority",),
    "race": ("PatientDemographics/Race",),
    "height_cm": ("PatientDemographics/HeightCM",),
    "height_in": ("PatientDemographics/HeightIN",),
    "weight_kg": ("PatientDemographics/WeightKG",),
    "weight_lb": ("PatientDemographics/WeightLBS",),
}
_PEOPLE = {
    "confirmed_by": "Overreader",
    "edited_by": "Editor",
    "technician": "AcquisitionTech",
    "physician": "OrderingMD",
    "attending_physician": "AttendingMD",
    "referring_physician": "ReferringMD",
}
_DAYS = ("%m-%d-%Y", "%m/%d/%Y", "%Y-%m-%d", "%d-%b-%Y")


def read_patient(root: Element) -> Patient:
    """Return who was recorded.

    Notes
    -----
    The age that the file states comes first, the one from the birth date and the acquisition next.
    """
    person = root.find("PatientDemographics")
    if person is None:
        return Patient()
    born = _day(text_at(person, "DateofBirth"))
    age = age_of(number_at(person, "PatientAge"), text_at(person, "AgeUnits"))
    if age != age:
        started = start_time(root)
        age = age_on(None if started is None else started.date(), born)
    names = [text_at(person, f"Patient{part}Name") for part in ("First", "Middle", "Last")]
    return Patient(
        patient_id=text_at(person, "PatientID") or None,
        name=" ".join(filter(None, names)) or None,
        birth_date=born,
        age_years=age,
        sex={"M": "male", "F": "female"}.get(text_at(person, "Gender").upper()[:1]),  # type: ignore[arg-type]
    )


def start_time(root: Element) -> datetime | None:
    """Return when the ECG was acquired; None where the day or the time is unknown."""
    day = _day(text_at(root, _TEST + "AcquisitionDate"))
    clock = text_at(root, _TEST + "AcquisitionTime")
    for form in ("%H:%M:%S", "%H:%M", "%I:%M:%S %p"):
        try:
            moment = datetime.strptime(clock, form).time()
        except ValueError:
            continue
        return None if day is None else datetime.combine(day, moment)
    return None


def read_header(root: Element) -> dict[str, str]:
    """Return the other entries of the head as text."""
    found = {"manufacturer": "GE"}
    for key, paths in _PATHS.items():
        found[key] = next((text for path in paths if (text := text_at(root, path))), "")
    for key, person in _PEOPLE.items():
        names = [text_at(root, f"{_TEST}{person}{part}Name") for part in ("First", "Last")]
        found[key] = " ".join(filter(None, names))
    answers = [
        f"{text_at(one, 'Question')} {text_at(one, 'Answer')}".strip()
        for one in root.iterfind("ExtraQuestions/ExtraQuestion")
        if text_at(one, "Answer")
    ]
    found["comment"] = "; ".join(answers)
    spikes = root.findall("Waveform/PaceSpikes") + root.findall("PaceSpikes")
    held = [f"{e.tag}={text_at(e)}" for block in spikes for e in block.iter() if text_at(e)]
    found["pace_spikes"] = "; ".join(held)[:10_000]
    return {key: text for key, text in found.items() if text}


def _day(text: str) -> date | None:
    for form in _DAYS:
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    return None
