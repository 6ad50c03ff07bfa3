# SPDX-License-Identifier: Apache-2.0
"""Criteria as data: numbers against limits, read from one table and judged by one small engine."""

from __future__ import annotations

import math
import operator
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from precordia.core.claims import Claim
from precordia.core.errors import FormatError, unknown_name
from precordia.core.value import Value
from precordia.knowledge.references import list_references

_RELATIONS = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}
#: gives a number by measure and lead (lead empty for the record), and why it is absent
Lookup = Callable[[str, str], tuple[float, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit(Value):
    """A limit and the patients for whom it holds.

    Attributes
    ----------
    value
        The limit.
    sex
        ``"female"`` or ``"male"``; empty for both.
    from_age, below_age
        Ages in years, the first included, the second not.
    """

    value: float
    sex: str = ""
    from_age: float = 0.0
    below_age: float = math.inf

    def applies(self, sex: str | None, age_years: float) -> bool:
        """Tell whether the limit may hold for a patient; what is unknown rules nothing out."""
        if self.sex and sex and sex != self.sex:
            return False
        return not (age_years < self.from_age or age_years >= self.below_age)


def choose_limit(
    limits: tuple[Limit, ...], relation: str, *, sex: str | None, age_years: float
) -> tuple[float, str]:
    """Choose the limit of a patient; the strictest where sex or age is unknown and matters.

    Parameters
    ----------
    limits
        Limits of one criterion, with the patients for whom they hold.
    relation
        How a number is compared with the limit; tells which limit is stricter.
    sex, age_years
        The patient; None and NaN where unknown.

    Returns
    -------
    The limit (NaN where none holds), and words where a default had to be chosen.

    Examples
    --------
    >>> cornell = (Limit(value=2.8, sex="male"), Limit(value=2.0, sex="female"))
    >>> choose_limit(cornell, ">", sex="female", age_years=50.0)
    (2.0, '')
    >>> choose_limit(cornell, ">", sex=None, age_years=50.0)
    (2.8, 'sex unknown: the strictest limit')
    """
    fitting = [x for x in limits if x.applies(sex, age_years)]
    if not fitting:
        return math.nan, ""
    values = [x.value for x in fitting]
    chosen = max(values) if relation in (">", ">=") else min(values)
    if min(values) == max(values):
        return chosen, ""
    unknown = [] if sex else ["sex"]
    unknown += (
        ["age"] if age_years != age_years and len({x.sex for x in fitting}) < len(fitting) else []
    )
    return chosen, f"{' and '.join(unknown or ['age'])} unknown: the strictest limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition(Value):
    """Numbers that are added up and compared with a limit.

    Attributes
    ----------
    terms
        What is added up: a measure of the record (``"qrs_ms"``), of a lead (``"r_mv aVL"``), or
        the larger of several leads (``"max r_mv V5 V6"``).
    relation
        ``">"``, ``">="``, ``"<"`` or ``"<="``.
    limits
        The limit, or several with the patients for whom each holds.
    unit
        Unit of both.
    leads
        Where given, the terms name no lead and the condition is judged in each of these.
    at_least
        In how many of ``leads`` it must hold.
    """

    terms: tuple[str, ...]
    relation: str
    limits: tuple[Limit, ...]
    unit: str = ""
    leads: tuple[str, ...] = ()
    at_least: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion(Value):
    """Conditions that must all hold for a statement.

    Attributes
    ----------
    name, statement
        Name of the criterion, and code of the statement that it supports.
    words
        The criterion in words.
    conditions
        All must hold.
    not_with
        Codes of findings with which the criterion means nothing.
    reference
        Where it was published.
    departure
        Where it is not as published there, and how; empty where it is.
    """

    name: str
    statement: str
    words: str
    conditions: tuple[Condition, ...]
    not_with: tuple[str, ...] = ()
    reference: str = ""
    departure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict(Value):
    """What came of a criterion.

    Attributes
    ----------
    outcome
        ``"met"``, ``"not met"`` or ``"unknown"`` where a number that decides is absent.
    claims
        The numbers with their limits, those that hold.
    leads
        Leads that they were measured in.
    reason
        Why the outcome is unknown.
    """

    outcome: Literal["met", "not met", "unknown"]
    claims: tuple[Claim, ...] = ()
    leads: tuple[str, ...] = ()
    reason: str = ""


def judge(criterion: Criterion, number: Lookup, *, sex: str | None, age_years: float) -> Verdict:
    """Judge a criterion on the numbers of one record.

    Parameters
    ----------
    criterion
        What must hold.
    number
        Gives numbers by name, with the reason where one is absent.
    sex, age_years
        The patient; None and NaN where unknown.

    Returns
    -------
    The outcome with its evidence. One condition that fails decides; only then do absent numbers
    count.

    Examples
    --------
    >>> wide = Criterion(name="wide", statement="IVCD", words="", conditions=(Condition(
    ...     terms=("qrs_ms",), relation=">=", limits=(Limit(value=120.0),), unit="ms"),))
    >>> judge(wide, lambda measure, lead: (130.0, ""), sex=None, age_years=60.0).outcome
    'met'
    """
    claims: list[Claim] = []
    leads: list[str] = []
    reason = ""
    for condition in criterion.conditions:
        outcome, shown, where, why = _judge_condition(condition, number, sex, age_years)
        if outcome is False:
            return Verdict(outcome="not met")
        if outcome is None:
            reason = reason or why
            continue
        claims += shown
        leads += where
    if reason:
        return Verdict(outcome="unknown", reason=reason)
    return Verdict(outcome="met", claims=tuple(claims), leads=tuple(dict.fromkeys(leads)))


def _judge_condition(
    condition: Condition, number: Lookup, sex: str | None, age_years: float
) -> tuple[bool | None, list[Claim], list[str], str]:
    relation = condition.relation
    limit, note = choose_limit(condition.limits, relation, sex=sex, age_years=age_years)
    if math.isnan(limit):
        return False, [], [], ""
    held: list[Claim] = []
    where: list[str] = []
    unknown, reason = 0, ""
    for lead in condition.leads or ("",):
        total = _add_up(condition.terms, number, lead)
        if total.why:
            unknown, reason = unknown + 1, reason or total.why
        elif _RELATIONS[relation](total.value, limit):
            where += total.leads
            held.append(
                Claim(
                    measure=total.words,
                    value=total.value,
                    relation=relation,
                    limit=limit,
                    unit=condition.unit,
                    lead=total.leads[0] if len(condition.terms) == 1 and total.leads else "",
                    text=note,
                )
            )
    if len(held) >= condition.at_least:
        return True, held, where, ""
    if len(held) + unknown >= condition.at_least:
        return None, [], [], reason
    return False, [], [], ""


@dataclass(frozen=True, slots=True)
class _Total:
    value: float
    words: str = ""
    leads: tuple[str, ...] = ()
    why: str = ""


def _add_up(terms: tuple[str, ...], number: Lookup, lead: str) -> _Total:
    """Add up the terms; the larger of several leads is named by the lead that it came from."""
    total = 0.0
    words: list[str] = []
    where: list[str] = []
    for term in terms:
        parts = term.split()
        extreme = parts[0] if parts[0] in ("max", "min") else ""
        measure, *leads = parts[1:] if extreme else parts
        values = []
        for name in leads or [lead]:
            value, why = number(measure, name)
            if why:
                return _Total(math.nan, why=why)
            values.append((value, name))
        value, name = (min if extreme == "min" else max)(values, key=lambda v: v[0])
        total += value
        words.append(measure if len(terms) == 1 else f"{measure} {name}".strip())
        where += [name] if name else []
    return _Total(total, " + ".join(words), tuple(where))


@cache
def list_criteria() -> tuple[Criterion, ...]:
    """Return every criterion that is data, in the order in which they are judged.

    Raises
    ------
    FormatError
        If an entry of the table is incomplete.

    Examples
    --------
    >>> [c.statement for c in list_criteria() if c.name == "sokolow-lyon"]
    ['VCLVH']
    """
    text = files("precordia.knowledge").joinpath("criteria.toml").read_text("utf-8")
    sources = list_references()
    return tuple(_criterion(row, sources) for row in tomllib.loads(text)["criterion"])


def find_criterion(name: str) -> Criterion:
    """Return one criterion by its name.

    Raises
    ------
    UnknownNameError
        If there is none of that name.

    Examples
    --------
    >>> find_criterion("cornell").conditions[0].unit
    'mV'
    """
    for criterion in list_criteria():
        if criterion.name == name:
            return criterion
    names = [c.name for c in list_criteria()]
    raise unknown_name("criterion", name, names, listing="list_criteria()")


def _criterion(row: dict[str, Any], sources: dict[str, str]) -> Criterion:
    try:
        return Criterion(
            name=row["name"],
            statement=row["statement"],
            words=row["words"],
            conditions=tuple(_condition(c) for c in row["all"]),
            not_with=tuple(row.get("not_with", ())),
            reference=sources[row["reference"]],
            departure=row.get("departure", ""),
        )
    except KeyError as error:
        raise FormatError(
            f"criterion {row.get('name', '?')} has no {error}; name, statement, words, all and a "
            "known reference are needed. Complete criteria.toml."
        ) from error


def _condition(row: dict[str, Any]) -> Condition:
    if row["relation"] not in _RELATIONS:
        raise FormatError(
            f"relation '{row['relation']}' arrived; one of {', '.join(_RELATIONS)} is needed. "
            "Correct criteria.toml."
        )
    limit = row["limit"]
    limits = limit if isinstance(limit, list) else [{"value": limit}]
    leads = tuple(row.get("leads", ()))
    return Condition(
        terms=tuple(row["sum"]) if "sum" in row else (row["measure"],),
        relation=row["relation"],
        limits=tuple(Limit(**{k: _number(v) for k, v in x.items()}) for x in limits),
        unit=row.get("unit", ""),
        leads=leads,
        at_least=int(row.get("at_least", max(1, len(leads)))),
    )


def _number(value: object) -> Any:
    return float(value) if isinstance(value, int) else value
