# SPDX-License-Identifier: Apache-2.0
"""Findings that exclude each other: both stay, and the weaker one says so."""

from __future__ import annotations

import dataclasses

from precordia.core.findings import RULES, Finding, Findings
from precordia.knowledge.exclusions import contradictions
from precordia.knowledge.statements import list_statements


def with_contradictions(found: Findings) -> Findings:
    """Add to findings that cannot be true beside others what they contradict.

    Parameters
    ----------
    found
        Findings by rules, by models, or by both.

    Returns
    -------
    The findings; of every two that are made and exclude each other, the one that fewer methods
    make, else that which no rule makes, else the less probable has a ``disagreement``.

    Examples
    --------
    >>> sinus = Finding(code="SR", name="sinus rhythm", probability=0.5, method="a-model")
    >>> af = Finding(code="AFIB", name="atrial fibrillation", probability=0.9, method="a-model")
    >>> [f.code for f in with_contradictions(Findings(findings=(af, sinus))).disagreements]
    ['SR']
    """
    known = {s.code for s in list_statements()}
    made = {f.code: f for f in found.present if f.code in known}
    against: dict[str, dict[str, list[str]]] = {}
    for pair in contradictions(made):
        stronger, weaker = sorted((made[c] for c in pair.codes), key=_support, reverse=True)
        others = against.setdefault(weaker.code, {}).setdefault(pair.why, [])
        others.append(f"{stronger.name} ({stronger.code})")
    if not against:
        return found
    findings = tuple(
        _with_sentences(f, against[f.code]) if f is made.get(f.code) and f.code in against else f
        for f in found.findings
    )
    return dataclasses.replace(found, findings=findings)


def _with_sentences(finding: Finding, against: dict[str, list[str]]) -> Finding:
    told = [
        f"{' and '.join(others)} {'is' if len(others) == 1 else 'are'} there as well, and {why}"
        for why, others in against.items()
    ]
    sentence = "; ".join(filter(None, (finding.disagreement, *told)))
    return dataclasses.replace(finding, disagreement=sentence)


def _support(finding: Finding) -> tuple[int, bool, float]:
    """Return how many methods make a finding, whether a rule does, and how probable it is."""
    by_rule = finding.says.get(RULES) == 1.0 or finding.method == RULES
    by_model = sum(
        said >= finding.threshold for name, said in finding.says.items() if name != RULES
    )
    return by_rule + by_model, by_rule, finding.probability
