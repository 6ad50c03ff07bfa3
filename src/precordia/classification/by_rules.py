# SPDX-License-Identifier: Apache-2.0
"""Statements by published criteria, each with the numbers that met it."""

from __future__ import annotations

import dataclasses

from precordia.classification.case import Case
from precordia.classification.decisions import decide
from precordia.classification.learned import words_of_misplaced, words_of_youth
from precordia.classification.rules.chambers import judge_chambers
from precordia.classification.rules.conduction import judge_av_conduction, judge_bundle_branches
from precordia.classification.rules.ectopy import judge_ectopy
from precordia.classification.rules.infarction import judge_infarction
from precordia.classification.rules.normal import judge_normal
from precordia.classification.rules.numbers import judge_numbers
from precordia.classification.rules.repolarisation import judge_repolarisation
from precordia.classification.rules.rhythm import judge_rhythm
from precordia.core.errors import OptionError
from precordia.core.fiducials import Fiducials
from precordia.core.findings import Abstention, Findings, no_decision
from precordia.core.measurements import Absence, Measurements
from precordia.core.plausibility import scaled_one_by_one
from precordia.core.quality import Quality
from precordia.core.record import Record
from precordia.core.source import Source
from precordia.knowledge.statements import list_statements

VERSION = "1"
#: what is judged first is an exclusion for what comes later
STEPS = (
    judge_rhythm,
    judge_av_conduction,
    judge_bundle_branches,
    judge_ectopy,
    Case.withhold_millivolts,  # what follows compares leads or asks for millivolts
    judge_numbers,
    judge_infarction,
    judge_repolarisation,
    judge_chambers,
    judge_normal,
)


def judge_by_rules(
    record: Record,
    *,
    quality: Quality | None = None,
    fiducials: Fiducials | None = None,
    measurements: Measurements | None = None,
) -> Findings:
    """Judge a record by published criteria alone.

    Parameters
    ----------
    record
        The recording.
    quality, fiducials, measurements
        What is known of it already; computed where not given.

    Returns
    -------
    Findings, most important first, and abstentions.

    Raises
    ------
    OptionError
        If the fiducials or measurements belong to another record.

    Notes
    -----
    *Method.* Published criteria on the numbers of the median beat and of single beats; those that
    are a number against a limit stand in ``knowledge/criteria.toml``, the others in
    ``classification/rules``. Each finding names its source. *Departures.* Criteria for what a
    reader sees (notched, slurred) are left out or replaced by durations; each rule says so. 1.0
    says that a criterion was met; nothing is calibrated.

    A record of unacceptable quality yields no findings. Numbers from leads that are not usable are
    absent. Where every lead spans the same range, the leads were scaled one by one: only rhythm,
    intervals and the shapes of bundle branch blocks are judged. Where sex or age decide on a limit
    and are unknown, the strictest limit holds and the claim says so.

    References
    ----------
    AHA/ACCF/HRS recommendations parts III to VI. Circulation 2009;119:e235-e270.
    doi:10.1161/CIRCULATIONAHA.108.191095
    Thygesen K et al. J Am Coll Cardiol 2018;72:2231-2264. doi:10.1016/j.jacc.2018.08.1038

    Examples
    --------
    >>> from precordia.generation.simulate import simulate
    >>> [f.name for f in judge_by_rules(simulate("sinus", noise="muscle", snr_db=25.0))]
    ['sinus rhythm', 'normal ECG']
    """
    return judge_case(
        open_case(record, quality=quality, fiducials=fiducials, measurements=measurements)
    )


def open_case(
    record: Record,
    *,
    quality: Quality | None = None,
    fiducials: Fiducials | None = None,
    measurements: Measurements | None = None,
) -> Case:
    """Gather what the rules look at; parameters and errors as of `judge_by_rules`.

    Returns
    -------
    The case, nothing found yet.
    """
    scaled = scaled_one_by_one(record.signal)
    return Case(*_complete(record, quality, fiducials, measurements), scaled=scaled)


def judge_case(case: Case) -> Findings:
    """Judge a case by every rule, one after the other; see `judge_by_rules`.

    Parameters
    ----------
    case
        From `open_case`; what is found is noted in it.

    Returns
    -------
    Findings, most important first, and abstentions.
    """
    reason = _unreadable(case)
    if reason:
        everything = tuple(
            Abstention(code=s.code, name=s.name, reason=reason)
            for s in list_statements()
            if s.by_rules
        )
        nothing = {s.code: no_decision(reason) for s in list_statements()}
        return Findings(abstained=everything, source=_source(reason), decisions=nothing)
    for step in STEPS:
        step(case)
    order = [s.code for s in list_statements()]
    judged = Findings(
        findings=tuple(case.found[c] for c in order if c in case.found),
        abstained=tuple(case.open[c] for c in order if c in case.open),
        source=_source(*_about_age(case.record), *words_of_misplaced(case.quality)),
    )
    return dataclasses.replace(judged, decisions=decide(judged.findings, judged, None))


def _about_age(record: Record) -> list[str]:
    young = words_of_youth(record.patient.age_years)
    if not young:
        return []
    return [f"the patient is {young}; most limits of the rules are those of adults"]


def _source(*warnings: str) -> Source:
    return Source(method="classify:rules", version=VERSION, warnings=warnings)


def _complete(
    record: Record,
    quality: Quality | None,
    fiducials: Fiducials | None,
    measurements: Measurements | None,
) -> tuple[Record, Quality, Fiducials, Measurements]:
    if quality is None:
        from precordia.quality.assess import assess

        quality = assess(record)
    if fiducials is None:
        from precordia.delineation.delineate import delineate

        fiducials = delineate(record)
    if fiducials.n_samples != record.n_samples or abs(fiducials.fs - record.fs) > 1e-6 * record.fs:
        raise OptionError(
            f"the fiducials belong to {fiducials.n_samples} samples at {fiducials.fs:g} Hz, the "
            f"record has {record.n_samples} at {record.fs:g} Hz; the same record is needed. "
            "Use delineate(record) on this record."
        )
    if measurements is None:
        from precordia.measurement.measure import measure

        measurements = measure(record, fiducials)
    strangers = sorted(set(measurements.leads) - set(record.leads))
    if strangers:
        raise OptionError(
            f"the measurements hold lead {', '.join(strangers)}, which the record has not; "
            "the same record is needed. Use measure(record) on this record."
        )
    return record, quality, fiducials, measurements


def _unreadable(case: Case) -> str:
    if not case.record.n_leads:
        return str(Absence.NO_SIGNAL)
    if case.measurements.n_beats == 0:
        return "no beats were found"
    if not case.quality.acceptable:
        why = ", ".join(case.quality.reasons)
        return f"the quality is not acceptable ({why})" if why else "the quality is not acceptable"
    return ""
