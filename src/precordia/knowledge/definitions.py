# SPDX-License-Identifier: Apache-2.0
"""Statements that a number defines, and whether the number denies them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from precordia.core.claims import Claim
from precordia.core.value import Value
from precordia.knowledge.criteria import Limit, Lookup, choose_limit
from precordia.knowledge.references import find_reference

_OTHERWISE = {">": "<=", ">=": "<", "<": ">=", "<=": ">"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition(Value):
    """A number that must lie on one side of a limit for a statement to be true.

    Attributes
    ----------
    statement
        Code of the statement.
    words
        The definition in words.
    measures
        Numbers of the record. Of several, each may bear the statement out.
    relation
        ``">"``, ``">="``, ``"<"`` or ``"<="``: how the number lies where the statement is true.
    limits
        The limit, or several with the patients for whom each holds.
    margin
        How far beyond the limit a number must lie before it decides: what it may be off.
    unit
        Unit of number, limit and margin.
    provided, at_least
        A further number that must be as large for the measure to be sure; empty where none must.
    not_with
        Codes of findings with which the number means nothing.
    reference, departure
        Where the definition was published, and how it departs from there.
    """

    statement: str
    words: str
    measures: tuple[str, ...]
    relation: str
    limits: tuple[Limit, ...]
    margin: float
    unit: str
    provided: str = ""
    at_least: float = 0.0
    not_with: tuple[str, ...] = ()
    reference: str = ""
    departure: str = ""


@cache
def list_definitions() -> tuple[Definition, ...]:
    """Return every definition, in the order of the table.

    Examples
    --------
    >>> [d.limits[0].value for d in list_definitions() if d.statement == "STACH"]
    [100.0]
    """
    text = files("precordia.knowledge").joinpath("definitions.toml").read_text("utf-8")
    return tuple(_definition(row) for row in tomllib.loads(text)["definition"])


def _definition(row: dict[str, Any]) -> Definition:
    limit, provided = row["limit"], row.get("provided", {})
    limits = limit if isinstance(limit, list) else [{"value": limit}]
    return Definition(
        statement=row["statement"],
        words=row["words"],
        measures=tuple(row["measure"]),
        relation=row["relation"],
        limits=tuple(Limit(value=float(x["value"]), sex=x.get("sex", "")) for x in limits),
        margin=float(row["margin"]),
        unit=row["unit"],
        provided=provided.get("measure", ""),
        at_least=float(provided.get("least", 0.0)),
        not_with=tuple(row.get("not_with", ())),
        reference=find_reference(row["reference"]),
        departure=row.get("departure", ""),
    )


def denied_by(
    definition: Definition,
    number: Lookup,
    *,
    sex: str | None,
    age_years: float,
    margin: bool = True,
) -> tuple[Claim, ...]:
    """Return the numbers that deny a statement.

    Parameters
    ----------
    definition
        What the statement is defined by.
    number
        Gives numbers by name, with the reason where one is absent.
    sex, age_years
        The patient; None and NaN where unknown. Where they would decide, the widest limit holds.
    margin
        Deny only what lies beyond the limit by more than the measurement may be off.

    Returns
    -------
    A claim for each measure that it lies on the other side of its limit; empty where one does not,
    or is absent or unsure: what is not known denies nothing.

    Examples
    --------
    >>> fast = list_definitions()[0]
    >>> [str(c) for c in denied_by(fast, lambda *_: (82.0, ""), sex=None, age_years=60.0)]
    ['heart rate 82 bpm (≤ 100 bpm)']
    >>> denied_by(fast, lambda *_: (99.5, ""), sex=None, age_years=60.0)
    ()
    """
    otherwise = _OTHERWISE[definition.relation]
    limit, _ = choose_limit(definition.limits, otherwise, sex=sex, age_years=age_years)
    if definition.provided:
        share, why = number(definition.provided, "")
        if why or not share >= definition.at_least:
            return ()
    claims = []
    for measure in definition.measures:
        value, why = number(measure, "")
        beyond = value - limit if otherwise in (">", ">=") else limit - value
        if why or not (beyond > definition.margin if margin else _apart(beyond, otherwise)):
            return ()
        claims.append(
            Claim(
                measure=measure, value=value, relation=otherwise, limit=limit, unit=definition.unit
            )
        )
    return tuple(claims)


def _apart(beyond: float, relation: str) -> bool:
    return beyond >= 0.0 if relation in (">=", "<=") else beyond > 0.0
