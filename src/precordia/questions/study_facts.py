# SPDX-License-Identifier: Apache-2.0
"""A study in the words of answers."""

from __future__ import annotations

import math

from precordia.core.findings import Findings
from precordia.core.leads import STANDARD_12
from precordia.core.quality import QualityReason
from precordia.core.study import Study
from precordia.knowledge.statements import list_statements
from precordia.questions.facts import Facts
from precordia.questions.limits import Limits
from precordia.questions.numbers import Numbers
from precordia.questions.vocabulary import terms_of_kind

#: reasons of quality, and the kind of noise that each is called in questions
NOISE_REASONS: dict[QualityReason, str] = {
    QualityReason.BASELINE_WANDER: "baseline drift",
    QualityReason.MAINS: "static noise",
    QualityReason.MUSCLE: "static noise",
    QualityReason.MOTION: "burst noise",
    QualityReason.LEAD_OFF: "electrodes problems",
    QualityReason.FLAT: "electrodes problems",
    QualityReason.MISSING: "electrodes problems",
}
#: a statement of form shows in a lead where a number lies beyond a limit: measure, sign, limit
LEAD_CRITERIA: dict[str, tuple[str, str, float]] = {
    "STD_": ("st_j60_mv", "<=", -0.05),
    "STE_": ("st_j60_mv", ">=", 0.1),
    "INVT": ("t_mv", "<=", -0.1),
    "LOWT": ("t_size_mv", "<", 0.05),
    "QWAVE": ("q_ms", ">=", 30.0),
}
#: where a negative T wave is usual
_USUALLY_INVERTED = ("aVR", "V1")
UNDATED = (
    "An infarction was found; its age cannot be told from this recording, because nothing that "
    "was judged here dates infarctions."
)


def facts_of_study(study: Study, limits: Limits | None = None) -> Facts:
    """Return what is known of a recording, for the answering of questions.

    Parameters
    ----------
    study
        The recording with its findings, measurements and quality.
    limits
        Normal limits of the intervals; usual ones of adults where none are given.

    Returns
    -------
    The facts, with the reason for whatever is unknown.

    Notes
    -----
    A statement on which rule and model disagree, or that is only suspected, is uncertain. Where no
    method judged a superclass and one of its statements is open, it is unknown. ST depression, ST
    elevation, T wave inversion, low T waves and Q waves are looked for lead by lead in the
    measurements; of other statements of form it is not known in which leads they show. A study
    whose findings were all withheld leaves all statements unknown.

    Examples
    --------
    >>> from precordia.generation.simulate import simulate
    >>> from precordia.pipeline import examine
    >>> facts_of_study(examine(simulate(seed=1))).axis
    'normal heart axis'
    """
    return facts_of_numbers(Numbers(study), limits or Limits())


def facts_of_numbers(numbers: Numbers, limits: Limits) -> Facts:
    """Return the facts of a study whose numbers are looked up already; see `facts_of_study`."""
    study = numbers.study
    unknown: dict[str, str] = {}
    statements = _statements(study.findings, unknown)
    leads = tuple(lead for lead in STANDARD_12 if lead in study.record.leads)
    return Facts(
        statements=statements,
        statement_leads=_statement_leads(numbers, statements, unknown),
        noise=_noise(study, unknown),
        axis=_axis(numbers, unknown),
        stages=_stages(statements, unknown),
        ectopy=_ectopy(numbers, unknown),
        ranges=_ranges(numbers, limits, unknown),
        leads=leads or study.record.leads,
        unknown=unknown,
    )


def _statements(findings: Findings, unknown: dict[str, str]) -> dict[str, float]:
    made = {
        f.code: 0.5 if f.disagreement or "suspected" in f.name else 1.0 for f in findings.present
    }
    unknown |= findings.undecided
    for code, said in findings.superclasses.items():
        if said.present:
            made.setdefault(code, 1.0)
    for known in list_statements():
        if known.code in made and known.superclass and known.superclass != "NORM":
            made.setdefault(known.superclass, 1.0)
    for known in list_statements():
        judged = known.superclass in ("", "NORM", *made, *findings.superclasses)
        if not judged and known.code in findings.undecided:
            unknown.setdefault(known.superclass, findings.undecided[known.code])
    for term in terms_of_kind("other"):
        for code in set(term.codes) - set(findings.decisions) - set(made):
            unknown[code] = "no rule and no model here judges it"
    if findings.withheld:
        unknown |= dict.fromkeys(("NORM", "MI", "STTC", "CD", "HYP"), findings.withheld)
    return made


def _ranges(numbers: Numbers, limits: Limits, unknown: dict[str, str]) -> dict[str, str]:
    found = {}
    for term in terms_of_kind("interval"):
        value, why = numbers.of(term.measure)
        if math.isnan(value):
            unknown[term.name] = f"{why}."
        else:
            found[term.name] = limits.range_of(term.name, value)
    return found


def _statement_leads(
    numbers: Numbers, statements: dict[str, float], unknown: dict[str, str]
) -> dict[str, tuple[str, ...]]:
    study = numbers.study
    found: dict[str, tuple[str, ...]] = {}
    for code in LEAD_CRITERIA:
        told = tuple(
            lead for lead in study.measurements.leads if shows_in_lead(numbers, code, lead)
        )
        if told or study.measurements.leads:
            found[code] = told
        for lead in study.record.leads:
            if why := numbers.of(LEAD_CRITERIA[code][0], lead)[1]:
                unknown[f"leads:{code}:{lead}"] = why
    for finding in study.findings.present:
        if finding.leads and finding.code not in LEAD_CRITERIA:
            found[finding.code] = finding.leads
    forms = {code for t in terms_of_kind("form") for code in t.codes} | {"DIG", "NDT", "NST_"}
    for code in (forms & set(statements)) - set(found):
        unknown[f"leads:{code}"] = "In which leads it shows cannot be told from this recording."
    return found


def shows_in_lead(numbers: Numbers, code: str, lead: str) -> bool:
    """Tell whether a statement of form shows in one lead, by its measurements."""
    measure, sign, limit = LEAD_CRITERIA[code]
    if code == "INVT" and lead in _USUALLY_INVERTED:
        return False
    if code == "QWAVE" and (lead == "aVR" or not numbers.of("q_depth_mv", lead)[0] >= 0.1):
        return False
    value, _ = numbers.of(measure, lead)
    return {"<=": value <= limit, ">=": value >= limit, "<": value < limit}[sign]


def _noise(study: Study, unknown: dict[str, str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for lead, quality in study.quality.leads.items():
        if quality.indices.get("missing_fraction", 0.0) >= 1.0:
            unknown[f"noise:{lead}"] = "nothing was recorded there"
        for name in dict.fromkeys(NOISE_REASONS[r] for r in quality.reasons if r in NOISE_REASONS):
            found.setdefault(name, []).append(lead)
    return {name: tuple(leads) for name, leads in found.items()}


def _axis(numbers: Numbers, unknown: dict[str, str]) -> str:
    axis, why = numbers.of("qrs_axis_deg")
    if math.isnan(axis):
        unknown["axis"] = f"{why}."
        return ""
    if -30 <= axis <= 90:
        return "normal heart axis"
    if -90 <= axis < -30:
        return "left axis deviation"
    return "right axis deviation" if 90 < axis <= 180 else "extreme axis deviation"


def _stages(statements: dict[str, float], unknown: dict[str, str]) -> tuple[str, ...]:
    if "MI" in statements:
        unknown["dated"] = UNDATED
        return ("unknown stage of myocardial infarction",)
    if "MI" in unknown:
        unknown["stage"] = f"Whether there is an infarction cannot be told: {unknown['MI']}."
    return ()


def _ectopy(numbers: Numbers, unknown: dict[str, str]) -> tuple[str, ...]:
    measured = numbers.study.measurements
    if not measured.n_beats or numbers.unreadable:
        why = numbers.unreadable or "no beats were found"
        unknown["ectopy"] = f"Extrasystoles cannot be told: {why}."
        return ()
    kinds = []
    if measured.n_ventricular_beats:
        kinds.append("ventricular extrasystoles")
    if measured.n_supraventricular_beats:
        kinds.append("supraventricular extrasystoles")
    return ("extrasystoles", *kinds) if kinds else ()
