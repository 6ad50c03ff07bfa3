# SPDX-License-Identifier: Apache-2.0
"""What the windows of a recording say together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from precordia.core.quality import LeadQuality, Quality, QualityReason
from precordia.core.record import Record, Remark
from precordia.core.source import Source
from precordia.quality.time_direction import TIME_REVERSED

#: share of beats that repeat below which scores are lowered
_REPEATED = 0.4
#: where the steepest lead is less steep at its beats than this many times elsewhere, there are no
#: QRS complexes: 1.96 is the most of noise with the spectrum of an ECG, 3.2 the least of a
#: ventricular tachycardia, 5.4 the least of 12-lead recordings that experts accept
_LEAST_CONTRAST = 2.7
#: seconds from which on it can be told how many beats repeat
_ENOUGH_S = 5.0
#: highest score of what cannot be read, whatever the model says
_UNREADABLE_SCORE = 0.05
_UNREADABLE = {QualityReason.FLAT, QualityReason.LEAD_OFF}
_MILLIVOLT_REASONS = {
    QualityReason.LOW_AMPLITUDE,
    QualityReason.MAINS,
    QualityReason.MUSCLE,
    QualityReason.BASELINE_WANDER,
}
_REASON_OF_REMARK = {
    "limb-reversal": QualityReason.LEAD_REVERSAL,
    "precordial-swap": QualityReason.LEAD_SWAP,
    TIME_REVERSED: QualityReason.TIME_REVERSED,
}


@dataclass(frozen=True, slots=True)
class Window:
    """What one window says.

    Attributes
    ----------
    score
        Of the window.
    lead_score, lead
        Score and indices of each lead.
    window
        Indices of the window as a whole.
    reasons
        Of each lead.
    remarks
        What seems to be exchanged or reversed.
    """

    score: float
    lead_score: Float[np.ndarray, " lead"]
    lead: dict[str, np.ndarray]
    window: dict[str, float]
    reasons: tuple[tuple[QualityReason, ...], ...]
    remarks: tuple[Remark, ...]


def join_windows(
    record: Record,
    windows: Sequence[Window],
    remarks: Sequence[Remark],
    *,
    normalised: bool,
    threshold: float,
    lead_threshold: float,
    min_duration_s: float,
    source: Source,
) -> Quality:
    """Judge a record and its leads by what all windows say.

    Parameters
    ----------
    record
        The recording.
    windows
        One at least.
    remarks
        About the whole recording.
    normalised
        Whether it is in no millivolts.
    threshold, lead_threshold
        Smallest score of an acceptable record, and of a usable lead.
    min_duration_s
        Below this the record is too short.
    source
        Of the result.
    """
    means = _mean_indices(windows)
    contrast = max(means["qrs_contrast_ratio"], default=0.0)
    no_qrs = 0.0 < contrast < _LEAST_CONTRAST  # 0 where there were too few beats to tell
    scores = np.mean([w.lead_score for w in windows], axis=0).tolist()
    long = record.duration_s >= _ENOUGH_S
    leads = {
        name: _lead_quality(
            scores[i],
            _usual_reasons(windows, i, normalised=normalised),
            {name: values[i] for name, values in means.items()},
            long=long,
            no_qrs=no_qrs,
            threshold=lead_threshold,
        )
        for i, name in enumerate(record.leads)
    }
    why = _record_reasons(record, windows, leads, remarks, normalised, min_duration_s)
    if no_qrs and QualityReason.NO_BEATS not in why:
        why.insert(0, QualityReason.NO_BEATS)
    score = float(np.mean([w.score for w in windows]))
    # where no lead repeats its beats (noise; ventricular fibrillation too) nothing can be read
    if long:
        score *= _lowered(max(q.indices.get("readable_beat_fraction", 0.0) for q in leads.values()))
    unreadable = {QualityReason.NO_BEATS, QualityReason.TOO_SHORT} & set(why)
    if unreadable or not any(q.usable for q in leads.values()):
        score = min(score, _UNREADABLE_SCORE)
    usual = _usual_remarks(windows)
    why += [_REASON_OF_REMARK[remark.code] for remark in usual]
    if score < threshold and not why:  # no reason is common: name those of the worst lead
        why = list(min(leads.values(), key=lambda q: (not q.reasons, q.score)).reasons)
    return Quality(
        acceptable=bool(score >= threshold),
        score=score,
        reasons=tuple(why),
        leads=leads,
        remarks=(*remarks, *usual),
        source=source,
    )


def _mean_indices(windows: Sequence[Window]) -> dict[str, list[float]]:
    first = windows[0].lead
    if len(windows) == 1:
        return {name: values.tolist() for name, values in first.items()}
    return {name: np.mean([w.lead[name] for w in windows], axis=0).tolist() for name in first}


def _usual_reasons(
    windows: Sequence[Window], lead: int, *, normalised: bool
) -> list[QualityReason]:
    """Return the reasons of more than a quarter of the windows, the commonest first."""
    counts = Counter(reason for window in windows for reason in window.reasons[lead])
    reasons = [r for r, count in counts.most_common() if count > 0.25 * len(windows)]
    return [r for r in reasons if not (normalised and r in _MILLIVOLT_REASONS)]


def _lead_quality(
    score: float,
    reasons: list[QualityReason],
    indices: dict[str, float],
    *,
    long: bool,
    no_qrs: bool,
    threshold: float,
) -> LeadQuality:
    if _UNREADABLE & set(reasons) or (QualityReason.MISSING in reasons and score < 0.5):
        score = min(score, _UNREADABLE_SCORE)
    if long:
        score *= _lowered(indices["readable_beat_fraction"])
    if no_qrs:
        score = min(score, _UNREADABLE_SCORE)
    if indices["missing_fraction"] >= 1.0:
        score, indices = 0.0, {"missing_fraction": 1.0}
    if score < threshold and not reasons:
        reasons = [QualityReason.NO_BEATS]
    return LeadQuality(
        usable=score >= threshold, score=score, reasons=tuple(reasons), indices=indices
    )


def _lowered(repeated: float) -> float:
    """Return by what a score is lowered where a share of the beats repeats."""
    return min(1.0, max(0.2, repeated / _REPEATED))


def _record_reasons(
    record: Record,
    windows: Sequence[Window],
    leads: dict[str, LeadQuality],
    remarks: Sequence[Remark],
    normalised: bool,
    min_duration_s: float,
) -> list[QualityReason]:
    why = []
    if record.duration_s < min_duration_s:
        why.append(QualityReason.TOO_SHORT)
    if sum(w.window["n_beats"] for w in windows) < 2 and record.duration_s >= 4.0:
        why.append(QualityReason.NO_BEATS)
    share = max(1, round(0.25 * record.n_leads))
    tally = Counter(reason for q in leads.values() for reason in q.reasons)
    tally.pop(QualityReason.NO_BEATS, None)  # one lead without beats is no record without
    severe = {r for q in leads.values() if not q.usable for r in q.reasons}
    why += [r for r, count in tally.most_common() if count >= share or r in severe]
    codes = {r.code for r in remarks}
    if normalised:
        why.append(QualityReason.NORMALISED)
    elif "amplitude-implausible" in codes:
        why.append(QualityReason.GAIN_ERROR)
    if codes & {"lead-polarity", "leads-inconsistent", "lead-names-exchanged"}:
        why.append(QualityReason.LEADS_INCONSISTENT)
    return why


def _usual_remarks(windows: Sequence[Window]) -> list[Remark]:
    """Return the remarks of more than half of the windows, each as it was made first."""
    made: dict[str, list[Remark]] = {}
    for window in windows:
        for remark in window.remarks:
            made.setdefault(remark.code, []).append(remark)
    return [held[0] for held in made.values() if len(held) > 0.5 * len(windows)]
