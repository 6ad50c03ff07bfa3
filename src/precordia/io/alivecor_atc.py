# SPDX-License-Identifier: Apache-2.0
"""Read an AliveCor ATC recording."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
from jaxtyping import Float

from precordia.core.errors import FormatError, LeadError, SamplingRateError, UnitError
from precordia.core.leads import STANDARD_12
from precordia.core.measurements import MedianBeat
from precordia.core.record import Annotations, Carried, Companion, Record, Remark
from precordia.core.source import Source
from precordia.io.units import require_millivolts

_SIGNATURE = b"ALIVE\0\0\0"
_NEWEST = 5
#: the fourth letter of a block's name stands for its lead
_LEAD_OF_LETTER = dict(zip(" 23456789abc", STANDARD_12, strict=True))
_BEATS = {0: "Q", 1: "N", 2: "V", 3: "A", 4: "F", 5: "J", 6: "/"}
_INFO = (
    ("date", 32), ("acquisition_id", 40), ("phone_id", 44), ("phone", 32),
    ("software_version", 32), ("device_model", 32), ("device_data", 52),
)  # fmt: skip
_TICK = np.dtype([("at", "<u4"), ("kind", "<u2")])
_MOTION = np.dtype([("at", "<u8"), ("x", "<f4"), ("y", "<f4"), ("z", "<f4")])
_MV_PER_NV = 1e-6


def read_alivecor_atc(
    path: Path, *, unit: str | None = None, ignore_checksum: bool = False
) -> Record:
    """Read an AliveCor ATC recording.

    Parameters
    ----------
    path
        The file; its end may be missing.
    unit
        What one step of the converter is, instead of what the file says: ``"500 nV"``.
    ignore_checksum
        Whether to read on where the checksum of a block is wrong.

    Returns
    -------
    The record of one, six or twelve leads. Beats are in ``carried.annotations``, average beats in
    ``carried.median``.

    Raises
    ------
    FormatError
        If the file is damaged, of a newer version, or has no format block.
    LeadError
        If it holds no lead.
    SamplingRateError
        If the sampling rate is 0.
    UnitError
        If the resolution is 0.

    Notes
    -----
    Behind signature and version stand blocks in any order: four letters, a length, data, and a
    checksum. The published text calls the checksum a CRC-32; what devices and the maker's own
    program write is the sum of all bytes of the block before it. Either is accepted. Blocks of
    unknown name are passed over. Leads that end early are NaN from there on.

    References
    ----------
    AliveCor. ATC file format specification 1.7.
    """
    name = path.name
    content = path.read_bytes()
    _check_signature(content, name)
    remarks: list[Remark] = []
    warnings: list[str] = []
    blocks: dict[bytes, bytes] = {}
    for label, data, right in _blocks(content, remarks):
        if not right:
            shown = label.decode("ascii", "replace").strip()
            if not ignore_checksum:
                raise FormatError(
                    f"'{name}' has a block '{shown}' that does not match its checksum, so a value "
                    "in it was changed. Copy the file again, or read it as it is with "
                    "ignore_checksum=True (--ignore-checksum)."
                )
            warnings.append(f"The checksum of block '{shown}' is wrong; it was ignored as asked.")
        blocks.setdefault(label, data)
    fs, step, flags = _format(blocks.get(b"fmt "), unit, name)
    rows = _rows(blocks, b"ecg")
    if not rows:
        raise LeadError(f"'{name}' holds no lead. Copy or export the file again.")
    signal = _stack(rows, step, remarks)
    info = _info(blocks.get(b"info", b""))
    return Record(
        signal=signal,
        fs=fs,
        leads=tuple(rows),
        start_time=_moment(info.pop("date", "")),
        carried=Carried(
            annotations=_annotations(blocks.get(b"ann "), fs, signal.shape[1], remarks),
            median=_median(blocks, fs, step),
            header=info | _filters(flags),
        ),
        companions=_motion(blocks.get(b"acc ")),
        remarks=tuple(remarks),
        source=Source(method="read:alivecor-atc", warnings=tuple(warnings)),
    )


def _check_signature(content: bytes, name: str) -> None:
    if not content.startswith(_SIGNATURE):
        raise FormatError(
            f"'{name}' is no AliveCor ATC recording: it does not begin with the letters ALIVE. "
            "Read it without format=, so that its content decides."
        )
    version = int.from_bytes(content[8:12], "little")
    if len(content) < 12 or version > _NEWEST:
        raise FormatError(
            f"'{name}' is of ATC version {version}; versions up to {_NEWEST} are read. Export it "
            "as PDF or ask AliveCor for another format."
            if len(content) >= 12
            else f"'{name}' ends within its header. Copy or export the file again."
        )


def _blocks(content: bytes, remarks: list[Remark]) -> Iterator[tuple[bytes, bytes, bool]]:
    """Give name, data and whether the checksum is right, of one block after another."""
    at = 12
    while at < len(content):
        label = content[at : at + 4]
        length = int.from_bytes(content[at + 4 : at + 8], "little")
        end = at + 8 + length
        if end + 4 > len(content):
            remarks.append(
                Remark(
                    code="truncated",
                    text="The file ends within a block; what is there was read, unverified.",
                )
            )
            if len(content) >= at + 8:
                yield label, content[at + 8 : end], True
            return
        body = content[at:end]
        stored = int.from_bytes(content[end : end + 4], "little")
        total = int(np.frombuffer(body, np.uint8).sum(dtype=np.uint64)) & 0xFFFFFFFF
        yield label, body[8:], stored in (total, zlib.crc32(body))
        at = end + 4


def _format(block: bytes | None, unit: str | None, name: str) -> tuple[float, float, int]:
    """Return sampling rate, millivolts in one step, and flags."""
    if block is None or len(block) < 6:
        raise FormatError(
            f"'{name}' has no format block, so neither sampling rate nor resolution are known. "
            "Copy or export the file again."
        )
    kind, fs, resolution = block[0], block[1] | block[2] << 8, block[3] | block[4] << 8
    if kind != 1:
        raise FormatError(
            f"'{name}' stores its samples in form {kind}; form 1 (16-bit integers) was needed. "
            "Ask AliveCor for another format."
        )
    if not fs:
        raise SamplingRateError(
            f"'{name}' states a sampling rate of 0 Hz. The file is damaged: copy it again."
        )
    if unit is not None:
        return float(fs), require_millivolts(unit), block[5]
    if not resolution:
        raise UnitError(
            f"'{name}' states a resolution of 0 nV. Devices of AliveCor use 500 nV: if so, say it "
            "with unit='500 nV'."
        )
    return float(fs), resolution * _MV_PER_NV, block[5]


def _rows(blocks: dict[bytes, bytes], kind: bytes) -> dict[str, np.ndarray]:
    """Return the samples of each lead, in the standard order."""
    found = {}
    for letter, lead in _LEAD_OF_LETTER.items():
        data = blocks.get(kind + letter.encode())
        if data is not None and len(data) >= 2:
            found[lead] = np.frombuffer(data, "<i2", len(data) // 2)
    return found


def _stack(
    rows: dict[str, np.ndarray], step: float, remarks: list[Remark]
) -> Float[np.ndarray, "lead sample"]:
    length = max(row.size for row in rows.values())
    short = tuple(lead for lead, row in rows.items() if row.size < length)
    signal = np.full((len(rows), length), np.nan, np.float32)
    for out, row in zip(signal, rows.values(), strict=True):
        np.multiply(row, step, out=out[: row.size], casting="same_kind", dtype=np.float64)
    if short:
        remarks.append(
            Remark(
                code="leads-short",
                text="Leads that end before the others are NaN from there on: "
                + ", ".join(short)
                + ".",
                leads=short,
            )
        )
    return signal


def _median(blocks: dict[bytes, bytes], fs: float, step: float) -> MedianBeat | None:
    """Return the median beat, or the average beat where there is no median."""
    rows = _rows(blocks, b"med") or _rows(blocks, b"avg")
    if not rows:
        return None
    return MedianBeat(signal=_stack(rows, step, []), fs=fs, leads=tuple(rows))


def _annotations(
    block: bytes | None, fs: float, n_samples: int, remarks: list[Remark]
) -> Annotations | None:
    if block is None or len(block) < 4 + _TICK.itemsize:
        return None
    ticks_per_s = int.from_bytes(block[:4], "little")
    ticks = np.frombuffer(block, _TICK, (len(block) - 4) // _TICK.itemsize, 4)
    if not ticks_per_s:
        remarks.append(
            Remark(
                code="annotations-unread",
                text="The beats are counted in ticks of unknown length and were not read.",
            )
        )
        return None
    sample = np.rint(ticks["at"] * (fs / ticks_per_s)).astype(np.int64)
    inside = np.flatnonzero(sample < n_samples)
    if inside.size < sample.size:
        n_beyond = sample.size - inside.size
        remarks.append(
            Remark(
                code="annotations-beyond",
                text=f"{n_beyond} beats lie behind the end of the recording and were left out.",
            )
        )
    order = inside[np.argsort(sample[inside], kind="stable")]
    kinds = ticks["kind"][order].tolist()
    return Annotations(
        sample=sample[order],
        symbol=tuple(_BEATS.get(kind, "Q") for kind in kinds),
        aux=("",) * order.size,
    )


def _motion(block: bytes | None) -> tuple[Companion, ...]:
    """Return the acceleration where it was taken at one pace."""
    if block is None or len(block) < 4 + 3 * _MOTION.itemsize:
        return ()
    ticks_per_s = int.from_bytes(block[:4], "little")
    samples = np.frombuffer(block, _MOTION, (len(block) - 4) // _MOTION.itemsize, 4)
    steps = np.diff(samples["at"].astype(np.float64))
    pace = float(np.median(steps))
    # Without a steady pace there is no sampling rate.
    if not ticks_per_s or pace <= 0 or np.abs(steps - pace).max() > 0.5 * pace:
        return ()
    late = round(int(samples["at"][0]) / pace)
    if late > samples.size + 1000:
        return ()
    before = np.full(late, np.nan, np.float32)
    axes = ((axis, samples[axis].astype(np.float32)) for axis in ("x", "y", "z"))
    return tuple(
        Companion(
            name=f"acceleration {axis}",
            signal=np.append(before, np.where(np.abs(values) < 1e6, values, np.float32(np.nan))),
            fs=ticks_per_s / pace,
            unit="g",
        )
        for axis, values in axes
    )


def _info(block: bytes) -> dict[str, str]:
    """Return the texts of the info block; those that identify a phone are left out."""
    found, at = {}, 0
    for key, width in _INFO:
        text = block[at : at + width].split(b"\0", 1)[0].decode("utf-8", "replace").strip()
        text = "".join(letter for letter in text if letter.isprintable())
        if text and key != "phone_id":
            found[key] = text
        at += width
    if found:
        found["manufacturer"] = "AliveCor"
    return found


def _filters(flags: int) -> dict[str, str]:
    mains = "60" if flags & 2 else "50"
    found = {"mains_hz": mains}
    if flags & (4 | 32):
        found["filter_notch_hz"] = mains
    if flags & 16:
        found["filter_highpass_hz"] = "0.1"
    if flags & 8:
        found["filter_lowpass"] = "on"
    if flags & 64:
        found["filter_enhanced"] = "on"
    return found


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
