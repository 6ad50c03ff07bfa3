# SPDX-License-Identifier: Apache-2.0
"""Write a record as a FHIR Observation."""

from __future__ import annotations

import json
import math
import os
import warnings
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from precordia.core.errors import OptionError, OutputError
from precordia.core.output import write_text_whole
from precordia.core.record import Record
from precordia.io.fhir_codes import COMPANION, LOCAL_TIME, LOINC, MDC, ORIGIN, OWN, POTENTIAL, STUDY
from precordia.io.fhir_sampled_data import HIGHEST_RATE_HZ, LOWEST_RATE_HZ
from precordia.io.fhir_write_said import (
    UCUM_UNITS,
    age_component,
    device_of,
    filter_components,
    measurement_components,
    patient_of,
    quantity,
    statement_components,
    whole,
)
from precordia.io.hl7_aecg_markup import plain
from precordia.io.hl7_aecg_sequences import rate_of
from precordia.io.lead_names import SCP_LEADS
from precordia.io.whole_steps import whole_steps

_POTENTIALS = {lead: str(131328 + number) for number, lead in SCP_LEADS.items()}
_VERSIONS = ("r4", "r5")
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_TEST_DATA = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason",
    "code": "HTEST",
    "display": "test health data",
}


def write_fhir(
    record: Record,
    path: str | os.PathLike[str],
    *,
    fhir_version: str = "r5",
    identifiers: bool = False,
    overwrite: bool = False,
) -> Path:
    """Write a record as one FHIR Observation, JSON.

    Parameters
    ----------
    record
        What to write.
    path
        The file.
    fhir_version
        ``"r5"``, or ``"r4"`` for systems of release 4, which call the interval a period.
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
        If the file exists or cannot be written, or the record holds no sample.
    OptionError
        If the release is not one of the two.

    Warns
    -----
    UserWarning
        Once, naming what the record carries and the file does not.

    Notes
    -----
    Every lead is a component with SampledData: whole steps of a usual converter (5, 2.5, 1.25,
    1 µV ...) where the lead consists of them, otherwise steps of at most 1/524288 of its largest
    amplitude. The origin is 0 µV; a missing sample is E. Limits of detection are not stated, as a
    record does not know them. Companions are components in their own unit and interval.

    FHIR wants a time zone wherever it has a time of day. Where a record has none, the Observation
    states the day alone, and a component the time of day, which FHIR has without a zone.

    Age, measurements and statements are components, statements with the LOINC code of an
    interpretation. Names that no terminology has stand as text. A synthetic record is tagged as
    test data. Sex, and with ``identifiers`` who it was, are a contained Patient.

    References
    ----------
    HL7 FHIR release 4 (4.0.1) and release 5 (5.0.0): Observation, SampledData.

    Examples
    --------
    >>> import tempfile
    >>> from precordia.io.fhir import read_fhir
    >>> record = Record(signal=np.array([[0.0, 0.5, np.nan]]), fs=500.0, leads=("II",))
    >>> read_fhir(write_fhir(record, Path(tempfile.mkdtemp(), "a.json"))).signal
    array([[0. , 0.5, nan]], dtype=float32)
    """
    place = Path(path)
    if fhir_version not in _VERSIONS:
        raise OptionError(f"fhir_version={fhir_version!r} arrived; 'r4' or 'r5' was needed.")
    if place.suffix.lower() == ".xml":
        raise OutputError(
            f"'{place.name}' would be XML, and FHIR is written as JSON. Give a name in .json."
        )
    if record.n_leads == 0 or record.n_samples == 0:
        raise OutputError(
            "the record has no samples; a FHIR Observation needs at least one lead and one sample."
        )
    if not LOWEST_RATE_HZ < record.fs < HIGHEST_RATE_HZ:
        raise OutputError(
            f"a sampling rate of {record.fs:g} Hz is none that FHIR readers accept. Check fs."
        )
    lost: list[str] = []
    observation = _observation(record, fhir_version, identifiers, lost)
    text = json.dumps(observation, ensure_ascii=False, indent=1, allow_nan=False)
    write_text_whole(text + "\n", place, overwrite=overwrite)
    carried = record.carried
    if carried.annotations is not None and len(carried.annotations):
        lost.append("annotations")
    if carried.fiducials is not None:
        lost.append("fiducials")
    if carried.median is not None:
        lost.append("the median beat")
    if any(math.isfinite(statement.likelihood) for statement in carried.statements):
        lost.append("likelihoods of the statements")
    if lost:
        warnings.warn(
            f"A FHIR Observation has no place for: {'; '.join(lost)}. '{place.name}' was written "
            "without.",
            stacklevel=3,
        )
    return place


def _observation(
    record: Record, version: str, identifiers: bool, lost: list[str]
) -> dict[str, Any]:
    patient = patient_of(record.patient, identifiers)
    device, maker = device_of(record.carried.header)
    contained = [resource for resource in (patient, maker) if resource]
    when, time_of_day = _start(record)
    found: dict[str, Any] = {
        "resourceType": "Observation",
        "meta": {"tag": [_TEST_DATA]} if record.origin == "synthetic" else None,
        "contained": contained,
        "status": "final",
        "category": [{"coding": [{"system": _CATEGORY, "code": "procedure"}]}],
        "code": {
            "coding": [
                {"system": MDC, "code": POTENTIAL, "display": "MDC_ECG_ELEC_POTL"},
                {"system": LOINC, "code": STUDY, "display": "EKG study"},
            ],
            "text": "electrocardiogram",
        },
        "subject": {"reference": "#patient"} if patient else None,
        "effectiveDateTime": when,
        "device": device,
        "component": [
            *_lead_components(record, version),
            *_companion_components(record, version, lost),
            *time_of_day,
            *([_text(ORIGIN, record.origin)] if record.origin != "measured" else []),
            *age_component(record.patient),
            *measurement_components(record.carried.measurements, lost),
            *statement_components(record.carried.statements),
            *filter_components(record.carried.header),
        ],
    }
    return {key: value for key, value in found.items() if value}


def _start(record: Record) -> tuple[str | None, list[dict[str, Any]]]:
    """Return the moment or day of the start, and the time of day where it has no time zone."""
    start = record.start_time
    if start is None:
        return None, []
    offset = start.utcoffset()
    if offset is None:
        text = start.time().isoformat()
        return start.date().isoformat(), [{"code": {"text": LOCAL_TIME}, "valueTime": text}]
    minutes = timezone(timedelta(minutes=round(offset.total_seconds() / 60)))
    return start.astimezone(minutes).isoformat(), []


def _text(name: str, value: str) -> dict[str, Any]:
    return {"code": {"text": name}, "valueString": value}


def _lead_components(record: Record, version: str) -> list[dict[str, Any]]:
    found = []
    for lead, row in zip(record.leads, record.signal, strict=True):
        code = _POTENTIALS.get(lead, POTENTIAL)
        suffix = f"_{lead.upper()}" if lead in _POTENTIALS and lead[0] != "-" else ""
        coding: dict[str, str] = {"system": MDC, "code": code}
        if suffix or code == POTENTIAL:
            coding["display"] = f"MDC_ECG_ELEC_POTL{suffix}"
        name = plain(lead, escaped=False) or "unnamed"
        sampled = _sampled(row, record.fs, version, 1.0, quantity(0, "uV"))
        found.append({"code": {"coding": [coding], "text": name}, "valueSampledData": sampled})
    return found


def _companion_components(record: Record, version: str, lost: list[str]) -> list[dict[str, Any]]:
    found = []
    for other in record.companions:
        if not LOWEST_RATE_HZ < other.fs < HIGHEST_RATE_HZ:
            lost.append(f"companion '{other.name}', which has no sampling rate")
            continue
        unit = plain(other.unit, escaped=False)
        origin: dict[str, Any] = {"value": 0}
        if unit in UCUM_UNITS:
            origin = quantity(0, unit)
        elif unit:
            origin["unit"] = unit
        coding = {"system": OWN, "code": COMPANION}
        name = plain(other.name, escaped=False) or "unnamed"
        sampled = _sampled(np.asarray(other.signal), other.fs, version, 1e-3, origin)
        found.append({"code": {"coding": [coding], "text": name}, "valueSampledData": sampled})
    return found


def _sampled(
    row: Float[np.ndarray, " sample"],
    fs: float,
    version: str,
    scale: float,
    origin: dict[str, Any],
) -> dict[str, Any]:
    """Return SampledData; a step of a thousandth of what is in ``row`` counts as ``scale``."""
    step, counts = whole_steps(row)
    tokens = list(map(str, counts.tolist()))
    for at in np.flatnonzero(~np.isfinite(row)).tolist():
        tokens[at] = "E"
    timing: dict[str, Any] = {"period": _interval_ms(fs)}
    if version == "r5":
        timing = {"interval": timing["period"], "intervalUnit": "ms"}
    factor = float(f"{step * scale:.15g}")
    sampled = {"origin": origin, **timing, "factor": whole(factor), "dimensions": 1}
    if tokens:
        sampled["data"] = " ".join(tokens)
    return sampled


def _interval_ms(fs: float) -> float | int:
    """Return the milliseconds between samples, such that they give the rate back exactly.

    Examples
    --------
    >>> _interval_ms(500.0), rate_of(_interval_ms(333.3) / 1000)
    (2, 333.3)
    """
    first = 1000 / fs
    below = float(np.nextafter(first, 0))
    above = float(np.nextafter(first, math.inf))
    further = (float(np.nextafter(below, 0)), float(np.nextafter(above, math.inf)))
    for interval in (first, below, above, *further):
        if rate_of(interval / 1000) == fs:
            return whole(interval)
    return whole(first)
