# SPDX-License-Identifier: Apache-2.0
"""Thresholds above which a statement is made, chosen on validation records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from precordia.classification.calibration import check_scores
from precordia.core.errors import OptionError, unknown_name

RULES = ("youden", "f1", "sensitivity", "specificity", "precision")
#: rules that need a value to be reached
_REACH = ("sensitivity", "specificity", "precision")


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """A threshold for each statement: it is made where the score is at least as high.

    Attributes
    ----------
    values
        Thresholds; NaN where none could be chosen.
    rule
        How they were chosen, such as ``"youden"`` or ``"precision 0.9"``.
    sensitivity, specificity, precision
        What each threshold gave on the records that it was chosen on, which is better than it will
        be on others. Precision is NaN where nothing was called.
    reasons
        For each statement why there is no threshold; empty where there is one.
    """

    values: Float[np.ndarray, " statement"]
    rule: str
    sensitivity: Float[np.ndarray, " statement"]
    specificity: Float[np.ndarray, " statement"]
    precision: Float[np.ndarray, " statement"]
    reasons: tuple[str, ...]


def choose_thresholds(
    scores: Float[np.ndarray, "record statement"],
    labels: Float[np.ndarray, "record statement"],
    *,
    rule: Literal["youden", "f1", "sensitivity", "specificity", "precision"] = "youden",
    at_least: float | None = None,
    least: int = 1,
) -> Thresholds:
    """Choose a threshold for each statement.

    Parameters
    ----------
    scores
        Logits or probabilities of validation records, never of those to be tested on.
    labels
        0 or 1; NaN where unknown.
    rule
        ``"youden"``: sensitivity plus specificity is highest. ``"f1"``: the mean of sensitivity and
        precision (harmonic) is. ``"sensitivity"``: the highest threshold that reaches ``at_least``.
        ``"specificity"``, ``"precision"``: the lowest threshold that does.
    at_least
        What must be reached, from 0 to 1.
    least
        Positives, and negatives, that a statement must have.

    Returns
    -------
    Thresholds midway between neighbouring scores. Of equally good ones, the highest with
    ``"youden"`` and ``"f1"``: what is as good with fewer calls is better.

    Raises
    ------
    UnknownNameError
        If there is no such rule.
    OptionError
        If ``at_least`` is missing, superfluous or not between 0 and 1.
    SignalError
        If shapes disagree or scores are not finite.

    References
    ----------
    Youden WJ. Cancer 1950;3:32-35. doi:10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3

    Examples
    --------
    >>> scores = np.array([[0.1], [0.2], [0.4], [0.8]])
    >>> choose_thresholds(scores, np.array([[0.0], [0], [1], [1]])).values.round(2)
    array([0.3])
    """
    if rule not in RULES:
        raise unknown_name("rule", rule, RULES, listing=", ".join(RULES))
    if (rule in _REACH) != (at_least is not None):
        need = "needs at_least, such as 0.9" if rule in _REACH else "takes no at_least"
        raise OptionError(f"the rule '{rule}' {need}.")
    if at_least is not None and not 0 < at_least <= 1:
        raise OptionError(f"at_least is {at_least}; a number above 0 and up to 1 is needed.")
    z, y = check_scores(scores, labels)
    n_statements = z.shape[1]
    found = np.full((4, n_statements), np.nan)
    reasons = []
    for k in range(n_statements):
        known = ~np.isnan(y[:, k])
        truth = y[known, k] == 1
        if min(truth.sum(), (~truth).sum()) < max(least, 1):
            reasons.append(
                f"{truth.sum()} positive and {(~truth).sum()} negative records; at least "
                f"{max(least, 1)} of each are needed"
            )
            continue
        curve = _curve(z[known, k], truth)
        best = _best(curve, rule, at_least)
        reasons.append("" if best is not None else f"no threshold reaches {rule} {at_least:g}")
        if best is not None:
            found[:, k] = [row[best] for row in curve]
    return Thresholds(
        values=found[0],
        rule=rule if at_least is None else f"{rule} {at_least:g}",
        sensitivity=found[1],
        specificity=found[2],
        precision=found[3],
        reasons=tuple(reasons),
    )


def _curve(scores, truth):
    """Thresholds, ascending, from calling all to calling only the highest, and what each gives."""
    levels, where = np.unique(scores, return_inverse=True)
    positives = np.bincount(where, weights=truth, minlength=len(levels))
    all_ = np.bincount(where, minlength=len(levels))
    hits = positives[::-1].cumsum()[::-1]
    calls = all_[::-1].cumsum()[::-1]
    middle = (levels[1:] + levels[:-1]) / 2
    # Two scores may be neighbours among floating-point numbers, with nothing between them.
    middle = np.where(middle > levels[:-1], middle, levels[1:])
    thresholds = np.concatenate([levels[:1], middle])
    n_positive, n_negative = truth.sum(), (~truth).sum()
    sensitivity = hits / n_positive
    specificity = 1 - (calls - hits) / n_negative
    return thresholds, sensitivity, specificity, hits / calls


def _best(curve, rule, at_least):
    _, sensitivity, specificity, precision = curve
    if rule == "sensitivity":
        return int(np.flatnonzero(sensitivity >= at_least)[-1])
    if rule in ("specificity", "precision"):
        reaching = np.flatnonzero((specificity if rule == "specificity" else precision) >= at_least)
        return int(reaching[0]) if reaching.size else None
    if rule == "youden":
        gain = sensitivity + specificity
    else:
        total = sensitivity + precision
        gain = np.where(total > 0, 2 * sensitivity * precision / np.where(total > 0, total, 1), 0)
    best = gain >= gain.max() - 1e-12
    return int(np.flatnonzero(best)[-1])
