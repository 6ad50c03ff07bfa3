# SPDX-License-Identifier: Apache-2.0
"""Codes of ECG observations in FHIR: leads, measurements, and systems of codes."""

from __future__ import annotations

import re

from precordia.core.leads import canonical_lead
from precordia.io.fhir_resource import Node, node_at, nodes, text_at
from precordia.io.hl7_aecg_codes import MEASUREMENTS, UNITS
from precordia.io.lead_names import lead_of_code, lead_of_spelling

MDC = "urn:oid:2.16.840.1.113883.6.24"
LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"
#: systems of codes, and what we call them; the first of each is written
SCHEMES = {
    SNOMED: "snomed-ct",
    LOINC: "loinc",
    MDC: "mdc",
    "urn:iso:std:iso:11073:10101": "mdc",
    "http://hl7.org/fhir/sid/icd-10": "icd-10",
    "http://hl7.org/fhir/sid/icd-10-cm": "icd-10-cm",
    "urn:oid:2.16.840.1.113883.6.96": "snomed-ct",
    "urn:oid:2.16.840.1.113883.6.1": "loinc",
}
#: what stands before our name of a scheme that has no address of its own
OWN_SCHEME = "urn:precordia:scheme:"
#: MDC: electric potential of the heart, of any lead
POTENTIAL = "131328"
#: LOINC: an ECG study, its interpretation, ages
STUDY, IMPRESSION = "11524-6", "18844-1"
AGES = ("30525-0", "21612-7", "29553-5")
AGE = AGES[0]
#: texts of components that no code says: how our records say that they were not measured, and when
#: they began where the time zone is unknown
ORIGIN = "origin of the signal"
LOCAL_TIME = "time of day at the start, time zone unknown"
#: system and code of ours for a signal that is recorded beside the ECG
OWN, COMPANION = "urn:precordia", "companion"
#: header entries that are written as quantities in hertz
FILTERS = ("filter_highpass_hz", "filter_lowpass_hz", "filter_notch_hz")
_SNOMED_LEADS = {
    "272729005": "I", "272730000": "II", "272731001": "III",
    "257474006": "aVR", "257473000": "aVL", "257472005": "aVF",
    "257475007": "V1", "257476008": "V2", "257477004": "V3",
    "257478009": "V4", "257479001": "V5", "257480003": "V6",
}  # fmt: skip
_LOINC_LEADS = {
    "LP7386-8": "I", "LP7387-6": "II", "LP7388-4": "III",
    "LP7385-0": "aVR", "LP7384-3": "aVL", "LP7383-5": "aVF",
    "LP7389-2": "V1", "LP7390-0": "V2", "LP7391-8": "V3",
    "LP7392-6": "V4", "LP7393-4": "V5", "LP7394-2": "V6",
}  # fmt: skip
_OTHER_LEADS = {"appleWatchSimilarToLeadI": "I"}
#: LOINC: measurements, the first of each name is written
LOINC_MEASUREMENTS = {
    "8867-4": "heart_rate_bpm",
    "8625-6": "pr_ms",
    "8633-0": "qrs_ms",
    "8634-8": "qt_ms",
    "8636-3": "qtc_ms",
    "8637-1": "rr_mean_ms",
    "8626-4": "p_axis_deg",
    "8632-2": "qrs_axis_deg",
    "8638-9": "t_axis_deg",
    "76282-3": "heart_rate_bpm",
}
#: units by the end of our names: what UCUM calls them
UNIT_OF_ENDING = {"_ms": "ms", "_bpm": "/min", "_deg": "deg", "_mv": "mV", "_percent": "%"}
_OWN_NAME = re.compile(r"[a-z][a-z0-9_]{1,40}")
_DIGITS = re.compile(r"\d{1,12}")


def scheme_of(system: str) -> str:
    """Return what we call a system of codes; ``"text"`` where it is unknown.

    Examples
    --------
    >>> scheme_of("http://snomed.info/sct"), scheme_of("urn:precordia:scheme:scp-ecg")
    ('snomed-ct', 'scp-ecg')
    """
    if system.startswith(OWN_SCHEME):
        return system.removeprefix(OWN_SCHEME)[:40] or "text"
    return SCHEMES.get(system.rstrip("/"), "text")


def lead_of_concept(concept: Node) -> str | None:
    """Return the lead that a CodeableConcept stands for, by code or words; None if it is none.

    Examples
    --------
    >>> lead_of_concept({"coding": [{"system": SNOMED, "code": "257475007"}]})
    'V1'
    >>> lead_of_concept({"text": "Channel 1"}) is None
    True
    """
    codings = nodes(concept, "coding")
    for coding in codings:
        code, scheme = text_at(coding, "code"), scheme_of(text_at(coding, "system"))
        if scheme == "snomed-ct":
            found = _SNOMED_LEADS.get(code)
        elif scheme == "loinc":
            found = _LOINC_LEADS.get(code)
        elif _DIGITS.fullmatch(code):
            # A bare number below is no code of a potential, but counts something.
            found = lead_of_code(code, "MDC") if scheme == "mdc" or int(code) > 131072 else None
        else:
            found = _OTHER_LEADS.get(code) or lead_of_code(code, "MDC") or canonical_lead(code)
        if found is not None:
            return found
    for coding in codings:
        if (found := _spelled(text_at(coding, "display"))) is not None:
            return found
    return _spelled(text_at(concept, "text"))


def _spelled(words: str) -> str | None:
    if words.isdigit():
        return None
    return lead_of_spelling(re.sub(r"\b[Ss]ite\b ?", "", words))


def name_of_concept(concept: Node) -> str:
    """Return what a CodeableConcept calls itself: its words, else its code.

    Examples
    --------
    >>> name_of_concept({"coding": [{"code": "9", "display": "left arm"}]})
    'left arm'
    """
    shown = text_at(node_at(concept, "coding"), "display")
    return text_at(concept, "text") or shown or text_at(node_at(concept, "coding"), "code")


def is_potential(concept: Node) -> bool:
    """Tell whether a concept is coded as an electric potential of the heart, of any lead."""
    return any(text_at(coding, "code") == POTENTIAL for coding in nodes(concept, "coding"))


def has_code(concept: Node, *codes: str) -> bool:
    """Tell whether a concept has one of some codes.

    Examples
    --------
    >>> has_code({"coding": [{"code": "8867-4"}]}, "8867-4")
    True
    """
    return any(text_at(coding, "code") in codes for coding in nodes(concept, "coding"))


def measurement_of(concept: Node, unit: str) -> tuple[str, float] | None:
    """Return our name of a measurement, and what one of the file's unit is in ours.

    Returns
    -------
    None where the concept is no measurement that has a name, or the unit is not understood.

    Examples
    --------
    >>> measurement_of({"coding": [{"system": LOINC, "code": "8625-6"}]}, "s")
    ('pr_ms', 1000.0)
    """
    name = ""
    words = [text_at(concept, "text")]
    for coding in nodes(concept, "coding"):
        code, shown = text_at(coding, "code"), text_at(coding, "display")
        words += [code, shown]
        name = name or LOINC_MEASUREMENTS.get(code, "")
    folded = (word.upper().removesuffix("_GL") for word in words)
    name = name or next((MEASUREMENTS[word] for word in folded if word in MEASUREMENTS), "")
    own = words[0]
    ending = f"_{own.rpartition('_')[2]}"
    if _OWN_NAME.fullmatch(own) and (ending in UNIT_OF_ENDING or unit == "1"):
        name = own
    if not name:
        return None
    ending = f"_{name.rpartition('_')[2]}"
    known = UNITS.get(ending)
    if known is None:
        return (name, 1.0) if unit in ("1", UNIT_OF_ENDING.get(ending, "1")) else None
    factor = known.get(unit.lower())
    return None if factor is None else (name, factor)
