# SPDX-License-Identifier: Apache-2.0
"""The activations of one simulated heart: when each wave begins, how long it lasts, which it is."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from precordia.generation.lobes import Wave
from precordia.generation.render import st_wave, t_wave_times
from precordia.generation.rhythm import RHYTHMS, Pace
from precordia.generation.scenario import BeatShape, Scenario
from precordia.generation.truth import wave_truth

_GAP_S = 0.03  # a T wave ends at least this long before the next QRS complex
_LEAST_JT_S = 0.10
_HIDDEN = 0.3  # part of a P wave that a QRS complex may cover before the P counts as unseen


@dataclass(frozen=True, slots=True, kw_only=True)
class Heart:
    """Activations as arrays, all times in seconds from the first sample.

    ``p_of`` is the P wave that led to each QRS complex, -1 where none did.
    """

    scenario: Scenario
    shapes: tuple[BeatShape, ...]
    p_onset: Float[np.ndarray, "..."]
    p_shape: Int[np.ndarray, "..."]
    p_s: float
    qrs_onset: Float[np.ndarray, " beat"]
    shape: Int[np.ndarray, " beat"]
    p_of: Int[np.ndarray, " beat"]
    qrs_s: Float[np.ndarray, " beat"]
    qt_s: Float[np.ndarray, " beat"]


def rate_adapted_qt_ms(heart_rate_bpm: float) -> float:
    """Return the QT interval that goes with a heart rate: QTc 400 ms after Fridericia.

    Examples
    --------
    >>> rate_adapted_qt_ms(60.0)
    400.0
    """
    return float(400.0 * np.cbrt(60.0 / heart_rate_bpm))


def draw_heart(rng: np.random.Generator, scenario: Scenario, pace: Pace) -> Heart:
    """Draw the timeline of a scenario and give every beat its durations.

    Parameters
    ----------
    rng
        Source of chance.
    scenario
        What to simulate.
    pace
        Its intervals.

    Returns
    -------
    The activations. A T wave that the next QRS complex would cut off is shortened to end 30 ms
    before it.
    """
    line = RHYTHMS[scenario.rhythm](rng, pace)
    shapes = (scenario.beat, scenario.ectopic or scenario.beat)
    onset = np.array([q[0] for q in line.qrs])
    shape = np.array([q[1] for q in line.qrs], dtype=int)
    adapted = rate_adapted_qt_ms(60.0 / pace.rr_s)
    qrs_s = np.array([s.qrs_ms for s in shapes])[shape] / 1000
    qt_s = np.array([s.qt_ms or adapted for s in shapes])[shape] / 1000
    room = np.append(np.diff(onset), np.inf) - _GAP_S
    qt_s = np.maximum(np.minimum(qt_s, room), qrs_s + np.minimum(_LEAST_JT_S, qt_s - qrs_s))
    return Heart(
        scenario=scenario,
        shapes=shapes,
        p_onset=np.array([p[0] for p in line.p]),
        p_shape=np.array([p[1] for p in line.p], dtype=int) % len(scenario.p),
        p_s=min(scenario.p_ms, scenario.pr_ms - 12) / 1000,
        qrs_onset=onset,
        shape=shape,
        p_of=np.array([q[2] for q in line.qrs], dtype=int),
        qrs_s=qrs_s,
        qt_s=qt_s,
    )


def positions_of(
    heart: Heart, seconds: float
) -> tuple[Float[np.ndarray, "13 beat 11"], Float[np.ndarray, "beat 3"], Int[np.ndarray, " beat"]]:
    """Lay out every wave that the record shows, one row per cycle.

    Parameters
    ----------
    heart
        The activations.
    seconds
        Length of the record.

    Returns
    -------
    Positions in seconds (global and twelve leads; columns as ``core.fiducials.POSITIONS``), the
    confidence of P, QRS and T, and the activation of each row: the index of its QRS complex, or -1
    for a P wave that was not conducted. Rows are those whose R peak (or, without QRS, whose P
    peak) lies in the record.
    """
    n_beats, n_p = heart.qrs_onset.size, heart.p_onset.size
    p_rows, p_confidence = _p_rows(heart)
    rows = np.full((13, n_beats, 11), np.nan)
    for number, shape in enumerate(heart.shapes):
        chosen = np.flatnonzero(heart.shape == number)
        if chosen.size:
            rows[:, chosen, 3:] = _ventricular_rows(heart, shape, chosen)
    confidence = np.ones((n_beats, 3))
    with_p = heart.p_of >= 0
    rows[:, with_p, :3] = p_rows[:, heart.p_of[with_p]]
    confidence[with_p, 0] = p_confidence[heart.p_of[with_p]]
    alone = np.setdiff1d(np.arange(n_p), heart.p_of[with_p])
    blocked = np.full((13, alone.size, 11), np.nan)
    blocked[:, :, :3] = p_rows[:, alone]
    rows = np.concatenate([rows, blocked], axis=1)
    confidence = np.concatenate([confidence, np.ones((alone.size, 3))])
    confidence[n_beats:, 0] = p_confidence[alone]
    index = np.concatenate([np.arange(n_beats), np.full(alone.size, -1)])
    place = np.where(index >= 0, rows[0, :, 5], rows[0, :, 1])
    shown = np.flatnonzero((place >= 0) & (place < seconds))
    order = shown[np.argsort(place[shown], kind="stable")]
    return rows[:, order], confidence[order], index[order]


def _ventricular_rows(heart: Heart, shape: BeatShape, chosen: np.ndarray) -> np.ndarray:
    onset, qrs_s, qt_s = heart.qrs_onset[chosen], heart.qrs_s[chosen], heart.qt_s[chosen]
    typical = int(np.argmax(qt_s))
    ramp = _on_qrs(st_wave(shape, qrs_s[typical], qt_s[typical]), qt_s[typical] / qrs_s[typical])
    qrs = wave_truth(shape.qrs, qrs=True, extra=ramp).table
    t = wave_truth(shape.t, qrs=False).table[:, [0, 2, 4]]
    t_onset, t_s = t_wave_times(qrs_s, qt_s)
    return np.concatenate(
        [
            onset[None, :, None] + qrs_s[None, :, None] * qrs[:, None, :],
            (onset + t_onset)[None, :, None] + t_s[None, :, None] * t[:, None, :],
        ],
        axis=2,
    )


def _on_qrs(wave: Wave, stretch: float) -> Wave:
    """Express lobes on fractions of QT as fractions of the QRS complex."""
    return tuple(
        lobe._replace(
            onset=stretch * lobe.onset,
            peak=stretch * lobe.peak,
            offset=stretch * lobe.offset,
            plateau=stretch * lobe.plateau,
        )
        for lobe in wave
    )


def _p_rows(heart: Heart) -> tuple[np.ndarray, np.ndarray]:
    rows = np.full((13, heart.p_onset.size, 3), np.nan)
    for number, wave in enumerate(heart.scenario.p):
        chosen = np.flatnonzero(heart.p_shape == number)
        table = wave_truth(wave, qrs=False).table[:, [0, 2, 4]]
        rows[:, chosen] = heart.p_onset[chosen][None, :, None] + heart.p_s * table[:, None, :]
    start, stop = heart.p_onset, heart.p_onset + heart.p_s
    covered = _overlap(start, stop, heart.qrs_onset, heart.qrs_onset + heart.qrs_s)
    rows[:, covered.max(axis=1, initial=0.0) > _HIDDEN * heart.p_s] = np.nan
    t_onset, t_s = t_wave_times(heart.qrs_s, heart.qt_s)
    begins = heart.qrs_onset + t_onset
    on_t: Bool[np.ndarray, " beat"] = (
        _overlap(start, stop, begins, begins + t_s).max(axis=1, initial=0.0) > 0.01
    )
    return rows, np.where(on_t, 0.5, 1.0)


def _overlap(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    return np.minimum(b[:, None], d[None]) - np.maximum(a[:, None], c[None])
