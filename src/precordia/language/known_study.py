# SPDX-License-Identifier: Apache-2.0
"""What a text about a study is checked against: its numbers, limits and statements."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

from precordia.core.claims import Claim, Of
from precordia.core.study import Study
from precordia.core.verify import difference, verify
from precordia.questions.free import NORMAL
from precordia.questions.limits import Limits
from precordia.questions.numbers import Numbers
from precordia.questions.vocabulary import terms_of_kind

#: age from which no exact one is told
OLDEST_TOLD = 89.0
#: numbers that a text calls by one name
SEVERAL = {
    "qtc": ("qtc_fridericia_ms", "qtc_bazett_ms", "qtc_framingham_ms", "qtc_hodges_ms"),
}


@dataclass
class KnownStudy:
    """A study, and an earlier one, ready to be looked up many times.

    Attributes
    ----------
    study, previous
        The recordings.
    language
        Of the text.
    """

    study: Study
    previous: Study | None = None
    language: str = "en"
    _verdicts: dict[str, bool | None] = field(default_factory=dict)

    @cached_property
    def now(self) -> Numbers:
        """Numbers of the study."""
        return Numbers(self.study)

    @cached_property
    def then(self) -> Numbers | None:
        """Numbers of the earlier one."""
        return Numbers(self.previous) if self.previous is not None else None

    @cached_property
    def limits(self) -> dict[str, tuple[float, float]]:
        """Usual limits by name of the number."""
        normal = Limits().normal
        found = {t.measure: normal[t.name] for t in terms_of_kind("interval") if t.name in normal}
        for name in SEVERAL["qtc"]:
            found.setdefault(name, normal["qt corrected"])
        return found | NORMAL

    @cached_property
    def used(self) -> dict[str, set[float]]:
        """Limits that decided of a finding, by name of the number."""
        found: dict[str, set[float]] = {}
        for study in (self.study, self.previous):
            for finding in study.findings if study is not None else ():
                found.setdefault(f"probability:{finding.code}", set()).add(finding.threshold)
                for claim in finding.claims:
                    found.setdefault(claim.measure, set()).add(claim.limit)
        return found

    def is_limit(self, measure: str, said: float, step: float) -> bool:
        """Tell whether a number is a limit that is used here, said as exactly as it is known."""
        known = {*self.limits.get(measure, ()), *self.used.get(measure, ())}
        return any(abs(limit - said) <= max(step / 2, 1e-9 * abs(limit)) for limit in known)

    def number(self, measure: str, lead: str = "", of: Of = "study") -> float:
        """Return a number as it is in the study, NaN where it is none."""
        if of == "change":
            now, then = self.number(measure, lead), self.number(measure, lead, "previous")
            return difference(measure, now, then)
        numbers = self.now if of == "study" else self.then
        if numbers is None:
            return math.nan
        record = numbers.study.record
        kind, _, name = measure.partition(":")
        if kind == "record":
            return float(getattr(record, name)) if not lead else math.nan
        if measure == "patient:age_years":
            age = record.patient.age_years
            return math.nan if age > OLDEST_TOLD else age
        if kind == "probability":
            return numbers.study.findings.probabilities.get(name, math.nan)
        return numbers.of(measure, lead)[0]

    def holds(self, claim: Claim) -> bool | None:
        """Return whether a claim is true of the study; None where it cannot be told."""
        key = repr(claim)
        if key not in self._verdicts:
            self._verdicts[key] = verify(claim, self.study, self.previous).holds
        return self._verdicts[key]
