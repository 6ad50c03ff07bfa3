# SPDX-License-Identifier: Apache-2.0
"""What tells who a patient is, found in a text and taken out before a model sees it."""

from __future__ import annotations

import re
from datetime import date
from pathlib import PurePath

from precordia.core.leads import STANDARD_12, canonical_lead
from precordia.core.study import Study

TAKEN_OUT = "[removed]"
#: shorter parts of names are words of their own
_SHORTEST = 2
#: values of a header that hold digits and are at least as long may be serial numbers
_SHORTEST_HEADER = 4
_MONTHS = (
    "jan(?:uary|uar)?|feb(?:ruary|ruar)?|mar(?:ch)?|märz|apr(?:il)?|may|mai|june?|juni|july?|juli|"
    "aug(?:ust)?|sept?(?:ember)?|o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?"
)
#: what identifies whoever it belongs to: dates, numbers of patients and telephones, places of files
_PATTERNS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in [
        r"[\w.+-]+@[\w-]+\.[\w.-]+",
        r"\b[a-z][a-z+.-]*://\S+",
        r"(?<!\w)(?:~|\.{1,2}|[a-z]:)?[\\/][^\s,;?\"']*[^\s,;?.\"']",
        r"\b[\w-]+(?:[\\/][\w.-]+)+\.[a-z0-9]{2,5}\b",
        r"\b[\w-]{3,}\.(?:dcm|dicom|xml|edf|bdf|scp|hea|dat|mat|csv|txt|json|pdf|png|jpe?g|tiff?|ecg|"
        r"mwf|h5|hdf5|npy|zip)\b",
        r"\b\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?:[t ]\d{1,2}:\d{2}(?::\d{2})?)?",
        r"\b\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}\b",
        rf"\b\d{{1,2}}(?:st|nd|rd|th|\.)?\s+(?:of\s+)?(?:{_MONTHS})\b\.?,?(?:\s+\d{{2,4}})?",
        rf"\b(?:{_MONTHS})\.?\s+\d{{1,2}}(?:st|nd|rd|th)?\b(?:,?\s+\d{{4}})?",
        r"\b\w*\d[\w-]*\d{4,}\w*",
        r"\b\d{5,}\b",
        r"\b(?:mrn|ssn|id|pid|case)\b[.:# ]*[\w-]*\d[\w-]*",
        r"(?<!\w)\+?\d[\d /()-]{7,}\d",
    ]
]


def identifiers_of(study: Study) -> tuple[str, ...]:
    """Return the strings by which a study tells whose it is, the longest first.

    Parameters
    ----------
    study
        The recording.

    Returns
    -------
    Identifier, name and its parts, dates of birth and recording in several ways of writing,
    places of files, and what in the header may be the number of a device or a case.
    """
    record = study.record
    patient = record.patient
    found: set[str] = set()
    for given in (patient.patient_id, patient.name):
        if given and given.strip():
            found.add(given.strip())
            parts = re.split(r"[\s^,;=]+", given)
            found |= {part for part in parts if len(part) >= _SHORTEST}
    for day in (patient.birth_date, record.start_time):
        found |= _dates(day) if day is not None else set()
    said = [*record.source.parameters.values(), *record.carried.header.values()]
    for value in said:
        text = str(value).strip()
        if len(text) >= _SHORTEST_HEADER and any(c.isdigit() for c in text):
            found.add(text)
        if isinstance(value, str) and ("/" in text or "\\" in text):
            found |= {text, PurePath(text).name, PurePath(text).stem}
    return tuple(sorted((f for f in found if len(f) >= _SHORTEST), key=len, reverse=True))


def _dates(day: date) -> set[str]:
    forms = ("%Y-%m-%d", "%Y%m%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%y", "%m/%d/%y")
    plain = f"{day.day}.{day.month}.{day.year}"
    return {day.strftime(form) for form in forms} | {plain, day.strftime("%d %B %Y")}


def without_identifiers(text: str, *studies: Study | None) -> str:
    """Return a text that somebody typed without what tells who the patient is.

    Parameters
    ----------
    text
        Such as a question.
    *studies
        Whose identifiers are looked for, besides dates, addresses, long numbers and names of
        files, which are taken out whosever they are.

    Returns
    -------
    The text, with ``[removed]`` in place of each.

    Examples
    --------
    >>> without_identifiers("Has Anna's ecg_anna.dcm of 3 May 2021 AF, MRN 12-345?")
    "Has Anna's [removed] of [removed] AF, [removed]?"
    """
    for pattern in _PATTERNS:
        text = pattern.sub(TAKEN_OUT, text)
    for study in studies:
        for known in identifiers_of(study) if study is not None else ():
            before = r"(?<!\w)" if known[0].isalnum() else ""
            after = r"(?!\w)" if known[-1].isalnum() else ""
            whole = f"{before}{re.escape(known)}{after}"
            text = re.sub(whole, TAKEN_OUT, text, flags=re.IGNORECASE)
    return text


def plain_leads(text: str, *studies: Study | None) -> str:
    """Return a text in which leads with names of their own are numbered.

    A file may call a lead whatever it wants, even after the patient.

    Parameters
    ----------
    text
        Words of ours about the studies.
    *studies
        Whose leads.

    Returns
    -------
    The text.
    """
    for study in studies:
        for place, name in enumerate(study.record.leads if study is not None else (), start=1):
            if name not in STANDARD_12 and canonical_lead(name) not in STANDARD_12:
                text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", f"lead {place}", text)
    return text
