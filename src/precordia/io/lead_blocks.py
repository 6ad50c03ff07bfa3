# SPDX-License-Identifier: Apache-2.0
"""Leads that were recorded at different times, put on one clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from precordia.core.record import Companion, Remark
from precordia.io.lead_names import unique_leads

#: a clock may be this much longer than what was recorded on it
_STRETCH = 4
#: samples of all leads together that are always allowed, whatever was recorded
_SMALL = 1 << 25


@dataclass(slots=True)
class LeadBlock:
    """Some leads that begin at one moment and share a sampling rate.

    Attributes
    ----------
    start_s
        When the first sample was taken, seconds on a clock that all blocks share.
    fs
        Sampling rate, Hz.
    leads, rows
        Names, and samples in millivolts; rows may differ in length.
    """

    start_s: float
    fs: float
    leads: list[str] = field(default_factory=list)
    rows: list[Float[np.ndarray, " sample"]] = field(default_factory=list)

    @property
    def n_samples(self) -> int:
        """Length of the longest row."""
        return max((row.size for row in self.rows), default=0)

    @property
    def total(self) -> int:
        """Samples of all rows together."""
        return sum(row.size for row in self.rows)


@dataclass(frozen=True, slots=True)
class OneClock:
    """Blocks as one signal: what `merge_blocks` returns.

    Attributes
    ----------
    signal, leads, fs
        As in a record.
    start_s
        When its first sample was taken, on the clock of the blocks.
    others
        Blocks that have another sampling rate, or lie too far away.
    """

    signal: Float[np.ndarray, "lead sample"]
    leads: tuple[str, ...]
    fs: float
    start_s: float
    others: tuple[LeadBlock, ...]


def merge_blocks(blocks: Sequence[LeadBlock], remarks: list[Remark]) -> OneClock:
    """Put blocks on the clock of the largest; where nothing was recorded is NaN.

    A lead continues its row where that is still free, and is numbered where it is not.

    Parameters
    ----------
    blocks
        At least one with at least one row.
    remarks
        Takes what was noticed: blocks too far apart, leads that share a name.

    Examples
    --------
    >>> a = LeadBlock(0.0, 2.0, ["I"], [np.ones(2)])
    >>> b = LeadBlock(2.0, 2.0, ["I"], [np.zeros(1)])
    >>> merge_blocks([a, b], []).signal
    array([[ 1.,  1., nan, nan,  0.]], dtype=float32)
    """
    main = max(blocks, key=lambda block: block.total)
    same = [block for block in blocks if block.rows and block.fs == main.fs]
    others = [block for block in blocks if block.rows and block.fs != main.fs]
    if len(same) == 1 and all(row.size == main.n_samples for row in main.rows):
        signal = np.stack(main.rows).astype(np.float32, copy=False)
        leads = unique_leads(main.leads, remarks)
        return OneClock(signal, leads, main.fs, main.start_s, tuple(others))
    begin = min(block.start_s for block in same)
    starts = [(block.start_s - begin) * main.fs for block in same]
    span = max(s + block.n_samples for s, block in zip(starts, same, strict=True))
    stored = sum(block.total for block in same)
    n_names = len({lead for block in same for lead in block.leads})
    if not span * n_names <= max(_STRETCH * stored, _SMALL):
        remarks.append(
            Remark(
                code="groups-apart",
                text="Parts of the recording lie too far apart in time to be one record; the "
                "largest was read.",
            )
        )
        others += [block for block in same if block is not main]
        same, starts, begin = [main], [0.0], main.start_s
    places = [round(start) for start in starts]
    length = max(at + block.n_samples for at, block in zip(places, same, strict=True))
    names: list[str] = []
    rows: list[Float[np.ndarray, " sample"]] = []
    for at, block in zip(places, same, strict=True):
        for lead, values in zip(block.leads, block.rows, strict=True):
            row = _free_row(names, rows, lead, at, values.size)
            if row is None:
                row = np.full(length, np.nan, np.float32)
                names.append(lead)
                rows.append(row)
            row[at : at + values.size] = values
    return OneClock(np.stack(rows), unique_leads(names, remarks), main.fs, begin, tuple(others))


def companions_of(clock: OneClock, remarks: list[Remark]) -> tuple[Companion, ...]:
    """Return blocks of another sampling rate that begin with the signal; the rest is remarked on.

    Parameters
    ----------
    clock
        What `merge_blocks` returned.
    remarks
        Takes which parts of the recording were left.
    """
    found: list[Companion] = []
    left = 0
    for block in clock.others:
        if abs(block.start_s - clock.start_s) * min(block.fs, clock.fs) >= 1:
            left += 1
            continue
        found += [
            Companion(name=lead, signal=row, fs=block.fs, unit="mV")
            for lead, row in zip(block.leads, block.rows, strict=True)
            if row.size
        ]
    if left:
        remarks.append(
            Remark(
                code="parts-left",
                text=f"{left} parts of the recording begin at another time and could not be put "
                "beside it; they were left.",
            )
        )
    return tuple(found)


def _free_row(
    names: list[str], rows: list[np.ndarray], lead: str, at: int, size: int
) -> np.ndarray | None:
    """Return the row of a lead in which nothing stands yet at some samples."""
    for name, row in zip(names, rows, strict=True):
        if name == lead and np.isnan(row[at : at + size]).all():
            return row
    return None
