# SPDX-License-Identifier: Apache-2.0
"""Names of measurements as words, for people: ``heart_rate_bpm`` is the heart rate, in bpm."""

from __future__ import annotations

import re

#: ending of a name, and the unit that it stands for
_UNITS = {
    "_mv_per_s": "mV/s",
    "_mv_ms": "mV ms",
    "_percent": "%",
    "_ms2": "ms²",
    "_bpm": "bpm",
    "_deg": "°",
    "_ms": "ms",
    "_mv": "mV",
}
#: where the name without its unit does not say it
_WORDS = {
    "p_wave": "beats with a P wave",
    "fibrillation": "time in fibrillation",
    "pr": "PR interval",
    "qt": "QT interval",
    "jt": "JT interval",
    "qtc_wide": "QTc less the excess of a wide QRS",
    "qtc_bazett": "QTc (Bazett)",
    "qtc_fridericia": "QTc (Fridericia)",
    "qtc_framingham": "QTc (Framingham)",
    "qtc_hodges": "QTc (Hodges)",
    "rr_max": "longest RR interval",
    "rr_min": "shortest RR interval",
    "rr_mean": "mean RR interval",
    "rr_median": "median RR interval",
    "rr_irregularity": "irregularity of RR",
    "r_to_s": "R to S ratio",
    "r_height": "R height",
    "s_depth": "S depth",
    "q_depth": "Q depth",
    "t_depth": "depth of inverted T",
    "t_size": "T amplitude",
    "qrs_peak_to_peak": "QRS from peak to peak",
    "p_terminal_force": "P terminal force",
    "p_terminal": "end of P",
    "r_peak_time": "time to the R peak",
    "r_prime": "R'",
    "s_prime": "S'",
    "st_j": "ST at J",
    "longest_ventricular_run": "longest run of ventricular beats",
    "n_blocked_p_waves": "blocked P waves",
    "n_bigeminy_beats": "beats in bigeminy",
    "n_trigeminy_beats": "beats in trigeminy",
}
#: waves have a duration and an amplitude
_WAVES = ("p", "q", "r", "s", "t", "qs", "qrs", "r_prime", "s_prime")
_SIZES = {"ms": "duration", "mV": "amplitude"}
_CAPITALS = re.compile(r"\b(qtc|qrs|qt|qs|pr|rr|nn|st|jt|p|q|r|s|t|j)\b")
_AFTER_J = re.compile(r"st_j(\d+)")


def words_of_measure(measure: str) -> tuple[str, str]:
    """Return the words of a measurement, and its unit where the name tells it.

    Parameters
    ----------
    measure
        Name of a number, such as ``"qrs_ms"``. What is in words already is returned as it is.

    Returns
    -------
    Words and unit; the unit is empty where there is none.

    Examples
    --------
    >>> words_of_measure("heart_rate_bpm"), words_of_measure("qrs_ms")
    (('heart rate', 'bpm'), ('QRS duration', 'ms'))
    >>> words_of_measure("st_j60_mv"), words_of_measure("rate in runs")
    (('ST 60 ms after J', 'mV'), ('rate in runs', ''))
    """
    if " " in measure or not measure:
        return measure, ""
    ending = next((e for e in _UNITS if measure.endswith(e) and measure != e), "")
    name, unit = measure.removesuffix(ending) if ending else measure, _UNITS.get(ending, "")
    if (after := _AFTER_J.fullmatch(name)) is not None:
        return f"ST {after[1]} ms after J", unit
    words = _WORDS.get(name)
    if words is None:
        words = _CAPITALS.sub(lambda m: m[1].upper(), name.removeprefix("n_").replace("_", " "))
        words = words.replace("QTC", "QTc")
    if name in _WAVES and unit in _SIZES:
        words = f"{words} {_SIZES[unit]}"
    return words, unit
