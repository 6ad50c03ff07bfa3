# SPDX-License-Identifier: Apache-2.0
"""Moments as HL7 version 3 writes them: digits from the year on, as far as they are known."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone

_MOMENT = re.compile(
    r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?(?:\.(\d{1,9})\d*)?([+-]\d{2,4})?$", re.ASCII
)


def parse_moment(text: str | None) -> datetime | None:
    """Return a moment that is known to the minute at least; None for anything else.

    Examples
    --------
    >>> parse_moment("20021122091000.500+0100").isoformat()
    '2002-11-22T09:10:00.500000+01:00'
    >>> parse_moment("20021122") is None
    True
    """
    found = _MOMENT.match((text or "").strip())
    if found is None:
        return None
    *whole, seconds, fraction, offset = found.groups()
    try:
        moment = datetime(*map(int, whole), int(seconds or 0))
        if fraction:
            moment += timedelta(microseconds=round(int(fraction.ljust(9, "0")) / 1000))
        if offset:
            shift = int(offset[1:3]) * 60 + int(offset[3:] or 0)
            shift = -shift if offset[0] == "-" else shift
            moment = moment.replace(tzinfo=timezone(timedelta(minutes=shift)))
    except (ValueError, OverflowError):
        return None
    return moment


def parse_day(text: str | None) -> date | None:
    """Return the day that a moment begins with; None where it is unknown.

    Examples
    --------
    >>> parse_day("19530508")
    datetime.date(1953, 5, 8)
    """
    try:
        return datetime.strptime((text or "").strip()[:8], "%Y%m%d").date()
    except ValueError:
        return None


def spell_moment(moment: datetime) -> str:
    """Return a moment as HL7 writes it, to the millisecond or as exactly as it is known.

    Examples
    --------
    >>> spell_moment(datetime(2002, 11, 22, 9, 10))
    '20021122091000.000'
    """
    # strftime does not fill years before 1000 with zeros everywhere
    text = f"{moment.year:04d}{moment:%m%d%H%M%S}.{moment.microsecond:06d}"
    if text.endswith("000"):
        text = text[:-3]
    offset = moment.utcoffset()
    if offset is None:
        return text
    minutes = round(offset.total_seconds() / 60)
    return f"{text}{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"


def seconds_between(first: datetime, second: datetime) -> float | None:
    """Return the seconds from one moment to another; None where only one knows its time zone."""
    if (first.tzinfo is None) != (second.tzinfo is None):
        return None
    return (second - first).total_seconds()
