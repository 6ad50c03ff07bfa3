# SPDX-License-Identifier: Apache-2.0
"""Heart-rate variability in the time and frequency domain (Task Force 1996)."""

import numpy as np
from jaxtyping import Float

BANDS_HZ = {"vlf": (0.003, 0.04), "lf": (0.04, 0.15), "hf": (0.15, 0.40)}
WINDOW_S = 300.0
HF_SPAN_S, LF_SPAN_S, VLF_SPAN_S = 60.0, 120.0, 300.0
TRIANGULAR_SPAN_S = 20 * 60.0
LONG_WINDOWS = 6
MIN_INTERVALS = 5
_BIN_MS = 1000.0 / 128.0
_NAN = float("nan")


def hrv_time(
    nn_ms: Float[np.ndarray, " beat"], end_s: Float[np.ndarray, " beat"] | None = None
) -> dict[str, float]:
    """Describe normal-to-normal intervals in the time domain.

    Parameters
    ----------
    nn_ms
        One interval per beat, ms; NaN where the interval is not between two adjacent normal beats.
        Successive differences are taken between neighbours of this array only, so NaN must stand
        wherever an interval was left out.
    end_s
        Time at which each interval ends, s. By default the running sum, NaN counted as the mean.

    Returns
    -------
    dict[str, float]
        ``n_nn``, ``nn_mean_ms``, ``sdnn_ms``, ``rmssd_ms``, ``sdsd_ms``, ``nn50``,
        ``pnn50_percent``, ``triangular_index``, ``sdann_ms``, ``sdnn_index_ms``. NaN where the
        intervals are fewer than five (differences: four), the recording is shorter than 20 min
        (triangular index) or holds fewer than six filled 5-min windows (the last two).

    Notes
    -----
    Names and definitions of the Task Force. SDs are sample SDs (n - 1). pNN50 is a percentage of
    the successive differences, as NN50 can only be counted among those. The triangular index uses
    bins of 1/128 s. SDANN and the SDNN index use consecutive 5-min windows that begin at the first
    interval; a window counts when its NN intervals fill half of it. Nothing is interpolated:
    intervals that touch an ectopic beat are left out.

    References
    ----------
    Task Force of the ESC and NASPE. Circulation 1996;93:1043-1065. doi:10.1161/01.CIR.93.5.1043

    Examples
    --------
    >>> out = hrv_time(np.array([800.0, 860.0, 800.0, 860.0, 800.0, 860.0]))
    >>> out["rmssd_ms"], out["nn50"], out["pnn50_percent"]
    (60.0, 5.0, 100.0)
    """
    names = (
        "n_nn nn_mean_ms sdnn_ms rmssd_ms sdsd_ms nn50 pnn50_percent triangular_index "
        "sdann_ms sdnn_index_ms"
    )
    out: dict[str, float] = dict.fromkeys(names.split(), _NAN)
    nn = np.asarray(nn_ms, dtype=float)
    known = np.isfinite(nn)
    kept = nn[known]
    out["n_nn"] = float(kept.size)
    if kept.size < MIN_INTERVALS:
        return out
    out["nn_mean_ms"] = float(kept.mean())
    out["sdnn_ms"] = float(kept.std(ddof=1))
    steps = np.diff(nn)
    steps = steps[np.isfinite(steps)]
    if steps.size >= MIN_INTERVALS - 1:
        out["rmssd_ms"] = float(np.sqrt(np.mean(steps**2)))
        out["sdsd_ms"] = float(steps.std(ddof=1))
        out["nn50"] = float(np.count_nonzero(np.abs(steps) > 50.0))
        out["pnn50_percent"] = 100.0 * out["nn50"] / steps.size
    end = _ends_s(nn) if end_s is None else np.asarray(end_s, dtype=float)
    span_s = _span_s(nn, end)
    if span_s >= TRIANGULAR_SPAN_S:
        counts = np.bincount((kept / _BIN_MS).astype(np.int64))
        out["triangular_index"] = float(kept.size / counts.max())
    window, n_windows = _windows(nn, end)
    if n_windows >= LONG_WINDOWS:
        n, means, sds = _per_window(kept, window, n_windows)
        full = (n >= 2) & (n * means >= 0.5 * WINDOW_S * 1000.0)
        if np.count_nonzero(full) >= LONG_WINDOWS:
            out["sdann_ms"] = float(means[full].std(ddof=1))
            out["sdnn_index_ms"] = float(sds[full].mean())
    return out


def hrv_frequency(
    nn_ms: Float[np.ndarray, " beat"], end_s: Float[np.ndarray, " beat"] | None = None
) -> dict[str, float]:
    """Describe normal-to-normal intervals in the frequency domain.

    Parameters
    ----------
    nn_ms
        As in ``hrv_time``.
    end_s
        As in ``hrv_time``.

    Returns
    -------
    dict[str, float]
        ``vlf_ms2``, ``lf_ms2``, ``hf_ms2``, ``total_power_ms2``, ``lf_nu``, ``hf_nu``, ``lf_hf``.
        NaN where the intervals span less than 60 s (HF), 120 s (LF and all that rests on it) or
        300 s (VLF, total), or fill less than half of the span.

    Notes
    -----
    Lomb-Scargle power of each window of at most 5 min after its linear trend is taken out; the mean
    over the windows is returned. The spectrum is evaluated on the grid k / T of the window (no
    oversampling), and a term of amplitude A counts A^2 / 2: the sum over a band is the variance in
    it, and the sum over all terms of an evenly sampled series is its variance. Bands: VLF 0.003 to
    0.04, LF 0.04 to 0.15, HF 0.15 to 0.40 Hz, lower bound included. Intervals beside ectopic beats
    are absent from the fit; nothing is interpolated or resampled, a departure from FFT methods that
    need an even grid. Normalised units are LF or HF as a percentage of LF + HF.

    References
    ----------
    Task Force of the ESC and NASPE. Circulation 1996;93:1043-1065. doi:10.1161/01.CIR.93.5.1043
    Lomb NR. Astrophys Space Sci 1976;39:447-462. doi:10.1007/BF00648343
    Laguna P, Moody GB, Mark RG. IEEE Trans Biomed Eng 1998;45:698-715. doi:10.1109/10.678605

    Examples
    --------
    >>> beats = np.arange(300.0)
    >>> out = hrv_frequency(1000 + 20 * np.sin(2 * np.pi * 0.1 * beats), beats)
    >>> bool(abs(out["lf_ms2"] - 200.0) < 1)
    True
    """
    names = "vlf_ms2 lf_ms2 hf_ms2 total_power_ms2 lf_nu hf_nu lf_hf"
    out: dict[str, float] = dict.fromkeys(names.split(), _NAN)
    nn = np.asarray(nn_ms, dtype=float)
    end = _ends_s(nn) if end_s is None else np.asarray(end_s, dtype=float)
    span_s = _span_s(nn, end)
    # The span of a 5-min recording is a beat or so short of 300 s: one RR of tolerance.
    if not span_s + 3.0 >= HF_SPAN_S or np.nansum(nn) < 500.0 * span_s:
        return out
    known = np.isfinite(nn)
    kept, at = nn[known], end[known]
    window, n_windows = _windows(nn, end)
    if n_windows == 0:
        window, n_windows, length_s = np.zeros(kept.size, dtype=np.int64), 1, span_s
    else:
        length_s = WINDOW_S
    powers = []
    for k in range(n_windows):
        inside = window == k
        y, t = kept[inside], at[inside]
        if y.size >= 30 and y.sum() >= 500.0 * length_s:
            powers.append(_band_powers(t, y, length_s))
    if not powers:
        return out
    vlf, lf, hf, total = np.mean(powers, axis=0)
    out["hf_ms2"] = float(hf)
    if span_s + 3.0 >= LF_SPAN_S:
        out["lf_ms2"] = float(lf)
        if lf + hf > 0:
            out["lf_nu"] = float(100.0 * lf / (lf + hf))
            out["hf_nu"] = float(100.0 * hf / (lf + hf))
        if hf > 0:
            out["lf_hf"] = float(lf / hf)
    if span_s + 3.0 >= VLF_SPAN_S:
        out["vlf_ms2"] = float(vlf)
        out["total_power_ms2"] = float(total)
    return out


def _ends_s(nn: np.ndarray) -> np.ndarray:
    mean = np.nanmean(nn) if np.isfinite(nn).any() else 0.0
    return np.cumsum(np.where(np.isfinite(nn), nn, mean)) / 1000.0


def _span_s(nn: np.ndarray, end: np.ndarray) -> float:
    """From the start of the first NN interval to the end of the last."""
    known = np.flatnonzero(np.isfinite(nn) & np.isfinite(end))
    if not known.size:
        return 0.0
    return float(end[known[-1]] - end[known[0]] + nn[known[0]] / 1000.0)


def _windows(nn: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, int]:
    """Tell in which 5-min window each known interval ends; only whole windows count."""
    known = np.isfinite(nn) & np.isfinite(end)
    at = end[known]
    if not at.size:
        return np.zeros(0, dtype=np.int64), 0
    start = at[0] - nn[known][0] / 1000.0
    return ((at - start) / WINDOW_S).astype(np.int64), int((at[-1] - start + 3.0) // WINDOW_S)


def _per_window(
    values: np.ndarray, window: np.ndarray, n_windows: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count, mean and sample SD of the values of each window."""
    inside = window < n_windows
    values, window = values[inside], window[inside]
    n = np.bincount(window, minlength=n_windows).astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.bincount(window, values, n_windows) / n
        squares = np.bincount(window, (values - means[window]) ** 2, n_windows)
        return n, means, np.sqrt(squares / (n - 1))


def _band_powers(t: np.ndarray, y: np.ndarray, length_s: float) -> tuple[float, ...]:
    t = t - t.mean()
    y = y - y.mean()
    y = y - t * (t @ y) / (t @ t)
    freqs = np.arange(1, int(0.40 * length_s + 1e-9) + 1) / length_s
    phase = np.outer(2 * np.pi * freqs, t)
    tau = np.arctan2(np.sin(2 * phase).sum(1), np.cos(2 * phase).sum(1)) / 2
    phase -= tau[:, None]
    cos, sin = np.cos(phase), np.sin(phase)
    # Least-squares amplitude of each phase; a term of amplitude A carries the power A^2 / 2.
    with np.errstate(invalid="ignore", divide="ignore"):
        a = np.nan_to_num((cos @ y) / (cos**2).sum(1))
        b = np.nan_to_num((sin @ y) / (sin**2).sum(1))
    power = (a**2 + b**2) / 2
    bands = [power[(freqs >= lo) & (freqs < hi)].sum() for lo, hi in BANDS_HZ.values()]
    return (*bands, power.sum())
