# SPDX-License-Identifier: Apache-2.0
"""The samples of a Philips XML file."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import numpy as np
from jaxtyping import Float, Int

from precordia.core.errors import FormatError, LeadError, SamplingRateError, UnitError
from precordia.core.leads import LIMB, STANDARD_12, canonical_lead
from precordia.core.record import Remark
from precordia.io.base64_samples import decode_base64, sixteen_bit_samples
from precordia.io.lead_names import unique_leads
from precordia.io.number_list import parse_integers
from precordia.io.philips_xml_xli import decode_xli, rebuild_limb_leads
from precordia.io.units import require_millivolts
from precordia.io.xml_text import number_at, text_at

_SIGNAL = "dataacquisition/signalcharacteristics/"
_HIGHEST_RATE_HZ = 100_000
_MOST_LEADS = 32
#: samples that are spelled out, where the file does not say how they are stored
_SPELLED = re.compile(r"\s*[-+]?\d{1,5}([\s,]+[-+]?\d{1,5})+\s*", re.ASCII)
#: samples of all leads together: this many may always be held, or this many for every character
_ALWAYS_ALLOWED, _EXPANSION = 1 << 24, 8


@dataclass(frozen=True, slots=True)
class Waveforms:
    """The leads of a recording as stored.

    Attributes
    ----------
    counts
        Samples in steps of the converter, whole numbers; NaN where none is held.
    leads, fs
        As in a record.
    step_mv
        What one step is, mV.
    """

    counts: Float[np.ndarray, "lead sample"]
    leads: tuple[str, ...]
    fs: float
    step_mv: float


def read_waveforms(
    root: Element, *, name: str, unit: str | None, remarks: list[Remark]
) -> Waveforms:
    """Read the rhythm recording, compressed or not.

    Parameters
    ----------
    root
        The file.
    name, unit
        Name of the file, for the error sentences; option of the reader.
    remarks
        Takes what was noticed.

    Raises
    ------
    FormatError
        If samples are of an unknown kind or damaged.
    SamplingRateError, UnitError, LeadError
        If the sampling rate, the step of the samples, or the names of the leads are missing.

    Notes
    -----
    Uncompressed samples are 16-bit numbers in base64, or plain numbers, one lead after the other.
    """
    element = root.find("waveforms/parsedwaveforms")
    if element is None or not (element.text or "").strip():
        raise FormatError(
            f"'{name}' holds no samples; 'parsedwaveforms' was needed. Export it again, with its "
            "waveforms."
        )
    fs = _first(element, root, "samplespersecond", ("samplingrate",))
    if not 0 < fs <= _HIGHEST_RATE_HZ:
        raise SamplingRateError(
            f"'{name}' states no sampling rate that makes sense; samples per second were needed. "
            "Its header is damaged: export it again."
        )
    step_mv = _step(element, root, name, unit)
    leads = _leads(element, root, name, remarks)
    milliseconds = _first(element, root, "durationperchannel", ())
    samples = milliseconds * fs / 1000
    largest = max(_ALWAYS_ALLOWED, _EXPANSION * len(element.text or "")) / len(leads)
    if not 1 <= samples <= largest:
        raise FormatError(
            f"'{name}' declares {milliseconds:,g} ms a lead, which its samples cannot fill. Its "
            "header is damaged: export it again."
        )
    n_samples = round(samples)
    rows = _rows(element, root, leads, n_samples, name)
    short = tuple(lead for lead, row in zip(leads, rows, strict=True) if row.size < n_samples)
    if not any(row.size for row in rows):
        raise FormatError(f"'{name}' ends before its first sample. Copy or export it again.")
    if short:
        remarks.append(
            Remark(
                code="truncated",
                text="The samples end early; what is there was read. NaN in "
                + ", ".join(short)
                + ".",
                leads=short,
            )
        )
    counts = np.full((len(rows), n_samples), np.nan)
    for target, row in zip(counts, rows, strict=True):
        target[: row.size] = row
    offset = _first(element, root, "signaloffset", ("signaloffset",))
    if math.isfinite(offset):
        counts -= offset
    return Waveforms(counts, leads, fs, step_mv)


def _first(element: Element, root: Element, attribute: str, paths: tuple[str, ...]) -> float:
    """Return a number that stands at the samples or in the description of the acquisition."""
    try:
        value = float(element.get(attribute, "nan"))
    except ValueError:
        value = math.nan
    for path in paths:
        if math.isnan(value):
            value = number_at(root, _SIGNAL + path)
    return value


def _step(element: Element, root: Element, name: str, unit: str | None) -> float:
    """Return what one step of the samples is, mV."""
    if unit is not None:
        return require_millivolts(unit)
    microvolts = _first(element, root, "resolution", ("resolution", "signalresolution"))
    if not 0 < microvolts < 1e6:
        raise UnitError(
            f"'{name}' does not say what one step of its samples is. Most files mean 5 uV: say so "
            "with unit='5 uV'."
        )
    return microvolts / 1000


def _leads(element: Element, root: Element, name: str, remarks: list[Remark]) -> tuple[str, ...]:
    """Return the names of the leads in the order of their samples."""
    labels = element.get("leadlabels", "").split()
    wanted = _first(element, root, "numberofleads", ("numberchannelsvalid",))
    if not labels:
        # Version 1.03 stores the twelve leads in their usual order and does not name them.
        measured = root.iterfind("measurements/leadmeasurements/leadmeasurement")
        named = [one.get("leadname", "") for one in measured]
        labels = named if len(named) == wanted else list(STANDARD_12)
    if math.isfinite(wanted) and 0 < wanted < len(labels):
        labels = labels[: int(wanted)]
    if not labels or len(labels) > _MOST_LEADS or wanted > len(labels):
        raise LeadError(
            f"'{name}' names {len(labels)} leads and declares {wanted:g}; a name for each, and at "
            f"most {_MOST_LEADS}, were needed. Export it again."
        )
    return unique_leads([canonical_lead(label) or label[:40] for label in labels], remarks)


def _rows(
    element: Element, root: Element, leads: tuple[str, ...], n_samples: int, name: str
) -> list[Int[np.ndarray, " sample"]]:
    """Return the samples of each lead, as far as they go."""
    spelled = _SPELLED.fullmatch(element.text or "") is not None
    encoding = element.get("dataencoding", "Plain" if spelled else "Base64").lower()
    method = element.get("compression") or element.get("compressmethod") or ""
    if element.get("compressflag", "True").lower() == "false" or method.lower() in (
        "uncompressed",
        "none",
    ):
        method = ""
    if method not in ("", "XLI") or encoding not in ("base64", "plain"):
        raise FormatError(
            f"'{name}' stores its samples as {encoding[:20]} {method[:20]}; Base64 with XLI, "
            "Base64 or Plain was needed. Export it again in one of these."
        )
    if encoding == "plain":
        values = parse_integers(element.text, name=name, what="all leads")
        if values.size and int(np.abs(values).max()) > 1 << 24:
            raise FormatError(
                f"'{name}' holds samples that no converter gives. The file is damaged: copy or "
                "export it again."
            )
    else:
        content = decode_base64(element.text, name=name, what="all leads")
        if method:
            return _expanded(content, leads, n_samples, name)
        values = sixteen_bit_samples(content[: len(content) // 2 * 2], name=name, what="all leads")
        signed = element.get("signalsigned") or text_at(root, _SIGNAL + "signalsigned")
        if signed.lower() == "false":
            values = values.view(np.uint16)
    bits = _first(element, root, "bitspersample", ("bitspersample",))
    if encoding == "base64" and math.isfinite(bits) and bits != 16:
        raise FormatError(
            f"'{name}' stores {bits:g} bits a sample; 16 were needed. Export it again."
        )
    ends = [min(values.size, (k + 1) * n_samples) for k in range(len(leads))]
    return [values[min(k * n_samples, end) : end] for k, end in enumerate(ends)]


def _expanded(
    content: bytes, leads: tuple[str, ...], n_samples: int, name: str
) -> list[Int[np.ndarray, " sample"]]:
    """Return decompressed samples; none for a lead that the content ends before."""
    rows = decode_xli(content, n_leads=len(leads), n_samples=n_samples, name=name)
    place = {lead: k for k, lead in enumerate(leads)}
    if all(lead in place for lead in LIMB):
        limbs = [rows[place[lead]] for lead in LIMB]
        # A residual without the leads that it is one of means nothing.
        if limbs[0].size and limbs[1].size and limbs[2].size:
            for lead, row in zip(LIMB, rebuild_limb_leads(limbs), strict=True):
                rows[place[lead]] = row
        else:
            for lead in LIMB[2:]:
                rows[place[lead]] = rows[place[lead]][:0]
    return rows
