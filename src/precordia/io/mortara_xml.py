# SPDX-License-Identifier: Apache-2.0
"""Read the resting ECG of a Mortara ELI XML file."""

from __future__ import annotations

import math
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
from jaxtyping import Float

from precordia.core.errors import FormatError, LeadError, SamplingRateError, UnitError
from precordia.core.leads import canonical_lead
from precordia.core.measurements import MedianBeat
from precordia.core.record import Carried, Record, Remark
from precordia.core.source import Source
from precordia.io.base64_samples import decode_base64, sixteen_bit_samples
from precordia.io.lead_names import unique_leads
from precordia.io.limb_leads import complete_limb_leads
from precordia.io.mortara_xml_header import (
    number_of,
    read_header,
    read_measurements,
    read_patient,
    read_statements,
    start_time,
)
from precordia.io.safe_xml import parse_xml
from precordia.io.units import require_millivolts

_HIGHEST_RATE_HZ = 100_000
_MOST_LEADS = 64
#: leads of different lengths may take this many times what is stored, and a minimum
_STRETCH, _SMALL = 16, 1 << 22
_MARKS = {
    "P_ONSET": "p_onset", "P_OFFSET": "p_offset", "Q_ONSET": "qrs_onset", "Q_OFFSET": "qrs_offset",
    "T_ONSET": "t_onset", "T_OFFSET": "t_offset",
}  # fmt: skip


def read_mortara_xml(path: Path, *, unit: str | None = None) -> Record:
    """Read the resting ECG of a Mortara ELI XML file.

    Parameters
    ----------
    path
        The file.
    unit
        Step of the samples, where the file states none or a wrong one: ``"2.5 uV"``.

    Returns
    -------
    The rhythm recording. The typical cycle is in ``carried.median``, with its wave boundaries where
    it is clear what they count from.

    Raises
    ------
    FormatError
        If the file is damaged, or holds no recording.
    UnitError
        If a lead does not say what one step of its samples is.
    SamplingRateError
        If a sampling rate is missing, makes no sense, or differs between the leads.
    LeadError
        If a lead has no name.

    Notes
    -----
    No specification is public. Leads are 16-bit numbers in base64, ``UNITS_PER_MV`` of them in a
    millivolt, as many as ``DURATION`` says. Files with an ``OFFSET`` other than 0 are refused:
    readers do not agree on what it means.

    Wave boundaries are milliseconds from ``R_PEAK``. That is an index of the typical cycle in some
    descriptions and a time in others; it is taken as the one of both beside which the signal is
    steepest, and without a clear answer no boundary is carried. ``QTC`` is of an unknown formula,
    ``QTB`` of Bazett and ``QTF`` of Fridericia.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "ecg.xml")
    >>> _ = path.write_text(
    ...     "<ECG><CHANNEL NAME='V1' SAMPLE_FREQ='500' UNITS_PER_MV='200' BITS='16' "
    ...     "FORMAT='SIGNED' ENCODING='BASE64' DURATION='2' DATA='AQACAA=='/></ECG>"
    ... )
    >>> read_mortara_xml(path).signal
    array([[0.005, 0.01 ]], dtype=float32)
    """
    name = path.name
    root = parse_xml(path.read_bytes(), name=name)
    if root.tag != "ECG":
        raise FormatError(
            f"'{name}' is an XML text about '{root.tag[:40]}'; 'ECG' was needed for a Mortara "
            "file. Read it without format=, so that its content decides."
        )
    channels = root.findall("CHANNEL")
    if not channels:
        raise FormatError(
            f"'{name}' holds no samples; 'CHANNEL' elements were needed. Export it from the "
            "device again, with its waveforms."
        )
    remarks: list[Remark] = []
    signal, leads, fs = _leads_of(channels, None, name, unit, remarks)
    signal, leads = complete_limb_leads(signal, leads, remarks)
    return Record(
        signal=signal,
        fs=fs,
        leads=leads,
        patient=read_patient(root),
        start_time=start_time(root),
        carried=Carried(
            measurements=read_measurements(root),
            statements=read_statements(root),
            median=_median(root, name, unit, remarks),
            header=read_header(root),
        ),
        remarks=tuple(remarks),
        source=Source(method="read:mortara-xml"),
    )


def _leads_of(
    channels: list[Element],
    cycle: Element | None,
    name: str,
    unit: str | None,
    remarks: list[Remark],
) -> tuple[Float[np.ndarray, "lead sample"], tuple[str, ...], float]:
    """Return signal, leads and sampling rate of channels; a cycle says for all what they lack."""
    if len(channels) > _MOST_LEADS:
        raise FormatError(
            f"'{name}' holds {len(channels):,} leads; at most {_MOST_LEADS} are read. The file is "
            "damaged: copy or export it again."
        )
    names, rows, rates = [], [], set()
    for channel in channels:
        spelled = channel.get("NAME", "").strip()[:40]
        if not spelled:
            raise LeadError(
                f"'{name}' holds samples without the name of their lead. Export it again."
            )
        names.append(canonical_lead(spelled) or spelled)
        rows.append(_row(channel, cycle, f"lead {names[-1]}", name, unit))
        rates.add(_number(channel, cycle, "SAMPLE_FREQ"))
    fs = rates.pop()
    if rates or not 0 < fs <= _HIGHEST_RATE_HZ:
        raise SamplingRateError(
            f"'{name}' states no sampling rate that makes sense and holds for all leads; "
            "SAMPLE_FREQ in Hz was needed. Its header is damaged: export it again."
        )
    leads = unique_leads(names, remarks)
    longest = max(row.size for row in rows)
    short = tuple(lead for lead, row in zip(leads, rows, strict=True) if row.size < longest)
    if longest == 0 or longest * len(rows) > _STRETCH * sum(r.size for r in rows) + _SMALL:
        raise FormatError(
            f"'{name}' holds leads without samples, or of very different lengths. The file is "
            "damaged: copy or export it again."
        )
    if short:
        remarks.append(
            Remark(
                code="leads-shorter",
                text="Leads end before the others: " + ", ".join(short) + "; NaN there.",
                leads=short,
            )
        )
    signal = np.full((len(rows), longest), np.nan, np.float32)
    for target, row in zip(signal, rows, strict=True):
        target[: row.size] = row
    return signal, leads, fs


def _row(
    channel: Element, cycle: Element | None, what: str, name: str, unit: str | None
) -> Float[np.ndarray, " sample"]:
    """Return the samples of one lead, mV."""
    kind = [
        _text(channel, cycle, key).upper() or usual
        for key, usual in (("BITS", "16"), ("FORMAT", "SIGNED"), ("ENCODING", "BASE64"))
    ]
    if kind != ["16", "SIGNED", "BASE64"]:
        raise FormatError(
            f"'{name}' stores {what} as {' '.join(kind)[:60]}; 16 SIGNED BASE64 was needed. Export "
            "it again in that form."
        )
    if channel.get("OFFSET", "").strip() and number_of(channel, "OFFSET") != 0:
        raise FormatError(
            f"'{name}' gives {what} an OFFSET other than 0, and it is not known what that means. "
            "Export the recording as DICOM or SCP-ECG."
        )
    content = decode_base64(channel.get("DATA") or channel.text, name=name, what=what)
    samples = sixteen_bit_samples(content, name=name, what=what)
    declared = _number(channel, cycle, "DURATION")
    if not math.isnan(declared) and declared != samples.size:
        raise FormatError(
            f"'{name}' declares {declared:,g} samples of {what} and holds {samples.size:,}. The "
            "file is damaged: copy or export it again."
        )
    if unit is not None:
        return samples * require_millivolts(unit)
    per_millivolt = _number(channel, cycle, "UNITS_PER_MV")
    if not 1e-3 < per_millivolt < 1e9:
        raise UnitError(
            f"'{name}' does not say how many steps of {what} are a millivolt. Most files mean 200 "
            "or 400: say so with unit='5 uV' or unit='2.5 uV'."
        )
    return samples / per_millivolt


def _median(root: Element, name: str, unit: str | None, remarks: list[Remark]) -> MedianBeat | None:
    cycle = root.find("TYPICAL_CYCLE")
    channels = [] if cycle is None else cycle.findall("TYPICAL_CYCLE_CHANNEL")
    if cycle is None or not channels:
        return None
    if unit is None and math.isnan(number_of(cycle, "UNITS_PER_MV")):
        remarks.append(
            Remark(
                code="median-left-out",
                text="The file does not say how many steps of its typical cycle are a millivolt; "
                "it was not read.",
            )
        )
        return None
    signal, leads, fs = _leads_of(channels, cycle, name, unit, remarks)
    signal, leads = complete_limb_leads(signal, leads, [])
    return MedianBeat(signal=signal, fs=fs, leads=leads, **_marks(cycle, signal, fs))  # type: ignore[arg-type]


def _marks(cycle: Element, signal: Float[np.ndarray, "lead sample"], fs: float) -> dict[str, float]:
    """Return wave boundaries within the typical cycle, in samples."""
    told = {mark: number_of(cycle, key) * fs / 1000 for key, mark in _MARKS.items()}
    begin, end = told["qrs_onset"], told["qrs_offset"]
    peak = number_of(cycle, "R_PEAK")
    slope = np.nansum(np.abs(np.diff(signal.astype(float), axis=1)), axis=0)
    if not (begin < 0 < end) or not slope.any():
        return {}
    steepest = int(slope.argmax()) + 0.5
    fitting = {at for at in (peak, peak * fs / 1000) if begin <= steepest - at <= end}
    if len(fitting) != 1:
        return {}
    at = fitting.pop()
    found = {"r_peak": at} | {mark: at + sample for mark, sample in told.items() if sample}
    return {mark: sample for mark, sample in found.items() if 0 <= sample < signal.shape[1]}


def _text(channel: Element, cycle: Element | None, key: str) -> str:
    text = channel.get(key, "").strip()
    return text or ("" if cycle is None else cycle.get(key, "").strip())


def _number(channel: Element, cycle: Element | None, key: str) -> float:
    value = number_of(channel, key)
    return number_of(cycle, key) if math.isnan(value) and cycle is not None else value
