# SPDX-License-Identifier: Apache-2.0
"""Check a number that a sentence says: of which measure it is, and whether that is true."""

from __future__ import annotations

import math

from precordia.core.claims import Claim, Of
from precordia.core.measure_words import words_of_measure
from precordia.language.known_study import OLDEST_TOLD, SEVERAL, KnownStudy
from precordia.language.polarity import UnclearError
from precordia.language.said_numbers import SaidNumber, agrees

#: unit of numbers that a text may say in it, by how their name ends
_ENDINGS = {"ms": "_ms", "mV": "_mv", "bpm": "_bpm", "°": "_deg"}
#: numbers that need no name beside their unit
BY_UNIT = {
    "bpm": "heart_rate_bpm",
    "Hz": "record:fs",
    "years": "patient:age_years",
    "leads": "record:n_leads",
}
#: numbers that the name of a statement stands for
BY_STATEMENT = {
    "ms": {
        "pr_ms": ("1AVB", "LPR"),
        "qtc": ("LNGQT", "SHTQT"),
        "qrs_ms": ("CLBBB", "CRBBB", "ILBBB", "IRBBB", "IVCD"),
    },
    "mV": {"st_j_mv": ("STE_", "STD_")},
    "°": {"qrs_axis_deg": ("LAD", "RAD", "XAD")},
}
#: relation as a claim writes it; and what a "not" makes of it
RELATIONS = {"more": ">", "less": "<", "least": ">=", "most": "<="}
OPPOSITE = {">": "<=", "<": ">=", ">=": "<", "<=": ">"}


def fits_unit(measure: str, unit: str) -> bool:
    """Tell whether a number can be said in a unit; one without unit fits every number.

    Examples
    --------
    >>> fits_unit("qrs_ms", "ms"), fits_unit("qrs_ms", "bpm"), fits_unit("qtc", "ms")
    (True, False, True)
    """
    if measure == "quality:acceptable":
        return False
    if measure == "probability":
        return unit in ("", "%")
    if measure == "record:duration_s":
        return unit == "ms"
    if measure == "record:fs":
        return unit == "Hz"
    measure = SEVERAL.get(measure, (measure,))[0]
    if not unit:
        return True
    if unit == "%":
        return measure.endswith("_percent")
    ending = _ENDINGS.get(unit)
    return ending is not None and measure.endswith(ending) and not measure.endswith("mv_ms")


def number_claims(
    measure: str,
    said: SaidNumber,
    known: KnownStudy,
    *,
    relation: str = "",
    spoken_of: str = "value",
    lead: str = "",
    of: Of = "study",
) -> tuple[Claim, ...]:
    """Return the true claims that a number of a text makes.

    Parameters
    ----------
    measure
        What it is a number of.
    said
        The number.
    known
        The study.
    relation
        ``">"``, ``"<"``, ``">="``, ``"<="``, or empty where the number itself is claimed.
    spoken_of
        ``"value"``; ``"limit"``, which must be one that is used here; or ``"met limit"``, which the
        number must meet besides.
    lead, of
        Of which lead and recording.

    Returns
    -------
    Claims that hold.

    Raises
    ------
    UnclearError
        If the number is another, or cannot be told.
    """
    if spoken_of == "limit":
        return _limit(measure, said, known, relation)
    if measure == "patient:age_years" and relation == ">" and said.value == OLDEST_TOLD:
        return _true(Claim(measure=measure, relation=relation, limit=OLDEST_TOLD), known)
    for name in SEVERAL.get(measure, (measure,)):
        value = known.number(name, lead, of)
        measured = _in_unit_said(name, value, said)
        if math.isnan(measured):
            continue
        claim = Claim(measure=name, value=value, unit=_unit(name), lead=lead, of=of)
        if spoken_of == "met limit" and not _is_used(name, said, known):
            continue
        if relation:
            limit = said.value * (value / measured if measured else 1.0)
            claim = Claim(
                measure=name, value=value, relation=relation, limit=limit, unit=_unit(name),
                lead=lead, of=of,
            )  # fmt: skip
        elif not agrees(said, measured):
            continue
        if known.holds(claim):
            return (claim,)
    raise UnclearError(f"{_words(measure)} is not {_shown(said, relation)}")


def _true(claim: Claim, known: KnownStudy) -> tuple[Claim, ...]:
    if known.holds(claim):
        return (claim,)
    raise UnclearError(f"{claim} does not hold")


def _in_unit_said(name: str, value: float, said: SaidNumber) -> float:
    """Return a measured number in the unit of the text."""
    if name == "record:duration_s":
        return value * 1000.0
    if name.startswith("probability:") and said.unit == "%":
        return value * 100.0
    return value


def _is_used(name: str, said: SaidNumber, known: KnownStudy) -> bool:
    scale = 0.01 if name.startswith("probability:") and said.unit == "%" else 1.0
    return known.is_limit(name, said.value * scale, said.step * scale)


def _limit(measure: str, said: SaidNumber, known: KnownStudy, relation: str) -> tuple[Claim, ...]:
    """Accept a number that is one of the normal limits; it claims where the value lies to it."""
    for name in SEVERAL.get(measure, (measure,)):
        low, high = known.limits.get(name, (math.nan, math.nan))
        lows = relation in ("", ">", ">=") and math.isclose(said.value, low)
        highs = relation in ("", "<", "<=") and math.isclose(said.value, high)
        value = known.number(name)
        deciding = name not in known.limits and _is_used(name, said, known)
        if (lows or highs or deciding) and not math.isnan(value):
            sign = ">=" if value >= said.value else "<"
            claim = Claim(
                measure=name, value=value, relation=sign, limit=said.value, unit=_unit(name)
            )
            return _true(claim, known)
    raise UnclearError(f"{_shown(said, relation)} is no limit of {_words(measure)} that is used")


def range_claims(
    measure: str,
    low: SaidNumber,
    high: SaidNumber,
    known: KnownStudy,
    *,
    spoken_of: str = "value",
    lead: str = "",
    of: Of = "study",
) -> tuple[Claim, ...]:
    """Return the true claims that a range of numbers makes: the number lies in it, or it is normal.

    Raises
    ------
    UnclearError
        If it does not, or is not.
    """
    if spoken_of != "value":
        below = _limit(measure, low, known, ">=")
        return (*below, *_limit(measure, high, known, "<="))
    if low.value > high.value:
        raise UnclearError("a range ends below where it begins")
    at_least = number_claims(measure, low, known, relation=">=", lead=lead, of=of)
    return (*at_least, *number_claims(measure, high, known, relation="<=", lead=lead, of=of))


def state_claims(
    measure: str, state: str, known: KnownStudy, *, negated: bool, of: Of = "study"
) -> tuple[Claim, ...]:
    """Return the true claims that a word such as "prolonged" or "normal" makes of a number.

    Parameters
    ----------
    measure
        What it is said of.
    state
        ``"above"``, ``"within"`` or ``"below"`` the normal range.
    known, negated, of
        The study, whether it is denied, and of which recording it is said.

    Returns
    -------
    Claims that hold.

    Raises
    ------
    UnclearError
        If it is not so, or the number has no limits that are used here.
    """
    if measure == "qtc":
        measure = next(name for name in SEVERAL[measure])
    if measure not in known.limits:
        raise UnclearError(f"no usual limits of {_words(measure)} are kept")
    low, high = known.limits[measure]
    value = known.number(measure, of=of)
    if math.isnan(value):
        raise UnclearError(f"{_words(measure)} is not known")
    where = "above" if value > high else "below" if value < low else "within"
    if (where == state) == negated:
        raise UnclearError(f"{_words(measure)} lies {where} the normal range")
    relations = {"above": ((">", high),), "below": (("<", low),)}.get(
        where, ((">=", low), ("<=", high))
    )
    return tuple(
        claim
        for sign, limit in relations
        for claim in _true(
            Claim(
                measure=measure, value=value, relation=sign, limit=limit, unit=_unit(measure), of=of
            ),
            known,
        )
    )


def change_claims(
    measure: str, grown: bool, known: KnownStudy, said: SaidNumber | None = None
) -> tuple[Claim, ...]:
    """Return the true claim that a number grew or shrank since the earlier recording.

    Parameters
    ----------
    measure
        Which number.
    grown
        Whether it is said to have grown.
    known
        The study.
    said
        By how much; None where that is not said.

    Returns
    -------
    The claim.

    Raises
    ------
    UnclearError
        If it did not, or nothing earlier is known.
    """
    if known.previous is None:
        raise UnclearError("no earlier recording was given")
    for name in SEVERAL.get(measure, (measure,)):
        change = known.number(name, of="change")
        if math.isnan(change) or (change > 0) != grown or abs(change) < 0.5:
            continue
        if said is not None and not agrees(said, abs(change)):
            continue
        claim = Claim(
            measure=name, value=change, relation=">" if grown else "<", limit=0.0,
            unit=_unit(name), of="change",
        )  # fmt: skip
        if known.holds(claim):
            return (claim,)
    raise UnclearError(f"{_words(measure)} did not change so")


def _unit(measure: str) -> str:
    return next((u for u, ending in _ENDINGS.items() if measure.endswith(ending)), "")


def _words(measure: str) -> str:
    return words_of_measure(measure)[0].replace("qtc", "QTc")


def _shown(said: SaidNumber, relation: str) -> str:
    sign = f"{relation} " if relation else ""
    return f"{sign}{said.value:g} {said.unit}".rstrip()
