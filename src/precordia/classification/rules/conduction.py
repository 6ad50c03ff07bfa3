# SPDX-License-Identifier: Apache-2.0
"""Conduction: from the atria to the ventricles, and within the ventricles."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np

from precordia.classification.case import Case, claim, known
from precordia.core.claims import Claim
from precordia.core.measurements import BeatKind

#: a QRS complex of this length is wide; incomplete blocks begin at the second number
WIDE_MS, HALF_WIDE_MS = 120.0, 110.0
#: words and claims where a shape is seen, None where it is not, the reason where it is unknown
Shape: TypeAlias = tuple[str, tuple[Claim, ...]] | str | None
_BUNDLES = ("CLBBB", "CRBBB", "ILBBB", "IRBBB", "IVCD", "LAFB", "LPFB")


def judge_av_conduction(case: Case) -> None:
    """Judge second-degree block and pre-excitation.

    Notes
    -----
    *Second degree*: a P wave that no QRS complex follows, on time (within 20 % of the usual PP
    interval), while other P waves are conducted. Type I where PR before it is longer by at least
    30 ms than PR after it; type II where the two differ by less than 20 ms in all places. With 2:1
    conduction the type is left open, and P waves after ventricular beats do not count.
    Third-degree block is judged with the rhythm.
    """
    barrier = case.barrier(("3AVB", "PACE", "VTACH", "AFIB", "AFLT", "SVTAC", "JUNC"))
    if barrier:
        for code in ("2AVB", "MOBITZ1", "MOBITZ2", "3AVB", "WPW"):
            case.abstain(code, f"not judged with {barrier}")
        return
    if case.value("p_wave_percent") >= 50.0:
        _judge_block(case)
    _judge_pre_excitation(case)


def _judge_block(case: Case) -> None:
    f = case.fiducials
    ms = 1000.0 / f.fs
    blocked = np.flatnonzero(~f.has_qrs & np.isfinite(f.p_peak))
    pr = (f.qrs_onset - f.p_onset) * ms
    pp = known(np.diff(f.p_peak)) * ms
    usual = float(np.median(pp)) if pp.size else math.nan
    ectopic = set(case.rows_of(BeatKind.VENTRICULAR))
    on_time, differences, two_conducted = [], [], False
    for row in blocked.tolist():
        if row - 1 in ectopic:
            continue  # a ventricular beat, not the AV node, stopped this one
        before = (f.p_peak[row] - f.p_peak[row - 1]) * ms if row else math.nan
        if not abs(before - usual) < 0.2 * usual:
            continue
        on_time.append(row)
        two_conducted |= bool(row >= 2 and f.has_qrs[row - 1] and f.has_qrs[row - 2])
        if row + 1 < pr.size and math.isfinite(pr[row - 1]) and math.isfinite(pr[row + 1]):
            differences.append(float(pr[row - 1] - pr[row + 1]))
    if not on_time:
        return
    number = claim("blocked P waves on time", len(on_time), ">=", 1)
    beats = tuple(on_time)
    words = "P waves on time that no QRS complex follows, others conducted"
    case.find("2AVB", words, claims=(number,), beats=beats, reference="brady")
    if not differences or not two_conducted:
        why = "no two conducted beats in a row before a blocked P wave"
        case.abstain("MOBITZ1", why)
        case.abstain("MOBITZ2", why)
        return
    middle = float(np.median(differences))
    shown = "PR before less PR after the blocked P wave"
    if middle >= 30.0:
        case.find(
            "MOBITZ1",
            f"{words}; PR is longer before it than after it",
            claims=(number, claim(shown, middle, ">=", 30.0, "ms")),
            beats=beats,
            reference="brady",
        )
    elif max(abs(d) for d in differences) < 20.0:
        case.find(
            "MOBITZ2",
            f"{words}; PR is the same before and after it",
            claims=(number, claim(shown, middle, "<", 20.0, "ms")),
            beats=beats,
            reference="brady",
        )


def _judge_pre_excitation(case: Case) -> None:
    pr, why_pr = case.number("pr_ms")
    qrs, why_qrs = case.number("qrs_ms")
    if why_pr or why_qrs:
        case.abstain("WPW", why_pr or why_qrs)
        return
    if pr < 120 and qrs >= WIDE_MS:
        case.find(
            "WPW",
            "PR below 120 ms with a QRS complex of at least 120 ms",
            claims=(
                case.claim("pr_ms", "<", 120.0, "ms"),
                case.claim("qrs_ms", ">=", WIDE_MS, "ms"),
            ),
            reference="aha3",
        )


def judge_bundle_branches(case: Case) -> None:
    """Judge bundle branch and fascicular blocks from durations and shapes.

    Notes
    -----
    The recommendations' notched and slurred R waves are not judged; time to the R peak stands in
    for them. S of at least 40 ms, or longer than R, in lead I *or* V6 will do for right bundle
    branch block (the recommendations ask for both). Incomplete right bundle branch block also
    holds after Minnesota code 7-3 (R' above R in V1 or V2, QRS below 120 ms). A non-specific delay
    begins at 120 ms here, at 110 ms in the recommendations. Left posterior fascicular block needs
    an axis above 100 degrees (the recommendations: 90), as slim healthy people reach 95.
    """
    barrier = case.barrier(("PACE", "VTACH", "WPW"))
    if barrier:
        for code in _BUNDLES:
            case.abstain(code, f"means nothing with {barrier}")
        return
    qrs, why = case.number("qrs_ms")
    if why:
        for code in _BUNDLES:
            case.abstain(code, why)
        return
    right, left = _right_shape(case), _left_shape(case, 60.0 if qrs >= WIDE_MS else 50.0)
    wide = case.claim("qrs_ms", ">=", WIDE_MS, "ms")
    half = case.claim("qrs_ms", ">=", HALF_WIDE_MS, "ms")
    if qrs >= WIDE_MS:
        _report(case, "CLBBB", "QRS of at least 120 ms", left, wide)
        if not case.has("CLBBB"):
            _report(case, "CRBBB", "QRS of at least 120 ms", right, wide)
        if not case.has("CLBBB", "CRBBB"):
            if isinstance(left, str) or isinstance(right, str):
                reason = left if isinstance(left, str) else right
                case.abstain("IVCD", f"bundle branch block cannot be excluded: {reason}")
            else:
                words = "QRS of at least 120 ms without the shape of a bundle branch block"
                case.find("IVCD", words, claims=(wide,), reference="aha3")
    elif qrs >= HALF_WIDE_MS:
        _report(case, "ILBBB", "QRS of 110 to 119 ms", left, half)
        _report(case, "IRBBB", "QRS of 110 to 119 ms", right, half)
    if qrs < WIDE_MS and not case.has("AFLT"):  # a flutter wave looks like R'
        _judge_minnesota(case)
    _judge_fascicles(case, qrs)


def _report(case: Case, code: str, words: str, shape: Shape, wide: Claim) -> None:
    if isinstance(shape, str):
        case.abstain(code, shape)
    elif shape is not None:
        leads = tuple(dict.fromkeys(c.lead for c in shape[1] if c.lead))
        shown = (wide, *shape[1])
        case.find(code, f"{words}; {shape[0]}", claims=shown, leads=leads, reference="aha3")


def _missing(case: Case, leads: tuple[str, ...]) -> str:
    for lead in leads:
        why = case.number("r_height_mv", lead)[1]
        if why:
            return why
    return ""


def _right_shape(case: Case) -> Shape:
    """Return words and claims where the shape is that of the right bundle, or why unknown."""
    why = _missing(case, ("V1",)) or (_missing(case, ("I",)) and _missing(case, ("V6",)))
    if why:
        return why
    late = []
    for lead in ("V1", "V2"):
        if case.number("r_height_mv", lead)[1]:
            continue
        prime, first = case.value("r_prime_mv", lead), case.value("r_mv", lead)
        if prime > max(first, 0.1):
            late.append(case.claim("r_prime_mv", ">", max(first, 0.1), "mV", lead))
        elif lead == "V1" and case.value("r_to_s", lead) > 1 and not prime > 0:
            time = case.value("r_peak_time_ms", lead)
            if time > 50 and first > 0.2:
                late.append(case.claim("r_peak_time_ms", ">", 50.0, "ms", lead))
    wide_s = []
    for lead in ("I", "V6"):
        s_ms, r_ms = case.value("s_ms", lead), case.value("r_ms", lead)
        if s_ms >= 40.0 or s_ms > r_ms:
            wide_s.append(case.claim("s_ms", ">=", min(40.0, r_ms), "ms", lead))
    if late and wide_s:
        return "late R in V1 or V2 and broad S in I or V6", (*late, *wide_s)
    return None


def _left_shape(case: Case, late_ms: float) -> Shape:
    """Return words and claims where the shape is that of the left bundle, or why unknown."""
    why = _missing(case, ("V1",)) or (_missing(case, ("I",)) and _missing(case, ("V6",)))
    if why:
        return why
    if not case.value("s_depth_mv", "V1") > 2 * case.value("r_height_mv", "V1"):
        return None
    shown = [case.claim("s_depth_mv", unit="mV", lead="V1", text="more than twice R")]
    sides = [lead for lead in ("I", "V6") if not _missing(case, (lead,))]
    for lead in sides:
        if case.value("q_depth_mv", lead) > 0.05:
            return None
    upright = [lead for lead in sides if case.value("r_to_s", lead) > 1]
    late = [
        case.claim("r_peak_time_ms", ">", late_ms, "ms", lead)
        for lead in ("I", "aVL", "V5", "V6")
        if case.value("r_peak_time_ms", lead) > late_ms
    ]
    if upright and len(late) >= min(2, len(sides)):
        return "negative V1, upright I or V6 without Q, late R peak on the left", (*shown, *late)
    return None


def _judge_minnesota(case: Case) -> None:
    for lead in ("V1", "V2"):
        if case.number("r_height_mv", lead)[1]:
            continue
        prime, first = case.value("r_prime_mv", lead), case.value("r_mv", lead)
        if prime > max(first, 0.1) and case.value("r_prime_ms", lead) >= 20:
            case.find(
                "IRBBB",
                "R' above R in V1 or V2, QRS below 120 ms",
                claims=(
                    case.claim("r_prime_mv", ">", max(first, 0.1), "mV", lead),
                    case.claim("qrs_ms", "<", WIDE_MS, "ms"),
                ),
                leads=(lead,),
                reference="minnesota",
            )
            return


def _judge_fascicles(case: Case, qrs: float) -> None:
    axis, why = case.number("qrs_axis_deg")
    if why or case.has("CLBBB"):
        reason = why or "means nothing with complete left bundle branch block"
        case.abstain("LAFB", reason)
        case.abstain("LPFB", reason)
        return
    if qrs >= WIDE_MS and not case.has("CRBBB"):
        return
    if -90 <= axis <= -45:
        why = _missing(case, ("aVL", "II", "III"))
        if why:
            case.abstain("LAFB", why)
        elif (
            case.value("r_to_s", "aVL") > 1
            and case.value("r_to_s", "II") < 1
            and case.value("r_mv", "III") > 0
        ):
            case.find(
                "LAFB",
                "axis from -45 to -90 degrees, R in aVL, rS in II and III",
                claims=(
                    case.claim("qrs_axis_deg", "<=", -45.0, "°"),
                    case.claim("r_to_s", ">", 1.0, lead="aVL"),
                    case.claim("r_to_s", "<", 1.0, lead="II"),
                ),
                leads=("aVL", "II", "III"),
                reference="aha3",
            )
    elif 100 < axis <= 180:
        why = _missing(case, ("I", "aVL", "III", "aVF"))
        if why:
            case.abstain("LPFB", why)
        elif (
            case.value("r_to_s", "I") < 1
            and case.value("r_mv", "I") > 0
            and case.value("q_depth_mv", "III") > 0.02
            and case.value("r_to_s", "III") > 1
        ):
            case.find(
                "LPFB",
                "axis above 100 and up to 180 degrees, rS in I, qR in III",
                claims=(
                    case.claim("qrs_axis_deg", ">", 100.0, "°"),
                    case.claim("r_to_s", "<", 1.0, lead="I"),
                    case.claim("q_depth_mv", ">", 0.02, "mV", "III"),
                ),
                leads=("I", "III"),
                reference="aha3",
            )
