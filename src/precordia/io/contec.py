# SPDX-License-Identifier: Apache-2.0
"""Read the native file of a Contec ECG90A electrocardiograph."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path

import numpy as np
from jaxtyping import Float

from precordia.core.errors import FormatError
from precordia.core.leads import LIMB_FROM_I_II, PRECORDIAL, STANDARD_12
from precordia.core.record import Carried, Patient, Record, Remark
from precordia.core.source import Source
from precordia.io.recognise import is_contec
from precordia.io.units import require_millivolts

_HEADER, _FOOTER, _ROW = 43, 37, 16
_STORED = ("II", "III", *PRECORDIAL)
_FS = 800.0
_CENTRE, _MISSING = 2048, 0x6800
_MV_PER_STEP = 0.005
_LARGEST = 4095


def read_contec(path: Path, *, unit: str | None = None) -> Record:
    """Read the native file of a Contec ECG90A electrocardiograph.

    Parameters
    ----------
    path
        The file.
    unit
        What one step of the converter is, instead of 5 µV: ``"4 uV"``.

    Returns
    -------
    Twelve leads at 800 Hz; NaN where an electrode was missing.

    Raises
    ------
    FormatError
        If the file has no Contec header, or ends before its first sample.

    Notes
    -----
    The maker publishes no description. Between a header of 43 and a footer of 37 bytes stand 16-bit
    integers, eight leads side by side: II, III, V1 to V6, in steps of 5 µV about 2048; 0x6800 marks
    a sample that was not taken. I = II - III; aVR, aVL and aVF follow from I and II. The file does
    not state its length: it is called truncated where its length does not come out even or where
    no footer, which is mostly zeros, ends it.

    References
    ----------
    Rigacci N. Contec ECG90A: ECG file format.
    https://www.rigacci.org/wiki/doku.php/tecnica/misc/contec_ecg_file_format
    """
    name = path.name
    content = path.read_bytes()
    if not is_contec(content[: 1 << 12]):
        raise FormatError(
            f"'{name}' is no file of a Contec ECG90A: its header or its first samples are not as "
            "that device writes them. Read it without format=, so that its content decides."
        )
    remarks: list[Remark] = []
    stored = _rows(content, remarks)
    if not len(stored):
        raise FormatError(f"'{name}' ends before its first sample. Copy or export the file again.")
    if int(stored[stored != _MISSING].max(initial=0)) > _LARGEST:
        raise FormatError(
            f"'{name}' holds samples that a Contec ECG90A cannot give. The file is damaged, or of "
            "another device: copy or export it again."
        )
    step = _MV_PER_STEP if unit is None else require_millivolts(unit)
    signal = _twelve_leads(stored, step)
    lost = tuple(
        lead for lead, row in zip(_STORED, (stored == _MISSING).all(axis=0), strict=True) if row
    )
    if lost:
        remarks.append(
            Remark(
                code="electrodes-missing",
                text="No electrode was connected for " + ", ".join(lost) + "; NaN there.",
                leads=lost,
            )
        )
    remarks.append(
        Remark(
            code="leads-derived",
            text="The file stores leads II and III; I, aVR, aVL and aVF were computed from them.",
            leads=("I", "aVR", "aVL", "aVF"),
        )
    )
    return Record(
        signal=signal,
        fs=_FS,
        leads=STANDARD_12,
        patient=_patient(content),
        start_time=_start_time(content),
        carried=Carried(header=_texts(content)),
        remarks=tuple(remarks),
        source=Source(method="read:contec"),
    )


def _rows(content: bytes, remarks: list[Remark]) -> np.ndarray:
    """Return the stored integers as (sample, lead)."""
    whole, rest = divmod(len(content) - _HEADER - _FOOTER, _ROW)
    if not rest and whole > 0 and content[-_FOOTER:].count(0) > _FOOTER // 2:
        return np.frombuffer(content, "<u2", whole * _ROW // 2, _HEADER).reshape(whole, -1)
    remarks.append(Remark(code="truncated", text="The file ends early; what is there was read."))
    whole = (len(content) - _HEADER) // _ROW
    stored = np.frombuffer(content, "<u2", whole * _ROW // 2, _HEADER).reshape(whole, -1)
    # What is left of a footer would read as samples of nothing.
    empty = ~stored.any(axis=1)
    return stored[: int(empty.argmax())] if empty.any() else stored


def _twelve_leads(stored: np.ndarray, step: float) -> Float[np.ndarray, "lead sample"]:
    values = stored.T.astype(np.float64) - _CENTRE
    values[stored.T == _MISSING] = np.nan
    values *= step
    signal = np.empty((12, stored.shape[0]), np.float32)
    two, three = values[0], values[1]
    one = two - three
    signal[0], signal[1], signal[2] = one, two, three
    signal[3:6] = LIMB_FROM_I_II[1:] @ np.stack([one, two])
    signal[6:] = values[2:]
    return signal


def _text(field: bytes) -> str:
    shown = field.split(b"\0", 1)[0].decode("utf-8", "replace").strip()
    return "".join(letter for letter in shown if letter.isprintable())


def _patient(content: bytes) -> Patient:
    sex, age = content[40], content[41]
    return Patient(
        name=_text(content[32:40]) or None,
        age_years=float(age) if 0 < age < 130 else math.nan,
        sex={0: "female", 1: "male"}.get(sex),
    )


def _start_time(content: bytes) -> datetime | None:
    try:
        return datetime.strptime(content[10:29].decode("ascii"), "%Y-%m-%d %H:%M:%S")
    except ValueError:
        return None


def _texts(content: bytes) -> dict[str, str]:
    weight = content[42]
    found = {
        "manufacturer": "Contec",
        "device_model": "ECG90A",
        "acquisition_id": _text(content[:8]),
        "weight_kg": str(weight) if weight else "",
    }
    return {key: text for key, text in found.items() if text}
