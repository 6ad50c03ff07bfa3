# SPDX-License-Identifier: Apache-2.0
"""Parts of a FHIR Observation beside the samples: patient, device, measurements, statements."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from precordia.core.record import Patient
from precordia.core.statements import Statement
from precordia.io.fhir_codes import (
    AGE,
    FILTERS,
    IMPRESSION,
    LOINC,
    LOINC_MEASUREMENTS,
    OWN_SCHEME,
    SCHEMES,
    UCUM,
    UNIT_OF_ENDING,
)
from precordia.io.hl7_aecg_markup import plain

_SYSTEMS = {scheme: system for system, scheme in reversed(SCHEMES.items())}
_LOINC_OF = {name: code for code, name in reversed(LOINC_MEASUREMENTS.items())}
_NAME = re.compile(r"[a-z][a-z0-9_]{1,40}")
#: units that UCUM spells as we do
UCUM_UNITS = frozenset(
    {"uV", "mV", "V", "nV", "ms", "s", "/min", "deg", "%", "Hz", "kPa", "Pa", "L", "mL", "1", "a"}
)


def quantity(value: float, unit: str) -> dict[str, Any]:
    """Return a Quantity in a unit of UCUM.

    Examples
    --------
    >>> quantity(63.0, "a")
    {'value': 63, 'unit': 'a', 'system': 'http://unitsofmeasure.org', 'code': 'a'}
    """
    return {"value": whole(value), "unit": unit, "system": UCUM, "code": unit}


def whole(value: float) -> float | int:
    """Return a number as JSON should spell it: whole where it is.

    Examples
    --------
    >>> whole(63.0), whole(2.5)
    (63, 2.5)
    """
    return int(value) if value == int(value) and abs(value) < 1e15 else value


def patient_of(patient: Patient, identifiers: bool) -> dict[str, Any]:
    """Return a contained Patient; empty where nothing may be said of one."""
    found: dict[str, Any] = {}
    if identifiers:
        patient_id = plain(patient.patient_id or "", escaped=False)
        name = plain(patient.name or "", escaped=False)
        if patient_id:
            found["identifier"] = [{"value": patient_id}]
        if name:
            found["name"] = [{"text": name}]
    if patient.sex is not None:
        found["gender"] = patient.sex
    if identifiers and patient.birth_date is not None:
        found["birthDate"] = patient.birth_date.isoformat()
    return {"resourceType": "Patient", "id": "patient", **found} if found else {}


def device_of(header: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a reference to the device, and a contained Device where more than a model is known."""
    model, maker, software = (
        plain(header.get(key, ""), escaped=False)
        for key in ("device_model", "manufacturer", "software_version")
    )
    reference = {"display": model} if model else {}
    if not (maker or software):
        return reference, {}
    device: dict[str, Any] = {"resourceType": "Device", "id": "device"}
    if maker:
        device["manufacturer"] = maker
    if model:
        device["modelNumber"] = model
    if software:
        device["version"] = [{"value": software}]
    return {"reference": "#device", **reference}, device


def age_component(patient: Patient) -> list[dict[str, Any]]:
    """Return the age at the recording as a component."""
    age = float(patient.age_years)
    if not math.isfinite(age):
        return []
    coding = {"system": LOINC, "code": AGE, "display": "Age"}
    return [{"code": {"coding": [coding], "text": "age"}, "valueQuantity": quantity(age, "a")}]


def measurement_components(
    measurements: Mapping[str, float], lost: list[str]
) -> list[dict[str, Any]]:
    """Return measurements as components, with a LOINC code where there is one.

    Examples
    --------
    >>> component, = measurement_components({"pr_ms": 160.0}, [])
    >>> component["code"]["coding"], component["valueQuantity"]["value"]
    ([{'system': 'http://loinc.org', 'code': '8625-6'}], 160)
    """
    found = []
    for name, value in measurements.items():
        if not math.isfinite(value):
            continue
        if not _NAME.fullmatch(name):
            lost.append(f"measurement '{plain(name, escaped=False)[:40]}'")
            continue
        concept: dict[str, Any] = {"text": name}
        if name in _LOINC_OF:
            concept["coding"] = [{"system": LOINC, "code": _LOINC_OF[name]}]
        unit = UNIT_OF_ENDING.get(f"_{name.rpartition('_')[2]}", "1")
        found.append({"code": concept, "valueQuantity": quantity(float(value), unit)})
    return found


def statement_components(statements: Iterable[Statement]) -> list[dict[str, Any]]:
    """Return statements as components that are interpretations.

    Examples
    --------
    >>> statement_components([Statement(code="sinus rhythm")])[0]["valueString"]
    'sinus rhythm'
    """
    coding = {"system": LOINC, "code": IMPRESSION, "display": "EKG impression"}
    concept = {"coding": [coding], "text": "interpretation"}
    found = []
    for statement in statements:
        code = plain(statement.code, escaped=False)
        name = plain(statement.name, escaped=False)
        if not code:
            continue
        if statement.scheme == "text":
            found.append({"code": concept, "valueString": code})
            continue
        scheme = re.sub(r"[^\w.-]", "", statement.scheme)
        coded = {"system": _SYSTEMS.get(scheme, OWN_SCHEME + scheme), "code": code}
        value: dict[str, Any] = {"coding": [coded | ({"display": name} if name else {})]}
        found.append({"code": concept, "valueCodeableConcept": value})
    return found


def filter_components(header: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the filters of the device as components."""
    found = []
    for key in FILTERS:
        try:
            hertz = float(header.get(key, ""))
        except ValueError:
            continue
        if math.isfinite(hertz):
            found.append({"code": {"text": key}, "valueQuantity": quantity(hertz, "Hz")})
    return found
