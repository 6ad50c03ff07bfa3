# SPDX-License-Identifier: Apache-2.0
"""XQRS, the beat finder of WFDB for Python: for models that learned from what it finds."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy import signal

_LOW_HZ, _HIGH_HZ = 5.0, 20.0
_QRS_S, _APART_S = 0.1, 0.2
_USUAL_RR_S, _LONGEST_RR_S, _SHORTEST_RR_S = 0.8, 2.4, 0.3
_WIDTH = 4.0
_N_LEARNED = 8
_LIKE = 0.6
_USUAL_THRESHOLD_MV = 0.13
_LATE = 1.66


class _Filters(NamedTuple):
    band: tuple[np.ndarray, np.ndarray]
    hat: np.ndarray
    hat_of_peak: np.ndarray
    gain: float


class _State(NamedTuple):
    """What is known of beats so far: usual heights of beat and noise, distance, and the last.

    The threshold is set anew with every beat; noise thus acts from the next beat on.
    """

    beat: float
    noise: float
    rr: float
    last: float
    threshold: float


def _state(beat: float, noise: float, rr: float, last: float) -> _State:
    return _State(beat, noise, rr, last, 0.25 * beat + 0.75 * noise)


def xqrs_beats(x: Float[np.ndarray, " sample"], fs: float) -> Int[np.ndarray, " beat"]:
    """Find beats on one lead as XQRS does, its mistakes included.

    To find beats for any other purpose, take `precordia.delineation.rpeaks.detect_rpeaks`: on lead
    I of LUDB at 100 Hz, XQRS marks half of the beats some 60 ms early, and three marks in ten are
    no beat.

    Parameters
    ----------
    x
        One lead, mV.
    fs
        Sampling rate, Hz.

    Returns
    -------
    Sample of each mark, ascending.

    Notes
    -----
    *Method*, that of WFDB for Python 4.1 with its usual settings, written from its description. The
    lead is filtered (5 to 20 Hz) and smoothed with a Mexican hat of the width of a QRS complex,
    both forwards and backwards, and squared. Local maxima of that are beats where they exceed a
    threshold and come 0.2 s after the last beat. The threshold lies a quarter of the way from the
    usual height of noise to that of beats, both followed with a memory of eight; the first eight
    maxima of the filtered lead that look like a Mexican hat begin it. Where 1.66 usual distances
    pass without a beat, the maxima between are looked at again with half of the threshold.

    References
    ----------
    Xie C, et al. Waveform Database Software Package (WFDB) for Python. PhysioNet 2023.
    doi:10.13026/9njx-6322

    Examples
    --------
    >>> t = np.arange(1000) / 100
    >>> beats = np.exp(-0.5 * (((t + 0.2) % 0.8 - 0.4) / 0.02) ** 2)
    >>> len(xqrs_beats(beats, 100))
    13
    """
    tools = _filters(float(fs))
    narrow = signal.filtfilt(*tools.band, np.asarray(x, float))
    power = signal.filtfilt(tools.hat, [1.0], narrow) ** 2
    half = len(tools.hat_of_peak) // 2
    state = _learned(narrow, power, tools, fs) or _usual(tools, fs)
    return _detected(_tops(power, half), power, state, fs)


@lru_cache(maxsize=8)
def _filters(fs: float) -> _Filters:
    width, half = int(_QRS_S * fs), int(_QRS_S / 2 * fs)
    band: Any = signal.butter(2, [_LOW_HZ * 2 / fs, _HIGH_HZ * 2 / fs], "pass")
    hat = _mexican_hat(width)
    middle = (_LOW_HZ + _HIGH_HZ) / 2
    gain = 2 * _gain(band[0], band[1], middle, fs) * 2 * _gain(hat, [1.0], middle, fs)
    return _Filters(band, hat, _mexican_hat(2 * half), gain)


def _mexican_hat(n: int) -> Float[np.ndarray, " n"]:
    place = ((np.arange(n) - (n - 1) / 2) / _WIDTH) ** 2
    return 2 / (math.sqrt(3 * _WIDTH) * math.pi**0.25) * (1 - place) * np.exp(-place / 2)


def _gain(b: Any, a: Any, hz: float, fs: float) -> float:
    angle, response = signal.freqz(b, a)
    return float(abs(response[np.argmax(angle >= 2 * np.pi * hz / fs)]))


def _tops(x: Float[np.ndarray, " sample"], half: int) -> list[int]:
    """Return samples that are largest from ``half`` before to ``half`` after, that one excluded."""
    if x.min() == x.max():
        return []
    padded = np.pad(x, (half, half - 1), constant_values=-np.inf)
    largest = np.lib.stride_tricks.sliding_window_view(padded, 2 * half).max(axis=1)
    tops: list[int] = []
    for top in np.flatnonzero(x == largest).tolist():
        if not tops or top >= tops[-1] + half:
            tops.append(top)
    return tops


def _usual(tools: _Filters, fs: float) -> _State:
    beat = 27 / 40 * _USUAL_THRESHOLD_MV * tools.gain
    return _state(beat, beat / 10, _USUAL_RR_S * fs, 0.0)


def _learned(
    narrow: Float[np.ndarray, " sample"],
    power: Float[np.ndarray, " sample"],
    tools: _Filters,
    fs: float,
) -> _State | None:
    """Return what the first eight beats tell; None where there are not so many."""
    half, width = len(tools.hat_of_peak) // 2, len(tools.hat)
    shortest = _SHORTEST_RR_S * fs
    tops = _tops(narrow, half)
    inner = [k for k, top in enumerate(tops) if top > width]
    upto = [k for k, top in enumerate(tops) if top <= len(narrow) - width]
    if not inner or not upto:
        return None
    beats: list[int] = []
    noise: list[float] = []
    last = -_LONGEST_RR_S * fs
    for top in tops[inner[0] : upto[-1]]:
        piece = narrow[top - half : top + half]
        like = float(piece @ tools.hat_of_peak) / (float(np.linalg.norm(piece)) or 1.0)
        if like > _LIKE and top - last > shortest:
            beats.append(top)
            last = top
        else:
            noise.append(float(power[top]))
        if len(beats) == _N_LEARNED:
            break
    if len(beats) < _N_LEARNED:
        return None
    beat = float(np.mean(power[beats]))
    apart = np.diff(beats)
    apart = apart[apart < _LONGEST_RR_S * fs]
    return _state(
        beat,
        float(np.mean(noise)) if noise else beat / 10,
        float(apart.mean()) if apart.size else _USUAL_RR_S * fs,
        min(0.0, beats[0] - shortest - 1),
    )


def _detected(
    tops: list[int], power: Float[np.ndarray, " sample"], state: _State, fs: float
) -> Int[np.ndarray, " beat"]:
    beats: list[int] = []
    apart, since = int(_APART_S * fs), None

    def accept(top: int, new: float) -> None:
        nonlocal state
        gap, rr = top - state.last, state.rr
        if gap < _LONGEST_RR_S * fs:
            rr += (gap - rr) / 8
        beat = state.beat + new * (float(power[top]) - state.beat)
        state = _state(beat, state.noise, rr, top)
        beats.append(top)

    for k, top in enumerate(tops):
        if top - state.last > apart and power[top] > state.threshold:
            accept(top, 1 / 8)
            since = k
        else:
            noise = state.noise + (float(power[top]) - state.noise) / 8
            state = state._replace(noise=noise)
        late = k + 1 < len(tops) and tops[k + 1] - state.last > _LATE * state.rr
        if late and since is not None:
            for missed in tops[since + 1 : k + 1]:
                if missed - state.last > apart and power[missed] > state.threshold / 2:
                    accept(missed, 1 / 4)
                    since = k
    return np.array(beats, np.int64)
