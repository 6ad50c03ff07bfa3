# SPDX-License-Identifier: Apache-2.0
"""One number of a study by its name, or the reason why it cannot be given."""

from __future__ import annotations

import math
from dataclasses import fields

import numpy as np
from jaxtyping import Float

from precordia.core.lead_numbers import DERIVED, lead_number, record_number
from precordia.core.measurements import Absence, BeatKind, LeadMeasurements, Measurements
from precordia.core.plausibility import scaled_one_by_one
from precordia.core.study import Study

#: names of numbers of the whole record, and of one lead
RECORD_MEASURES = frozenset(f.name for f in fields(Measurements) if f.type in ("int", "float")) | {
    "qtc_wide_ms"
}
LEAD_MEASURES = frozenset(f.name for f in fields(LeadMeasurements) if f.type == "float") | set(
    DERIVED
)
#: columns of the table of beats
BEAT_MEASURES = frozenset(
    ["rr_ms", "prematurity", "pr_ms", "qrs_ms", "qt_ms", "template_correlation"]
)
NOT_KNOWN = "no number of this name is measured"
#: as many reasons are told why nothing can be read
_REASONS = 3


def number_of(
    study: Study, measure: str, lead: str = "", beats: tuple[int, ...] = ()
) -> tuple[float, str]:
    """Return one number of a study, and why it is absent.

    Parameters
    ----------
    study
        Where to look.
    measure
        Name of the number, such as ``"qrs_ms"``, ``"st_j_mv"``, ``"r_height_mv"`` or a sum of
        several, each with its lead: ``"s_depth_mv V1 + r_height_mv V5"``.
    lead
        Lead of the number; empty for a number of the record.
    beats
        Rows of the fiducials: the median over these beats instead of the median beat.

    Returns
    -------
    The number and an empty string, or NaN and the reason.

    Notes
    -----
    What a rule may not look at is absent here too: every number of a lead that is not usable, every
    number where no lead is, and amplitudes and axes where the leads were scaled one by one. The
    spread of intervals (``"RR range"``, ms; ``"RR spread"``, a share of RR; ``"median RR step"``,
    a share of RR) leaves out ventricular beats and their neighbours.

    Examples
    --------
    >>> from precordia.pipeline import examine
    >>> from precordia.generation.simulate import simulate
    >>> study = examine(simulate(heart_rate_bpm=75, seed=1))
    >>> value, why = number_of(study, "heart_rate_bpm")
    >>> round(value), why
    (75, '')
    >>> number_of(study, "qrs_ms", "V9")
    (nan, 'lead V9 was not recorded')
    """
    if why := why_unreadable(study):
        return math.nan, why
    if " + " in measure:
        return _sum(study, measure)
    if beats:
        return _of_beats(study, measure, beats)
    if lead:
        return _of_lead(study, measure, lead)
    if measure in _RR:
        return _rr_numbers(study, measure)
    if measure not in RECORD_MEASURES:
        return math.nan, NOT_KNOWN
    if measure.endswith("_axis_deg") and (scaled := scaled_one_by_one(study.record.signal)):
        return math.nan, scaled
    return record_number(study.measurements, measure)


def why_unreadable(study: Study) -> str:
    """Return why no number can be trusted: no lead can be read; empty where one can.

    Parameters
    ----------
    study
        Where to look.

    Examples
    --------
    >>> from precordia.pipeline import examine
    >>> from precordia.generation.empty_signal import with_flat_line
    >>> from precordia.generation.simulate import simulate
    >>> why_unreadable(examine(with_flat_line(simulate(seed=1))))
    'no lead can be read (flat)'
    """
    leads = study.quality.leads.values()
    if not leads or any(lead.usable for lead in leads):
        return ""
    reasons = dict.fromkeys(str(r) for lead in leads for r in lead.reasons)
    return f"no lead can be read ({', '.join([*reasons][:_REASONS]) or 'poor signal'})"


def _sum(study: Study, measure: str) -> tuple[float, str]:
    total = 0.0
    for term in measure.split(" + "):
        name, _, lead = term.partition(" ")
        value, why = number_of(study, name, lead)
        if why:
            return math.nan, why
        total += value
    return total, ""


def _of_lead(study: Study, measure: str, lead: str) -> tuple[float, str]:
    if lead not in study.record.leads:
        return math.nan, f"lead {lead} was not recorded"
    if measure not in LEAD_MEASURES:
        return math.nan, NOT_KNOWN
    quality = study.quality.leads.get(lead)
    if quality is not None and not quality.usable:
        return (
            math.nan,
            f"lead {lead} is not usable ({', '.join(quality.reasons) or 'poor signal'})",
        )
    in_millivolts = "_mv" in measure or measure == "r_to_s"
    if in_millivolts and (scaled := scaled_one_by_one(study.record.signal)):
        return math.nan, scaled
    numbers = study.measurements.leads.get(lead)
    if numbers is None:
        return math.nan, f"lead {lead}: {Absence.NO_BEATS}"
    return lead_number(numbers, measure, lead)


def _of_beats(study: Study, measure: str, beats: tuple[int, ...]) -> tuple[float, str]:
    if measure not in BEAT_MEASURES:
        return math.nan, NOT_KNOWN
    rows = np.flatnonzero(study.fiducials.has_qrs)
    chosen = np.flatnonzero(np.isin(rows, beats))
    if len(rows) != len(study.measurements.beats) or len(chosen) < len(set(beats)):
        return math.nan, "the recording has no such beat"
    values = np.asarray(getattr(study.measurements.beats, measure))[chosen]
    values = values[np.isfinite(values)]
    if not values.size:
        return math.nan, f"{Absence.NO_BOUND} in these beats"
    return float(np.median(values)), ""


def _rr_numbers(study: Study, measure: str) -> tuple[float, str]:
    rr = undisturbed_rr(study.measurements)
    known = rr[np.isfinite(rr)]
    if known.size < 2:
        return math.nan, str(Absence.TOO_FEW_BEATS)
    if measure == "RR range":
        return float(np.ptp(known)), ""
    middle = float(np.median(known))
    if measure == "RR spread":
        return float(known.std()) / middle, ""
    steps = np.abs(np.diff(rr))
    steps = steps[np.isfinite(steps)]
    if not steps.size:
        return math.nan, str(Absence.TOO_FEW_BEATS)
    return float(np.median(steps)) / middle, ""


def undisturbed_rr(measurements: Measurements) -> Float[np.ndarray, " beat"]:
    """Return the RR intervals, NaN where a ventricular beat begins or ends one, ms."""
    beats = measurements.beats
    apart = np.array([kind == BeatKind.VENTRICULAR for kind in beats.kind], dtype=bool)
    apart[1:] |= apart[:-1].copy()
    return np.where(apart, np.nan, beats.rr_ms)


_RR = ("RR range", "RR spread", "median RR step")
