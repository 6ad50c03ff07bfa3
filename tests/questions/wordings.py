# SPDX-License-Identifier: Apache-2.0
"""Questions of the 70 templates in wordings of our own, with what each must be understood as."""

from __future__ import annotations

import itertools
from pathlib import Path

from precordia.core.leads import STANDARD_12
from precordia.questions.vocabulary import terms_of_kind

_HERE = Path(__file__).parent
_GROUPS = ("ischemic", "subendocardial injury", "premature complexes")
#: what a place holder can be filled with: the published answer names
SLOTS = {
    "super": [t.name for t in terms_of_kind("superclass")],
    "diag": [t.name for t in terms_of_kind("diagnostic") if t.name not in _GROUPS and not t.form],
    "form": [t.name for t in terms_of_kind("form") if t.name not in _GROUPS],
    "rhythm": [t.name for t in terms_of_kind("rhythm")],
    "noise": [t.name for t in terms_of_kind("noise")],
    "axis": [t.name for t in terms_of_kind("axis")],
    "stage": [t.name for t in terms_of_kind("stage") if "unknown" not in t.name],
    "ectopy": ["ventricular extrasystoles", "supraventricular extrasystoles", "extrasystoles"],
    "feature": [t.name for t in terms_of_kind("interval")],
    "range": ["above the normal range", "within the normal range", "below the normal range"],
    "lead": [f"lead {name}" for name in STANDARD_12],
}
SLOTS["code"] = [*SLOTS["super"], *SLOTS["diag"], *SLOTS["form"], *SLOTS["rhythm"]]


def wordings(name: str) -> list[tuple[int, str]]:
    """Return template and wording of every row of a table."""
    rows = (_HERE / name).read_text("utf-8").splitlines()
    return [(int(row.split("\t")[0]), row.split("\t")[1]) for row in rows if row]


def filled(wording: str, turns: int) -> list[tuple[str, dict[str, str]]]:
    """Return a wording filled in several ways, with what was filled in."""
    slots = [s for s in (*SLOTS, *(f"{k}2" for k in SLOTS)) if f"{{{s}}}" in wording]
    cycles = {}
    for k, slot in enumerate(sorted(slots)):
        values = SLOTS[slot.removesuffix("2")]
        shift = (7 * k + 3) % len(values) if not slot.endswith("2") else None
        if shift is None:
            first = cycles[slot.removesuffix("2")]
            cycles[slot] = first[1:] + first[:1]
        else:
            cycles[slot] = values[shift:] + values[:shift]
    step = {slot: itertools.cycle(values) for slot, values in cycles.items()}
    made = []
    for _ in range(turns if slots else 1):
        told = {slot: next(values) for slot, values in step.items()}
        made.append((wording.format(**told), told))
    return made


def expected(told: dict[str, str]) -> dict[str, set[str]]:
    """Return the names, leads and ranges that a filled question holds."""
    named = ("super", "diag", "form", "rhythm", "noise", "axis", "stage", "ectopy", "feature")
    names = {v for k, v in told.items() if k.removesuffix("2") in (*named, "code")}
    leads = {v.removeprefix("lead ") for k, v in told.items() if k == "lead"}
    ranges = {v for k, v in told.items() if k.removesuffix("2") == "range"}
    return {"names": names, "leads": leads, "ranges": ranges}


def understood(question: str, template: int, told: dict[str, str]) -> str:
    """Return what was understood wrongly; empty where all is right."""
    from precordia.questions.parse import parse_question
    from precordia.questions.query import Query
    from precordia.questions.templates import template_of

    query = parse_question(question)
    if not isinstance(query, Query):
        return "not understood"
    found = template_of(query)
    if found != template:
        return f"template {found}"
    for what, value in expected(told).items():
        if set(getattr(query, what)) != value:
            return f"{what} {getattr(query, what)}"
    return ""
