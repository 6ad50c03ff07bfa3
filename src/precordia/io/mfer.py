# SPDX-License-Identifier: Apache-2.0
"""Read an MFER recording (ISO 22077-1), as monitors and electrocardiographs from Japan write."""

from __future__ import annotations

import math
from datetime import date, datetime
from pathlib import Path

import numpy as np
from jaxtyping import Float

from precordia.core.errors import FormatError, LeadError, UnitError
from precordia.core.measurements import MedianBeat
from precordia.core.record import Annotations, Carried, Companion, Patient, Record, Remark
from precordia.core.source import Source
from precordia.io.lead_names import unique_leads
from precordia.io.limb_leads import complete_limb_leads
from precordia.io.mfer_channel import MferChannel
from precordia.io.mfer_codes import BEAT_WAVEFORMS, ECG_WAVEFORMS, PRIVATE, WAVEFORMS, Tag
from precordia.io.mfer_definitions import Definition, Frame, MferContent, parse_mfer
from precordia.io.mfer_frames import decode_frames, layout_of, waveform_of

_LONGEST_BEAT_S = 2.5
_LARGEST_MV = 1e9
_FILTERS = {"HPF": "filter_highpass_hz", "LPF": "filter_lowpass_hz", "BEF": "filter_notch_hz"}
_MODEL = ("manufacturer", "device_model", "software_version", "device_serial")


def read_mfer(path: Path, *, unit: str | None = None) -> Record:
    """Read an MFER recording.

    Parameters
    ----------
    path
        The file; its end may be missing.
    unit
        What one step of the converter is, where the file does not tell or is wrong: ``"1.25 uV"``.

    Returns
    -------
    The ECG leads; twelve where eight are stored. Pressures, respiration, SpO2 and status words are
    companions at their own rate and unit, events are in ``carried.annotations``, a dominant beat
    is in ``carried.median``.

    Raises
    ------
    FormatError
        If the file is damaged, compressed, or holds no waveform.
    LeadError
        If no channel is an ECG lead.
    UnitError
        If the step of a channel is unknown.
    SamplingRateError
        If a sampling rate makes no sense.

    Notes
    -----
    Definitions of tag, length and value are taken in order; each channel has the definitions of
    all channels and its own before them. The byte order is big-endian until the file says
    otherwise. A sample that equals the NULL value is NaN. Without a sampling interval, 1000 Hz
    hold, as the standard says; without a resolution the unit is asked for, although the standard
    has a default, because a wrong one would go unseen. Frames of another layout than most of the
    recording, AHA compression and different numbers of sequences per channel are not read.

    References
    ----------
    ISO 22077-1:2022, Health informatics: medical waveform format, encoding rules. MFER Committee,
    https://www.mfer.org
    """
    name = path.name
    content = parse_mfer(path.read_bytes(), name=name)
    remarks: list[Remark] = []
    frames = [frame for frame in content.frames if frame.data]
    if not frames:
        raise FormatError(f"'{name}' holds no waveform. Copy or export the file again.")
    if content.cut:
        remarks.append(
            Remark(code="truncated", text="The file ends early; what is there was read.")
        )
    rhythm, beats = _sorted_frames(frames, unit, name, remarks)
    channels = decode_frames(rhythm, unit=unit, name=name, remarks=remarks)
    ecg, others = _ecg_channels(channels, waveform_of(rhythm[0]), name, remarks)
    fs = ecg[0].fs
    signal = _stack(ecg, name)
    if not signal.shape[1]:
        raise FormatError(f"'{name}' ends before its first sample. Copy or export the file again.")
    leads = unique_leads([channel.name for channel in ecg], remarks)
    signal, leads = complete_limb_leads(signal, leads, remarks)
    first = rhythm[0].pointer or 0
    start_time = _start_time(content)
    return Record(
        signal=signal,
        fs=fs,
        leads=leads,
        patient=_patient(content, start_time),
        start_time=start_time,
        carried=Carried(
            annotations=_events(content, fs, first, signal.shape[1], remarks),
            median=_median(beats, unit, name),
            header=_texts(content, rhythm[0]),
        ),
        companions=_companions(others),
        remarks=tuple(remarks),
        source=Source(method="read:mfer"),
    )


def _sorted_frames(
    frames: list[Frame], unit: str | None, name: str, remarks: list[Remark]
) -> tuple[list[Frame], list[Frame]]:
    """Return the frames of the rhythm and those of a representative beat."""
    groups: dict[object, list[Frame]] = {}
    keys: dict[int, object] = {}
    for frame in frames:
        # Frames share their descriptions until one changes.
        key = keys.get(id(frame.channels))
        if key is None:
            key = keys[id(frame.channels)] = layout_of(frame)
        groups.setdefault(key, []).append(frame)
    parts = list(groups.values())
    beats = [part for part in parts if waveform_of(part[0]) in BEAT_WAVEFORMS and len(part) == 1]
    rest = [part for part in parts if not any(part is beat for beat in beats)] or beats
    rhythm = max(rest, key=lambda part: sum(len(frame.data) for frame in part))
    n_left = sum(len(part) for part in rest if part is not rhythm)
    if n_left:
        remarks.append(
            Remark(
                code="frames-left-out",
                text=f"{n_left} parts of the recording have other channels, rates or scales than "
                "the largest and were not read.",
            )
        )
    beat = next((part for part in beats if part is not rhythm), [])
    return rhythm, beat


def _ecg_channels(
    channels: list[MferChannel], waveform: int, name: str, remarks: list[Remark]
) -> tuple[list[MferChannel], list[MferChannel]]:
    """Return the leads of one sampling rate, and everything else."""
    heart = waveform in ECG_WAVEFORMS | BEAT_WAVEFORMS
    leads = [c for c in channels if c.is_lead] if heart else []
    if not leads and heart:
        leads = [c for c in channels if c.unit == "mV" and (c.code or 0) < PRIVATE]
        if leads:
            remarks.append(
                Remark(
                    code="leads-unnamed",
                    text="The file does not name its leads; its channels in volts were numbered.",
                )
            )
    if not leads:
        kind = WAVEFORMS.get(waveform, f"type {waveform}") if waveform else "unknown"
        raise LeadError(
            f"'{name}' holds no ECG lead (waveform: {kind}; channels: "
            f"{', '.join(c.name for c in channels[:12])}). Ask for the recording that has the ECG."
        )
    rates = [c.fs for c in leads]
    main = max(set(rates), key=lambda rate: (rates.count(rate), rate))
    if len(set(rates)) > 1:
        apart = [c.name for c in leads if c.fs != main]
        remarks.append(
            Remark(
                code="lead-rates-differ",
                text="Leads have different sampling rates; those at another rate than most are "
                "kept as companions: " + ", ".join(apart) + ".",
            )
        )
    ecg = [c for c in leads if c.fs == main]
    return ecg, [c for c in channels if not any(c is lead for lead in ecg)]


def _stack(channels: list[MferChannel], name: str) -> Float[np.ndarray, "lead sample"]:
    length = max(c.values.size for c in channels)
    signal = np.full((len(channels), length), np.nan, np.float32)
    for row, channel in zip(signal, channels, strict=True):
        largest = float(np.nanmax(np.abs(channel.values), initial=0.0))
        if not largest < _LARGEST_MV:
            raise UnitError(
                f"'{name}' holds a value of {largest:.3g} mV, which no electrode gives. If you "
                "know the step of the converter, give it with unit=, such as unit='1.25 uV'."
            )
        row[: channel.values.size] = channel.values
    return signal


def _companions(channels: list[MferChannel]) -> tuple[Companion, ...]:
    found = []
    for channel in channels:
        values = np.where(np.abs(channel.values) < 1e30, channel.values, np.nan)
        found.append(
            Companion(
                name=channel.name,
                signal=values.astype(np.float32),
                fs=channel.fs,
                unit=channel.unit,
            )
        )
    return tuple(found)


def _median(frames: list[Frame], unit: str | None, name: str) -> MedianBeat | None:
    if not frames:
        return None
    try:
        channels = decode_frames(frames, unit=unit, name=name, remarks=[])
        ecg, _ = _ecg_channels(channels, waveform_of(frames[0]), name, [])
    except (LeadError, UnitError):
        return None
    signal = _stack(ecg, name)
    if not 0 < signal.shape[1] <= _LONGEST_BEAT_S * ecg[0].fs:
        return None
    leads = unique_leads([channel.name for channel in ecg], [])
    signal, leads = complete_limb_leads(signal, leads, [])
    return MedianBeat(signal=signal, fs=ecg[0].fs, leads=leads)


def _events(
    content: MferContent, fs: float, first: int, n_samples: int, remarks: list[Remark]
) -> Annotations | None:
    """Return events as notes; their positions count intervals of all channels."""
    kept: list[tuple[int, str]] = []
    n_beyond = 0
    for entry, root in content.entries:
        if entry.tag != Tag.EVENT or len(entry.value) < 6:
            continue
        interval = root.get(Tag.INTERVAL)
        root_fs = 1000.0
        if interval is not None:
            unit, value, inverse = interval.scaled()
            root_fs = value if unit == 0 else inverse
        at = round((entry.unsigned(2, 6) - first) * (fs / root_fs)) if root_fs > 0 else -1
        if not 0 <= at < n_samples:
            n_beyond += 1
            continue
        kept.append((at, entry.text(10) or f"event {entry.unsigned(0, 2)}"))
    if n_beyond:
        remarks.append(
            Remark(
                code="annotations-beyond",
                text=f"{n_beyond} events lie outside the recording and were left out.",
            )
        )
    if not kept:
        return None
    kept.sort(key=lambda event: event[0])
    return Annotations(
        sample=np.array([at for at, _ in kept], np.int64),
        symbol=('"',) * len(kept),
        aux=tuple(text for _, text in kept),
    )


def _first(content: MferContent, tag: Tag) -> Definition | None:
    return next((entry for entry, _ in content.entries if entry.tag == tag), None)


def _start_time(content: MferContent) -> datetime | None:
    given = _first(content, Tag.TIME)
    if given is None or len(given.value) < 7:
        return None
    value = given.value
    microsecond = 0
    if len(value) >= 9:
        microsecond = given.unsigned(7, 9) * 1000
    if len(value) >= 11:
        microsecond += given.unsigned(9, 11)
    try:
        return datetime(given.unsigned(0, 2), *value[2:7], min(microsecond, 999_999))
    except ValueError:
        return None


def _patient(content: MferContent, start_time: datetime | None) -> Patient:
    name, number = _first(content, Tag.NAME), _first(content, Tag.PATIENT_ID)
    given, sex = _first(content, Tag.AGE), _first(content, Tag.SEX)
    born, age = None, math.nan
    if given is not None and len(given.value) >= 7:
        try:
            born = date(given.unsigned(3, 5), given.value[5], given.value[6])
        except ValueError:
            born = None
    if given is not None and len(given.value) >= 3:
        days = given.unsigned(1, 3)
        if 0 < given.value[0] < 130:
            age = float(given.value[0])
        elif given.value[0] == 0 and 0 < days < 366:
            age = days / 365.2425
    if math.isnan(age) and born is not None and start_time is not None:
        years = math.floor((start_time.date() - born).days / 365.2425)
        age = float(years) if 0 <= years < 130 else math.nan
    # Family name, given name and middle name, each followed by how it is spoken.
    spelled = name.text().split("^")[::2] if name is not None else []
    return Patient(
        patient_id=(number.text().split("^")[0].strip() or None) if number is not None else None,
        name=" ".join(part.strip() for part in spelled if part.strip()) or None,
        birth_date=born,
        age_years=age,
        sex={1: "male", 2: "female"}.get(sex.value[0]) if sex is not None else None,
    )


def _texts(content: MferContent, frame: Frame) -> dict[str, str]:
    found: dict[str, str] = {}
    notes: list[str] = []
    for entry, _ in content.entries:
        if entry.tag == Tag.MODEL:
            for key, text in zip(_MODEL, entry.text().split("^"), strict=False):
                found.setdefault(key, text.strip())
        elif entry.tag == Tag.FILTER:
            kind, _, rest = entry.text().partition("=")
            key = _FILTERS.get(kind.strip().upper())
            if key is not None:
                found.setdefault(key, rest.split("^")[0].removesuffix("Hz").strip())
        elif entry.tag in (Tag.NOTE, Tag.MESSAGE) and len(notes) < 100:
            notes.append(entry.text())
        elif entry.tag == Tag.VALUE and len(entry.value) > 6 and len(found) < 1000:
            shown = entry.text(6).replace("^", " ").strip()
            found.setdefault(f"value_{entry.unsigned(0, 2)}", shown)
        elif entry.tag == Tag.EVENT and len(entry.value) < 6:
            found.setdefault(f"event_{entry.unsigned(0, 2)}", "without a time")
    waveform = waveform_of(frame)
    found["waveform_type"] = WAVEFORMS.get(waveform, str(waveform) if waveform else "")
    found["comment"] = "\n".join(note for note in notes if note)
    return {key: text for key, text in found.items() if text}
