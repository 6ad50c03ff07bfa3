# SPDX-License-Identifier: Apache-2.0
"""Numbers that describe how readable each lead is, computed for all leads at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from precordia.core.leads import LIMB
from precordia.delineation.rpeaks import rpeaks_of_signal

WORK_HZ = 125.0
BLOCK_S = 0.2
_RIDGE = 0.02
_NO_BEATS = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class LeadIndices:
    """Indices of one window: one array over leads per index, and numbers of the window itself.

    Attributes
    ----------
    lead
        Name of the index (unit in the name) to one value per lead.
    window
        Numbers that belong to no single lead.
    beats
        R-peaks, s from the start of the window.
    wave_mv
        The leads between 0.7 and 25 Hz, at ``fs``.
    fs
        Rate of ``wave_mv``, Hz.
    """

    lead: dict[str, np.ndarray]
    window: dict[str, float]
    beats: np.ndarray
    wave_mv: np.ndarray
    fs: float


def compute_indices(
    signal: Float[np.ndarray, "lead sample"], fs: float, leads: tuple[str, ...]
) -> LeadIndices:
    """Compute the quality indices of one window of some seconds.

    Amplitudes enter every ratio relative to the typical lead of the window, so a wrong gain of the
    whole recording changes no ratio.

    Parameters
    ----------
    signal
        Millivolt, finite.
    fs
        Sampling rate, Hz.
    leads
        Names of the rows, used to know which leads are algebra of others.

    Returns
    -------
    The indices; see the card ``acceptability.toml`` for what each means.
    """
    n_leads = signal.shape[0]
    still, still_s, rail = _stillness(signal, fs)
    x, rate = _decimate(signal, fs)
    n = x.shape[1]
    base, wave, rough, power, hz = _split(x, rate)

    block = max(int(BLOCK_S * rate), 1)
    n_blocks = max(n // block, 1)
    block = min(block, n)
    cut = (n_leads, n_blocks, block)
    used = n_blocks * block
    blocks = wave[:, :used].reshape(cut)
    swing = blocks.max(axis=2) - blocks.min(axis=2)
    ordered = np.sort(swing, axis=1)
    amplitude = _at(ordered, 0.85)
    alive = amplitude > 1e-4
    typical = float(np.median(amplitude[alive])) if alive.any() else 1.0
    own = amplitude + 0.1 * typical

    hf = np.sqrt(np.mean(rough[:, :used].reshape(cut) ** 2, axis=2))
    hf_ordered = np.sort(hf, axis=1)
    level = base[:, :used].reshape(cut).mean(axis=2)
    drift = np.abs(level[:, 2:] - level[:, :-2]) if n_blocks > 3 else np.zeros((n_leads, 1))
    drift_ordered = np.sort(drift, axis=1)
    middle = np.median(level, axis=1)
    far = np.abs(level - middle[:, None]) / typical

    bad = (far > 2.0) | (swing > 3.0 * np.maximum(own, typical)[:, None])
    bad |= (hf > 0.2 * typical) | (swing < 0.01 * typical)

    def band(low: float, high: float) -> np.ndarray:
        return power[:, (hz >= low) & (hz < high)].sum(axis=1) + 1e-6 * typical**2

    square = wave * wave
    spread = square.mean(axis=1)
    kurtosis = np.einsum("ls,ls->l", square, square) / n / (spread + 1e-6 * typical**2) ** 2

    lead = {
        "amplitude_mv": amplitude,
        "amplitude_ratio": amplitude / typical,
        "flat_fraction": still,
        "flat_longest_s": still_s,
        "rail_fraction": rail,
        "noise_uv": 1e3 * _at(hf_ordered, 0.3),
        "noise_ratio": _at(hf_ordered, 0.3) / own,
        "noise_typical_ratio": _at(hf_ordered, 0.3) / typical,
        "burst_ratio": _at(hf_ordered, 0.7) / own,
        "burst_peak_ratio": hf_ordered[:, -1] / typical,
        "quiet_ratio": _at(ordered, 0.15) / own,
        "busy_ratio": _at(ordered, 0.5) / own,
        "spike_ratio": ordered[:, -1] / own,
        "baseline_mv": level.max(axis=1) - level.min(axis=1),
        "baseline_ratio": (level.max(axis=1) - level.min(axis=1)) / typical,
        "baseline_rms_ratio": level.std(axis=1) / typical,
        "step_ratio": drift.max(axis=1) / typical,
        "drift_ratio": _at(drift_ordered, 0.7) / typical,
        "off_scale_fraction": np.mean(
            (far > 4.0) | (swing > 4.0 * np.maximum(own, typical)[:, None]), axis=1
        ),
        "off_scale_2_fraction": np.mean((far > 1.5) | (swing > 2.5 * own[:, None]), axis=1),
        "bad_block_fraction": np.mean(bad, axis=1),
        "bad_block_longest_s": _longest(bad) * block / rate,
        "range_ratio": (x.max(axis=1) - x.min(axis=1)) / typical,
        "offset_mv": np.abs(x.mean(axis=1)),
        "in_band_ratio": band(5, 15) / band(5, 40),
        "low_band_ratio": band(0.5, 5) / band(0.5, 40),
        "fast_ratio": band(40, min(62, 0.48 * rate)) / band(5, 40),
        "kurtosis": np.clip(kurtosis, 1.0, 100.0),
    }
    lead["predicted_ratio"], spectrum = _predictability(wave, spread, typical, leads)
    order = np.argsort(lead["busy_ratio"] + 10.0 * (amplitude < 0.1 * typical))
    beats = rpeaks_of_signal(wave[order[:4]] / typical, rate) if rate >= 50 else _NO_BEATS
    lead |= _beat_indices(wave, base, rate, beats, typical)
    rr = np.diff(beats) / rate
    window = {
        "n_beats": float(len(beats)),
        "rr_variation_ratio": float(rr.std() / rr.mean()) if len(rr) > 2 else 1.0,
        "rr_longest_s": float(rr.max()) if len(rr) else n / rate,
        "rr_shortest_s": float(rr.min()) if len(rr) else 0.0,
        "eigen_2_ratio": float(spectrum[:2].sum() / (spectrum.sum() + 1e-9)),
        "eigen_3_ratio": float(spectrum[:3].sum() / (spectrum.sum() + 1e-9)),
        "typical_mv": typical,
    }
    return LeadIndices(lead, window, beats / rate, wave, rate)


def _at(ordered, quantile):
    return ordered[:, min(int(quantile * ordered.shape[1]), ordered.shape[1] - 1)]


def _longest(flags):
    """Longest run of True in each row."""
    padded = np.zeros((flags.shape[0], flags.shape[1] + 2), dtype=np.int8)
    padded[:, 1:-1] = flags
    out = np.zeros(len(flags))
    for k in np.flatnonzero(flags.any(axis=1)):
        edges = np.flatnonzero(np.diff(padded[k]))
        out[k] = (edges[1::2] - edges[::2]).max()
    return out


def _stillness(signal, fs):
    """Fraction of time and longest time (s) without any change, and fraction of time on a rail."""
    n_leads, n = signal.shape
    block = min(max(round(0.1 * fs), 2), n)
    n_blocks = max(n // block, 1)
    cut = signal[:, : n_blocks * block].reshape(n_leads, n_blocks, block)
    top, bottom = cut.max(axis=2), cut.min(axis=2)
    still = top - bottom <= 1e-6
    fraction = still.mean(axis=1)
    longest, rail = np.zeros(n_leads), np.zeros(n_leads)
    for k in np.flatnonzero(fraction):
        edges = np.flatnonzero(np.diff(np.concatenate(([0], still[k].view(np.int8), [0]))))
        longest[k] = (edges[1::2] - edges[::2]).max() * block / fs
        high, low = top[k].max(), bottom[k].min()
        if high > low:
            rail[k] = np.mean(still[k] & ((bottom[k] == high) | (top[k] == low)))
    return fraction, longest, rail


def _decimate(signal, fs):
    """Average whole blocks of samples so that the rate comes near 125 Hz."""
    k = max(round(fs / WORK_HZ), 1)
    if k == 1 or signal.shape[1] < 2 * k:
        return np.ascontiguousarray(signal, dtype=np.float32), fs
    n = signal.shape[1] // k * k
    kernel = np.full(k, 1.0 / k, dtype=np.float32)
    return signal[:, :n].reshape(signal.shape[0], -1, k).astype(np.float32) @ kernel, fs / k


def _split(x, fs):
    """Split into baseline (< 0.7 Hz), waves (0.7-25 Hz) and rough (> 25 Hz)."""
    n = x.shape[1]
    edge = max(n // 20, 1)
    start, stop = x[:, :edge].mean(axis=1), x[:, -edge:].mean(axis=1)
    ramp = start[:, None] + np.linspace(0.0, 1.0, n, dtype=np.float32) * (stop - start)[:, None]
    spectrum = np.fft.rfft(x - ramp, axis=1)
    hz = np.fft.rfftfreq(n, 1.0 / fs)
    high_pass = 1.0 / (1.0 + (0.7 / np.maximum(hz, 1e-3)) ** 4)
    low_pass = 1.0 / (1.0 + (hz / 25.0) ** 8)
    wave = np.fft.irfft(spectrum * (high_pass * low_pass).astype(np.float32), n, axis=1)
    rough = np.fft.irfft(spectrum * (high_pass * (1.0 - low_pass)).astype(np.float32), n, axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    return x - wave - rough, wave, rough, power, hz


def _predictability(wave, spread, typical, leads):
    """Share of each lead that the other leads foretell (ridge), and the eigenvalues of all."""
    n_leads, n = wave.shape
    z = wave / np.sqrt(spread + 1e-4 * typical**2)[:, None]
    c = (z @ z.T).astype(float) / n
    limb = [k for k, name in enumerate(leads) if name in LIMB]
    chest = [k for k in range(n_leads) if k not in limb]
    base = limb[:2] + chest
    share = np.full(n_leads, np.nan)
    if len(base) > 1:
        inner = c[np.ix_(base, base)]
        inverse = np.linalg.inv(inner + _RIDGE * np.eye(len(base)))
        weight = -inverse / np.diag(inverse)
        np.fill_diagonal(weight, 0.0)
        share[base] = (weight * (inner + _RIDGE * weight)).sum(axis=0)
    if limb and chest:
        inner, cross = c[np.ix_(chest, chest)], c[np.ix_(chest, limb)]
        weight = np.linalg.solve(inner + _RIDGE * np.eye(len(chest)), cross)
        share[limb] = (weight * (cross + _RIDGE * weight)).sum(axis=0)
    values = np.linalg.eigvalsh(c[np.ix_(base, base)])[::-1]
    return share, np.maximum(values, 0.0)


def _beat_indices(wave, base, fs, beats, typical):
    """Likeness of beats to their median, beat amplitude over residual, steepness at beats."""
    n_leads, n = wave.shape
    before, after = int(0.15 * fs), int(0.35 * fs)
    inside = beats[(beats >= before) & (beats + after < n)]
    if len(inside) < 3:
        # too short a window for three beats tells nothing; a longer one without beats tells much
        zero = np.full(n_leads, np.nan if n < 5 * fs else 0.0)
        return {
            "template_correlation": zero,
            "template_low_correlation": zero,
            "beat_snr_ratio": zero,
            "beat_snr_low_ratio": zero,
            "qrs_contrast_ratio": zero,
            "readable_beat_fraction": zero,
            "unreadable_longest_s": np.full(n_leads, n / fs),
        }
    cut = wave[:, inside[:, None] + np.arange(-before, after)]
    cut = cut - cut.mean(axis=2, keepdims=True)
    template = np.median(cut, axis=1)
    energy = (template**2).sum(axis=1)
    match = np.einsum("lbt,lt->lb", cut, template)
    match /= np.sqrt((cut**2).sum(axis=2) * energy[:, None] + 1e-8 * typical**4)
    rms = np.sqrt(np.mean((cut - template[:, None]) ** 2, axis=2))
    residual = np.sort(rms, axis=1)
    strength = np.sqrt(energy / cut.shape[2])
    good = (match > 0.75) & (rms < 0.6 * strength[:, None]) & (strength > 0.02 * typical)[:, None]
    good_far = np.abs(base[:, inside] - np.median(base, axis=1)[:, None]) < 2.0 * typical
    good &= good_far
    gap = np.empty(n_leads)
    for k in range(n_leads):
        gap[k] = np.diff(np.concatenate(([0], inside[good[k]], [n]))).max() / fs
    near = np.zeros(n, dtype=bool)
    reach = int(0.06 * fs)
    near[np.clip(beats[:, None] + np.arange(-reach, reach + 1), 0, n - 1)] = True
    slope, near = np.abs(np.diff(wave, axis=1)), near[1:]
    far_slope = slope[:, ~near].mean(axis=1) if not near.all() else np.zeros(n_leads)
    return {
        "template_correlation": match.mean(axis=1),
        "template_low_correlation": _at(np.sort(match, axis=1), 0.1),
        "beat_snr_ratio": strength / (_at(residual, 0.5) + 0.01 * typical),
        "beat_snr_low_ratio": strength / (_at(residual, 0.85) + 0.01 * typical),
        "qrs_contrast_ratio": slope[:, near].mean(axis=1) / (far_slope + 1e-3 * typical),
        "readable_beat_fraction": good.mean(axis=1),
        "unreadable_longest_s": gap,
    }
