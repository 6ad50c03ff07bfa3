# SPDX-License-Identifier: Apache-2.0
"""Read the ECG of an SCP-ECG file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from precordia.core.measurements import MedianBeat
from precordia.core.record import Carried, Record
from precordia.core.source import Source
from precordia.io.carried_texts import carried_of, is_carried_text
from precordia.io.lead_names import unique_leads
from precordia.io.limb_leads import complete_limb_leads
from precordia.io.scp_ecg_findings import Findings
from precordia.io.scp_ecg_header import Header, read_header
from precordia.io.scp_ecg_healforce import is_healforce, read_healforce
from precordia.io.scp_ecg_own import OWN_SECTION, OwnFacts, read_own
from precordia.io.scp_ecg_rhythm import Rhythm, place_rows, read_rhythm
from precordia.io.scp_ecg_sections import Sections, find_sections

#: a rate of ours replaces that of the file only where the file's is this near
_ROUNDED = 0.02


def read_scp_ecg(path: Path, *, ignore_checksum: bool = False) -> Record:
    """Read the ECG of an SCP-ECG file (EN 1064, ISO 11073-91064).

    Parameters
    ----------
    path
        The file.
    ignore_checksum
        Read a file whose checksums are wrong, or of which a part is missing.

    Returns
    -------
    The rhythm recording; where the file stores leads I, II and V1 to V6, all twelve. The
    reference beat is ``carried.median``, QRS complexes and pacemaker spikes are
    ``carried.annotations``, measurements of the leads are under names such as ``v1_r_mv``.

    Raises
    ------
    FormatError
        If a checksum is wrong, the file is damaged, or it holds no rhythm recording.
    LeadError
        If it holds no lead.
    SamplingRateError
        If its sampling interval is 0.

    Notes
    -----
    All of the compression of versions 1.0 to 2.x is undone: Huffman codes with tables of the
    file's own, first and second differences, subtraction of the reference beat, and bimodal
    compression. No file with bimodal compression was at hand; it follows the description alone.
    Long-term recordings of version 3.0 (section 12) are not read. The number of samples is that
    which is stored, whatever the file says of it. Numbers of samples count from 1, in some files
    from 0.

    The portable devices of Healforce write files of a kind of their own, which is recognised.

    References
    ----------
    EN 1064:2005+A1:2007. ISO 11073-91064:2009, Standard communication protocol for
    computer-assisted electrocardiography.

    Examples
    --------
    >>> import tempfile
    >>> from precordia.io.scp_ecg_write import write_scp_ecg
    >>> record = Record(signal=np.array([[0.0, 0.5, 0.25]]), fs=500.0, leads=("II",))
    >>> read_scp_ecg(write_scp_ecg(record, Path(tempfile.mkdtemp(), "a.scp"))).signal
    array([[0.  , 0.5 , 0.25]], dtype=float32)
    """
    name = path.name
    buffer = path.read_bytes()
    if is_healforce(buffer):
        return read_healforce(buffer, name, ignore_checksum=ignore_checksum)
    sections = find_sections(buffer, name, ignore_checksum=ignore_checksum)
    own_section = sections.get(OWN_SECTION)
    own = OwnFacts() if own_section is None else read_own(own_section.body)
    header = read_header(sections.get(1))
    rhythm = read_rhythm(sections, name)
    remarks = sections.remarks
    signal = place_rows(rhythm, remarks, missing=own.missing)
    spelled = [lead.name for lead in rhythm.leads]
    if len(own.leads) == len(spelled):
        leads = unique_leads(own.leads, remarks)
    else:
        leads = unique_leads(spelled, remarks)
        signal, leads = complete_limb_leads(signal, leads, remarks)
    if abs(own.fs / rhythm.fs - 1) < _ROUNDED:
        rhythm.fs = own.fs
    start = header.start
    if start is not None and own.microsecond:
        start = start.replace(microsecond=own.microsecond)
    return Record(
        signal=signal,
        fs=rhythm.fs,
        leads=leads,
        patient=header.patient,
        start_time=start,
        origin=own.origin,  # type: ignore[arg-type]
        carried=_carried(sections, header, rhythm, own, signal.shape[1]),
        remarks=tuple(remarks),
        source=Source(method="read:scp-ecg", warnings=tuple(sections.warnings)),
    )


def _carried(
    sections: Sections, header: Header, rhythm: Rhythm, own: OwnFacts, n_samples: int
) -> Carried:
    findings = Findings(rhythm, n_samples, header.codec)
    for number, read in (
        (8, findings.read_texts),
        (11, findings.read_codes),
        (10, findings.read_leads),
    ):
        section = sections.get(number)
        if section is not None:
            read(section)
    section = sections.get(7)
    if section is not None:
        findings.read_global(section, header.protocol)
    entries = {**header.entries, **findings.header}
    if 9 in sections.sizes:
        entries["manufacturer_section_bytes"] = str(sections.sizes[9])
    comments = [text for text in entries.pop("comment", "").split("; ") if text]
    ours = [text for text in comments if is_carried_text(text)]
    told, measured = carried_of(ours)
    if len(ours) < len(comments):
        entries["comment"] = "; ".join(text for text in comments if text not in ours)
    statements = []
    for statement in findings.statements:
        coded, _ = carried_of([statement.code])
        statements += coded or [statement]
    codes = {s.code for s in statements if s.scheme == "scp-ecg" and s.name}
    statements = [s for s in statements if s.scheme != "scp-ecg" or s.name or s.code not in codes]
    return Carried(
        measurements={**findings.measurements, **measured},
        statements=tuple(dict.fromkeys([*statements, *told])),
        annotations=findings.annotations(),
        fiducials=findings.fiducials,
        median=_median(rhythm, own, findings.marks),
        header=entries,
    )


def _median(rhythm: Rhythm, own: OwnFacts, marks: dict[str, float]) -> MedianBeat | None:
    """Return the reference beat with its marks."""
    if rhythm.reference is None:
        return None
    signal = (rhythm.reference * (rhythm.reference_step_nv / 1e6)).astype(np.float32)
    if own.missing is not None:
        signal[rhythm.reference == own.missing] = np.nan
    leads = unique_leads([lead.name for lead in rhythm.leads], [])
    if len(own.leads) == len(leads):
        leads = unique_leads(own.leads, [])
    else:
        signal, leads = complete_limb_leads(signal, leads, [])
    n = signal.shape[1]
    places = {name: at for name, at in marks.items() if at < n}
    if 0 < rhythm.reference_fiducial <= n:
        places["r_peak"] = rhythm.reference_fiducial - 1.0
    near = abs(own.median_fs / rhythm.reference_fs - 1) < _ROUNDED
    return MedianBeat(
        signal=signal,
        fs=own.median_fs if near else rhythm.reference_fs,
        leads=leads,
        n_beats=sum(beat.kind == 0 for beat in rhythm.beats),
        **places,  # type: ignore[arg-type]
    )
