# SPDX-License-Identifier: Apache-2.0
"""Take the patient out of a record: what stays is listed, everything else goes."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from datetime import timedelta

from precordia import __version__
from precordia.core.leads import canonical_lead
from precordia.core.record import Annotations, Carried, Patient, Record
from precordia.core.source import Source
from precordia.core.statements import Statement
from precordia.deidentification.pseudonyms import Pseudonyms
from precordia.deidentification.removed import removed_between
from precordia.io.channel_roles import is_other_kind
from precordia.knowledge.statements import list_statements

#: header entries that tell of the device and the filters, not of anybody
TECHNICAL_HEADER = frozenset(
    {
        *("manufacturer", "device_model", "software_version"),
        *("filter_highpass_hz", "filter_lowpass_hz", "filter_notch_hz"),
    }
)
#: header entries that hold unique identifiers
UID_HEADER = frozenset({"study_uid", "series_uid", "instance_uid", "frame_uid", "document_uid"})
#: ages from 90 on, and all above 89, are told as this, for there are few people so old
OLDEST_YEARS = 90.0
#: rhythm annotations of WFDB, such as "(AFIB"
_RHYTHM_MARK = re.compile(r"\([A-Z0-9+]{1,7}\Z")


def deidentify(record: Record, *, pseudonyms: Pseudonyms, identity: str | None = None) -> Record:
    """Take the patient, staff, places, free text and dates out of a record.

    Parameters
    ----------
    record
        What was read.
    pseudonyms
        What patients and identifiers become.
    identity
        Who the patient is, where the record does not say: recordings with the same identity get
        the same pseudonym and shift of dates.

    Returns
    -------
    The record with a pseudonym for the patient, its dates moved by some days that are the same in
    all recordings of the patient, and nothing that was written by hand.

    Notes
    -----
    Kept: the signal, leads, rate, companions, sex, age (90 for more than that), the time of day,
    device model and filters, numbers measured by the device, wave marks, symbols of annotations,
    and statements that are coded or spelled as in the table of statements. Removed: everything
    else that the file said. A lead or companion with a name of its own choosing is numbered, for
    names of channels are free text too. Remarks of the reader are dropped where they quote what
    was removed.

    The list follows the eighteen identifiers of the Safe Harbor method but for one: it asks for
    years only, and here dates are shifted, which keeps the intervals between a patient's
    recordings.

    References
    ----------
    Guidance regarding methods for de-identification of protected health information in accordance
    with the HIPAA Privacy Rule, 45 CFR 164.514(b)(2). US Department of Health, 2012.
    DICOM PS3.15, annex E: attribute confidentiality profiles.

    Examples
    --------
    >>> import numpy as np
    >>> from precordia.deidentification.pseudonyms import make_key
    >>> told = Record(signal=np.zeros((1, 500)), fs=500, leads=("II",),
    ...               patient=Patient(name="Doe^Jane", patient_id="4711", sex="female"))
    >>> deidentify(told, pseudonyms=Pseudonyms(make_key())).patient.name is None
    True
    """
    who = identity or record.patient.patient_id or record.patient.name
    # Nobody knows who it is: then it is nobody else either.
    who = who or hashlib.sha256(record.signal.tobytes()).hexdigest()
    patient = Patient(
        patient_id=pseudonyms.patient(who),
        age_years=_coarse_age(record.patient),
        sex=record.patient.sex,
    )
    moved = timedelta(days=pseudonyms.shift_days(who))
    kept = dataclasses.replace(
        record,
        leads=_plain_leads(record.leads),
        patient=patient,
        start_time=None if record.start_time is None else record.start_time + moved,
        carried=_carried(record.carried, pseudonyms),
        companions=tuple(
            other if is_other_kind(other.name) else dataclasses.replace(other, name=f"signal {k}")
            for k, other in enumerate(record.companions, start=1)
        ),
        remarks=(),
        source=Source(
            method="deidentify", version=__version__, parameters={"of": record.source.method}
        ),
    )
    removed = removed_between(record, kept)
    remarks = tuple(r for r in record.remarks if not removed.found_in(r.text))
    return dataclasses.replace(kept, remarks=remarks)


def _coarse_age(patient: Patient) -> float:
    return OLDEST_YEARS if patient.age_years > OLDEST_YEARS - 1 else patient.age_years


def _plain_leads(leads: tuple[str, ...]) -> tuple[str, ...]:
    """Return lead names, numbered where they are not those of leads."""
    known = (canonical_lead(lead.partition(" #")[0].removeprefix("-")) for lead in leads)
    return tuple(
        lead if name is not None else f"unknown-{k}"
        for k, (lead, name) in enumerate(zip(leads, known, strict=True), start=1)
    )


def _carried(carried: Carried, pseudonyms: Pseudonyms) -> Carried:
    header = {key: text for key, text in carried.header.items() if key in TECHNICAL_HEADER}
    header |= {
        key: pseudonyms.uid(text) for key, text in carried.header.items() if key in UID_HEADER
    }
    return dataclasses.replace(
        carried,
        header=header,
        statements=tuple(s for s in carried.statements if _is_known(s)),
        annotations=None if carried.annotations is None else _marks_only(carried.annotations),
    )


def _is_known(statement: Statement) -> bool:
    """Tell whether a statement is a code or one of the known phrases, not somebody's sentence."""
    if statement.scheme != "text":
        return True
    said = statement.code.strip().lower()
    return any(said in (s.code.lower(), s.name.lower(), s.snomed_ct) for s in list_statements())


def _marks_only(annotations: Annotations) -> Annotations:
    """Return annotations with their symbols, and of their texts only names of rhythms."""
    aux = tuple(text if _RHYTHM_MARK.fullmatch(text) else "" for text in annotations.aux)
    return dataclasses.replace(annotations, aux=aux)
