# SPDX-License-Identifier: Apache-2.0
"""QRS complexes of an SCP-ECG file, and the reference beat that was subtracted from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from precordia.io.scp_ecg_sections import Sections

_PLACE, _ZONE = 14, 8


class Beat(NamedTuple):
    """A QRS complex of section 4; samples as the file numbers them.

    ``kind`` is the number of its reference beat. From ``start`` to ``end`` that beat was
    subtracted if ``kind`` is 0. ``protected`` is the stretch that was not decimated, if any.
    """

    kind: int
    start: int
    fiducial: int
    end: int
    protected: tuple[int, int] | None


class Places(NamedTuple):
    """Section 4: length of the reference beat in ms, its fiducial sample from 1, and all beats."""

    length_ms: int
    fiducial: int
    beats: list[Beat]


def read_places(sections: Sections) -> Places:
    """Read section 4; what is missing of it is left out.

    Examples
    --------
    >>> read_places(Sections({}))
    Places(length_ms=0, fiducial=0, beats=[])
    """
    section = sections.get(4, 6)
    if section is None:
        return Places(0, 0, [])
    count = min(section.u16(4), (len(section.body) - 6) // _PLACE)
    zones = 6 + _PLACE * count
    has_zones = count > 0 and len(section.body) >= zones + _ZONE * count
    beats = []
    for k in range(count):
        at = 6 + _PLACE * k
        zone = None
        if has_zones:
            first = zones + _ZONE * k
            zone = (section.u32(first), section.u32(first + 4))
        beats.append(
            Beat(
                section.u16(at),
                section.u32(at + 2),
                section.u32(at + 6),
                section.u32(at + 10),
                zone,
            )
        )
    return Places(section.u16(0), section.u16(2), beats)


def smooth(row: Int[np.ndarray, " sample"]) -> Int[np.ndarray, " sample"]:
    """Return means of three samples, rounded away from zero; the first and last as they are.

    Examples
    --------
    >>> smooth(np.array([4, 0, 0, -4, 0]))
    array([ 4,  2, -2, -2,  0])
    """
    if row.size < 3:
        return row
    sums = row[:-2] + row[1:-1] + row[2:]
    means = row.copy()
    means[1:-1] = np.sign(sums) * ((np.abs(sums) + 2) // 3)
    return means


def add_beat(
    row: Int[np.ndarray, " sample"],
    template: Int[np.ndarray, " _"],
    places: Places,
    *,
    start: int,
    smoothed: bool,
) -> tuple[Int[np.ndarray, " sample"], int]:
    """Add reference beat 0 to the residual of a lead, where it had been subtracted.

    Parameters
    ----------
    row
        The residual, in the steps of the beat.
    template
        The reference beat.
    places
        Where it was subtracted.
    start
        Number that the file gives to the first sample of the row.
    smoothed
        Whether the residual is smoothed outside the stretches of subtraction.

    Returns
    -------
    The samples, and how many stretches reach beyond the beat or the row.

    Examples
    --------
    >>> places = Places(6, 2, [Beat(0, 3, 3, 4, None)])
    >>> add_beat(np.array([1, 1, 1, 1, 1]), np.array([7, 8, 9]), places, start=1, smoothed=False)
    (array([ 1,  1,  9, 10,  1]), 0)
    """
    whole = smooth(row) if smoothed else row.copy()
    subtracted = [beat for beat in places.beats if beat.kind == 0]
    if smoothed:
        for beat in subtracted:
            zone = slice(max(0, beat.start - start), max(0, beat.end + 3 - start))
            whole[zone] = row[zone]
    outside = 0
    for beat in subtracted:
        # The sample of the file that the first one of the beat lies on.
        origin = beat.fiducial - places.fiducial + 1
        first = max(beat.start, start, origin)
        last = min(beat.end, start + row.size - 1, origin + template.size - 1)
        outside += first != beat.start or last != beat.end
        if last >= first:
            whole[first - start : last - start + 1] += template[first - origin : last - origin + 1]
    return whole, outside


def same_length(rows: Sequence[np.ndarray]) -> Int[np.ndarray, "lead sample"]:
    """Return rows cut to the shortest of them, as one array."""
    length = min(row.size for row in rows)
    return np.array([row[:length] for row in rows])
