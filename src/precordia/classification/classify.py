# SPDX-License-Identifier: Apache-2.0
"""Name what a record shows: by published criteria, by a trained model, or by both."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from precordia.classification.by_rules import judge_by_rules, judge_case, open_case
from precordia.classification.by_words import find_by_words
from precordia.classification.contradicting import with_contradictions
from precordia.classification.denied import Denial, denied_statements, without_denied
from precordia.classification.few_leads import with_fibrillation
from precordia.classification.lead_evidence import with_lead_evidence
from precordia.classification.learned import predict
from precordia.classification.merge import merge
from precordia.core.errors import OptionError, unknown_name
from precordia.core.fiducials import Fiducials
from precordia.core.findings import Findings
from precordia.core.measurements import Measurements
from precordia.core.quality import Quality
from precordia.core.record import Record
from precordia.embedding.encode import has_model
from precordia.knowledge.definitions import list_definitions

METHODS = ("both", "rules", "learned")


def classify(
    record: Record,
    *,
    quality: Quality | None = None,
    fiducials: Fiducials | None = None,
    measurements: Measurements | None = None,
    method: str = "both",
    model: str | None = None,
    explain: bool = False,
    statements: Sequence[str] | None = None,
) -> Findings:
    """Name what a record shows, each statement with the evidence for it.

    What cannot be judged is an abstention with the reason, never a silent absence. Works on any
    leads: a single lead yields what a single lead can tell.

    Parameters
    ----------
    record
        The recording.
    quality, fiducials, measurements
        What is known of it already; computed where not given.
    method
        ``"rules"``: published criteria, each finding with the numbers that met it. ``"learned"``: a
        trained model, calibrated probabilities of the statements that its card lists, and of
        PTB-XL's five superclasses.
        ``"both"``: each statement once, with what either says; where they disagree, it says so,
        and where a measured number that defines a statement denies it, the number decides.
    model
        Name of a model or path of a graph (``.onnx``) with its card; by default the one for twelve
        leads where all can be used, else the one for any leads.
    explain
        Add to each finding of a model the leads without which it would be less probable.
    statements
        Judge these and nothing else, each named in any words, English or German, such as
        ``["inferior infarction", "fast heart beat"]``; see
        `precordia.classification.by_words.find_by_words`.

    Returns
    -------
    Findings, most important first, and abstentions. Where a model was asked, the five superclasses
    are always among the findings one iterates over, ``present`` or not, and ``probabilities`` holds
    everything that it said.

    Raises
    ------
    UnknownNameError
        If there is no such method or model.
    OptionError
        If the fiducials or measurements belong to another record, a model or what its findings rest
        on is asked of rules, or statements are named beside what does not judge them.
    WeightsError
        If the model's files are absent or damaged.

    Notes
    -----
    How the criteria are judged says `precordia.classification.by_rules.judge_by_rules`; how the
    model is asked, `precordia.classification.learned.predict`; how they are joined,
    `precordia.classification.merge.merge`. In records of one to three leads, a model made for them
    decides on atrial fibrillation, `precordia.classification.few_leads.with_fibrillation`. Leads
    that the quality calls not usable are used by neither. Criteria in millivolts abstain where a
    record has lost them; the model normalises each lead and goes on.

    References
    ----------
    Wagner P et al. PTB-XL. Sci Data 2020;7:154. doi:10.1038/s41597-020-0495-6

    Examples
    --------
    >>> from precordia.generation.simulate import simulate
    >>> record = simulate("sinus", noise="muscle", snr_db=25.0)
    >>> [f.name for f in classify(record, method="rules")]
    ['sinus rhythm', 'normal ECG']
    >>> found = classify(record)
    >>> "SR" in found, sorted(found["SR"].says), list(found.superclasses)
    (True, ['precordia-12lead', 'rules'], ['NORM', 'MI', 'STTC', 'CD', 'HYP'])
    """
    if method not in METHODS:
        raise unknown_name("method", method, METHODS, listing=", ".join(METHODS))
    if statements is not None:
        _check_alone(method, explain)
        found = find_by_words(record, statements, quality=quality, model=model)
        if method == "both" and _may_be_denied(found):
            case = open_case(
                record, quality=quality, fiducials=fiducials, measurements=measurements
            )
            judge_case(case)
            found = without_denied(found, denied_statements(case))
        return with_contradictions(found)
    if method == "rules":
        if model is not None:
            raise OptionError(
                f"model='{model}' arrived with method='rules', which asks no model. Leave one out."
            )
        if explain:
            raise OptionError(
                "explain=True arrived with method='rules', whose findings name their leads "
                "themselves. Leave one out."
            )
        return judge_by_rules(
            record, quality=quality, fiducials=fiducials, measurements=measurements
        )
    if quality is None:
        from precordia.quality.assess import assess

        quality = assess(record)
    rules, denied = None, dict[str, Denial]()
    if method == "both":
        case = open_case(record, quality=quality, fiducials=fiducials, measurements=measurements)
        rules, denied = judge_case(case), denied_statements(case)
        if model is None and not has_model():
            return _without_model(rules)
    found = merge(rules, predict(record, quality=quality, model=model), denied)
    found = with_contradictions(with_fibrillation(found, record, quality))
    return with_lead_evidence(found, record, quality, model=model) if explain else found


def _may_be_denied(found: Findings) -> bool:
    """Tell whether a number defines what was found, of a record as long as the model's window."""
    defined = {definition.statement for definition in list_definitions()}
    one_window = found.source.parameters["n_windows"] <= 1
    return one_window and not defined.isdisjoint(f.code for f in found.present)


def _check_alone(method: str, explain: bool) -> None:
    if method == "rules":
        raise OptionError(
            "statements arrived with method='rules'; words are compared by a model. Leave the "
            "method out."
        )
    if explain:
        raise OptionError(
            "statements arrived with explain=True, which explains findings of the classifier "
            "alone. Leave one out."
        )


def _without_model(rules: Findings) -> Findings:
    warnings = (*rules.source.warnings, "no model is installed: judged by rules alone")
    return dataclasses.replace(rules, source=dataclasses.replace(rules.source, warnings=warnings))
