# SPDX-License-Identifier: Apache-2.0
"""A question in terms that can be evaluated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from precordia.core.value import Value

Scope = Literal["single", "consecutive", "unrelated"]
Kind = Literal["verify", "choose", "query", "value", "changes"]
Attribute = Literal[
    "statement", "noise", "stage", "ectopy", "axis", "interval", "number", "quality"
]
Asks = Literal["name", "lead", "range"]
Certainty = Literal["", "include", "exclude"]
Change = Literal[
    "", "gone", "new", "persisting", "absent", "normalized", "deviated", "abnormal", "normal"
]
ABOVE, WITHIN, BELOW = (f"{where} the normal range" for where in ("above", "within", "below"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Query(Value):
    """What is asked.

    Attributes
    ----------
    scope
        One recording; a recording and an earlier one of the same patient (``"consecutive"``); or
        two recordings of anybody (``"unrelated"``).
    kind
        ``"verify"`` (yes or no), ``"choose"`` (which of those named), ``"query"`` (which of all),
        ``"value"`` (a number), ``"changes"`` (everything that differs).
    attribute
        What it is about.
    group
        Of statements: ``"superclass"``, ``"diagnostic"``, ``"form"``, ``"rhythm"``, ``"any"``,
        ``"abnormal"``, ``"normal"`` or ``"named"``.
    names
        What is named, as answers call it; empty where anything of the group is meant.
    leads
        Leads that are asked about; empty for the whole recording.
    ranges
        Ranges that are named.
    asks
        What the answer lists.
    certainty
        Whether uncertain diagnoses are included, excluded, or not spoken of.
    change
        What is asked about two recordings.
    relation, limit, unit
        A limit of the asker's own, such as ``">"``, 120 and ``"ms"``.
    negated
        Whether yes means that it is not there ("Is the ECG free of noise?").
    without
        What of the names has to be absent for a yes ("AF without flutter").
    """

    scope: Scope = "single"
    kind: Kind = "verify"
    attribute: Attribute = "statement"
    group: str = ""
    names: tuple[str, ...] = ()
    leads: tuple[str, ...] = ()
    ranges: tuple[str, ...] = ()
    asks: Asks = "name"
    certainty: Certainty = ""
    change: Change = ""
    relation: str = ""
    limit: float = math.nan
    unit: str = ""
    negated: bool = False
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclear(Value):
    """A question that was not understood, and what could be asked instead.

    Attributes
    ----------
    why
        A sentence.
    """

    why: str

    def __str__(self) -> str:
        return self.why
