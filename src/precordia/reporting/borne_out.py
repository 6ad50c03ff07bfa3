# SPDX-License-Identifier: Apache-2.0
"""What a model says although a number that defines it says otherwise."""

from __future__ import annotations

from precordia.core.claims import Claim
from precordia.core.findings import RULES
from precordia.core.measure_words import words_of_measure
from precordia.core.study import Study
from precordia.core.study_numbers import number_of

#: statements that a number defines: the number, where it must lie, and what it is otherwise
_DEFINED = {
    "STACH": ("heart_rate_bpm", ">", 100.0, "<="),
    "SBRAD": ("heart_rate_bpm", "<", 60.0, ">="),
    "BRADY": ("heart_rate_bpm", "<", 60.0, ">="),
    "1AVB": ("pr_ms", ">", 200.0, "<="),
    "LPR": ("pr_ms", ">", 200.0, "<="),
}


def not_borne_out(study: Study) -> dict[str, Claim]:
    """Return what a model alone says and the number that defines it denies.

    Parameters
    ----------
    study
        What was measured and found.

    Returns
    -------
    By code of the finding, the claim that the number lies on the other side of its limit. A
    number that is absent denies nothing.
    """
    found = {}
    for finding in study.findings.present:
        if finding.code not in _DEFINED or RULES in finding.method:
            continue
        name, must, limit, otherwise = _DEFINED[finding.code]
        value, why = number_of(study, name)
        if not why and (value <= limit if must == ">" else value >= limit):
            unit = words_of_measure(name)[1]
            found[finding.code] = Claim(
                measure=name, value=value, relation=otherwise, limit=limit, unit=unit
            )
    return found
