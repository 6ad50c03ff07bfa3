# SPDX-License-Identifier: Apache-2.0
"""The numbers that a finding rests on, in words: each once, one row for the leads of a measure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from precordia.core.claims import Claim
from precordia.core.findings import Finding
from precordia.core.study import Study
from precordia.core.verify import verify
from precordia.reporting.wording import Wording, unit_of

_MOST = 6


@dataclass(slots=True)
class _Number:
    """One number, with all the limits that it met."""

    claims: list[Claim]

    @property
    def first(self) -> Claim:
        return self.claims[0]

    def limits(self, words: Wording) -> str:
        """Return the limits in words, but not that a count is at least one."""
        held = [c for c in self.claims if not (c.limit == 1 and c.relation == ">=" and not c.unit)]
        return ", ".join(dict.fromkeys(filter(None, map(words.limit, held))))


def told_evidence(study: Study, words: Wording, finding: Finding) -> tuple[list[str], list[Claim]]:
    """Return the numbers of a finding that verify, in words and as claims.

    Parameters
    ----------
    study, words
        What is told, and how.
    finding
        Whose evidence it is.

    Returns
    -------
    At most six pieces of text, and the claims that they hold. Numbers that do not verify, that are
    infinite, or for which the language has no words are left out.
    """
    groups: list[list[_Number]] = []
    for number in _numbers(study, words, finding):
        last = groups[-1][-1] if groups else None
        if last is not None and _alike(last, number, words):
            groups[-1].append(number)
        else:
            groups.append([number])
    groups = groups[:_MOST]
    claims = [claim for group in groups for number in group for claim in number.claims]
    return [_told(group, words, finding) for group in groups], claims


def _numbers(study: Study, words: Wording, finding: Finding) -> list[_Number]:
    found: dict[tuple[str, str, float], _Number] = {}
    for claim in finding.claims:
        if not math.isfinite(claim.value) or not words.measure(claim.measure):
            continue
        if verify(claim, study).holds is not True:
            continue
        number = found.setdefault((claim.measure, claim.lead, claim.value), _Number([]))
        if all((c.relation, repr(c.limit)) != (claim.relation, repr(claim.limit))
               for c in number.claims):  # fmt: skip
            number.claims.append(claim)
    return list(found.values())


def _alike(one: _Number, other: _Number, words: Wording) -> bool:
    """Tell whether two numbers are the same measure in two leads, against the same limits."""
    same = one.first.measure == other.first.measure and one.limits(words) == other.limits(words)
    return same and bool(one.first.lead and other.first.lead)


def _told(group: list[_Number], words: Wording, finding: Finding) -> str:
    first = group[0].first
    measure = words.measure(first.measure)
    values = [_value(number.first, words) for number in group]
    if len(group) > 1:
        leads = [f"{n.first.lead} {value}" for n, value in zip(group, values, strict=True)]
        text = words.phrase("evidence_leads", measure=measure, values=", ".join(leads))
    elif first.lead:
        text = words.phrase("evidence_in", measure=measure, lead=first.lead, value=values[0])
    elif measure.lower() == words.statement(finding.code).lower():
        text = words.phrase("evidence_count", value=values[0])
    else:
        text = words.phrase("evidence", measure=measure, value=values[0])
    limits = group[0].limits(words)
    return words.phrase("evidence_with", evidence=text, limits=limits) if limits else text


def _value(claim: Claim, words: Wording) -> str:
    return words.number(claim.value, unit_of(claim), claim.limit)
