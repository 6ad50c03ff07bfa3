# SPDX-License-Identifier: Apache-2.0
"""Rhythm: where the beat begins, how fast and how regular it is, and what disturbs it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from precordia.classification.atrial_periodicity import atrial_cycle
from precordia.classification.case import NAN, Case, claim, known
from precordia.classification.rules.ectopy import early_beats
from precordia.core.claims import Claim
from precordia.core.measurements import BeatKind

SLOW_BPM, FAST_BPM = 60.0, 100.0
#: share of beats with a P wave above which it is the usual thing, below which it is a mistake
P_USUAL, P_RARE = 60.0, 40.0
#: median step between neighbouring RR intervals, as a share of RR, above which they are irregular
IRREGULAR = 0.06
#: spread of RR intervals, as a share of RR, that makes them irregular where P waves are rare
SPREAD_OUT = 0.09
FEWEST_INTERVALS = 4
SINUS_AXIS_DEG = (-30.0, 105.0)
#: likeness of atrial activity to itself one cycle later: with a whole ratio to RR, and without
FLUTTER_LIKE, FLUTTER_VERY_LIKE = 0.65, 0.8
_RHYTHMS = ("SR", "AFIB", "AFLT", "SVTAC", "JUNC", "EATR", "SBRAD", "STACH", "SARRH", "BRADY")


@dataclass(frozen=True, slots=True)
class Pulse:
    """How regular the beats are that are neither ventricular nor next to one that is.

    ``step`` is the median difference between neighbouring intervals, ``spread`` the standard
    deviation of intervals, both as shares of the median interval.
    """

    n: int
    step: float
    spread: float
    range_ms: float


def pulse_of(case: Case) -> Pulse:
    """Measure how regular the rhythm is, ventricular beats and their neighbours left out."""
    beats = case.measurements.beats
    apart = np.array([k == BeatKind.VENTRICULAR for k in beats.kind], dtype=bool)
    apart[1:] |= apart[:-1].copy()
    rr = np.where(apart, np.nan, beats.rr_ms)
    n = int(np.isfinite(rr).sum())
    if n < 2:
        return Pulse(n, NAN, NAN, NAN)
    middle = float(np.median(known(rr)))
    steps = known(np.abs(np.diff(rr)))
    return Pulse(
        n=n,
        step=float(np.median(steps)) / middle if steps.size else NAN,
        spread=float(known(rr).std()) / middle,
        range_ms=float(np.ptp(known(rr))),
    )


def judge_rhythm(case: Case) -> None:
    """Judge pacing, ventricular tachycardia, and the rhythm of the atria.

    Notes
    -----
    *Fibrillation*: irregular intervals and P waves before less than 40 % of the beats, or at times
    to R that vary as by chance. *Flutter*: no P wave and either a regular atrial cycle of 160 to
    300 ms that is seen between QRS complexes and of which the RR interval is a multiple, or a
    regular narrow rhythm at 115 to 175 per minute. The first is a departure from reading sawtooth
    waves by eye, the second is a suspicion that a reader must check. *Sinus*: a P wave before most
    beats, upright by its axis (-30 to 105 degrees; where no axis is known, it is not judged).
    *Third-degree block*: regular beats below 60 per minute, faster P waves, no relation.
    """
    _judge_pacing(case)
    _judge_ventricular_tachycardia(case)
    m = case.measurements
    sustained = case.has("VTACH") and 2 * m.n_ventricular_beats > m.n_beats
    if case.has("PACE") or sustained:
        which = "PACE" if case.has("PACE") else "VTACH"
        for code in _RHYTHMS:
            case.abstain(code, f"not judged with {case.found[which].name}")
        return
    share, why = case.number("p_wave_percent")
    pulse = pulse_of(case)
    if _judge_dissociation(case):
        return
    if why or m.n_beats < 3:
        for code in _RHYTHMS:
            case.abstain(code, why or "needs at least three beats")
        return
    irregular = pulse.n >= FEWEST_INTERVALS and (
        (share < P_RARE and (pulse.step > IRREGULAR or pulse.spread > SPREAD_OUT))
        or (share < 90.0 and pulse.step > IRREGULAR and _p_waves_by_chance(case))
    )
    if share < P_RARE or irregular:
        _judge_without_p(case, pulse, irregular)
    elif share >= P_USUAL:
        _judge_with_p(case)
    else:
        for code in _RHYTHMS:
            case.abstain(code, f"only {share:.0f} % of the beats show a P wave")


def _p_waves_by_chance(case: Case) -> bool:
    """Tell whether the P waves are what a detector finds in fibrillation: unsure and all over.

    The middle half of the times from P to R strays by more than 18 ms and the mean confidence is
    below 0.86; sinus P waves, early beats included, stay below 15 ms.
    """
    f = case.fiducials
    pr = known(f.r_peak - f.p_peak) * 1000.0 / f.fs
    sure = known(f.p_confidence)
    if pr.size < 3 or not sure.size:
        return False
    return bool(np.median(np.abs(pr - np.median(pr))) > 18.0 and sure.mean() < 0.86)


def _judge_dissociation(case: Case) -> bool:
    """Judge third-degree block: P waves and beats, each regular, without relation."""
    f, m = case.fiducials, case.measurements
    ms = 1000.0 / f.fs
    blocked = np.flatnonzero(~f.has_qrs & np.isfinite(f.p_peak))
    pp = np.diff(np.sort(known(f.p_peak))) * ms
    if blocked.size < 2 or pp.size < 3 or not m.rr_sd_ms < 0.06 * m.rr_mean_ms:
        return False
    atrial, rate = 60000.0 / float(np.median(pp)), m.heart_rate_bpm
    # How late each beat comes after the P wave before it: anything, where nothing conducts.
    at = np.sort(known(f.p_peak))
    onset = known(f.qrs_onset)
    before = np.searchsorted(at, onset) - 1
    delay = (onset[before >= 0] - at[before[before >= 0]]) * ms
    spread = float(delay.std()) if delay.size > 2 else NAN
    if not (rate < 60.0 and atrial > 1.2 * rate and spread > 60.0):
        return False
    case.find(
        "3AVB",
        "regular beats below 60 per minute, faster P waves, no relation between the two",
        claims=(
            case.claim("heart_rate_bpm", "<", 60.0, "/min"),
            claim("rate of P waves", atrial, ">", 1.2 * rate, "/min"),
            claim("spread of the time from P to QRS", spread, ">", 60.0, "ms"),
        ),
        beats=tuple(blocked.tolist()),
        reference="brady",
    )
    for code in _RHYTHMS:
        case.abstain(code, "not judged with third-degree AV block")
    return True


def _judge_pacing(case: Case) -> None:
    m = case.measurements
    if m.n_paced_beats >= 2 and m.n_paced_beats >= 0.2 * m.n_beats:
        case.find(
            "PACE",
            "pacing spikes before at least a fifth of the beats",
            claims=(claim("n_paced_beats", m.n_paced_beats, ">=", 2),),
            beats=case.rows_of(BeatKind.PACED),
            reference="aha3",
        )
    elif case.fiducials.fs < 250:
        case.abstain("PACE", f"spikes cannot be seen at {case.fiducials.fs:g} Hz")


def _judge_ventricular_tachycardia(case: Case) -> None:
    m = case.measurements
    if m.longest_ventricular_run < 3:
        return
    rows = np.array([k == BeatKind.VENTRICULAR for k in m.beats.kind], dtype=bool)
    inside = rows.copy()
    inside[1:] &= rows[:-1]
    rr = known(m.beats.rr_ms[inside])
    rate = 60000.0 / float(np.median(rr)) if rr.size else NAN
    if not rate > FAST_BPM:
        return
    usual = 2 * int(rows.sum()) > m.n_beats
    case.find(
        "VTACH",
        "three or more ventricular beats in a row, faster than 100 per minute",
        claims=(
            claim("longest_ventricular_run", m.longest_ventricular_run, ">=", 3),
            claim("rate in runs", rate, ">", FAST_BPM, "/min"),
        ),
        beats=case.rows_of(BeatKind.VENTRICULAR),
        reference="Pedersen CT et al. Heart Rhythm 2014;11:e166-e196. "
        "doi:10.1016/j.hrthm.2014.07.024",
        name="wide complex tachycardia, ventricular tachycardia suspected"
        if usual
        else "run of ventricular tachycardia",
    )


def _irregularity(pulse: Pulse) -> tuple[Claim, Claim]:
    """Return step and spread of the intervals, with the limit of each that is beyond it."""
    limits = (("median RR step", pulse.step, IRREGULAR), ("RR spread", pulse.spread, SPREAD_OUT))
    step, spread = (
        claim(name, value, ">" if value > limit else "is", limit if value > limit else NAN,
              text="as a share of RR")
        for name, value, limit in limits
    )  # fmt: skip
    return step, spread


def _judge_without_p(case: Case, pulse: Pulse, irregular: bool) -> None:
    rate = case.value("heart_rate_bpm")
    share = case.value("p_wave_percent")
    rare = share < P_RARE
    p_claim = case.claim(
        "p_wave_percent",
        "<" if rare else "is",
        P_RARE if rare else NAN,
        "%",
        text="" if rare else "at times to R that vary as by chance",
    )
    cycle_ms, likeness = atrial_cycle(case.record, case.fiducials, case.usable)
    ratio = 60000.0 / rate / cycle_ms
    whole = likeness >= FLUTTER_LIKE and abs(ratio - round(ratio)) < 0.25
    periodic = claim("atrial cycle", cycle_ms, unit="ms", text=f"correlation {likeness:.2f}")
    if ratio > 1.7 and (whole or likeness >= FLUTTER_VERY_LIKE):
        case.find(
            "AFLT",
            "no P waves, and a regular atrial cycle of 160 to 300 ms between the beats",
            claims=(p_claim, periodic),
            reference="svt",
        )
    elif irregular:
        case.find(
            "AFIB",
            "irregular RR intervals without consistent P waves",
            claims=(
                p_claim,
                *_irregularity(pulse),
            ),
            reference="af",
        )
    elif pulse.n < FEWEST_INTERVALS:
        case.abstain("AFIB", "too few intervals to judge their regularity")
    elif not case.value("qrs_ms") < 120:
        for code in _RHYTHMS:
            case.abstain(code, "regular wide beats without P waves: an escape or paced rhythm, or "
                         "P waves that could not be seen")  # fmt: skip
    elif 115.0 <= rate <= 175.0:
        case.find(
            "AFLT",
            "regular narrow rhythm at 115 to 175 per minute without P waves before the beats; "
            "2:1 conduction suspected",
            claims=(p_claim, case.claim("heart_rate_bpm", ">=", 115.0, "/min")),
            reference="svt",
        )
    elif rate > FAST_BPM:
        case.find(
            "SVTAC",
            "regular narrow rhythm above 100 per minute without P waves before the beats",
            claims=(p_claim, case.claim("heart_rate_bpm", ">", FAST_BPM, "/min")),
            reference="svt",
        )
    else:
        case.find(
            "JUNC",
            "regular narrow rhythm up to 100 per minute without P waves before the beats",
            claims=(p_claim, case.claim("heart_rate_bpm", "<=", FAST_BPM, "/min")),
            reference="svt",
        )
    if rate < 50.0:
        case.find(
            "BRADY",
            "ventricular rate below 50 per minute",
            claims=(case.claim("heart_rate_bpm", "<", 50.0, "/min"),),
            reference="brady",
        )


def _judge_with_p(case: Case) -> None:
    rate = case.value("heart_rate_bpm")
    axis, no_axis = case.number("p_axis_deg")
    share = case.claim("p_wave_percent", ">=", P_USUAL, "%")
    low, high = SINUS_AXIS_DEG
    if no_axis:
        upright = claim("p_axis_deg", NAN, "absent", text="the P axis is not known and not judged")
    else:
        upright = case.claim("p_axis_deg", ">=" if axis < 40 else "<=", low if axis < 40 else high)
    if not no_axis and not low <= axis <= high:
        case.find(
            "EATR",
            "P waves before the beats whose axis is not that of the sinus node",
            claims=(share, case.claim("p_axis_deg", "is", unit="°")),
            reference="svt",
        )
        return
    claims = (share, upright)
    case.find("SR", "a P wave before the beats, upright by its axis", claims=claims,
              reference="svt")  # fmt: skip
    if rate < SLOW_BPM:
        case.find(
            "SBRAD",
            "sinus rhythm below 60 per minute",
            claims=(*claims, case.claim("heart_rate_bpm", "<", SLOW_BPM, "/min")),
            reference="brady",
        )
    elif rate > FAST_BPM:
        case.find(
            "STACH",
            "sinus rhythm above 100 per minute",
            claims=(*claims, case.claim("heart_rate_bpm", ">", FAST_BPM, "/min")),
            reference="svt",
        )
    m = case.measurements
    steady = pulse_of(case)
    if early_beats(case) or m.n_ventricular_beats or m.n_blocked_p_waves:
        case.abstain("SARRH", "early beats or blocked P waves disturb the intervals")
    elif steady.n >= FEWEST_INTERVALS and steady.range_ms > 120.0 and steady.spread > 0.07:
        case.find(
            "SARRH",
            "sinus intervals that differ by more than 120 ms, with a spread above 7 %",
            claims=(
                claim("RR range", steady.range_ms, ">", 120.0, "ms"),
                claim("RR spread", steady.spread, ">", 0.07, text="as a share of RR"),
            ),
            reference="minnesota",
        )
