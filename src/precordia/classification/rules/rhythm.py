# SPDX-License-Identifier: Apache-2.0
"""Rhythm: where the beat begins, how fast and how regular it is, and what disturbs it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from precordia.classification.atrial_periodicity import atrial_cycle
from precordia.classification.case import NAN, Case, claim, known
from precordia.core.measurements import BeatKind

SLOW_BPM, FAST_BPM = 60.0, 100.0
#: share of beats with a P wave above which it is the usual thing, below which it is a mistake
P_USUAL, P_RARE = 60.0, 40.0
#: median step between neighbouring RR intervals, as a share of RR, above which they are irregular
IRREGULAR, VERY_IRREGULAR = 0.06, 0.15
FEWEST_INTERVALS = 4
SINUS_AXIS_DEG = (-30.0, 105.0)
FLUTTER_CORRELATION = 0.6
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


def pulse_of(case: Case, *, without_early: bool = False) -> Pulse:
    """Measure how regular the rhythm is, ventricular beats and their neighbours left out."""
    beats = case.measurements.beats
    other = {BeatKind.VENTRICULAR}
    if without_early:
        other |= {BeatKind.SUPRAVENTRICULAR}
    apart = np.array([k in other for k in beats.kind], dtype=bool)
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
    *Fibrillation*: no consistent P wave and irregular intervals. *Flutter*: no P wave and either a
    regular atrial cycle of 160 to 300 ms that is seen between QRS complexes, or a regular narrow
    rhythm at 115 to 175 per minute. The first is a departure from reading sawtooth waves by eye,
    the second is a suspicion that a reader must check. *Sinus*: a P wave before most beats, upright
    by its axis (-30 to 105 degrees; where no axis is known, the axis is not judged).
    """
    _judge_pacing(case)
    _judge_ventricular_tachycardia(case)
    if case.has("PACE", "VTACH"):
        which = "PACE" if case.has("PACE") else "VTACH"
        for code in _RHYTHMS:
            case.abstain(code, f"not judged with {case.found[which].name}")
        return
    share, why = case.number("p_wave_percent")
    pulse = pulse_of(case)
    if why or pulse.n < 2:
        for code in _RHYTHMS:
            case.abstain(code, why or "needs at least three beats")
        return
    irregular = pulse.n >= FEWEST_INTERVALS and (
        (share < P_RARE and pulse.step > IRREGULAR)
        or (share < P_RARE and pulse.spread > 1.5 * IRREGULAR)
        or (share < 75.0 and pulse.step > VERY_IRREGULAR and not _early_beats(case))
    )
    if share < P_RARE or irregular:
        _judge_without_p(case, pulse, irregular)
    elif share >= P_USUAL:
        _judge_with_p(case, pulse)
    else:
        for code in _RHYTHMS:
            case.abstain(code, f"only {share:.0f} % of the beats show a P wave")


def _early_beats(case: Case) -> bool:
    """Tell whether early beats of the atria, a third at most, explain the irregularity."""
    m = case.measurements
    return 0 < m.n_supraventricular_beats <= m.n_beats / 3


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
        name="ventricular tachycardia" if usual else "run of ventricular tachycardia",
    )


def _judge_without_p(case: Case, pulse: Pulse, irregular: bool) -> None:
    rate = case.value("heart_rate_bpm")
    p_claim = case.claim("p_wave_percent", "<", 75.0 if irregular else P_RARE, "%")
    cycle_ms, likeness = atrial_cycle(case.record, case.fiducials, case.usable)
    cyclic = likeness >= FLUTTER_CORRELATION
    periodic = claim("atrial cycle", cycle_ms, unit="ms", text=f"correlation {likeness:.2f}")
    if cyclic and cycle_ms < 0.85 * 60000.0 / rate:
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
                claim("median RR step", pulse.step, ">", IRREGULAR, text="as a share of RR"),
                claim("RR spread", pulse.spread, text="as a share of RR"),
            ),
            reference="af",
        )
    elif pulse.n < FEWEST_INTERVALS:
        case.abstain("AFIB", "too few intervals to judge their regularity")
    elif 115.0 <= rate <= 175.0 and case.value("qrs_ms") < 120:
        case.find(
            "AFLT",
            "regular narrow rhythm at 115 to 175 per minute without P waves before the beats; "
            "2:1 conduction suspected",
            claims=(p_claim, case.claim("heart_rate_bpm", ">=", 115.0, "/min")),
            reference="svt",
        )
    elif rate > FAST_BPM and case.value("qrs_ms") < 120:
        case.find(
            "SVTAC",
            "regular narrow rhythm above 100 per minute without P waves before the beats",
            claims=(p_claim, case.claim("heart_rate_bpm", ">", FAST_BPM, "/min")),
            reference="svt",
        )
    elif rate <= FAST_BPM:
        case.find(
            "JUNC",
            "regular rhythm up to 100 per minute without P waves before the beats",
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


def _judge_with_p(case: Case, pulse: Pulse) -> None:
    rate = case.value("heart_rate_bpm")
    axis, no_axis = case.number("p_axis_deg")
    share = case.claim("p_wave_percent", ">=", P_USUAL, "%")
    low, high = SINUS_AXIS_DEG
    if no_axis:
        upright = claim("P axis", NAN, text="the P axis is not known and not judged")
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
    steady = pulse_of(case, without_early=True)
    if m.n_supraventricular_beats or m.n_ventricular_beats or m.n_blocked_p_waves:
        case.abstain("SARRH", "early beats or blocked P waves disturb the intervals")
    elif steady.n >= FEWEST_INTERVALS and steady.range_ms > 120.0 and steady.spread > 0.07:
        case.find(
            "SARRH",
            "sinus intervals that differ by more than 120 ms, with a spread above 7 %",
            claims=(
                claim("RR range", steady.range_ms, ">", 120.0, "ms"),
                claim("RR spread", 100 * steady.spread, ">", 7.0, "%"),
            ),
            reference="minnesota",
        )


def judge_ectopy(case: Case) -> None:
    """Judge early beats, their patterns, and pauses, from the kinds of the single beats."""
    m = case.measurements
    if case.has("PACE"):
        for code in ("PVC", "PAC", "VCOUP", "BIGU", "TRIGU"):
            case.abstain(code, "not judged in paced rhythm")
    else:
        _judge_ventricular(case)
        if m.n_supraventricular_beats and not case.has("AFIB", "AFLT", "2AVB", "3AVB"):
            case.find(
                "PAC",
                "early beats of the usual shape",
                claims=(claim("n_supraventricular_beats", m.n_supraventricular_beats, ">=", 1),),
                beats=case.rows_of(BeatKind.SUPRAVENTRICULAR),
                reference="minnesota",
            )
        elif case.has("AFIB"):
            case.abstain("PAC", "early beats cannot be told in atrial fibrillation")
    if m.n_pauses:
        case.find(
            "PAUSE",
            "an RR interval of at least 2 s",
            claims=(case.claim("rr_max_ms", ">=", 2000.0, "ms"),),
            reference="brady",
        )


def _judge_ventricular(case: Case) -> None:
    m = case.measurements
    rows = case.rows_of(BeatKind.VENTRICULAR)
    sustained = case.has("VTACH") and 2 * m.n_ventricular_beats > m.n_beats
    if not m.n_ventricular_beats or sustained:
        return
    case.find(
        "PVC",
        "early or wide beats of another shape",
        claims=(claim("n_ventricular_beats", m.n_ventricular_beats, ">=", 1),),
        beats=rows,
        reference="minnesota",
    )
    for code, name, words in (
        ("VCOUP", "n_ventricular_couplets", "two ventricular beats in a row"),
        ("BIGU", "n_bigeminy_beats", "every second beat ventricular, three times or more"),
        ("TRIGU", "n_trigeminy_beats", "every third beat ventricular, three times or more"),
    ):
        if getattr(m, name):
            shown = (claim(name, getattr(m, name), ">=", 1),)
            case.find(code, words, claims=shown, beats=rows, reference="minnesota")
