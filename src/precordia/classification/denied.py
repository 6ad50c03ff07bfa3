# SPDX-License-Identifier: Apache-2.0
"""Statements that are not there because the number that defines them says so."""

from __future__ import annotations

from dataclasses import dataclass

from precordia.classification.case import Case
from precordia.core.claims import Claim
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
