# SPDX-License-Identifier: Apache-2.0
"""Records of one to three leads: fibrillation is judged by a model made for them."""

from __future__ import annotations

import dataclasses

from precordia.core.errors import WeightsError
from precordia.core.findings import FOUND, NOT_FOUND, RULES, Abstention, Finding, Findings
from precordia.core.quality import Quality
from precordia.core.record import Record
from precordia.embedding.excerpts import useful_leads
from precordia.knowledge.statements import list_statements

CODE = "AFIB"
MOST_LEADS = 3


def with_fibrillation(found: Findings, record: Record, quality: Quality | None) -> Findings:
    """Let the model for few leads decide on atrial fibrillation where there are few.

    Parameters
    ----------
    found
        Findings by rules, by a model, or by both.
    record, quality
        The record, and whether it can be read.

    Returns
    -------
    The findings unchanged where there are more than three leads or the model abstains. Else its
    probability is that of atrial fibrillation. A finding of a rule stays, with a sentence where the
    model disagrees; one of the general model alone is withdrawn where this one does not share it.
    """
    if not 1 <= len(useful_leads(record)) <= MOST_LEADS:
        return found
    from precordia.classification.atrial_fibrillation import judge_fibrillation

    try:
        judged = judge_fibrillation(record, quality=quality)
    except WeightsError:  # not installed; the general model's answer stands
        return found
    if isinstance(judged, Abstention):
        return found
    before = next((f for f in found.findings if f.code == CODE), None)
    joined = _joined(before, judged, _says(found, before))
    others = [f for f in found.findings if f.code != CODE]
    made = joined is not None and joined.present
    findings = others if joined is None else _in_order([*others, joined])
    return dataclasses.replace(
        found,
        findings=tuple(findings),
        probabilities={**found.probabilities, CODE: judged.probability},
        decisions={**found.decisions, CODE: FOUND if made else NOT_FOUND},
    )


def _says(found: Findings, before: Finding | None) -> dict[str, float]:
    """Return what was said of fibrillation so far."""
    if before is not None:
        return before.says
    says = {}
    asked = found.source.method.removeprefix("classify:").split("+")
    if RULES in asked and not any(a.code == CODE and a.method == RULES for a in found.abstained):
        says[RULES] = 0.0
    if CODE in found.probabilities:
        says[asked[-1]] = found.probabilities[CODE]
    return says


def _joined(before: Finding | None, judged: Finding, says: dict[str, float]) -> Finding | None:
    by_rule, p = says.get(RULES), judged.probability
    sentence = ""
    if by_rule == 1.0 and not judged.present:
        sentence = (
            f"a criterion is met; {judged.method} gives it {p:.2f}, below its threshold of "
            f"{judged.threshold:.2f}"
        )
    elif by_rule == 0.0 and judged.present:
        sentence = f"{judged.method} gives it {p:.2f}; no criterion is met"
    elif before is not None and not judged.present:
        sentence = f"withdrawn: {judged.method}, made for few leads, gives it {p:.2f}"
    elif before is None and not judged.present:
        return None
    evidence = before if before is not None else judged
    return dataclasses.replace(
        evidence,
        probability=p,
        method=f"{RULES}+{judged.method}" if by_rule == 1.0 else judged.method,
        claims=(*(before.claims if before is not None else ()), *judged.claims),
        calibration=judged.calibration,
        threshold=judged.threshold,
        present=judged.present or by_rule == 1.0,
        says={**says, judged.method: p},
        disagreement=sentence,
    )


def _in_order(findings: list[Finding]) -> list[Finding]:
    """Sort by importance; superclasses stay last."""
    place = {(s.scheme, s.code): k for k, s in enumerate(list_statements())}
    return sorted(findings, key=lambda f: place.get((f.scheme, f.code), len(place)))
