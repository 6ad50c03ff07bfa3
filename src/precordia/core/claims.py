# SPDX-License-Identifier: Apache-2.0
"""Claims: the atoms of what is said about a recording, each of which can be checked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from precordia.core.measure_words import words_of_measure
from precordia.core.value import Value

Of = Literal["study", "previous", "change"]
#: relations of numbers
NUMERIC = (">", ">=", "<", "<=", "==", "is")
#: relations of what is there or not; a number can be absent
FOUND, NOT_FOUND, UNDECIDED, ABSENT = "found", "not found", "undecided", "absent"
#: prefixes of what is claimed of something other than a measured number
STATEMENT, PROBABILITY, QUALITY = "statement:", "probability:", "quality:"
RECORD, PATIENT, METHOD = "record:", "patient:", "method:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim(Value):
    """One thing that is said: a number that met (or missed) a limit, a statement, a quality.

    `precordia.core.verify.verify` checks it against a study.

    Attributes
    ----------
    measure
        What is claimed. The name of a measurement, such as ``"qrs_ms"``; or
        ``"statement:AFIB"``, ``"statement:superclass:MI"``, ``"probability:AFIB"``,
        ``"quality:acceptable"``, ``"quality:usable"``, ``"quality:muscle artifact"``,
        ``"quality:score"``, ``"record:duration_s"``, ``"record:n_leads"``, ``"record:lead"``,
        ``"patient:age_years"``, ``"patient:sex"``, ``"patient:same"``, ``"record:days"``
        (of a change), ``"method:findings"``.
    value
        What was measured.
    relation
        ``">"``, ``">="``, ``"<"``, ``"<="``, ``"=="`` or ``"is"`` for numbers; ``"found"``,
        ``"not found"`` or ``"undecided"`` for statements, ``"found"`` or ``"not found"`` for
        qualities; ``"absent"`` for a number that cannot be given.
    limit
        What it was compared with; NaN where the claim has no limit.
    unit
        Unit of both.
    lead
        Lead of the number or statement; empty for the whole record.
    text
        Words for what a number alone does not say; the value itself where that is a word.
    beats
        Rows of the fiducials that the claim is about; empty for the median beat or all beats.
    of
        ``"study"``, ``"previous"`` for the study that it is compared with, or ``"change"`` for
        the number now less the number then.

    Examples
    --------
    >>> print(Claim(measure="qrs_ms", value=142.0, relation=">=", limit=120.0, unit="ms"))
    QRS duration 142 ms (≥ 120 ms)
    >>> print(statement_claim("STD_", lead="V5"))
    STD_ found in V5
    """

    measure: str
    value: float = math.nan
    relation: str = "is"
    limit: float = math.nan
    unit: str = ""
    lead: str = ""
    text: str = ""
    beats: tuple[int, ...] = ()
    of: Of = "study"

    def __str__(self) -> str:
        return _OF[self.of] + (self._number() if ":" not in self.measure else self._other())

    def _other(self) -> str:
        words = words_of_claim(self)
        said = "" if self.relation == "is" else f" {self.relation}"
        unit = f" {self.unit}" if self.unit else ""
        number = f" {shown_number(self.value)}{unit}" if self.value == self.value else ""
        where = f" in {self.lead}" if self.lead else ""
        note = f", {self.text}" if self.text and number else f" {self.text}" if self.text else ""
        return f"{words}{said}{number}{where}{note}"

    def _number(self) -> str:
        words, own = words_of_measure(self.measure)
        if self.value != self.value:
            return self.text or words
        unit = own if own in ("bpm", "°") else self.unit or own
        unit = unit if unit == "°" else f" {unit}" if unit else ""
        where = f" in {self.lead}" if self.lead else ""
        note = f", {self.text}" if self.text else ""
        if self.limit != self.limit:
            return f"{words}{where} {shown_number(self.value)}{unit}{note}"
        relation = _SIGNS.get(self.relation, self.relation)
        bound = f" ({relation} {round(self.limit, 3):g}{unit})"
        return f"{words}{where} {shown_number(self.value, self.limit)}{unit}{bound}{note}"


def words_of_claim(claim: Claim) -> str:
    """Return the words of what is claimed other than a measured number.

    Examples
    --------
    >>> words_of_claim(Claim(measure="record:duration_s")), words_of_claim(statement_claim("STD_"))
    ('duration', 'STD_')
    """
    kind, _, name = claim.measure.partition(":")
    if f"{kind}:" == STATEMENT:
        return name
    if f"{kind}:" == PROBABILITY:
        return f"probability of {name}"
    for unit in ("_years", "_s"):
        name = name.removesuffix(unit)
    return name.replace("_", " ")


#: how it is said of which study a claim is
_OF = {"study": "", "previous": "before: ", "change": "change: "}
#: relations as people write them
_SIGNS = {">=": "≥", "<=": "≤", "==": "="}


def shown_number(value: float, limit: float = math.nan) -> str:
    """Return a number with as few digits as tell it from its limit.

    Examples
    --------
    >>> shown_number(75.157), shown_number(0.2141), shown_number(119.6, 120.0), shown_number(-0.001)
    ('75', '0.21', '119.6', '0')
    >>> shown_number(math.inf)  # a ratio to a wave that is not there
    '∞'
    """
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    fewest = 0 if abs(value) >= 10 else 2
    for digits in range(fewest, 4):
        shown = float(f"{value:.{digits}f}") + 0.0  # nought has no sign
        if limit != limit or shown != limit or value == limit:
            break
    return f"{shown:g}" if abs(shown) < 1e6 else f"{value:.4g}"


def statement_claim(
    code: str,
    relation: str = FOUND,
    *,
    lead: str = "",
    beats: tuple[int, ...] = (),
    of: Of = "study",
) -> Claim:
    """Claim that a statement was found, was not found, or was not decided on.

    Parameters
    ----------
    code
        Code of the statement, such as ``"AFIB"``; ``"superclass:MI"`` for a superclass.
    relation
        ``"found"``, ``"not found"`` or ``"undecided"``.
    lead, beats, of
        Where it shows, and of which study it is said.

    Returns
    -------
    The claim.
    """
    return Claim(measure=f"{STATEMENT}{code}", relation=relation, lead=lead, beats=beats, of=of)


def quality_claim(what: str, relation: str = FOUND, *, lead: str = "", of: Of = "study") -> Claim:
    """Claim something about the quality of a recording or of one lead.

    Parameters
    ----------
    what
        ``"acceptable"``, ``"usable"`` (of a lead), or a reason such as ``"baseline wander"``.
    relation
        ``"found"`` or ``"not found"``.
    lead, of
        Of which lead and which study it is said.

    Returns
    -------
    The claim.

    Examples
    --------
    >>> print(quality_claim("baseline wander", lead="V1"))
    baseline wander found in V1
    """
    return Claim(measure=f"{QUALITY}{what}", relation=relation, lead=lead, of=of)
