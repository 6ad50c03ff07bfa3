# SPDX-License-Identifier: Apache-2.0
"""Put the mark of a beat where an annotator would put it.

On one lead every beat offers two places, its highest point and its deepest; a tiny network, fitted
to the annotators of the MIT-BIH database, chooses from their heights, sharpness and order. Over
several leads the place is the largest joint deflection, so that it does not hang on one lead.
Either is then moved to the extremum at the full rate, after smoothing over about 18 ms.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from precordia.delineation.rpeaks_features import PAD, to_working_rate

HALF = 27
HIDDEN = 8
N_CHOICE = 10
NAMES = ("a3", "b3", "c3", "d3")
_REACH = 17
_WIDTH = 11.0
_FIRST = 0.9
_BEFORE = 22
_LEAST = 0.02
_BESIDE = np.array([-3, 3, -8, 8])[:, None]
_BLUR_S = 0.018
_OFFSET = np.arange(-HALF, HALF + 1)
_TAPER = (np.exp(-0.5 * (_OFFSET / _WIDTH) ** 2) * (np.abs(_OFFSET) <= _REACH)).astype(np.float32)


def windows(
    work: Float[np.ndarray, " _"], at: Int[np.ndarray, " beat"]
) -> Float[np.ndarray, "beat _"]:
    """Cut the stretch around each beat from a padded working lead, above the level before it."""
    window = work.take((at + PAD)[:, None] + _OFFSET)
    before = np.sort(window[:, :_BEFORE], axis=1)
    window -= (before[:, _BEFORE // 2 - 1, None] + before[:, _BEFORE // 2, None]) * 0.5
    return window


def two_choices(
    window: Float[np.ndarray, "beat _"],
) -> tuple[Float[np.ndarray, "beat dim"], Int[np.ndarray, " beat"], Int[np.ndarray, " beat"]]:
    """Give the numbers the choice rests on, and the columns of the highest and deepest point."""
    n = len(window)
    both = np.empty((2, n, 2 * HALF + 1), np.float32)
    np.multiply(window, _TAPER, out=both[0])
    np.negative(both[0], out=both[1])
    both = both.reshape(2 * n, -1)
    inner = both[:, 1:-1]
    least = np.maximum(_FIRST * both.max(1), 1e-9)[:, None]
    turn = (inner >= both[:, :-2]) & (inner >= both[:, 2:])
    turn &= inner >= least
    j = turn.argmax(1)
    row = np.arange(2 * n)
    none = ~turn[row, j]
    j += 1
    if none.any():
        j[none] = both[none].argmax(1)
    start = np.empty((2, n), np.int64)
    start[:] = np.arange(0, n * window.shape[1], window.shape[1])
    start = start.ravel()
    flat = window.ravel()
    value = flat.take(start + j)
    shape = np.empty((3, 2 * n), np.float32)
    shape[0] = value
    near = j + _BESIDE
    np.minimum(np.maximum(near, 0, out=near), 2 * HALF, out=near)
    near += start
    beside = flat.take(near)
    beside *= 0.5
    np.subtract(value, beside[0] + beside[1], out=shape[1])
    np.subtract(value, beside[2] + beside[3], out=shape[2])
    shape = shape.reshape(3, 2, n)
    np.negative(shape[:, 1], out=shape[:, 1])
    least = np.maximum(shape[0, 0], shape[0, 1])
    least *= _LEAST
    np.maximum(least, 1e-6, out=least)
    np.maximum(shape, least, out=shape)
    up, down = j.reshape(2, n)
    gap = (down - up) * 0.1
    out = np.empty((n, N_CHOICE), np.float32)
    out[:, :3] = np.log(shape[:, 0] / shape[:, 1]).T
    out[:, 3] = np.minimum(np.maximum(gap, -3.0), 3.0)
    out[:, 4] = np.abs(gap)
    out[:, 7] = (up - HALF) * 0.1
    out[:, 8] = (down - HALF) * 0.1
    np.abs(out[:, 7:9], out=out[:, 5:7])
    out[:, 9] = np.tanh(gap * (10 / 3))
    return out, up, down


def place_on_lead(lead, work, at, grid, fs, nets):
    """Give the sample of each beat on one lead."""
    if not len(at):
        return np.zeros(0, np.int64)
    x, up, down = two_choices(windows(work, at))
    a, b, c, d = nets
    upward = (np.tanh(x @ a + b) @ c)[:, 0] + d[0] > 0.0
    at = at + np.where(upward, up, down) - HALF
    around, blur = _around(at, grid, fs, len(lead))
    total = np.cumsum(lead.take(around), axis=1)
    value = total[:, blur:] - total[:, :-blur]
    value *= np.where(upward, 1.0, -1.0).astype(np.float32)[:, None]
    return around[np.arange(len(at)), value.argmax(1) + blur // 2 + 1]


def place_jointly(signal, at, grid, fs, weight):
    """Give the sample of each beat where the deflections of all leads together are largest.

    ``weight`` is how much each lead counts at each beat, ``(lead, beat)``.
    """
    if not len(at):
        return np.zeros(0, np.int64)
    joint = np.zeros((len(at), 2 * HALF + 1), np.float32)
    for lead, w in zip(signal, weight, strict=True):
        window = windows(to_working_rate(lead[None], grid)[0], at)
        joint += w[:, None] * window * window
    joint *= _TAPER * _TAPER
    work = at + joint.argmax(1) - HALF
    around, blur = _around(work, grid, fs, signal.shape[1])
    total = np.zeros(around.shape, np.float32)
    before = ((at - HALF) * grid.step)[:, None] + np.arange(0, _BEFORE * grid.step, grid.step)
    np.clip(before, 0, signal.shape[1] - 1, out=before)
    for lead, w in zip(signal, weight, strict=True):
        base = np.sort(lead.take(before), axis=1)[:, _BEFORE // 2, None]
        v = lead.take(around) - base
        total += w[:, None] * v * v
    total = np.cumsum(total, axis=1)
    value = total[:, blur:] - total[:, :-blur]
    return around[np.arange(len(at)), value.argmax(1) + blur // 2 + 1]


def _around(work, grid, fs, n):
    """List the samples near a working sample, and over how many of them to smooth (about 18 ms)."""
    blur = 2 * max(1, round(_BLUR_S / 2 * fs)) + 1
    margin = round(0.006 * fs) + blur // 2
    place = (work * grid.step)[:, None] + np.arange(-margin - 1, grid.step + margin)
    return np.clip(place, 0, n - 1, out=place), blur
