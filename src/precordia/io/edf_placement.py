# SPDX-License-Identifier: Apache-2.0
"""How many data records an EDF file holds, and where they lie on the clock."""

from __future__ import annotations

import math

import numpy as np

from precordia.core.errors import FormatError
from precordia.core.record import Remark
from precordia.io.edf_header import EdfLayout

#: a gapped recording may be this many times longer than what was recorded, and a minimum
_LARGEST_STRETCH, _ALWAYS_ALLOWED_S = 16, 48 * 3600


def held_records(layout: EdfLayout, n_bytes: int, name: str, remarks: list[Remark]) -> int:
    """Return how many complete data records the file holds, with a remark where it should be else.

    Raises
    ------
    FormatError
        If it holds none.
    """
    size, rest = layout.record_bytes, n_bytes - len(layout.header)
    if size == 0:
        raise FormatError(
            f"'{name}' declares data records without samples. The header is damaged: copy or "
            "export the file again."
        )
    held = rest // size
    if held < 1:
        raise FormatError(
            f"'{name}' holds no complete data record: one has {size:,} bytes and "
            f"{max(0, rest):,} follow the header. The file is cut or its "
            "header damaged: copy or export it again."
        )
    declared = layout.n_records
    if declared == -1:
        remarks.append(
            Remark(
                code="not-closed",
                text="The recorder did not close the file; its length was taken from its size.",
            )
        )
        return held
    if declared < 1:
        raise FormatError(
            f"'{name}' declares {declared} data records; at least one was needed. The header is "
            "damaged: copy or export the file again."
        )
    if held < declared:
        remarks.append(
            Remark(
                code="truncated",
                text=f"The file declares {declared} data records and holds {held}; what is there "
                "was read.",
            )
        )
    elif rest > declared * size:
        remarks.append(
            Remark(
                code="bytes-left-over",
                text=f"{rest - declared * size} bytes follow the declared data records and were "
                "not read.",
            )
        )
    return min(held, declared)


def record_offsets(
    starts: list[float], duration_s: float, name: str, remarks: list[Remark]
) -> np.ndarray:
    """Return when the data records of a discontinuous recording begin after the first, seconds.

    Raises
    ------
    FormatError
        If they do not say, overlap, or are spread over more time than can be.
    """
    times, n_records = np.array(starts), len(starts)
    if not np.isfinite(times).all() or (np.diff(times) < duration_s * 0.999).any():
        raise FormatError(
            f"'{name}' is a discontinuous recording whose data records do not say when they "
            "begin, or overlap. It cannot be placed in time: export it again."
        )
    offsets = times - times[0]
    length, recorded = float(offsets[-1]) + duration_s, n_records * duration_s
    if not length <= max(_LARGEST_STRETCH * recorded, _ALWAYS_ALLOWED_S) or math.isinf(length):
        raise FormatError(
            f"'{name}' spreads {recorded:g} s of recording over {length:g} s. Its time stamps are "
            "damaged, or it is many recordings: split it."
        )
    gap = length - recorded
    if gap > 0.5 * duration_s / n_records and gap > 1e-6:
        remarks.append(
            Remark(code="gaps", text=f"The recording has gaps of {gap:g} s in all; NaN there.")
        )
    return offsets


def spread(
    signal: np.ndarray, per_record: int, duration_s: float, offsets: np.ndarray | None
) -> np.ndarray:
    """Put the records of signals, rows of samples, in their places; between them is NaN."""
    if offsets is None:
        return signal
    firsts = np.rint(offsets * (per_record / duration_s)).astype(np.int64)
    if (np.diff(firsts) == per_record).all():
        return signal
    placed = np.full((*signal.shape[:-1], int(firsts[-1]) + per_record), np.nan, np.float32)
    for r, first in enumerate(firsts):
        placed[..., first : first + per_record] = signal[..., r * per_record : (r + 1) * per_record]
    return placed
