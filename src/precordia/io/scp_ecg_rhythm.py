# SPDX-License-Identifier: Apache-2.0
"""The rhythm recording of an SCP-ECG file, with what compression took from it put back."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from precordia.core.errors import FormatError, SamplingRateError
from precordia.core.record import Remark
from precordia.io.scp_ecg_beats import (
    Beat,
    Places,
    add_beat,
    read_places,
    same_length,
)
from precordia.io.scp_ecg_bimodal import expand, protected_zones, stored_length
from precordia.io.scp_ecg_huffman import Code, parse_tables
from precordia.io.scp_ecg_leads import (
    FILLING_BITS,
    Encoded,
    Lead,
    declared,
    decode_leads,
    read_layout,
)
from precordia.io.scp_ecg_sections import Sections
from precordia.io.signal_memory import signal_memory

#: a signal may have this many places for each sample that was recorded
_STRETCH = 16
#: samples that bimodal compression makes one of, where nothing tells
_USUAL_DECIMATION = 4
_MOST_DECIMATED = 16


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
    rows: list[Int[np.ndarray, " _"]]
    fs: float
    step_nv: float
    first_sample: int
    beats: list[Beat] = field(default_factory=list)
    reference: Int[np.ndarray, "lead sample"] | None = None
    reference_step_nv: float = math.nan
    reference_fs: float = math.nan
    reference_fiducial: int = 0


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
    back. Where bimodal compression decimated the stretches between QRS complexes, they are
    interpolated by `expand`.

    The number of samples is that of section 6, whatever section 3 says. Zeros at the end of a lead
    that may be no more than the filling of its last two bytes are no samples then.
    """
    layout = read_layout(sections, name)
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
    places = read_places(sections)
    reference = _reference(sections, layout, tables, places.length_ms, name)
    coded = decode_leads(section, layout, tables, [declared(lead) for lead in layout], name)
    if coded.interval_us == 0:
        raise SamplingRateError(
            f"'{name}' gives a sampling interval of 0. Copy or export the file again."
        )
    if coded.step_nv == 0:
        raise FormatError(
            f"'{name}' gives steps of 0 nanovolts, so the amplitudes are unknown. Export it again."
        )
    rhythm = Rhythm(
        leads=layout,
        rows=coded.rows,
        fs=1e6 / coded.interval_us,
        step_nv=coded.step_nv,
        first_sample=layout[0].start,
        beats=places.beats,
        reference_fiducial=places.fiducial,
    )
    factor = None
    if reference is not None:
        rhythm.reference_step_nv = reference.step_nv
        rhythm.reference_fs = 1e6 / reference.interval_us
        rhythm.reference = same_length(reference.rows)
        factor, rest = divmod(coded.interval_us, reference.interval_us)
        factor = 0 if rest else factor
    subtracted = bool(sections.by_number[3].u8(1) & 1)
    coarser = subtracted and reference is not None and coded.step_nv > reference.step_nv
    if subtracted and reference is not None:
        rhythm.step_nv = math.gcd(coded.step_nv, reference.step_nv)
        scale = coded.step_nv // round(rhythm.step_nv)
        rhythm.rows = [row.astype(np.int64) * scale for row in rhythm.rows]
    if coded.bimodal:
        _expand(rhythm, [beat.protected for beat in places.beats], factor, name)
    # What was interpolated has been smoothed.
    if subtracted and _add_reference(
        rhythm, places, smoothed=coarser and not coded.bimodal, name=name
    ):
        sections.remarks.append(
            Remark(
                code="reference-beat",
                text="A stretch from which the reference beat was subtracted is longer than the "
                "beat or the recording; the beat was added where both are.",
            )
        )
    if not any(row.size for row in rhythm.rows):
        raise FormatError(
            f"'{name}' holds no sample that can be decoded. Copy or export the recording again."
        )
    _compare_lengths(rhythm, sections.remarks)
    return rhythm


def place_rows(
    rhythm: Rhythm, remarks: list[Remark], *, missing: int | None = None
) -> Float[np.ndarray, "lead sample"]:
    """Put the leads on one clock, in millivolts; NaN where a lead was not recorded.

    Parameters
    ----------
    rhythm
        What `read_rhythm` returned.
    remarks
        Takes a remark where the leads are said to lie too far apart.
    missing
        The count that stands for a missing sample, if any.

    Examples
    --------
    >>> rows = [np.array([1, 2]), np.array([3])]
    >>> leads = [Lead("I", 1, 2), Lead("II", 2, 2)]
    >>> place_rows(Rhythm(leads, rows, fs=500.0, step_nv=1e6, first_sample=1), [])
    array([[ 1.,  2.],
           [nan,  3.]], dtype=float32)
    """
    first = min(lead.start for lead in rhythm.leads)
    starts = [lead.start - first for lead in rhythm.leads]
    sizes = [row.size for row in rhythm.rows]
    length = max(start + size for start, size in zip(starts, sizes, strict=True))
    if length * len(sizes) > _STRETCH * sum(sizes):
        remarks.append(
            Remark(
                code="leads-apart",
                text="Leads are said to begin too far apart to be one recording; they were read "
                "as if they began together.",
            )
        )
        starts, length = [0] * len(sizes), max(sizes)
    rhythm.first_sample = first
    signal = signal_memory(len(sizes), length)
    for line, start, row in zip(signal, starts, rhythm.rows, strict=True):
        end = start + row.size
        line[:start] = line[end:] = np.nan
        np.multiply(row, rhythm.step_nv / 1e6, out=line[start:end], casting="same_kind")
        if missing is not None:
            line[start:end][row == missing] = np.nan
    return signal


def _reference(
    sections: Sections,
    layout: list[Lead],
    tables: list[tuple[Code, ...]],
    length_ms: int,
    name: str,
) -> Encoded | None:
    """Return reference beat 0; None where there is none to read."""
    section = sections.get(5, 6 + 2 * len(layout))
    if section is None or not section.u16(2) or not section.u16(0):
        return None
    n = round(length_ms * 1000 / section.u16(2)) or None
    reference = decode_leads(section, layout, tables, [n] * len(layout), name)
    return reference if all(row.size for row in reference.rows) else None


def _expand(
    rhythm: Rhythm,
    zones: list[tuple[int, int] | None],
    factor: int | None,
    name: str,
) -> None:
    """Interpolate what bimodal compression decimated.

    ``factor`` is None where no reference beat tells the sampling rate before it.
    """
    held = [zone for zone in zones if zone is not None]
    if len(held) < len(zones) or factor == 0 or (factor or 0) > _MOST_DECIMATED:
        raise FormatError(
            f"'{name}' holds decimated samples and does not say where and by how much. Export it "
            "without compression."
        )
    if factor == 1 or (factor is None and not held):
        return  # said to be decimated, and nothing was
    rows = []
    for lead, row in zip(rhythm.leads, rhythm.rows, strict=True):
        bounds = {"start": lead.start, "end": max(lead.end, lead.start)}
        within = protected_zones(held, **bounds)
        if factor is None:
            needed = stored_length(within, _USUAL_DECIMATION, **bounds)
            if not needed <= row.size < needed + FILLING_BITS:
                raise FormatError(
                    f"'{name}' holds decimated samples and no reference beat whose sampling rate "
                    "tells by how much. Export it without compression."
                )
        rows.append(expand(row, within, factor or _USUAL_DECIMATION, **bounds))
    rhythm.fs *= factor or _USUAL_DECIMATION
    rhythm.rows = rows


def _add_reference(rhythm: Rhythm, places: Places, *, smoothed: bool, name: str) -> int:
    """Add reference beat 0 to the residual; return how many stretches reach beyond."""
    beat = rhythm.reference
    if beat is None or places.fiducial == 0 or not places.beats:
        raise FormatError(
            f"'{name}' holds what is left after its reference beat was subtracted, and not "
            "the beat or its places (sections 4 and 5). Export it without compression."
        )
    if not math.isclose(rhythm.reference_fs, rhythm.fs, rel_tol=1e-6):
        raise FormatError(
            f"'{name}' has a reference beat at {rhythm.reference_fs:g} Hz to be added to samples "
            f"at {rhythm.fs:g} Hz. Export it without compression."
        )
    scale = round(rhythm.reference_step_nv) // round(rhythm.step_nv)
    rows, outside = [], 0
    for lead, row, template in zip(rhythm.leads, rhythm.rows, beat, strict=True):
        whole, beyond = add_beat(
            row, template.astype(np.int64) * scale, places, start=lead.start, smoothed=smoothed
        )
        rows.append(whole)
        outside += beyond
    rhythm.rows = rows
    return outside


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
