# SPDX-License-Identifier: Apache-2.0
"""Chambers: what voltages alone do not settle."""

from __future__ import annotations

from precordia.classification.case import Case


def judge_chambers(case: Case) -> None:
    """Judge left ventricular hypertrophy from its voltage criteria and what goes with them.

    Notes
    -----
    Voltage alone is reported as what it is (VCLVH). Hypertrophy is named where both the
    Sokolow-Lyon and the Cornell criterion hold, or where one of them comes with ST depression,
    T inversion or left atrial enlargement, as part V of the recommendations advises. Right
    ventricular hypertrophy and left posterior fascicular block share the axis; the block is a
    diagnosis by exclusion and gives way.
    """
    voltage = case.found.get("VCLVH")
    if voltage is not None:
        both = "; or " in voltage.criterion
        signs = [case.found[c] for c in ("STD_", "INVT", "LAO/LAE") if case.has(c)]
        if both or signs:
            words = "both voltage criteria" if both else "a voltage criterion"
            if signs:
                words += f", with {' and '.join(f.name for f in signs)}"
            claims = (*voltage.claims, *(c for f in signs for c in f.claims))
            leads = voltage.leads
            case.find("LVH", words, claims=claims, leads=leads, reference="aha5")
    elif "VCLVH" in case.open:
        case.abstain("LVH", case.open["VCLVH"].reason)
    if case.has("RVH") and case.has("LPFB"):
        case.found.pop("LPFB")
        case.abstain("LPFB", "right ventricular hypertrophy explains the axis")
