# SPDX-License-Identifier: Apache-2.0
"""The samples of an SCP-ECG file: leads, differences, decimated stretches, reference beats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from precordia.core.errors import FormatError, LeadError, SamplingRateError
from precordia.core.record import Remark
from precordia.io.lead_names import SCP_LEADS
from precordia.io.scp_ecg_huffman import Code, decode_rows, parse_tables
from precordia.io.scp_ecg_sections import Section, Sections

_OTHER_LEADS = {19: "CC5", 20: "CM5", 92: "MCL1", 96: "MCL5", 97: "MCL6", 99: "CC1"}
#: a clock may be this much longer than what was recorded on it
_STRETCH = 4


class Lead(NamedTuple):
    """A lead of section 3: its name, and the numbers of its first and last sample."""

    name: str
    start: int
    end: int


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


@dataclass(slots=True)
class Rhythm:
    """Decoded samples, and what belongs to them.

    Attributes
    ----------
    leads
        Name, first and last sample number of each.
    rows
        Samples of each lead in steps of ``step_nv`` nanovolts.
    first_sample
        Number that the file gives to the first sample of the record.
    beats
        QRS complexes of section 4.
    reference
        Reference beat 0, (lead, sample), in steps of ``reference_step_nv``; None without.
    reference_fs
        Its sampling rate, Hz.
    reference_fiducial
        Sample of its fiducial point, from 1; 0 where the file does not say.
    """

    leads: list[Lead]
    rows: list[Int[np.ndarray, " sample"]]
    fs: float
    step_nv: float
    first_sample: int
    beats: list[Beat] = field(default_factory=list)
    reference: Int[np.ndarray, "lead sample"] | None = None
    reference_step_nv: float = math.nan
    reference_fs: float = math.nan
    reference_fiducial: int = 0


class _Encoded(NamedTuple):
    """Sections 5 and 6 after decompression."""

    step_nv: int
    interval_us: int
    bimodal: bool
    rows: list[Int[np.ndarray, " sample"]]


def read_rhythm(sections: Sections, name: str) -> Rhythm:
    """Decode sections 3 to 6.

    Parameters
    ----------
    sections
        The sections of the file; remarks are added to them.
    name
        What to call the file in errors.

    Returns
    -------
    The rhythm recording as it was before compression.

    Raises
    ------
    FormatError
        If a section that is needed is missing or incomplete.
    LeadError
        If there is no lead.
    SamplingRateError
        If the sampling interval is 0.

    Notes
    -----
    Samples are whole numbers of 16 bits and differences wrap around as those do. Where reference
    beats were subtracted, the residual is brought to the steps of the reference beat; if its own
    steps are coarser, a mean of three samples rounded away from zero smooths it, but not from the
    beginning of a stretch of subtraction to two samples after its end; then the beat is added
    back. Where bimodal compression decimated the stretches between QRS complexes,
    they are interpolated linearly between the means that were stored, held at both ends, and
    smoothed likewise.

    The number of samples is that of section 6, whatever section 3 says.
    """
    layout = _leads(sections, name)
    section = sections.get(6, 6)
    if section is None:
        if sections.get(12) is not None:
            raise FormatError(
                f"'{name}' holds its rhythm as a long-term recording (section 12 of SCP-ECG 3.0), "
                "which is not read. Export a resting ECG, or another format."
            )
        raise FormatError(
            f"'{name}' holds no rhythm (section 6). Export the recording with its samples."
        )
    tables_section = sections.get(2, 2)
    tables = [] if tables_section is None else parse_tables(tables_section, name)
    reference_ms, fiducial, beats = _beats(sections)
    subtracted = bool((sections.by_number[3].u8(1)) & 1)
    reference = _reference(sections, len(layout), tables, reference_ms, name)
    # Decimated leads hold fewer samples than section 3 counts; all of them are decoded.
    counts: list[int | None] = [
        max(0, lead.end - lead.start + 1) if lead.end >= max(lead.start, 1) else None
        for lead in layout
    ]
    coded = _decode(section, len(layout), tables, counts, name)
    if coded.interval_us == 0:
        raise SamplingRateError(
            f"'{name}' gives a sampling interval of 0. Copy or export the file again."
        )
    rhythm = Rhythm(
        leads=layout,
        rows=coded.rows,
        fs=1e6 / coded.interval_us,
        step_nv=coded.step_nv,
        first_sample=layout[0].start,
        beats=beats,
        reference_fiducial=fiducial,
    )
    if coded.step_nv == 0:
        raise FormatError(
            f"'{name}' gives steps of 0 nanovolts, so the amplitudes are unknown. Export it again."
        )
    if reference is not None:
        rhythm.reference_step_nv = reference.step_nv
        rhythm.reference_fs = 1e6 / reference.interval_us
        rhythm.reference = _same_length(reference.rows)
    if coded.bimodal:
        _expand(rhythm, coded, reference, sections.remarks, name)
    if subtracted:
        _add_reference(rhythm, sections.remarks, name)
    _compare_lengths(rhythm, sections.remarks)
    return rhythm


def place_rows(rhythm: Rhythm, remarks: list[Remark]) -> Float[np.ndarray, "lead sample"]:
    """Put the leads on one clock, in steps; NaN where a lead was not recorded.

    Examples
    --------
    >>> rows = [np.array([1, 2]), np.array([3])]
    >>> leads = [Lead("I", 1, 2), Lead("II", 2, 2)]
    >>> place_rows(Rhythm(leads, rows, 500.0, 1000.0, 1), [])
    array([[ 1.,  2.],
           [nan,  3.]])
    """
    first = min(lead.start for lead in rhythm.leads)
    starts = [lead.start - first for lead in rhythm.leads]
    sizes = [row.size for row in rhythm.rows]
    length = max(start + size for start, size in zip(starts, sizes, strict=True))
    if length > _STRETCH * sum(sizes):
        remarks.append(
            Remark(
                code="leads-apart",
                text="Leads are said to begin too far apart to be one recording; they were read "
                "as if they began together.",
            )
        )
        starts, length = [0] * len(sizes), max(sizes)
    rhythm.first_sample = first
    if starts == [0] * len(sizes) and min(sizes) == length:
        return np.array(rhythm.rows, np.float64)
    signal = np.full((len(sizes), length), np.nan)
    for line, start, row in zip(signal, starts, rhythm.rows, strict=True):
        line[start : start + row.size] = row
    return signal


def _leads(sections: Sections, name: str) -> list[Lead]:
    section = sections.get(3, 2)
    if section is None:
        raise FormatError(
            f"'{name}' does not say which leads it holds (section 3). Copy or export it again."
        )
    count = min(section.u8(0), (len(section.body) - 2) // 9)
    if count < section.u8(0):
        raise FormatError(
            f"'{name}' describes {count} of its {section.u8(0)} leads. Copy or export it again."
        )
    if count == 0:
        raise LeadError(f"'{name}' holds no lead. Export the recording with its samples.")
    leads = []
    for at in range(2, 2 + 9 * count, 9):
        code = section.u8(at + 8)
        spelled = SCP_LEADS.get(code) or _OTHER_LEADS.get(code) or f"lead {code}"
        leads.append(Lead(spelled, section.u32(at), section.u32(at + 4)))
    return leads


def _beats(sections: Sections) -> tuple[int, int, list[Beat]]:
    """Return length of the reference beat in ms, its fiducial point, and the QRS complexes."""
    section = sections.get(4, 6)
    if section is None:
        return 0, 0, []
    count = min(section.u16(4), (len(section.body) - 6) // 14)
    zones = 6 + 14 * count
    has_zones = count > 0 and len(section.body) >= zones + 8 * count
    beats = []
    for k in range(count):
        at = 6 + 14 * k
        zone = None
        if has_zones:
            zone = (section.u32(zones + 8 * k), section.u32(zones + 8 * k + 4))
        beats.append(Beat(section.u16(at), *(section.u32(at + 2 + 4 * i) for i in range(3)), zone))
    return section.u16(0), section.u16(2), beats


def _reference(
    sections: Sections, n_leads: int, tables: list[tuple[Code, ...]], length_ms: int, name: str
) -> _Encoded | None:
    """Return reference beat 0; None where there is none to read."""
    section = sections.get(5, 6 + 2 * n_leads)
    if section is None or not section.u16(2) or not section.u16(0):
        return None
    n = round(length_ms * 1000 / section.u16(2)) or None
    reference = _decode(section, n_leads, tables, [n] * n_leads, name)
    return reference if all(row.size for row in reference.rows) else None


def _decode(
    section: Section,
    n_leads: int,
    tables: list[tuple[Code, ...]],
    counts: list[int | None],
    name: str,
) -> _Encoded:
    """Return the samples of section 5 or 6."""
    begin = 6 + 2 * n_leads
    if len(section.body) < begin:
        raise FormatError(
            f"'{name}' has a section {section.number} of {len(section.body)} bytes, too few for "
            f"its {n_leads} leads. Copy or export it again."
        )
    rows = []
    at = begin
    for k in range(n_leads):
        length = section.u16(6 + 2 * k)
        rows.append(section.body[at : at + length])
        at += length
    order, bimodal = section.u8(4), section.number == 6 and section.u8(5) == 1
    if order > 2:
        raise FormatError(
            f"'{name}' stores differences of order {order}; 0, 1 or 2 was needed. Copy or export "
            "it again."
        )
    if tables:
        values = decode_rows(rows, tables, [None] * n_leads if bimodal else counts)
    else:
        values = [np.frombuffer(row[: len(row) & ~1], "<i2").astype(np.int32) for row in rows]
    return _Encoded(section.u16(0), section.u16(2), bimodal, _sum_up(values, order))


def _sum_up(rows: list[Int[np.ndarray, " sample"]], order: int) -> list[np.ndarray]:
    """Undo differences; sums wrap around like the 16 bit numbers that they are."""
    if order == 0:
        return rows
    if len({row.size for row in rows}) == 1:
        return list(_summed(np.array(rows), order))
    return [_summed(row[np.newaxis], order)[0] for row in rows]


def _summed(values: Int[np.ndarray, "lead sample"], order: int) -> Int[np.ndarray, "lead sample"]:
    if order == 2 and values.shape[1] > 1:
        slopes = values.copy()
        slopes[:, 1] -= slopes[:, 0]
        np.cumsum(slopes[:, 1:], axis=1, dtype=np.int32, out=slopes[:, 1:])
        values = slopes
    return np.cumsum(values, axis=1, dtype=np.int32).astype(np.int16).astype(np.int32)


def _same_length(rows: Sequence[np.ndarray]) -> Int[np.ndarray, "lead sample"]:
    length = min(row.size for row in rows)
    return np.array([row[:length] for row in rows])


def _expand(
    rhythm: Rhythm, coded: _Encoded, reference: _Encoded | None, remarks: list[Remark], name: str
) -> None:
    """Interpolate what bimodal compression decimated."""
    factor = 4 if reference is None else coded.interval_us // reference.interval_us
    if reference is not None and factor <= 1:
        return  # said to be decimated, and at the rate of the reference beat all the same
    zones = [beat.protected for beat in rhythm.beats]
    if factor > 16 or coded.interval_us % factor or None in zones:
        raise FormatError(
            f"'{name}' holds decimated samples and does not say where and by how much. Export it "
            "without compression."
        )
    rhythm.fs *= factor
    rows = []
    for lead, row in zip(rhythm.leads, rhythm.rows, strict=True):
        held = sorted((max(a, lead.start), min(b, lead.end)) for a, b in zones if b >= a)  # type: ignore[misc]
        rows.append(_expanded(row, lead, held, factor))
    rhythm.rows = rows
    if any(
        row.size < lead.end - lead.start + 1 for row, lead in zip(rows, rhythm.leads, strict=True)
    ):
        remarks.append(
            Remark(code="truncated", text="Fewer samples are stored than the leads should have.")
        )


def _expanded(
    row: Int[np.ndarray, " sample"], lead: Lead, zones: list[tuple[int, int]], factor: int
) -> Int[np.ndarray, " sample"]:
    pieces = []
    used, here = 0, lead.start
    for first, last in [*zones, (lead.end + 1, lead.end)]:
        gap = first - here
        if gap > 0:
            means, rest = divmod(gap, factor)
            means = min(means, row.size - used)
            if means <= 0 and rest == 0:
                break
            stored = row[used : used + means]
            at = np.arange(means * factor)
            if means:
                between = np.interp(at, np.arange(means) * factor + factor // 2, stored)
                pieces.append(_smooth(np.rint(between).astype(np.int32)))
            pieces.append(row[used + means : used + means + rest])
            used += means + rest
            here = first
        if last >= here:
            pieces.append(row[used : used + last - here + 1])
            used += last - here + 1
            here = last + 1
        if used >= row.size:
            break
    return np.concatenate([*pieces, row[:0]])


def _smooth(row: Int[np.ndarray, " sample"]) -> Int[np.ndarray, " sample"]:
    """Return means of three samples, rounded away from zero; the first and last as they are."""
    if row.size < 3:
        return row
    sums = row[:-2] + row[1:-1] + row[2:]
    smooth = row.copy()
    smooth[1:-1] = np.sign(sums) * ((np.abs(sums) + 2) // 3)
    return smooth


def _add_reference(rhythm: Rhythm, remarks: list[Remark], name: str) -> None:
    """Add reference beat 0 to the residual, where it had been subtracted."""
    beat = rhythm.reference
    if beat is None or rhythm.reference_fiducial == 0 or not rhythm.beats:
        if any(b.kind == 0 for b in rhythm.beats) or beat is not None or not rhythm.beats:
            raise FormatError(
                f"'{name}' holds what is left after its reference beat was subtracted, and not "
                "the beat or its places (sections 4 and 5). Export it without compression."
            )
        return
    if not math.isclose(rhythm.reference_fs, rhythm.fs, rel_tol=1e-6):
        raise FormatError(
            f"'{name}' has a reference beat at {rhythm.reference_fs:g} Hz to be added to samples "
            f"at {rhythm.fs:g} Hz. Export it without compression."
        )
    step, own = round(rhythm.step_nv), round(rhythm.reference_step_nv)
    common = own if step % own == 0 else math.gcd(step, own)
    smooth = step > own
    kept = [b for b in rhythm.beats if b.kind == 0]
    outside = 0
    rows = []
    for row, template, lead in zip(rhythm.rows, beat, rhythm.leads, strict=True):
        residual = row.astype(np.int64) * (step // common)
        whole = _smooth(residual) if smooth else residual.copy()
        if smooth:
            for b in kept:
                zone = slice(max(0, b.start - lead.start), max(0, b.end + 3 - lead.start))
                whole[zone] = residual[zone]
        for b in kept:
            first = max(b.start, lead.start, b.fiducial - rhythm.reference_fiducial + 1)
            last = min(
                b.end,
                lead.start + row.size - 1,
                b.fiducial - rhythm.reference_fiducial + template.size,
            )
            outside += first != b.start or last != b.end
            if last >= first:
                shift = rhythm.reference_fiducial - b.fiducial - 1
                part = template[first + shift : last + shift + 1].astype(np.int64)
                whole[first - lead.start : last - lead.start + 1] += part * (own // common)
        rows.append(whole)
    if outside:
        remarks.append(
            Remark(
                code="reference-beat",
                text="A stretch from which the reference beat was subtracted is longer than the "
                "beat or the recording; the beat was added where both are.",
            )
        )
    rhythm.rows, rhythm.step_nv = rows, common


def _compare_lengths(rhythm: Rhythm, remarks: list[Remark]) -> None:
    """Say so where section 3 counts other samples than section 6 holds."""
    held = [row.size for row in rhythm.rows]
    # Writers that count from 0 give the number of samples as the last sample.
    said = [lead.end - lead.start + (lead.start != 0) for lead in rhythm.leads]
    also = [lead.end - lead.start + 1 for lead in rhythm.leads]
    differ = [k for k, n in enumerate(held) if n not in (said[k], also[k])]
    if not differ:
        return
    k = differ[0]
    fewer = held[k] < said[k]
    remarks.append(
        Remark(
            code="truncated" if fewer else "samples-uncounted",
            text=f"The file says that its leads have {max(0, said[k])} samples and holds "
            f"{held[k]}; all that it holds were read.",
        )
    )
    if max(held) == 0:
        raise FormatError(
            "no sample of the file can be decoded. Copy or export the recording again."
        )
