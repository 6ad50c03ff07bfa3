# SPDX-License-Identifier: Apache-2.0
"""Ectopy: early beats from above and below, their patterns, and pauses."""

from __future__ import annotations

import numpy as np

from precordia.classification.case import Case, claim, known
from precordia.core.measurements import BeatKind

#: prematurity of an early beat in a steady rhythm, and in one that sways with breathing
EARLY, EARLY_SWAYING = 0.86, 0.80


def judge_ectopy(case: Case) -> None:
    """Judge early beats, their patterns, and pauses, from the kinds of the single beats."""
    m = case.measurements
    if case.has("PACE"):
        for code in ("PVC", "PAC", "VCOUP", "BIGU", "TRIGU"):
            case.abstain(code, "not judged in paced rhythm")
    else:
        _judge_ventricular(case)
        early = () if case.has("AFIB", "AFLT", "2AVB", "3AVB") else early_beats(case)
        if early:
            case.find(
                "PAC",
                "early beats of the usual shape",
                claims=(claim("early beats", len(early), ">=", 1),),
                beats=early,
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


def early_beats(case: Case) -> tuple[int, ...]:
    """Find the rows of early beats of the usual shape.

    Notes
    -----
    Beats that the measurements call supraventricular, and others as early as 80 % of the usual
    interval where the remaining intervals are steady (spread below 6 %). In a rhythm that sways
    with breathing (spread of 4 % and more) a beat must come at less than 80 % of the usual
    interval; less early ones are sinus arrhythmia.
    """
    beats = case.measurements.beats
    rows = np.flatnonzero(case.fiducials.has_qrs)
    if len(beats) != rows.size or not len(beats):
        return ()
    above = np.array([k == BeatKind.SUPRAVENTRICULAR for k in beats.kind], dtype=bool)
    normal = np.array([k == BeatKind.NORMAL for k in beats.kind], dtype=bool)
    early = beats.prematurity < EARLY_SWAYING
    apart = early | above | ~(normal | above)
    apart[1:] |= apart[:-1].copy()
    rest = known(np.where(apart, np.nan, beats.rr_ms))
    spread = float(rest.std() / rest.mean()) if rest.size >= 2 else 0.0
    limit = EARLY if spread < 0.04 else EARLY_SWAYING
    chosen = above & (beats.prematurity < limit)
    if spread < 0.06 and rest.size >= 3:
        chosen |= normal & early
    return tuple(rows[chosen].tolist())
