# SPDX-License-Identifier: Apache-2.0
"""Why a number of a record is absent."""

from collections.abc import Mapping
from dataclasses import fields
from math import isfinite, nan

from precordia.core.measurements import Absence, Measurements
from precordia.measurement.hrv import (
    HF_SPAN_S,
    LF_SPAN_S,
    LONG_WINDOWS,
    TRIANGULAR_SPAN_S,
    VLF_SPAN_S,
    WINDOW_S,
)

_RR = frozenset(
    ["heart_rate_bpm", "rr_mean_ms", "rr_median_ms", "rr_min_ms", "rr_max_ms", "rr_sd_ms"]
)
_NEEDS_S = {
    "triangular_index": TRIANGULAR_SPAN_S,
    "sdann_ms": LONG_WINDOWS * WINDOW_S,
    "sdnn_index_ms": LONG_WINDOWS * WINDOW_S,
    "hf_ms2": HF_SPAN_S,
    "lf_ms2": LF_SPAN_S,
    "lf_nu": LF_SPAN_S,
    "hf_nu": LF_SPAN_S,
    "lf_hf": LF_SPAN_S,
    "vlf_ms2": VLF_SPAN_S,
    "total_power_ms2": VLF_SPAN_S,
}
_NN = frozenset(["nn_mean_ms", "sdnn_ms", "rmssd_ms", "sdsd_ms", "nn50", "pnn50_percent"])
_P = frozenset(["p_ms", "pr_ms", "pr_sd_ms", "p_axis_deg", "atrial_rate_bpm", "p_wave_percent"])
_AXES = {"p_axis_deg": "p_ms", "qrs_axis_deg": "qrs_ms", "t_axis_deg": "qt_ms"}
_T = frozenset(["qt_ms", "jt_ms", "t_peak_t_end_ms", "t_axis_deg"])
NUMBERS = tuple(f.name for f in fields(Measurements) if f.default != f.default)


def explain_absences(
    numbers: Mapping[str, float],
    *,
    n_beats: int,
    n_normal: int,
    duration_s: float,
    leads: tuple[str, ...],
    normalised: bool = False,
    variability: bool = True,
    signal: bool = True,
) -> dict[str, Absence]:
    """Give the reason for every number that is not there.

    Parameters
    ----------
    numbers
        What was measured; names that are missing count as NaN.
    n_beats, n_normal
        Beats, and normal ones among them.
    duration_s
        Length of the record, s.
    leads
        Leads of the record.
    normalised
        Whether the signal has lost its millivolts.
    variability
        Whether heart-rate variability was asked for.
    signal
        Whether there is a signal and not beat times alone.

    Returns
    -------
    dict[str, Absence]
        One entry per absent number.

    Examples
    --------
    >>> reasons = explain_absences({}, n_beats=1, n_normal=1, duration_s=2.0, leads=("II",))
    >>> str(reasons["heart_rate_bpm"]), str(reasons["qrs_axis_deg"])
    ('needs at least two beats', 'needs leads I and aVF (or II)')
    """
    limb = {"I", "II", "III", "aVR", "aVL", "aVF"} & set(leads)

    def known(name: str) -> bool:
        return isfinite(numbers.get(name, nan))

    absent = {}
    for name in NUMBERS:
        if name == "duration_s" or known(name):
            continue
        if not signal and name not in _RR and name not in _NN and name not in _NEEDS_S:
            reason = Absence.NO_SIGNAL
        elif n_beats == 0:
            reason = Absence.NO_BEATS
        elif name.endswith("_axis_deg") and len(limb) < 2:
            reason = Absence.NO_LIMB_LEADS
        elif name.endswith("_axis_deg") and normalised:
            reason = Absence.NOT_MILLIVOLTS
        elif name in _AXES and known(_AXES[name]):
            reason = Absence.NO_DIRECTION
        elif name in _P:
            few = name in ("pr_sd_ms", "atrial_rate_bpm") and known("pr_ms")
            reason = Absence.TOO_FEW_BEATS if few else Absence.NO_P_WAVE
        elif name in _RR:
            reason = Absence.ONE_BEAT if n_beats < 3 else Absence.NO_TIME
        elif name.startswith("qtc_"):
            reason = Absence.ONE_BEAT if known("qt_ms") else Absence.NO_T_WAVE
        elif name in _T:
            reason = Absence.NO_T_WAVE
        elif name in _NN or name in _NEEDS_S:
            reason = _nn_reason(name, n_normal, duration_s, variability)
        else:
            reason = Absence.NO_BOUND
        absent[name] = reason
    return absent


def _nn_reason(name: str, n_normal: int, duration_s: float, variability: bool) -> Absence:
    if not variability:
        return Absence.NOT_MEASURED
    if duration_s < _NEEDS_S.get(name, 0.0):
        return Absence.TOO_SHORT
    return Absence.NO_NORMAL_BEATS if n_normal == 0 else Absence.TOO_FEW_BEATS
