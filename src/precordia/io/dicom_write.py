# SPDX-License-Identifier: Apache-2.0
"""Write a record as a DICOM waveform."""

from __future__ import annotations

import math
import os
import re
import uuid
import warnings
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from precordia.core.errors import OptionError, OutputError
from precordia.core.output import write_whole
from precordia.core.record import Patient, Record
from precordia.io.dicom_elements import Elements, encode_elements
from precordia.io.dicom_write_annotations import annotation_items
from precordia.io.dicom_write_groups import group_item

_EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
_IMPLEMENTATION = "2.25.276474325921036247417208394113720093171"
_UID = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))+")
#: written where the record does not know when it was taken, and read as unknown
UNKNOWN_START = datetime(1900, 1, 1)
#: header entries that are attributes of the modules of a waveform
_DEVICE = {
    0x00080070: ("LO", "manufacturer"), 0x00081090: ("LO", "device_model"),
    0x00181020: ("LO", "software_version"),
}  # fmt: skip
_PEOPLE_AND_PLACES = {
    0x00080050: ("SH", "order_number"), 0x00080080: ("LO", "institution"),
    0x00080081: ("ST", "institution_address"), 0x00080090: ("PN", "referring_physician"),
    0x00081010: ("SH", "station"), 0x00081030: ("LO", "study_description"),
    0x0008103E: ("LO", "series_description"), 0x00081040: ("LO", "department"),
    0x00081048: ("PN", "physician"), 0x00081050: ("PN", "performing_physician"),
    0x00081060: ("PN", "confirmed_by"), 0x00081070: ("PN", "operator"),
    0x00101000: ("LO", "other_patient_ids"), 0x00102160: ("SH", "ethnic_group"),
    0x00102180: ("SH", "occupation"), 0x001021B0: ("LT", "history"),
    0x00104000: ("LT", "comment"), 0x00181000: ("LO", "device_serial"),
    0x00200010: ("SH", "acquisition_id"), 0x00380010: ("LO", "visit_number"),
}  # fmt: skip
#: a record of more seconds is ambulatory where its class allows
_AMBULATORY_S = 600.0


class StorageClass(NamedTuple):
    """A storage class for ECG waveforms and what it allows."""

    uid: str
    channels: int
    groups: int
    lowest_hz: float
    highest_hz: float
    samples: float
    bits: int


#: PS3.3, sections A.34.3 to A.34.5, and the class for ECGs of high resolution
STORAGE_CLASSES = {
    "12-lead": StorageClass("1.2.840.10008.5.1.4.1.1.9.1.1", 13, 5, 200, 1000, 16384, 16),
    "general": StorageClass("1.2.840.10008.5.1.4.1.1.9.1.2", 24, 4, 200, 1000, math.inf, 16),
    "ambulatory": StorageClass("1.2.840.10008.5.1.4.1.1.9.1.3", 12, 1, 50, 1000, math.inf, 16),
    "general-32-bit": StorageClass(
        "1.2.840.10008.5.1.4.1.1.9.1.4", 24, 4, 0, math.inf, math.inf, 32
    ),
}


def write_dicom(
    record: Record,
    path: str | os.PathLike[str],
    *,
    identifiers: bool = False,
    storage_class: str | None = None,
    study_uid: str | None = None,
    series_uid: str | None = None,
    instance_uid: str | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a record as a DICOM waveform file (part 10, explicit little endian).

    Parameters
    ----------
    record
        What to write.
    path
        The file.
    identifiers
        Write the patient's identifier, name and date of birth too, and header entries that name
        people and places.
    storage_class
        ``"12-lead"``, ``"general"``, ``"ambulatory"`` or ``"general-32-bit"``; by default the
        first that holds the record, ambulatory before general for more than ten minutes.
    study_uid, series_uid, instance_uid
        Unique identifiers; by default new ones are made under 2.25.
    overwrite
        Replace a file that is there.

    Returns
    -------
    The file.

    Raises
    ------
    OutputError
        If the file exists or cannot be written, or no storage class holds the record.
    OptionError
        If an option makes no sense.

    Warns
    -----
    UserWarning
        Once, naming what the record carries and the file has no place for.

    Notes
    -----
    Samples come back within half a step; a lead of whole steps of a usual converter comes back as
    it was. NaN is the padding value. The 12-lead and general classes hold 200 to 1000 Hz, the
    ambulatory class 50 to 1000 Hz, all with 16 bits; other rates take the 32 bit class, which
    software of before 2024 may not know, and in which no more groups and channels are used than
    the general class allows.

    DICOM requires a time of acquisition. Where the record has none, 1 January 1900 is written,
    which `read` takes for unknown. A record that is estimated or synthetic is marked as derived,
    and the label of its group says which. Attributes that are required and unknown are empty.

    References
    ----------
    DICOM PS3.3, sections A.34.3 to A.34.5 and C.10.8 to C.10.11; PS3.5; PS3.10.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from precordia.io.dicom import read_dicom
    >>> record = Record(signal=np.array([[0.0, 0.5, np.nan]]), fs=500.0, leads=("II",),
    ...                 start_time=datetime(2024, 5, 6, 7, 8, 9))
    >>> read_dicom(write_dicom(record, Path(tempfile.mkdtemp(), "a.dcm"))).signal
    array([[0. , 0.5, nan]], dtype=float32)
    """
    place = Path(path)
    if record.n_leads == 0 or record.n_samples == 0:
        raise OutputError(
            "the record has no samples; DICOM needs at least one lead and one sample."
        )
    kind = _choose(record, storage_class)
    uids = [_uid(given) for given in (study_uid, series_uid, instance_uid)]
    lost: list[str] = []
    groups, median_number = _groups(record, kind, lost)
    notes = annotation_items(record, median_number=median_number, lost=lost)
    lost += [f"companion '{other.name}'" for other in record.companions]
    if record.start_time is None:
        lost.append("an unknown start time (1900-01-01 stands for it)")
    dataset = {
        **_instance(record, kind, uids),
        **_patient(record.patient, identifiers),
        **_header(record, identifiers),
        0x54000100: ("SQ", groups),
    }
    if notes:
        dataset[0x0040B020] = ("SQ", notes)
    write_whole({str(place): _file(dataset, kind.uid, uids[2])}, overwrite=overwrite)
    if lost:
        warnings.warn(
            f"DICOM has no place for: {'; '.join(lost)}. '{place.name}' was written without.",
            stacklevel=3,
        )
    return place


def _choose(record: Record, wanted: str | None) -> StorageClass:
    if wanted is not None:
        kind = STORAGE_CLASSES.get(wanted)
        if kind is None:
            raise OptionError(
                f"storage_class={wanted!r} arrived; one of {', '.join(STORAGE_CLASSES)} is needed."
            )
        if not _holds(kind, record):
            raise OutputError(
                f"the storage class '{wanted}' holds {kind.lowest_hz:g} to {kind.highest_hz:g} Hz "
                f"and {kind.channels} leads in each of {kind.groups} groups of at most "
                f"{kind.samples:g} samples; {record.n_leads} leads of {record.n_samples} samples "
                f"at {record.fs:g} Hz arrived. Leave storage_class out to have one chosen."
            )
        return kind
    order = ["12-lead", "general", "ambulatory", "general-32-bit"]
    if record.duration_s > _AMBULATORY_S:
        order = ["12-lead", "ambulatory", "general", "general-32-bit"]
    for name in order:
        if _holds(STORAGE_CLASSES[name], record):
            return STORAGE_CLASSES[name]
    raise OutputError(
        f"the record has {record.n_leads} leads; DICOM holds at most 96. Write fewer, or WFDB."
    )


def _holds(kind: StorageClass, record: Record) -> bool:
    # The 12-lead class is one group of one clinical recording; more groups are printed columns.
    n_groups = 1 if kind.channels == 13 else kind.groups
    return (
        kind.lowest_hz <= record.fs <= kind.highest_hz
        and record.n_leads <= kind.channels * n_groups
        and record.n_samples <= kind.samples
    )


def _uid(given: str | None) -> str:
    if given is None:
        return f"2.25.{uuid.uuid4().int}"
    if not isinstance(given, str) or len(given) > 64 or not _UID.fullmatch(given):
        raise OptionError(
            f"{given!r} arrived as a unique identifier; numbers between dots are needed, at most "
            "64 characters. Leave it out to have one made."
        )
    return given


def _groups(
    record: Record, kind: StorageClass, lost: list[str]
) -> tuple[list[Elements], int | None]:
    """Return the multiplex groups, and the number of the one that holds the median beat."""
    header = record.carried.header
    original = record.origin == "measured"
    label = "RHYTHM" if original else f"RHYTHM {record.origin.upper()}"
    groups = [
        group_item(
            record.signal[at : at + kind.channels],
            record.fs,
            record.leads[at : at + kind.channels],
            label=label,
            original=original,
            bits=kind.bits,
            header=header,
        )
        for at in range(0, record.n_leads, kind.channels)
    ]
    median = record.carried.median
    if median is None:
        return groups, None
    n_leads, n_samples = median.signal.shape
    fits = (
        len(groups) < kind.groups
        and 0 < n_leads <= kind.channels
        and 0 < n_samples <= kind.samples
        and kind.lowest_hz <= median.fs <= kind.highest_hz
    )
    if not fits:
        lost.append("the median beat")
        return groups, None
    if median.n_beats:
        lost.append("the number of beats in the median")
    at = median.r_peak
    groups.append(
        group_item(
            median.signal,
            median.fs,
            median.leads,
            label="MEDIAN BEAT",
            original=False,
            bits=kind.bits,
            trigger=round(at) + 1 if 0 <= at < n_samples else None,
            header={},
        )
    )
    return groups, len(groups)


def _instance(record: Record, kind: StorageClass, uids: list[str]) -> Elements:
    start = record.start_time or UNKNOWN_START
    day = f"{start.year:04d}{start:%m%d}"
    time = f"{start:%H%M%S}" + (f".{start.microsecond:06d}" if start.microsecond else "")
    held: dict[int, tuple[str, object]] = {
        0x00080005: ("CS", "ISO_IR 192"),
        0x00080016: ("UI", kind.uid),
        0x00080018: ("UI", uids[2]),
        0x00080020: ("DA", day),
        0x00080023: ("DA", day),
        0x0008002A: ("DT", day + time),
        0x00080030: ("TM", time),
        0x00080033: ("TM", time),
        0x00080050: ("SH", None),
        0x00080060: ("CS", "ECG"),
        0x0020000D: ("UI", uids[0]),
        0x0020000E: ("UI", uids[1]),
        0x00200010: ("SH", None),
        0x00200011: ("IS", "1"),
        0x00200013: ("IS", "1"),
        0x00400555: ("SQ", []),
    }
    shift = start.utcoffset()
    if shift is not None:
        minutes = round(shift.total_seconds() / 60)
        sign = "-" if minutes < 0 else "+"
        held[0x00080201] = ("SH", f"{sign}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}")
    return held


def _patient(patient: Patient, identifiers: bool) -> Elements:
    name = patient_id = born = None
    if identifiers:
        name, patient_id = patient.name, patient.patient_id
        day = patient.birth_date
        born = None if day is None else f"{day.year:04d}{day:%m%d}"
    held: dict[int, tuple[str, object]] = {
        0x00100010: ("PN", name),
        0x00100020: ("LO", patient_id),
        0x00100030: ("DA", born),
        0x00100040: ("CS", {"female": "F", "male": "M"}.get(patient.sex or "")),
    }
    age = _age(patient.age_years)
    if age:
        held[0x00101010] = ("AS", age)
    return held


def _age(years: float) -> str:
    """Return an age string, in months or days where years would not be whole."""
    if not 0 <= years < 1000:
        return ""
    if years == int(years):
        return f"{int(years):03d}Y"
    if years * 365.2425 < 999:
        return f"{round(years * 365.2425):03d}D"
    months = round(years * 12)
    return f"{months:03d}M" if months < 1000 else f"{int(years):03d}Y"


def _header(record: Record, identifiers: bool) -> Elements:
    """Return what the record carries of its device and, when told, of people and places."""
    header = record.carried.header
    named = _DEVICE | (_PEOPLE_AND_PLACES if identifiers else {})
    held: dict[int, tuple[str, object]] = {0x00080070: ("LO", None), 0x00080090: ("PN", None)}
    for tag, (vr, key) in named.items():
        if header.get(key):
            held[tag] = (vr, header[key])
    return held


def _file(dataset: Elements, class_uid: str, instance_uid: str) -> bytes:
    meta = encode_elements({
        0x00020001: ("OB", b"\0\1"),
        0x00020002: ("UI", class_uid),
        0x00020003: ("UI", instance_uid),
        0x00020010: ("UI", _EXPLICIT_LITTLE),
        0x00020012: ("UI", _IMPLEMENTATION),
        0x00020013: ("SH", "PRECORDIA"),
    })  # fmt: skip
    length = encode_elements({0x00020000: ("UL", len(meta))})
    return bytes(128) + b"DICM" + length + meta + encode_elements(dataset)
