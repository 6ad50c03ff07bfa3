# SPDX-License-Identifier: Apache-2.0
"""R-peaks of a recording, jointly over its leads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from precordia.core.errors import LeadError, SamplingRateError, SignalError

if TYPE_CHECKING:
    from precordia.core.record import Record

_WORK_HZ = 125.0
_FLOOR_MV = 0.02


def detect_rpeaks(record: Record, *, lead: str | Sequence[str] | None = None) -> Int[np.ndarray, " beat"]:
    """Find the R-peak of every beat, jointly over all leads.

    Parameters
    ----------
    record
        The recording: 1 to many leads, 50 Hz or faster.
    lead
        Name of one lead, or names of several, to look at. All leads by default.

    Returns
    -------
    Sample index of each beat at the record's own rate, ascending. Empty where nothing beats.

    Raises
    ------
    LeadError
        If the record has no lead of that name.
    """
    signal = record.signal
    if lead is not None:
        wanted = (lead,) if isinstance(lead, str) else tuple(lead)
        names = list(record.leads)
        for name in wanted:
            if name not in names:
                raise LeadError(
                    f"lead {name!r} was asked for; this record has {', '.join(names)}. "
                    "Choose among these, or leave lead out to use all of them."
                )
        signal = signal[[names.index(name) for name in wanted]]
    return rpeaks_of_signal(signal, record.fs)


def rpeaks_of_signal(
    signal: Float[np.ndarray, "lead sample"], fs: float
) -> Int[np.ndarray, " beat"]:
    """Find R-peaks in an array of leads.

    Parameters
    ----------
    signal
        Millivolt; NaN where missing.
    fs
        Sampling rate, Hz; at least 50.

    Returns
    -------
    Sample index of each beat, ascending. Empty where nothing beats.
    """
    signal = np.asarray(signal)
    if signal.ndim == 1:
        signal = signal[None]
    if signal.ndim != 2:
        raise SignalError(
            f"an array of {signal.ndim} dimensions arrived; R-peaks need (lead, sample). Reshape it."
        )
    if not fs >= 50:
        raise SamplingRateError(
            f"fs = {fs} Hz arrived; R-peaks need 50 Hz or more. Check the rate of the recording."
        )
    fs = float(fs)
    if signal.shape[1] < 0.5 * fs or not signal.shape[0]:
        return np.zeros(0, np.int64)
    x = _without_gaps(signal)
    q = max(1, round(fs / _WORK_HZ))
    rate = fs / q
    n = x.shape[1] // q
    y = x[:, : n * q].reshape(x.shape[0], n, q).mean(2)
    slope = np.zeros_like(y)
    slope[:, 2:-2] = y[:, 4:] + y[:, 3:-1] - y[:, 1:-3] - y[:, :-4]
    half = round(0.04 * rate)
    energy = np.abs(slope)
    total = np.zeros(n)
    for row in energy:
        c = np.concatenate([[0.0], np.cumsum(row, dtype=float)])
        env = np.zeros(n)
        env[half : n - half] = (c[2 * half + 1 :] - c[: n - 2 * half]) / (2 * half + 1)
        top = np.sort(env)[-max(1, n // 40)]
        if top < _FLOOR_MV:
            continue
        mid = np.median(env)
        weight = 1.0 / (mid + 0.1 * top) if len(energy) > 1 else 1.0
        total += weight * env / (top if len(energy) > 1 else 1.0)
    reach = round(0.1 * rate)
    pad = np.pad(total, reach, constant_values=-1.0)
    peak = np.lib.stride_tricks.sliding_window_view(pad, 2 * reach + 1).max(1)
    at = np.flatnonzero((total == peak) & (total > (_FLOOR_MV if len(energy) == 1 else 1e-6)))
    if not len(at):
        return np.zeros(0, np.int64)
    keep = _keep(at / rate, total[at])
    return _place(x, at[keep] * q + q // 2, fs)


def _without_gaps(signal):
    x = np.asarray(signal, dtype=np.float32)
    if np.isfinite(x.sum()):
        return x
    x = x.copy()
    grid = np.arange(x.shape[1])
    for row in x:
        ok = np.isfinite(row)
        row[~ok] = np.interp(grid[~ok], grid[ok], row[ok]) if ok.any() else 0.0
    return x


def _keep(t, height):
    """Rules: height against the neighbours', and the T wave's place."""
    out: list[int] = []
    for i in range(len(t)):
        near = np.abs(t - t[i]) < 4.0
        top = np.sort(height[near])
        seconds = min(8.0, t[near][-1] - t[near][0] + 1.0)
        ref = np.median(top[-max(2, int(seconds)) :])
        if height[i] < 0.3 * ref:
            continue
        if out:
            gap = t[i] - t[out[-1]]
            if gap < 0.2:
                if height[i] > height[out[-1]]:
                    out[-1] = i
                continue
            if gap < 0.36 and height[i] < 0.5 * height[out[-1]]:
                continue
        out.append(i)
    return np.array(out, dtype=np.int64)


def _place(x, at, fs):
    """Move each beat to the dominant deflection within 80 ms, an R preferred to a slightly larger S."""
    half = round(0.08 * fs)
    index = np.clip(at[:, None] + np.arange(-half, half + 1), 0, x.shape[1] - 1)
    if x.shape[0] > 1:
        score = np.zeros(index.shape)
        for row in x:
            w = row[index]
            scale = np.median(np.ptp(w, axis=1))
            if scale > _FLOOR_MV:
                score += np.abs(w - np.median(w, axis=1, keepdims=True)) / scale
    else:
        w = x[0][index]
        w = w - np.median(w, axis=1, keepdims=True)
        score = np.where(w > 0, 1.6 * w, -w)
    best = index[np.arange(len(at)), score.argmax(1)]
    return np.unique(best).astype(np.int64)
