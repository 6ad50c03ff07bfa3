# SPDX-License-Identifier: Apache-2.0
"""Of what a number in a sentence is one, and how it is said to lie to the measured one."""

from __future__ import annotations

from precordia.core.claims import PROBABILITY
from precordia.language.number_check import BY_STATEMENT, BY_UNIT, RELATIONS, fits_unit
from precordia.language.polarity import UnclearError
from precordia.language.said_numbers import SaidNumber
from precordia.language.sentence_marks import Mark

#: before a number these speak of its limits
BARE_NORMAL = frozenset({"normal", "normale", "normaler", "normales", "normalen"})


def is_quiet(mark: Mark) -> bool:
    """Tell whether a mark parts nothing: a word without meaning of its own, or a colon."""
    return mark.kind == "plain" or (mark.kind == "stop" and mark.said == ":")


def relation_of(marks: list[Mark], place: int) -> tuple[str, str]:
    """Return how a number is said to lie to the measured one, and what it is spoken of as.

    Parameters
    ----------
    marks, place
        Of the sentence, and which of them is the number.

    Returns
    -------
    ``">"``, ``"<"``, ``">="``, ``"<="`` or nothing; and ``"value"``, ``"limit"`` ("normal below
    110 ms"), or ``"met limit"``: a limit that the number is said to meet ("below the limit of 110
    ms", "96 ms (< 110 ms)").
    """
    relation, kind = "", "value"
    for mark in reversed(marks[:place]):
        if mark.kind in RELATIONS and not relation:
            relation = RELATIONS[mark.kind]
            if kind == "limit":
                return relation, "met limit"
        elif mark.kind == "norm" or (mark.kind == "within" and marks[place].kind == "range"):
            kind = "limit"
        elif not is_quiet(mark) and mark.kind not in ("not", "verb"):
            break
    signs = [m.said for m in marks[:place] if m.kind == "stop"]
    bracketed = signs.count("(") + signs.count("[") > signs.count(")") + signs.count("]")
    if relation and bracketed and kind == "value":
        return relation, "met limit"
    return relation, kind


def measure_of(
    marks: list[Mark], place: int, said: SaidNumber, taken: set[int]
) -> tuple[str, set[int]]:
    """Return of what a number is one, and the place of the word that says so.

    Parameters
    ----------
    marks, place
        Of the sentence, and which of them is the number.
    said
        The number.
    taken
        Places of names that have their number already.

    Returns
    -------
    Name of the measure; the place of its name, empty where the unit or a statement tells it.

    Raises
    ------
    UnclearError
        If it is not said.
    """
    measures = [m for m in marks if m.kind == "measure" and fits_unit(m.value, said.unit)]
    start = marks[place].start
    before = [m for m in measures if m.start < start]
    after = _next_measure(marks, place, measures)
    chosen = before[-1] if before else None
    if after is not None and (
        chosen is None or (chosen.start in taken and after.start not in taken)
    ):
        chosen = after
    if chosen is not None and chosen.value == "probability":
        return _probability(marks, place), {chosen.start}
    if chosen is not None:
        return chosen.value, {chosen.start}
    if said.unit in BY_UNIT:
        return BY_UNIT[said.unit], set()
    in_seconds = said.unit == "ms" and said.factor == 1000.0
    if in_seconds and not any(m.kind in ("measure", "statement") for m in marks):
        return "record:duration_s", set()
    codes = {c for m in marks if m.kind == "statement" for x in m.value for c in x.statements}
    for measure, named in BY_STATEMENT.get(said.unit, {}).items():
        if codes & set(named):
            return measure, set()
    raise UnclearError(f"what '{marks[place].said}' is a number of is not said")


def _next_measure(marks: list[Mark], place: int, measures: list[Mark]) -> Mark | None:
    """Return what is named right after a number: "a 166 ms PR interval"."""
    for mark in marks[place + 1 :]:
        if mark in measures:
            return mark
        if mark.kind not in ("plain", "verb"):
            return None
    return None


def _probability(marks: list[Mark], place: int) -> str:
    statements = [m for m in marks if m.kind == "statement"]
    start = marks[place].start
    before = [m for m in statements if m.start < start]
    if not statements or len(statements) > 1:
        raise UnclearError("of what a probability is said is not clear")
    match = (before or statements)[-1].value[0]
    if len(match.statements) != 1:
        raise UnclearError(f"'{match.said}' stands for several statements")
    return f"{PROBABILITY}{match.statements[0]}"


def signed_level(marks: list[Mark], said: SaidNumber) -> SaidNumber:
    """Return the level of a depression, whose depth is said without a sign.

    Raises
    ------
    UnclearError
        If neither a depression nor an elevation is named.
    """
    codes = {c for m in marks if m.kind == "statement" for x in m.value for c in x.statements}
    if codes == {"STD_"}:
        return SaidNumber(-said.value, said.unit, said.step, True, said.factor)
    if codes == {"STE_"}:
        return said
    raise UnclearError("whether the ST segment is raised or lowered is not clear")
