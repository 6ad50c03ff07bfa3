# SPDX-License-Identifier: Apache-2.0
"""Q, R and S peaks inside QRS complexes whose bounds are known."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from precordia.delineation.waves import OFFSET, ONSET, PEAK

_MIN_DEFLECTION_MV = 0.02  # IEC 60601-2-51: the smallest deflection that is a wave
_MIN_SHARE = 0.04
_EXACT_MS = 6.0
_BEATS_AT_ONCE = 2048
_R_BEFORE_S = 1.6


def locate_deflections(
    signal: Float[np.ndarray, "lead sample"], qrs: Float[np.ndarray, "lead beat 4"], fs: float
) -> Float[np.ndarray, "3 lead beat"]:
    """Find the Q, R and S peak of each QRS complex of each lead.

    Parameters
    ----------
    signal
        Millivolt; NaN where missing.
    qrs
        QRS of each lead and beat: onset, peak, offset, confidence. NaN where the lead has none.
    fs
        Sampling rate, Hz.

    Returns
    -------
    Sample index of Q, R and S (first axis). NaN where there is no such deflection.

    Notes
    -----
    Deflections are heights over the chord from onset to offset, so that a raised or sunken J point
    is neither R nor S; they are then moved to the extremum of the signal itself within 6 ms. R is
    the highest positive deflection of at least 20 uV (IEC 60601-2-51) and 4 % of the whole complex;
    Q the deepest negative one before it if nothing positive precedes; S the deepest negative one
    after it. A complex without a positive deflection (QS) has neither Q nor S: its R peak is its
    main deflection, so that every QRS has an R peak to count by. In rSR' the R peak is the higher
    of the two, and an S between them counts only if r is the higher.

    Examples
    --------
    >>> x = np.zeros((1, 100), np.float32)
    >>> x[0, 40], x[0, 45], x[0, 50] = -0.1, 1.0, -0.3
    >>> locate_deflections(x, np.array([[[35.0, 45.0, 55.0, 1.0]]]), 500.0).ravel()
    array([40., 45., 50.])
    """
    n_leads, n_rows = qrs.shape[:2]
    out = np.full((3, n_leads, n_rows), np.nan)
    for a in range(0, n_rows, _BEATS_AT_ONCE):
        part = qrs[:, a : a + _BEATS_AT_ONCE]
        lead, row = np.nonzero(np.isfinite(part[..., PEAK]))
        if len(lead):
            out[:, lead, a + row] = _of_complexes(signal, lead, part[lead, row], fs)
    return out


def locate_joint_peak(
    signal: Float[np.ndarray, "lead sample"],
    onset: Float[np.ndarray, " beat"],
    offset: Float[np.ndarray, " beat"],
) -> Float[np.ndarray, " beat"]:
    """Find one R-peak for all leads: where their deflections are largest together.

    Parameters
    ----------
    signal
        Millivolt; NaN where missing.
    onset, offset
        Bounds of each QRS complex over all leads; NaN where there is none.

    Returns
    -------
    Sample index of each, NaN where the bounds are.

    Notes
    -----
    The sum over leads of the absolute height over the chord from onset to offset. In a record of
    one lead a positive deflection is preferred to a negative one that is up to 1.6 times as large.

    Examples
    --------
    >>> x = np.zeros((2, 100), np.float32)
    >>> x[:, 50] = 1.0, -0.5
    >>> locate_joint_peak(x, np.array([40.0]), np.array([60.0]))
    array([50.])
    """
    out = np.full(len(onset), np.nan)
    rows = np.flatnonzero(np.isfinite(onset) & np.isfinite(offset))
    for a in range(0, len(rows), _BEATS_AT_ONCE):
        some = rows[a : a + _BEATS_AT_ONCE]
        out[some] = _joint_peak(signal, onset[some], offset[some])
    return out


def _bounds(onset, offset, n):
    on = np.clip(np.rint(onset), 0, n - 1).astype(np.int64)
    return on, np.clip(np.rint(offset), on, n - 1).astype(np.int64) - on


def _joint_peak(signal, onset, offset):
    n = signal.shape[1]
    on, span = _bounds(onset, offset, n)
    at = np.arange(int(span.max()) + 1)
    y = signal[:, np.minimum(on[:, None] + at, n - 1)]
    first = y[..., :1]
    last = np.take_along_axis(y, span[None, :, None], axis=-1)
    y = y - first - (last - first) * (at / np.maximum(span, 1)[:, None]).astype(np.float32)
    if len(y) == 1:
        y = np.where(y > 0, _R_BEFORE_S * y, y)
    np.abs(y, out=y)
    total = np.add.reduce(y, axis=0) if np.isfinite(y[:, :, 0]).all() else np.nansum(y, axis=0)
    total[at > span[:, None]] = -1.0
    return (on + np.argmax(np.nan_to_num(total, copy=False), axis=-1)).astype(float)


def _of_complexes(signal, lead, waves, fs):
    """Q, R and S of single complexes, as (3, wave)."""
    n = signal.shape[1]
    peak = waves[:, PEAK]
    on, span = _bounds(
        np.where(np.isfinite(waves[:, ONSET]), waves[:, ONSET], peak),
        np.where(np.isfinite(waves[:, OFFSET]), waves[:, OFFSET], peak),
        n,
    )
    k = np.arange(len(on))
    at = np.arange(int(span.max()) + 1)
    raw = signal[lead[:, None], np.minimum(on[:, None] + at, n - 1)]
    slope = (raw[k, span] - raw[:, 0]) / np.maximum(span, 1)
    y = raw - raw[:, :1] - slope[:, None] * at
    y[at > span[:, None]] = 0.0
    np.nan_to_num(y, copy=False, nan=0.0)
    high, low = np.argmax(y, axis=1), np.argmin(y, axis=1)
    least = np.maximum(_MIN_DEFLECTION_MV, _MIN_SHARE * (y[k, high] - y[k, low]))
    upward = y[k, high] >= least
    main = np.where(upward, high, low)
    before = np.where(at < main[:, None], y, 0)
    q = np.argmin(before, axis=1)
    no_r_yet = np.where(at < q[:, None], y, 0).max(axis=1) < least
    after = np.where(at > main[:, None], y, 0)
    s = np.argmin(after, axis=1)
    down = np.full(len(on), -1.0)
    out = _exact(
        raw,
        np.stack([q, main, s]),
        np.stack([down, np.where(upward, 1.0, -1.0), down]),
        span,
        max(1, round(_EXACT_MS * fs / 1000)),
    )
    out += on
    out[0, ~(upward & (before[k, q] <= -least) & no_r_yet)] = np.nan
    out[2, ~(upward & (after[k, s] <= -least))] = np.nan
    nothing = y[k, high] <= y[k, low]
    out[1, nothing] = peak[nothing]
    return out


def _exact(raw, index, sign, span, reach):
    """Move each index (3, wave) to the extremum of the signal near it, inside the complex."""
    i = index[..., None] + np.arange(-reach, reach + 1)
    rows = np.arange(len(raw))[:, None]
    v = raw[rows, np.clip(i, 0, raw.shape[1] - 1)] * sign[..., None]
    v[(i <= 0) | (i >= span[:, None]) | ~np.isfinite(v)] = -np.inf
    best = np.argmax(v, axis=-1)
    lost = ~np.isfinite(np.take_along_axis(v, best[..., None], -1)[..., 0])
    return np.where(lost, index, index + best - reach).astype(float)
