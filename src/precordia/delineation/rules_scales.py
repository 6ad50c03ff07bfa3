# SPDX-License-Identifier: Apache-2.0
"""What the rules look at: slope and curvature of the signal at a chosen scale, cut into beats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Num

Leads = Float[np.ndarray, "lead sample"]


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock of the working signal.

    Attributes
    ----------
    fs
        Working rate, Hz: 200 to 375.
    first, step
        A working position p is sample ``first + step * p`` of the record.
    """

    fs: float
    first: float
    step: float

    def samples(self, ms: int | float) -> int:
        """Return a duration in working samples, at least one."""
        return max(1, round(ms * self.fs / 1000))


def working_signal(
    signal: Leads, fs: float
) -> tuple[Float[np.ndarray, "lead _"], Bool[np.ndarray, "lead _"], Clock]:
    """Bring a signal to 200..375 Hz with its gaps bridged by straight lines.

    Parameters
    ----------
    signal
        Millivolt; NaN where missing.
    fs
        Sampling rate, Hz.

    Returns
    -------
    The working signal, where it had gaps, and its clock. Blocks of samples are averaged (fast
    rates) or points put in between on straight lines (slow rates); the clock knows the half-block
    shift, so that there is no delay.

    Examples
    --------
    >>> working_signal(np.zeros((2, 5000)), 500.0)[2]
    Clock(fs=250.0, first=0.5, step=2.0)
    """
    bad = ~np.isfinite(signal)
    x = np.where(bad, np.float32(0), signal).astype(np.float64)
    n = x.shape[1]
    if bad.any():
        at = np.arange(n)
        for row, gap in zip(x, bad, strict=True):
            if gap.any() and not gap.all():
                row[gap] = np.interp(at[gap], at[~gap], row[~gap])
    down = max(1, round(fs / 250))
    up = int(np.ceil(200 / fs)) if fs < 200 else 1
    if down > 1:
        m = n // down
        x = x[:, : m * down].reshape(len(x), m, down).mean(axis=2)
        bad = bad[:, : m * down].reshape(len(x), m, down).any(axis=2)
    elif up > 1:
        fine = np.arange((n - 1) * up + 1) / up
        x = np.stack([np.interp(fine, np.arange(n), row) for row in x])
        bad = bad[:, np.rint(fine).astype(int)]
    return x, bad, Clock(fs * up / down, (down - 1) / 2, down / up)


def smooth(x: Leads, width: int) -> Leads:
    """Return the moving mean of a moving mean, each over an odd number of samples."""
    return _moving_mean(_moving_mean(x, width), width)


def _moving_mean(x, width):
    width |= 1
    if width < 3:
        return x
    h = width // 2
    held = np.concatenate(
        [np.repeat(x[..., :1], h + 1, -1), x, np.repeat(x[..., -1:], h, -1)], axis=-1
    )
    c = np.cumsum(held, axis=-1)
    return (c[..., width:] - c[..., :-width]) / width


def _shift(x, by):
    """Return x[i + by], the ends held."""
    return x[..., np.clip(np.arange(x.shape[-1]) + by, 0, x.shape[-1] - 1)]


def slope(x: Leads, width: int, span: int) -> Leads:
    """Return the rise over ``2 * span`` samples of the smoothed signal.

    Examples
    --------
    >>> slope(np.arange(20.0)[None], 3, 2)[0, 10]
    np.float64(4.0)
    """
    y = smooth(x, width)
    return _shift(y, span) - _shift(y, -span)


def hat(x: Leads, width: int, span: int) -> Leads:
    """Return the height of the smoothed signal over its mean ``span`` samples to both sides."""
    y = smooth(x, width)
    return y - 0.5 * (_shift(y, span) + _shift(y, -span))


def spread(x: Leads, h: int) -> Leads:
    """Return the largest of 2 h + 1 samples around each."""
    out = x.copy()
    for j in range(1, h + 1):
        np.maximum(out[..., j:], x[..., :-j], out=out[..., j:])
        np.maximum(out[..., :-j], x[..., j:], out=out[..., :-j])
    return out


def windows(
    x: Float[np.ndarray, "*lead sample"], start: Int[np.ndarray, "*beat"], width: int
) -> Float[np.ndarray, "*window"]:
    """Cut windows that begin at ``start``: (beat,) for all leads or (lead, beat); ends are held."""
    i = np.clip(start[..., None] + np.arange(width), 0, x.shape[-1] - 1)
    if start.ndim == 1:
        return x[..., i]
    return np.take_along_axis(x, i.reshape(len(x), -1), axis=-1).reshape(*start.shape, width)


def likeness(x: Leads, start: Int[np.ndarray, " beat"], width: int) -> Float[np.ndarray, " beat"]:
    """Correlate the window of each beat with the median of all, over all leads together.

    Examples
    --------
    >>> likeness(np.tile(np.bartlett(20), 5)[None], np.arange(0, 100, 20), 20).round(3)
    array([1., 1., 1., 1., 1.])
    """
    w = windows(x, start, width)
    w = w - w.mean(axis=-1, keepdims=True)
    typical = np.median(w, axis=1, keepdims=True)
    norm = np.sqrt((w**2).sum((0, 2)) * (typical**2).sum() + 1e-12)
    return (w * typical).sum((0, 2)) / norm


def last(mask: Bool[np.ndarray, "*beat sample"]) -> Int[np.ndarray, "*beat"]:
    """Return the index of the last True along the last axis, -1 where there is none."""
    n = mask.shape[-1]
    return np.where(mask.any(-1), n - 1 - np.argmax(mask[..., ::-1], axis=-1), -1)


def first(mask: Bool[np.ndarray, "*beat sample"]) -> Int[np.ndarray, "*beat"]:
    """Return the index of the first True along the last axis, its length where there is none."""
    return np.where(mask.any(-1), np.argmax(mask, axis=-1), mask.shape[-1])


def median_seen(table: Float[np.ndarray, "lead beat"]) -> Float[np.ndarray, " beat"]:
    """Return the median over the first axis without NaN; NaN where there is nothing.

    Examples
    --------
    >>> median_seen(np.array([[1.0, np.nan], [3.0, np.nan]]))
    array([ 2., nan])
    """
    ranked = np.sort(table, axis=0)  # NaN last
    last = np.maximum(np.isfinite(ranked).sum(axis=0) - 1, 0)
    k = np.arange(table.shape[1])
    return 0.5 * (ranked[last // 2, k] + ranked[(last + 1) // 2, k])


def bump_edges(
    y: Leads,
    peak: Int[np.ndarray, "lead beat"],
    sign: Float[np.ndarray, "lead beat"],
    clock: Clock,
    *,
    reach_ms: int | float,
    share: tuple[float, float],
    between: tuple[Num[np.ndarray, " beat"], Num[np.ndarray, " beat"]],
) -> Float[np.ndarray, "3 lead beat"]:
    """Find onset, peak and offset of bumps.

    Parameters
    ----------
    y
        Smoothed working signal.
    peak
        About where each bump is highest (or deepest).
    sign
        +1 for an upright bump, -1 for an inverted one.
    clock
        The working clock.
    reach_ms
        How far from the peak a bound may lie.
    share
        Shares of the steepest slope of the rising and of the falling flank at which the bump begins
        and ends.
    between
        Bounds that no bump may cross.

    Returns
    -------
    Onset, peak and offset in working samples.
    """
    reach, near = clock.samples(reach_ms), clock.samples(20)
    rise = _shift(y, clock.samples(8)) - _shift(y, -clock.samples(8))
    around = windows(y, peak - near, 2 * near + 1) * sign[..., None]
    fine = peak - near + np.argmax(around, axis=-1)
    steps = np.arange(reach + 1)
    out = []
    for way in (-1, 1):
        # walk away from the peak to the steepest place of the flank, then on to its foot
        if way < 0:
            flank = windows(rise, fine - reach, reach + 1)[..., ::-1] * sign[..., None]
            allowed = fine[..., None] - steps >= between[0][:, None]
        else:
            flank = -windows(rise, fine, reach + 1) * sign[..., None]
            allowed = fine[..., None] + steps <= between[1][:, None]
        flank = np.where(allowed, flank, -np.inf)
        steepest = np.argmax(flank, axis=-1)[..., None]
        low = flank < share[way > 0] * np.take_along_axis(flank, steepest, -1)
        foot = first(low & (steps > steepest))
        out.append(fine + way * np.minimum(foot - 0.5, reach))
    onset, offset = np.maximum(out[0], between[0]), np.minimum(out[1], between[1])
    return np.stack([onset, fine.astype(float), offset])
