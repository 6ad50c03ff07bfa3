# SPDX-License-Identifier: Apache-2.0
"""Who, where and with what: the head of a Philips XML file."""

from __future__ import annotations

from datetime import date, datetime
from xml.etree.ElementTree import Element

from precordia.core.record import Patient
from precordia.io.patient_age import age_of, age_on
from precordia.io.xml_text import number_at, text_at

_PERSON = "patient/generalpatientdata/"
_ACQUIRER = "dataacquisition/acquirer/"
_SIGNAL = "dataacquisition/signalcharacteristics/"
_PATHS = {
    "device_model": ("dataacquisition/machine",),
    "acquisition_id": ("documentinfo/documentname",),
    "institution": (_ACQUIRER + "institutionname", _ACQUIRER + "institutionid"),
    "location": (_ACQUIRER + "facilityname", _ACQUIRER + "institutionlocationid"),
    "department": (_ACQUIRER + "departmentname", _ACQUIRER + "departmentid"),
    "room": (_ACQUIRER + "room",),
    "bed": (_ACQUIRER + "bed",),
    "operator": (_ACQUIRER + "operator", _ACQUIRER + "operatorid"),
    "visit_number": (_ACQUIRER + "encounterid",),
    "physician": (_ACQUIRER + "orderingclinician",),
    "attending_physician": (_ACQUIRER + "attendingclinician",),
    "referring_physician": (_ACQUIRER + "referringclinician",),
    "confirmed_by": ("interpretations/interpretation/confirmingclinician",),
    "signature": ("interpretations/interpretation/mdsignatureline",),
    "order_number": ("orderinfo/ordernumber",),
    "history": ("orderinfo/reasonfororder",),
    "order_remarks": ("orderinfo/orderremarks",),
    "pacing": (_PERSON + "pacestatus",),
    "race": (_PERSON + "race",),
    "document_version": ("documentinfo/documentversion",),
}


def read_patient(root: Element, start: datetime | None) -> Patient:
    """Return who was recorded, with the age at the recording.

    Notes
    -----
    The age that the file states comes first, the one from the birth date next. ``defaultage``,
    which the analysis program assumes for lack of a better one, is no age.
    """
    born = _day(text_at(root, _PERSON + "age/dateofbirth"))
    age = float("nan")
    for unit in ("years", "months", "weeks", "days", "hours"):
        number = number_at(root, f"{_PERSON}age/{unit}")
        if number == number:
            age = age_of(number, unit)
            break
    if age != age and start is not None:
        age = age_on(start.date(), born)
    names = [_told(root, f"{_PERSON}name/{part}name") for part in ("first", "middle", "last")]
    sex = text_at(root, _PERSON + "sex").lower()
    return Patient(
        patient_id=_told(root, _PERSON + "patientid") or _told(root, _PERSON + "MRN") or None,
        name=" ".join(filter(None, names)) or None,
        birth_date=born,
        age_years=age,
        sex=sex if sex in ("female", "male") else None,  # type: ignore[arg-type]
    )


def read_header(root: Element) -> dict[str, str]:
    """Return the other entries of the head as text."""
    found = {"manufacturer": "Philips"}
    for key, paths in _PATHS.items():
        found[key] = next((text for path in paths if (text := _told(root, path))), "")
    machine, operator = root.find("dataacquisition/machine"), root.find(_ACQUIRER + "operator")
    if machine is not None:
        found["software_version"] = machine.get("detaildescription", "").strip()
        found["device_serial"] = machine.get("machineid", "").strip()
    if operator is not None and not found["operator"]:
        found["operator"] = operator.get("id", "").strip()
    found["status"] = root.get("status", "").strip()
    answers = [
        f"{_told(one, 'label')} {_told(one, 'value')}".strip()
        for one in root.iterfind("userdefines/userdefine")
        if _told(one, "value")
    ]
    found["comment"] = "; ".join(answers)
    found.update(_filters(root))
    return {key: text for key, text in found.items() if text}


def _filters(root: Element) -> dict[str, str]:
    """Return the filters of the stored samples; those of the report are others."""
    band = text_at(root, _SIGNAL + "signalbandwidth").partition("-")
    found = {
        "filter_highpass_hz": text_at(root, _SIGNAL + "hipass") or band[0],
        "filter_lowpass_hz": text_at(root, _SIGNAL + "lowpass") or band[2],
    }
    if text_at(root, _SIGNAL + "notchfiltered").lower() == "true":
        found["filter_notch_hz"] = text_at(root, _SIGNAL + "notchfilterfreqs")
    return found


def _told(element: Element, path: str) -> str:
    """Return a text; empty where it is a mere placeholder such as ``---``."""
    text = text_at(element, path)
    return text if text.strip("-,. ") else ""


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
