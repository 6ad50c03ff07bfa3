# SPDX-License-Identifier: Apache-2.0
"""Measure a record: rates, intervals, axes, amplitudes, ST, ectopic beats, variability."""

from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

import numpy as np

from precordia.core.errors import OptionError, SamplingRateError
from precordia.core.fiducials import Fiducials
from precordia.core.measurements import (
    QTC_FORMULAS,
    BeatKind,
    BeatTable,
    LeadMeasurements,
    Measurements,
)
from precordia.core.plausibility import looks_normalised
from precordia.core.record import Record
from precordia.core.source import Source
from precordia.measurement.absences import explain_absences
from precordia.measurement.axis import LEAD_ANGLES_DEG, axis_deg
from precordia.measurement.beat_times import table_of_carried_beats
from precordia.measurement.ectopy import classify_beats
from precordia.measurement.episodes import count_episodes
from precordia.measurement.hrv import hrv_frequency, hrv_time
from precordia.measurement.intervals import INTERVALS, interval_ms
from precordia.measurement.lead_waves import measure_leads
from precordia.measurement.median_beat import AlignedBeats, median_beat
from precordia.measurement.pacing import paced_beats
from precordia.measurement.qtc import qtc
from precordia.measurement.rhythm import atrial_rate_bpm

_NAN = float("nan")
_VERSION = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurementSettings:
    """Choices that a measurement depends on.

    Attributes
    ----------
    min_wave_share
        Share of the beats that must show a P wave before P and PR are measured.
    min_axis_area_mv_ms
        Smallest net area, in the frontal plane, that still has a direction.
    variability
        Whether heart-rate variability is computed.
    visible_qrs
        Whether QRS is measured from where it visibly leaves to where it regains its level on the
        median beat (`precordia.signal.qrs_bounds.refine_qrs_bounds`), starting from the
        fiducials. Experts' marks, and detectors that learned from them, lie some 10 ms outside
        of that. False measures between the fiducials as they are.

    Examples
    --------
    >>> MeasurementSettings().min_wave_share
    0.5
    """

    min_wave_share: float = 0.5
    min_axis_area_mv_ms: float = 0.5
    variability: bool = True
    visible_qrs: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.min_wave_share <= 1:
            raise OptionError(
                f"min_wave_share is {self.min_wave_share:g}; a share above 0 and up to 1 is "
                "needed. Choose 0.5 for half of the beats."
            )


DEFAULTS = MeasurementSettings()


def measure(
    record: Record,
    fiducials: Fiducials | None = None,
    *,
    settings: MeasurementSettings = DEFAULTS,
) -> Measurements:
    """Measure what a reader would write down about a record.

    Works on any leads and any length; what cannot be measured is NaN with a reason in ``absent``.
    A record without leads, read from a file of beat times, has its rate, RR intervals and
    variability measured from the beats that the file states.

    Parameters
    ----------
    record
        The recording.
    fiducials
        Its waves; ``delineate(record)`` by default.
    settings
        Choices.

    Returns
    -------
    Measurements
        Numbers with their units in their names.

    Raises
    ------
    SamplingRateError
        If the fiducials are at another sampling rate than the record.
    OptionError
        If the fiducials belong to a record of another length.

    Notes
    -----
    *Rates*: 60000 over the mean RR of all beats; the atrial rate from the median PP, blocked P
    waves included. *Intervals*: between the positions on the median beat, which ``median_beat``
    takes over beats first and over leads second; the normal beats are used, or those of one kind
    where none is normal. *QTc*: the median QT with the mean RR. *Axes*: net areas
    over the limb leads of the median beat (see ``axis_deg``). *Amplitudes, ST*: on the median
    beat, against the level at the end of the PR segment. *Variability*: only intervals between two
    adjacent normal beats; the others are left out, nothing is interpolated.

    References
    ----------
    IEC 60601-2-25:2011 (definitions of waves). Task Force of the ESC and NASPE. Circulation
    1996;93:1043-1065. doi:10.1161/01.CIR.93.5.1043

    Examples
    --------
    >>> flat = Record(signal=np.zeros((1, 5000)), fs=500, leads=("II",))
    >>> numbers = measure(flat)
    >>> numbers.heart_rate_bpm, str(numbers.absent["heart_rate_bpm"])
    (nan, 'no beats were found')
    """
    if not record.n_leads:
        return _measure_beat_times(record, settings)
    if fiducials is None:
        from precordia.delineation.delineate import delineate

        fiducials = delineate(record)
    _check_match(record, fiducials)
    signal, fs = record.signal, record.fs
    missing = _missing(signal)
    guide = _independent(signal, record.leads)
    paced = paced_beats(guide, fiducials, fs)
    beats = classify_beats(guide, fiducials, missing=missing, paced=paced)
    rows = np.flatnonzero(fiducials.has_qrs)
    chosen_beats = _representative(beats)
    chosen = rows[chosen_beats]
    visible = settings.visible_qrs and not paced[chosen_beats].any()
    aligned = median_beat(signal, record.leads, fiducials, chosen, guide=guide, visible_qrs=visible)
    normalised = looks_normalised(signal)
    numbers: dict[str, Any] = {}
    numbers.update(_rates(beats))
    numbers["atrial_rate_bpm"] = atrial_rate_bpm(fiducials.p_peak, float(fs))
    numbers.update(_intervals(fiducials, chosen, aligned, settings))
    numbers.update(_corrected(numbers))
    numbers.update(count_episodes(beats))
    numbers["n_blocked_p_waves"] = int(
        np.count_nonzero(~fiducials.has_qrs & np.isfinite(fiducials.p_peak))
    )
    leads: dict[str, LeadMeasurements] = {}
    if aligned is not None:
        with_p = numbers["p_wave_percent"] >= 100.0 * settings.min_wave_share
        leads = measure_leads(aligned, with_p=with_p, normalised=normalised)
        numbers.update(_axes(aligned, numbers, normalised, settings))
    if settings.variability:
        numbers.update(_variability(beats, fs))
    absent = explain_absences(
        numbers,
        n_beats=len(beats),
        duration_s=record.duration_s,
        leads=record.leads,
        n_normal=beats.count(BeatKind.NORMAL),
        normalised=normalised,
        variability=settings.variability,
    )
    return Measurements(
        n_beats=len(beats),
        duration_s=record.duration_s,
        leads=leads,
        beats=beats,
        median=aligned.median if aligned is not None else None,
        absent=absent,
        source=Source(method="measure", version=_VERSION, parameters=asdict(settings)),
        **numbers,
    )


def _measure_beat_times(record: Record, settings: MeasurementSettings) -> Measurements:
    """Measure what the times of beats alone tell."""
    beats = table_of_carried_beats(record)
    numbers: dict[str, Any] = {**_rates(beats), **count_episodes(beats)}
    if settings.variability:
        numbers.update(_variability(beats, record.fs))
    absent = explain_absences(
        numbers,
        n_beats=len(beats),
        n_normal=beats.count(BeatKind.NORMAL),
        duration_s=record.duration_s,
        leads=(),
        variability=settings.variability,
        signal=False,
    )
    return Measurements(
        n_beats=len(beats),
        duration_s=record.duration_s,
        beats=beats,
        absent=absent,
        source=Source(method="measure:beat-times", version=_VERSION, parameters=asdict(settings)),
        **numbers,
    )


def _check_match(record: Record, fiducials: Fiducials) -> None:
    if abs(fiducials.fs - record.fs) > 1e-6 * record.fs:
        raise SamplingRateError(
            f"the fiducials are at {fiducials.fs:g} Hz, the record is at {record.fs:g} Hz; "
            "one rate is needed. Use delineate(record) on this record."
        )
    if fiducials.n_samples != record.n_samples:
        raise OptionError(
            f"the fiducials belong to {fiducials.n_samples} samples, the record has "
            f"{record.n_samples}; the same record is needed. Use delineate(record) on this record."
        )


def _independent(signal: np.ndarray, leads: tuple[str, ...]) -> np.ndarray:
    """Leave out the limb leads that follow from I and II: they tell nothing new about shape."""
    if "I" not in leads or "II" not in leads:
        return signal
    rows = [k for k, name in enumerate(leads) if name not in ("III", "aVR", "aVL", "aVF")]
    one, two = signal[leads.index("I")], signal[leads.index("II")]
    if not one.size or len(rows) == len(leads) or not (np.ptp(one) > 0 and np.ptp(two) > 0):
        return signal
    return signal[rows]


def _missing(signal: np.ndarray) -> np.ndarray | None:
    if signal.size == 0 or np.isfinite(signal.sum()):
        return None
    return np.asarray(np.isnan(signal).all(axis=0))


def _representative(beats: BeatTable) -> np.ndarray:
    """Pick the beats that stand for the record: the normal ones, or the most frequent other kind.

    Paced beats come before normal ones where they are more.
    """
    counts = {kind: beats.count(kind) for kind in BeatKind}
    if counts[BeatKind.NORMAL] and counts[BeatKind.NORMAL] >= counts[BeatKind.PACED]:
        chosen = BeatKind.NORMAL
    else:
        chosen = max(counts, key=lambda kind: counts[kind])
    return np.array([kind is chosen for kind in beats.kind], dtype=bool)


def _rates(beats: BeatTable) -> dict[str, float]:
    out = dict.fromkeys(
        ["heart_rate_bpm", "rr_mean_ms", "rr_median_ms", "rr_min_ms", "rr_max_ms", "rr_sd_ms"], _NAN
    )
    rr = beats.rr_ms[np.isfinite(beats.rr_ms)]
    if rr.size:
        out["rr_mean_ms"] = float(rr.mean())
        out["rr_median_ms"] = float(np.median(rr))
        out["rr_min_ms"], out["rr_max_ms"] = float(rr.min()), float(rr.max())
        out["heart_rate_bpm"] = 60000.0 / out["rr_mean_ms"]
    if rr.size > 1:
        out["rr_sd_ms"] = float(rr.std(ddof=1))
    return out


def _intervals(
    fiducials: Fiducials,
    rows: np.ndarray,
    aligned: AlignedBeats | None,
    settings: MeasurementSettings,
) -> dict[str, float]:
    out = dict.fromkeys((*INTERVALS, "pr_sd_ms", "p_wave_percent"), _NAN)
    if not rows.size or aligned is None:
        return out
    fs, seen = float(fiducials.fs), np.isfinite(fiducials.p_peak[rows])
    out["p_wave_percent"] = 100.0 * float(np.count_nonzero(seen)) / rows.size
    no_p = out["p_wave_percent"] < 100.0 * settings.min_wave_share
    for name, (start, end) in INTERVALS.items():
        length = getattr(aligned.median, end) - getattr(aligned.median, start)
        if length > 0 and not (no_p and start == "p_onset"):
            out[name] = length * 1000.0 / fs
    if isfinite(out["pr_ms"]):
        pr = interval_ms(fiducials, "pr_ms", fs, rows)
        pr = pr[np.isfinite(pr)]
        out["pr_sd_ms"] = float(pr.std(ddof=1)) if pr.size > 1 else _NAN
    return out


def _corrected(numbers: dict[str, float]) -> dict[str, float]:
    qt, rr = np.array([numbers["qt_ms"]]), np.array([numbers["rr_mean_ms"]])
    if not rr[0] >= 100.0:
        rr[0] = _NAN  # no heart beats 600 times a minute
    return {f"qtc_{name}_ms": float(qtc(qt, rr, formula=name)[0]) for name in QTC_FORMULAS}


def _axes(
    aligned: AlignedBeats,
    numbers: dict[str, float],
    normalised: bool,
    settings: MeasurementSettings,
) -> dict[str, float]:
    """Axes from net areas between the global bounds, so that all leads share one stretch."""
    out = {"p_axis_deg": _NAN, "qrs_axis_deg": _NAN, "t_axis_deg": _NAN}
    median = aligned.median
    limb = [row for row, name in enumerate(median.leads) if name in LEAD_ANGLES_DEG]
    if normalised or len(limb) < 2:
        return out
    for wave, needs in (("p", "p_ms"), ("qrs", "qrs_ms"), ("t", "qt_ms")):
        a, b = getattr(median, f"{wave}_onset"), getattr(median, f"{wave}_offset")
        if not (isfinite(numbers[needs]) and isfinite(a) and isfinite(b)):
            continue
        piece = median.signal[limb, max(0, round(a)) : round(b) + 1].astype(float)
        if piece.shape[1] < 3:
            continue
        if wave == "p":
            piece = _less_chord(piece)
        area = piece.sum(axis=1) * (1000.0 / median.fs)
        net = {median.leads[row]: value for row, value in zip(limb, area.tolist(), strict=True)}
        out[f"{wave}_axis_deg"] = axis_deg(net, floor=settings.min_axis_area_mv_ms)
    return out


def _less_chord(x: np.ndarray) -> np.ndarray:
    """Subtract from each row the line that joins its ends."""
    first, last = x[:, :3].mean(axis=1), x[:, -3:].mean(axis=1)
    part = np.arange(x.shape[1]) / (x.shape[1] - 1)
    return x - first[:, None] - (last - first)[:, None] * part


def _variability(beats: BeatTable, fs: float) -> dict[str, Any]:
    normal = np.array([k == BeatKind.NORMAL for k in beats.kind], dtype=bool)
    both = normal.copy()
    both[1:] &= normal[:-1]
    nn = np.where(both, beats.rr_ms, np.nan)
    end_s = beats.r_peak / fs
    out: dict[str, Any] = {**hrv_time(nn, end_s), **hrv_frequency(nn, end_s)}
    out["n_nn"] = int(out["n_nn"])
    return out
