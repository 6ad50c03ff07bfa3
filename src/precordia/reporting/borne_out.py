# SPDX-License-Identifier: Apache-2.0
"""What a model says although a number that defines it says otherwise."""

from __future__ import annotations

from precordia.core.claims import Claim
from precordia.core.findings import RULES
from precordia.core.study import Study
from precordia.core.study_numbers import number_of
from precordia.knowledge.definitions import denied_by, list_definitions

#: statements that a number defines, by code
DEFINED = {definition.statement: definition for definition in list_definitions()}


def not_borne_out(study: Study) -> dict[str, Claim]:
    """Return what a model alone says and the number that defines it denies.

    Parameters
    ----------
    study
        What was measured and found.

    Returns
    -------
    By code of the finding, the claim that the number lies on the other side of its limit. A
    number that is absent denies nothing. What lies beyond the limit by more than the measurement
    may be off was withdrawn by `precordia.classification.classify` where rules were asked as well.
    """
    patient, found = study.record.patient, {}
    for finding in study.findings.present:
        if finding.code not in DEFINED or RULES in finding.method:
            continue
        claims = denied_by(
            DEFINED[finding.code],
            lambda measure, lead: number_of(study, measure, lead),
            sex=patient.sex,
            age_years=patient.age_years,
            margin=False,
        )
        if claims:
            found[finding.code] = claims[0]
    return found
