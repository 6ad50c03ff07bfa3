# SPDX-License-Identifier: Apache-2.0
"""Multiplex groups of a DICOM waveform: leads as integers, each with its step and its source."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int

from precordia.core.errors import OutputError
from precordia.io.dicom_elements import Elements, code_item, decimal_text
from precordia.io.lead_names import SCP_LEADS

#: designator of the codes of our own
OWN_SCHEME = "99PRECORDIA"
#: steps of converters in use, µV; a signal of whole steps of one is stored without any loss
_USUAL_STEPS_UV = (1.0, 5.0, 2.5, 1.25, 0.5, 4.88, 0.25, 0.1, 10.0)
_MICROVOLT = code_item("uV", "UCUM", "microvolt")
# Codes of context group 3001 for leads that SCP-ECG does not number.
_FURTHER = {
    "CC5": 19, "CM5": 20, "MCL1": 92, "MCL2": 93, "MCL3": 94, "MCL4": 95, "MCL5": 96, "MCL6": 97,
    "ES": 131, "AS": 132, "AI": 133,
}  # fmt: skip
_CODES = {lead: f"2:{number}" for number, lead in SCP_LEADS.items()}
_CODES |= {lead: f"2:{number}" for lead, number in _FURTHER.items()}
_MEANINGS = {
    "aVR": "aVR, augmented voltage, right",
    "aVL": "aVL, augmented voltage, left",
    "aVF": "aVF, augmented voltage, foot",
}
_FILTERS = {
    0x003A0220: "filter_highpass_hz",
    0x003A0221: "filter_lowpass_hz",
    0x003A0222: "filter_notch_hz",
}


def group_item(
    signal: Float[np.ndarray, "lead sample"],
    fs: float,
    leads: Sequence[str],
    *,
    label: str,
    original: bool,
    bits: int = 16,
    trigger: int | None = None,
    header: Mapping[str, str],
) -> Elements:
    """Return a multiplex group as an item of the waveform sequence.

    Parameters
    ----------
    signal
        Potential, mV; NaN becomes the padding value.
    fs, leads
        Sampling rate, Hz, and the name of each row.
    label
        Name of the group, at most 16 characters.
    original
        Whether it was acquired rather than derived.
    bits
        16 or 32 for each sample.
    trigger
        Position of the trigger, from 1; None without one.
    header
        Entries that the record carries; the filters among them are written.

    Returns
    -------
    The item.

    Notes
    -----
    Where a lead consists of whole steps of a usual converter, that step is its sensitivity, and the
    lead comes back as it was; otherwise the step is the finest that reaches its extremes. A
    baseline is stated only for a lead that lies far from zero, since some software ignores it.

    References
    ----------
    DICOM PS3.3, section C.10.9; PS3.16, context group 3001.
    """
    rows, channels = [], []
    filters = _filters(header)
    dtype = np.dtype(f"<i{bits // 8}")
    for number, (lead, row) in enumerate(zip(leads, signal, strict=True), 1):
        digital, step, baseline = _quantise(row, dtype)
        rows.append(digital)
        channels.append({
            0x003A0202: ("IS", str(number)),
            **({0x003A0203: ("SH", lead)} if len(lead) <= 16 else {}),
            0x003A0208: ("SQ", [_lead_code(lead, number)]),
            0x003A0210: ("DS", step),
            0x003A0211: ("SQ", [_MICROVOLT]),
            0x003A0212: ("DS", "1"),
            0x003A0213: ("DS", baseline),
            0x003A0215: ("DS", "0"),
            0x003A021A: ("US", bits),
            **filters,
        })  # fmt: skip
    samples = np.ascontiguousarray(np.stack(rows, axis=1), dtype)
    item: dict[int, tuple[str, object]] = {
        0x003A0004: ("CS", "ORIGINAL" if original else "DERIVED"),
        0x003A0005: ("US", len(rows)),
        0x003A0010: ("UL", signal.shape[1]),
        0x003A001A: ("DS", decimal_text(fs)),
        0x003A0020: ("SH", label),
        0x003A0200: ("SQ", channels),
        0x54001004: ("US", bits),
        0x54001006: ("CS", "SS" if bits == 16 else "SL"),
        0x54001010: ("OW", samples.tobytes()),
    }
    if np.isnan(signal).any():
        item[0x5400100A] = ("OW", np.array(np.iinfo(dtype).min, dtype).tobytes())
    if trigger is not None:
        item[0x0018106E] = ("UL", trigger)
    return item


def _lead_code(lead: str, number: int) -> Elements:
    code = _CODES.get(lead)
    if code is None:
        return code_item(f"CHANNEL-{number}", OWN_SCHEME, lead)
    return code_item(code, "MDC", _MEANINGS.get(lead, f"Lead {lead}"))


def _quantise(
    row: Float[np.ndarray, " sample"], dtype: np.dtype
) -> tuple[Int[np.ndarray, " sample"], str, str]:
    """Return a lead as integers, and the texts of its step and of the value of 0, in µV."""
    values = row.astype(np.float64) * 1e3
    held = np.isfinite(values)
    seen = values if held.all() else values[held]
    lowest, highest = (float(seen.min()), float(seen.max())) if seen.size else (0.0, 0.0)
    limit = 32767 if dtype.itemsize == 2 else (1 << 24) - 1  # float32 has no more digits
    step, baseline = _step(seen, lowest, highest, limit)
    counts = np.rint((np.where(held, values, 0.0) - float(baseline)) / float(step))
    digital = np.clip(counts, -limit, limit).astype(dtype)
    digital[~held] = np.iinfo(dtype).min
    return digital, step, baseline


def _step(seen: np.ndarray, lowest: float, highest: float, limit: int) -> tuple[str, str]:
    largest = max(-lowest, highest)
    for usual in _USUAL_STEPS_UV:
        if largest > limit * usual:
            continue
        counts = seen / usual
        whole = np.rint(counts)
        # float32 millivolts are off by up to 6e-8 of themselves.
        if (np.abs(counts - whole) <= 1e-9 + 1.2e-7 * np.abs(whole)).all():
            return f"{usual:g}", "0"
    half = (highest - lowest) / 2
    if largest > 4 * half > 0:
        baseline = decimal_text((highest + lowest) / 2)
        reach = max(highest - float(baseline), float(baseline) - lowest)
    else:
        baseline, reach = "0", largest
    if reach > 1e12:
        raise OutputError(
            f"an amplitude of {reach / 1e3:.3g} mV arrived, which no electrode gives. Check the "
            "unit of the record."
        )
    return decimal_text(max(reach / limit, 1e-9) * (1 + 1e-9)), baseline


def _filters(header: Mapping[str, str]) -> Elements:
    """Return the band limits that the record carries, where they are numbers."""
    found = {}
    for tag, key in _FILTERS.items():
        try:
            value = float(str(header.get(key, "")).split()[0])
        except (ValueError, IndexError):
            continue
        if math.isfinite(value) and value >= 0:
            found[tag] = ("DS", decimal_text(value))
    return found
