# SPDX-License-Identifier: Apache-2.0
"""When a WFDB record begins: the time and date of its record line, in the orders found."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time

_TIME = re.compile(r"(?:(?:(\d{1,2}):)?(\d{1,2}):)?(\d{1,2})(\.\d*)?$")
_DAY_FIRST = re.compile(r"(\d{1,2})([/.-])(\d{1,2}|[A-Za-z]{3,9})[/.-](\d{4})$")
_YEAR_FIRST = re.compile(r"(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})$")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def parse_start_time(
    tokens: Sequence[str],
) -> tuple[datetime | None, str, tuple[tuple[str, str], ...]]:
    """Read the words behind the length of a record line.

    Parameters
    ----------
    tokens
        Such as ``["12:33:59", "12/05/2020"]``.

    Returns
    -------
    The start (None without both date and time), the time of day as text, and a repair (code and
    sentence) where the words are not as the standard has them.

    Notes
    -----
    The standard has HH:MM:SS DD/MM/YYYY. Also read, with a repair: the date first,
    ``12-May-2020``, ``2014-05-08``, ``12.05.2020``. A number between two others is always the
    month, the day before it unless the year comes first.

    Examples
    --------
    >>> parse_start_time(["2014-05-08", "05:05:15"])[0]
    datetime.datetime(2014, 5, 8, 5, 5, 15)
    """
    if not tokens:
        return None, "", ()
    clock = day = None
    regular = len(tokens) < 3
    for place, token in enumerate(tokens[:3]):
        if clock is None and (parsed := _clock(token)) is not None:
            clock = parsed
            regular &= place == 0
        elif day is None and (dated := _day(token)) is not None:
            day, usual = dated
            regular &= usual and place == 1
        else:
            regular = False
    start = datetime.combine(day, clock) if clock is not None and day is not None else None
    repairs: tuple[tuple[str, str], ...] = ()
    if not regular:
        text = "read as the start time" if start is not None else "left out of the start time"
        repairs = ((
            "header-date",
            f"The date and time of the header are not written as WFDB has them "
            f"(HH:MM:SS DD/MM/YYYY); they were {text}.",
        ),)  # fmt: skip
    return start, clock.isoformat() if clock is not None else "", repairs


def _clock(token: str) -> time | None:
    found = _TIME.match(token)
    if found is None:
        return None
    micro = round(float("0" + found[4]) * 1e6) if found[4] and len(found[4]) > 1 else 0
    try:
        return time(int(found[1] or 0), int(found[2] or 0), int(found[3]), min(micro, 999_999))
    except ValueError:
        return None


def _day(token: str) -> tuple[date, bool] | None:
    found = _DAY_FIRST.match(token)
    try:
        if found is not None:
            day, cut, month, year = found.groups()
            if month.isdecimal():
                return date(int(year), int(month), int(day)), cut == "/"
            return date(int(year), _MONTHS.index(month[:3].lower()) + 1, int(day)), False
        found = _YEAR_FIRST.match(token)
        if found is not None:
            return date(int(found[1]), int(found[2]), int(found[3])), False
    except ValueError:
        return None
    return None
