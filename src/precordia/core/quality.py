# SPDX-License-Identifier: Apache-2.0
"""Quality: whether a recording can be read, lead by lead, with typed reasons."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum

from precordia.core.errors import SignalError
from precordia.core.record import Remark
from precordia.core.source import Source
from precordia.core.value import Value


class QualityReason(StrEnum):
    """Why a lead or a record is hard to read. The value is the phrase that is printed."""

    MISSING = "samples missing"
    LEAD_OFF = "lead off"
    FLAT = "flat"
    SATURATED = "saturated"
    BASELINE_WANDER = "baseline wander"
    MAINS = "mains interference"
    MUSCLE = "muscle artifact"
    MOTION = "electrode motion"
    LOW_AMPLITUDE = "low amplitude"
    NO_BEATS = "no beats found"
    LEAD_REVERSAL = "suspected lead reversal"
    LEAD_SWAP = "suspected lead swap"
    LEADS_INCONSISTENT = "leads inconsistent"
    TIME_REVERSED = "suspected reversed time"
    GAIN_ERROR = "suspected gain error"
    NORMALISED = "normalised, not millivolts"
    TOO_SHORT = "too short"
    NO_SIGNAL = "no signal"


def _check_score(score: float) -> None:
    if math.isnan(score) or not 0 <= score <= 1:
        raise SignalError(f"a quality score of {score} arrived; it lies between 0 and 1.")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadQuality(Value):
    """Quality of one lead.

    Attributes
    ----------
    usable
        Whether measurements on this lead can be trusted.
    score
        0 (noise) to 1 (clean).
    reasons
        What is wrong, worst first; empty where nothing is.
    indices
        The numbers behind the verdict, units in their names.
    """

    usable: bool
    score: float
    reasons: tuple[QualityReason, ...] = ()
    indices: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_score(self.score)

    def __repr__(self) -> str:
        return f"LeadQuality({self}, score {self.score:.2f})"

    def __str__(self) -> str:
        word = "usable" if self.usable else "not usable"
        return f"{word} ({', '.join(self.reasons)})" if self.reasons else word


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality(Value):
    """Quality of a record.

    Attributes
    ----------
    acceptable
        Whether a reader would accept the recording for interpretation.
    score
        Estimated probability that an expert calls it acceptable.
    reasons
        What is wrong with the record as a whole, worst first.
    leads
        Quality of each lead.
    remarks
        Details for people: which leads seem swapped, which factor the gain may be off by.
    source
        Method and version.

    Examples
    --------
    >>> lead = LeadQuality(usable=False, score=0.1, reasons=(QualityReason.LEAD_OFF,))
    >>> quality = Quality(acceptable=True, score=0.8, leads={"V2": lead})
    >>> quality.acceptable, quality.leads["V2"].usable
    (True, False)
    >>> print(quality)
    Quality: acceptable, score 0.80
      V2: not usable (lead off)
    """

    acceptable: bool
    score: float
    reasons: tuple[QualityReason, ...] = ()
    leads: dict[str, LeadQuality] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()
    source: Source = field(default_factory=Source)

    def __post_init__(self) -> None:
        _check_score(self.score)

    def __repr__(self) -> str:
        word = "acceptable" if self.acceptable else "not acceptable"
        usable = sum(lead.usable for lead in self.leads.values())
        return (
            f"Quality({word}, score {self.score:.2f}, {usable} of {len(self.leads)} leads usable, "
            f"{self.source})"
        )

    def __str__(self) -> str:
        word = "acceptable" if self.acceptable else "not acceptable"
        lines = [f"Quality: {word}, score {self.score:.2f}"]
        if self.reasons:
            lines.append("  record: " + ", ".join(self.reasons))
        lines += [f"  {name}: {lead}" for name, lead in self.leads.items() if lead.reasons]
        lines += [f"  note: {remark}" for remark in self.remarks]
        return "\n".join(lines)
