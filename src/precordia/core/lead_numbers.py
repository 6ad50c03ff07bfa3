# SPDX-License-Identifier: Apache-2.0
"""Numbers by name: those of the record, those of one lead, and those derived from them."""

from __future__ import annotations

import math

from precordia.core.measure_words import words_of_measure
from precordia.core.measurements import Absence, LeadMeasurements, Measurements

#: waves whose absence in a lead that was recorded means a size of zero
_ZERO_WHERE_ABSENT = frozenset(
    ["p_mv", "q_mv", "r_mv", "s_mv", "r_prime_mv", "s_prime_mv", "qs_mv", "q_ms", "r_ms", "s_ms",
     "r_prime_ms", "p_positive_mv", "p_negative_mv", "t_positive_mv", "t_negative_mv", "t_mv",
     "p_terminal_mv_ms"]
)  # fmt: skip
#: derived measures of a lead, and the fields that they come from
DERIVED: dict[str, tuple[str, ...]] = {
    "r_height_mv": ("r_mv", "r_prime_mv"),
    "s_depth_mv": ("s_mv", "s_prime_mv", "qs_mv"),
    "q_depth_mv": ("q_mv",),
    "r_to_s": ("r_height_mv", "s_depth_mv"),
    "p_terminal_force_mv_ms": ("p_terminal_mv_ms",),
    "t_depth_mv": ("t_negative_mv",),
    "t_size_mv": ("t_mv",),
}


def record_number(measurements: Measurements, measure: str) -> tuple[float, str]:
    """Return a number of the whole record, and why it is absent.

    Parameters
    ----------
    measurements
        What was measured.
    measure
        A field of ``Measurements`` that is one number, or ``"qtc_wide_ms"``: QT less 48.5 % of the
        QRS duration, corrected for rate after Fridericia.

    Returns
    -------
    The number and an empty string, or NaN and the reason.

    Examples
    --------
    >>> record_number(Measurements(qrs_ms=96.0), "qrs_ms")
    (96.0, '')
    >>> record_number(Measurements(absent={"pr_ms": Absence.NO_P_WAVE}), "pr_ms")
    (nan, 'PR interval: no P wave')
    """
    if measure == "qtc_wide_ms":
        parts = [record_number(measurements, name) for name in ("qt_ms", "qrs_ms", "rr_mean_ms")]
        for part in parts:
            if part[1]:
                return part
        qt, qrs, rr = (value for value, _ in parts)
        return (qt - 0.485 * qrs) / (rr / 1000.0) ** (1 / 3), ""
    value = float(getattr(measurements, measure))
    if value == value:
        return value, ""
    reason = measurements.absent.get(measure, Absence.NOT_MEASURED)
    return math.nan, f"{words_of_measure(measure)[0]}: {reason}"


def lead_number(numbers: LeadMeasurements, measure: str, lead: str) -> tuple[float, str]:
    """Return a number of one lead, and why it is absent.

    Parameters
    ----------
    numbers
        What was measured in the lead.
    measure
        A field of ``LeadMeasurements``, or one of `DERIVED`. Heights, depths and sizes are never
        negative; a wave that is not there has a size of zero.
    lead
        Name of the lead, for the reason.

    Returns
    -------
    The number and an empty string, or NaN and the reason.

    Examples
    --------
    >>> lead_number(LeadMeasurements(q_mv=-0.1), "q_depth_mv", "III")
    (0.1, '')
    """
    if measure not in DERIVED:
        return _plain(numbers, measure, lead)
    values = []
    for name in DERIVED[measure]:
        value, why = lead_number(numbers, name, lead)
        if why:
            return math.nan, why
        values.append(value)
    if measure == "r_to_s":
        r, s = values
        return (r / s if s > 0 else (math.inf if r > 0 else 0.0)), ""
    if measure == "r_height_mv":
        return max(0.0, *values), ""
    if measure == "t_size_mv":
        return abs(values[0]), ""
    return max(0.0, *(-v for v in values)), ""


def _plain(numbers: LeadMeasurements, measure: str, lead: str) -> tuple[float, str]:
    value = float(getattr(numbers, measure))
    if value == value:
        return value, ""
    reason = numbers.absent.get(measure, Absence.NOT_MEASURED)
    if reason == Absence.NO_WAVE and measure in _ZERO_WHERE_ABSENT:
        return 0.0, ""
    return math.nan, f"{words_of_measure(measure)[0]} in {lead}: {reason}"
