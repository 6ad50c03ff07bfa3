# SPDX-License-Identifier: Apache-2.0
"""Write a record as an HL7 annotated ECG."""

from __future__ import annotations

import hashlib
import itertools
import math
import os
import uuid
import warnings
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from precordia.core.errors import OutputError
from precordia.core.measurements import MedianBeat
from precordia.core.output import write_text_whole
from precordia.core.record import Record
from precordia.io.hl7_aecg_codes import ACT_CODE, AGE, LOINC, MDC
from precordia.io.hl7_aecg_markup import code, element, plain
from precordia.io.hl7_aecg_write_marks import (
    beat_annotations,
    lead_code,
    measurement_annotations,
    median_annotations,
    statement_annotations,
)
from precordia.io.hl7_time import spell_moment
from precordia.io.whole_steps import spell, whole_steps

#: a record with more gaps than this is better kept in a format that has a missing sample
_MOST_SETS = 1000
_ROOT = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<AnnotatedECG xmlns="urn:hl7-org:v3" xmlns:voc="urn:hl7-org:v3/voc" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xsi:schemaLocation="urn:hl7-org:v3 /HL7/aECG/2003-12/schema/PORT_MT020001.xsd" '
    'type="Observation">'
)
_FILTERS = (
    ("filter_lowpass_hz", "LOW_PASS", "CUTOFF_FREQ"),
    ("filter_highpass_hz", "HIGH_PASS", "CUTOFF_FREQ"),
    ("filter_notch_hz", "NOTCH", "NOTCH_FREQ"),
)


def write_hl7_aecg(
    record: Record,
    path: str | os.PathLike[str],
    *,
    identifiers: bool = False,
    overwrite: bool = False,
) -> Path:
    """Write a record as an HL7 annotated ECG (aECG), release of December 2003.

    Parameters
    ----------
    record
        What to write.
    path
        The file.
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
        If the file exists or cannot be written, the record holds no sample, or it has so many
        gaps that an aECG of it would be of no use.

    Warns
    -----
    UserWarning
        Once, naming what the record carries and the file does not.

    Notes
    -----
    Samples are whole steps of a converter in use (5, 2.5, 1.25, 1 µV ...) where the lead consists
    of them; otherwise the step is at most 1/524288 of the largest amplitude.

    An aECG has no value for a missing sample. What was recorded between gaps is written as
    sequence sets of their own, each with the moment at which it begins; software that reads the
    first set alone sees the signal up to the first gap. A lead without any sample is a sequence
    with ``nullFlavor``. Where all leads are missing at the beginning or the end, the recording is
    written without that part, and the warning says so.

    Positions of waves are times in ms from the first sample. Where the start of the recording is
    unknown, its time axis is relative.

    References
    ----------
    HL7 version 3 standard: annotated ECG (aECG), implementation guide of 2005-03-21.

    Examples
    --------
    >>> import tempfile
    >>> from precordia.io.hl7_aecg import read_hl7_aecg
    >>> record = Record(signal=np.array([[0.0, 0.5, 0.25]]), fs=500.0, leads=("II",))
    >>> read_hl7_aecg(write_hl7_aecg(record, Path(tempfile.mkdtemp(), "a.xml"))).signal
    array([[0.  , 0.5 , 0.25]], dtype=float32)
    """
    place = Path(path)
    held = np.isfinite(record.signal)
    seen = np.flatnonzero(held.any(axis=0))
    if seen.size == 0:
        raise OutputError(
            "the record has no samples; an HL7 aECG needs at least one lead and one sample."
        )
    first, last = int(seen[0]), int(seen[-1]) + 1
    lost: list[str] = []
    if first > 0 or last < record.n_samples:
        lost.append(
            f"samples that are missing in all leads ({first} at the beginning, "
            f"{record.n_samples - last} at the end)"
        )
    start = record.start_time
    if start is not None:
        start += timedelta(seconds=first / record.fs)
    sets = _sequence_sets(
        record.signal[:, first:last], held[:, first:last], record.leads, record.fs, start
    )
    text = _document(record, sets, start, first, last, identifiers, lost)
    write_text_whole(text, place, overwrite=overwrite)
    lost += [f"companion '{other.name}'" for other in record.companions]
    if any(math.isfinite(statement.likelihood) for statement in record.carried.statements):
        lost.append("likelihoods of the statements")
    if record.origin != "measured":
        lost.append(f"that the record is {record.origin}")
    if lost:
        warnings.warn(
            f"HL7 aECG has no place for: {'; '.join(lost)}. '{place.name}' was written without.",
            stacklevel=3,
        )
    return place


def _sequence_sets(
    signal: Float[np.ndarray, "lead sample"],
    held: Bool[np.ndarray, "lead sample"],
    leads: tuple[str, ...],
    fs: float,
    start: datetime | None,
) -> list[str]:
    """Return one sequence set for every stretch in which the same leads were recorded."""
    changes = np.flatnonzero((held[:, 1:] != held[:, :-1]).any(axis=0)) + 1
    bounds = [0, *changes.tolist(), signal.shape[1]]
    if len(bounds) > _MOST_SETS:
        raise OutputError(
            f"the record has gaps that begin or end at {len(bounds) - 2:,} samples, and an HL7 "
            "aECG, which has no value for a missing sample, would fall into as many parts. Write "
            "EDF, WFDB or CSV."
        )
    steps = [whole_steps(row) for row in signal]
    sets = []
    for low, high in itertools.pairwise(bounds):
        if not held[:, low].any():
            continue
        sequences = [_time_axis(fs, low, start)]
        for k, lead in enumerate(leads):
            step, counts = steps[k]
            there = bool(held[k, low])
            if not there and sets:
                continue
            flavor = "" if there else ' nullFlavor="NI"'
            digits = " ".join(map(str, counts[low:high].tolist())) if there else ""
            sequences.append(
                element(
                    "sequence",
                    code(lead_code(lead), MDC),
                    f'<value xsi:type="SLIST_PQ"{flavor}><origin value="0" unit="uV"/>'
                    f'<scale value="{spell(step)}" unit="uV"/><digits>{digits}</digits></value>',
                )
            )
        inner = "\n".join(element("component", sequence) for sequence in sequences)
        sets.append(element("component", f"<sequenceSet>\n{inner}\n</sequenceSet>"))
    return sets


def _time_axis(fs: float, low: int, start: datetime | None) -> str:
    increment = f'<increment value="{spell(1 / fs)}" unit="s"/>'
    if start is None:
        head = f'<head value="{spell(low / fs)}" unit="s"/>'
        value = f'<value xsi:type="GLIST_PQ">{head}{increment}</value>'
        return element("sequence", code("TIME_RELATIVE", ACT_CODE), value)
    head = f'<head value="{spell_moment(start + timedelta(seconds=low / fs))}"/>'
    value = f'<value xsi:type="GLIST_TS">{head}{increment}</value>'
    return element("sequence", code("TIME_ABSOLUTE", ACT_CODE), value)


def _document(
    record: Record,
    sets: list[str],
    start: datetime | None,
    first: int,
    last: int,
    identifiers: bool,
    lost: list[str],
) -> str:
    carried = record.carried
    period = _period(start, (last - first) / record.fs)
    annotations = beat_annotations(
        carried.fiducials,
        carried.annotations,
        fs=record.fs,
        first=first,
        n_samples=last - first,
        lost=lost,
    )
    annotations += measurement_annotations(carried.measurements, lost)
    annotations += statement_annotations(carried.statements)
    series = element(
        "series",
        _identifier(record.signal, "series"),
        code("RHYTHM", ACT_CODE),
        period,
        _device(carried.header),
        *_filters(carried.header),
        *sets,
        _annotation_set(annotations),
        _derived(carried.median, period, lost),
    )
    age = record.patient.age_years
    reported = ""
    if math.isfinite(age):
        reported = element(
            "controlVariable",
            element(
                "relatedObservation",
                code(AGE, LOINC),
                f'<value xsi:type="PQ" value="{spell(float(age))}" unit="a"/>',
            ),
        )
    return "\n".join(
        part
        for part in (
            _ROOT,
            _identifier(record.signal, "document"),
            '<code code="93000" codeSystem="2.16.840.1.113883.6.12" codeSystemName="CPT-4"/>',
            period,
            _subject(record, identifiers),
            reported,
            element("component", series),
            "</AnnotatedECG>\n",
        )
        if part
    )


def _identifier(signal: np.ndarray, what: str) -> str:
    """Return an identifier that is the same whenever the same signal is written."""
    digest = hashlib.sha256(signal.tobytes() + what.encode()).hexdigest()
    return f'<id root="{uuid.uuid5(uuid.NAMESPACE_OID, digest)}"/>'


def _period(start: datetime | None, seconds: float) -> str:
    if start is None:
        return '<effectiveTime nullFlavor="UNK"/>'
    end = start + timedelta(seconds=seconds)
    return (
        f'<effectiveTime><low value="{spell_moment(start)}" inclusive="true"/>'
        f'<high value="{spell_moment(end)}" inclusive="false"/></effectiveTime>'
    )


def _subject(record: Record, identifiers: bool) -> str:
    patient = record.patient
    known = plain(patient.patient_id or "", escaped=False)
    subject_id = '<id nullFlavor="MSK"/>'
    person = ""
    if identifiers:
        root = uuid.uuid5(uuid.NAMESPACE_OID, "patient identifiers of unknown origin")
        if known:
            quoted = known.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
            subject_id = f'<id root="{root}" extension="{quoted}"/>'
        if patient.name:
            person += element("name", plain(patient.name))
    if patient.sex is not None:
        letter = {"female": "F", "male": "M"}[patient.sex]
        person += f'<administrativeGenderCode code="{letter}" codeSystem="2.16.840.1.113883.5.1"/>'
    if identifiers and patient.birth_date is not None:
        day = patient.birth_date
        person += f'<birthTime value="{day.year:04d}{day.month:02d}{day.day:02d}"/>'
    if person:
        person = element("subjectDemographicPerson", person)
    subject = element("subject", element("trialSubject", subject_id, person))
    trial = element("componentOf", element("clinicalTrial", '<id nullFlavor="NA"/>'))
    assignment = element("componentOf", element("subjectAssignment", subject, trial))
    return element("componentOf", element("timepointEvent", assignment))


def _device(header: dict[str, str]) -> str:
    model = plain(header.get("device_model", ""))
    software = plain(header.get("software_version", ""))
    maker = plain(header.get("manufacturer", ""))
    if not (model or software or maker):
        return ""
    device = element("manufacturerModelName", model) if model else ""
    device += element("softwareName", software) if software else ""
    organisation = element("manufacturerOrganization", element("name", maker)) if maker else ""
    return element(
        "author",
        element("seriesAuthor", element("manufacturedSeriesDevice", device), organisation),
    )


def _filters(header: dict[str, str]) -> list[str]:
    found = []
    prefix = "MDC_ECG_CTL_VBL_ATTR_FILTER_"
    for key, kind, attribute in _FILTERS:
        try:
            hertz = float(header.get(key, ""))
        except ValueError:
            continue
        if not math.isfinite(hertz):
            continue
        value = f'<value xsi:type="PQ" value="{spell(hertz)}" unit="Hz"/>'
        inner = element("controlVariable", code(prefix + attribute, MDC), value)
        outer = element("controlVariable", code(prefix + kind, MDC), element("component", inner))
        found.append(element("controlVariable", outer))
    return found


def _annotation_set(annotations: list[str]) -> str:
    if not annotations:
        return ""
    inner = "\n".join(element("component", annotation) for annotation in annotations)
    return element("subjectOf", f"<annotationSet>\n{inner}\n</annotationSet>")


def _derived(median: MedianBeat | None, period: str, lost: list[str]) -> str:
    if median is None:
        return ""
    held = np.isfinite(median.signal)
    if not held.any() or not held.any(axis=0).all():
        lost.append("the median beat, of which samples are missing in all leads")
        return ""
    series = element(
        "derivedSeries",
        code("REPRESENTATIVE_BEAT", ACT_CODE),
        period,
        *_sequence_sets(median.signal, held, median.leads, median.fs, None),
        _annotation_set(median_annotations(median)),
    )
    return element("derivation", series)
