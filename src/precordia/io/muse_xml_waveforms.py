# SPDX-License-Identifier: Apache-2.0
"""The samples of a GE MUSE XML file: one waveform of several leads."""

from __future__ import annotations

import math
import re
import zlib
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import numpy as np
from jaxtyping import Float

from precordia.core.errors import FormatError, LeadError, SamplingRateError, UnitError
from precordia.core.leads import canonical_lead
from precordia.core.record import Remark
from precordia.io.base64_samples import decode_base64, sixteen_bit_samples
from precordia.io.lead_names import unique_leads
from precordia.io.number_list import parse_integers
from precordia.io.units import millivolts, require_millivolts
from precordia.io.xml_text import number_at, text_at

#: what a lead may lack before its first sample: no more than it holds, or ten seconds
_LONGEST_OFFSET_S = 10
_HIGHEST_RATE_HZ = 100_000
_MOST_LEADS = 64
#: what is read; files that other programs write name the median beat so
_SAMPLE_TYPES = ("", "CONTINUOUS_SAMPLES", "REPRESENTATIVE_BEAT")
#: samples that are spelled out instead of in base64
_SPELLED = re.compile(r"\s*[-+]?\d{1,5}([\s,]+[-+]?\d{1,5})+\s*", re.ASCII)
#: leads of different lengths may take this many times what is stored, and a minimum
_STRETCH, _SMALL = 16, 1 << 22


@dataclass(frozen=True, slots=True)
class Waveform:
    """The leads of one waveform on one clock.

    Attributes
    ----------
    rows
        Potential, mV, in double precision; NaN where nothing was stored.
    leads, fs
        As in a record.
    filters
        Header entries on the filters.
    """

    rows: Float[np.ndarray, "lead sample"]
    leads: tuple[str, ...]
    fs: float
    filters: dict[str, str]


def read_waveform(
    element: Element,
    *,
    name: str,
    unit: str | None,
    ignore_checksum: bool,
    remarks: list[Remark],
    warnings: list[str],
) -> Waveform:
    """Read the leads of a waveform.

    Parameters
    ----------
    element
        The ``Waveform`` element.
    name
        Name of the file, for the error sentences.
    unit, ignore_checksum
        As for the reader.
    remarks, warnings
        Take what was noticed and what was overridden.

    Raises
    ------
    FormatError
        If samples are of an unknown kind, damaged, or not as many as declared.
    SamplingRateError, UnitError, LeadError
        If the sampling rate, the unit or all samples are missing.
    """
    fs = _sampling_rate(element, name)
    kind = text_at(element, "SampleType")
    if kind.upper() not in _SAMPLE_TYPES:
        raise FormatError(
            f"'{name}' stores its samples as {kind[:40]!r}; continuous samples were needed. Export "
            "it from MUSE again, uncompressed."
        )
    names: list[str] = []
    rows: list[Float[np.ndarray, " sample"]] = []
    off: list[str] = []
    offsets: set[float] = set()
    shifted: list[str] = []
    held = element.findall("LeadData")
    if len(held) > _MOST_LEADS:
        raise FormatError(
            f"'{name}' holds {len(held):,} leads; at most {_MOST_LEADS} are read. The file is "
            "damaged: copy or export it again."
        )
    for data in held:
        spelled = text_at(data, "LeadID")[:40]
        lead = canonical_lead(spelled) or spelled or f"lead {len(names) + 1}"
        row = _row(data, lead, fs, name, unit, ignore_checksum, warnings)
        if row.size == 0:
            continue
        offsets.add(number_at(data, "LeadTimeOffset"))
        if abs(number_at(data, "FirstSampleBaseline")) > 0:  # not where it is absent
            shifted.append(lead)
        if text_at(data, "LeadOff").upper() == "TRUE":
            off.append(lead)
            if np.nanmax(row) == np.nanmin(row):
                row = np.full_like(row, np.nan)
        names.append(lead)
        rows.append(row)
    if not rows:
        raise LeadError(
            f"'{name}' holds a waveform without samples, so no ECG. Export it from MUSE again, "
            "with its waveforms."
        )
    if off:
        remarks.append(
            Remark(
                code="lead-off",
                text="The device says that electrodes were off in " + ", ".join(off) + ".",
                leads=tuple(off),
            )
        )
    if len(offsets - {math.nan}) > 1:
        remarks.append(
            Remark(
                code="leads-apart",
                text="The file says that leads begin at different times (LeadTimeOffset), and not "
                "in which unit; they were placed side by side.",
            )
        )
    if shifted:
        remarks.append(
            Remark(
                code="baseline-stated",
                text="The file states a FirstSampleBaseline, and nowhere what it means, for "
                + ", ".join(shifted)
                + "; the samples were left as they are.",
                leads=tuple(shifted),
            )
        )
    leads = unique_leads(names, remarks)
    return Waveform(_stacked(rows, leads, name, remarks), leads, fs, _filters(element))


def _sampling_rate(element: Element, name: str) -> float:
    base, exponent = number_at(element, "SampleBase"), number_at(element, "SampleExponent")
    if math.isnan(exponent):
        exponent = 0.0
    fs = base * 10.0**exponent if -12 <= exponent <= 12 else math.nan
    if not 0 < fs <= _HIGHEST_RATE_HZ:
        raise SamplingRateError(
            f"'{name}' gives a sampling rate of "
            f"{text_at(element, 'SampleBase')[:20] or 'nothing'}; samples per second were needed. "
            "Its header is damaged: export it from MUSE again."
        )
    return fs


def _row(
    data: Element,
    lead: str,
    fs: float,
    name: str,
    unit: str | None,
    ignore_checksum: bool,
    warnings: list[str],
) -> Float[np.ndarray, " sample"]:
    """Return the samples of one lead, mV."""
    what = f"lead {lead}"
    width = number_at(data, "LeadSampleSize")
    if not math.isnan(width) and width != 2:
        raise FormatError(
            f"'{name}' stores {width:g} bytes a sample for {what}; two were needed. Export it from "
            "MUSE again, in its usual form."
        )
    element = data.find("WaveFormData")
    content = _content(None if element is None else element.text, name, what)
    _check_sum(data, content, what, name, ignore_checksum, warnings)
    samples = sixteen_bit_samples(content, name=name, what=what)
    declared = number_at(data, "LeadSampleCountTotal")
    if not math.isnan(declared) and declared != samples.size:
        raise FormatError(
            f"'{name}' declares {declared:,g} samples of {what} and holds {samples.size:,}. The "
            "file is damaged: copy or export it again."
        )
    row = samples * _millivolts_per_step(data, what, name, unit)
    offset = number_at(data, "LeadOffsetFirstSample")
    if math.isnan(offset) or offset == 0 or not row.size:
        return row
    if not 0 < offset <= max(row.size, _LONGEST_OFFSET_S * fs):
        raise FormatError(
            f"'{name}' begins {what} at sample {offset:,g}, far from the others. The file is "
            "damaged: copy or export it again."
        )
    return np.concatenate([np.full(int(offset), np.nan), row])


def _content(text: str | None, name: str, what: str) -> bytes:
    """Return the bytes of the samples."""
    if text is None or not _SPELLED.fullmatch(text):
        return decode_base64(text, name=name, what=what)
    numbers = parse_integers(text, name=name, what=what)
    if numbers.max() > 32767 or numbers.min() < -32768:
        raise FormatError(
            f"'{name}' holds samples of {what} that do not fit into 16 bits. The file is damaged: "
            "copy or export it again."
        )
    return numbers.astype("<i2").tobytes()


def _check_sum(
    data: Element, content: bytes, what: str, name: str, ignored: bool, warnings: list[str]
) -> None:
    declared = text_at(data, "LeadDataCRC32")
    if not declared.isdecimal() or len(declared) > 10 or not content:
        return
    # Programs that compute no checksum write 0.
    if int(declared) in (0, zlib.crc32(content)):
        return
    if not ignored:
        raise FormatError(
            f"'{name}' holds samples of {what} that do not have their checksum, so some are wrong. "
            "Copy or export it again; ignore_checksum=True (--ignore-checksum) reads them as they "
            "are."
        )
    warnings.append(f"The checksum of {what} is wrong and was ignored.")


def _millivolts_per_step(data: Element, what: str, name: str, unit: str | None) -> float:
    steps = number_at(data, "LeadAmplitudeUnitsPerBit")
    if math.isnan(steps) and unit is not None:
        return require_millivolts(unit)
    if not (math.isfinite(steps) and steps != 0):
        raise UnitError(
            f"'{name}' does not say what one step of {what} is; LeadAmplitudeUnitsPerBit was "
            "needed. Most files mean 4.88 microvolts: if so, say it with unit='4.88 uV'."
        )
    if unit is not None:
        return steps * require_millivolts(unit)
    spelled = text_at(data, "LeadAmplitudeUnits")
    factor = millivolts(spelled)
    if factor is None:
        raise UnitError(
            f"'{name}' gives {what} the unit {spelled[:20]!r}; one of voltage was needed. Most "
            "files mean uV, some mV: say which with unit='uV' or unit='mV'."
        )
    return steps * factor


def _stacked(
    rows: list[np.ndarray],  # of different lengths perhaps
    leads: tuple[str, ...],
    name: str,
    remarks: list[Remark],
) -> Float[np.ndarray, "lead sample"]:
    length = max(row.size for row in rows)
    short = [lead for lead, row in zip(leads, rows, strict=True) if row.size < length]
    if not short:
        return np.stack(rows)
    remarks.append(
        Remark(
            code="leads-shorter",
            text="Leads end before the others: " + ", ".join(short) + "; NaN there.",
            leads=tuple(short),
        )
    )
    if length * len(rows) > _STRETCH * sum(row.size for row in rows) + _SMALL:
        raise FormatError(
            f"'{name}' holds leads of very different lengths, up to {length:,} samples. The file "
            "is damaged: copy or export it again."
        )
    whole = np.full((len(rows), length), np.nan)
    for target, row in zip(whole, rows, strict=True):
        target[: row.size] = row
    return whole


def _filters(element: Element) -> dict[str, str]:
    """Return the filters in hertz; the high-pass is stored in hundredths."""
    highpass = number_at(element, "HighPassFilter") / 100
    found = {
        "filter_highpass_hz": highpass,
        "filter_lowpass_hz": number_at(element, "LowPassFilter"),
        "filter_notch_hz": number_at(element, "ACFilter"),
    }
    return {key: f"{value:g}" for key, value in found.items() if value > 0}
