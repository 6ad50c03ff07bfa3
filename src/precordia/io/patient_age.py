# SPDX-License-Identifier: Apache-2.0
"""The age of a patient, from a number with a unit or from the day of birth."""

from __future__ import annotations

import math
from datetime import date

_PER_YEAR = {"y": 1.0, "m": 12.0, "w": 365.2425 / 7, "d": 365.2425, "h": 365.2425 * 24}
#: nobody is this old
_OLDEST = 130


def age_of(number: float, unit: str = "") -> float:
    """Return an age in years; NaN where it makes no sense or the unit is unknown.

    Examples
    --------
    >>> age_of(18, "MONTHS"), age_of(62), age_of(300, "YEARS")
    (1.5, 62.0, nan)
    """
    per_year = _PER_YEAR.get(unit.strip().lower()[:1] or "y", math.nan)
    years = number / per_year
    return years if 0 <= years < _OLDEST else math.nan


def age_on(day: date | None, born: date | None) -> float:
    """Return the age in completed years on a day; NaN where a date is missing or contradicts.

    Examples
    --------
    >>> age_on(date(2010, 1, 19), date(1950, 1, 20))
    59.0
    """
    if day is None or born is None:
        return math.nan
    years = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    return float(years) if 0 <= years < _OLDEST else math.nan
