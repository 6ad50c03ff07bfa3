# SPDX-License-Identifier: Apache-2.0
"""Rules and model as one list: each statement once, with what either says of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from precordia.classification.decisions import decide
from precordia.classification.denied import Denial, withdrawn
from precordia.classification.learned import Predicted
from precordia.core.findings import RULES, SUPERCLASS, Abstention, Finding, Findings
from precordia.core.source import Source
from precordia.knowledge.exclusions import excluded_by
from precordia.knowledge.statements import SUPERCLASSES, KnownStatement, list_statements

NORMAL, PACED = "NORM", "PACE"
_WHOLE = 12
_FROM_FEW_LEADS = "withdrawn: a normal ECG is told from twelve leads alone"


def merge(
    rules: Findings | None, predicted: Predicted, denied: Mapping[str, Denial] | None = None
) -> Findings:
    """Join what the rules found and what a model predicted.

    Parameters
    ----------
    rules
        What `precordia.classification.by_rules.judge_by_rules` found; None where no rule was asked.
    predicted
        What the model says.
    denied
        What the number that defines it denies, by code.

    Returns
    -------
    The statements that either makes, each once, withdrawn ones among them; then the superclasses.

    Notes
    -----
    A statement that both judged has the model's calibrated probability, since a met criterion has
    none, and keeps the rule's criterion, numbers and leads as its evidence. It is made where either
    makes it; ``says`` holds both answers and ``disagreement`` is a sentence where they differ.

    A statement of the model that its defining number denies is withdrawn, with that number as its
    evidence, where the model saw one window: over several its probability is a share of time and
    the number a mean.

    "Normal ECG" says that there is nothing else: it is withdrawn, with a sentence, where rule or
    model makes a statement that no normal ECG has (of another superclass, a rhythm that is not the
    sinus node's), and not made by a model that saw fewer than twelve leads. The superclass of the
    same code and probability is there only where the statement is.
    """
    denied = denied if denied is not None and predicted.n_windows <= 1 else {}
    found = {f.code: f for f in rules.findings} if rules is not None else {}
    open_ = {a.code for a in rules.abstained} if rules is not None else set()
    implied = {s.implies for s in list_statements() if s.code in found}
    made: list[Finding] = []
    by_model = predicted.found()
    for known in list_statements():
        if known.code not in found and known.code not in by_model:
            continue
        if known.code == NORMAL and NORMAL not in found and 0 < len(predicted.leads) < _WHOLE:
            continue  # a few leads without a finding are no normal ECG
        says: dict[str, float] = {}
        if rules is not None and known.by_rules and known.code not in open_:
            says[RULES] = float(known.code in found or known.code in implied)
        if known.code in predicted.probabilities:
            says[predicted.model] = predicted.probabilities[known.code]
        judged = _judged(known, found.get(known.code), says, predicted)
        if known.code in denied and known.code not in found:
            judged = withdrawn(judged, denied[known.code], predicted.model)
        made.append(judged)
    made = [_normal_or_withdrawn(f, made, by_model) if f.code == NORMAL else f for f in made]
    normal = next((f for f in made if f.code == NORMAL), None)
    findings = (*made, *_superclasses(predicted, by_model, normal))
    return Findings(
        findings=findings,
        abstained=(*(rules.abstained if rules is not None else ()), *_abstained(rules, predicted)),
        source=_source(rules, predicted, {f.code for f in made}),
        probabilities=predicted.probabilities,
        distance=predicted.distance,
        decisions=decide(tuple(made), rules, predicted),
    )


def _judged(
    known: KnownStatement, by_rule: Finding | None, says: dict[str, float], predicted: Predicted
) -> Finding:
    """Return the finding of a statement that rule or model makes."""
    model, code = predicted.model, known.code
    if by_rule is not None and model not in says:
        return dataclasses.replace(by_rule, says=says)
    threshold = predicted.thresholds.get(code, float("nan"))
    learned = {
        "probability": says[model],
        "threshold": threshold,
        "calibration": predicted.calibration,
        "says": says,
        "disagreement": "" if predicted.withheld else _disagreement(says, model, threshold, code),
    }
    if by_rule is not None:
        return dataclasses.replace(by_rule, method=f"{RULES}+{model}", **learned)
    return Finding(
        code=code,
        name=known.name,
        method=model,
        scheme=known.scheme,
        codes=known.codes(),
        **learned,
    )


def _disagreement(says: dict[str, float], model: str, threshold: float, code: str) -> str:
    """Return what the two disagree about; a model without a threshold says neither yes nor no."""
    probability, by_rule = says[model], says.get(RULES)
    if by_rule == 1.0 and probability < threshold:
        return (
            f"a criterion is met; {model} gives it {probability:.2f}, below its threshold of "
            f"{threshold:.2f}"
        )
    if by_rule == 0.0 and probability >= threshold:
        why = "the rules found something" if code == NORMAL else "no criterion is met"
        return f"{model} gives it {probability:.2f}; {why}"
    return ""


def _normal_or_withdrawn(normal: Finding, made: list[Finding], by_model: set[str]) -> Finding:
    """Withdraw "normal ECG" where a statement that it excludes, or its superclass, is made."""
    never = excluded_by(NORMAL)
    others = [f"{f.name} ({f.code})" for f in made if f.present and f.code in never]
    others += [f"{name} ({c})" for c, name in SUPERCLASSES.items() if c in by_model - {NORMAL}]
    if not others:
        return normal
    who = " and ".join(name for name, said in normal.says.items() if said >= _yes(normal, name))
    sentence = f"withdrawn: {who} would make it, but {others[0]} is there"
    return dataclasses.replace(normal, present=False, disagreement=sentence)


def _yes(finding: Finding, who: str) -> float:
    return 1.0 if who == RULES or finding.threshold != finding.threshold else finding.threshold


def _superclasses(
    predicted: Predicted, by_model: set[str], normal: Finding | None
) -> list[Finding]:
    """Return each superclass with its probability; the normal ECG as its statement is."""
    why = {}
    if NORMAL in by_model and not (normal is not None and normal.present):
        why[NORMAL] = normal.disagreement if normal is not None else _FROM_FEW_LEADS
    return [
        Finding(
            code=code,
            name=name,
            probability=predicted.probabilities[code],
            method=predicted.model,
            scheme=SUPERCLASS,
            calibration=predicted.calibration,
            present=code in by_model and code not in why,
            threshold=predicted.thresholds.get(code, float("nan")),
            says={predicted.model: predicted.probabilities[code]},
            disagreement=why.get(code, ""),
        )
        for code, name in SUPERCLASSES.items()
        if code in predicted.probabilities
    ]


def _abstained(rules: Findings | None, predicted: Predicted) -> list[Abstention]:
    """Return what only the model could have judged, where it may not."""
    if not predicted.withheld:
        return []
    alone = {s.code: s.name for s in list_statements() if rules is None or not s.by_rules}
    return [
        Abstention(code=code, name=name, reason=predicted.withheld, method=predicted.model)
        for code, name in (alone | SUPERCLASSES).items()
    ]


def _source(rules: Findings | None, predicted: Predicted, codes: set[str]) -> Source:
    cautions = list(predicted.cautions)
    told = rules.source.warnings if rules is not None else ()
    if predicted.withheld and predicted.withheld not in told:
        cautions.insert(0, f"{predicted.model} makes no finding: {predicted.withheld}")
    if PACED in codes:
        cautions.append("a paced rhythm; the model saw few")
    before = rules.source if rules is not None else None
    return Source(
        method=f"classify:{RULES}+{predicted.model}" if before else f"classify:{predicted.model}",
        version="+".join(filter(None, (before.version if before else "", predicted.version))),
        parameters={"leads": list(predicted.leads), "n_windows": predicted.n_windows},
        warnings=tuple(dict.fromkeys((*told, *cautions))),
    )
