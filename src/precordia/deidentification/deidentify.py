# SPDX-License-Identifier: Apache-2.0
"""Take the patient out of a record: what stays is listed, everything else goes."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from datetime import timedelta

from precordia import __version__
from precordia.core.record import Annotations, Carried, Companion, Patient, Record, Remark
from precordia.core.source import Source
from precordia.deidentification.plain_words import (
    is_rhythm_mark,
    plain_leads,
    plain_signals,
    plain_statement,
    plain_unit,
)
from precordia.deidentification.pseudonyms import Pseudonyms
from precordia.deidentification.removed import Removed, removed_between

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
#: symbols of annotations are of one sign, or two
_LONGEST_SYMBOL = 2
#: remarks quote what a file says
_QUOTED = re.compile(r"""['"\u2018\u201c].+['"\u2019\u201d]""", re.DOTALL)


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
    device model and filters (unless they quote what is removed), numbers measured by the device,
    wave marks, symbols of annotations, codes of statements, and statements that are spelled as in
    the table of statements. Removed: everything else that the file said. Names of leads and
    companions are free text too: known words stay, a name without any is numbered. Remarks of the
    reader are dropped where they quote the file.

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
    names = _lead_names(record)
    kept = dataclasses.replace(
        record,
        leads=tuple(names[lead] for lead in record.leads),
        patient=patient,
        start_time=None if record.start_time is None else record.start_time + moved,
        carried=_carried(record.carried, pseudonyms, names),
        companions=_plain_companions(record.companions),
        remarks=(),
        source=Source(
            method="deidentify", version=__version__, parameters={"of": record.source.method}
        ),
    )
    # The device may be named after its ward or its owner.
    private = removed_between(_with_header(record, {}), _with_header(kept, {}))
    header = {k: v for k, v in kept.carried.header.items() if not private.found_in(v)}
    kept = _with_header(kept, header)
    removed = removed_between(record, kept)
    return dataclasses.replace(kept, remarks=_plain_remarks(record.remarks, removed, names))


def _coarse_age(patient: Patient) -> float:
    return OLDEST_YEARS if patient.age_years > OLDEST_YEARS - 1 else patient.age_years


def _with_header(record: Record, technical: dict[str, str]) -> Record:
    """Return a record with other entries about the device."""
    header = {k: v for k, v in record.carried.header.items() if k not in TECHNICAL_HEADER}
    carried = dataclasses.replace(record.carried, header=header | technical)
    return dataclasses.replace(record, carried=carried)


def _lead_names(record: Record) -> dict[str, str]:
    """Return the new name of every lead of the record, its median beat and its wave marks."""
    median, marks = record.carried.median, record.carried.fiducials
    named = dict.fromkeys(record.leads)
    named |= dict.fromkeys(() if median is None else median.leads)
    named |= dict.fromkeys(() if marks is None else marks.leads)
    return dict(zip(named, plain_leads(tuple(named)), strict=True))


def _plain_companions(companions: tuple[Companion, ...]) -> tuple[Companion, ...]:
    names = plain_signals(tuple(other.name for other in companions))
    return tuple(
        dataclasses.replace(other, name=name, unit=plain_unit(other.unit))
        for other, name in zip(companions, names, strict=True)
    )


def _plain_remarks(
    remarks: tuple[Remark, ...], removed: Removed, names: dict[str, str]
) -> tuple[Remark, ...]:
    return tuple(
        dataclasses.replace(r, leads=tuple(names[lead] for lead in r.leads if lead in names))
        for r in remarks
        if not _QUOTED.search(r.text) and not removed.found_in(r.text)
    )


def _carried(carried: Carried, pseudonyms: Pseudonyms, names: dict[str, str]) -> Carried:
    header = {key: text for key, text in carried.header.items() if key in TECHNICAL_HEADER}
    header |= {
        key: pseudonyms.uid(text) for key, text in carried.header.items() if key in UID_HEADER
    }
    median, marks = carried.median, carried.fiducials
    if median is not None:
        median = dataclasses.replace(median, leads=tuple(names[lead] for lead in median.leads))
    if marks is not None:
        leads = {names[lead]: waves for lead, waves in marks.leads.items()}
        marks = dataclasses.replace(marks, leads=leads, source=Source())
    statements = (plain_statement(s) for s in carried.statements)
    return dataclasses.replace(
        carried,
        header=header,
        statements=tuple(s for s in statements if s is not None),
        annotations=None if carried.annotations is None else _marks_only(carried.annotations),
        fiducials=marks,
        median=median,
    )


def _marks_only(annotations: Annotations) -> Annotations:
    """Return annotations with their symbols, and of their texts only names of rhythms."""
    return dataclasses.replace(
        annotations,
        symbol=tuple(s if len(s) <= _LONGEST_SYMBOL else '"' for s in annotations.symbol),
        aux=tuple(text if is_rhythm_mark(text) else "" for text in annotations.aux),
    )
