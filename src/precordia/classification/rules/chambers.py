# SPDX-License-Identifier: Apache-2.0
"""Chambers: what voltages alone do not settle."""

from __future__ import annotations

from precordia.classification.case import Case


def judge_chambers(case: Case) -> None:
    """Settle chamber statements that exclude each other after the voltages were judged.

    Notes
    -----
    Right ventricular hypertrophy and left posterior fascicular block share the axis; the block is
    a diagnosis by exclusion and gives way.
    """
    if case.has("RVH") and case.has("LPFB"):
        case.found.pop("LPFB")
        case.abstain("LPFB", "right ventricular hypertrophy explains the axis")
