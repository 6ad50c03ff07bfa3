# SPDX-License-Identifier: Apache-2.0
"""What was decided of every statement there is: found, not found, or why there is no decision."""

from __future__ import annotations

from precordia.classification.learned import Predicted
from precordia.core.findings import FOUND, NOT_FOUND, Finding, Findings, no_decision
from precordia.knowledge.statements import KnownStatement, list_statements

NORMAL = "NORM"
_NO_RULE = "no rule"
_WHOLE = 12
#: scheme of the statements that models are taught; what rules alone know has no recordings
_LEARNED = "scp-ecg"


def decide(
    made: tuple[Finding, ...], rules: Findings | None, predicted: Predicted | None
) -> dict[str, str]:
    """Say of every statement whether it was found, was not, or was not decided on and why.

    Parameters
    ----------
    made
        The findings.
    rules
        What the rules found and could not judge; None where they were not asked.
    predicted
        What a model said; None where none was asked.

    Returns
    -------
    By code, for every statement of `list_statements` (PTB-XL's 71 and our own): ``"found"``,
    ``"not found"``, or ``"no decision: ..."``.

    Examples
    --------
    >>> from precordia.core.findings import Findings
    >>> decide((), Findings(), None)["HVOLT"], decide((), Findings(), None)["AFIB"]
    ('no decision: no rule', 'not found')
    """
    if rules is not None and rules.withheld and (predicted is None or predicted.withheld):
        return {s.code: no_decision(rules.withheld) for s in list_statements()}
    present = {f.code for f in made if f.present}
    open_ = {a.code: a.reason for a in rules.abstained} if rules is not None else {}
    implied = {s.implies for s in list_statements() if s.code in present}
    decisions = {}
    for known in list_statements():
        if known.code in present or known.code in implied:
            decisions[known.code] = FOUND
            continue
        by_rule = _why_no_rule(known, rules, open_)
        by_model = _why_no_model(known, predicted)
        if by_rule is None or by_model is None:
            decisions[known.code] = NOT_FOUND
        else:
            whys = dict.fromkeys(filter(None, (by_model, by_rule)))
            decisions[known.code] = no_decision("; ".join(whys))
    return decisions


def _why_no_rule(
    known: KnownStatement, rules: Findings | None, open_: dict[str, str]
) -> str | None:
    """Return why no rule decided; None where one did, nothing where none was asked."""
    if rules is None:
        return ""
    return open_.get(known.code) if known.by_rules else _NO_RULE


def _why_no_model(known: KnownStatement, predicted: Predicted | None) -> str | None:
    """Return why the model did not decide; None where it did, nothing where none was asked."""
    if predicted is None:
        return ""
    if predicted.withheld:
        return predicted.withheld.rstrip(".")
    if known.code not in predicted.probabilities:
        few = predicted.too_few_to_learn if known.scheme == _LEARNED else ""
        return f"not learned by {predicted.model}{few}"
    if known.code not in predicted.thresholds:
        return f"without a threshold in {predicted.model}{predicted.too_few_to_decide}"
    if known.code == NORMAL and len(predicted.leads) < _WHOLE:
        return "a normal ECG is told from twelve leads alone"
    return None
