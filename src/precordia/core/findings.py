# SPDX-License-Identifier: Apache-2.0
"""Findings: predicted statements, each with the evidence that led to it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from precordia.core.errors import OptionError
from precordia.core.source import Source
from precordia.core.value import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim(Value):
    """One number that met (or missed) one limit.

    Attributes
    ----------
    measure
        Name of the measurement, such as ``"qrs_ms"``.
    value
        What was measured.
    relation
        ``">"``, ``">="``, ``"<"``, ``"<="``, ``"=="`` or ``"is"``.
    limit
        What it was compared with; NaN where the claim has no limit.
    unit
        Unit of both.
    lead
        Lead of the number; empty for a number of the record.
    text
        Words for what a number alone does not say.
    """

    measure: str
    value: float = math.nan
    relation: str = "is"
    limit: float = math.nan
    unit: str = ""
    lead: str = ""
    text: str = ""

    def __str__(self) -> str:
        if self.value != self.value:
            return self.text or self.measure
        where = f" in {self.lead}" if self.lead else ""
        bound = f" {self.relation} {self.limit:g}" if self.limit == self.limit else ""
        unit = f" {self.unit}" if self.unit else ""
        note = f" ({self.text})" if self.text else ""
        return f"{self.measure}{where} {self.value:.4g}{bound}{unit}{note}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Value):
    """A statement that a method makes about a record, with its evidence.

    Attributes
    ----------
    code, scheme
        Code in its coding scheme (SCP-ECG unless said otherwise).
    name
        Plain words.
    probability
        Between 0 and 1. For a rule it says that the criterion was met (1.0), or partly met where
        the rule grades itself; ``calibration`` says how far the number may be read as a frequency.
    method
        ``"rules"``, or the model that predicted it.
    criterion
        The rule in words.
    claims
        The numbers that met it.
    leads
        Leads that showed it.
    beats
        Rows of the fiducials that showed it; empty for all.
    codes
        The same statement in other schemes.
    reference
        Where the criterion was published.
    calibration
        How the probability was calibrated; ``"none"`` for rules.
    """

    code: str
    name: str
    probability: float
    method: str
    scheme: str = "scp-ecg"
    criterion: str = ""
    claims: tuple[Claim, ...] = ()
    leads: tuple[str, ...] = ()
    beats: tuple[int, ...] = ()
    codes: dict[str, str] = field(default_factory=dict)
    reference: str = ""
    calibration: str = "none"

    def __post_init__(self) -> None:
        if math.isnan(self.probability) or not 0 <= self.probability <= 1:
            raise OptionError(
                f"finding {self.code} has probability {self.probability}; 0 to 1 is needed."
            )

    def __str__(self) -> str:
        evidence = "; ".join(str(c) for c in self.claims)
        where = f" [{', '.join(self.leads)}]" if self.leads else ""
        return f"{self.name} ({self.code}){where}" + (f": {evidence}" if evidence else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Abstention(Value):
    """A statement that could not be judged, and why."""

    code: str
    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name} ({self.code}): {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings(Value):
    """All findings of one record; iterates over them.

    Attributes
    ----------
    findings
        What was found, most important first.
    abstained
        What could not be judged.
    source
        Method and version.
    """

    findings: tuple[Finding, ...] = ()
    abstained: tuple[Abstention, ...] = ()
    source: Source = field(default_factory=Source)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __contains__(self, code: object) -> bool:
        return any(f.code == code for f in self.findings)

    def __getitem__(self, code: str) -> Finding:
        for finding in self.findings:
            if finding.code == code:
                return finding
        raise KeyError(code)

    def __str__(self) -> str:
        return "\n".join(str(f) for f in self.findings) or "no findings"
