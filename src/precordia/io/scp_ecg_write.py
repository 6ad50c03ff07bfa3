# SPDX-License-Identifier: Apache-2.0
"""Write a record as SCP-ECG."""

from __future__ import annotations

import math
import os
import struct
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from precordia.core.errors import OutputError
from precordia.core.measurements import MedianBeat
from precordia.core.output import write_whole
from precordia.core.record import Record
from precordia.io.lead_names import SCP_LEADS
from precordia.io.scp_ecg_huffman import DEFAULT_TABLE, encode_row
from precordia.io.scp_ecg_own import OWN_SECTION, OwnFacts, spell_own
from precordia.io.scp_ecg_sections import join_sections
from precordia.io.scp_ecg_write_texts import (
    codec_for,
    measurement_section,
    patient_section,
    statement_sections,
)

#: version 2.0 of the standard
_PROTOCOL = 20
_CODES = {name: code for code, name in SCP_LEADS.items()}
#: a row of samples has at most so many bytes, for its length is a number of 16 bits
_ROW_BYTES = 0xFFFF
#: second differences of samples within these are numbers of 16 bits
_LARGEST, _LARGEST_DIFFERENCED = 32767, 8191
#: steps of converters in use, nV; a signal of whole steps of one is stored without any loss
_USUAL_STEPS_NV = (5000, 2500, 1250, 4880, 2440, 1000, 500, 250, 100)
_COARSEST_NV = 0xFFFF
_DEVICE = ("manufacturer", "device_model", "software_version")


class _Steps(NamedTuple):
    """A signal in whole steps; the count below the smallest stands for a missing sample."""

    step_nv: int
    counts: Int[np.ndarray, "lead sample"]
    has_gaps: bool


def write_scp_ecg(
    record: Record,
    path: str | os.PathLike[str],
    *,
    compressed: bool = False,
    identifiers: bool = False,
    overwrite: bool = False,
) -> Path:
    """Write a record as SCP-ECG (EN 1064), version 2.0.

    Parameters
    ----------
    record
        What to write.
    path
        The file.
    compressed
        Store second differences in Huffman codes of the default table, a third of the size;
        without it samples are numbers of 16 bits, at most 32767 of a lead.
    identifiers
        Write the patient's identifier, name and date of birth too.
    overwrite
        Replace a file that is there.

    Returns
    -------
    The file.

    Raises
    ------
    OutputError
        If the file exists or cannot be written, or SCP-ECG cannot hold the record.

    Warns
    -----
    UserWarning
        Once, naming what the record carries and the file, or other software that reads it, does
        not.

    Notes
    -----
    All leads share one step, a whole number of nanovolts. It is the largest of which the signal
    consists where there is one, and the signal comes back as it was; otherwise the finest that
    holds the largest amplitude, and it comes back within half a step.

    SCP-ECG has no value for a missing sample, no sampling rate but a whole number of microseconds
    between samples, and no leads but those of its table. A missing sample is written as the
    lowest count, which other software shows as a large negative potential; a section of our own
    says so, and keeps the exact rate, the names of the leads, and whether they were measured.
    Other software skips that section.

    Wave boundaries go to section 7 with those of the median beat; without one they are counted
    from the first of them, so that intervals are right. Whatever section 7 cannot hold exactly is
    a line of free text.

    References
    ----------
    EN 1064:2005+A1:2007, Standard communication protocol for computer-assisted
    electrocardiography.

    Examples
    --------
    >>> import tempfile
    >>> from precordia.io.scp_ecg import read_scp_ecg
    >>> record = Record(signal=np.array([[0.0, 0.5, 0.25]]), fs=500.0, leads=("II",))
    >>> file = write_scp_ecg(record, Path(tempfile.mkdtemp(), "a.scp"), compressed=True)
    >>> read_scp_ecg(file).signal
    array([[0.  , 0.5 , 0.25]], dtype=float32)
    """
    place = Path(path)
    lost: list[str] = []
    _check(record)
    largest = _LARGEST_DIFFERENCED if compressed else _LARGEST
    steps = _quantise(record.signal, largest)
    facts = OwnFacts(leads=record.leads, origin=record.origin)
    interval = _interval(record.fs)
    if 1e6 / interval != record.fs:
        facts.fs = record.fs
        lost.append(f"the exact sampling rate (other software reads {1e6 / interval:.6g} Hz)")
    bodies: dict[int, bytes] = {3: _layout(record)}
    if compressed:
        bodies[2] = struct.pack("<H", DEFAULT_TABLE)
    bodies[6] = _samples(steps, interval, compressed)
    median = _median(record, lost)
    has_gaps = steps.has_gaps
    if median is not None:
        beat = _quantise(median.signal, largest)
        has_gaps |= beat.has_gaps
        every = _interval(median.fs)
        if 1e6 / every != median.fs:
            facts.median_fs = median.fs
        bodies[5] = _samples(beat, every, compressed)
        length_ms = round(median.signal.shape[1] * every / 1000)
        fiducial = 0 if math.isnan(median.r_peak) else round(median.r_peak) + 1
        bodies[4] = struct.pack("<HHH", length_ms, fiducial, 0)
    if has_gaps:
        facts.missing = -largest - 1
        lost.append(
            "missing samples (other software sees the lowest potential that the file can hold)"
        )
    unknown = [lead for lead in record.leads if lead not in _CODES]
    if unknown:
        lost.append(f"the names of {', '.join(unknown)} (unspecified leads to other software)")
    bodies |= _texts(record, median, identifiers, lost)
    if record.start_time is not None:
        facts.microsecond = record.start_time.microsecond
    if record.origin != "measured":
        lost.append(f"that the record is {record.origin} (other software takes it for measured)")
    bodies[OWN_SECTION] = spell_own(facts)
    content = join_sections(bodies, protocol=_PROTOCOL)
    write_whole({str(place): content}, overwrite=overwrite)
    _name_the_rest(record, lost)
    if lost:
        warnings.warn(
            f"SCP-ECG has no place for: {'; '.join(lost)}. '{place.name}' was written without.",
            stacklevel=3,
        )
    return place


def _check(record: Record) -> None:
    if record.n_leads == 0 or record.n_samples == 0:
        raise OutputError(
            "the record has no samples; SCP-ECG needs at least one lead and one sample."
        )
    if record.n_leads > 255:
        raise OutputError(
            f"the record has {record.n_leads} leads and SCP-ECG holds 255. Choose some of them, or "
            "write EDF or WFDB."
        )


def _interval(fs: float) -> int:
    """Return the microseconds between two samples."""
    interval = round(1e6 / fs)
    if not 1 <= interval <= 0xFFFF or abs(1e6 / interval / fs - 1) > 0.01:
        raise OutputError(
            f"a sampling rate of {fs:g} Hz cannot be written as SCP-ECG, which gives a whole "
            "number of microseconds up to 65535 between two samples. Resample the record, or "
            "write EDF or WFDB."
        )
    return interval


def _quantise(signal: Float[np.ndarray, "lead sample"], largest: int) -> _Steps:
    """Return a signal in whole steps of at most ``largest`` in size."""
    nanovolts = signal.astype(np.float64) * 1e6
    held = np.isfinite(nanovolts)
    whole = bool(held.all())
    if not whole:
        nanovolts[~held] = 0.0
    peak = float(np.abs(nanovolts).max(initial=0.0))
    step = _step(nanovolts, peak, largest)
    counts = np.rint(nanovolts / step).astype(np.int32)
    if not whole:
        counts[~held] = -largest - 1
    return _Steps(step, counts, not whole)


def _step(nanovolts: np.ndarray, peak: float, largest: int) -> int:
    finest = max(1, math.ceil(peak / (largest + 0.49)))
    if finest > _COARSEST_NV:
        raise OutputError(
            f"an amplitude of {peak / 1e6:.4g} mV arrived and SCP-ECG holds up to "
            f"{_COARSEST_NV * largest / 1e6:.4g} mV here. Check the unit of the record, or write "
            "EDF or WFDB."
        )
    # Below 2 mV, float32 is exact to a nanovolt, and a bit above it nearly always is.
    if peak < 1e7:
        common = int(np.gcd.reduce(np.rint(nanovolts).astype(np.int64), axis=None))
        if finest <= common <= _COARSEST_NV:
            return common
        if common > _COARSEST_NV:
            for divisor in range(2, common // finest + 1):
                if common % divisor == 0 and common // divisor <= _COARSEST_NV:
                    return common // divisor
    for step in _USUAL_STEPS_NV:
        counts = nanovolts / step
        if (
            step >= finest
            and (np.abs(counts - np.rint(counts)) <= 1e-9 + 1.2e-7 * np.abs(counts)).all()
        ):
            return step
    return finest


def _layout(record: Record) -> bytes:
    """Return section 3: which leads there are, and that they were recorded together."""
    n = record.n_leads
    flags = 0b100 | (n << 3 if n < 32 else 0)
    leads = [struct.pack("<IIB", 1, record.n_samples, _CODES.get(lead, 0)) for lead in record.leads]
    return bytes([n, flags]) + b"".join(leads)


def _samples(steps: _Steps, interval: int, compressed: bool) -> bytes:
    """Return section 5 or 6."""
    if compressed:
        differences = steps.counts.copy()
        differences[:, 2:] = np.diff(steps.counts, n=2, axis=1)
        rows = [encode_row(row) for row in differences]
    else:
        rows = [row.astype("<i2").tobytes() for row in steps.counts]
    longest = max(len(row) for row in rows)
    if longest > _ROW_BYTES:
        advice = "" if compressed else ", or try compressed=True"
        raise OutputError(
            f"a lead takes {longest:,} bytes and SCP-ECG holds {_ROW_BYTES:,} of each. Write a "
            f"shorter part of the record, or EDF or WFDB{advice}."
        )
    lengths = struct.pack(f"<{len(rows)}H", *(len(row) for row in rows))
    order = 2 if compressed else 0
    return struct.pack("<HHBB", steps.step_nv, interval, order, 0) + lengths + b"".join(rows)


def _median(record: Record, lost: list[str]) -> MedianBeat | None:
    """Return the median beat with the leads of the record, in their order."""
    median = record.carried.median
    if median is None:
        return None
    place = {lead: row for row, lead in enumerate(median.leads)}
    n = median.signal.shape[1]
    fits = n > 0 and n / median.fs < 65 and 16 <= median.fs <= 60_000
    if not fits or any(lead not in place for lead in record.leads):
        lost.append("the median beat (it needs the leads of the record)")
        return None
    if len(place) > record.n_leads:
        lost.append("leads of the median beat that the record does not have")
    if not math.isnan(median.t_onset) or not math.isnan(median.t_peak):
        lost.append("onset and peak of the median beat's T wave")
    rows = [place[lead] for lead in record.leads]
    marks = ("p_onset", "p_offset", "qrs_onset", "r_peak", "qrs_offset", "t_offset")
    return MedianBeat(
        signal=median.signal[rows],
        fs=median.fs,
        leads=record.leads,
        **{name: getattr(median, name) for name in marks},
    )


def _texts(
    record: Record, median: MedianBeat | None, identifiers: bool, lost: list[str]
) -> dict[int, bytes]:
    """Return sections 1, 7, 8 and 11."""
    carried, patient = record.carried, record.patient
    measured, notes = measurement_section(carried, median)
    names = [patient.name or "", patient.patient_id or ""] if identifiers else []
    told = [f"{statement.code}{statement.name}" for statement in carried.statements]
    device = [carried.header.get(key, "") for key in _DEVICE]
    codec = codec_for([*names, *told, *device])
    sections = statement_sections(carried, codec, record.start_time)
    sections[1] = patient_section(record, codec, notes, identifiers)
    if measured:
        sections[7] = measured
    if not math.isnan(patient.age_years) and not 0 < patient.age_years < 130:
        lost.append("the age")
    return sections


def _name_the_rest(record: Record, lost: list[str]) -> None:
    """Name what the record carries and SCP-ECG has no place for."""
    carried = record.carried
    lost += [f"companion '{other.name}'" for other in record.companions]
    if carried.annotations is not None:
        lost.append("annotations")
    if carried.fiducials is not None:
        lost.append("fiducials of the beats")
    if any(math.isfinite(statement.likelihood) for statement in carried.statements):
        lost.append("likelihoods of the statements")
