# SPDX-License-Identifier: Apache-2.0
"""Read the ECG of a DICOM waveform file."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
from jaxtyping import Float

from precordia.core.errors import FormatError, LeadError
from precordia.core.record import Companion, Patient, Record, Remark
from precordia.core.source import Source
from precordia.io.dicom_annotations import ANNOTATION_TAGS, MedianGroup, read_annotations
from precordia.io.dicom_dataset import Dataset, parse_dataset
from precordia.io.dicom_groups import GROUP_TAGS, WaveformGroup, read_group
from precordia.io.dicom_header import HEADER_TAGS, header_texts
from precordia.io.lead_names import unique_leads

_CHARACTER_SET = 0x00080005
_SOP_CLASS, _MODALITY, _ACQUIRED = 0x00080016, 0x00080060, 0x0008002A
_CONTENT_DATE, _CONTENT_TIME = 0x00080023, 0x00080033
_STUDY_DATE, _STUDY_TIME, _UTC_OFFSET = 0x00080020, 0x00080030, 0x00080201
_NAME, _ID, _BORN, _SEX, _AGE = 0x00100010, 0x00100020, 0x00100030, 0x00100040, 0x00101010
_GROUPS, _LAST = 0x54000100, 0x54001010
_ROWS, _DOCUMENT = 0x00280010, 0x00420011

#: labels of the group of a record that our writer marks as not measured
_ORIGINS = {"RHYTHM ESTIMATED": "estimated", "RHYTHM SYNTHETIC": "synthetic"}

_WANTED = frozenset((
    _CHARACTER_SET, _SOP_CLASS, _MODALITY, _ACQUIRED, _CONTENT_DATE, _CONTENT_TIME, _STUDY_DATE,
    _STUDY_TIME, _UTC_OFFSET, _NAME, _ID, _BORN, _SEX, _AGE, _GROUPS,
    _ROWS, _DOCUMENT,
)) | GROUP_TAGS | ANNOTATION_TAGS | HEADER_TAGS  # fmt: skip


def read_dicom(path: Path, *, unit: str | None = None) -> Record:
    """Read the ECG of a DICOM waveform file.

    Any storage class that holds a channel in volts is read: 12-lead, general and ambulatory ECG,
    and the hemodynamic class, in which catheter laboratories keep 12-lead ECGs.

    Parameters
    ----------
    path
        The file.
    unit
        Unit of the sensitivities, where the file states none or a wrong one: ``"uV"``, ``"mV"``.

    Returns
    -------
    The original rhythm recording. A median beat the file holds is in ``carried.median``, its
    measurements, statements and fiducials beside it; pressures are companions.

    Raises
    ------
    FormatError
        If the file is no DICOM waveform, or is damaged or incomplete.
    UnitError
        If a channel does not say what one step of its samples is.
    SamplingRateError
        If the sampling rate is missing or makes no sense.
    LeadError
        If no channel is in volts.

    Notes
    -----
    Amplitude is ``sample * ChannelSensitivity * ChannelSensitivityCorrectionFactor +
    ChannelBaseline`` in the unit of the channel (PS3.3 C.10.9.1.4); the padding value is NaN.
    Multiplex groups of one sampling rate that hold different leads are placed on one clock by
    their time offsets, so that a printout of four columns becomes one record with gaps. A
    channel's time skew is rounded to whole samples. Referenced sample positions count from 1 in
    DICOM and from 0 here.

    References
    ----------
    DICOM PS3.3, sections A.34 and C.10.9 to C.10.11; PS3.16, context groups 3001 and 3690.
    """
    name = path.name
    buffer = path.read_bytes()
    dataset = parse_dataset(buffer, wanted=_WANTED, last=_LAST, name=name)
    remarks: list[Remark] = []
    items = dataset.items(_GROUPS)
    if not items:
        raise _no_waveform(dataset, buffer, name)
    groups = [
        group
        for number, item in enumerate(items, 1)
        if (group := read_group(item, number, name, unit, remarks)) is not None
    ]
    rhythm, medians, others = _sort_groups(groups, name)
    signal, leads, first_sample = _merge(rhythm, remarks)
    main = rhythm[0]
    carried = read_annotations(
        dataset,
        fs=main.fs,
        n_samples=signal.shape[1],
        first_sample=first_sample,
        rhythm_number=main.number,
        median=_median_of(medians),
        header=_header(dataset, main),
    )
    return Record(
        signal=signal,
        fs=main.fs,
        leads=leads,
        patient=_patient(dataset),
        start_time=_start_time(dataset),
        carried=carried,
        origin=_ORIGINS.get(main.label, "measured"),  # type: ignore[arg-type]
        companions=_companions(rhythm, others),
        remarks=tuple(remarks),
        source=Source(method="read:dicom"),
    )


def _no_waveform(dataset: Dataset, buffer: bytes, name: str) -> FormatError:
    if _ROWS in dataset:
        return FormatError(
            f"'{name}' is a DICOM image, not a recording. Ask for the waveform object of the "
            "same study."
        )
    if _DOCUMENT in dataset:
        return FormatError(
            f"'{name}' is a document wrapped in DICOM, not a recording. Ask for the waveform "
            "object of the same study."
        )
    # A code string has at most 16 characters; what a damaged file has there is not repeated.
    spelled = dataset.text(_MODALITY)
    held = spelled if re.fullmatch(r"[A-Z0-9_ ]{1,16}", spelled) else "unknown"
    return FormatError(
        f"'{name}' is a DICOM file without a waveform (modality {held}). A waveform object, such "
        "as 12-lead ECG Waveform Storage, was needed; export the ECG as one."
    )


def _sort_groups(
    groups: list[WaveformGroup], name: str
) -> tuple[list[WaveformGroup], list[WaveformGroup], list[WaveformGroup]]:
    """Return the groups of the rhythm recording, the median beats, and the rest."""
    ecg = [group for group in groups if any(group.is_ecg)]
    if not ecg:
        held = sorted({unit for group in groups for unit in group.units})
        raise LeadError(
            f"'{name}' holds no channel in volts (units: {', '.join(held) or 'none'}), so no ECG. "
            "Ask for the ECG waveform object of the same study."
        )
    originals = [group for group in ecg if group.original and not _is_median(group)]
    medians = [group for group in ecg if group not in originals and _is_median(group)]
    if not originals:
        originals = [group for group in ecg if group not in medians] or medians[:1]
        medians = [group for group in medians if group not in originals]
    main = max(originals, key=lambda g: (sum(g.is_ecg), g.signal.shape[1] / g.fs))
    rhythm, seen = [main], set(main.names)
    for group in originals:
        if group is not main and group.fs == main.fs and not seen & set(group.names):
            rhythm.append(group)
            seen |= set(group.names)
    rest = [g for g in groups if not any(g is other for other in (*rhythm, *medians))]
    return rhythm, medians, rest


def _is_median(group: WaveformGroup) -> bool:
    label = group.label.upper()
    if any(word in label for word in ("MEDIAN", "AVERAGE", "REPRESENTATIVE", "TEMPLATE")):
        return True
    return not group.original and group.signal.shape[1] / group.fs <= 2.5


def _merge(
    groups: list[WaveformGroup], remarks: list[Remark]
) -> tuple[Float[np.ndarray, "lead sample"], tuple[str, ...], int]:
    """Put groups of one sampling rate on one clock; return signal, leads, start of the first."""
    main = groups[0]
    fs = main.fs
    starts = [round(group.offset_ms * fs / 1000) for group in groups]
    first = min(starts)
    length = max(s - first + g.signal.shape[1] for s, g in zip(starts, groups, strict=True))
    total = sum(g.signal.shape[1] for g in groups)
    if length > 4 * total:
        remarks.append(
            Remark(
                code="groups-apart",
                text="Multiplex groups are placed too far apart in time to be one record; the "
                "one with the most leads was read.",
            )
        )
        groups, starts, first, length = [main], starts[:1], starts[0], main.signal.shape[1]
    rows: list[Float[np.ndarray, " sample"]] = []
    leads: list[str] = []
    for group, start in zip(groups, starts, strict=True):
        for lead, ecg, row in zip(group.names, group.is_ecg, group.signal, strict=True):
            if not ecg:
                continue
            if len(row) != length:
                whole = np.full(length, np.nan, np.float32)
                whole[start - first : start - first + len(row)] = row
                row = whole
            rows.append(row)
            leads.append(lead)
    if len(groups) == 1 and all(main.is_ecg):
        signal = main.signal
    else:
        signal = np.stack(rows)
    return signal, unique_leads(leads, remarks), starts[0] - first


def _companions(rhythm: list[WaveformGroup], others: list[WaveformGroup]) -> tuple[Companion, ...]:
    """Return what shares the clock of the rhythm and is not its ECG."""
    found = []
    for group in (*rhythm, *others):
        within = any(group is other for other in rhythm)
        for lead, unit, ecg, row in zip(
            group.names, group.units, group.is_ecg, group.signal, strict=True
        ):
            if not (ecg and within):
                found.append(Companion(name=lead, signal=row, fs=group.fs, unit=unit))
    return tuple(found)


def _median_of(medians: list[WaveformGroup]) -> MedianGroup | None:
    if not medians:
        return None
    group = medians[0]
    rows = [k for k, ecg in enumerate(group.is_ecg) if ecg]
    leads = unique_leads([group.names[k] for k in rows], [])
    return MedianGroup(
        signal=group.signal[rows],
        fs=group.fs,
        leads=leads,
        trigger=group.trigger,
        number=group.number,
    )


def _header(dataset: Dataset, group: WaveformGroup) -> dict[str, str]:
    """Return the attributes worth keeping as text."""
    label = {"group_label": group.label} if group.label else {}
    return header_texts(dataset) | label | group.filters


def _patient(dataset: Dataset) -> Patient:
    sex = {"F": "female", "M": "male"}.get(dataset.text(_SEX).upper()[:1])
    born = _date(dataset.text(_BORN))
    age = _age(dataset.text(_AGE))
    start = _start_time(dataset)
    if math.isnan(age) and born is not None and start is not None:
        years = (start.date() - born).days / 365.2425
        age = float(math.floor(years)) if 0 <= years < 130 else math.nan
    return Patient(
        patient_id=dataset.text(_ID) or None,
        name=dataset.text(_NAME).replace("^", " ").strip() or None,
        birth_date=born,
        age_years=age,
        sex=sex,
    )


def _age(text: str) -> float:
    """Return an age string such as 042Y in years."""
    per_year = {"Y": 1.0, "M": 12.0, "W": 52.1775, "D": 365.2425}.get(text[-1:].upper())
    if per_year is None or not text[:-1].isdigit():
        return math.nan
    years = int(text[:-1]) / per_year
    return years if 0 <= years < 130 else math.nan


def _date(text: str) -> date | None:
    digits = text.replace(".", "")[:8]
    try:
        return datetime.strptime(digits, "%Y%m%d").date() if len(digits) == 8 else None
    except ValueError:
        return None


def _start_time(dataset: Dataset) -> datetime | None:
    """Return when the acquisition began: its own attribute, else content, else study time."""
    acquired = _moment(dataset.text(_ACQUIRED), dataset.text(_UTC_OFFSET))
    if acquired is not None:
        # The attribute must have a value: 1900 stands for none, here and in de-identified files.
        return acquired if acquired.year > 1900 else None
    for day, time in ((_CONTENT_DATE, _CONTENT_TIME), (_STUDY_DATE, _STUDY_TIME)):
        if dataset.text(day) and dataset.text(time):
            moment = _moment(dataset.text(day) + dataset.text(time), dataset.text(_UTC_OFFSET))
            if moment is not None:
                return moment
    return None


def _moment(text: str, offset: str) -> datetime | None:
    """Return a DICOM date and time; None where there is none or it is impossible."""
    for sign in "+-":
        if sign in text:
            text, _, shift = text.partition(sign)
            offset = sign + shift
            break
    whole, _, fraction = text.partition(".")
    if not whole.isdigit() or len(whole) < 10:
        return None
    try:
        moment = datetime.strptime(whole[:14].ljust(14, "0"), "%Y%m%d%H%M%S")
        if fraction.isdigit():
            moment = moment.replace(microsecond=int(fraction[:6].ljust(6, "0")))
        if len(offset) == 5 and offset[1:].isdigit():
            minutes = int(offset[1:3]) * 60 + int(offset[3:])
            delta = timedelta(minutes=-minutes if offset[0] == "-" else minutes)
            moment = moment.replace(tzinfo=timezone(delta))
    except ValueError:
        return None
    return moment
