# SPDX-License-Identifier: Apache-2.0
"""The header that ISHNE recordings and ISHNE annotations share."""

from __future__ import annotations

import binascii
import struct
from dataclasses import dataclass
from datetime import date, datetime

from precordia.core.errors import FormatError

#: bytes of signature, checksum and fixed block
FIXED_BYTES = 522
MAX_LEADS = 12
#: longer variable blocks are not verified nor kept
_MAX_BLOCK = 1 << 15
_LAYOUT = struct.Struct(
    "<8sHiiiih40s40s20sHH3h3h3h3hh12h12h12hH40sh80s80s88s",
)


@dataclass(frozen=True, slots=True)
class IshneHeader:
    """What the header says.

    Attributes
    ----------
    is_annotation
        Whether annotations follow instead of samples.
    n_samples
        Samples of each lead that are declared.
    ecg_offset
        Where the samples or annotations begin, bytes.
    lead_codes, qualities, resolutions_nv
        One per lead.
    fs
        Sampling rate, Hz.
    start_time, birth_date
        None where unknown.
    sex, pacemaker
        Codes as stored; 0 is unknown or none.
    comment
        Text of the variable block.
    warnings
        What was overridden.
    """

    is_annotation: bool
    file_version: int
    n_samples: int
    ecg_offset: int
    lead_codes: tuple[int, ...]
    qualities: tuple[int, ...]
    resolutions_nv: tuple[int, ...]
    fs: float
    start_time: datetime | None
    birth_date: date | None
    first_name: str
    last_name: str
    patient_id: str
    sex: int
    pacemaker: int
    recorder: str
    comment: str
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"IshneHeader({len(self.lead_codes)} leads, {self.fs:g} Hz, {self.n_samples})"


def parse_ishne_header(head: bytes, *, name: str, ignore_checksum: bool = False) -> IshneHeader:
    """Take an ISHNE header apart.

    Parameters
    ----------
    head
        The beginning of the file: at least the header with its variable block.
    name
        Name of the file, for the error sentences.
    ignore_checksum
        Whether to go on where the checksum is wrong.

    Returns
    -------
    The header.

    Raises
    ------
    FormatError
        If it is cut off, of another version, contradicts itself, or its checksum is wrong.

    Examples
    --------
    >>> parse_ishne_header(b"ISHNE9.0" + bytes(600), name="a.ecg")
    Traceback (most recent call last):
        ...
    precordia.core.errors.FormatError: 'a.ecg' is of ISHNE version '9.0'; version 1.0 was needed...
    """
    is_annotation = _checked_signature(head[:8], name)
    if len(head) < FIXED_BYTES:
        raise FormatError(
            f"'{name}' ends within its header, after {len(head)} bytes. Copy or export the file "
            "again."
        )
    fields = list(_LAYOUT.unpack_from(head))
    _, crc, block_bytes, n_samples, block_at, ecg_at, version = fields[:7]
    first_name, last_name, patient_id, sex, _race = fields[7:12]
    born, recorded, _filed, clock = fields[12:15], fields[15:18], fields[18:21], fields[21:24]
    n_leads = fields[24]
    codes, qualities, steps = fields[25:37], fields[37:49], fields[49:61]
    pacemaker, recorder, fs = fields[61:64]
    if ecg_at == 0:
        ecg_at = FIXED_BYTES + max(0, block_bytes)
    if ecg_at < FIXED_BYTES or block_bytes < 0:
        raise FormatError(
            f"'{name}' places its samples at byte {ecg_at}, within the header. The header is "
            "damaged: copy or export the file again."
        )
    if not is_annotation and not 1 <= n_leads <= MAX_LEADS:
        raise FormatError(
            f"'{name}' declares {n_leads} leads; 1 to {MAX_LEADS} were needed. The header is "
            "damaged: copy or export the file again."
        )
    n_leads = min(max(n_leads, 0), MAX_LEADS)
    block = b""
    if 0 < block_bytes <= _MAX_BLOCK and block_at >= FIXED_BYTES:
        block = head[block_at : block_at + block_bytes]
    warnings = _checked_crc(head, crc, ecg_at, name, ignore_checksum)
    return IshneHeader(
        is_annotation=is_annotation,
        file_version=version,
        n_samples=n_samples,
        ecg_offset=ecg_at,
        lead_codes=tuple(codes[:n_leads]),
        qualities=tuple(qualities[:n_leads]),
        resolutions_nv=tuple(steps[:n_leads]),
        fs=float(fs),
        start_time=_moment(recorded, clock),
        birth_date=_date(born),
        first_name=_text(first_name),
        last_name=_text(last_name),
        patient_id=_text(patient_id),
        sex=sex,
        pacemaker=pacemaker,
        recorder=_text(recorder),
        comment=_text(block),
        warnings=warnings,
    )


def _checked_signature(signature: bytes, name: str) -> bool:
    """Return whether the file holds annotations; refuse unknown signatures and versions."""
    plain = signature.rstrip(b"\0 ")
    for word in (b"ISHNE", b"ANN"):
        if not plain.startswith(word):
            continue
        version = plain[len(word) :].strip()
        # Older writers leave the version out.
        if version in (b"", b"1.0", b"1"):
            return word == b"ANN"
        shown = version.decode("ascii", "replace")
        raise FormatError(
            f"'{name}' is of ISHNE version '{shown}'; version 1.0 was needed. Export it anew as "
            "ISHNE 1.0, or as EDF."
        )
    raise FormatError(
        f"'{name}' is no ISHNE recording: it does not begin with the letters ISHNE. Read it "
        "without format=, so that its content decides."
    )


def _checked_crc(
    head: bytes, stored: int, ecg_at: int, name: str, ignore_checksum: bool
) -> tuple[str, ...]:
    if stored == 0:
        return ()
    for end in (FIXED_BYTES, ecg_at):
        if end <= len(head) and binascii.crc_hqx(head[10:end], 0xFFFF) == stored:
            return ()
    if ecg_at > len(head):
        return ("The checksum of the header was not verified: its variable block is too long.",)
    if not ignore_checksum:
        raise FormatError(
            f"'{name}' has a header that does not match its checksum, so a value in it was "
            "changed. Copy the file again, or read it as it is with ignore_checksum=True "
            "(--ignore-checksum)."
        )
    return ("The checksum of the header is wrong; it was ignored as asked.",)


def _text(field: bytes) -> str:
    cut = field.split(b"\0", 1)[0].decode("latin-1").strip()
    return "".join(letter for letter in cut if letter.isprintable())


def _date(fields: list[int]) -> date | None:
    day, month, year = fields
    try:
        return date(year, month, day) if 1850 <= year <= 2200 else None
    except ValueError:
        return None


def _moment(day: list[int], clock: list[int]) -> datetime | None:
    """Return when the recording began; None unless both day and time are known."""
    found = _date(day)
    hour, minute, second = clock
    if found is None or not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60):
        return None
    return datetime(found.year, found.month, found.day, hour, minute, second)
