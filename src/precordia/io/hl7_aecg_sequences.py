# SPDX-License-Identifier: Apache-2.0
"""Sequence sets of an HL7 aECG: a time axis, and lists of samples with origin and scale."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from xml.etree.ElementTree import Element

import numpy as np
from jaxtyping import Float

from precordia.core.errors import FormatError, SamplingRateError, UnitError
from precordia.core.leads import canonical_lead
from precordia.core.record import Companion, Remark
from precordia.io.hl7_time import parse_moment, seconds_between
from precordia.io.lead_blocks import LeadBlock, OneClock, companions_of, merge_blocks
from precordia.io.lead_names import lead_of_code
from precordia.io.number_list import parse_integers
from precordia.io.units import millivolts, require_millivolts

#: seconds in a unit of time
SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "min": 60.0, "h": 3600.0}
_LEAD_CODE = "MDC_ECG_LEAD_"


@dataclass(slots=True)
class Series:
    """The signal of one series: its leads on one clock, and what else was recorded on it.

    Attributes
    ----------
    clock
        Leads, merged; None where the series holds no voltage.
    first_sample
        Moment of the first sample; None where the series only counts from its own beginning.
    head_s
        What the series calls the time of the first sample, seconds, where it counts.
    companions
        Sequences that are no voltage, or of another sampling rate.
    """

    clock: OneClock | None
    first_sample: datetime | None
    head_s: float
    companions: tuple[Companion, ...]


def read_series(
    series: Element,
    *,
    number: int,
    name: str,
    unit: str | None,
    remarks: list[Remark],
) -> Series:
    """Read the sequence sets of a series.

    Parameters
    ----------
    series
        A ``series`` or ``derivedSeries`` element.
    number, name
        Which series of which file, for the error sentences.
    unit
        Unit of the amplitudes, where the file states none or a wrong one.
    remarks
        Takes what was noticed.

    Raises
    ------
    FormatError
        If samples or their scale are damaged, or are stored in a way that is not read.
    UnitError
        If a scale has no unit of voltage and ``unit`` does not say it.
    SamplingRateError
        If the time axis does not tell the sampling rate.
    """
    reader = _Reader(name=name, number=number, unit=unit, remarks=remarks)
    blocks: list[LeadBlock] = []
    companions: list[Companion] = []
    for sequence_set in series.findall("component/sequenceSet"):
        block = reader.read_set(sequence_set, companions)
        if block is not None:
            blocks.append(block)
    filled = [block for block in blocks if block.total]
    if not filled:
        return Series(None, reader.first_moment, 0.0, tuple(companions))
    for lead in dict.fromkeys(lead for block in blocks for lead in block.leads):
        # A lead without any sample is still a lead of the recording.
        if not any(lead in block.leads for block in filled):
            filled[0].leads.append(lead)
            filled[0].rows.append(np.empty(0, np.float32))
    order = list(dict.fromkeys(lead for block in blocks for lead in block.leads))
    clock = _ordered(merge_blocks(filled, remarks), order)
    companions += companions_of(clock, remarks)
    start = reader.moment_of(clock.start_s)
    head = 0.0 if start is not None else clock.start_s
    return Series(clock, start, head, tuple(companions))


def _ordered(clock: OneClock, order: list[str]) -> OneClock:
    """Return a signal with its leads in the order in which the file names them."""
    if list(clock.leads) == order or not set(order) <= set(clock.leads):
        return clock
    places = [clock.leads.index(lead) for lead in order]
    places += [k for k in range(len(clock.leads)) if k not in places]
    leads = tuple(clock.leads[k] for k in places)
    return OneClock(clock.signal[places], leads, clock.fs, clock.start_s, clock.others)


@dataclass(slots=True)
class _Reader:
    name: str
    number: int
    unit: str | None
    remarks: list[Remark]
    first_moment: datetime | None = None

    def read_set(self, sequence_set: Element, companions: list[Companion]) -> LeadBlock | None:
        sequences = sequence_set.findall("component/sequence")
        axis = None
        others: list[tuple[str, str, Element]] = []
        for sequence in sequences:
            code = sequence.find("code")
            value = sequence.find("value")
            spelled = "" if code is None else code.get("code", "")
            if value is None:
                continue
            if spelled.startswith("TIME_"):
                axis = value if axis is None else axis
            else:
                shown = "" if code is None else code.get("displayName", "")
                others.append((spelled, shown, value))
        if not others:
            return None
        fs, start = self.read_axis(axis)
        block = LeadBlock(start, fs)
        for code, shown, value in others:
            lead = lead_of(code, shown)
            row, unit = self.read_samples(value, lead)
            if unit is not None:
                companions.append(Companion(name=lead, signal=row, fs=fs, unit=unit))
                continue
            block.leads.append(lead)
            block.rows.append(row)
        lengths = {row.size for row in block.rows if row.size}
        if len(lengths) > 1:
            self.remarks.append(
                Remark(
                    code="length-differs",
                    text="Leads of one set differ in length; the shorter ones are missing at the "
                    "end.",
                    leads=tuple(
                        dict.fromkeys(
                            lead
                            for lead, row in zip(block.leads, block.rows, strict=True)
                            if row.size < max(lengths)
                        )
                    ),
                )
            )
        return block

    def read_axis(self, value: Element | None) -> tuple[float, float]:
        """Return sampling rate and start of a set, seconds."""
        what = f"series {self.number} of '{self.name}'"
        if value is None:
            raise SamplingRateError(
                f"{what} has samples and no time axis, so no sampling rate. Export the file again."
            )
        head, increment = value.find("head"), value.find("increment")
        if increment is None:
            kind = value.get("type", "an unnamed type")
            raise SamplingRateError(
                f"{what} has a time axis of {kind}, without an increment; GLIST_TS or GLIST_PQ "
                "was needed, which is evenly sampled. Export it so."
            )
        unit = increment.get("unit", "")
        step = _number(increment.get("value")) * SECONDS.get(unit, math.nan)
        if not 1e-7 < step < 1e5:
            raise SamplingRateError(
                f"{what} has an increment of '{increment.get('value', '')[:20]}' "
                f"'{unit[:20]}' from sample to sample; a positive time in s, ms or us was needed. "
                "Correct the file, or export it again."
            )
        return rate_of(step), self.start_of(head)

    def start_of(self, head: Element | None) -> float:
        if head is None:
            return 0.0
        text = head.get("value", "")
        moment = parse_moment(text)
        if moment is not None:
            if self.first_moment is None:
                self.first_moment = moment
            between = seconds_between(self.first_moment, moment)
            if between is None:  # one of them without its time zone: the digits tell
                between = (
                    moment.replace(tzinfo=None) - self.first_moment.replace(tzinfo=None)
                ).total_seconds()
            return between
        seconds = _number(text) * SECONDS.get(head.get("unit", ""), math.nan)
        return seconds if math.isfinite(seconds) else 0.0

    def moment_of(self, start_s: float) -> datetime | None:
        if self.first_moment is None:
            return None
        try:
            return self.first_moment + timedelta(seconds=start_s)
        except OverflowError:
            return None

    def read_samples(
        self, value: Element, lead: str
    ) -> tuple[Float[np.ndarray, " sample"], str | None]:
        """Return samples in millivolts and None, or in another unit and that."""
        kind = value.get("type", "")
        digits = value.find("digits")
        if digits is None:
            if value.get("nullFlavor"):
                return np.empty(0, np.float32), None
            raise FormatError(
                f"lead {lead} of '{self.name}' is stored as {kind[:20] or 'an unnamed type'}; "
                "SLIST_PQ or SLIST_INT with digits was needed. Export the file again."
            )
        counts = parse_integers(digits.text, name=self.name, what=f"lead {lead}")
        if not counts.size and value.get("nullFlavor"):
            return np.empty(0, np.float32), None
        origin, scale = value.find("origin"), value.find("scale")
        step = 1.0 if scale is None else _number(scale.get("value"))
        offset = 0.0 if origin is None else _number(origin.get("value", "0"))
        stated = "" if scale is None else scale.get("unit", "")
        offset_unit = stated if origin is None else origin.get("unit", stated)
        if not (math.isfinite(step) and step != 0 and math.isfinite(offset)):
            raise FormatError(
                f"lead {lead} of '{self.name}' has a scale or origin that is no number. The file "
                "is damaged: copy or export it again."
            )
        factor, other = self.factor_of(stated, lead)
        offset_factor = factor
        if other is None and self.unit is None and offset_unit != stated:
            offset_factor = millivolts(offset_unit) if offset != 0 else factor
            if offset_factor is None:
                raise self.no_unit(offset_unit, lead)
        with np.errstate(over="ignore", invalid="ignore"):
            samples = counts * (step * factor)
            if offset:
                samples += offset * offset_factor
            row = samples.astype(np.float32)
        if not np.isfinite(row).all():
            raise FormatError(
                f"lead {lead} of '{self.name}' holds amplitudes beyond any number, with a scale of "
                f"{step:g}. The file is damaged: copy or export it again."
            )
        return row, other

    def factor_of(self, stated: str, lead: str) -> tuple[float, str | None]:
        """Return millivolts per unit and None, or 1 and the unit where it is no voltage."""
        factor = millivolts(stated)
        is_lead = canonical_lead(lead) is not None
        if self.unit is not None and (is_lead or factor is not None or not stated):
            return require_millivolts(self.unit), None
        if factor is not None:
            return factor, None
        if stated and not is_lead:
            return 1.0, stated
        raise self.no_unit(stated, lead)

    def no_unit(self, stated: str, lead: str) -> UnitError:
        told = f"the unit '{stated[:20]}'" if stated else "no unit"
        return UnitError(
            f"lead {lead} of '{self.name}' has {told} with its scale; a voltage was needed, most "
            "likely uV or mV. Say which with unit='uV' (--unit uV)."
        )


def lead_of(code: str, shown: str = "") -> str:
    """Return the name of a lead by its code, else by its display name, else the code itself.

    Examples
    --------
    >>> lead_of("MDC_ECG_LEAD_AVR"), lead_of("131389"), lead_of("MDC_ECG_LEAD_CONFIG")
    ('aVR', 'III', 'CONFIG')
    """
    found = lead_of_code(code, "MDC") or canonical_lead(code)
    if found is None and shown:
        found = canonical_lead(shown)
    return found or code.removeprefix(_LEAD_CODE).strip()[:40] or shown.strip()[:40] or "unnamed"


def rate_of(step_s: float) -> float:
    """Return the sampling rate of a time step, whole where the step is that to the last digits.

    Examples
    --------
    >>> rate_of(0.002), rate_of(1 / 257), rate_of(0.003)
    (500.0, 257.0, 333.3333333333333)
    """
    fs = 1.0 / step_s
    whole = round(fs)
    return float(whole) if whole and abs(fs - whole) <= 1e-12 * fs else fs


def _number(text: str | None) -> float:
    try:
        value = float((text or "").strip().replace(",", "."))
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan
