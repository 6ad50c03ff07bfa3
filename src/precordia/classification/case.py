# SPDX-License-Identifier: Apache-2.0
"""A case: all that a rule may look at, and what the rules before it found."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from precordia.core.claims import Claim
from precordia.core.fiducials import Fiducials
from precordia.core.findings import Abstention, Finding
from precordia.core.lead_numbers import lead_number, record_number
from precordia.core.measure_words import words_of_measure
from precordia.core.measurements import Absence, BeatKind, Measurements
from precordia.core.quality import Quality
from precordia.core.record import Record
from precordia.knowledge.references import find_reference
from precordia.knowledge.statements import find_statement

NAN = math.nan


@dataclass(slots=True)
class Case:
    """A record with its quality, waves and numbers, and the findings so far.

    Rules ask it for numbers by name (``number``) and report through it (``find``, ``abstain``).

    Attributes
    ----------
    record, quality, fiducials, measurements
        What is judged.
    found
        Findings by code.
    open
        What could not be judged, by code.
    scaled
        Why amplitudes of different leads cannot be compared; empty where they can.
    blind
        Whether amplitudes are withheld because of that.
    """

    record: Record
    quality: Quality
    fiducials: Fiducials
    measurements: Measurements
    found: dict[str, Finding] = field(default_factory=dict)
    open: dict[str, Abstention] = field(default_factory=dict)
    scaled: str = ""
    blind: bool = False
    _known: dict[tuple[str, str], tuple[float, str]] = field(default_factory=dict)

    @property
    def sex(self) -> str | None:
        """Sex of the patient; None where unknown."""
        return self.record.patient.sex

    @property
    def age_years(self) -> float:
        """Age of the patient; NaN where unknown."""
        return self.record.patient.age_years

    def has(self, *codes: str) -> bool:
        """Tell whether any of these statements was found."""
        return any(code in self.found for code in codes)

    def barrier(self, codes: tuple[str, ...]) -> str:
        """Name the first of these statements that was found; a run of VT in between bars nothing.

        Ventricular tachycardia speaks for the median beat only where most beats are ventricular.
        """
        m = self.measurements
        for code in codes:
            passing = code == "VTACH" and 2 * m.n_ventricular_beats <= m.n_beats
            if code in self.found and not passing:
                return self.found[code].name
        return ""

    def number(self, measure: str, lead: str = "") -> tuple[float, str]:
        """Return a number, and why it is absent (empty where it is not).

        Measures are those of ``Measurements`` and ``LeadMeasurements``, and the derived ones
        of `precordia.core.lead_numbers`. In a lead that is not usable every number is absent.
        """
        key = (measure, lead)
        if key not in self._known:
            value, why = self._lead_number(measure, lead) if lead else self._number(measure)
            self._known[key] = (value, why)
        return self._known[key]

    def value(self, measure: str, lead: str = "") -> float:
        """Return a number, NaN where it is absent."""
        return self.number(measure, lead)[0]

    def usable(self, lead: str) -> bool:
        """Tell whether a lead was recorded and can be trusted."""
        if lead not in self.measurements.leads:
            return False
        quality = self.quality.leads.get(lead)
        return quality is None or quality.usable

    def _number(self, measure: str) -> tuple[float, str]:
        if self.scaled and measure.endswith("_axis_deg"):
            return NAN, self.scaled
        return record_number(self.measurements, measure)

    def _lead_number(self, measure: str, lead: str) -> tuple[float, str]:
        numbers = self.measurements.leads.get(lead)
        if numbers is None:
            if lead in self.record.leads:
                return NAN, f"{_words(measure)} in {lead}: {Absence.NO_BEATS}"
            return NAN, f"lead {lead} was not recorded"
        quality = self.quality.leads.get(lead)
        if quality is not None and not quality.usable:
            why = ", ".join(quality.reasons) or "poor signal"
            return NAN, f"lead {lead} is not usable ({why})"
        if self.blind and ("_mv" in measure or measure == "r_to_s"):
            return NAN, self.scaled
        return lead_number(numbers, measure, lead)

    def withhold_millivolts(self) -> None:
        """Withhold amplitudes from here on where the leads were scaled one by one."""
        if self.scaled:
            self.blind = True
            self._known.clear()

    def find(
        self,
        code: str,
        criterion: str,
        *,
        claims: tuple[Claim, ...] = (),
        leads: tuple[str, ...] = (),
        beats: tuple[int, ...] = (),
        reference: str = "",
        name: str = "",
    ) -> None:
        """Report that a criterion was met; a second criterion of a statement adds to the first.

        ``reference`` is a key of criteria.toml or the reference itself; ``name`` replaces the
        statement's usual words. Of leads that were scaled one by one no millivolts are shown.
        """
        if self.scaled:
            claims = tuple(c for c in claims if not c.unit.startswith("mV"))
        if reference and " " not in reference:
            reference = find_reference(reference)
        known, before = find_statement(code), self.found.get(code)
        self.open.pop(code, None)
        if before is not None:
            criterion = f"{before.criterion}; or {criterion}"
            claims = (*before.claims, *claims)
            leads = tuple(dict.fromkeys((*before.leads, *leads)))
            beats = tuple(sorted({*before.beats, *beats}))
            if reference not in before.reference:
                reference = f"{before.reference}; {reference}" if before.reference else reference
            else:
                reference = before.reference
            name = name or before.name
        self.found[code] = Finding(
            code=code,
            name=name or known.name,
            probability=1.0,
            method="rules",
            scheme=known.scheme,
            criterion=criterion,
            claims=claims,
            leads=leads,
            beats=beats,
            codes=known.codes(),
            reference=reference,
        )

    def abstain(self, code: str, reason: str) -> None:
        """Report that a statement cannot be judged, unless it was found by other means."""
        if code not in self.found and code not in self.open:
            name = find_statement(code).name
            self.open[code] = Abstention(code=code, name=name, reason=reason)

    def claim(
        self,
        measure: str,
        relation: str = "is",
        limit: float = NAN,
        unit: str = "",
        lead: str = "",
        text: str = "",
    ) -> Claim:
        """Make a claim of a measured number."""
        return Claim(
            measure=measure,
            value=self.value(measure, lead),
            relation=relation,
            limit=limit,
            unit=unit,
            lead=lead,
            text=text,
        )

    def rows_of(self, kind: BeatKind) -> tuple[int, ...]:
        """Return the rows of the fiducials whose beats are of a kind."""
        rows = np.flatnonzero(self.fiducials.has_qrs)
        kinds = self.measurements.beats.kind
        if len(rows) != len(kinds):
            return ()
        return tuple(int(r) for r, k in zip(rows, kinds, strict=True) if k == kind)


def _words(measure: str) -> str:
    return words_of_measure(measure)[0]


def claim(
    measure: str,
    value: float | int,
    relation: str = "is",
    limit: float | int = NAN,
    unit: str = "",
    lead: str = "",
    text: str = "",
) -> Claim:
    """Make a claim of a number that a rule worked out.

    Examples
    --------
    >>> print(claim("rr_irregularity", 0.21, ">", 0.1))
    irregularity of RR 0.21 (> 0.1)
    """
    return Claim(
        measure=measure,
        value=float(value),
        relation=relation,
        limit=float(limit),
        unit=unit,
        lead=lead,
        text=text,
    )


def known(values: Float[np.ndarray, ...]) -> Float[np.ndarray, ...]:
    """Return the finite entries of an array.

    Examples
    --------
    >>> known(np.array([1.0, np.nan]))
    array([1.])
    """
    return values[np.isfinite(values)]
