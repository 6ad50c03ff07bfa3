# SPDX-License-Identifier: Apache-2.0
"""Heights, depths, areas and durations of the waves of one lead."""

from math import isfinite

import numpy as np
from jaxtyping import Float

MIN_WAVE_MV, MIN_WAVE_MS = 0.02, 6.0
_NAN = float("nan")
_QRS = dict.fromkeys(
    [
        "q_mv",
        "r_mv",
        "s_mv",
        "r_prime_mv",
        "s_prime_mv",
        "qs_mv",
        "q_ms",
        "r_ms",
        "s_ms",
        "r_prime_ms",
        "qrs_peak_to_peak_mv",
        "qrs_area_mv_ms",
        "r_peak_time_ms",
    ],
    _NAN,
)
_P = dict.fromkeys(
    ["p_mv", "p_positive_mv", "p_negative_mv", "p_area_mv_ms", "p_ms", "p_terminal_mv_ms"], _NAN
)
_T = dict.fromkeys(["t_mv", "t_positive_mv", "t_negative_mv", "t_area_mv_ms"], _NAN)


def measure_qrs(
    trace: Float[np.ndarray, " sample"], onset: float, offset: float, fs: float
) -> dict[str, float]:
    """Name and measure the deflections of a QRS complex.

    Parameters
    ----------
    trace
        One lead, mV, its isoelectric level at zero.
    onset, offset
        Bounds of the QRS complex in this lead, samples.
    fs
        Sampling rate, Hz.

    Returns
    -------
    dict[str, float]
        ``q_mv r_mv s_mv r_prime_mv s_prime_mv qs_mv`` (signed), ``q_ms r_ms s_ms r_prime_ms``,
        ``qrs_peak_to_peak_mv``, ``qrs_area_mv_ms`` (net) and ``r_peak_time_ms`` (onset to the last
        R or R' peak). A deflection that is not there is NaN.

    Notes
    -----
    A deflection is a run of one sign of at least 20 uV and 6 ms, as IEC 60601-2-25 asks. Q is the
    first when negative, R the first positive, S the first negative after R, R' and S' the next
    ones. Without any positive deflection the complex is QS, given as ``qs_mv`` and ``q_mv``. A last
    run that only rises towards its end is the beginning of a displaced ST segment and not a
    deflection; likewise a first run that only falls from its beginning.

    Examples
    --------
    >>> x = np.concatenate([-0.1 * np.hanning(12), np.hanning(24), -0.3 * np.hanning(16)])
    >>> out = measure_qrs(x, 0.0, 52.0, 500.0)
    >>> round(out["q_mv"], 1), round(out["r_mv"], 1), round(out["s_mv"], 1)
    (-0.1, 1.0, -0.3)
    """
    out = _QRS.copy()
    a, b = bounds(onset, offset, trace.size)
    if b - a < 3:
        return out
    x = trace[a:b]
    area = float(x.sum())
    if not isfinite(area):
        return out
    out["qrs_peak_to_peak_mv"] = float(x.max() - x.min())
    out["qrs_area_mv_ms"] = area * 1000.0 / fs
    waves = _deflections(x, fs)
    if not waves:
        return out
    ms = 1000.0 / fs
    signs = [height > 0 for height, _, _ in waves]
    if not any(signs):
        height = min(height for height, _, _ in waves)
        out["qs_mv"] = out["q_mv"] = height
        out["q_ms"] = sum(length for _, length, _ in waves) * ms
        return out
    names = ["r", "s", "r_prime", "s_prime"] if signs[0] else ["q", "r", "s", "r_prime", "s_prime"]
    for name, (height, length, peak) in zip(names, waves, strict=False):
        out[f"{name}_mv"] = height
        if f"{name}_ms" in out:
            out[f"{name}_ms"] = length * ms
        if name in ("r", "r_prime"):
            out["r_peak_time_ms"] = (a + peak - onset) * ms
    return out


def measure_p(
    trace: Float[np.ndarray, " sample"], onset: float, offset: float, level_at: float, fs: float
) -> dict[str, float]:
    """Measure a P wave.

    Parameters
    ----------
    trace
        One lead, mV.
    onset, offset
        Bounds of the P wave in this lead, samples.
    level_at
        QRS onset, samples: the far end of the line against which P is measured.
    fs
        Sampling rate, Hz.

    Returns
    -------
    dict[str, float]
        ``p_mv``, ``p_positive_mv``, ``p_negative_mv``, ``p_area_mv_ms`` (net), ``p_ms`` and
        ``p_terminal_mv_ms``: the negative area after the last positive part, as in V1.

    Notes
    -----
    The reference is the straight line from the P onset to the QRS onset. A part counts from 20 uV.

    Examples
    --------
    >>> x = np.concatenate([np.zeros(10), 0.1 * np.hanning(51), np.zeros(30)])
    >>> round(measure_p(x, 10.0, 61.0, 85.0, 500.0)["p_mv"], 2)
    0.1
    """
    out = _P.copy()
    a, b = bounds(onset, offset, trace.size)
    if b - a < 5:
        return out
    end = level_at if isfinite(level_at) and level_at > b else float(b)
    start_mv = _level(trace, float(a), fs)
    end_mv = _level(trace, end, fs)
    x = trace[a:b] - (start_mv + (end_mv - start_mv) * (np.arange(a, b) - a) / max(end - a, 1.0))
    area = float(x.sum())
    if not isfinite(area):
        return out
    out["p_ms"] = (offset - onset) * 1000.0 / fs
    _both_signs(out, x, "p")
    out["p_area_mv_ms"] = area * 1000.0 / fs
    low = int(x.argmin())
    if x[low] <= -MIN_WAVE_MV:
        before = np.flatnonzero(x[:low] > 0)
        tail = x[before[-1] + 1 :] if before.size else x
        out["p_terminal_mv_ms"] = float(np.minimum(tail, 0.0).sum()) * 1000.0 / fs
    else:
        out["p_terminal_mv_ms"] = 0.0
    return out


def measure_t(
    trace: Float[np.ndarray, " sample"], onset: float, offset: float, fs: float
) -> dict[str, float]:
    """Measure a T wave against the isoelectric level before the QRS.

    Parameters
    ----------
    trace
        One lead, mV, its isoelectric level at zero.
    onset, offset
        Bounds of the T wave in this lead, samples.
    fs
        Sampling rate, Hz.

    Returns
    -------
    dict[str, float]
        ``t_mv`` (the larger part with its sign), ``t_positive_mv``, ``t_negative_mv`` and
        ``t_area_mv_ms`` (net).

    Notes
    -----
    A part counts from 20 uV.

    Examples
    --------
    >>> x = np.concatenate([np.zeros(10), -0.3 * np.hanning(101), np.zeros(10)])
    >>> round(measure_t(x, 10.0, 111.0, 500.0)["t_mv"], 2)
    -0.3
    """
    out = _T.copy()
    a, b = bounds(onset, offset, trace.size)
    x = trace[a:b]
    area = float(x.sum())
    if b - a < 5 or not isfinite(area):
        return out
    _both_signs(out, x, "t")
    out["t_area_mv_ms"] = area * 1000.0 / fs
    return out


def bounds(onset: float, offset: float, n: int) -> tuple[int, int]:
    """Turn an onset and an offset into a slice.

    Parameters
    ----------
    onset, offset
        First and last sample of a wave, NaN where absent.
    n
        Samples that there are.

    Returns
    -------
    tuple[int, int]
        First sample and the one after the last; equal where the wave is absent.

    Examples
    --------
    >>> bounds(2.4, 5.0, 10), bounds(float("nan"), 5.0, 10)
    ((2, 6), (0, 0))
    """
    if not (isfinite(onset) and isfinite(offset)) or offset <= onset:
        return 0, 0
    return max(0, round(onset)), min(n, round(offset) + 1)


def _both_signs(out: dict[str, float], x: np.ndarray, wave: str) -> None:
    high, low = float(x.max()), float(x.min())
    if high >= MIN_WAVE_MV:
        out[f"{wave}_positive_mv"] = high
    if low <= -MIN_WAVE_MV:
        out[f"{wave}_negative_mv"] = low
    if max(high, -low) >= MIN_WAVE_MV:
        out[f"{wave}_mv"] = high if high >= -low else low


def _level(trace: np.ndarray, at: float, fs: float) -> float:
    """Mean over 8 ms that end at a position."""
    stop = min(trace.size, round(at) + 1)
    return float(trace[max(0, stop - max(1, round(0.008 * fs))) : stop].mean())


def _deflections(x: np.ndarray, fs: float) -> list[tuple[float, int, int]]:
    """Height, length and peak of each run of one sign, alternating in sign."""
    positive = x > 0
    edges = np.flatnonzero(positive[1:] != positive[:-1]) + 1
    runs = list(zip([0, *edges.tolist()], [*edges.tolist(), x.size], strict=True))
    least = MIN_WAVE_MS * fs / 1000.0
    out: list[tuple[float, int, int]] = []
    for k, (a, b) in enumerate(runs):
        piece = x[a:b]
        peak = int(piece.argmax() if positive[a] else piece.argmin())
        height = float(piece[peak])
        if abs(height) < MIN_WAVE_MV or b - a < least:
            continue
        leans_out = (k == 0 and peak == 0) or (k == len(runs) - 1 and peak >= b - a - 1)
        if leans_out and len(runs) > 1:
            continue
        if out and (out[-1][0] > 0) == (height > 0):
            # What lay between was too small to count: one deflection.
            last = out.pop()
            higher = last if abs(last[0]) >= abs(height) else (height, b - a, a + peak)
            out.append((higher[0], last[1] + b - a, higher[2]))
            continue
        out.append((height, b - a, a + peak))
    return out
