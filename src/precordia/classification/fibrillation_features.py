# SPDX-License-Identifier: Apache-2.0
"""What tells atrial fibrillation from other rhythms: intervals without order, no P wave."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from precordia.classification.beat_cuts import (
    BEFORE,
    LAG,
    LARGEST_MV,
    RATE_HZ,
    cut_beats,
    in_one_scale,
)
from precordia.classification.beat_families import find_families, width_ms
from precordia.classification.beat_timing import intervals_s

NAMES = (
    *("rate", "spread", "step", "median_step", "large_steps", "huge_steps", "entropy"),
    *("fuzzy_entropy", "echo", "echo_2", "turning", "sd_ratio", "clustering", "bins"),
    *("calm_spread", "calm_step", "calm_median_step", "calm_large_steps", "calm_entropy"),
    *("calm_echo", "share_calm", "third_quarter_step", "grid_step"),
    *("p_together", "p_fit", "p_fit_low", "p_size", "p_moves", "p_peak", "pr_together"),
    *("quiet_size", "wave_share", "quiet_speed", "quickness", "peak_moves", "usual_fit"),
    *("usual_share", "n_beats", "n_families", "seconds", "usual_width"),
)
_P = slice(BEFORE - 40, BEFORE - 6)
_TINY = 1e-6
#: stretches between beats whose spectrum is looked at
_MOST_SPECTRA = 150


def fibrillation_features(
    signal: Float[np.ndarray, "lead sample"], fs: float, rpeaks: Int[np.ndarray, " beat"]
) -> Float[np.ndarray, " dim"]:
    """Describe the rhythm of a stretch of ten seconds to some minutes.

    Parameters
    ----------
    signal
        Potential, mV.
    fs
        Sampling rate, Hz.
    rpeaks
        Sample index of each beat, ascending; at least five.

    Returns
    -------
    One number for each of `NAMES`.

    Notes
    -----
    *Intervals*: relative spread and steps, sample entropy of length one (the coefficient of Lake
    and Moorman without its rate term), correlation with the interval one and two beats earlier,
    turning points, Poincaré axes, and how much of the plane of steps is filled (Sarkar et al.'s
    idea). The same again without beats that come early or look otherwise and the intervals beside
    them ("calm"), so that ectopic beats alone do not make a rhythm irregular.

    *P waves*: how much of the activity before the QRS is common to the usual beats, how well each
    fits the mean, and the same at a free distance from R.

    *Between beats*: from the end of T to the next QRS, how large and quick the activity is, its
    share between 3.5 and 10 Hz, and how much its spectral peak moves; mean over leads.

    References
    ----------
    Lake DE, Moorman JR. Am J Physiol Heart Circ Physiol 2011;300:H319-H325.
    doi:10.1152/ajpheart.00561.2010
    Sarkar S, Ritscher D, Mehra R. IEEE Trans Biomed Eng 2008;55:1219-1224.
    doi:10.1109/TBME.2007.903707

    Examples
    --------
    >>> from precordia.generation.simulate import simulate
    >>> record = simulate("atrial-fibrillation", seconds=30, seed=1)
    >>> beats = record.carried.fiducials.r_peak.round().astype(int)
    >>> described = fibrillation_features(record.signal[1:2], record.fs, beats)
    >>> bool(described[NAMES.index("step")] > 0.15)
    True
    """
    seconds = rpeaks / fs
    x = in_one_scale(cut_beats(signal, fs, rpeaks))
    rr = intervals_s(seconds)
    usual_rr = np.nanmedian(rr) if np.isfinite(rr).any() else 0.8
    early = np.nan_to_num(rr / usual_rr, nan=1.0)
    if not x.shape[1]:
        return np.zeros(len(NAMES))
    families = find_families(x, early)
    usual = (families.member == families.usual) & (families.fit[:, families.usual] > 0.8)
    if usual.sum() < 3:
        usual = families.member == families.usual
    rr_calm = rr.copy()
    odd = ~usual
    rr_calm[odd] = np.nan
    rr_calm[1:][odd[:-1]] = np.nan
    alone = _lone_early(rr)
    rr_calm[alone] = np.nan
    rr_calm[1:][alone[:-1]] = np.nan
    return np.array(
        [
            *_intervals(rr, usual_rr),
            *_calm(rr_calm, rr),
            *_p_waves(x, families.lag, usual),
            *_between(signal, fs, rpeaks),
            float(np.median(families.fit[usual, families.usual])),
            usual.mean(),
            np.log10(rpeaks.size),
            len(np.unique(families.member)) / rpeaks.size,
            min(signal.shape[1] / fs, 60.0) / 60.0,
            float(np.median(width_ms(x[usual][:, :, BEFORE + LAG - 14 : BEFORE + LAG + 20]))) / 100,
        ]
    )


def _lone_early(rr: np.ndarray) -> np.ndarray:
    """Tell beats that come early after a steady interval and are followed by a longer one."""
    out = np.zeros(rr.size, dtype=bool)
    if rr.size < 4:
        return out
    last, next_ = np.append(np.nan, rr[:-1]), np.append(rr[1:], np.nan)
    with np.errstate(invalid="ignore"):
        out[:] = (rr < 0.88 * last) & (next_ > 1.1 * rr)
        out &= np.abs(np.append(np.nan, last[:-1]) - last) < 0.06 * last
    return out


def _steps(rr: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        step = np.log(rr[1:] / rr[:-1])
    return step[np.isfinite(step)]


def _echo(rr: np.ndarray, by: int) -> float:
    pairs = np.stack([rr[by:], rr[:-by]])
    pairs = pairs[:, np.isfinite(pairs).all(axis=0)]
    if pairs.shape[1] < 4:
        return 0.0
    pairs = pairs - pairs.mean(axis=1, keepdims=True)
    return float((pairs[0] * pairs[1]).sum() / np.sqrt((pairs**2).sum(axis=1).prod() + 1e-12))


def _entropy(rr: np.ndarray, reach: float) -> float:
    """Minus the log of how often an interval like another is followed by one like the other's."""
    first, then = rr[:-1], rr[1:]
    good = np.isfinite(first) & np.isfinite(then)
    first, then = first[good][:200], then[good][:200]
    if first.size < 4:
        return 0.0
    upper = np.triu_indices(first.size, 1)
    a = np.abs(first[:, None] - first)[upper] < reach
    b = a & (np.abs(then[:, None] - then)[upper] < reach)
    return float(np.log((a.sum() + 1.0) / (b.sum() + 0.5)))


def _intervals(rr: np.ndarray, usual: float) -> list[float]:
    known = rr[np.isfinite(rr)]
    if known.size < 3:
        return [0.0] * 14
    step = _steps(rr)
    size = np.abs(step) if step.size else np.zeros(1)
    turns = np.sign(step[1:]) != np.sign(step[:-1])
    minus, plus = rr[1:] - rr[:-1], rr[1:] + rr[:-1]
    sd1, sd2 = np.nanstd(minus), np.nanstd(plus)
    pairs = np.stack([step[1:], step[:-1]]) if step.size > 2 else np.zeros((2, 1))
    filled = {(int(a), int(b)) for a, b in np.clip(np.round(pairs / 0.06), -6, 6).T}
    apart = np.sqrt(((pairs[:, :150, None] - pairs[:, None, :150]) ** 2).sum(axis=0))
    return [
        float(np.log(usual)), min(float(known.std() / known.mean()), 1.0),
        min(float(np.sqrt((step**2).mean())), 1.0),
        min(float(np.median(size)), 0.6), float((size > 0.06).mean()), float((size > 0.15).mean()),
        _entropy(rr, 0.05 * usual), _entropy(rr, 0.15 * usual), _echo(rr, 1), _echo(rr, 2),
        float(turns.mean()) if turns.size else 0.0, min(float(sd1 / (sd2 + 1e-3)), 2.0),
        float((apart < 0.08).mean()), len(filled) / max(pairs.shape[1], 1),
    ]  # fmt: skip


def _calm(rr: np.ndarray, every: np.ndarray) -> list[float]:
    known = rr[np.isfinite(rr)]
    share = known.size / max(np.isfinite(every).sum(), 1)
    if known.size < 4:
        rr, known = every, every[np.isfinite(every)]
    step = np.abs(_steps(rr))
    step = step if step.size else np.zeros(1)
    middle = np.median(known) if known.size else 0.8
    away = np.abs(known / middle - 1.0) if known.size else np.zeros(1)
    return [
        min(float(known.std() / (known.mean() + _TINY)), 1.0) if known.size else 0.0,
        min(float(np.sqrt((step**2).mean())), 1.0),
        min(float(np.median(step)), 0.6), float((step > 0.06).mean()),
        _entropy(rr, 0.06 * middle), _echo(rr, 1), share,
        min(float(np.quantile(step, 0.75)), 0.8), min(float(np.median(away)), 0.6),
    ]  # fmt: skip


def _level(x: np.ndarray) -> np.ndarray:
    line = np.linspace(-1, 1, x.shape[-1])
    x = x - x.mean(axis=-1, keepdims=True)
    return x - (x @ line / (line @ line))[..., None] * line


def _p_waves(x: np.ndarray, lag: np.ndarray, usual: np.ndarray) -> list[float]:
    rows = np.flatnonzero(usual)[:200]
    at = LAG + lag[rows, None, None] + np.arange(_P.start, _P.stop)
    p = _level(np.take_along_axis(x[rows], np.broadcast_to(at, (len(rows), x.shape[1],
                                                                at.shape[2])), axis=2))  # fmt: skip
    mean = np.median(p, axis=0)
    size = np.sqrt((p**2).sum(axis=(1, 2))) + _TINY
    norm = np.sqrt((mean**2).sum()) + _TINY
    fit = (p * mean).sum(axis=(1, 2)) / (size * norm)
    n = len(rows)
    together = (p.sum(axis=0) ** 2).sum() - (p**2).sum()
    together /= max(n - 1, 1) * (p**2).sum() + _TINY
    qrs = x[rows][:, :, LAG + BEFORE - 14 : LAG + BEFORE + 20]
    height = np.sqrt(((qrs - qrs.mean(axis=2, keepdims=True)) ** 2).sum(axis=(1, 2))).mean()
    free = np.stack([_level(x[rows][:, :, _P.start + k : _P.stop + k]) for k in range(-4, 11, 2)])
    free_fit = (free * mean).sum(axis=(2, 3)) / (np.sqrt((free**2).sum(axis=(2, 3))) * norm + _TINY)
    best = free_fit.argmax(axis=0)
    bump = mean - np.minimum(mean[:, :1], mean[:, -1:])
    return [
        float(together), float(fit.mean()), float(np.quantile(fit, 0.2)),
        float(np.log(norm / (height + _TINY) + 0.01)), float(best.std() / 3),
        float(np.abs(bump).max() / (height + _TINY)), float(free_fit.max(axis=0).mean()),
    ]  # fmt: skip


def _between(signal: np.ndarray, fs: float, rpeaks: np.ndarray) -> list[float]:
    """Describe what goes on from the end of T to the next P or QRS, lead by lead, the mean."""
    step = max(1, round(fs / RATE_HZ))
    n = signal.shape[1] // step
    rate = fs / step
    known = np.where(np.abs(signal[:, : n * step]) < LARGEST_MV, signal[:, : n * step], 0.0)
    slow = known.reshape(signal.shape[0], n, step).mean(axis=2)
    height = np.quantile(np.abs(np.diff(slow, axis=1)), 0.995, axis=1) + _TINY
    begin, end = rpeaks[:-1] / step, rpeaks[1:] / step
    span = end - begin
    low = (begin + np.maximum(0.45 * span, 0.32 * rate)).astype(int)
    length = (end - 0.05 * rate).astype(int) - low
    kept = (length >= 0.16 * rate) & (span <= 3 * rate)
    long = kept & (length >= 0.3 * rate)
    long[np.flatnonzero(long)[_MOST_SPECTRA:]] = False
    sizes, fasts, sharp, peaks = [], [], [], []
    # stretches of one length together: there are few lengths and many stretches
    for width in np.unique(length[kept]).tolist():
        rows = np.flatnonzero(kept & (length == width))
        part = _level(slow[:, low[rows, None] + np.arange(width)])
        sizes.append(np.sqrt((part**2).mean(axis=2)))
        fasts.append(np.sqrt((np.diff(part, axis=2) ** 2).mean(axis=2)))
        if long[rows].any():
            power = np.abs(np.fft.rfft(part[:, long[rows]] * np.hanning(width), 256, axis=2)) ** 2
            hz = np.arange(power.shape[2]) * rate / 256
            band = (hz > 3.5) & (hz < 10)
            whole = power[:, :, (hz > 1.0) & (hz < 30)].sum(axis=2) + 1e-12
            sharp.append(power[:, :, band].sum(axis=2) / whole)
            peaks.append(hz[band][power[:, :, band].argmax(axis=2)])
    if not sizes:
        return [0.0] * 5
    size = np.median(np.concatenate(sizes, axis=1), axis=1)
    fast = np.median(np.concatenate(fasts, axis=1), axis=1)
    share = float(np.median(np.concatenate(sharp, axis=1), axis=1).mean()) if sharp else 0.0
    peak = float(np.std(np.concatenate(peaks, axis=1), axis=1).mean()) if peaks else 0.0
    total = [np.log(v / height + 0.01) for v in (size, fast)]
    return [
        float(total[0].mean()), share, float(total[1].mean()),
        float((np.log(fast + _TINY) - np.log(size + _TINY)).mean()),
        peak / 3.0,
    ]  # fmt: skip
