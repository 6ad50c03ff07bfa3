# SPDX-License-Identifier: Apache-2.0
"""The samples of a GE CardioSoft XML file: strips, median beats, and whole exercise tests."""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import numpy as np
from jaxtyping import Float, Int

from precordia.core.errors import FormatError, LeadError, SamplingRateError, UnitError
from precordia.core.leads import canonical_lead
from precordia.core.record import Remark
from precordia.io.lead_names import unique_leads
from precordia.io.number_list import parse_integers
from precordia.io.units import millivolts, require_millivolts
from precordia.io.xml_text import number_at, text_at

_HIGHEST_RATE_HZ = 100_000
_MOST_LEADS = 64
_PER_STEP = re.compile(r"\s*([munpµ]?v(?:olts?)?)(?:\s*(?:per|/)\s*lsb)?\s*", re.IGNORECASE)
#: leads of different lengths may take this many times what is stored, and a minimum
_STRETCH, _SMALL = 16, 1 << 22


@dataclass(frozen=True, slots=True)
class Strip:
    """Some leads on one clock, as in a record."""

    signal: Float[np.ndarray, "lead sample"]
    leads: tuple[str, ...]
    fs: float


def read_strip(element: Element, *, name: str, unit: str | None, remarks: list[Remark]) -> Strip:
    """Read leads that are stored one after the other.

    Parameters
    ----------
    element
        A ``StripData`` or ``MedianSamples`` element.
    name, unit
        Name of the file, for the error sentences; option of the reader.
    remarks
        Takes what was noticed.

    Raises
    ------
    FormatError
        If samples are no whole numbers, or more than declared.
    SamplingRateError, UnitError, LeadError
        If the sampling rate, the step, or the names of leads are missing.
    """
    fs, step_mv = _rate(element, name), _step(element, name, unit)
    data = element.findall("WaveformData")
    if len(data) > _MOST_LEADS:
        raise FormatError(
            f"'{name}' holds {len(data):,} leads; at most {_MOST_LEADS} are read. The file is "
            "damaged: copy or export it again."
        )
    spelled = [one.get("lead", one.get("Lead", "")) for one in data]
    leads = _names(spelled, name, remarks)
    rows = [
        _samples(one.text or "", name, f"lead {lead}")
        for one, lead in zip(data, leads, strict=True)
    ]
    declared = number_at(element, "ChannelSampleCountTotal")
    longest = max(row.size for row in rows)
    if longest > declared:
        raise FormatError(
            f"'{name}' declares {declared:,g} samples a lead and holds {longest:,}. The file is "
            "damaged: copy or export it again."
        )
    short = tuple(lead for lead, row in zip(leads, rows, strict=True) if row.size < longest)
    if short or longest < declared:
        remarks.append(
            Remark(
                code="truncated",
                text="The samples of leads end early; what is there was read.",
                leads=short,
            )
        )
    if longest * len(rows) > _STRETCH * sum(row.size for row in rows) + _SMALL:
        raise FormatError(
            f"'{name}' holds leads of very different lengths, up to {longest:,} samples. The file "
            "is damaged: copy or export it again."
        )
    signal = np.full((len(rows), longest), np.nan, np.float32)
    for target, row in zip(signal, rows, strict=True):
        target[: row.size] = row * step_mv
    return Strip(signal, leads, fs)


def read_full_disclosure(
    element: Element, *, name: str, unit: str | None, remarks: list[Remark]
) -> Strip:
    """Read a whole test, whose leads are interleaved sample by sample.

    Parameters
    ----------
    element
        The ``FullDisclosure`` element.
    name, unit, remarks
        As for a strip.

    Raises
    ------
    FormatError
        If samples are no whole numbers.
    SamplingRateError, UnitError, LeadError
        If the sampling rate, the step, or the names of leads are missing.
    """
    fs, step_mv = _rate(element, name), _step(element, name, unit)
    spelled = [lead for lead in text_at(element, "LeadOrder").split(",") if lead.strip()]
    declared = number_at(element, "NumberOfChannels")
    if len(spelled) > _MOST_LEADS or (declared == declared and declared != len(spelled)):
        raise LeadError(
            f"'{name}' names {len(spelled)} leads of a test and declares {declared:,g}; one name "
            f"for each, and at most {_MOST_LEADS}, were needed. Export it again."
        )
    leads = _names(spelled, name, remarks)
    data = element.find("FullDisclosureData")
    held = [] if data is None else [data.text or "", *(child.tail or "" for child in data)]
    values = _samples("".join(held), name, "the whole test")
    n_samples, rest = divmod(values.size, len(leads))
    if n_samples == 0:
        raise FormatError(f"'{name}' ends before its first sample. Copy or export the file again.")
    if rest:
        remarks.append(
            Remark(code="truncated", text="The samples of the last moment are incomplete.")
        )
    table = values[: n_samples * len(leads)].reshape(n_samples, len(leads))
    return Strip((table.T * step_mv).astype(np.float32), leads, fs)


def _samples(text: str, name: str, what: str) -> Int[np.ndarray, " sample"]:
    listed = text.strip().removesuffix(",")
    values = parse_integers(listed, name=name, what=what)
    commas = listed.count(",")
    if commas and commas + 1 != values.size:
        raise FormatError(
            f"'{name}' lacks a number among the samples of {what}, so that the others cannot be "
            "placed. The file is damaged: copy or export it again."
        )
    return values


def _names(spelled: list[str], name: str, remarks: list[Remark]) -> tuple[str, ...]:
    names = [canonical_lead(lead) or lead.strip()[:40] for lead in spelled]
    if not names or not all(names):
        raise LeadError(
            f"'{name}' holds samples without the name of their lead. Export it from CardioSoft "
            "again."
        )
    return unique_leads(names, remarks)


def _rate(element: Element, name: str) -> float:
    rate = element.find("SampleRate")
    fs = number_at(rate)
    if rate is not None and rate.get("units", "Hz").strip().lower() not in ("hz", ""):
        fs = float("nan")
    if not 0 < fs <= _HIGHEST_RATE_HZ:
        raise SamplingRateError(
            f"'{name}' states no sampling rate that makes sense; samples per second (Hz) were "
            "needed. Its header is damaged: export it again."
        )
    return fs


def _step(element: Element, name: str, unit: str | None) -> float:
    """Return what one step of the samples is, mV."""
    if unit is not None:
        return require_millivolts(unit)
    resolution = element.find("Resolution")
    number = number_at(resolution)
    spelled = "" if resolution is None else resolution.get("units", "")
    found = _PER_STEP.fullmatch(spelled)
    factor = None if found is None else millivolts(found.group(1))
    if factor is None or not 0 < number < 1e9:
        raise UnitError(
            f"'{name}' gives its samples the step {text_at(resolution)[:20]!r} "
            f"{spelled[:20]!r}; a number in uVperLsb was needed. Most files mean 4.88 or 5 "
            "microvolts: say which with unit='4.88 uV' or unit='5 uV'."
        )
    return number * factor
