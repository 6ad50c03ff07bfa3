# SPDX-License-Identifier: Apache-2.0
"""What SCP-ECG has no field for, in a section of our own that other software skips."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

#: sections from 128 on belong to manufacturers
OWN_SECTION = 1001
_MARK = b"precordia 1\n"


@dataclass(slots=True)
class OwnFacts:
    """What the sections of the standard do not say exactly.

    Attributes
    ----------
    fs, median_fs
        Sampling rates, where a whole number of microseconds is not the interval; else NaN.
    missing
        The count that stands for a missing sample; None where none is missing.
    leads
        Lead names, in order.
    microsecond
        Fraction of a second of the start.
    origin
        As in a record.
    """

    fs: float = math.nan
    median_fs: float = math.nan
    missing: int | None = None
    leads: tuple[str, ...] = ()
    microsecond: int = 0
    origin: str = "measured"


def spell_own(facts: OwnFacts) -> bytes:
    """Return the content of the section.

    Examples
    --------
    >>> read_own(spell_own(OwnFacts(fs=128.0, leads=("II",)))).fs
    128.0
    """
    told: dict[str, Any] = {"leads": list(facts.leads)}
    for name in ("fs", "median_fs"):
        value = getattr(facts, name)
        if not math.isnan(value):
            told[name] = float(value)
    if facts.missing is not None:
        told["missing"] = facts.missing
    if facts.microsecond:
        told["microsecond"] = facts.microsecond
    if facts.origin != "measured":
        told["origin"] = facts.origin
    return _MARK + json.dumps(told).encode()


def read_own(body: bytes) -> OwnFacts:
    """Return what the section says; nothing where it is another's, or damaged."""
    if not body.startswith(_MARK):
        return OwnFacts()
    try:
        told = json.loads(body[len(_MARK) :].rstrip(b"\0"))
    except (ValueError, RecursionError):
        return OwnFacts()
    if not isinstance(told, dict):
        return OwnFacts()
    facts = OwnFacts(fs=_rate(told.get("fs")), median_fs=_rate(told.get("median_fs")))
    missing = told.get("missing")
    if type(missing) is int and -32768 <= missing < 0:
        facts.missing = missing
    leads = told.get("leads")
    if isinstance(leads, list) and all(isinstance(lead, str) for lead in leads):
        facts.leads = tuple(leads)
    microsecond = told.get("microsecond")
    if type(microsecond) is int and 0 <= microsecond < 1_000_000:
        facts.microsecond = microsecond
    if told.get("origin") in ("estimated", "synthetic"):
        facts.origin = told["origin"]
    return facts


def _rate(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e6:
        return float(value)
    return math.nan
