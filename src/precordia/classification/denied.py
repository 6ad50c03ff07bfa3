# SPDX-License-Identifier: Apache-2.0
"""Statements that are not there because the number that defines them says so."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from precordia.classification.case import Case
from precordia.core.claims import Claim
from precordia.core.findings import NOT_FOUND, RULES, Finding, Findings
from precordia.knowledge.definitions import denied_by, list_definitions


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """Why a statement is not there.

    Attributes
    ----------
    definition
        What the statement is defined by, in words.
    claims
        The numbers on the other side of the limit.
    reference
        Where the definition was published.
    """

    definition: str
    claims: tuple[Claim, ...]
    reference: str

    def __str__(self) -> str:
        return f"{' and '.join(str(c) for c in self.claims)}, and {self.definition}"


def denied_statements(case: Case) -> dict[str, Denial]:
    """Return the statements that a measured number denies.

    Parameters
    ----------
    case
        What was measured, and found by rules.

    Returns
    -------
    By code. A number denies where it lies beyond the limit by more than it may be off; one that is
    absent, unsure or means nothing beside what was found denies nothing. See
    ``knowledge/definitions.toml``.
    """
    denied = {}
    for definition in list_definitions():
        if definition.statement in case.found or case.barrier(definition.not_with):
            continue
        claims = denied_by(definition, case.number, sex=case.sex, age_years=case.age_years)
        if claims:
            denied[definition.statement] = Denial(
                definition=definition.words, claims=claims, reference=definition.reference
            )
    return denied


def withdrawn(finding: Finding, denial: Denial, model: str) -> Finding:
    """Withdraw what a model alone says, with the number that denies it as evidence.

    Parameters
    ----------
    finding
        What the model says.
    denial
        Why it is not there.
    model
        Name of the model.

    Returns
    -------
    The finding, not ``present``, with its probability, the number and a ``disagreement``.
    """
    return dataclasses.replace(
        finding,
        present=False,
        method=f"{RULES}+{model}",
        criterion=denial.definition,
        claims=denial.claims,
        reference=denial.reference,
        says={RULES: 0.0, **finding.says},
        disagreement=f"withdrawn: {model} gives it {finding.probability:.2f}, but {denial}",
    )


def without_denied(found: Findings, denied: dict[str, Denial]) -> Findings:
    """Withdraw what was found by words and a number denies.

    Parameters
    ----------
    found
        What a model said of statements that somebody named.
    denied
        From `denied_statements`.

    Returns
    -------
    The findings, and what was decided of the words that named them.
    """
    findings = tuple(
        withdrawn(f, denied[f.code], f.method) if f.present and f.code in denied else f
        for f in found.findings
    )
    gone = {f.code for f in found.present} - {f.code for f in findings if f.present}
    decisions = {
        text: NOT_FOUND if found.asked.get(text) in gone else said
        for text, said in found.decisions.items()
    }
    return dataclasses.replace(found, findings=findings, decisions=decisions)
