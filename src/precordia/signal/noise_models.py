# SPDX-License-Identifier: Apache-2.0
"""Noise models: synthetic stand-ins for the kinds of noise that recordings carry.

They are simple and stationary where real noise is neither. For claims about robustness use
recorded noise (`precordia.signal.noise.draw_noise`); these serve where none is at hand.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from precordia.core.errors import unknown_name
from precordia.signal.gaps import check_fs


def model_noise(
    kind: str,
    *,
    n_samples: int,
    n_leads: int,
    fs: float,
    seed: int | np.random.Generator,
) -> Float[np.ndarray, "lead sample"]:
    """Draw synthetic noise of unit standard deviation, independent in each row.

    Parameters
    ----------
    kind
        One of `list_noise_models`: ``"baseline-wander"`` (spectrum falling from 0.05 to 0.5 Hz),
        ``"powerline-50"``, ``"powerline-60"`` (sine with slowly varying amplitude and a third
        harmonic), ``"white"``, ``"muscle"`` (1/f spectrum from 20 to 250 Hz in bursts),
        ``"electrode-motion"`` (steps that decay with 0.2 to 1 s).
    n_samples, n_leads
        Wanted size.
    fs
        Sampling rate, Hz.
    seed
        Seed or generator.

    Returns
    -------
    Noise without unit: scale it, or pass it to `add_noise`.

    Raises
    ------
    UnknownNameError
        If there is no such model.

    References
    ----------
    Friesen GM et al. IEEE Trans Biomed Eng 1990;37:85-98. doi:10.1109/10.43620 (kinds of noise)

    Examples
    --------
    >>> model_noise("white", n_samples=1000, n_leads=2, fs=500, seed=0).std(axis=1).round(6)
    array([1., 1.])
    """
    if kind not in _MODELS:
        raise unknown_name("noise model", kind, _MODELS, listing="list_noise_models()")
    rate = check_fs(fs)
    if n_samples == 0 or n_leads == 0:
        return np.zeros((n_leads, n_samples))
    rows = _MODELS[kind](np.random.default_rng(seed), n_leads, n_samples, rate)
    rows -= rows.mean(axis=1, keepdims=True)
    spread = rows.std(axis=1, keepdims=True)
    return rows / np.where(spread > 0, spread, 1.0)


def list_noise_models() -> tuple[str, ...]:
    """Return the names that `model_noise` knows.

    Examples
    --------
    >>> "muscle" in list_noise_models()
    True
    """
    return tuple(_MODELS)


def _shaped(
    rng: np.random.Generator,
    n_leads: int,
    n_samples: int,
    fs: float,
    low: float,
    high: float,
    slope: float,
) -> np.ndarray:
    """Gaussian noise whose power falls with frequency to the power ``slope`` within a band."""
    length = max(n_samples, int(4 * fs / max(low, 0.05)) if low > 0 else n_samples)
    frequencies = np.fft.rfftfreq(length, 1 / fs)
    band = (frequencies >= low) & (frequencies <= high) & (frequencies > 0)
    gain = np.zeros(frequencies.size)
    gain[band] = frequencies[band] ** (-slope / 2)
    phases = rng.normal(size=(n_leads, frequencies.size, 2)) @ np.array([1, 1j])
    return np.fft.irfft(phases * gain, n=length, axis=1)[:, :n_samples]


def _baseline_wander(rng, n_leads, n_samples, fs):
    return _shaped(rng, n_leads, n_samples, fs, 0.05, 0.5, 2.0)


def _white(rng, n_leads, n_samples, fs):
    return rng.normal(size=(n_leads, n_samples))


def _muscle(rng, n_leads, n_samples, fs):
    carrier = _shaped(rng, n_leads, n_samples, fs, 20.0, min(250.0, 0.5 * fs), 1.0)
    if not carrier.any():  # a rate so low that it holds no muscle noise
        carrier = rng.normal(size=(n_leads, n_samples))
    bursts = _shaped(rng, n_leads, n_samples, fs, 0.05, 1.0, 1.0)
    bursts /= max(bursts.std(), 1e-12)
    return carrier * np.exp(0.5 * bursts)


def _powerline(frequency_hz: float) -> Callable[..., np.ndarray]:
    def model(rng, n_leads, n_samples, fs):
        time = np.arange(n_samples) / fs
        drift = _shaped(rng, n_leads, n_samples, fs, 0.05, 0.3, 1.0)
        drift = 1 + 0.1 * drift / max(drift.std(), 1e-12)
        rows = np.zeros((n_leads, n_samples))
        for multiple, size in ((1, 1.0), (3, 0.15)):
            if multiple * frequency_hz < fs / 2:
                phase = rng.uniform(0, 2 * np.pi, (n_leads, 1))
                rows += size * np.sin(2 * np.pi * multiple * frequency_hz * time + phase)
        return rows * drift

    return model


def _electrode_motion(rng, n_leads, n_samples, fs):
    time = np.arange(n_samples) / fs
    rows = 0.05 * _baseline_wander(rng, n_leads, n_samples, fs)
    rows /= max(np.abs(rows).max(), 1e-12) * 5
    for row in rows:
        for _ in range(1 + rng.poisson(n_samples / fs / 3)):
            since = time - rng.uniform(-0.5, time[-1] + 1e-9)
            decay = rng.uniform(0.2, 1.0)
            rise = 1 - np.exp(-np.clip(since, 0, None) / rng.uniform(0.01, 0.05))
            row += rng.normal() * rise * np.exp(-np.clip(since, 0, None) / decay) * (since > 0)
    return rows


_MODELS: dict[str, Callable[..., np.ndarray]] = {
    "baseline-wander": _baseline_wander,
    "powerline-50": _powerline(50.0),
    "powerline-60": _powerline(60.0),
    "white": _white,
    "muscle": _muscle,
    "electrode-motion": _electrode_motion,
}
