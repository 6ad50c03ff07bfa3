# SPDX-License-Identifier: Apache-2.0
"""Read an ISHNE Holter recording, with the annotations beside it."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
from jaxtyping import Float

from precordia.core.errors import FormatError, SamplingRateError, UnitError
from precordia.core.record import Annotations, Carried, Patient, Record, Remark
from precordia.core.source import Source
from precordia.io.ishne_annotation import read_ishne_annotations
from precordia.io.ishne_header import IshneHeader, parse_ishne_header
from precordia.io.lead_names import unique_leads
from precordia.io.units import require_millivolts

#: leads by their code in the header
LEADS = {
    2: "X", 3: "Y", 4: "Z", 5: "I", 6: "II", 7: "III", 8: "aVR", 9: "aVL", 10: "aVF", 11: "V1",
    12: "V2", 13: "V3", 14: "V4", 15: "V5", 16: "V6", 17: "ES", 18: "AS", 19: "AI",
}  # fmt: skip
_QUALITIES = {
    1: "good", 2: "intermittent noise", 3: "frequent noise", 4: "intermittent disconnect",
    5: "frequent disconnect",
}  # fmt: skip
_PACEMAKERS = {
    1: "type unknown", 2: "single chamber, unipolar", 3: "dual chamber, unipolar",
    4: "single chamber, bipolar", 5: "dual chamber, bipolar",
}  # fmt: skip
_MV_PER_NV = 1e-6
#: samples converted at a time, so that a day's file never lies in memory twice
_CHUNK = 1 << 18


def read_ishne(path: Path, *, unit: str | None = None, ignore_checksum: bool = False) -> Record:
    """Read an ISHNE Holter recording.

    Annotations in a file of the same name that ends in ``.ann`` come with it. A ``.ann`` file
    read for itself gives the recording beside it, or, where there is none, a record of beat
    times without leads.

    Parameters
    ----------
    path
        The file; its end may be missing.
    unit
        What one step of the converter is, where the header does not tell: ``"2.5 uV"``.
    ignore_checksum
        Whether to read on where the checksum of the header is wrong.

    Returns
    -------
    The record; beats and other marks of the ``.ann`` file are in ``carried.annotations``.

    Raises
    ------
    FormatError
        If the file is damaged, of another version, or holds no sample.
    UnitError
        If a lead has no resolution.
    SamplingRateError
        If the sampling rate is missing.

    Notes
    -----
    Samples are 16-bit integers, the leads of one instant side by side, in steps of the lead's
    resolution, a whole number of nanovolts. The checksum of the header (CRC-CCITT, initially
    0xFFFF) is verified over the fixed part alone or with the variable block, as writers disagree;
    0 means that none was stored. Dates of -9 or 0 are unknown. Some writers count the samples of
    all leads together; a file that is whole under either reading is not called truncated.

    References
    ----------
    Badilini F. Ann Noninvasive Electrocardiol 1998;3:263-266.
    doi:10.1111/j.1542-474X.1998.tb00353.x
    """
    name = path.name
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(1 << 16)
    header = parse_ishne_header(head, name=name, ignore_checksum=ignore_checksum)
    if header.is_annotation:
        return _annotations_alone(path, header, unit=unit, ignore_checksum=ignore_checksum)
    remarks: list[Remark] = []
    if not header.fs > 0:
        raise SamplingRateError(
            f"'{name}' states a sampling rate of {header.fs:g} Hz; one above 0 was needed. The "
            "header is damaged: copy or export the file again."
        )
    n_samples = _held(header, size, name, remarks)
    signal = _signal(path, header, n_samples, _millivolts_per_step(header, unit, name))
    leads = unique_leads(_leads(header, remarks), remarks)
    beside = _annotation_file(path)
    annotations = None
    if beside is not None:
        annotations = _annotations(beside, header.fs, n_samples, remarks)
    return Record(
        signal=signal,
        fs=header.fs,
        leads=leads,
        patient=_patient(header),
        start_time=header.start_time,
        carried=Carried(annotations=annotations, header=_texts(header, leads)),
        remarks=tuple(remarks),
        source=Source(method="read:ishne", warnings=header.warnings),
    )


def _held(header: IshneHeader, size: int, name: str, remarks: list[Remark]) -> int:
    """Return the samples of each lead that there are."""
    n_leads = len(header.lead_codes)
    held, rest = divmod(max(0, size - header.ecg_offset), 2 * n_leads)
    if held < 1:
        raise FormatError(f"'{name}' ends before its first sample. Copy or export the file again.")
    declared = header.n_samples
    if declared < 1:
        remarks.append(
            Remark(
                code="length-unknown",
                text="The header does not say how long the recording is; its length was taken "
                "from the size of the file.",
            )
        )
        return held
    # Some writers count the samples of all leads together.
    if n_leads > 1 and declared == held * n_leads:
        return held
    if held < declared:
        remarks.append(
            Remark(
                code="truncated",
                text=f"The file declares {declared:,} samples of each lead and holds {held:,}; "
                "what is there was read.",
            )
        )
    elif held > declared or rest:
        left = size - header.ecg_offset - declared * 2 * n_leads
        remarks.append(
            Remark(
                code="bytes-left-over",
                text=f"{left:,} bytes follow the declared samples and were not read.",
            )
        )
    return min(held, declared)


def _millivolts_per_step(header: IshneHeader, unit: str | None, name: str) -> list[float]:
    if unit is not None:
        return [require_millivolts(unit)] * len(header.lead_codes)
    for k, step in enumerate(header.resolutions_nv, 1):
        if step <= 0:
            raise UnitError(
                f"'{name}' gives lead {k} a resolution of {step} nV; one above 0 was needed. If "
                "you know the step of the converter, give it with unit=, such as unit='2.5 uV'."
            )
    return [step * _MV_PER_NV for step in header.resolutions_nv]


def _signal(
    path: Path, header: IshneHeader, n_samples: int, scales: list[float]
) -> Float[np.ndarray, "lead sample"]:
    n_leads = len(scales)
    stored = np.memmap(
        path, "<i2", "r", offset=header.ecg_offset, shape=(n_samples, n_leads)
    )  # fmt: skip
    signal = np.empty((n_leads, n_samples), np.float32)
    factors = np.array(scales)[:, None]
    for first in range(0, n_samples, _CHUNK):
        part = stored[first : first + _CHUNK].T
        np.multiply(part, factors, out=signal[:, first : first + _CHUNK], casting="same_kind")
    return signal


def _leads(header: IshneHeader, remarks: list[Remark]) -> list[str]:
    """Return the names of the leads; those that the header leaves open are numbered."""
    names = [LEADS.get(code) or f"lead {k}" for k, code in enumerate(header.lead_codes, 1)]
    unnamed = tuple(n for n, c in zip(names, header.lead_codes, strict=True) if c not in LEADS)
    if unnamed:
        remarks.append(
            Remark(
                code="leads-unnamed",
                text="The header does not name all leads; these were numbered: "
                + ", ".join(unnamed)
                + ".",
                leads=unnamed,
            )
        )
    return names


def _annotation_file(path: Path) -> Path | None:
    for suffix in (".ann", ".ANN", ".Ann"):
        beside = path.with_suffix(suffix)
        if beside.is_file() and beside != path:
            return beside
    return None


def _annotations(
    path: Path, fs: float, n_samples: int, remarks: list[Remark]
) -> Annotations | None:
    """Return the annotations beside a recording; where they cannot be read, say so."""
    try:
        found = read_ishne_annotations(path, fs=fs)
    except (FormatError, OSError):
        remarks.append(
            Remark(
                code="annotations-unread",
                text="The annotation file beside the recording is damaged or of another "
                "format, and was not read.",
            )
        )
        return None
    inside = found.sample < n_samples
    if inside.all():
        return found
    n_beyond = int(np.count_nonzero(~inside))
    remarks.append(
        Remark(
            code="annotations-beyond",
            text=f"{n_beyond} annotations lie behind the end of the recording and were left out.",
        )
    )
    kept = len(found) - n_beyond
    # Positions rise, so those inside come first.
    return Annotations(sample=found.sample[:kept], symbol=found.symbol[:kept], aux=found.aux[:kept])


def _annotations_alone(
    path: Path, header: IshneHeader, *, unit: str | None, ignore_checksum: bool
) -> Record:
    for suffix in (".ecg", ".ECG", ".Ecg"):
        beside = path.with_suffix(suffix)
        if beside.is_file() and _is_recording(beside):
            return read_ishne(beside, unit=unit, ignore_checksum=ignore_checksum)
    found = read_ishne_annotations(path)
    fs = header.fs if header.fs > 0 else math.nan
    if not fs > 0:
        raise SamplingRateError(
            f"'{path.name}' holds annotations and no sampling rate, so they cannot be placed in "
            "time. Read the recording that they belong to."
        )
    if not len(found):
        raise FormatError(
            f"'{path.name}' holds no annotation, and no recording lies beside it. Copy the .ecg "
            "file too."
        )
    n_samples = int(found.sample[-1]) + 1
    return Record(
        signal=np.empty((0, n_samples), np.float32),
        fs=fs,
        leads=(),
        patient=_patient(header),
        start_time=header.start_time,
        carried=Carried(annotations=found, header=_texts(header, ())),
        remarks=(
            Remark(
                code="rr-series",
                text="The file holds the times of beats and no signal: only rates, RR intervals "
                "and their variability can be measured.",
            ),
        ),
        source=Source(method="read:ishne", warnings=header.warnings),
    )


def _is_recording(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(5) == b"ISHNE"


def _patient(header: IshneHeader) -> Patient:
    age = math.nan
    if header.birth_date is not None and header.start_time is not None:
        years = math.floor((header.start_time.date() - header.birth_date).days / 365.2425)
        age = float(years) if 0 <= years < 130 else math.nan
    given = f"{header.first_name} {header.last_name}".strip()
    patient = Patient(
        patient_id=header.patient_id or None,
        birth_date=header.birth_date,
        age_years=age,
        sex={1: "male", 2: "female"}.get(header.sex),
    )
    # Writers fill the name of nobody with a word.
    if given.lower().split() and set(given.lower().split()) - {"none", "unknown", "anonymous"}:
        patient = dataclasses.replace(patient, name=given)
    return patient


def _texts(header: IshneHeader, leads: tuple[str, ...]) -> dict[str, str]:
    rated = [
        f"{lead} {_QUALITIES[code]}"
        for lead, code in zip(leads, header.qualities, strict=False)
        if code in _QUALITIES
    ]
    found = {
        "device_model": header.recorder,
        "pacemaker": _PACEMAKERS.get(header.pacemaker, ""),
        "lead_quality": ", ".join(rated),
        "file_version": str(header.file_version) if header.file_version > 0 else "",
        "comment": header.comment,
    }
    return {key: text for key, text in found.items() if text}
