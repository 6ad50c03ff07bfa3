# SPDX-License-Identifier: Apache-2.0
"""SCP-ECG as the portable devices of Healforce write it, which the standard does not describe."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from precordia.core.errors import FormatError
from precordia.core.record import Annotations, Carried, Patient, Record, Remark
from precordia.core.source import Source
from precordia.io.scp_ecg_header import decode_text, read_date, read_time
from precordia.io.scp_ecg_sections import SECTION_HEADER, checksum

_POINTER_BYTES, _FIRST_POINTER = 10, 22
#: words of three that hold four samples
_WORDS, _PACKED = 3, 4
_BEAT, _IRREGULAR = 0x8000, 0x4000
_VALUE, _ZERO = 0x03FF, 512
#: leads I, II and III contradict each other by no more than this, in parts of the smallest
_EINTHOVEN = 0.3


def is_healforce(buffer: bytes) -> bool:
    """Tell whether a file is of this kind.

    Notes
    -----
    Its length is a number of 16 bits at byte 4, where the standard has one of 32 bits at byte 2,
    and positions of sections count from 0.

    Examples
    --------
    >>> is_healforce(b"")
    False
    """
    size = int.from_bytes(buffer[4:6], "little")
    return (
        buffer[2:4] == b"\0\0"
        and _FIRST_POINTER + _POINTER_BYTES <= size <= len(buffer)
        and buffer[22:24] == b"\0\0"
        and buffer[28:32] == b"\6\0\0\0"
    )


def read_healforce(buffer: bytes, name: str, *, ignore_checksum: bool) -> Record:
    """Read a file of a Healforce device.

    Parameters
    ----------
    buffer
        The whole file.
    name
        What to call it in errors.
    ignore_checksum
        Read a file whose checksum is wrong.

    Returns
    -------
    Its leads; the flags of beats that the device found are annotations with the number of the
    lead as their channel, ``Q`` since the device does not classify them.

    Raises
    ------
    FormatError
        If the file is damaged.

    Notes
    -----
    Departures of the device from the standard, as seen in files of a Prince 180D: numbers of
    dates and the checksum have their high byte first; the checksum is a CRC-CCITT that begins
    with 0; section 6 holds the sampling rate where the standard has the interval, and its leads
    are interleaved in one row. A word of 16 bits holds ten bits of a sample (512 is zero), one
    bit for a beat that was detected and one for an irregular one; the four bits between of three
    words make a fourth sample. A beat is flagged in all leads at once; the flags of the fourth
    samples repeat those and are left out, so that a beat has two annotations or three. The leads
    have no names. They are I, II and III if III is the difference of the others, and numbered if
    not. The steps are those that the file states.
    """
    size = int.from_bytes(buffer[4:6], "little")
    warnings: list[str] = []
    if checksum(memoryview(buffer)[2:size], 0) != int.from_bytes(buffer[:2], "big"):
        if not ignore_checksum:
            raise FormatError(
                f"'{name}' is damaged: the checksum of the file is wrong. Copy or export it again, "
                "or read what is left of it with ignore_checksum=True (--ignore-checksum)."
            )
        warnings.append("Ignored: the checksum of the file is wrong.")
    bodies = _bodies(buffer[:size])
    layout, rhythm = bodies.get(3, b""), bodies.get(6, b"")
    n_leads = layout[0] if layout else 0
    step_nv, fs, held = (int.from_bytes(rhythm[k : k + 2], "little") for k in (0, 2, 6))
    if not 1 <= n_leads <= 16 or len(rhythm) < 8 or not step_nv or not 50 <= fs <= 2000:
        raise FormatError(
            f"'{name}' looks like a file of a Healforce device and lacks leads, steps or a "
            "sampling rate that make sense. Copy or export it again."
        )
    remarks: list[Remark] = []
    packed = rhythm[8 : 8 + held]
    if len(packed) < held:
        remarks.append(
            Remark(
                code="truncated",
                text="The file holds fewer samples than it says; it was read as far as it goes.",
            )
        )
    words = _unpacked(packed, n_leads)
    if words.shape[0] == 0:
        raise FormatError(f"'{name}' holds no sample. Copy or export it again.")
    steps = ((words & _VALUE).astype(np.float64) - _ZERO).T
    return Record(
        signal=(steps * (step_nv / 1e6)).astype(np.float32),
        fs=float(fs),
        leads=_names(steps, remarks),
        patient=Patient(patient_id=_text(bodies.get(1, b""), 2) or None),
        start_time=_start(bodies.get(1, b"")),
        carried=Carried(annotations=_beats(words), header={"manufacturer": "Healforce"}),
        remarks=tuple(remarks),
        source=Source(method="read:scp-ecg", warnings=tuple(warnings)),
    )


def _bodies(content: bytes) -> dict[int, bytes]:
    """Return the content of each section."""
    end = min(len(content), 6 + int.from_bytes(content[10:14], "little"))
    found = {}
    for at in range(_FIRST_POINTER, end - _POINTER_BYTES + 1, _POINTER_BYTES):
        number = int.from_bytes(content[at : at + 2], "little")
        length = int.from_bytes(content[at + 2 : at + 6], "little")
        start = int.from_bytes(content[at + 6 : at + 10], "little")
        found.setdefault(number, content[start + SECTION_HEADER : start + length])
    return found


def _unpacked(packed: bytes, n_leads: int) -> np.ndarray:
    """Return the words of every sample, (sample, lead)."""
    threes = np.frombuffer(packed[: len(packed) // (2 * _WORDS) * 2 * _WORDS], "<u2")
    threes = threes.reshape(-1, _WORDS)
    fours = np.empty((len(threes), _PACKED), np.uint16)
    fours[:, :_WORDS] = threes
    between = threes & 0x3C00
    fours[:, _WORDS] = (between[:, 0] << 2) | (between[:, 1] >> 2) | (between[:, 2] >> 6)
    fours[:, _WORDS] = (fours[:, _WORDS] >> 4) & _VALUE
    return fours.reshape(-1)[: fours.size // n_leads * n_leads].reshape(-1, n_leads)


def _names(steps: np.ndarray, remarks: list[Remark]) -> tuple[str, ...]:
    """Name the leads, which the file does not."""
    if len(steps) == 3:
        contradiction = (steps[1] - steps[0] - steps[2]).std()
        if contradiction <= _EINTHOVEN * steps.std(axis=1).min():
            remarks.append(
                Remark(
                    code="leads-assumed",
                    text="The file does not name its leads; the third is the second less the "
                    "first, so they were taken for I, II and III.",
                    leads=("I", "II", "III"),
                )
            )
            return "I", "II", "III"
    remarks.append(
        Remark(code="leads-unnamed", text="The file does not name its leads; they were numbered.")
    )
    return tuple(f"lead {k}" for k in range(1, len(steps) + 1))


def _beats(words: np.ndarray) -> Annotations | None:
    places, channels = np.nonzero(words & _BEAT)
    if places.size == 0:
        return None
    irregular = (words[places, channels] & _IRREGULAR) != 0
    return Annotations(
        sample=places,
        symbol=("Q",) * places.size,
        aux=tuple("irregular" if odd else "" for odd in irregular),
        channel=tuple(channels.tolist()),
    )


def _tag(body: bytes, wanted: int) -> bytes:
    at = 0
    while at + 3 <= len(body):
        length = int.from_bytes(body[at + 1 : at + 3], "little")
        if body[at] == wanted:
            return body[at + 3 : at + 3 + length]
        if length == 0:
            break
        at += 3 + length
    return b""


def _text(body: bytes, tag: int) -> str:
    text = decode_text(_tag(body, tag), "")
    return text if text.strip("0") else ""


def _start(body: bytes) -> datetime | None:
    """Return the start; years have their high byte first."""
    told = _tag(body, 25)
    day = read_date(told[1:2] + told[0:1] + told[2:4])
    clock = read_time(_tag(body, 26))
    return None if day is None or clock is None else datetime.combine(day, clock)
