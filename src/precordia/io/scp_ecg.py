# SPDX-License-Identifier: Apache-2.0
"""Read an SCP-ECG file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from precordia.core.leads import STANDARD_12
from precordia.core.record import Record
from precordia.core.source import Source
from precordia.io.lead_names import unique_leads
from precordia.io.limb_leads import complete_limb_leads
from precordia.io.scp_ecg_rhythm import place_rows, read_rhythm
from precordia.io.scp_ecg_sections import find_sections


def read_scp_ecg(path: Path, *, ignore_checksum: bool = False) -> Record:
    """Read an SCP-ECG file (EN 1064, ISO 11073-91064).

    Parameters
    ----------
    path
        The file.
    ignore_checksum
        Read on where a checksum is wrong.

    Returns
    -------
    The rhythm recording.

    Raises
    ------
    FormatError
        If the file is damaged, a checksum is wrong, or it holds no rhythm.
    """
    name = path.name
    buffer = path.read_bytes()
    sections = find_sections(buffer, name, ignore_checksum=ignore_checksum)
    rhythm = read_rhythm(sections, name)
    remarks = sections.remarks
    signal = (place_rows(rhythm, remarks) * rhythm.step_nv / 1e6).astype(np.float32)
    leads = unique_leads([lead.name for lead in rhythm.leads], remarks)
    if set(leads) == set(STANDARD_12) and leads != STANDARD_12:
        signal, leads = signal[[leads.index(lead) for lead in STANDARD_12]], STANDARD_12
    signal, leads = complete_limb_leads(signal, leads, remarks)
    return Record(
        signal=signal,
        fs=rhythm.fs,
        leads=leads,
        remarks=tuple(remarks),
        source=Source(method="read:scp-ecg", warnings=tuple(sections.warnings)),
    )
