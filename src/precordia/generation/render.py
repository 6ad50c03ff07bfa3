# SPDX-License-Identifier: Apache-2.0
"""Draw waves into the moving heart vector."""

import numpy as np
from jaxtyping import Float

from precordia.generation.lobes import Lobe, Wave, evaluate, vectors
from precordia.generation.scenario import BeatShape

_SPIKE_S = 0.002


def add_waves(
    frame: Float[np.ndarray, "3 sample"],
    fs: float,
    wave: Wave,
    onset_s: Float[np.ndarray, " beat"],
    duration_s: Float[np.ndarray, " beat"],
    turns: Float[np.ndarray, "beat 3 3"] | None = None,
    gain: Float[np.ndarray, " beat"] | None = None,
) -> None:
    """Add one wave at each of several onsets.

    Parameters
    ----------
    frame
        The heart vector (left, down, anterior), mV; changed in place.
    fs
        Sampling rate, Hz.
    wave
        Its lobes.
    onset_s, duration_s
        Where each begins (on any fraction of a sample) and how long it lasts, s.
    turns
        Rotation of the heart vector at each beat, by breathing.
    gain
        Factor of each beat.
    """
    if onset_s.size == 0 or not wave:
        return
    n_samples = frame.shape[1]
    first = np.ceil(onset_s * fs).astype(int)
    width = int(np.ceil(duration_s.max() * fs)) + 1
    times = (first[:, None] + np.arange(width)) / fs - onset_s[:, None]
    values = evaluate(wave, times / duration_s[:, None])
    drawn = np.tensordot(vectors(wave).T, values, axes=1).transpose(1, 0, 2)
    if turns is not None:
        drawn = turns @ drawn
    if gain is not None:
        drawn = drawn * gain[:, None, None]
    for start, piece in zip(first, drawn, strict=True):
        skip = max(-start, 0)
        stop = min(start + width, n_samples)
        if stop > start + skip:
            frame[:, start + skip : stop] += piece[:, skip : stop - start]


def t_wave_times(
    qrs_s: Float[np.ndarray, " beat"], qt_s: Float[np.ndarray, " beat"]
) -> tuple[Float[np.ndarray, " beat"], Float[np.ndarray, " beat"]]:
    """Place the T wave between the end of QRS and the end of QT.

    Parameters
    ----------
    qrs_s, qt_s
        Durations, s.

    Returns
    -------
    Onset of T after onset of QRS, and duration of T, s: T takes 60 % of the JT interval, or
    110 ms where that is more and JT is long enough for it.

    Examples
    --------
    >>> [x.round(3).tolist() for x in t_wave_times(np.array([0.1]), np.array([0.4]))]
    [[0.22], [0.18]]
    """
    jt = qt_s - qrs_s
    duration = np.maximum(0.6 * jt, np.minimum(jt - 0.01, 0.11))
    return qt_s - duration, duration


def st_wave(shape: BeatShape, qrs_s: float, qt_s: float) -> Wave:
    """Return the ST deviation of a beat as a lobe over its QT interval.

    It grows over the last quarter of the QRS complex, is full at the J point, stays until the
    middle of the T wave and is gone when T ends.

    Parameters
    ----------
    shape
        The beat.
    qrs_s, qt_s
        Its durations, s.

    Returns
    -------
    One lobe, or none where the ST vector is zero.

    Examples
    --------
    >>> st_wave(BeatShape(), 0.1, 0.4)
    ()
    """
    if not any(shape.st_mv):
        return ()
    onset, duration = t_wave_times(np.array([qrs_s]), np.array([qt_s]))
    j = qrs_s / qt_s
    hold = float(onset[0] + 0.4 * duration[0]) / qt_s - j
    return (Lobe(0.75 * j, j, 1.0, *shape.st_mv, 1.5, 1.15, hold),)


def add_spikes(
    frame: Float[np.ndarray, "3 sample"],
    fs: float,
    onset_s: Float[np.ndarray, " beat"],
    vector: tuple[float, float, float],
) -> None:
    """Add pacing spikes: 2 ms wide, or one sample with the same area where that is wider.

    Parameters
    ----------
    frame
        The heart vector, changed in place.
    fs
        Sampling rate, Hz.
    onset_s
        Beginning of each spike, s.
    vector
        Its amplitude (left, down, anterior), mV.
    """
    count = max(round(_SPIKE_S * fs), 1)
    height = _SPIKE_S * fs / count
    for start in np.round(onset_s * fs).astype(int):
        for k in range(start, start + count):
            if 0 <= k < frame.shape[1]:
                frame[:, k] += height * np.asarray(vector)
