# SPDX-License-Identifier: Apache-2.0
"""What is known of one recording, in the words of answers."""

from __future__ import annotations

from dataclasses import dataclass, field

from precordia.core.leads import STANDARD_12
from precordia.core.value import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts(Value):
    """Everything that questions are answered from; made of a study, or of a database's labels.

    Attributes
    ----------
    statements
        Certainty of each statement that is made, above 0 to 1 (sure); superclasses by their own
        codes. A statement that is neither here nor in ``unknown`` is not made.
    statement_leads
        Leads in which a statement of form shows, by its code.
    noise
        Leads of each kind of noise.
    axis
        Class of the heart axis; empty where unknown.
    stages
        Stages of infarctions; empty where there is none.
    ectopy
        Kinds of extrasystoles.
    ranges
        Range of each interval.
    leads
        Leads that were recorded.
    unknown
        Why something cannot be told: by the code of a statement, ``"leads:CODE"`` (of one lead
        ``"leads:CODE:LEAD"``), ``"noise"`` (of one lead ``"noise:LEAD"``), ``"axis"``,
        ``"stage"``, ``"ectopy"``, or the name of an interval.
    """

    statements: dict[str, float] = field(default_factory=dict)
    statement_leads: dict[str, tuple[str, ...]] = field(default_factory=dict)
    noise: dict[str, tuple[str, ...]] = field(default_factory=dict)
    axis: str = ""
    stages: tuple[str, ...] = ()
    ectopy: tuple[str, ...] = ()
    ranges: dict[str, str] = field(default_factory=dict)
    leads: tuple[str, ...] = STANDARD_12
    unknown: dict[str, str] = field(default_factory=dict)
