# SPDX-License-Identifier: Apache-2.0
"""One multiplex group of a DICOM waveform: its channels, decoded and in their units."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from precordia.core.errors import FormatError, SamplingRateError, UnitError
from precordia.core.record import Remark
from precordia.io.dicom_dataset import Dataset
from precordia.io.lead_names import lead_of_code, lead_of_spelling
from precordia.io.units import millivolts, require_millivolts

_CHANNELS = 0x003A0200
_GROUP_OFFSET, _ORIGINALITY = 0x00181068, 0x003A0004
_N_CHANNELS, _N_SAMPLES = 0x003A0005, 0x003A0010
_FS, _LABEL, _TRIGGER = 0x003A001A, 0x003A0020, 0x0018106E
_BITS, _INTERPRETATION, _PADDING, _DATA = 0x54001004, 0x54001006, 0x5400100A, 0x54001010
_CHANNEL_LABEL, _CHANNEL_SOURCE = 0x003A0203, 0x003A0208
_SENSITIVITY, _UNITS, _CORRECTION, _BASELINE = 0x003A0210, 0x003A0211, 0x003A0212, 0x003A0213
_TIME_SKEW, _SAMPLE_SKEW, _CHANNEL_OFFSET = 0x003A0214, 0x003A0215, 0x003A0218
_LOW, _HIGH, _NOTCH = 0x003A0220, 0x003A0221, 0x003A0222
_CODE, _SCHEME, _MEANING = 0x00080100, 0x00080102, 0x00080104

#: tags that multiplex groups need, for the parser
GROUP_TAGS = frozenset((
    _CHANNELS, _GROUP_OFFSET, _ORIGINALITY, _N_CHANNELS, _N_SAMPLES, _FS, _LABEL, _TRIGGER, _BITS,
    _INTERPRETATION, _PADDING, _DATA, _CHANNEL_LABEL, _CHANNEL_SOURCE, _SENSITIVITY, _UNITS,
    _CORRECTION, _BASELINE, _TIME_SKEW, _SAMPLE_SKEW, _CHANNEL_OFFSET, _LOW, _HIGH, _NOTCH, _CODE,
    _SCHEME, _MEANING,
))  # fmt: skip

_DTYPES = {
    ("SB", 8): "i1", ("UB", 8): "u1", ("SS", 16): "i2", ("US", 16): "u2",
    ("SL", 32): "i4", ("UL", 32): "u4", ("SV", 64): "i8", ("UV", 64): "u8",
}  # fmt: skip


@dataclass(slots=True, eq=False)
class WaveformGroup:
    """One multiplex group: channels sampled together.

    Attributes
    ----------
    signal
        Values in ``units``; NaN where padded.
    fs
        Sampling rate, Hz.
    names, units
        One per row; the unit of every voltage is ``"mV"``.
    original
        Whether it was acquired; a median beat is derived.
    label, offset_ms, trigger, number
        Name, start, trigger position from 1, and place in the file from 1.
    filters
        Band limits of the first channel, as the file writes them.
    """

    signal: Float[np.ndarray, "lead sample"]
    fs: float
    names: list[str]
    units: list[str]
    original: bool
    label: str
    offset_ms: float
    trigger: int | None
    number: int
    filters: dict[str, str]

    @property
    def is_ecg(self) -> list[bool]:
        """Tell which rows are voltages."""
        return [unit == "mV" for unit in self.units]


def read_group(
    item: Dataset, number: int, name: str, unit: str | None, remarks: list[Remark]
) -> WaveformGroup | None:
    """Decode one multiplex group.

    Parameters
    ----------
    item
        Its item of the waveform sequence.
    number
        Its place in the sequence, from 1.
    name
        Name of the file, for messages.
    unit
        Unit of the sensitivities that replaces what the file says; None to believe the file.
    remarks
        Receives what was noticed.

    Returns
    -------
    The group, or None where it holds no samples.
    """
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
    # Computed in double precision and rounded once, straight into rows.
    signal = np.empty((n_channels, n_samples), np.float32)
    np.multiply(raw.T, scale[:, None], out=signal, dtype=np.float64, casting="unsafe")
    if baseline.any():
        exact = raw.T * scale[:, None] + baseline[:, None]
        signal = exact.astype(np.float32, order="C")
    padding = item.raw(_PADDING)
    if padding is not None and len(padding) >= dtype.itemsize:
        pad = np.frombuffer(padding, dtype=dtype, count=1)[0]
        hit = pad == raw.T
        if hit.any():
            signal[hit] = np.nan
    if any(shifts):
        signal = _apply_shifts(signal, shifts, names, remarks)
    offset = item.number(_GROUP_OFFSET)
    return WaveformGroup(
        signal=signal,
        fs=fs,
        names=names,
        units=units,
        original=item.text(_ORIGINALITY).upper() != "DERIVED",
        label=item.text(_LABEL),
        offset_ms=offset if math.isfinite(offset) else 0.0,
        trigger=item.integer(_TRIGGER, 4),
        number=number,
        filters=_filters(channels[0]),
    )


def _filters(channel: Dataset) -> dict[str, str]:
    names = ("filter_highpass_hz", "filter_lowpass_hz", "filter_notch_hz")
    tags = dict(zip(names, (_LOW, _HIGH, _NOTCH), strict=True))
    return {key: text for key, tag in tags.items() if (text := channel.text(tag))}


def _lead_name(channel: Dataset, index: int) -> str:
    """Return the canonical name of a channel: by code, then label, then the meaning of the code."""
    candidates = []
    for source in channel.items(_CHANNEL_SOURCE)[:1]:
        code, scheme = source.text(_CODE), source.text(_SCHEME)
        known = lead_of_code(code, scheme)
        if known is not None:
            return known
        if scheme == "99PRECORDIA" and source.text(_MEANING):
            return source.text(_MEANING)
        candidates = [source.text(_MEANING), code]
    for spelled in [channel.text(_CHANNEL_LABEL), *candidates]:
        lead = lead_of_spelling(spelled)
        if lead:
            return lead
    label = channel.text(_CHANNEL_LABEL) or (candidates[0] if candidates else "")
    return label or f"channel {index + 1}"


def _calibration(
    channel: Dataset, lead: str, name: str, unit: str | None
) -> tuple[str, float, float]:
    """Return the unit of a channel, the value of one step and the value of zero, in that unit."""
    step = channel.number(_SENSITIVITY)
    correction = _number_or(channel, _CORRECTION, 1.0, lead, name)
    baseline = _number_or(channel, _BASELINE, 0.0, lead, name)
    # Some devices leave a correction of 0 where they mean none.
    step = step * correction if correction != 0 else step
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


def _number_or(channel: Dataset, tag: int, absent: float, lead: str, name: str) -> float:
    """Return a factor or offset of a channel; an error where it is there and is no number."""
    text = channel.text(tag)
    value = channel.number(tag) if text else absent
    if not abs(value) < 1e12:
        raise UnitError(
            f"'{name}' gives lead {lead} a correction or baseline of {text!r}; a number was needed "
            "to scale its samples. Export the file again."
        )
    return value


def _shift(channel: Dataset, fs: float) -> int:
    """Return by how many samples a channel starts after its group."""
    total = 0.0
    for tag, per_unit in ((_TIME_SKEW, fs), (_SAMPLE_SKEW, 1.0), (_CHANNEL_OFFSET, fs)):
        value = channel.number(tag)
        if math.isfinite(value):
            total += value * per_unit
    return round(total) if abs(total) < 1e9 else 0


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
