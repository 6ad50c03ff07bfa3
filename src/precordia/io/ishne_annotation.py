# SPDX-License-Identifier: Apache-2.0
"""Read the annotations of an ISHNE recording."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from precordia.core.errors import FormatError
from precordia.core.record import Annotations
from precordia.io.ishne_header import FIXED_BYTES, parse_ishne_header

MAX_ANNOTATION_BYTES = 1 << 28
#: our annotation code and a word for each label that has one; the others stay as they are
_LABELS = {
    "P": ("/", ""),
    "X": ("|", "artifact"),
    "U": ("Q", ""),
    "C": ('"', "calibration"),
    "!": ('"', "timeout"),
}
_ENTRY = np.dtype([("label", "u1"), ("internal", "u1"), ("interval", "<u2")])


def read_ishne_annotations(path: Path, *, fs: float | None = None) -> Annotations:
    """Read an ISHNE annotation file.

    Parameters
    ----------
    path
        The file, which usually ends in ``.ann``.
    fs
        Sampling rate at which positions are wanted, Hz; by default that of the file itself.

    Returns
    -------
    Annotations in the order of time, under the codes of WFDB: N, S, V, F and B as they are, P
    (paced) as ``/``, X (artifact) as ``|``, U (unknown) as ``Q``; calibration and timeouts are
    notes.

    Raises
    ------
    FormatError
        If it is no annotation file, too large, or cut within its header.

    Notes
    -----
    Behind the header stand the position of the first sample (32 bits) and for every annotation a
    label, a byte of the maker, and the samples since the annotation before it (16 bits).

    References
    ----------
    Telemetric and Holter ECG Warehouse, ISHNE annotation format. http://thew-project.org
    """
    name = path.name
    size = path.stat().st_size
    if size > MAX_ANNOTATION_BYTES:
        raise FormatError(
            f"'{name}' has {size:,} bytes; an annotation file has at most "
            f"{MAX_ANNOTATION_BYTES:,}. Check that it is one."
        )
    content = path.read_bytes()
    header = parse_ishne_header(content, name=name, ignore_checksum=True)
    if not header.is_annotation:
        raise FormatError(f"'{name}' holds samples, not annotations. Read it as a recording.")
    # Writers copy the header of the recording, its offset included.
    at = FIXED_BYTES if header.ecg_offset > len(content) else header.ecg_offset
    if len(content) < at + 4:
        raise FormatError(
            f"'{name}' ends before its first annotation. Copy or export the file again."
        )
    first = int.from_bytes(content[at : at + 4], "little", signed=True)
    count = (len(content) - at - 4) // _ENTRY.itemsize
    entries = np.frombuffer(content, _ENTRY, count, at + 4)
    sample = max(0, first) + np.cumsum(entries["interval"], dtype=np.int64)
    if fs is not None and header.fs > 0 and header.fs != fs:
        sample = np.rint(sample * (fs / header.fs)).astype(np.int64)
    spelled = [chr(label) if 32 < label < 127 else "Q" for label in entries["label"].tolist()]
    pairs = [_LABELS.get(label, (label, "")) for label in spelled]
    return Annotations(
        sample=sample,
        symbol=tuple(symbol for symbol, _ in pairs),
        aux=tuple(word for _, word in pairs),
    )
