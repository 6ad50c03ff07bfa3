# SPDX-License-Identifier: Apache-2.0
"""The study: a record with everything derived from it."""

from __future__ import annotations

from dataclasses import dataclass, field

from precordia.core.fiducials import Fiducials
from precordia.core.findings import Findings
from precordia.core.measurements import Measurements
from precordia.core.quality import Quality
from precordia.core.record import Record
from precordia.core.source import Source
from precordia.core.value import Value

DISCLAIMER = "Research software. Not a medical device; not for diagnosis or treatment."


@dataclass(frozen=True, slots=True, kw_only=True)
class Study(Value):
    """A record with its quality, waves, measurements and findings.

    Every part carries its own source; the study's source names the pipeline.

    Examples
    --------
    >>> import precordia as pc
    >>> study = pc.examine(pc.toy_record())
    >>> study.findings.present[0].code, round(study.measurements.qrs_ms)
    ('SR', 91)
    >>> Study.from_json(study.to_json()) == study
    True
    """

    record: Record
    quality: Quality
    fiducials: Fiducials
    measurements: Measurements
    findings: Findings
    source: Source = field(default_factory=Source)

    def __repr__(self) -> str:
        return (
            f"Study({self.record!r}, {self.quality!r}, {self.fiducials!r}, {self.measurements!r}, "
            f"{self.findings!r})"
        )

    def __str__(self) -> str:
        parts = [repr(self.record), str(self.quality), str(self.measurements)]
        parts.append(
            "Findings:\n" + "\n".join(f"  {line}" for line in str(self.findings).split("\n"))
        )
        return "\n".join([*parts, DISCLAIMER])
