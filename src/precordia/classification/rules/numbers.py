# SPDX-License-Identifier: Apache-2.0
"""Judge the criteria that are data: numbers against limits."""

from __future__ import annotations

from precordia.classification.case import Case
from precordia.knowledge.criteria import judge, list_criteria


def judge_numbers(case: Case) -> None:
    """Judge every criterion of ``knowledge/criteria.toml`` and report findings and abstentions."""
    for criterion in list_criteria():
        barrier = case.barrier(criterion.not_with)
        if barrier:
            case.abstain(criterion.statement, f"means nothing with {barrier}")
            continue
        verdict = judge(criterion, case.number, sex=case.sex, age_years=case.age_years)
        if verdict.outcome == "met":
            case.find(
                criterion.statement,
                criterion.words,
                claims=verdict.claims,
                leads=verdict.leads,
                reference=criterion.reference,
            )
        elif verdict.outcome == "unknown":
            case.abstain(criterion.statement, verdict.reason)
