# SPDX-License-Identifier: Apache-2.0
"""Estimate and remove baseline wander."""

from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from precordia.core.errors import OptionError
from precordia.signal.filters import lowpass
from precordia.signal.gaps import bridge_gaps, check_fs, restore_gaps
from precordia.signal.resample import resample

_QRS_WINDOW_S = 0.2
_T_WINDOW_S = 0.6
_MEDIAN_FS = 50.0


def estimate_baseline(
    signal: Float[np.ndarray, "... sample"],
    fs: float,
    *,
    method: Literal["highpass", "median", "spline"] = "highpass",
    cutoff_hz: float = 0.5,
    knots: Int[np.ndarray, " beat"] | None = None,
) -> Float[np.ndarray, "... sample"]:
    """Estimate the slow wander that a recording rides on.

    ``"highpass"`` is the plain choice. ``"median"`` follows steps and drifts that a linear filter
    smears into the ST segment. ``"spline"`` leaves the waves alone altogether, at the price of
    needing one isoelectric position per beat.

    Parameters
    ----------
    signal
        Potential in millivolts; NaN where nothing was recorded.
    fs
        Sampling rate, Hz.
    method
        ``"highpass"``: what a zero-phase low-pass filter at ``cutoff_hz`` passes.
        ``"median"``: running medians of 200 and 600 ms in cascade.
        ``"spline"``: cubic spline through the signal at ``knots``.
    cutoff_hz
        Corner of ``"highpass"``, Hz.
    knots
        Isoelectric positions (of the PR segment, say), sample indices; for ``"spline"``.

    Returns
    -------
    The baseline, NaN where the signal is.

    Raises
    ------
    SignalError
        If the signal holds infinite values.
    OptionError
        If the method is unknown, or a spline has fewer than two knots within the signal.

    Notes
    -----
    *Method.* Low-pass: second-order Butterworth, forwards and backwards. Medians: de Chazal et al.
    *Departure*: they run on a copy at 50 Hz (the wander has nothing faster), and a low-pass filter
    at 2 Hz smooths the result. Spline: Meyer and Keiser; a knot is the mean over 20 ms around its
    position, and the spline stays constant beyond the outer knots.

    References
    ----------
    de Chazal P et al. IEEE Trans Biomed Eng 2004;51:1196-1206. doi:10.1109/TBME.2004.827359
    Meyer CR, Keiser HN. Comput Biomed Res 1977;10:459-470. doi:10.1016/0010-4809(77)90021-0

    Examples
    --------
    >>> drift = np.linspace(0.0, 1.0, 5000)
    >>> bool(np.abs(estimate_baseline(drift, 500, method="median") - drift).max() < 0.05)
    True
    """
    rate = check_fs(fs)
    filled, missing = bridge_gaps(signal)
    if filled.shape[-1] == 0:
        return restore_gaps(filled, missing, signal)
    if method == "highpass":
        estimate = lowpass(filled, rate, cutoff_hz, order=2)
    elif method == "median":
        estimate = _cascaded_medians(filled, rate)
    elif method == "spline":
        estimate = _spline(filled, rate, knots)
    else:
        raise OptionError(
            f"method = {method!r} arrived; 'highpass', 'median' or 'spline' was needed."
        )
    return restore_gaps(estimate, missing, signal)


def remove_baseline(
    signal: Float[np.ndarray, "... sample"],
    fs: float,
    *,
    method: Literal["highpass", "median", "spline"] = "highpass",
    cutoff_hz: float = 0.5,
    knots: Int[np.ndarray, " beat"] | None = None,
) -> Float[np.ndarray, "... sample"]:
    """Subtract the estimated baseline wander.

    Parameters
    ----------
    signal, fs, method, cutoff_hz, knots
        As in `estimate_baseline`.

    Returns
    -------
    The signal without its wander, NaN where it was missing, same float type.

    Raises
    ------
    SignalError
        As `estimate_baseline`.

    Examples
    --------
    >>> bool(np.abs(remove_baseline(np.full(5000, 2.0), 500)).max() < 1e-9)
    True
    """
    estimate = estimate_baseline(signal, fs, method=method, cutoff_hz=cutoff_hz, knots=knots)
    return (np.asarray(signal) - estimate).astype(estimate.dtype, copy=False)


def _cascaded_medians(filled: np.ndarray, fs: float) -> np.ndarray:
    from scipy.ndimage import median_filter

    n_samples = filled.shape[-1]
    rows = filled.reshape(-1, n_samples)
    coarse_fs = min(fs, _MEDIAN_FS)
    coarse = resample(rows, fs, coarse_fs)
    for seconds in (_QRS_WINDOW_S, _T_WINDOW_S):
        width = 2 * round(seconds * coarse_fs / 2) + 1
        coarse = median_filter(coarse, size=(1, width), mode="nearest")
    if coarse_fs > 4.5:
        coarse = lowpass(coarse, coarse_fs, 2.0, order=2)
    grid, coarse_grid = np.arange(n_samples) / fs, np.arange(coarse.shape[1]) / coarse_fs
    return np.stack([np.interp(grid, coarse_grid, row) for row in coarse]).reshape(filled.shape)


def _spline(filled: np.ndarray, fs: float, knots: np.ndarray | None) -> np.ndarray:
    from scipy.interpolate import CubicSpline

    n_samples = filled.shape[-1]
    positions = np.unique(np.asarray(knots if knots is not None else [], dtype=float).round())
    positions = positions[(positions >= 0) & (positions < n_samples)].astype(int)
    if positions.size < 2:
        raise OptionError(
            f"{positions.size} knots within the signal arrived; a spline needs at least 2. Pass "
            "isoelectric positions as knots=..., or choose method='highpass'."
        )
    reach = round(0.01 * fs)
    values = np.stack(
        [filled[..., max(k - reach, 0) : k + reach + 1].mean(axis=-1) for k in positions], axis=-1
    )
    ends = np.clip(np.arange(n_samples), positions[0], positions[-1])
    return CubicSpline(positions, values, axis=-1, bc_type="natural")(ends)
