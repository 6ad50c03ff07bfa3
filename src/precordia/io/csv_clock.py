# SPDX-License-Identifier: Apache-2.0
"""The sampling rate of a table: from its time column, from what it says, or from the user."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int

from precordia.core.errors import SamplingRateError
from precordia.core.record import Remark

_SECONDS = {"s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3, "msec": 1e-3,
            "millisecond": 1e-3, "milliseconds": 1e-3, "us": 1e-6, "µs": 1e-6, "\u03bcs": 1e-6,
            "min": 60.0, "hh:mm:ss.mmm": 1.0}  # fmt: skip
#: a rate that some ECG recorder has
_LOWEST_HZ, _HIGHEST_HZ = 50.0, 5_000.0
_LARGEST_STRETCH = 16


def seconds_per_unit(unit: str) -> float | None:
    """Return the seconds in a unit of time; None where it is none.

    Examples
    --------
    >>> seconds_per_unit("ms")
    0.001
    """
    return _SECONDS.get(unit.strip().lower())


def seconds_of_clock(text: str) -> float:
    """Return the seconds of a time such as ``"0:01.250"``; NaN where it is none.

    Examples
    --------
    >>> seconds_of_clock("1:02:03.5")
    3723.5
    """
    found = re.search(
        r"(?:(\d+):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,12}))?"
        r"(?:Z|[+-]\d\d:?\d\d)?\]?$",
        text.strip(),
    )
    if found is None:
        return math.nan
    hours, minutes, seconds, fraction = found.groups()
    part = int(fraction) / 10 ** len(fraction) if fraction else 0.0
    days = re.match(r"\[?(\d{4})-(\d\d)-(\d\d)", text.strip())
    whole = 0
    if days:
        try:
            whole = int(np.datetime64("-".join(days.groups())).astype(int)) * 86400
        except ValueError:
            return math.nan
    return whole + int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + part


def stated_rate(meta: Mapping[str, str]) -> float | None:
    """Return the sampling rate that the remarks above a table state, Hz; None where they do not.

    Examples
    --------
    >>> stated_rate({"sampling rate (hz)": "1000.00"}), stated_rate({"sample rate": "512 hertz"})
    (1000.0, 512.0)
    """
    for key, value in meta.items():
        plain = re.sub(r"[^a-z]", "", key)
        if plain in ("fs", "fshz", "rate", "frequency") or re.match(
            r"sampl(e|ing)(rate|frequency|freq)(hz)?$", plain
        ):
            number = r"([\d.]+(?:e[-+]?\d+)?)\s*(k?)(?:hz|hertz|/s|sps)?\b"
            found = re.match(number, value.lower())
            try:
                rate = float(found.group(1)) * (1000 if found.group(2) else 1) if found else 0.0
            except ValueError:
                continue
            if 0 < rate < math.inf:
                return rate
    return None


def rate_of_times(
    times: Float[np.ndarray, " sample"],
    unit: str,
    *,
    name: str,
    remarks: list[Remark],
) -> tuple[float, Int[np.ndarray, " sample"] | None]:
    """Return the sampling rate of a time column, and the place of every row where some are absent.

    Parameters
    ----------
    times
        The column.
    unit
        Its unit; empty where the header does not say.
    name
        Name of the file, for messages.
    remarks
        Receives what was assumed.

    Returns
    -------
    The rate in Hz; the sample index of each row, or None where the rows follow one another.

    Raises
    ------
    SamplingRateError
        If times are missing, do not ascend or are irregular, or their unit cannot be told.
    """
    steps = np.diff(times)
    if times.size < 2 or not np.isfinite(times).all() or not (steps > 0).all():
        raise SamplingRateError(
            f"'{name}' has a time column with missing or not ascending times, which gives no "
            "sampling rate. Correct it, or give the rate with fs=."
        )
    step = float(np.median(steps))
    factor = seconds_per_unit(unit) if unit else None
    if factor is None:
        fitting = [
            (label, f)
            for label, f in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6))
            if _LOWEST_HZ <= 1 / (step * f) <= _HIGHEST_HZ
        ]
        if len(fitting) != 1:
            raise SamplingRateError(
                f"'{name}' has a time column with steps of {step:g} and no unit. Write the unit in "
                "its header, such as 'time (s)', or give the sampling rate with fs=."
            )
        label, factor = fitting[0]
        remarks.append(
            Remark(
                code="time-unit-assumed",
                text=f"The time column has no unit; its steps of {step:g} can only be {label}.",
            )
        )
    span = float(times[-1] - times[0])
    even = np.abs(times - times[0] - np.arange(times.size) * (span / (times.size - 1)))
    if even.max() <= 0.75 * step:
        fs = (times.size - 1) / (span * factor)
        # Times are rounded to their last digit: the rate is known to that over the whole length.
        digit = _last_digit(times)
        return _nearest_whole(fs, fs * 2 * digit / span if span else 0.0), None
    fs = _nearest_whole(1 / (step * factor), 0.02 / (step * factor))
    places = np.rint((times - times[0]) * factor * fs).astype(np.int64)
    off = np.abs((times - times[0]) * factor * fs - places)
    if (np.diff(places) < 1).any() or off.max() > 0.25:
        raise SamplingRateError(
            f"'{name}' has irregular times (steps of {steps.min():g} to {steps.max():g}); one "
            "sampling rate was needed. Resample it, or give the rate with fs= to trust the rows."
        )
    if places[-1] > _LARGEST_STRETCH * times.size:
        raise SamplingRateError(
            f"'{name}' has {times.size} rows over a time of {places[-1] + 1} samples. It seems to "
            "be many recordings in one table: split it, or give the rate with fs=."
        )
    remarks.append(
        Remark(
            code="gaps",
            text=f"{places[-1] + 1 - times.size} samples are absent from the time column; NaN "
            "there.",
        )
    )
    return fs, places


def _last_digit(times: np.ndarray) -> float:
    """Return the value of the last decimal that the first few times use."""
    for digits in range(10):
        if np.allclose(times[:200], np.round(times[:200], digits), rtol=0, atol=1e-12):
            return 10.0**-digits
    return 1e-10


def _nearest_whole(fs: float, tolerance: float) -> float:
    whole = round(fs)
    return float(whole) if whole > 0 and abs(fs - whole) <= max(tolerance, 1e-9 * fs) else fs
