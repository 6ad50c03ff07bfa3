# SPDX-License-Identifier: Apache-2.0
"""Read the ECG of a DICOM waveform file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
from jaxtyping import Float

from precordia.core.errors import FormatError, LeadError, SamplingRateError, UnitError
from precordia.core.leads import canonical_lead
from precordia.core.record import Carried, Companion, Patient, Record, Remark
from precordia.core.source import Source
from precordia.io.dicom_annotations import ANNOTATION_TAGS, MedianGroup, read_annotations
from precordia.io.dicom_dataset import Dataset, parse_dataset
from precordia.io.units import millivolts, require_millivolts

_CHARACTER_SET = 0x00080005
_SOP_CLASS, _MODALITY, _ACQUIRED = 0x00080016, 0x00080060, 0x0008002A
_CONTENT_DATE, _CONTENT_TIME = 0x00080023, 0x00080033
_STUDY_DATE, _STUDY_TIME, _UTC_OFFSET = 0x00080020, 0x00080030, 0x00080201
_MAKER, _MODEL = 0x00080070, 0x00081090
_NAME, _ID, _BORN, _SEX, _AGE = 0x00100010, 0x00100020, 0x00100030, 0x00100040, 0x00101010
_GROUPS, _CHANNELS = 0x54000100, 0x003A0200
_GROUP_OFFSET, _ORIGINALITY, _N_CHANNELS, _N_SAMPLES = 0x00181068, 0x003A0004, 0x003A0005, 0x003A0010
_FS, _LABEL, _TRIGGER = 0x003A001A, 0x003A0020, 0x0018106E
_BITS, _INTERPRETATION, _PADDING, _DATA = 0x54001004, 0x54001006, 0x5400100A, 0x54001010
_CHANNEL_LABEL, _CHANNEL_SOURCE = 0x003A0203, 0x003A0208
_SENSITIVITY, _UNITS, _CORRECTION, _BASELINE = 0x003A0210, 0x003A0211, 0x003A0212, 0x003A0213
_TIME_SKEW, _SAMPLE_SKEW, _CHANNEL_OFFSET = 0x003A0214, 0x003A0215, 0x003A0218
_LOW, _HIGH, _NOTCH = 0x003A0220, 0x003A0221, 0x003A0222
_CODE, _SCHEME, _MEANING = 0x00080100, 0x00080102, 0x00080104
_PIXELS, _ROWS, _DOCUMENT = 0x7FE00010, 0x00280010, 0x00420011

_WANTED = frozenset((
    _CHARACTER_SET, _SOP_CLASS, _MODALITY, _ACQUIRED, _CONTENT_DATE, _CONTENT_TIME, _STUDY_DATE,
    _STUDY_TIME, _UTC_OFFSET, _MAKER, _MODEL, _NAME, _ID, _BORN, _SEX, _AGE, _GROUPS, _CHANNELS,
    _GROUP_OFFSET, _ORIGINALITY, _N_CHANNELS, _N_SAMPLES, _FS, _LABEL, _TRIGGER, _BITS,
    _INTERPRETATION, _PADDING, _DATA, _CHANNEL_LABEL, _CHANNEL_SOURCE, _SENSITIVITY, _UNITS,
    _CORRECTION, _BASELINE, _TIME_SKEW, _SAMPLE_SKEW, _CHANNEL_OFFSET, _LOW, _HIGH, _NOTCH, _CODE,
    _SCHEME, _MEANING, _ROWS, _DOCUMENT,
)) | ANNOTATION_TAGS  # fmt: skip

# Lead identifiers of SCP-ECG (EN 1064, table of lead identification). DICOM writes them as
# 5.6.3-9-N of scheme SCPECG, and IEEE 11073-10102 keeps the numbers: 2:N, 131072 + N, and
# 131328 + N for the electrode potentials of the same leads.
SCP_LEADS = {
    1: "I", 2: "II", 3: "V1", 4: "V2", 5: "V3", 6: "V4", 7: "V5", 8: "V6", 9: "V7", 10: "V2R",
    11: "V3R", 12: "V4R", 13: "V5R", 14: "V6R", 15: "V7R", 16: "X", 17: "Y", 18: "Z", 61: "III",
    62: "aVR", 63: "aVL", 64: "aVF", 65: "-aVR", 66: "V8", 67: "V9", 68: "V8R", 69: "V9R",
}  # fmt: skip

_DTYPES = {
    ("SB", 8): "i1", ("UB", 8): "u1", ("SS", 16): "i2", ("US", 16): "u2",
    ("SL", 32): "i4", ("UL", 32): "u4", ("SV", 64): "i8", ("UV", 64): "u8",
}  # fmt: skip


@dataclass(slots=True, eq=False)
class _Group:
    """One multiplex group: channels sampled together."""

    signal: Float[np.ndarray, "lead sample"]
    fs: float
    names: list[str]
    units: list[str]
    original: bool
    label: str
    offset_ms: float
    trigger: int | None
    number: int

    @property
    def is_ecg(self) -> list[bool]:
        return [unit == "mV" for unit in self.units]


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
    dataset = parse_dataset(buffer, wanted=_WANTED, last=_DATA, name=name)
    remarks: list[Remark] = []
    items = dataset.items(_GROUPS)
    if not items:
        raise _no_waveform(dataset, buffer, name)
    groups = [
        group
        for number, item in enumerate(items, 1)
        if (group := _read_group(item, number, name, unit, remarks)) is not None
    ]
    rhythm, medians, others = _sort_groups(groups, name)
    signal, leads, first_sample = _merge(rhythm, remarks)
    main = rhythm[0]
    fs, number = main.fs, main.number
    carried = read_annotations(
        dataset,
        fs=fs,
        n_samples=signal.shape[1],
        first_sample=first_sample,
        rhythm_number=number,
        median=_median_of(medians),
        header=_header(dataset, items[number - 1]),
    )
    return Record(
        signal=signal,
        fs=fs,
        leads=leads,
        patient=_patient(dataset),
        start_time=_start_time(dataset),
        carried=carried,
        companions=_companions(rhythm, others),
        remarks=tuple(remarks),
        source=Source(method="read:dicom"),
    )


def _no_waveform(dataset: Dataset, buffer: bytes, name: str) -> FormatError:
    if _ROWS in dataset:
        return FormatError(
            f"'{name}' is a DICOM image, not a recording. Estimate the signal with "
            f"digitise('{name}'), or ask for the waveform object of the same study."
        )
    if _DOCUMENT in dataset:
        return FormatError(
            f"'{name}' is a document wrapped in DICOM, not a recording. Ask for the waveform "
            "object of the same study, or extract the document and digitise it."
        )
    held = dataset.text(_MODALITY) or "unknown"
    return FormatError(
        f"'{name}' is a DICOM file without a waveform (modality {held}). A waveform object, such "
        "as 12-lead ECG Waveform Storage, was needed; export the ECG as one."
    )


def _read_group(
    item: Dataset, number: int, name: str, unit: str | None, remarks: list[Remark]
) -> _Group | None:
    """Decode one multiplex group; None where it holds no samples."""
    data = item.raw(_DATA)
    channels = item.items(_CHANNELS)
    declared = item.integer(_N_CHANNELS, 2)
    n_samples = item.integer(_N_SAMPLES, 4)
    n_channels = declared or len(channels)
    if data is None or not n_channels or not n_samples:
        return None
    if len(channels) != n_channels:
        raise FormatError(
            f"'{name}' declares {n_channels} channels in multiplex group {number} and describes "
            f"{len(channels)}; which is which cannot be known. Export the file again."
        )
    fs = item.number(_FS)
    if not (math.isfinite(fs) and 0 < fs <= 1e6):
        raise SamplingRateError(
            f"'{name}' gives no usable sampling frequency in multiplex group {number} "
            f"({item.text(_FS)!r}); a positive number of hertz was needed. Export the file again."
        )
    bits = item.integer(_BITS, 2)
    kind = item.text(_INTERPRETATION)
    code = _DTYPES.get((kind, bits or 0))
    if code is None:
        raise FormatError(
            f"'{name}' stores samples as {kind or 'an unnamed type'} of {bits} bits; signed or "
            "unsigned integers of 8, 16, 32 or 64 bits can be read. Export it as 16 bit signed."
        )
    dtype = np.dtype((">" if item.big_endian else "<") + code)
    have = len(data) // (dtype.itemsize * n_channels)
    if have < n_samples:
        remarks.append(
            Remark(
                code="truncated",
                text=f"Multiplex group {number} declares {n_samples} samples and holds {have}; "
                "what is there was read.",
            )
        )
        n_samples = have
        if not n_samples:
            return None
    raw = np.frombuffer(data, dtype=dtype, count=n_samples * n_channels)
    raw = raw.reshape(n_samples, n_channels)
    scale = np.ones(n_channels)
    baseline = np.zeros(n_channels)
    names, units, shifts = [], [], []
    for k, channel in enumerate(channels):
        names.append(_lead_name(channel, k))
        spelled, scale[k], baseline[k] = _calibration(channel, names[-1], name, unit)
        units.append(spelled)
        shifts.append(_shift(channel, fs))
    signal = np.multiply(raw.T, scale[:, None], dtype=np.float64)
    signal = (signal + baseline[:, None]).astype(np.float32) if baseline.any() else signal.astype(np.float32)
    padding = item.raw(_PADDING)
    if padding is not None and len(padding) >= dtype.itemsize:
        pad = np.frombuffer(padding, dtype=dtype, count=1)[0]
        hit = raw.T == pad
        if hit.any():
            signal[hit] = np.nan
    if any(shifts):
        signal = _apply_shifts(signal, shifts, names, remarks)
    offset = item.number(_GROUP_OFFSET)
    return _Group(
        signal=signal,
        fs=fs,
        names=names,
        units=units,
        original=item.text(_ORIGINALITY).upper() != "DERIVED",
        label=item.text(_LABEL),
        offset_ms=offset if math.isfinite(offset) else 0.0,
        trigger=item.integer(_TRIGGER, 4),
        number=number,
    )


def _lead_name(channel: Dataset, index: int) -> str:
    """Return the canonical name of a channel: by code, then label, then the meaning of the code."""
    candidates = []
    for source in channel.items(_CHANNEL_SOURCE)[:1]:
        code, scheme = source.text(_CODE), source.text(_SCHEME).upper()
        number = _lead_number(code, scheme)
        if number in SCP_LEADS:
            return SCP_LEADS[number]
        candidates = [source.text(_MEANING), code]
    for spelled in [channel.text(_CHANNEL_LABEL), *candidates]:
        lead = _canonical(spelled)
        if lead:
            return lead
    label = channel.text(_CHANNEL_LABEL) or (candidates[0] if candidates else "")
    return label or f"channel {index + 1}"


def _lead_number(code: str, scheme: str) -> int | None:
    """Return the SCP-ECG lead identifier a code stands for."""
    try:
        if code.startswith("5.6.3-9-"):
            return int(code[8:])
        if scheme.startswith("MDC"):
            number = int(code[2:]) if code.startswith("2:") else int(code) - 131072
            return number - 256 if number > 256 else number
    except ValueError:
        pass
    return None


def _canonical(spelled: str) -> str | None:
    """Return the canonical lead of a free spelling such as 'Lead I (Einthoven)'; None if none."""
    text = spelled.split("(")[0].strip()
    return canonical_lead(text) if text else None


def _calibration(
    channel: Dataset, lead: str, name: str, unit: str | None
) -> tuple[str, float, float]:
    """Return the unit of a channel, the value of one step and the value of zero, in that unit."""
    step = channel.number(_SENSITIVITY)
    correction = channel.number(_CORRECTION)
    baseline = channel.number(_BASELINE)
    step = step * correction if math.isfinite(correction) and correction != 0 else step
    baseline = baseline if math.isfinite(baseline) else 0.0
    spelled = ""
    for code in channel.items(_UNITS)[:1]:
        spelled = code.text(_CODE) or code.text(_MEANING)
        if millivolts(spelled) is None and millivolts(code.text(_MEANING)) is not None:
            spelled = code.text(_MEANING)
    factor = millivolts(spelled)
    if unit is not None and (factor is not None or not spelled or not math.isfinite(step)):
        factor = require_millivolts(unit)
        step = step if math.isfinite(step) else 1.0
    if not math.isfinite(step) or step == 0 or abs(step) > 1e12:
        raise UnitError(
            f"'{name}' does not say what one step of lead {lead} is: its channel sensitivity is "
            f"{channel.text(_SENSITIVITY)!r}. Give it with unit=, such as unit='4.88 uV'."
        )
    if factor is None:
        if not spelled:
            raise UnitError(
                f"'{name}' gives a sensitivity of {step:g} for lead {lead} without a unit. Most "
                "files mean uV or mV; say which with unit='uV' or unit='mV'."
            )
        return spelled, step, baseline
    return "mV", step * factor, baseline * factor


def _shift(channel: Dataset, fs: float) -> int:
    """Return by how many samples a channel starts after its group."""
    total = 0.0
    for tag, per_unit in ((_TIME_SKEW, fs), (_SAMPLE_SKEW, 1.0), (_CHANNEL_OFFSET, fs)):
        value = channel.number(tag)
        if math.isfinite(value):
            total += value * per_unit
    return int(round(total)) if abs(total) < 1e9 else 0


def _apply_shifts(
    signal: Float[np.ndarray, "lead sample"],
    shifts: list[int],
    names: list[str],
    remarks: list[Remark],
) -> Float[np.ndarray, "lead sample"]:
    moved = np.full_like(signal, np.nan)
    n_samples = signal.shape[1]
    for k, shift in enumerate(shifts):
        if abs(shift) >= n_samples:
            continue
        if shift >= 0:
            moved[k, shift:] = signal[k, : n_samples - shift]
        else:
            moved[k, :shift] = signal[k, -shift:]
    late = tuple(name for name, shift in zip(names, shifts, strict=True) if shift)
    remarks.append(
        Remark(
            code="channel-skew",
            text="Channels that start later or earlier than their group were put in their place, "
            "to the nearest sample.",
            leads=late,
        )
    )
    return moved


def _sort_groups(
    groups: list[_Group], name: str
) -> tuple[list[_Group], list[_Group], list[_Group]]:
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


def _is_median(group: _Group) -> bool:
    label = group.label.upper()
    if any(word in label for word in ("MEDIAN", "AVERAGE", "REPRESENTATIVE", "TEMPLATE")):
        return True
    return not group.original and group.signal.shape[1] / group.fs <= 2.5


def _merge(
    groups: list[_Group], remarks: list[Remark]
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
    return signal, _unique(leads, remarks), starts[0] - first


def _unique(leads: list[str], remarks: list[Remark]) -> tuple[str, ...]:
    """Number the leads that share a name."""
    if len(set(leads)) == len(leads):
        return tuple(leads)
    seen: dict[str, int] = {}
    names = []
    for lead in leads:
        seen[lead] = seen.get(lead, 0) + 1
        names.append(lead if seen[lead] == 1 else f"{lead} #{seen[lead]}")
    twice = tuple(lead for lead, n in seen.items() if n > 1)
    remarks.append(
        Remark(
            code="lead-twice",
            text="Leads of one name were numbered: " + ", ".join(twice) + ".",
            leads=twice,
        )
    )
    return tuple(names)


def _companions(rhythm: list[_Group], others: list[_Group]) -> tuple[Companion, ...]:
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


def _median_of(medians: list[_Group]) -> MedianGroup | None:
    if not medians:
        return None
    group = medians[0]
    rows = [k for k, ecg in enumerate(group.is_ecg) if ecg]
    leads = _unique([group.names[k] for k in rows], [])
    return MedianGroup(
        signal=group.signal[rows],
        fs=group.fs,
        leads=leads,
        trigger=group.trigger,
        number=group.number,
    )


def _header(dataset: Dataset, group: Dataset) -> dict[str, str]:
    """Return the attributes worth keeping as text."""
    found = {
        "manufacturer": dataset.text(_MAKER),
        "model": dataset.text(_MODEL),
        "sop_class": dataset.text(_SOP_CLASS),
        "group_label": group.text(_LABEL),
    }
    for channel in group.items(_CHANNELS)[:1]:
        found["highpass_hz"] = channel.text(_LOW)
        found["lowpass_hz"] = channel.text(_HIGH)
        found["notch_hz"] = channel.text(_NOTCH)
    return {name: text for name, text in found.items() if text}


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
        return acquired
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
