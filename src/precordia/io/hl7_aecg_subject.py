# SPDX-License-Identifier: Apache-2.0
"""Whom an HL7 aECG is about, and what else its head says: trial, site, device, filters."""

from __future__ import annotations

import math
import re
from datetime import datetime
from xml.etree.ElementTree import Element

from precordia.core.record import Patient
from precordia.io.hl7_aecg_codes import AGE
from precordia.io.hl7_time import parse_day, parse_moment
from precordia.io.patient_age import age_on

_ASSIGNMENT = "componentOf/timepointEvent/componentOf/subjectAssignment"
_SUBJECT = _ASSIGNMENT + "/subject/trialSubject"
_PERSON = _SUBJECT + "/subjectDemographicPerson"
_TRIAL = _ASSIGNMENT + "/componentOf/clinicalTrial"
_YEARS = {
    "a": 1.0, "y": 1.0, "yr": 1.0, "year": 1.0, "years": 1.0, "": 1.0,
    "mo": 1 / 12, "wk": 1 / 52.1775, "d": 1 / 365.2425, "h": 1 / 8765.82,
}  # fmt: skip
_AGE_TEXT = re.compile(r"(\d{1,3}(?:\.\d+)?)\s*([a-z]*)", re.IGNORECASE)
_FILTERS = {
    "MDC_ECG_CTL_VBL_ATTR_FILTER_LOW_PASS": "filter_lowpass_hz",
    "MDC_ECG_CTL_VBL_ATTR_FILTER_HIGH_PASS": "filter_highpass_hz",
    "MDC_ECG_CTL_VBL_ATTR_FILTER_NOTCH": "filter_notch_hz",
}
#: header entries that are the text of an element
_TEXTS = {
    "institution": (
        "location/testingSite/location/name",
        _TRIAL + "/location/trialSite/location/name",
    ),
    "investigator": (
        _TRIAL + "/responsibleParty/trialInvestigator/investigatorPerson/name",
        _TRIAL + "/location/trialSite/responsibleParty/trialInvestigator/investigatorPerson/name",
    ),
    "operator": ("componentOf/timepointEvent/performer/studyEventPerformer/assignedPerson/name",),
    "trial_title": (_TRIAL + "/title",),
    "protocol_title": (_TRIAL + "/componentOf/clinicalTrialProtocol/title",),
    "sponsor": (_TRIAL + "/author/clinicalTrialSponsor/sponsorOrganization/name",),
    "room": (_PERSON + "/Room",),
    "location": (_PERSON + "/PointOfCare",),
    "bed": (_PERSON + "/Bed",),
}
#: header entries that are identifiers or codes
_CODES = {
    "document_uid": "id",
    "trial_id": _TRIAL + "/id",
    "protocol_id": _TRIAL + "/componentOf/clinicalTrialProtocol/id",
    "site_id": _TRIAL + "/location/trialSite/id",
    "investigator_id": _TRIAL + "/responsibleParty/trialInvestigator/id",
    "sponsor_id": _TRIAL + "/author/clinicalTrialSponsor/sponsorOrganization/id",
    "visit_number": "componentOf/timepointEvent/code",
    "timepoint": "definition/relativeTimepoint/code",
    "treatment_group": _ASSIGNMENT + "/definition/treatmentGroupAssignment/code",
    "reason": "reasonCode",
    "confidentiality": "confidentialityCode",
    "race": _PERSON + "/raceCode",
    "ethnicity": _PERSON + "/ethnicGroupCode",
}


def read_patient(root: Element, start: datetime | None) -> Patient:
    """Return the subject of the trial.

    Parameters
    ----------
    root
        The ``AnnotatedECG``.
    start
        When the recording began, for an age that only the date of birth tells.
    """
    person = root.find(_PERSON)
    sex = None
    born = None
    name = ""
    patient_id = _identifier(root.find(_SUBJECT + "/id"))
    if person is not None:
        gender = person.find("administrativeGenderCode")
        coded = "" if gender is None else gender.get("code", "").strip().upper()
        sex = {"F": "female", "M": "male"}.get(coded[:1] if coded != "MSK" else "")
        time = person.find("birthTime")
        born = None if time is None else parse_day(time.get("value"))
        name = _text(person.find("name"))
        patient_id = patient_id or _text(person.find("PatientID"))
    age = _age(root)
    if math.isnan(age) and person is not None:
        age = _years(_text(person.find("Age")), "")
    if math.isnan(age):
        age = age_on(None if start is None else start.date(), born)
    return Patient(
        patient_id=patient_id or None,
        name=name or None,
        birth_date=born,
        age_years=age,
        sex=sex,  # type: ignore[arg-type]
    )


def _age(root: Element) -> float:
    for observation in root.findall("controlVariable/relatedObservation"):
        code, value = observation.find("code"), observation.find("value")
        if code is not None and value is not None and code.get("code") == AGE:
            return _years(value.get("value", ""), value.get("unit", ""))
    return math.nan


def _years(number: str, unit: str) -> float:
    found = _AGE_TEXT.fullmatch(number.strip())
    if found is None:
        return math.nan
    factor = _YEARS.get((unit or found.group(2)).strip().lower())
    if factor is None:
        return math.nan
    years = float(found.group(1)) * factor
    return years if 0 <= years < 130 else math.nan


def read_header(root: Element, series: Element) -> dict[str, str]:
    """Return the other entries of the head and of a series as text."""
    found: dict[str, str] = {}
    for key, path in _CODES.items():
        element = root.find(path)
        if element is not None:
            found[key] = (
                element.get("displayName") or _identifier(element) or element.get("code", "")
            )
    for key, paths in _TEXTS.items():
        found[key] = next((text for path in paths if (text := _text(root.find(path)))), "")
    device = series.find("author/seriesAuthor/manufacturedSeriesDevice")
    if device is not None:
        found["device_model"] = _text(device.find("manufacturerModelName"))
        found["software_version"] = _text(device.find("softwareName"))
        found["device_serial"] = _text(device.find("SerialNumber"))
    found["manufacturer"] = _text(series.find("author/seriesAuthor/manufacturerOrganization/name"))
    found["series_uid"] = _identifier(series.find("id"))
    performer = series.find("secondaryPerformer/seriesPerformer")
    if performer is not None:
        found["technician"] = _text(performer.find("assignedPerson/name"))
    for variable in series.findall("controlVariable/controlVariable"):
        code = variable.find("code")
        key = _FILTERS.get("" if code is None else code.get("code", ""))
        if key:
            found[key] = _frequency(variable)
    comments = [_text(comment) for comment in root.findall("pertainsTo/subjectFindingComment/text")]
    found["comment"] = "; ".join(comment for comment in comments if comment)
    return {key: text.strip() for key, text in found.items() if text and text.strip()}


def _frequency(variable: Element) -> str:
    """Return the cut-off of a filter in Hz; nothing where none is stated."""
    for inner in variable.findall("component/controlVariable"):
        value = inner.find("value")
        if value is not None and value.get("unit", "").lower() == "hz":
            return value.get("value", "")
    return ""


def time_of(element: Element | None) -> datetime | None:
    """Return when an ``effectiveTime`` begins: its low, its centre, or its only value.

    An end alone does not tell when the recording began.
    """
    if element is None:
        return None
    for place in (element.find("low"), element.find("center"), element):
        moment = None if place is None else parse_moment(place.get("value"))
        if moment is not None:
            return moment
    return None


def _identifier(element: Element | None) -> str:
    if element is None:
        return ""
    return (element.get("extension") or element.get("root") or "").strip()


def _text(element: Element | None) -> str:
    """Return all text of an element, with single spaces: names come in parts."""
    return "" if element is None else " ".join(" ".join(element.itertext()).split())
