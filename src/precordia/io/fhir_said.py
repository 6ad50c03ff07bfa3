# SPDX-License-Identifier: Apache-2.0
"""What FHIR resources say beside the samples: patient, time, measurements, interpretation."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time

from precordia.core.record import Origin, Patient
from precordia.core.statements import Statement
from precordia.io.fhir_codes import (
    AGES,
    FILTERS,
    IMPRESSION,
    LOCAL_TIME,
    ORIGIN,
    has_code,
    measurement_of,
    name_of_concept,
    scheme_of,
)
from precordia.io.fhir_resource import Node, node_at, nodes, number_at, raw_text, text_at
from precordia.io.fhir_sampled_data import unit_of
from precordia.io.patient_age import age_of, age_on

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
#: words in the name of a component whose value is an interpretation
_INTERPRETING = re.compile(
    r"interpret|impression|diagnos|classif|conclusion|finding|rhythm|statement", re.IGNORECASE
)
_STATEMENT_LENGTH = 4000


@dataclass(slots=True)
class Said:
    """What some resources say, gathered."""

    measurements: dict[str, float] = field(default_factory=dict)
    statements: list[Statement] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    header: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    age_years: float = math.nan
    time_of_day: time | None = None
    origin: Origin = "measured"


def everything(resources: Iterable[Node]) -> list[Node]:
    """Return resources with all that they hold: entries of bundles and contained ones.

    Examples
    --------
    >>> bundle = {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient"}}]}
    >>> [resource["resourceType"] for resource in everything([bundle])]
    ['Bundle', 'Patient']
    """
    found: list[Node] = []
    waiting = list(resources)[::-1]
    while waiting:
        resource = waiting.pop()
        if not isinstance(resource.get("resourceType"), str):
            continue
        found.append(resource)
        inner = list(nodes(resource, "contained"))
        for entry in nodes(resource, "entry"):
            for held in nodes(entry, "resource"):
                url = text_at(entry, "fullUrl", longest=200)
                inner.append({"fullUrl": url, **held} if url else held)
        waiting += inner[::-1]
    return found


def referred(reference: Node, kind: str, held: Iterable[Node]) -> Node:
    """Return the resource that a Reference points to, among those of a file; empty without.

    Examples
    --------
    >>> referred({"reference": "#p"}, "Patient", [{"resourceType": "Patient", "id": "p"}])["id"]
    'p'
    """
    target = text_at(reference, "reference", longest=200)
    those = [resource for resource in held if resource.get("resourceType") == kind]
    for resource in those if target else ():
        if text_at(resource, "fullUrl", longest=200) == target:
            return resource
        if target.lstrip("#").rpartition("/")[2] == text_at(resource, "id", longest=200) != "":
            return resource
    return those[0] if not target and len(those) == 1 else {}


def moment_of(observation: Node, said: Said) -> datetime | None:
    """Return when an observation began; None where its day or its time of day is unknown.

    Examples
    --------
    >>> moment_of({"effectiveDateTime": "2015-02-19T09:30:35+01:00"}, Said()).isoformat()
    '2015-02-19T09:30:35+01:00'
    """
    text = effective_of(observation)
    try:
        if _MOMENT.fullmatch(text):
            return datetime.fromisoformat(text)
        if _DAY.fullmatch(text) and said.time_of_day is not None:
            return datetime.combine(date.fromisoformat(text), said.time_of_day)
    except ValueError:
        pass
    return None


def effective_of(observation: Node) -> str:
    """Return the text that says when an observation began; empty without."""
    return (
        text_at(observation, "effectiveDateTime")
        or text_at(observation, "effectivePeriod", "start")
        or text_at(observation, "effectiveInstant")
    )


def read_patient(
    observation: Node, held: list[Node], start: datetime | None, said: Said
) -> Patient:
    """Return whom an observation is about."""
    subject = node_at(observation, "subject")
    person = referred(subject, "Patient", held)
    born = None
    with contextlib.suppress(ValueError):
        born = date.fromisoformat(text_at(person, "birthDate"))
    reference = text_at(subject, "reference", longest=200)
    patient_id = text_at(person, "identifier", "value", longest=200) or text_at(
        subject, "identifier", "value", longest=200
    )
    if not patient_id and not reference.startswith(("#", "urn:")):
        patient_id = reference.rpartition("/")[2]
    age = said.age_years
    if math.isnan(age) and start is not None:
        age = age_on(start.date(), born)
    gender = text_at(person, "gender")
    return Patient(
        patient_id=patient_id or None,
        name=_name(person) or text_at(subject, "display") or None,
        birth_date=born,
        age_years=age,
        sex=gender if gender in ("female", "male") else None,  # type: ignore[arg-type]
    )


def _name(person: Node) -> str:
    name = node_at(person, "name")
    whole = text_at(name, "text")
    if whole:
        return whole
    given = name.get("given")
    parts = given if isinstance(given, list) else [given]
    words = [part for part in parts if isinstance(part, str)]
    return text_at({"name": " ".join([*words, text_at(name, "family")])}, "name")


def gather(observations: Iterable[Node], held: list[Node]) -> Said:
    """Return what observations and reports say, but their samples.

    Parameters
    ----------
    observations
        Observations of one recording, and DiagnosticReports about it.
    held
        All resources of the file, for references to them.
    """
    said = Said()
    for observation in observations:
        for concept in nodes(observation, "interpretation"):
            _state(concept, said)
        for concept in nodes(observation, "conclusionCode"):
            _state(concept, said)
        if conclusion := text_at(observation, "conclusion", longest=_STATEMENT_LENGTH):
            said.statements.append(Statement(code=conclusion))
        for note in nodes(observation, "note"):
            if words := text_at(note, "text", longest=_STATEMENT_LENGTH):
                said.comments.append(words)
        if plain := text_at(observation, "comment", longest=_STATEMENT_LENGTH):
            said.comments.append(plain)  # release 3
        _read_header(observation, held, said)
        for item in (observation, *nodes(observation, "component")):
            _read_value(item, said)
    if said.comments:
        said.header["comment"] = "; ".join(dict.fromkeys(said.comments))
    said.statements = list(dict.fromkeys(said.statements))
    return said


def _read_header(observation: Node, held: list[Node], said: Said) -> None:
    device = node_at(observation, "device")
    told = referred(device, "Device", held) if device else {}
    names = (text_at(n, "name") or text_at(n, "value") for n in _device_names(told))
    found = {
        "device_model": text_at(told, "modelNumber")
        or text_at(device, "display")
        or next(filter(None, names), ""),
        "manufacturer": text_at(told, "manufacturer"),
        "software_version": text_at(told, "version", "value"),
        "device_serial": text_at(told, "serialNumber"),
        "operator": text_at(observation, "performer", "display"),
        "order_number": text_at(observation, "basedOn", "identifier", "value"),
        "visit_number": text_at(observation, "encounter", "identifier", "value"),
        "method": text_at(observation, "method", "text"),
        "document_uid": text_at(observation, "id"),
        "status": text_at(observation, "status"),
    }
    for key, text in found.items():
        if text:
            said.header.setdefault(key, text)


def _device_names(device: Node) -> Iterator[Node]:
    yield from nodes(device, "deviceName")
    yield from nodes(device, "name")


def _read_value(item: Node, said: Said) -> None:
    """Read the value of an observation or component that is no sampled data."""
    concept = node_at(item, "code")
    quantity = node_at(item, "valueQuantity")
    if quantity:
        _read_quantity(concept, quantity, said)
    words = text_at(item, "valueString", longest=_STATEMENT_LENGTH)
    name = name_of_concept(concept)
    if name == ORIGIN and words in ("synthetic", "estimated"):
        said.origin = words  # type: ignore[assignment]
    elif name == LOCAL_TIME:
        try:
            told = time.fromisoformat(text_at(item, "valueTime"))
            said.time_of_day = told if told.tzinfo is None else None
        except ValueError:
            pass
    elif coded := node_at(item, "valueCodeableConcept"):
        if _interprets(concept, name):
            _state(coded, said)
        elif name:
            said.header.setdefault(name, name_of_concept(coded))
    elif words and _interprets(concept, name):
        said.statements.append(Statement(code=words))
    elif words and name:
        said.header.setdefault(name, words)


def _interprets(concept: Node, name: str) -> bool:
    return has_code(concept, IMPRESSION) or bool(_INTERPRETING.search(name))


def _read_quantity(concept: Node, quantity: Node, said: Said) -> None:
    value, unit = number_at(quantity, "value"), unit_of(quantity)
    if math.isnan(value) or raw_text(quantity, "comparator"):
        return
    if has_code(concept, *AGES):
        said.age_years = age_of(value, {"a": "y", "mo": "m", "wk": "w"}.get(unit, unit))
        return
    found = measurement_of(concept, unit)
    name = name_of_concept(concept)
    if found is not None:
        name, factor = found
        if value > 0 or not name.endswith(("_ms", "_bpm")):
            said.measurements.setdefault(name, value * factor)
    elif name in FILTERS and unit == "Hz":
        said.header.setdefault(name, f"{value:g}")
    elif name:
        said.left_out.append(name)
        said.header.setdefault(name, f"{value:g} {unit}".strip())


def _state(concept: Node, said: Said) -> None:
    words = text_at(concept, "text", longest=_STATEMENT_LENGTH)
    for coding in nodes(concept, "coding"):
        scheme, code = scheme_of(text_at(coding, "system")), text_at(coding, "code")
        shown = text_at(coding, "display")
        if scheme != "text" and code:
            said.statements.append(Statement(code=code, scheme=scheme, name=shown or words))
            return
        words = words or shown or code
    if words:
        said.statements.append(Statement(code=words))
