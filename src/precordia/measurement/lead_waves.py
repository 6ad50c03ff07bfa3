# SPDX-License-Identifier: Apache-2.0
"""All amplitudes, durations and ST levels of all leads, from the median beat."""

import numpy as np
from jaxtyping import Float

from precordia.core.measurements import Absence, LeadMeasurements
from precordia.measurement.amplitudes import measure_p, measure_qrs, measure_t
from precordia.measurement.median_beat import AlignedBeats
from precordia.measurement.st_segment import AFTER_J_MS, isoelectric_level, measure_st

_ST_NAMES = tuple(f"st_j{ms}_mv" if ms else "st_j_mv" for ms in AFTER_J_MS)
_MV = "_mv _mv_ms _mv_per_s".split()
_FIELDS = tuple(n for n in LeadMeasurements.__dataclass_fields__ if n != "absent")


def measure_leads(
    signal: Float[np.ndarray, "lead sample"],
    leads: tuple[str, ...],
    aligned: AlignedBeats,
    p_wave_percent: float,
    *,
    normalised: bool = False,
) -> dict[str, LeadMeasurements]:
    """Measure every lead of a median beat.

    Parameters
    ----------
    signal
        The record that the median beat was made from, mV; tells leads that are off.
    leads
        Name of each row.
    aligned
        The median beat with the positions in each lead.
    p_wave_percent
        Share of the beats with a P wave, percent; below 50 no P wave is measured.
    normalised
        Whether the signal has lost its millivolts; amplitudes are absent then.

    Returns
    -------
    dict[str, LeadMeasurements]
        One per lead, with reasons for what is absent.

    Notes
    -----
    A lead's own QRS, P and T bounds are used where they were found, else the global ones for
    QRS and T; a P wave that was not found in a lead is absent there. ST uses the global bounds.
    Noise is 1.48 times the median absolute deviation of the single beats about the median beat.

    Examples
    --------
    >>> from precordia.core.measurements import MedianBeat
    >>> median = MedianBeat(signal=np.zeros((1, 300)), fs=500, leads=("II",), n_beats=1)
    >>> none = {name: np.array([np.nan]) for name in ("p_onset", "p_offset", "qrs_onset",
    ...     "qrs_offset", "t_onset", "t_offset")}
    >>> aligned = AlignedBeats(median=median, lead_positions=none, spread=np.array([np.nan]),
    ...     rows=np.array([0]))
    >>> lead = measure_leads(np.zeros((1, 5000)), ("II",), aligned, 0.0)["II"]
    >>> str(lead.absent["r_mv"])
    'lead off or flat'
    """
    median, fs = aligned.median, aligned.median.fs
    own = aligned.lead_positions
    on, off = median.qrs_onset, median.qrs_offset
    st = measure_st(median.signal, on, off, fs)
    level = isoelectric_level(median.signal, on, fs) if np.isfinite(on) else None
    dead = _dead(signal)
    out = {}
    for row, name in enumerate(leads):
        if dead[row]:
            out[name] = LeadMeasurements(absent=dict.fromkeys(_FIELDS, Absence.LEAD_OFF))
            continue
        trace = median.signal[row]
        if level is not None and np.isfinite(level[row]):
            trace = trace - level[row]
        a, b = _own_or(own, "qrs", row, on, off)
        numbers = measure_qrs(trace, a, b, fs)
        numbers["qrs_ms"] = (b - a) * 1000.0 / fs
        if p_wave_percent >= 50:
            p_on, p_off = own["p_onset"][row], own["p_offset"][row]
            numbers.update(measure_p(trace, p_on, p_off, a, fs))
        c, d = _own_or(own, "t", row, median.t_onset, median.t_offset)
        numbers.update(measure_t(trace, c, d, fs))
        numbers.update(zip(_ST_NAMES, st[row].tolist(), strict=True))
        numbers["st_slope_mv_per_s"] = (st[row, -1] - st[row, 0]) / (AFTER_J_MS[-1] / 1000.0)
        numbers["noise_mv"] = float(aligned.spread[row])
        out[name] = _with_reasons(numbers, p_wave_percent, normalised)
    return out


def _dead(signal: np.ndarray) -> np.ndarray:
    """Leads without any change of potential."""
    if not signal.shape[1]:
        return np.ones(signal.shape[0], dtype=bool)
    with np.errstate(invalid="ignore"):
        span = np.fmax.reduce(signal, axis=1) - np.fmin.reduce(signal, axis=1)
    return ~(span > 0)


def _own_or(
    own: dict[str, np.ndarray], wave: str, row: int, onset: float, offset: float
) -> tuple[float, float]:
    a, b = own[f"{wave}_onset"][row], own[f"{wave}_offset"][row]
    if np.isfinite(a) and np.isfinite(b) and b > a:
        return float(a), float(b)
    return onset, offset


def _with_reasons(
    numbers: dict[str, float], p_wave_percent: float, normalised: bool
) -> LeadMeasurements:
    absent: dict[str, Absence] = {}
    kept: dict[str, float] = {}
    no_qrs = not np.isfinite(numbers["qrs_ms"])
    no_t = not np.isfinite(numbers.get("t_area_mv_ms", np.nan))
    for name in _FIELDS:
        value = float(numbers.get(name, np.nan))
        if normalised and name.endswith(tuple(_MV)):
            absent[name] = Absence.NOT_MILLIVOLTS
        elif np.isfinite(value):
            kept[name] = value
        elif name.startswith("p_"):
            absent[name] = Absence.NO_P_WAVE if p_wave_percent < 50 else Absence.NO_WAVE
        elif name.startswith("t_"):
            absent[name] = Absence.NO_T_WAVE if no_t else Absence.NO_WAVE
        elif name == "noise_mv":
            absent[name] = Absence.TOO_FEW_BEATS
        elif no_qrs or name.startswith("st_"):
            absent[name] = Absence.NO_BOUND
        else:
            absent[name] = Absence.NO_WAVE
    return LeadMeasurements(**kept, absent=absent)
