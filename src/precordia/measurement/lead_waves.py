# SPDX-License-Identifier: Apache-2.0
"""All amplitudes, durations and ST levels of all leads, from the median beat."""

from math import isfinite, nan

import numpy as np

from precordia.core.measurements import Absence, LeadMeasurements
from precordia.measurement.amplitudes import measure_p, measure_qrs, measure_t
from precordia.measurement.median_beat import AlignedBeats
from precordia.measurement.st_segment import AFTER_J_MS, isoelectric_level, measure_st

_ST_NAMES = tuple(f"st_j{ms}_mv" if ms else "st_j_mv" for ms in AFTER_J_MS)
_NAMES = tuple(name for name in LeadMeasurements.__dataclass_fields__ if name != "absent")


def _group(name: str) -> str:
    first = name.split("_")[0]
    return first if first in ("p", "t", "st", "noise") else "qrs"


_FIELDS = tuple((name, _group(name), "_mv" in name) for name in _NAMES)


def measure_leads(
    aligned: AlignedBeats,
    *,
    with_p: bool,
    normalised: bool = False,
) -> dict[str, LeadMeasurements]:
    """Measure every lead of a median beat.

    Parameters
    ----------
    aligned
        The median beat with the positions in each lead.
    with_p
        Whether enough beats have a P wave; if not, none is measured.
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
    >>> lead = measure_leads(aligned, with_p=False)["II"]
    >>> str(lead.absent["r_mv"])
    'lead off or flat'
    """
    median, fs = aligned.median, aligned.median.fs
    own = aligned.lead_positions
    on, off = median.qrs_onset, median.qrs_offset
    st = measure_st(median.signal, on, off, fs)
    level = isoelectric_level(median.signal, on, fs) if isfinite(on) else None
    dead = _dead(median.signal)
    positions = {name: at.tolist() for name, at in own.items()}
    st_slope = ((st[:, -1] - st[:, 0]) / (AFTER_J_MS[-1] / 1000.0)).tolist()
    st, spread = st.tolist(), aligned.spread.tolist()
    traces = median.signal.astype(float)
    if level is not None:
        traces = traces - np.where(np.isfinite(level), level, 0.0)[:, None]
    out = {}
    for row, name in enumerate(median.leads):
        if dead[row]:
            out[name] = LeadMeasurements(absent=dict.fromkeys(_NAMES, Absence.LEAD_OFF))
            continue
        trace = traces[row]
        a, b = _own_or(positions, "qrs", row, on, off)
        numbers = measure_qrs(trace, a, b, fs)
        numbers["qrs_ms"] = (b - a) * 1000.0 / fs
        if with_p:
            p_on, p_off = positions["p_onset"][row], positions["p_offset"][row]
            numbers.update(measure_p(trace, p_on, p_off, a, fs))
        c, d = _own_or(positions, "t", row, median.t_onset, median.t_offset)
        numbers.update(measure_t(trace, c, d, fs))
        numbers.update(zip(_ST_NAMES, st[row], strict=True))
        numbers["st_slope_mv_per_s"] = st_slope[row]
        numbers["noise_mv"] = spread[row]
        out[name] = _with_reasons(numbers, with_p, normalised)
    return out


def _dead(trace: np.ndarray) -> np.ndarray:
    """Tell which leads hold no change of potential (less than 0.01 uV)."""
    if not trace.shape[1]:
        return np.ones(trace.shape[0], dtype=bool)
    span = np.fmax.reduce(trace, axis=1) - np.fmin.reduce(trace, axis=1)
    return ~(span > 1e-5)


def _own_or(
    own: dict[str, list[float]], wave: str, row: int, onset: float, offset: float
) -> tuple[float, float]:
    a, b = own[f"{wave}_onset"][row], own[f"{wave}_offset"][row]
    if isfinite(a) and isfinite(b) and b > a:
        return a, b
    return onset, offset


def _with_reasons(numbers: dict[str, float], with_p: bool, normalised: bool) -> LeadMeasurements:
    no_p = Absence.NO_WAVE if with_p else Absence.NO_P_WAVE
    no_t = Absence.NO_WAVE if isfinite(numbers["t_area_mv_ms"]) else Absence.NO_T_WAVE
    no_qrs = Absence.NO_WAVE if isfinite(numbers["qrs_ms"]) else Absence.NO_BOUND
    by_group = {"p": no_p, "t": no_t, "qrs": no_qrs, "st": Absence.NO_BOUND}
    by_group["noise"] = Absence.TOO_FEW_BEATS
    absent: dict[str, Absence] = {}
    kept: dict[str, float] = {}
    for name, group, in_mv in _FIELDS:
        value = numbers.get(name, nan)
        if normalised and in_mv:
            absent[name] = Absence.NOT_MILLIVOLTS
        elif isfinite(value):
            kept[name] = float(value)
        else:
            absent[name] = by_group[group]
    return LeadMeasurements(**kept, absent=absent)
