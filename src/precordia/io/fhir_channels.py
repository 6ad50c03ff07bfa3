# SPDX-License-Identifier: Apache-2.0
"""Channels of FHIR observations: which are leads, what they are called, in which unit."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from precordia.core.errors import FormatError, SamplingRateError, UnitError
from precordia.core.leads import canonical_lead
from precordia.core.record import Remark
from precordia.io.array_layout import row_names
from precordia.io.channel_roles import is_other_kind
from precordia.io.fhir_codes import (
    COMPANION,
    has_code,
    is_potential,
    lead_of_concept,
    name_of_concept,
)
from precordia.io.fhir_resource import Node, nodes
from precordia.io.fhir_sampled_data import Samples, read_samples, volts_of
from precordia.io.units import require_millivolts

#: an origin is doubtful where the signal lies so many times nearer to zero without it
_NEARER = 4
_MOST_ROWS = 4096


@dataclass(slots=True)
class Channel:
    """One row: a lead in millivolts, or another signal with its own unit.

    Attributes
    ----------
    name, row, fs
        As in a record or a companion.
    unit
        None for a lead.
    """

    name: str
    row: Float[np.ndarray, " sample"]
    fs: float
    unit: str | None


@dataclass(slots=True)
class Reading:
    """The file that is read and how; ``remarks`` takes what was noticed."""

    name: str
    unit: str | None
    fs: float | None
    subtract_origin: bool
    remarks: list[Remark]


@dataclass(slots=True)
class _Part:
    """Sampled data with the concept that names it."""

    concept: Node
    lead: str | None
    name: str
    samples: Samples

    @property
    def what(self) -> str:
        """What is sampled, for sentences."""
        return _what(self.lead, self.name)


def _what(lead: str | None, name: str) -> str:
    return f"lead {lead}" if lead is not None else f"'{name}'"


def channels_of(observations: Sequence[Node], reading: Reading) -> list[Channel]:
    """Return the channels of observations that belong together, in their order.

    Raises
    ------
    FormatError
        If samples are damaged.
    UnitError
        If a lead does not say its unit.
    SamplingRateError
        If a lead does not say its sampling rate.
    """
    parts = _joined(_parts(observations, reading), reading)
    if sum(len(part.samples.data) for part in parts) > _MOST_ROWS:
        raise FormatError(
            f"'{reading.name}' holds more than {_MOST_ROWS:,} signals, which no recording does. "
            "The file is damaged: export it again."
        )
    has_lead = any(
        (part.lead is not None or is_potential(part.concept)) and part.samples.unit
        for part in parts
    )
    found: list[Channel] = []
    doubtful: list[str] = []
    beyond: dict[str, tuple[int, int]] = {}
    for part in parts:
        samples = part.samples
        factor, unit = _unit_of(part, reading, has_lead)
        fs = samples.fs
        if math.isnan(fs):
            if reading.fs is None and unit is not None:
                _remark_dropped(part, reading)
                continue
            if reading.fs is None:
                raise SamplingRateError(
                    f"'{reading.name}' does not say how {part.what} was sampled: a period, or an "
                    "interval with its unit, was needed. Say the rate with fs=500 (--fs 500)."
                )
            fs = reading.fs
        if unit is None and _doubtful(samples, reading):
            doubtful.append(part.name)
        if samples.n_above or samples.n_below:
            beyond[part.name] = (samples.n_above, samples.n_below)
        rows = np.stack([_amplitudes(data, part, factor, reading) for data in samples.data])
        names = _names(part, rows, reading)
        found += [Channel(own, row, fs, unit) for own, row in zip(names, rows, strict=True)]
    _remark(doubtful, beyond, reading)
    return found


def _parts(observations: Sequence[Node], reading: Reading) -> list[_Part]:
    found = []
    for observation in observations:
        for item in (observation, *nodes(observation, "component")):
            for sampled in nodes(item, "valueSampledData")[:1]:
                concept = (nodes(item, "code") or [{}])[0]
                lead = lead_of_concept(concept)
                name = lead or name_of_concept(concept)[:40] or "ECG"
                if lead is None and item is observation:
                    for site in nodes(observation, "bodySite"):
                        lead = lead_of_concept(site)
                        name = lead or name
                samples = read_samples(sampled, name=reading.name, what=_what(lead, name))
                found.append(_Part(concept, lead, name, samples))
    return found


def _joined(parts: list[_Part], reading: Reading) -> list[_Part]:
    """Return parts with those joined that continue a lead."""
    sets: dict[tuple, list[_Part]] = {}
    for part in parts:
        told = part.samples
        fs = -1.0 if math.isnan(told.fs) else told.fs
        key = (part.name, fs, told.unit, told.origin, told.factor, len(told.data))
        sets.setdefault(key, []).append(part)
    joined = False
    found = []
    counts = {key: [part.samples.data.shape[1] for part in held] for key, held in sets.items()}
    for key, held in sets.items():
        lengths = counts[key]
        alike = [other for k, other in counts.items() if k[1] == key[1]]
        whole = len(set(lengths[:-1])) == 1 and (
            lengths[-1] == lengths[0] or (len(lengths) > 2 and lengths[-1] < lengths[0])
        )
        is_companion = has_code(held[0].concept, COMPANION)
        if not whole or is_companion or any(other != lengths for other in alike):
            found += held
            continue
        joined = True
        each = [part.samples for part in held]
        first = each[0]
        samples = Samples(
            data=np.concatenate([one.data for one in each], axis=1),
            origin=first.origin,
            factor=first.factor,
            unit=first.unit,
            fs=first.fs,
            n_above=sum(one.n_above for one in each),
            n_below=sum(one.n_below for one in each),
        )
        found.append(_Part(held[0].concept, held[0].lead, held[0].name, samples))
    if joined:
        reading.remarks.append(
            Remark(
                code="parts-joined",
                text="The file gives its leads in parts, which were joined in their order in the "
                "file; it does not say when each begins.",
            )
        )
        return found
    return parts


def _unit_of(part: _Part, reading: Reading, has_lead: bool) -> tuple[float, str | None]:
    """Return millivolts per unit and None for a lead; 1 and the unit for anything else."""
    stated = part.samples.unit
    volts = volts_of(stated)
    if has_code(part.concept, COMPANION):
        return 1.0, stated
    sure = part.lead is not None or is_potential(part.concept)
    if not sure and (is_other_kind(part.name) or (stated and volts is None)):
        return 1.0, stated
    if reading.unit is not None and (sure or volts is not None or not stated):
        return require_millivolts(reading.unit), None
    if volts is not None:
        return volts, None
    if not sure and has_lead:
        return 1.0, stated
    told = f"the unit '{stated[:20]}'" if stated else "no unit"
    raise UnitError(
        f"{part.what} of '{reading.name}' has {told} with its origin; a voltage was needed, most "
        "likely uV or mV. Say which with unit='uV' (--unit uV)."
    )


def _names(part: _Part, rows: Float[np.ndarray, "lead sample"], reading: Reading) -> Sequence[str]:
    """Return the names of interleaved signals, which the concept may list."""
    if len(rows) == 1:
        return [part.name]
    words = re.split(r"[\s,;/|]+", name_of_concept(part.concept).strip())
    spelled = [canonical_lead(word) for word in words]
    told = [lead for lead in spelled if lead is not None]
    if len(told) == len(spelled) == len(rows):
        return told
    return row_names(rows, "", reading.remarks)


def _amplitudes(
    data: Float[np.ndarray, " sample"], part: _Part, factor: float, reading: Reading
) -> Float[np.ndarray, " sample"]:
    told = part.samples
    with np.errstate(over="ignore", invalid="ignore"):
        if reading.subtract_origin:
            values = (data - told.origin) * (told.factor * factor)
        else:
            values = data * (told.factor * factor) + told.origin * factor
        row = values.astype(np.float32)
        damaged = bool((~np.isfinite(row) & ~np.isnan(data)).any())
    if damaged:
        raise FormatError(
            f"{part.what} of '{reading.name}' holds amplitudes beyond any number. The file is "
            "damaged: copy or export it again."
        )
    return row


def _doubtful(samples: Samples, reading: Reading) -> bool:
    """Tell whether an origin seems to be the middle of a converter."""
    if samples.origin == 0 or reading.subtract_origin:
        return False
    data = samples.data[:, :: max(1, samples.data.shape[1] // 5000)]
    data = data[np.isfinite(data)]
    if data.size == 0:
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        level = float(np.median(data))
        added = abs(samples.origin + level * samples.factor)
        subtracted = abs((level - samples.origin) * samples.factor)
    return added > _NEARER * subtracted


def _remark_dropped(part: _Part, reading: Reading) -> None:
    reading.remarks.append(
        Remark(
            code="companion-left",
            text=f"{part.what} was left out, as the file does not say how it was sampled.",
        )
    )


def _remark(doubtful: list[str], beyond: dict[str, tuple[int, int]], reading: Reading) -> None:
    if doubtful:
        leads = tuple(dict.fromkeys(doubtful))
        reading.remarks.append(
            Remark(
                code="origin-doubtful",
                text="The samples lie around the origin that the file states, as if it were the "
                "middle of a converter. The standard adds it, which was done; if the amplitudes "
                "are far from zero, read with subtract_origin=True.",
                leads=leads,
            )
        )
    if beyond:
        above, below = (sum(pair[k] for pair in beyond.values()) for k in (0, 1))
        reading.remarks.append(
            Remark(
                code="beyond-limits",
                text=f"{above:,} samples above and {below:,} below the limits of the device are "
                f"missing, in {', '.join(beyond)}.",
                leads=tuple(beyond),
            )
        )
