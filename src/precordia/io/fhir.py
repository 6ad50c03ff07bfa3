# SPDX-License-Identifier: Apache-2.0
"""Read the ECG of a FHIR Observation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from precordia.core.errors import FormatError, LeadError, OptionError
from precordia.core.leads import canonical_lead
from precordia.core.record import Carried, Companion, Record, Remark
from precordia.core.source import Source
from precordia.io.array_layout import split_names
from precordia.io.fhir_channels import Channel, Reading, channels_of
from precordia.io.fhir_resource import Node, load_resources, node_at, nodes, raw_text, text_at
from precordia.io.fhir_said import (
    effective_of,
    everything,
    gather,
    moment_of,
    read_patient,
)
from precordia.io.lead_blocks import LeadBlock, merge_blocks

#: leads of different lengths may take this many times what is stored, and a minimum
_STRETCH, _SMALL = 16, 1 << 22


def read_fhir(
    path: Path,
    *,
    unit: str | None = None,
    fs: float | None = None,
    leads: str | Sequence[str] | None = None,
    recording: int | None = None,
    subtract_origin: bool = False,
) -> Record:
    """Read the ECG of FHIR Observations with SampledData, JSON or XML, releases 3 to 5.

    Parameters
    ----------
    path
        The file: an Observation, a Bundle or DiagnosticReport that holds some, or several
        resources one after the other.
    unit
        Unit of the leads, where the file states none or a wrong one: ``"uV"``, ``"mV"``.
    fs
        Sampling rate in hertz, for samples of which the file does not tell it.
    leads
        Names of the leads in the order of the file, where it gives none or wrong ones.
    recording
        Which recording to read where a file holds several, counted from 1; by default the one
        with the most samples.
    subtract_origin
        Take ``(data - origin) * factor`` for the amplitude, as files do whose origin is the middle
        of a converter.

    Returns
    -------
    The recording. Voltages of one sampling rate are its leads, everything else a companion.

    Raises
    ------
    FormatError
        If the file is no FHIR resource, holds no samples, or is damaged.
    UnitError
        If a lead does not say its unit.
    SamplingRateError
        If samples do not say their sampling rate.
    LeadError
        If nothing that was sampled is a voltage.
    OptionError
        If there is no recording of that number, or an option makes no sense.

    Notes
    -----
    Amplitude is ``origin + data * factor``, as the standard says. Some files mean the middle of the
    converter by their origin; where that is likely a remark says so. E (no valid value), U and L
    (above and below the limits of the device) are missing samples.

    Observations of one subject that begin at one moment are one recording. Components that repeat a
    lead in equal parts continue it, in the order of the file. Leads are recognised by their codes
    of IEEE 11073-10102 (MDC), SNOMED CT and LOINC, or by their words.

    References
    ----------
    HL7 FHIR release 4 (4.0.1) and release 5 (5.0.0): Observation, SampledData.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp(), "a.json")
    >>> _ = file.write_text(
    ...     '{"resourceType": "Observation", "code": {"text": "Lead II"}, "valueSampledData":'
    ...     '{"origin": {"value": 0, "code": "uV"}, "period": 2, "factor": 5, "data": "0 1 E"}}'
    ... )
    >>> read_fhir(file).signal
    array([[0.   , 0.005,   nan]], dtype=float32)
    """
    name = path.name
    if fs is not None and not (math.isfinite(fs) and fs > 0):
        raise OptionError(f"fs={fs} arrived; a positive sampling rate in Hz is needed.")
    held = everything(load_resources(path.read_bytes(), name=name))
    remarks: list[Remark] = []
    chosen = _chosen(held, name, recording, remarks)
    reading = Reading(name=name, unit=unit, fs=fs, subtract_origin=subtract_origin, remarks=remarks)
    channels = channels_of(chosen, reading)
    signal, names, rate, companions = _one_signal(channels, name, remarks)
    if leads is not None:
        names = _renamed(leads, len(names), name)
    said = gather([*chosen, *_beside(chosen[0], chosen, held)], held)
    start = moment_of(chosen[0], said)
    status = said.header.pop("status", "")
    if status in ("entered-in-error", "cancelled", "preliminary", "registered"):
        remarks.append(
            Remark(code="status", text=f"The file says that its observation is '{status}'.")
        )
    if said.left_out:
        listed = ", ".join(dict.fromkeys(said.left_out[:20]))
        remarks.append(
            Remark(
                code="measurement-left",
                text=f"Numbers of the file that are no measurements of an ECG, or in an unknown "
                f"unit, are in the header only: {listed}.",
            )
        )
    return Record(
        signal=signal,
        fs=rate,
        leads=names,
        patient=read_patient(chosen[0], held, start, said),
        start_time=start,
        origin=said.origin,
        carried=Carried(
            measurements=said.measurements,
            statements=tuple(said.statements),
            header=said.header,
        ),
        companions=companions,
        remarks=tuple(remarks),
        source=Source(method="read:fhir"),
    )


def _sampled(observation: Node) -> int:
    """Return about how many samples an observation holds, by the length of its strings."""
    items = (observation, *nodes(observation, "component"))
    return sum(
        len(raw_text(node_at(item, "valueSampledData"), "data")) + 1
        for item in items
        if nodes(item, "valueSampledData")
    )


def _subject(observation: Node) -> str:
    subject = node_at(observation, "subject")
    return text_at(subject, "reference", longest=200) or text_at(subject, "identifier", "value")


def _chosen(
    held: list[Node], name: str, recording: int | None, remarks: list[Remark]
) -> list[Node]:
    """Return the observations of the recording to read."""
    groups: dict[tuple[str, str], list[Node]] = {}
    for resource in held:
        if resource["resourceType"] == "Observation" and _sampled(resource):
            key = (_subject(resource), effective_of(resource))
            groups.setdefault(key, []).append(resource)
    if not groups:
        kind = text_at(held[0], "resourceType") if held else "text"
        raise FormatError(
            f"'{name}' is a FHIR {kind or 'text'} without sampled data; an Observation with "
            "valueSampledData was needed. Export it again with its waveforms."
        )
    found = list(groups.values())
    if recording is None:
        sizes = [sum(map(_sampled, group)) for group in found]
        number = sizes.index(max(sizes)) + 1
    elif 1 <= recording <= len(found):
        number = recording
    else:
        raise OptionError(
            f"recording={recording} arrived, and '{name}' holds {len(found)}. Choose one from 1 to "
            f"{len(found)}."
        )
    if len(found) > 1:
        remarks.append(
            Remark(
                code="recordings-left",
                text=f"The file holds {len(found)} recordings; number {number} was read, the "
                "others are read with recording=.",
            )
        )
    return found[number - 1]


def _beside(main: Node, chosen: list[Node], held: list[Node]) -> list[Node]:
    """Return what else is said of the same subject and moment, without samples."""
    subject, moment = _subject(main), effective_of(main)
    return [
        resource
        for resource in held
        if resource["resourceType"] in ("Observation", "DiagnosticReport")
        and not any(resource is one for one in chosen)
        and not _sampled(resource)
        and _subject(resource) in (subject, "")
        and effective_of(resource) in (moment, "")
    ]


def _one_signal(
    channels: list[Channel], name: str, remarks: list[Remark]
) -> tuple[Float[np.ndarray, "lead sample"], tuple[str, ...], float, tuple[Companion, ...]]:
    """Return signal, leads, sampling rate and companions."""
    blocks: dict[float, LeadBlock] = {}
    companions: list[Companion] = []
    for channel in channels:
        if channel.unit is not None:
            companions.append(
                Companion(name=channel.name, signal=channel.row, fs=channel.fs, unit=channel.unit)
            )
            continue
        block = blocks.setdefault(channel.fs, LeadBlock(0.0, channel.fs))
        block.leads.append(channel.name)
        block.rows.append(channel.row)
    filled = [block for block in blocks.values() if block.total]
    if not filled:
        if blocks:
            raise FormatError(
                f"'{name}' holds leads without any sample. Export it again with its waveforms."
            )
        raise LeadError(
            f"'{name}' holds sampled data, none of it a voltage, so no ECG. Export it again with "
            "the ECG."
        )
    for block in filled:
        longest = block.n_samples
        companions += _repeated(block, longest, remarks)
        if longest * len(block.rows) > _STRETCH * block.total + _SMALL:
            raise FormatError(
                f"'{name}' holds leads of very different lengths. The file is damaged: copy or "
                "export it again."
            )
        short = [
            lead for lead, row in zip(block.leads, block.rows, strict=True) if row.size < longest
        ]
        if short:
            remarks.append(
                Remark(
                    code="length-differs",
                    text="Leads differ in length; the shorter ones are missing at the end.",
                    leads=tuple(dict.fromkeys(short)),
                )
            )
    clock = merge_blocks(filled, remarks)
    for block in clock.others:
        companions += [
            Companion(name=lead, signal=row, fs=block.fs, unit="mV")
            for lead, row in zip(block.leads, block.rows, strict=True)
        ]
    return clock.signal, clock.leads, clock.fs, tuple(companions)


def _repeated(block: LeadBlock, longest: int, remarks: list[Remark]) -> list[Companion]:
    """Take rows out of a block that repeat a lead and are shorter, such as a median beat."""
    whole = {lead for lead, row in zip(block.leads, block.rows, strict=True) if row.size == longest}
    found, leads, rows = [], [], []
    for lead, row in zip(block.leads, block.rows, strict=True):
        if lead in whole and row.size < longest:
            found.append(Companion(name=lead, signal=row, fs=block.fs, unit="mV"))
        else:
            leads.append(lead)
            rows.append(row)
    if found:
        block.leads, block.rows = leads, rows
        remarks.append(
            Remark(
                code="leads-repeated",
                text="The file gives leads once more with fewer samples, and does not say what "
                "these are; they are companions.",
                leads=tuple(dict.fromkeys(other.name for other in found)),
            )
        )
    return found


def _renamed(leads: str | Sequence[str], n_leads: int, name: str) -> tuple[str, ...]:
    names = split_names(leads)
    if len(names) != n_leads:
        raise OptionError(
            f"leads= gives {len(names)} names, and '{name}' holds {n_leads} leads. Give one name "
            "per lead."
        )
    return tuple(canonical_lead(lead) or lead for lead in names)
