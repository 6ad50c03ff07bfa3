# SPDX-License-Identifier: Apache-2.0
"""When each beat comes, beside its neighbours, its minute and its recording."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

NAMES = (
    *("pre", "post", "before_last", "after_next"),
    *("pre_of_usual", "pre_of_long", "pre_of_minutes", "pre_of_few", "pre_of_last"),
    *("post_of_pre", "pair", "pair_of_minutes", "post_of_long"),
    *("pre_s", "usual_s", "step", "spread", "irregular", "pre_of_next"),
)
_LIMIT = 1.5
_LONGEST_S = 4.0
#: beats that are farther apart than this have no interval between them
NO_INTERVAL_S = 3 * _LONGEST_S


def running(x: np.ndarray, reach: int, share: float | None = None) -> np.ndarray:
    """Mean (or a quantile) of the known values up to ``reach`` places away on either side."""
    n = x.size
    if share is None:
        known = np.isfinite(x)
        total = np.concatenate([[0.0], np.cumsum(np.where(known, x, 0.0))])
        count = np.concatenate([[0.0], np.cumsum(known)])
        low = np.maximum(np.arange(n) - reach, 0)
        high = np.minimum(np.arange(n) + reach + 1, n)
        return (total[high] - total[low]) / np.maximum(count[high] - count[low], 1.0)
    padded = np.pad(x, reach, constant_values=np.nan)
    windows = np.sort(np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1), axis=1)
    count = np.isfinite(windows).sum(axis=1)
    at = np.clip(np.round(share * (count - 1)).astype(np.int64), 0, None)
    return windows[np.arange(n), at]


def intervals_s(seconds: Float[np.ndarray, " beat"]) -> Float[np.ndarray, " beat"]:
    """Return the interval before each beat, s; NaN before the first and across long gaps."""
    before = np.full(seconds.size, np.nan)
    if seconds.size > 1:
        step = np.diff(seconds)
        before[1:] = np.where((step > 0) & (step < NO_INTERVAL_S), step, np.nan)
    return before


def timing_features(seconds: Float[np.ndarray, " beat"]) -> Float[np.ndarray, "beat dim"]:
    """Describe when each beat comes.

    Parameters
    ----------
    seconds
        Time of each beat, ascending.

    Returns
    -------
    One row per beat, columns as `NAMES`; logarithms of ratios, 0 where an interval is not known.

    Notes
    -----
    Intervals before and after are set against the median of 15 beats on either side, against the
    long intervals of 30 on either side (their 80th percentile: where most beats are early, as in
    runs from the atria, those are the sinus intervals), and against the mean of 150 on either side,
    which long pauses lengthen.

    Examples
    --------
    >>> timing_features(np.array([0.0, 1.0, 2.0, 2.6, 4.0, 5.0]))[3, 0].round(2)
    np.float64(-0.51)
    """
    pre = intervals_s(seconds)
    post = np.append(pre[1:], np.nan)
    usual = running(pre, 15, 0.5)
    long, minutes, few = running(pre, 30, 0.8), running(pre, 150), running(pre, 5)
    last, next_ = np.append(np.nan, pre[:-1]), np.append(post[1:], np.nan)
    step = np.abs(np.log(pre / last))
    columns = [
        pre / usual, post / usual, last / usual, next_ / usual,
        pre / usual, pre / long, pre / minutes, pre / few, pre / last,
        post / pre, (pre + post) / (2 * usual), (pre + post) / (2 * minutes), post / long,
    ]  # fmt: skip
    with np.errstate(divide="ignore", invalid="ignore"):
        table = [np.clip(np.log(c), -_LIMIT, _LIMIT) for c in columns]
        mean = running(pre, 15)
        spread = np.sqrt(np.maximum(running(pre**2, 15) - mean**2, 0.0)) / mean
        table += [
            np.clip(pre, 0, 2.5), np.clip(usual, 0, 2.5),
            np.minimum(running(step, 15, 0.5), 1.0),
            np.minimum(spread, 1.0),
            np.minimum(running(np.abs(step - np.append(np.nan, step[:-1])), 15, 0.5), 1.0),
            np.clip(np.log(pre / next_), -_LIMIT, _LIMIT),
        ]  # fmt: skip
    return np.nan_to_num(np.stack(table, axis=1))
