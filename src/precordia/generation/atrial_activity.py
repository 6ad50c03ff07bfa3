# SPDX-License-Identifier: Apache-2.0
"""Continuous activity of the atria: fibrillation waves and flutter waves."""

import numpy as np
from jaxtyping import Float


def fibrillation_waves(
    rng: np.random.Generator, n_samples: int, fs: float, *, size_mv: float = 0.07
) -> Float[np.ndarray, "3 sample"]:
    """Draw f waves as (left, down, anterior), largest towards V1.

    Parameters
    ----------
    rng
        Source of chance; it also draws the fundamental frequency, 4.5 to 8 Hz.
    n_samples, fs
        Length and sampling rate, Hz.
    size_mv
        Amplitude of the fundamental, mV.

    Returns
    -------
    The three components.

    Notes
    -----
    *Method.* The sawtooth of Stridh and Sörnmo: a fundamental with two harmonics of amplitude 1/k,
    its frequency and amplitude modulated slowly. *Departures*: modulations are two sines each with
    random phase, and the three components are delayed against each other, so that the waves
    rotate.

    References
    ----------
    Stridh M, Sornmo L. IEEE Trans Biomed Eng 2001;48:105-111. doi:10.1109/10.900266

    Examples
    --------
    >>> fibrillation_waves(np.random.default_rng(0), 5000, 500).shape
    (3, 5000)
    """
    time = np.arange(n_samples) / fs
    base = rng.uniform(4.5, 8.0)
    turns = rng.uniform(0, 2 * np.pi, 6)
    phase = 2 * np.pi * base * time + 1.2 * np.sin(2 * np.pi * 0.23 * time + turns[0])
    phase += 0.9 * np.sin(2 * np.pi * 0.71 * time + turns[1])
    swell = 1 + 0.35 * np.sin(2 * np.pi * 0.31 * time + turns[2])
    swell += 0.2 * np.sin(2 * np.pi * 0.9 * time + turns[3])
    wave = np.empty((3, n_samples))
    for row, (gain, delay) in zip(wave, ((0.35, 0.0), (0.8, 0.9), (1.0, 2.0)), strict=True):
        turned = phase - delay
        first = np.sin(turned)
        # sin 2x and sin 3x from sin x and cos x: three sines at the price of one
        cosine = np.cos(turned)
        row[:] = gain * first * (1 + cosine + (4 * cosine**2 - 1) / 3)
    return size_mv * swell * wave


def flutter_waves(
    n_samples: int, fs: float, *, cycle_s: float, size_mv: float = 0.20
) -> Float[np.ndarray, "3 sample"]:
    """Return flutter waves as (left, down, anterior): a sawtooth, negative in the inferior leads.

    Parameters
    ----------
    n_samples, fs
        Length and sampling rate, Hz.
    cycle_s
        Length of one flutter wave, s; a new one begins at time zero.
    size_mv
        Peak to peak in the inferior leads, mV.

    Returns
    -------
    The three components.

    Examples
    --------
    >>> flutter_waves(1000, 500, cycle_s=0.2).shape
    (3, 1000)
    """
    place = (np.arange(n_samples) / fs / cycle_s) % 1.0
    falls = 0.68  # slow descent, then a quicker return: the sawtooth of typical flutter
    down = np.where(
        place < falls,
        np.cos(np.pi * place / falls),
        -np.cos(np.pi * (place - falls) / (1 - falls)),
    )
    bump = np.sin(np.pi * np.clip((place - 0.62) / 0.34, 0, 1)) ** 2
    return size_mv * np.stack([0.08 * down, 0.5 * down, 0.75 * bump - 0.25])
