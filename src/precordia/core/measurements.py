# SPDX-License-Identifier: Apache-2.0
"""Measurements: the numbers that a reader would write down, each with unit or reason."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Literal

import numpy as np
from jaxtyping import Float

from precordia.core.errors import SignalError, unknown_name
from precordia.core.source import Source
from precordia.core.value import Value

NAN = math.nan
QtcFormula = Literal["bazett", "fridericia", "framingham", "hodges"]
QTC_FORMULAS: tuple[QtcFormula, ...] = ("bazett", "fridericia", "framingham", "hodges")


class Absence(StrEnum):
    """Why a number is not there. The value is the phrase that is printed."""

    NO_SIGNAL = "the file holds beat times, no signal"
    NO_BEATS = "no beats were found"
    ONE_BEAT = "needs at least two beats"
    TOO_FEW_BEATS = "too few normal beats"
    TOO_SHORT = "the recording is too short"
    NO_P_WAVE = "no P wave"
    NO_T_WAVE = "no T wave"
    NO_WAVE = "the wave is absent in this lead"
    NO_BOUND = "the onset or offset could not be seen"
    LEAD_OFF = "lead off or flat"
    LEAD_MISSING = "a lead that is needed is missing"
    NOT_MILLIVOLTS = "the signal is normalised, not millivolts"
    NOT_SINUS = "the rhythm makes this number meaningless"
    NO_NORMAL_BEATS = "no normal beats"
    NO_TIME = "the recording holds no such time span"
    NO_LIMB_LEADS = "needs leads I and aVF (or II)"
    NO_DIRECTION = "the wave has no net direction in the frontal plane"
    NOT_MEASURED = "not measured"


class BeatKind(StrEnum):
    """What a beat is, as far as rhythm and shape tell."""

    NORMAL = "normal"
    SUPRAVENTRICULAR = "supraventricular ectopic"
    VENTRICULAR = "ventricular ectopic"
    PACED = "paced"
    UNCLASSIFIED = "unclassified"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadMeasurements(Value):
    """Amplitudes (mV, against the isoelectric level before the QRS) and durations of one lead.

    Amplitudes carry their sign: Q, S and S' are negative. A QRS without any positive deflection is
    ``qs_mv`` (and ``q_mv``); R and S are absent then. ``t_mv`` and ``p_mv`` are the larger of the
    wave's positive and negative part; ``p_terminal_mv_ms`` is the area of P's last part where it is
    negative. ``absent`` gives the reason for every NaN.
    """

    p_mv: float = NAN
    q_mv: float = NAN
    r_mv: float = NAN
    s_mv: float = NAN
    r_prime_mv: float = NAN
    s_prime_mv: float = NAN
    qs_mv: float = NAN
    t_mv: float = NAN
    t_positive_mv: float = NAN
    t_negative_mv: float = NAN
    p_positive_mv: float = NAN
    p_negative_mv: float = NAN
    qrs_peak_to_peak_mv: float = NAN
    qrs_area_mv_ms: float = NAN
    p_area_mv_ms: float = NAN
    p_terminal_mv_ms: float = NAN
    t_area_mv_ms: float = NAN
    p_ms: float = NAN
    q_ms: float = NAN
    r_ms: float = NAN
    s_ms: float = NAN
    r_prime_ms: float = NAN
    qrs_ms: float = NAN
    r_peak_time_ms: float = NAN
    st_j_mv: float = NAN
    st_j20_mv: float = NAN
    st_j40_mv: float = NAN
    st_j60_mv: float = NAN
    st_j80_mv: float = NAN
    st_slope_mv_per_s: float = NAN
    noise_mv: float = NAN
    absent: dict[str, Absence] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatTable(Value):
    """One row per beat (rows with a QRS only).

    Attributes
    ----------
    r_peak
        Sample index of the beat.
    rr_ms
        Interval that precedes the beat; NaN for the first and across gaps.
    kind
        What the beat is.
    prematurity
        Preceding RR as a fraction of the median of its neighbourhood.
    pr_ms, qrs_ms, qt_ms
        Intervals of this beat alone.
    template_correlation
        Correlation of the QRS with the dominant shape of the record.
    """

    r_peak: Float[np.ndarray, " beat"]
    rr_ms: Float[np.ndarray, " beat"]
    kind: tuple[BeatKind, ...]
    prematurity: Float[np.ndarray, " beat"]
    pr_ms: Float[np.ndarray, " beat"]
    qrs_ms: Float[np.ndarray, " beat"]
    qt_ms: Float[np.ndarray, " beat"]
    template_correlation: Float[np.ndarray, " beat"]

    def __post_init__(self) -> None:
        for f in fields(self):
            if f.name != "kind":
                object.__setattr__(self, f.name, np.asarray(getattr(self, f.name), float))
            if len(getattr(self, f.name)) != len(self.kind):
                raise SignalError(f"'{f.name}' needs one entry per beat, {len(self.kind)} of them.")

    def __len__(self) -> int:
        return len(self.kind)

    def count(self, kind: BeatKind) -> int:
        """Return how many beats are of one kind."""
        return self.kind.count(kind)


def empty_beats() -> BeatTable:
    """Return a table without beats."""
    none = np.zeros(0)
    names = [f.name for f in fields(BeatTable) if f.name != "kind"]
    return BeatTable(kind=(), **dict.fromkeys(names, none))


@dataclass(frozen=True, slots=True, kw_only=True)
class MedianBeat(Value):
    """Median of the aligned normal beats, lead by lead.

    Positions are sample indices within the median beat; NaN where the wave is absent.
    """

    signal: Float[np.ndarray, "lead sample"]
    fs: float
    leads: tuple[str, ...]
    n_beats: int = 0
    p_onset: float = NAN
    p_offset: float = NAN
    qrs_onset: float = NAN
    r_peak: float = NAN
    qrs_offset: float = NAN
    t_onset: float = NAN
    t_peak: float = NAN
    t_offset: float = NAN

    _packed = frozenset({"signal"})

    def __post_init__(self) -> None:
        array = np.asarray(self.signal, np.float32)
        if array.ndim != 2 or array.shape[0] != len(self.leads):
            raise SignalError(
                f"a median beat of shape {array.shape} arrived for {len(self.leads)} leads; "
                "(lead, sample) is needed."
            )
        object.__setattr__(self, "signal", array)
        object.__setattr__(self, "fs", float(self.fs))

    def __repr__(self) -> str:
        rows, length = self.signal.shape
        return f"MedianBeat({rows} leads, {1000 * length / self.fs:.0f} ms, {self.n_beats} beats)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements(Value):
    """Everything measured on one record.

    Units are in the names. A number that is absent is NaN, and ``absent`` says why. Durations and
    axes are those of the median of the normal beats (``median``; of the paced or ectopic ones where
    there are no normal ones); single beats are in ``beats``. Heart-rate variability uses the names
    of the Task Force of 1996. Counts of beats and episodes are whole numbers and never absent.

    Examples
    --------
    >>> numbers = Measurements(qrs_ms=91.2, absent={"pr_ms": Absence.NO_P_WAVE})
    >>> numbers.qrs_ms, numbers.pr_ms, str(numbers.absent["pr_ms"])
    (91.2, nan, 'no P wave')
    """

    n_beats: int = 0
    duration_s: float = NAN
    heart_rate_bpm: float = NAN
    atrial_rate_bpm: float = NAN
    rr_mean_ms: float = NAN
    rr_median_ms: float = NAN
    rr_min_ms: float = NAN
    rr_max_ms: float = NAN
    rr_sd_ms: float = NAN
    pr_sd_ms: float = NAN
    p_wave_percent: float = NAN
    p_ms: float = NAN
    pr_ms: float = NAN
    qrs_ms: float = NAN
    qt_ms: float = NAN
    qtc_bazett_ms: float = NAN
    qtc_fridericia_ms: float = NAN
    qtc_framingham_ms: float = NAN
    qtc_hodges_ms: float = NAN
    jt_ms: float = NAN
    t_peak_t_end_ms: float = NAN
    p_axis_deg: float = NAN
    qrs_axis_deg: float = NAN
    t_axis_deg: float = NAN
    n_normal_beats: int = 0
    n_supraventricular_beats: int = 0
    n_ventricular_beats: int = 0
    n_paced_beats: int = 0
    n_ventricular_couplets: int = 0
    n_ventricular_runs: int = 0
    longest_ventricular_run: int = 0
    n_supraventricular_runs: int = 0
    n_bigeminy_beats: int = 0
    n_trigeminy_beats: int = 0
    n_blocked_p_waves: int = 0
    n_pauses: int = 0
    n_nn: int = 0
    nn_mean_ms: float = NAN
    sdnn_ms: float = NAN
    rmssd_ms: float = NAN
    sdsd_ms: float = NAN
    nn50: float = NAN
    pnn50_percent: float = NAN
    triangular_index: float = NAN
    sdann_ms: float = NAN
    sdnn_index_ms: float = NAN
    total_power_ms2: float = NAN
    vlf_ms2: float = NAN
    lf_ms2: float = NAN
    hf_ms2: float = NAN
    lf_nu: float = NAN
    hf_nu: float = NAN
    lf_hf: float = NAN
    leads: dict[str, LeadMeasurements] = field(default_factory=dict)
    beats: BeatTable = field(default_factory=empty_beats)
    median: MedianBeat | None = None
    absent: dict[str, Absence] = field(default_factory=dict)
    source: Source = field(default_factory=Source)

    def qtc_ms(self, formula: QtcFormula = "fridericia") -> float:
        """Return the rate-corrected QT interval of one formula, ms.

        Raises
        ------
        UnknownNameError
            If the formula is not one of the four.
        """
        if formula not in QTC_FORMULAS:
            raise unknown_name("formula", formula, QTC_FORMULAS, listing=", ".join(QTC_FORMULAS))
        return float(getattr(self, f"qtc_{formula}_ms"))

    def __repr__(self) -> str:
        return (
            f"Measurements(heart rate {self.heart_rate_bpm:.0f}/min, PR {self.pr_ms:.0f} ms, "
            f"QRS {self.qrs_ms:.0f} ms, QTc {self.qtc_fridericia_ms:.0f} ms, {self.n_beats} beats "
            f"in {self.duration_s:g} s, {len(self.leads)} leads, {self.source})"
        )

    def __str__(self) -> str:
        shown = [
            ("heart rate", "heart_rate_bpm", "/min"),
            ("PR", "pr_ms", " ms"),
            ("QRS", "qrs_ms", " ms"),
            ("QT", "qt_ms", " ms"),
            ("QTc Fridericia", "qtc_fridericia_ms", " ms"),
            ("P axis", "p_axis_deg", "°"),
            ("QRS axis", "qrs_axis_deg", "°"),
            ("T axis", "t_axis_deg", "°"),
        ]
        if self.absent.get("qrs_ms") is Absence.NO_SIGNAL:
            shown = [
                ("heart rate", "heart_rate_bpm", "/min"),
                ("RR mean", "rr_mean_ms", " ms"),
                ("SDNN", "sdnn_ms", " ms"),
                ("RMSSD", "rmssd_ms", " ms"),
                ("QRS", "qrs_ms", " ms"),
            ]
        lines = []
        for label, name, unit in shown:
            number = getattr(self, name)
            reason = self.absent.get(name, Absence.NOT_MEASURED)
            lines.append(
                f"{label:<15} " + (f"{number:.0f}{unit}" if number == number else f"– ({reason})")
            )
        return "\n".join(lines)
