# SPDX-License-Identifier: Apache-2.0
"""Normal: sinus rhythm, twelve leads, and nothing else to say."""

from __future__ import annotations

from precordia.classification.case import Case
from precordia.core.leads import STANDARD_12

#: what a normal recording may show
HARMLESS = frozenset(["SR", "SARRH", "EREPOL"])
SLOWEST_BPM, LONGEST_PR_MS = 50.0, 220.0
#: statements without which an absent finding does not make a recording normal
_NEEDED = ("SR", "CLBBB", "CRBBB", "QWAVE", "STE_", "STD_", "INVT", "VCLVH", "LNGQT", "1AVB")


def judge_normal(case: Case) -> None:
    """Call a recording normal where it is in sinus rhythm and nothing abnormal was found.

    Notes
    -----
    Sinus arrhythmia and an early repolarisation pattern are within the normal, and so are sinus
    rates from 50 per minute (the guideline's definition of bradycardia) and PR up to 220 ms
    (Minnesota code 6-3), although the finding that names them stands beside. All twelve standard
    leads are needed, ten of them usable, and none of the main statements may be an abstention.
    """
    missing = [name for name in STANDARD_12 if name not in case.record.leads]
    if missing:
        case.abstain("NORM", f"needs the twelve standard leads; {missing[0]} is missing")
        return
    bad = [name for name in STANDARD_12 if not case.usable(name)]
    harmless = set(HARMLESS)
    if case.value("heart_rate_bpm") >= SLOWEST_BPM:
        harmless.add("SBRAD")
    if case.value("pr_ms") <= LONGEST_PR_MS:
        harmless.add("1AVB")
    if set(case.found) - harmless:
        return
    if len(bad) > 2:
        case.abstain("NORM", f"leads {', '.join(bad)} are not usable")
        return
    unknown = [case.open[c] for c in _NEEDED if c in case.open]
    if unknown and not bad:
        case.abstain("NORM", f"{unknown[0].name} could not be judged: {unknown[0].reason}")
        return
    if case.has("SR"):
        case.find(
            "NORM",
            "sinus rhythm from 50 to 100 per minute and no abnormal finding in twelve leads",
            claims=(case.claim("heart_rate_bpm", unit="/min"),),
            reference="minnesota",
        )
